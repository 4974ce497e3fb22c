"""The durable core: inbox, leases, turns, outbox, history, feedback. Only this package knows SQL."""

from botcore.store.caps import Who, who
from botcore.store.encoding import clean_text
from botcore.store.locks import running_at
from botcore.store.notices import Notice
from botcore.store.records import Accepted, Claim, DeadLetter, Handover, OutboxRow, TurnEnd
from botcore.store.store import Store

__all__ = [
    "Accepted",
    "Claim",
    "DeadLetter",
    "Handover",
    "Notice",
    "OutboxRow",
    "Store",
    "TurnEnd",
    "Who",
    "clean_text",
    "running_at",
    "who",
]
