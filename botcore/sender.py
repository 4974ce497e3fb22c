"""Takes what is to be sent to its end: keeps the pace, asks what arrived, sends once more where nobody can tell.

An outgoing part's life, each step committed before the next: ``pending → sending → sent | failed | uncertain``.
*Uncertain* (it may have arrived) is settled by asking the platform where it can be asked, else by one more send,
never more; where the process died in the middle of that one, the next process has one of its own. An edit leaves one
message however often it is made, so it is made again until the platform has answered; where that refuses it, the
part is sent as a new message.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from botcore.clock import Clock
from botcore.dispatch import FAILURES, travels_on
from botcore.errors import Rejected, Retry, StoreUnavailable, Unknown, in_a_line
from botcore.failpoints import failpoint
from botcore.messages import Feedback
from botcore.observe import Metrics
from botcore.pace import Pace, Seldom
from botcore.ports import Channel, Part
from botcore.store import Claim, Handover, OutboxRow, Store

__all__ = ["Sender"]

log: logging.Logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_ATTEMPTS = 300
"""Sends of one part before it is given up: a day of outage at the five minutes a channel asks for at most."""

QUICK_TRIES = 10
"""At the pace a channel asks for; from then on each try waits a second longer than the one before: a channel that asks
for one second whatever happens has half a day of outage, too, and not five minutes."""

CALL_S = 300.0
"""A call of a channel that takes longer counts as one without an answer. Ours end by themselves: a request is given up
within a minute, a send makes four at most, and Slack's `find` waits three times a minute for a limit."""

NOTE_PAUSE_S = 1.0
"""Between tries to write down what a platform has answered."""

RESEND_AFTER_S = 20.0
"""Between a call without an answer and the next try: what a platform suffers from is seldom over within a second. An
HTTP client keeps idle connections for 15, so none that went under together with the first call's is used again."""

LONG_WAIT_S = 60.0
"""What a channel asks for where an operator must act, or a network has been gone as long: worth a warning."""

TOLD_EVERY_S = 60.0
"""Between two lines about what one channel waits for."""

MAX_SENDS = 4
"""Of one part whose senders died, each in the middle of it: then whoever sends it is ended by it."""


class _Way(NamedTuple):
    """Where parts go, and under which claim; the end of the last one gives the conversation back by ``release``."""

    channel: Channel
    claim: Claim
    release: Handover | None = None
    alone: AbstractAsyncContextManager[object] = nullcontext()
    """Held while a part may be in the air, and not while it waits to be sent."""


