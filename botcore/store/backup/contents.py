"""What lies in a database, on either kind: schema revisions, and counts that tell a person which one it is."""

import sqlalchemy as sa

from botcore.errors import StoreError
from botcore.store import schema
from botcore.store.conditions import IS_OPEN, IS_UNSETTLED
from botcore.store.tables import conversation, feedback, inbox, outbox, turn

__all__ = ["Counts", "look"]

Counts = dict[str, int]

_COUNTED = {
    "conversations": sa.select(sa.func.count()).select_from(conversation),
    "exchanges": sa.select(sa.func.count()).select_from(turn),
    "judgements": sa.select(sa.func.count()).select_from(feedback),
    "waiting": sa.select(sa.func.count()).select_from(inbox).where(IS_OPEN),
    "unsent": sa.select(sa.func.count()).select_from(outbox).where(IS_UNSETTLED),
}


def look(connection: sa.Connection) -> tuple[dict[str, str], Counts]:
    """Schema revisions (``core``, and a plugin's by its name) and counts. Raises `StoreError` where it is not ours."""
    revisions = schema.revisions(connection)
    if "core" not in revisions:
        raise StoreError("the database holds no tables of botcore: start the bot once, or check [store] url")
    return revisions, {what: connection.execute(count).scalar_one() for what, count in _COUNTED.items()}
