"""The store as a message's life calls it: a method per thing that can be asked, run on the store's threads."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice

import sqlalchemy as sa

from botcore.messages import Entry, Feedback, Incoming, Message, Outcome, Reply
from botcore.ports import Part
from botcore.store import caps, claims, feedback, history, inbox, leader, leases, poison, releases, sends, turns
from botcore.store.caps import Who
from botcore.store.encoding import clean_text
from botcore.store.housekeeping import Housekeeping
from botcore.store.notices import notify
from botcore.store.records import Accepted, Claim, Handover, OutboxRow, TurnEnd

__all__ = ["Store"]

_NOBODY: Mapping[Who, int] = {}


class Store(Housekeeping):
    """The durable core: inbox, leases, turns, outbox, history, feedback.

    ``url`` is ``sqlite:///path`` or ``postgresql://…``. Every method that takes a claim raises `LeaseLost` where
    another process has taken the conversation over; every method raises `StoreUnavailable` where nothing was stored.
    """

    def _opened(self, connection: sa.Connection) -> None:
        """What a dead process held is free at once: the lock says that nobody else is alive, or who it was."""
        if self._seat and self.dialect == "sqlite":
            leases.drop_all(connection)
        elif self.former.owner:
            leases.drop_of(connection, self.former.owner)
            leader.drop(connection, self.former.owner)
        if self._seat:
            leases.time_went_back(connection, now=self._clock.now())  # it may have while nobody looked

    def _claimant(self, lease_s: float, channels: tuple[str, ...] | None) -> claims.Claimant:
        faulted = self.former.owner if self.former.faulted else ""
        now = self._clock.now()
        return claims.Claimant(owner=self.owner, now=now, lease_s=lease_s, faulted=faulted, channels=channels)

    # -------------------------------------------------------------- inbox

    async def accept(
        self,
        records: Sequence[Incoming],
        *,
        lease_s: float = 30,
        waiting_per_chat: int = 20,
        waiting_per_person: int = 20,
        held: Mapping[Who, int] = _NOBODY,
    ) -> list[Accepted]:
        """What each record has set in motion, after the commit, in the order given.

        ``held`` says how many conversations this process now works on for whom.
        """
        by = inbox.Acceptor(
            owner=self.owner,
            now=self._clock.now(),
            lease_s=lease_s,
            waiting_per_chat=waiting_per_chat,
            waiting_per_person=waiting_per_person,
            held=dict(held),
        )
        return await self.write(inbox.accept, records, by)

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        """Keep an authentic delivery that cannot be used."""
        await self.write(
            inbox.insert_raw,
            channel=channel,
            account=clean_text(account),
            event_id=clean_text(event_id),
            payload=clean_text(payload),
            reason=clean_text(reason),
            now=self._clock.now(),
        )

    async def waiting(self, most: int, *, channels: tuple[str, ...] | None = None) -> int:
        """How many messages wait behind others, in these channels or in all; counts no further than ``most``."""
        return await self.read(caps.waiting, most, channels)

    async def claim_next(self, *, lease_s: float = 30) -> Claim | None:
        """The free conversation that has waited longest, None where nothing waits: backlog, takeover, restart."""
        return next(iter(await self.claim_some(1, lease_s=lease_s)), None)

    async def claim_some(
        self, most: int, *, lease_s: float = 30, channels: tuple[str, ...] | None = None
    ) -> list[Claim]:
        """As `claim_next`, up to ``most`` in one commit: alone in its commit a claim costs a sync of the disk.

        ``channels``: those this process has; what belongs to another one waits for it.
        """
        by = self._claimant(lease_s, channels)

        def claim(connection: sa.Connection) -> list[Claim]:
            return list(islice(iter(partial(claims.claim_next, connection, by), None), most))

        return await self.write(claim)

    async def leave(self) -> None:
        """Tell the other processes that something waits which this one, as it stops, will not claim."""
        await self.write(notify, "left", "")

    async def begin_trial(self, claim: Claim) -> bool:
        """The claimed suspect's work begins: from now on a death of this process counts against it.

        Returns whether it was stopped or taken back meanwhile. `LeaseLost`, too, where its author has edited it or was
        forgotten.
        """
        return await self.write(poison.begin_trial, claim)

    async def acquit(self, claim: Claim) -> None:
        """The suspect that is running has gone on well: the next death of its process counts as its first."""
        await self.write(poison.acquit, claim)

    async def absolve(self, claim: Claim) -> None:
        """This process lost the claim but is alive: its message saw no death, and runs again if it was buried so."""
        await self.write(poison.absolve, claim.message_id, now=self._clock.now())

    async def heartbeat(self, *, lease_s: float = 30) -> set[tuple[str, int]]:
        """Extend every lease of this process to ``lease_s`` seconds from now; the (conversation, epoch) it holds."""
        return await self.write(leases.extend, owner=self.owner, until=self._clock.now() + lease_s)

    async def time_went_back(self, *, lease_s: float = 30) -> None:
        """What waits for a moment that the clock has shown before is due; no lease of anybody's outlives two more."""
        now = self._clock.now()
        await self.write(lambda connection: leases.time_went_back(connection, now=now, until=now + 2 * lease_s))

    async def held(self) -> set[tuple[str, int]]:
        """(conversation, epoch) of every claim of this process, as the database knows them."""
        return await self.read(leases.held, owner=self.owner)

    async def let_go(self, conversation: str, epoch: int) -> None:
        """Give a conversation back of which only the claim's number is known."""
        await self.write(releases.let_go, conversation, epoch, now=self._clock.now())

    async def release(self, claim: Claim) -> None:
        """Give the conversation back, to the end of the line; nothing happens where it was taken over already."""
        await self.write(releases.release, claim, now=self._clock.now())

    async def failed_run(self, claim: Claim, trace: str) -> None:
        """Give the conversation back after an error of ours: the attempt counts; ``trace`` is for the operator."""
        await self.write(releases.failed_run, claim, clean_text(trace), now=self._clock.now())

    async def requeue(self, claim: Claim, *, delay_s: float = 0) -> None:
        """Put an aborted turn's message back as if it had not been begun, and give the conversation back."""
        await self.write(releases.requeue, claim, now=self._clock.now(), delay_s=delay_s)

    async def stopped(self) -> list[str]:
        """Keys of this process's conversations whose running message was stopped, also by another process's accept."""
        return await self.read(leases.stopped, owner=self.owner)

    # -------------------------------------------------------------- who leads (PostgreSQL only)

    async def take_lead(self, name: str, *, lease_s: float) -> bool:
        """Whether this process leads in ``name`` from now on, for ``lease_s`` seconds of the database's clock."""
        return await self.write(leader.take, name, owner=self.owner, lease_s=lease_s)

    async def keep_lead(self, name: str, *, lease_s: float) -> bool:
        """Whether this process still leads, and for ``lease_s`` seconds more."""
        return await self.write(leader.keep, name, owner=self.owner, lease_s=lease_s)

    async def give_up_lead(self, name: str) -> None:
        """Let the next one lead; nothing happens where this process does not."""
        await self.write(leader.give_up, name, owner=self.owner)

    # -------------------------------------------------------------- the turn

    async def commit_turn(self, claim: Claim, end: TurnEnd) -> list[OutboxRow]:
        """History, trace, outbox, the message's outcome, and where asked the release: in one transaction.

        Returns the parts as they stand in the outbox. Safe to call again where the first outcome is unknown.
        """
        return await self.write(turns.commit, claim, end, now=self._clock.now())

    # -------------------------------------------------------------- the outbox

    async def begin_anchor(self, claim: Claim, part: Part) -> OutboxRow:
        """Part 0 as `sending`, attempt 1; the existing row, in whatever state, where an earlier run began it."""
        return await self.write(sends.begin_anchor, claim, part, now=self._clock.now())

    async def begin_sending(self, claim: Claim, part_id: str) -> OutboxRow:
        """Pending → sending, attempt + 1: afterwards the call may be made."""
        return await self.write(sends.begin_sending, claim, part_id, now=self._clock.now())

    async def sent(
        self, claim: Claim, part_id: str, platform_id: str, *, release: Handover | None = None
    ) -> list[Feedback]:
        """Sending or uncertain → sent; returns the feedback that had waited for this platform id, now bound."""
        now, lease_s = self._clock.now(), release.lease_s() if release else 0.0

        def note(connection: sa.Connection) -> list[Feedback]:
            matched = sends.sent(connection, claim, part_id, platform_id)
            if release:
                claims.hand_over(connection, claim, release, now=now, lease_s=lease_s)
            return matched

        return await self.write(note)

    async def unsent(self, claim: Claim, part_id: str, *, not_before: float) -> None:
        """Sending or uncertain → pending: it surely did not arrive. Not to be tried before ``not_before`` (Unix s)."""
        await self.write(sends.unsent, claim, part_id, not_before=not_before)

    async def displaced(self, claim: Claim, part_id: str) -> None:
        """Sending → pending, and no edit any more: the platform refuses to make an earlier message this part."""
        await self.write(sends.displaced, claim, part_id)

    async def failed(self, claim: Claim, part_id: str, reason: str, *, release: bool = False) -> None:
        """→ failed: the platform refused it for good."""
        reason = clean_text(reason)
        await self.write(sends.failed, claim, part_id, reason, release=release, now=self._clock.now())

    async def uncertain(self, claim: Claim, part_id: str, *, repeatable: bool = False) -> OutboxRow:
        """Sending → uncertain; ``resends`` says how often that was already answered by sending again.

        ``repeatable``: the call leaves one message however often it is made, so it does not count.
        """
        return await self.write(sends.uncertain, claim, part_id, repeatable=repeatable)

    async def resending(self, claim: Claim, part_id: str) -> OutboxRow:
        """Uncertain → sending, resends + 1."""
        return await self.write(sends.resending, claim, part_id, now=self._clock.now())

    # -------------------------------------------------------------- reads

    async def window(self, conversation: str, limit: int = 40, *, before: str = "") -> list[Entry]:
        """The newest ``limit`` lines since the conversation was last started over, oldest first; before a turn, or all.

        A question that was answered again stands once, with its newest answer in the first one's place.
        """
        return await self.read(history.window, conversation, limit, before=before)

    async def history(
        self, conversation: str, *, after: int = 0, before: int = 0, limit: int = 200, reader: str = ""
    ) -> list[Entry]:
        """The newest ``limit`` lines above entry id ``after`` and below ``before``, oldest first; 0 = no bound.

        ``reader``'s own feedback is filled in.
        """
        return await self.read(history.entries, conversation, after=after, before=before, limit=limit, reader=reader)

    async def conversations(
        self, channel: str, person: str, *, until: float = 0.0, limit: int = 200
    ) -> list[tuple[str, str, float]]:
        """(chat, first line cut to 80 characters, last activity) of the newest that a person began, newest first.

        ``until``: in which nothing was said after that moment, Unix seconds; 0 = no bound.
        """
        return await self.read(history.conversations, channel, person, until=until, limit=limit)

    async def outcome(self, message: int) -> tuple[Outcome | None, Reply | None]:
        """How a message ended and its reply; (None, None) while it is open. One rejected at the door was refused."""
        return await self.read(turns.outcome, message)

    async def open_messages(self, conversation: str) -> list[tuple[int, Message]]:
        """Messages waiting or running, oldest first, with their inbox ids."""
        return await self.read(history.open_messages, conversation)

    async def reply(self, turn: str) -> Reply | None:
        """The reply of a committed turn."""
        return await self.read(turns.reply, turn)

    async def trace(self, turn: str) -> Mapping[str, object] | None:
        """What a committed turn was made from."""
        return await self.read(turns.trace, turn)

    async def exchange(
        self, conversation: str, *, reply: str = "", platform_id: str = "", broken: bool = False
    ) -> tuple[Entry, Entry] | None:
        """Question and reply: by the reply's id, by a message that carried it, or the newest one worth a verdict.

        ``broken``: or the newest one that was stopped, refused or failed.
        """
        return await self.read(history.exchange, conversation, reply=reply, platform_id=platform_id, broken=broken)

    async def turns(self, after: int = 0, limit: int = 100) -> list[tuple[int, Reply]]:
        """Committed turns above the cursor, oldest first, each with its own cursor; none can later appear below."""
        return await self.read(turns.after, after, limit)

    async def feedback_for(self, turn: str) -> list[Feedback]:
        """All judgements of one reply, oldest first."""
        return await self.read(feedback.for_turn, turn)

    async def feedback_since(self, at: float, after: int = 0, limit: int = 200) -> list[tuple[float, int, Feedback]]:
        """(when, row, judgement), in that order, of known replies: from ``at`` on and behind row ``after`` of then."""
        return await self.read(feedback.since, at, after, limit)
