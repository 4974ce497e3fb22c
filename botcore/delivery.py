"""One turn's way out, alike for all channels: progress while the text grows, then the whole of it, split and committed.

How each part then gets to the platform, exactly once as far as that can be, is `sender`.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from io import StringIO

from botcore.dispatch import FAILURES, travels_on
from botcore.errors import Retry, StoreError
from botcore.failpoints import failpoint
from botcore.messages import Chunk, Citation, Reply
from botcore.ports import PLACEHOLDER, Channel, Draft, Part, Phase
from botcore.sender import Sender
from botcore.split import split
from botcore.store import Claim, Handover, TurnEnd

__all__ = ["Delivery"]

log: logging.Logger = logging.getLogger(__name__)

PREVIEW_S = 60.0
"""A preview that takes longer is given up, for the reply waits for the one in the air. What our channels wait for a
connection and an answer is less."""


class Delivery:
    """One turn's way out: previews while the text grows, then the committed reply."""

    def __init__(self, sender: Sender, channel: Channel, claim: Claim) -> None:
        self.citations: list[Citation] = []
        self.excuse: str = ""
        """Said before the reply, where replies are messages; no part of what the bot has answered."""
        self._text = StringIO()  # thousands of pieces: to add each to a text would copy that text as often
        self._sender = sender
        self._channel = channel
        self._claim = claim
        self._can = channel.capabilities(claim.conversation)
        self._phase: tuple[Phase, str] = ("writing", "")
        self._anchor = claim.anchor
        self._dirty = asyncio.Event()
        self._showing = asyncio.Lock()

    @property
    def text(self) -> str:
        """All that was written so far."""
        return self._text.getvalue()

    @property
    def length(self) -> int:
        """Its characters."""
        return self._text.tell()

    def write(self, chunk: Chunk) -> None:
        """Add to the text; a preview follows at the channel's pace."""
        self._text.write(chunk.text)
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
        quoted = ""
        if message and not self._claim.conversation.private:
            quoted = message.platform_id or message.reply_to  # a press has no message of its own
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
                reply_to=quoted,
                platform_id=anchor if number == 0 else "",
            )
            for number, text in enumerate(texts)
        ]

    async def _pump(self) -> None:
        await self._dirty.wait()
        if self._can.progress_after:
            await self._sender.clock.sleep(self._can.progress_after)
        try:
            if self._can.progress == "anchor" and not (self._anchor and self._anchor.part.platform_id):
                await self._room()
                await self._drop_anchor()
            while True:
                await self._dirty.wait()
                await self._room()
                async with self._showing:
                    asked = await self._preview()
                # Outside, as all waiting is: a reply that is finished meanwhile is committed at once.
                await self._sender.clock.sleep(max(asked, self._can.progress_every))
        except StoreError as error:  # the commit of the reply will find the same, and decide
            log.debug("%s: no more previews: %s", self._channel.name, error)

    async def _room(self) -> None:
        """Return when one more may be shown, and what follows it need not wait for it."""
        if self._can.progress_counts:
            await self._sender.pace.wait(self._channel, self._claim.conversation, leaves=1)

    async def _preview(self) -> float:
        """Show what there is now; how many seconds the platform asks to wait."""
        self._dirty.clear()
        phase, note = self._phase
        return await self._show(self._draft(phase=phase, note=note))

    async def _drop_anchor(self) -> None:
        """Post the placeholder that later becomes the reply: an edit can be repeated safely, a send cannot."""
        placeholder = Reply(id=self._claim.turn, conversation=self._claim.conversation, text=PLACEHOLDER)
        part = self._parts(placeholder)[0]
        self._anchor = await self._sender.drop_anchor(self._channel, self._claim, part, alone=self._showing)
        failpoint("anchor.sent")

    async def _show(self, draft: Draft) -> float:
        try:
            async with self._sender.clock.timeout(PREVIEW_S):
                await self._channel.show(draft)
        except Retry as refused:  # said of the chat, so of the final text as well
            self._sender.pace.hold(self._channel, self._claim.conversation, refused.after)
            return refused.after
        except FAILURES as error:
            if travels_on(error):
                raise
            log.debug("%s: a preview could not be shown", self._channel.name, exc_info=True)
        return 0.0

    def _draft(self, *, phase: Phase, note: str = "", reply: Reply | None = None) -> Draft:
        return Draft(
            conversation=self._claim.conversation,
            turn=self._claim.turn,
            message=self._claim.message_id,
            text=self.text,
            phase=phase,
            note=note,
            reply=reply,
            platform_id=self._anchor.part.platform_id if self._anchor else "",
        )
