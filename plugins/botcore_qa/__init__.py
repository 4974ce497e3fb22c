"""The `qa` plugin: answers from documents with citations, also while the engine loads.

`ingest` and `MIGRATIONS` are for the command line; the rest is inside.
"""

from botcore_qa.index import MIGRATIONS
from botcore_qa.ingest import Progress, Refused, Report, Summary, ingest
from botcore_qa.plugin import QA
from botcore_qa.settings import QASettings

__all__ = ["MIGRATIONS", "QA", "Progress", "QASettings", "Refused", "Report", "Summary", "ingest"]
