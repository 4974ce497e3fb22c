"""Messages that end their process: a first death makes a suspect, a second by a fault of its own a dead letter.

A message found running under an owner that never gave it back was in work when its process died. Usually it is one of
many, and innocent. So a suspect waits again, with its conversation claimed, until its trial begins, and each process
tries one at a time beside everybody else (`botcore.trial`): the next death accuses one message only.

    running, owner gone ── 1st death ──> suspect ── trial ── died again ──> dead
                                           ^ │                 └ gone on well ──> as if nothing had been
                                           └─┘ released or put back

Whoever is killed from outside while it tries a suspect would accuse an innocent. Where a fault of the process is on
record (`seat.py`) the second death in a row counts; where nothing is known (kill -9, no memory, no power) the fourth:
with a kill every five seconds one innocent suspect in thirty is hit again, and a third death was not rare enough.

A process that lost its lease without dying (stopped for a minute, database out of reach) looks dead to the others; as
soon as it notices it says so (`absolve`).
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from botcore.messages import Message
from botcore.store import letters, outbox
from botcore.store.conditions import IS_OPEN, IS_STOPPED
from botcore.store.encoding import decode_message
from botcore.store.fence import fence, lost
from botcore.store.records import Claim
from botcore.store.sql import Statement, arg, const
from botcore.store.tables import conversation, inbox

__all__ = [
    "MAX_ATTEMPTS",
    "MAX_DEATHS",
    "MAX_FAULTS",
    "MAX_RUNS",
    "Found",
    "absolve",
    "acquit",
    "begin",
    "begin_trial",
    "bury",
    "hold",
    "judge",
]

MAX_ATTEMPTS = 3
"""Runs that may end without an outcome, the last by an error of ours; then it is a dead letter."""
MAX_FAULTS = 2
"""Deaths in a row, the last by a fault of the process; then it is a dead letter."""
MAX_DEATHS = 4
"""Deaths in a row of any kind."""
MAX_RUNS = 6
"""Runs that may end without an outcome at all. Bounds what kills its process later than a trial lasts; a long reply
may still be caught in other messages' deaths a few times."""

_RUN = Statement(
    sa.update(inbox).values(state=const("running"), attempts=inbox.c.attempts + const(1)).where(inbox.c.id == arg("id"))
)
_DIED = Statement(
    sa.update(inbox)
    .values(deaths=inbox.c.deaths + const(1), trace=inbox.c.trace + arg("trace"))
    .where(inbox.c.id == arg("id"))
)
_BURY = Statement(sa.update(inbox).values(state=const("dead"), reason=arg("reason")).where(inbox.c.id == arg("id")))
_WAIT = Statement(sa.update(inbox).values(state=const("waiting")).where(inbox.c.id == arg("id")))
_SUSPECT = Statement(
    sa.select(inbox.c.event_id, inbox.c.payload, IS_STOPPED.label("stopped"))
    .join(conversation, conversation.c.key == inbox.c.conversation)
    .where(inbox.c.id == arg("id"), inbox.c.state == const("waiting"))
    .with_for_update(of=inbox, key_share=True)
)
_ACQUIT = Statement(sa.update(inbox).values(deaths=const(0)).where(inbox.c.id == arg("id")))
_ABSOLVE = Statement(sa.update(inbox).values(deaths=const(0)).where(inbox.c.id == arg("id"), IS_OPEN))
_BURIED = Statement(
    sa.select(inbox.c.id).where(
        inbox.c.id == arg("id"), inbox.c.state == const("dead"), inbox.c.deaths >= const(MAX_FAULTS)
    )
)


class Found(NamedTuple):
    """What is known of a conversation's oldest open message."""

    deaths: int
    buried: str = ""
    """Why it is a dead letter from now on."""


def judge(connection: sa.Connection, found: Any, *, owner: str, mine: bool, faulted: bool, now: float) -> Found:
    """Count a death where ``owner``, the last one, never gave the message back; bury what was tried too often.

    ``mine``: the owner is who asks, and lives; it was stopped so long that its lease ran out.
    ``faulted``: a fault of the process ended it.
    """
    if found.state != "running":
        return Found(found.deaths)
    died = bool(owner) and not mine
    deaths = found.deaths + died
    if died:
        _DIED(connection, id=found.id, trace=_line(now, owner, found.attempts))
    reason = _too_often(found.attempts, deaths, most=MAX_FAULTS if faulted else MAX_DEATHS, died=bool(owner))
    return bury(connection, found, reason) if reason else Found(deaths)


def bury(connection: sa.Connection, found: Any, reason: str) -> Found:
    """A dead letter from now on, and nothing of it is sent any more."""
    _BURY(connection, id=found.id, reason=reason)
    outbox.abandon(connection, found.turn, reason)
    return Found(found.deaths, reason)


def _too_often(attempts: int, deaths: int, *, most: int, died: bool) -> str:
    if deaths >= most:
        return f"the process died {'twice' if deaths == 2 else f'{deaths} times'} while working on this"
    if attempts >= (MAX_RUNS if died else MAX_ATTEMPTS):
        return f"gave up after {attempts} attempts without an outcome"
    return ""


def _line(now: float, owner: str, attempt: int) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d %H:%M:%SZ} attempt {attempt}: process {owner} was gone\n"


def begin(connection: sa.Connection, message: int) -> None:
    """The work on it begins: an attempt is counted, and from now on a death."""
    _RUN(connection, id=message)


def hold(connection: sa.Connection, message: int) -> None:
    """Let a suspect wait for its trial: a death before its work begins is not its own."""
    _WAIT(connection, id=message)


def begin_trial(connection: sa.Connection, claim: Claim) -> bool:
    """A suspect's work begins. Whether it was stopped meanwhile.

    Raises `LeaseLost`, too, where its author has edited it (the next claim has the new text) or was forgotten.
    """
    fence(connection, claim)
    found = _SUSPECT(connection, id=claim.message_id).first()
    if found is None or _said(found, claim) != claim.message:
        raise lost(claim)
    begin(connection, claim.message_id)
    return bool(found.stopped)


def _said(found: Any, claim: Claim) -> Message:
    return decode_message(found.payload, event_id=found.event_id, conversation=claim.conversation)


def acquit(connection: sa.Connection, claim: Claim) -> None:
    """It goes on well: the next death is its first again."""
    fence(connection, claim)
    _ACQUIT(connection, id=claim.message_id)


def absolve(connection: sa.Connection, message: int, *, now: float) -> None:
    """Its process is alive, it only lost its lease: no death is counted, and what was buried for it runs again."""
    _ABSOLVE(connection, id=message)
    if _BURIED(connection, id=message).first() is not None:
        letters.retry(connection, message, now=now)
