"""The way in: what channels hand over is committed, and only then acknowledged and worked on."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from botcore.admission import Admission
from botcore.errors import StoreUnavailable
from botcore.failpoints import failpoint
from botcore.house import House
from botcore.leader import Leadership
from botcore.messages import Control, Feedback, Incoming, Message
from botcore.ports import Receipt
from botcore.router import Router
from botcore.store import Accepted

__all__ = ["Intake"]


class Intake:
    """`ports.Inbox` of a running bot."""

    def __init__(
        self,
        house: House,
        router: Router,
        admission: Admission,
        leadership: Leadership,
        *,
        group: asyncio.TaskGroup,
        open: Callable[[], bool],
    ) -> None:
        """``open`` says whether records are taken at all now; ``group`` is parent of what must outlive its caller."""
        self._house = house
        self._router = router
        self._admission = admission
        self._leadership = leadership
        self._group = group
        self._open = open
        self._accepting: set[asyncio.Task[list[Receipt] | Exception]] = set()

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        """See `ports.Inbox`. Shielded: a caller that goes away must not leave a claim nobody works on."""
        if not self._open():
            raise StoreUnavailable("the bot is starting or stopping; send it again in a moment")
        records = [_order(self._checked(record)) for record in records]
        if self.full and any(isinstance(record, Message) for record in records):
            raise StoreUnavailable(self.full)
        accepting = self._group.create_task(self._accepted(records), name="accept")
        self._accepting.add(accepting)
        accepting.add_done_callback(self._accepting.discard)
        outcome = await asyncio.shield(accepting)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _checked(self, record: Incoming) -> Incoming:
        """What would be lost later, without a word, is refused to who made it."""
        kind, channel, there = type(record).__name__, record.conversation.channel, self._house.channels
        if not record.event_id:
            raise ValueError(f"{kind}(event_id=''): it must name the delivery, or the next one passes for it")
        if channel not in there:
            names = ", ".join(there)
            raise ValueError(f"{kind}: there is no channel {channel!r}, but {names}: use the channel's own `name`")
        return record

    async def settled(self) -> None:
        """Return when nothing is being accepted any more: what was has been submitted, and is no death at the end."""
        while self._accepting:
            await asyncio.wait(self._accepting)

    @property
    def full(self) -> str:
        """See `ports.Inbox`."""
        return self._admission.full

    async def room(self) -> None:
        """See `ports.Inbox`."""
        await self._admission.room()

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        """See `ports.Inbox`."""
        await self._house.store.dead_letter(
            channel=channel, account=account, event_id=event_id, payload=payload, reason=reason
        )

    def lead(self, name: str) -> AbstractAsyncContextManager[None]:
        """See `ports.Inbox`."""
        return self._leadership.lead(name)

    async def _accepted(self, records: Sequence[Incoming]) -> list[Receipt] | Exception:
        try:
            return await self.take(records)
        except Exception as error:  # raised in the group it would end the bot; it is the caller's to handle
            self._router.leases.doubt()
            return error

    async def take(self, records: Sequence[Incoming]) -> list[Receipt]:
        """Commit and act on what a turn itself hands in: it is taken while the bot stops, too."""
        failpoint("accept.begin")
        limits = self._house.settings
        accepted = await self._house.store.accept(
            records,
            lease_s=limits.lease_s,
            waiting_per_chat=limits.waiting_per_chat,
            waiting_per_person=limits.waiting_per_person,
            held=self._router.held,
        )
        failpoint("accept.committed")
        for one in accepted:
            await self._act_on(one)
        for one in accepted:  # last: plugins may take their time over a verdict
            if one.feedback:
                await self._house.judged([one.feedback])
        return [self._admission.receipt(one) for one in accepted]

    async def _act_on(self, one: Accepted) -> None:
        if one.stops:
            self._router.stop(one.stops)
        if one.claim and self._router.running:
            self._router.submit(one.claim)
        elif one.claim:  # committed when the time to end was over
            await self._router.leases.put_back(one.claim)
        elif isinstance(one.record, Message | Control):
            self._router.waits(one.record.conversation.key)


def _order(record: Incoming) -> Incoming:
    """The text ``/stop`` is an order, not a message, by an edit too: it must not wait behind what it stops."""
    of_a_program = isinstance(record, Message) and record.sampling is not None
    if isinstance(record, Feedback) or of_a_program or record.text.strip().lower() != "/stop":
        return record
    return Control(event_id=record.event_id, conversation=record.conversation, person=record.person, kind="stop")
