"""One streaming state machine for all channels: show progress, split, keep the pace, send the final text exactly once.

An outgoing part's life, each step committed before the next: ``pending → sending → sent | failed | uncertain``.
*Uncertain* (it may have arrived) is settled by asking the platform where it can be asked, else by one more send,
never more; where the process died in the middle of that one, the next process has one of its own. An edit leaves one
message however often it is made, so it is made again until the platform has answered; where that refuses it, the
part is sent as a new message.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TypeVar

from botcore.clock import Clock
from botcore.errors import Rejected, Retry, StoreError, StoreUnavailable
from botcore.failpoints import failpoint
from botcore.messages import Chunk, Citation, Feedback, Reply
from botcore.observe import Metrics
from botcore.pace import Pace
from botcore.ports import PLACEHOLDER, Channel, Draft, Part
from botcore.split import split
from botcore.store import Claim, Handover, OutboxRow, Store, TurnEnd

__all__ = ["Delivery", "Sender"]

log: logging.Logger = logging.getLogger(__name__)
T = TypeVar("T")

MAX_ATTEMPTS = 300
"""Sends of one part before it is given up: a day of outage at the five minutes a channel asks for at most."""

NOTE_PAUSE_S = 1.0
"""Between tries to write down what a platform has answered."""

RESEND_AFTER_S = 20.0
"""Between a call without an answer and the next try: what a platform suffers from is seldom over within a second. An
HTTP client keeps idle connections for 15, so none that went under together with the first call's is used again."""

