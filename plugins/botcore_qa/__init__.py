"""The `qa` plugin: answers from documents with citations, also while the engine loads.

`ingest` and `MIGRATIONS` are for the command line; the rest is inside. Everything is loaded on first use only: the
child that reads a document (`botcore_qa.reader`) starts in a twentieth of a second instead of a third.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botcore_qa.index import MIGRATIONS as MIGRATIONS
    from botcore_qa.ingestion import Progress as Progress
    from botcore_qa.ingestion import Refused as Refused
    from botcore_qa.ingestion import Report as Report
    from botcore_qa.ingestion import Summary as Summary
    from botcore_qa.ingestion import ingest as ingest
    from botcore_qa.plugin import QA as QA
    from botcore_qa.settings import QASettings as QASettings

_WHERE = {
    "MIGRATIONS": "botcore_qa.index",
    "QA": "botcore_qa.plugin",
    "Progress": "botcore_qa.ingestion",
    "QASettings": "botcore_qa.settings",
    "Refused": "botcore_qa.ingestion",
    "Report": "botcore_qa.ingestion",
    "Summary": "botcore_qa.ingestion",
    "ingest": "botcore_qa.ingestion",
}

__all__ = ["MIGRATIONS", "QA", "Progress", "QASettings", "Refused", "Report", "Summary", "ingest"]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"botcore_qa has no {name}")
    return getattr(import_module(_WHERE[name]), name)