class Sender:
    """Takes outbox rows to their end. Holds what outlives a turn: the pace of each chat."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        metrics: Metrics,
        matched: Callable[[Sequence[Feedback]], Awaitable[None]],
    ) -> None:
        self.store = store
        self.clock = clock
        self.metrics = metrics
        self.pace: Pace = Pace(clock)
        self._told = Seldom(clock, TOLD_EVERY_S)
        self._matched = matched

    async def settle(self, channel: Channel, claim: Claim, rows: Sequence[OutboxRow], *, release: Handover) -> None:
        """Send every row in order, each to its end; ``release`` gives the conversation back with the last one.

        Raises `LeaseLost` when another process took over: it will go on from what is committed.
        """
        for place, row in enumerate(rows, 1):
            await self._settle(_Way(channel, claim, release if place == len(rows) else None), row)

    async def drop_anchor(
        self, channel: Channel, claim: Claim, part: Part, *, alone: AbstractAsyncContextManager[object]
    ) -> OutboxRow:
        """The placeholder as it ended; the conversation stays claimed.

        ``alone`` is not held while it has to wait: cancelled then, it has left nothing in the air.
        """
        way = _Way(channel, claim, alone=alone)
        async with alone:
            row = await self.store.begin_anchor(claim, part)
            failpoint("anchor.sending")
            row = row if row.state == "pending" else await self._through(way, row)
        return await self._settle(way, row)

    async def take_over(self, channel: Channel, claim: Claim) -> None:
        """Settle what an earlier owner of the conversation left: its sends in the air are uncertain now."""
        for row in claim.parts:
            left = await self.store.uncertain(claim, row.part.id) if row.state == "sending" else row
            if left.state == "uncertain" and left.resends + 1 < MAX_SENDS:
                left = replace(left, resends=0)  # whether the one more send was made, nobody lives to tell
            await self._settle(_Way(channel, claim), left)

    async def _settle(self, way: _Way, row: OutboxRow) -> OutboxRow:
        while row.state not in ("sent", "failed"):
            if row.state == "pending":
                failpoint("outbox.pending")
                await self._wait(way.channel, row)
            async with way.alone:
                row = await self._through(way, row)
        return row

    async def _through(self, way: _Way, row: OutboxRow) -> OutboxRow:
        """The row when it is surely not in the air."""
        if row.state == "pending":
            row = await self.store.begin_sending(way.claim, row.part.id)
        while row.state in ("sending", "uncertain"):
            row = await (self._attempt if row.state == "sending" else self._resolve)(way, row)
        return row

    async def _attempt(self, way: _Way, row: OutboxRow) -> OutboxRow:
        failpoint("outbox.sending")
        try:
            platform_id = await self._call(way.channel, row.part)
        except Retry as refused:
            return await self._refused(way, row, refused)
        except Rejected as refused:
            return await (self._displaced if row.part.platform_id else self._failed)(way, row, str(refused))
        except FAILURES as error:
            if travels_on(error):
                raise
            return await self._unanswered(way, row, error)
        failpoint("outbox.called")
        return await self._sent(way, row, platform_id)

    async def _call(self, channel: Channel, part: Part) -> str:
        async with self.clock.timeout(CALL_S):
            if not part.platform_id:
                return _id(channel, await channel.send(part))
            await channel.edit(part.platform_id, part)
            return part.platform_id

    async def _unanswered(self, way: _Way, row: OutboxRow, error: BaseException) -> OutboxRow:
        self._count(way.channel, "uncertain")
        log.warning("%s: outcome of a send unknown: %s", way.channel.name, in_a_line(error))
        repeatable = bool(row.part.platform_id) and row.attempt < MAX_ATTEMPTS
        row = await self._note(partial(self.store.uncertain, way.claim, row.part.id, repeatable=repeatable))
        failpoint("outbox.uncertain")
        return replace(row, not_before=self.clock.now() + RESEND_AFTER_S)

    async def _refused(self, way: _Way, row: OutboxRow, refused: Retry) -> OutboxRow:
        self._count(way.channel, "retry")
        after = max(refused.after, row.attempt - QUICK_TRIES)
        self._tell(way.channel, after, refused)
        failpoint("outbox.refused")
        if row.attempt >= MAX_ATTEMPTS:
            return await self._failed(way, row, f"given up after {row.attempt} tries")
        not_before = self.clock.now() + after
        self.pace.hold(way.channel, row.part.conversation, after)
        await self._note(partial(self.store.unsent, way.claim, row.part.id, not_before=not_before))
        failpoint("outbox.unsent")
        return replace(row, state="pending", not_before=not_before)

    async def _displaced(self, way: _Way, row: OutboxRow, reason: str) -> OutboxRow:
        """Where the placeholder is gone (a moderator deleted it), the reply is a message of its own."""
        self._count(way.channel, "displaced")
        log.info("%s: a message could not be edited, so a new one is sent: %s", way.channel.name, reason)
        await self._note(partial(self.store.displaced, way.claim, row.part.id))
        return replace(row, state="pending")

    async def _resolve(self, way: _Way, row: OutboxRow) -> OutboxRow:
        """Ask whether an uncertain part arrived; where nobody can tell, send it once more, never twice."""
        if found := await self._found(way.channel, row):
            return await self._sent(way, row, found)
        if row.resends >= 1:
            return await self._failed(way, row, "may have arrived; sent twice already")
        later = row.not_before > self.clock.now()
        await self._wait(way.channel, row)
        if later and (found := await self._found(way.channel, row)):  # platforms show some messages late
            return await self._sent(way, row, found)
        row = await self.store.resending(way.claim, row.part.id)
        failpoint("outbox.resending")
        return row

    async def _found(self, channel: Channel, row: OutboxRow) -> str | None:
        if not channel.capabilities(row.part.conversation).can_find:
            return None
        try:
            async with self.clock.timeout(CALL_S):
                return await channel.find(row.part, row.started_at)
        except FAILURES as error:  # whatever it is: not known, as with a send
            if travels_on(error):
                raise
            log.info("%s: cannot be asked what has arrived: %s", channel.name, in_a_line(error))
            return None

    async def _wait(self, channel: Channel, row: OutboxRow) -> None:
        # From the attempt on: where the clock was set back meanwhile, no longer than the platform has asked for.
        await self.clock.sleep(max(0.0, row.not_before - max(self.clock.now(), row.started_at)))
        await self.pace.wait(channel, row.part.conversation)

    async def _sent(self, way: _Way, row: OutboxRow, platform_id: str) -> OutboxRow:
        self._count(way.channel, "sent")
        matched = await self._note(partial(self.store.sent, way.claim, row.part.id, platform_id, release=way.release))
        failpoint("outbox.sent")
        if matched:
            await self._matched(matched)
        return replace(row, state="sent", part=replace(row.part, platform_id=platform_id))

    async def _failed(self, way: _Way, row: OutboxRow, reason: str) -> OutboxRow:
        self._count(way.channel, "failed")
        log.warning("%s: a message could not be delivered: %s", way.channel.name, reason)
        release = way.release is not None
        await self._note(partial(self.store.failed, way.claim, row.part.id, reason, release=release))
        return replace(row, state="failed", reason=reason)

    async def _note(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write down what the platform has answered, however long it takes: what is forgotten would be sent again."""
        while True:
            try:
                return await write()
            except StoreUnavailable:  # the store has said so in the log
                await self.clock.sleep(NOTE_PAUSE_S)

    def _tell(self, channel: Channel, after: float, refused: Retry) -> None:
        level = logging.WARNING if after >= LONG_WAIT_S else logging.INFO
        if self._told.passes((channel.name, level)):
            log.log(level, "%s: a message waits %g s: %s", channel.name, after, refused)

    def _count(self, channel: Channel, result: str) -> None:
        self.metrics.sends.labels(channel.name, result).inc()


def _id(channel: Channel, sent: object) -> str:
    """What `Channel.send` has returned. Nobody knows what arrived where that is no id."""
    if isinstance(sent, str) and sent:
        return sent
    got = "an empty text" if sent == "" else type(sent).__name__
    raise Unknown(f"{channel.name}.send returned {got}; it must return the platform's id")