MAX_SENDS = 4
"""Of one part whose senders died, each in the middle of it: then whoever sends it is ended by it."""


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
        self._matched = matched

    async def settle(self, channel: Channel, claim: Claim, rows: Sequence[OutboxRow], *, release: Handover) -> None:
        """Send every row in order, each to its end; ``release`` gives the conversation back with the last one.

        Raises `LeaseLost` when another process took over: it will go on from what is committed.
        """
        for place, row in enumerate(rows):
            await self._settle(channel, claim, row, release=release if place == len(rows) - 1 else None)

    async def settle_one(self, channel: Channel, claim: Claim, row: OutboxRow) -> OutboxRow:
        """The row as it ended; the conversation stays claimed."""
        return await self._settle(channel, claim, row, release=None)

    async def take_over(self, channel: Channel, claim: Claim) -> None:
        """Settle what an earlier owner of the conversation left: its sends in the air are uncertain now."""
        for row in claim.parts:
            left = await self.store.uncertain(claim, row.part.id) if row.state == "sending" else row
            if left.state == "uncertain" and left.attempt < MAX_SENDS:
                left = replace(left, resends=0)  # whether the one more send was made, nobody lives to tell
            await self._settle(channel, claim, left, release=None)

    async def _settle(self, channel: Channel, claim: Claim, row: OutboxRow, *, release: Handover | None) -> OutboxRow:
        while row.state not in ("sent", "failed"):
            match row.state:
                case "pending":
                    failpoint("outbox.pending")
                    await self._wait(channel, row)
                    row = await self.store.begin_sending(claim, row.part.id)
                case "sending":
                    row = await self._attempt(channel, claim, row, release=release)
                case "uncertain":
                    row = await self._resolve(channel, claim, row, release=release)
        return row

    async def _attempt(self, channel: Channel, claim: Claim, row: OutboxRow, *, release: Handover | None) -> OutboxRow:
        failpoint("outbox.sending")
        try:
            platform_id = await self._call(channel, row.part)
        except Retry as refused:
            return await self._refused(channel, claim, row, refused.after, release=release)
        except Rejected as refused:
            if row.part.platform_id:
                return await self._displaced(channel, claim, row, str(refused))
            return await self._failed(channel, claim, row, str(refused), release=release)
        except Exception as error:
            self._count(channel, "uncertain")
            log.warning("%s: outcome of a send unknown: %s", channel.name, error)
            row = await self._note(partial(self.store.uncertain, claim, row.part.id))
            failpoint("outbox.uncertain")
            repeatable = row.part.platform_id and row.attempt < MAX_ATTEMPTS
            not_before = self.clock.now() + RESEND_AFTER_S
            return replace(row, resends=0 if repeatable else row.resends, not_before=not_before)
        failpoint("outbox.called")
        return await self._sent(channel, claim, row, platform_id, release=release)

    async def _call(self, channel: Channel, part: Part) -> str:
        if not part.platform_id:
            return await channel.send(part)
        await channel.edit(part.platform_id, part)
        return part.platform_id

    async def _refused(
        self, channel: Channel, claim: Claim, row: OutboxRow, after: float, *, release: Handover | None
    ) -> OutboxRow:
        self._count(channel, "retry")
        failpoint("outbox.refused")
        if row.attempt >= MAX_ATTEMPTS:
            return await self._failed(channel, claim, row, f"given up after {row.attempt} tries", release=release)
        not_before = self.clock.now() + after
        self.pace.hold(channel, row.part.conversation, after)
        await self._note(partial(self.store.unsent, claim, row.part.id, not_before=not_before))
        failpoint("outbox.unsent")
        return replace(row, state="pending", not_before=not_before)

    async def _displaced(self, channel: Channel, claim: Claim, row: OutboxRow, reason: str) -> OutboxRow:
        """Where the placeholder is gone (a moderator deleted it), the reply is a message of its own."""
        self._count(channel, "displaced")
        log.info("%s: a message could not be edited, so a new one is sent: %s", channel.name, reason)
        await self._note(partial(self.store.displaced, claim, row.part.id))
        return replace(row, state="pending")

    async def _resolve(self, channel: Channel, claim: Claim, row: OutboxRow, *, release: Handover | None) -> OutboxRow:
        """Ask whether an uncertain part arrived; where nobody can tell, send it once more, never twice."""
        if found := await self._found(channel, row):
            return await self._sent(channel, claim, row, found, release=release)
        if row.resends >= 1:
            return await self._failed(channel, claim, row, "may have arrived; sent twice already", release=release)
        later = row.not_before > self.clock.now()
        await self._wait(channel, row)
        if later and (found := await self._found(channel, row)):  # platforms show some messages late
            return await self._sent(channel, claim, row, found, release=release)
        row = await self.store.resending(claim, row.part.id)
        failpoint("outbox.resending")
        return row

    async def _found(self, channel: Channel, row: OutboxRow) -> str | None:
        if not channel.capabilities(row.part.conversation).can_find:
            return None
        try:
            return await channel.find(row.part, row.started_at)
        except Exception as error:  # whatever it is: not known, as with a send
            log.info("%s: cannot be asked what has arrived: %s", channel.name, error)
            return None

    async def _wait(self, channel: Channel, row: OutboxRow) -> None:
        await self.clock.sleep(max(0.0, row.not_before - self.clock.now()))
        await self.pace.wait(channel, row.part.conversation)

    async def _sent(
        self, channel: Channel, claim: Claim, row: OutboxRow, platform_id: str, *, release: Handover | None
    ) -> OutboxRow:
        self._count(channel, "sent")
        matched = await self._note(partial(self.store.sent, claim, row.part.id, platform_id, release=release))
        failpoint("outbox.sent")
        if matched:
            await self._matched(matched)
        return replace(row, state="sent", part=replace(row.part, platform_id=platform_id))

    async def _failed(
        self, channel: Channel, claim: Claim, row: OutboxRow, reason: str, *, release: Handover | None
    ) -> OutboxRow:
        self._count(channel, "failed")
        log.warning("%s: a message could not be delivered: %s", channel.name, reason)
        await self._note(partial(self.store.failed, claim, row.part.id, reason, release=release is not None))
        return replace(row, state="failed", reason=reason)

    async def _note(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write down what the platform has answered, however long it takes: what is forgotten would be sent again."""
        while True:
            try:
                return await write()
            except StoreUnavailable:  # the store has said so in the log
                await self.clock.sleep(NOTE_PAUSE_S)

    def _count(self, channel: Channel, result: str) -> None:
        self.metrics.sends.labels(channel.name, result).inc()


class Delivery:
    """One turn's way out: previews while the text grows, then the committed reply."""

    def __init__(self, sender: Sender, channel: Channel, claim: Claim) -> None:
        self.text: str = ""
        self.citations: list[Citation] = []
        self.excuse: str = ""
        """Said before the reply, where replies are messages; no part of what the bot has answered."""
        self._sender = sender
        self._channel = channel
        self._claim = claim
        self._can = channel.capabilities(claim.conversation)
        self._phase: tuple[str, str] = ("writing", "")
        self._anchor = claim.anchor
        self._dirty = asyncio.Event()
        self._showing = asyncio.Lock()

    def write(self, chunk: Chunk) -> None:
        """Add to the text; a preview follows at the channel's pace."""
        self.text += chunk.text
        self.citations += chunk.citations
        self._phase = ("writing", "")
        self._dirty.set()

    def waiting(self, note: str) -> None:
        """Tell the person what the reply waits for."""
        self._phase = ("waiting", note)
        self._dirty.set()

    def come_up(self) -> None:
        """What was said about waiting holds no longer; nothing is shown where nothing was said."""
        if self._phase[0] == "waiting":
            self.waiting("")

    @asynccontextmanager
    async def previews(self) -> AsyncIterator[None]:
        """Previews are shown while the body runs, and none is in the air afterwards."""
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(self._pump(), name=f"previews of {self._claim.turn}")
            try:
                yield
                await self._showing.acquire()  # a preview that arrives after the final text would undo it
            finally:
                pump.cancel()

    async def finish(self, end: TurnEnd, release: Handover) -> None:
        """Commit the reply in one transaction, then bring it out. Raises `LeaseLost`: nothing was committed or sent."""
        if self._can.progress == "pull":
            await self._sender.store.commit_turn(self._claim, replace(end, release=True))
            failpoint("turn.committed")
            await self._show(self._draft(phase="final", reply=end.reply))
            return
        parts = self._parts(end.reply, excuse=self.excuse)
        first_goes_now = bool(parts) and self._sender.pace.take(self._channel, self._claim.conversation)
        end = replace(end, parts=parts, sending=int(first_goes_now), release=not parts)
        rows = await self._sender.store.commit_turn(self._claim, end)
        failpoint("turn.committed")
        await self._sender.settle(self._channel, self._claim, rows, release=release)

    async def take_back(self) -> None:
        """This process says no more of this turn: another has it, or it was forgotten. What was shown may vanish."""
        await self._show(self._draft(phase="final"))

    def _parts(self, reply: Reply, *, excuse: str = "") -> list[Part]:
        """What a person sees as messages: the text, or where there is none, why."""
        reason = "" if reply.outcome == "answered" else reply.reason
        told = "\n\n".join(filter(None, (excuse, reply.text, reason)))
        texts = split(told, limit=self._can.text_limit, unit=self._can.text_unit)
        message = self._claim.message
        quoted = message.platform_id if message and not self._claim.conversation.private else ""
        anchor = self._anchor.part.platform_id if self._anchor else ""
        return [
            Part(
                id=f"{self._claim.turn}.{number}",
                turn=self._claim.turn,
                number=number,
                conversation=self._claim.conversation,
                text=text,
                citations=reply.citations if number == len(texts) - 1 else (),
                last=number == len(texts) - 1,
                ask_feedback=reply.judgeable and number == len(texts) - 1,
                reply_to=quoted if number == 0 else "",
                platform_id=anchor if number == 0 else "",
            )
            for number, text in enumerate(texts)
        ]

    async def _pump(self) -> None:
        await self._dirty.wait()
        if self._can.progress_after:
            await self._sender.clock.sleep(self._can.progress_after)
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            async with self._showing:
                try:
                    asked = await self._preview()
                except StoreError as error:  # the commit of the reply will find the same, and decide
                    log.debug("%s: no more previews: %s", self._channel.name, error)
                    return
            # Outside: a reply that is finished meanwhile is committed at once.
            await self._sender.clock.sleep(max(asked, self._can.progress_every))

    async def _preview(self) -> float:
        """Show what there is now; how many seconds the platform asks to wait."""
        if self._can.progress == "anchor" and not self._anchored():
            await self._drop_anchor()
        phase, note = self._phase
        return await self._show(self._draft(phase=phase, note=note))

    def _anchored(self) -> bool:
        return bool(self._anchor and self._anchor.part.platform_id)

    async def _drop_anchor(self) -> None:
        """Post the placeholder that later becomes the reply: an edit can be repeated safely, a send cannot."""
        placeholder = self._parts(Reply(id=self._claim.turn, conversation=self._claim.conversation, text=PLACEHOLDER))[
            0
        ]
        row = await self._sender.store.begin_anchor(self._claim, placeholder)
        failpoint("anchor.sending")
        self._anchor = await self._sender.settle_one(self._channel, self._claim, row)
        failpoint("anchor.sent")

    async def _show(self, draft: Draft) -> float:
        try:
            await self._channel.show(draft)
        except Retry as refused:  # said of the chat, so of the final text as well
            self._sender.pace.hold(self._channel, self._claim.conversation, refused.after)
            return refused.after
        except Exception:
            log.debug("%s: a preview could not be shown", self._channel.name, exc_info=True)
        return 0.0

    def _draft(self, *, phase: str, note: str = "", reply: Reply | None = None) -> Draft:
        return Draft(
            conversation=self._claim.conversation,
            turn=self._claim.turn,
            message=self._claim.message_id,
            text=self.text,
            phase=phase,  # type: ignore[arg-type]
            note=note,
            reply=reply,
            platform_id=self._anchor.part.platform_id if self._anchor else "",
        )
