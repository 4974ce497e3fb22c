"""Inbox, lease and outbox as a state machine: two processes on one real database, in any order, dying at any step.

After a step a process may be gone with its memory (*dies*), or may never hear how the write ended (*deaf*: the line
broke in COMMIT). Time passes leases, the other one takes over, and whoever was overtaken goes on until the fence stops
it. The platform is a list of what was executed. What must hold is in `Interleavings.what_must_always_hold`, and in
`teardown`, where one process alone finishes everything.
"""

import asyncio
import copy
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import count
from pathlib import Path
from typing import Any, Literal, TypeVar

import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from botcore.errors import LeaseLost
from botcore.store import Claim, Handover, OutboxRow, Store
from botcore.testing.clock import ManualClock
from tests.store.kit import control, end, message, part

__all__ = ["Interleavings", "OnPostgres"]

T = TypeVar("T")
Fate = Literal["lives", "dies", "deaf"]
Answer = Literal["sent", "refused", "rejected", "unknown", "unknown, arrived"]

LEASE_S = 30.0
OPEN = ("waiting", "running")
UNSETTLED = ("pending", "sending", "uncertain")
SETTLED = ("sent", "failed")
MOST_STEPS = 200
"""To finish everything at the end: far more than it can take."""

fates = st.sampled_from(["lives"] * 18 + ["dies", "deaf"])
processes = st.integers(0, 1)
chats = st.sampled_from(["a", "b"])
answers = st.sampled_from(["sent"] * 3 + ["refused", "rejected", "unknown", "unknown, arrived"])


@dataclass
class Work:
    """A claim in a process's memory."""

    claim: Claim
    rows: list[OutboxRow]
    """To be settled, oldest first."""
    begun: bool = False
    """A suspect's work."""
    committed: bool = False
    gives_up: bool = False
    """A write failed: all that is left is to give the conversation back."""
    answer: Answer | None = None
    """What the platform said of the first row, not written down yet."""


@dataclass
class Process:
    """One of the two."""

    store: Store
    works: list[Work] = field(default_factory=list)


class Interleavings(RuleBasedStateMachine):
    """On SQLite; both processes share its threads, as there can be no second process."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.folder = Path(tempfile.mkdtemp(prefix="botcore-machine-"))
        self.owners = (f"owner-{number}" for number in count(1))
        self.events = (f"event-{number}" for number in count(1))
        self.processes: list[Process] = []
        self.said: list[tuple[str, str]] = []
        """(chat, event id) of every message, oldest first."""
        self.accepted: dict[str, int] = {}
        """Event id → inbox id."""
        self.epochs: dict[str, int] = {}
        """Of the newest claim, by conversation."""
        self.overtaken: list[Claim] = []
        self.executed: Counter[tuple[str, str]] = Counter()
        """(part, text) → how often it stands on the platform."""
        self.order: dict[str, list[tuple[int, int]]] = defaultdict(list)
        """(message, part number) as they first appeared in a conversation."""
        self.ended: dict[int, str] = {}
        self._ids = count(1)

    # ------------------------------------------------------------ the two processes

    @initialize()
    def begin(self) -> None:
        self.open()

    def open(self) -> None:
        file = self.folder / "botcore.db"
        if not file.exists():
            file.write_bytes(empty_database())
        self.base = Store(f"sqlite:///{file}", clock=self.clock, data_dir=self.folder)
        self.run(self.base.__aenter__())
        self.processes = [Process(self.another()) for _ in range(2)]

    def another(self) -> Store:
        """The store as a new process has it."""
        store = copy.copy(self.base)
        store.owner = next(self.owners)
        return store

    def close(self) -> None:
        self.run(self.base.__aexit__(None, None, None))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def die(self, process: Process) -> None:
        """Its memory is gone; its leases are not."""
        self.overtaken += [work.claim for work in process.works]
        process.works.clear()
        process.store = self.another()

    def write(self, process: Process, how: Awaitable[T], fate: Fate) -> tuple[T, bool]:
        """What was committed, and whether the process knows."""
        result = self.run(_awaited(how))
        if fate == "dies":
            self.die(process)
        return result, fate == "lives"

    def take(self, process: Process, claim: Claim | None, heard: bool) -> None:
        """A claim was made: the newest of its conversation, whether or not anybody knows of it."""
        if claim is None:
            return
        key = claim.conversation.key
        assert claim.epoch > self.epochs.get(key, 0), f"{key}: epoch {claim.epoch} was given out before"
        self.epochs[key] = claim.epoch
        if heard:
            process.works.append(Work(claim, list(claim.parts)))
        else:
            self.overtaken.append(claim)

    def current(self, claim: Claim) -> bool:
        return self.epochs[claim.conversation.key] == claim.epoch

    # ------------------------------------------------------------ what comes in

    @rule(process=processes, where=st.lists(st.tuples(chats, fates), min_size=1, max_size=4))
    def say(self, process: int, where: list[tuple[str, Fate]]) -> None:
        for chat, fate in where:
            self.said.append((chat, next(self.events)))
            self.deliver(self.processes[process], *self.said[-1], fate)

    @precondition(lambda self: self.said)
    @rule(process=processes, which=st.integers(0), fate=fates)
    def deliver_again(self, process: int, which: int, fate: Fate) -> None:
        self.deliver(self.processes[process], *self.said[which % len(self.said)], fate)

    def deliver(self, process: Process, chat: str, event: str, fate: Fate) -> None:
        record = message(event=event, chat=chat, platform_id=f"p-{event}")
        ([one], heard) = self.write(process, process.store.accept([record], lease_s=LEASE_S), fate)
        if one.receipt.state != "rejected":  # whose sender comes again, as if for the first time
            assert one.receipt.id == self.accepted.setdefault(event, one.receipt.id)
        assert one.claim is None or not one.receipt.duplicate
        self.take(process, one.claim, heard)

    @precondition(lambda self: self.said)
    @rule(process=processes, which=st.integers(0), kind=st.sampled_from(["stop", "edit", "delete"]), fate=fates)
    def order_about(self, process: int, which: int, kind: Literal["stop", "edit", "delete"], fate: Fate) -> None:
        chat, event = self.said[which % len(self.said)]
        order = control(kind, target=f"p-{event}", text="edited", chat=chat)
        self.write(self.processes[process], self.processes[process].store.accept([order]), fate)

    # ------------------------------------------------------------ leases

    @rule(process=processes, fate=fates)
    def claim(self, process: int, fate: Fate) -> None:
        worker = self.processes[process]
        self.take(worker, *self.write(worker, worker.store.claim_next(lease_s=LEASE_S), fate))

    @rule(process=processes, seconds=st.sampled_from([0.0, 2.0, 2.0, LEASE_S + 1]), killed=st.integers(0, 9))
    def time_passes(self, process: int, seconds: float, killed: int) -> None:
        """One of them still sends its heartbeat; now and then it is killed, or everything is."""
        self.run(beat(self.processes[process]))
        self.run(self.clock.advance(seconds))
        if killed == 9:
            self.die(self.processes[process])
        if killed == 8:
            self.start_anew()

    def start_anew(self) -> None:
        for process in self.processes:
            self.die(process)
        self.close()
        self.open()

    # ------------------------------------------------------------ a turn, step by step

    @precondition(lambda self: any(process.works for process in self.processes))
    @rule(which=st.integers(0, 3), choice=st.integers(0, 9), answer=answers, fate=fates)
    def go_on(self, which: int, choice: int, answer: Answer, fate: Fate) -> None:
        self.go_on_with(which, choice, answer, fate)

    @precondition(lambda self: any(process.works for process in self.processes))
    @rule(steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), answers, fates), min_size=6, max_size=16))
    def go_on_for_long(self, steps: list[tuple[int, int, Answer, Fate]]) -> None:
        for step in steps:
            if any(process.works for process in self.processes):
                self.go_on_with(*step)

    def go_on_with(self, which: int, choice: int, answer: Answer, fate: Fate) -> None:
        works = [(process, work) for process in self.processes for work in process.works]
        process, work = works[which % len(works)]
        self.step(process, work, choice, answer, fate)

    def step(self, process: Process, work: Work, choice: int, answer: Answer, fate: Fate) -> None:
        """The next thing this process does for this claim; one that was overtaken is told so, and drops it."""
        current = self.current(work.claim)
        try:
            self.next_step(process, work, choice, answer, fate)
        except LeaseLost:
            if current and work.claim.suspect and not work.begun:  # its author took it back before it began
                self.give_back(process, work, partial(process.store.requeue, work.claim), "lives")
                return
            assert not current, f"{work.claim.conversation.key}: a live claim was refused"
            self.drop(process, work)
            self.run(process.store.absolve(work.claim))

    def next_step(self, process: Process, work: Work, choice: int, answer: Answer, fate: Fate) -> None:
        while work.rows and work.rows[0].state in SETTLED:
            work.rows.pop(0)
        if work.gives_up:
            self.give_back(process, work, partial(process.store.requeue, work.claim, delay_s=choice % 3), fate)
        elif work.rows:
            self.settle(process, work, work.rows[0], answer, fate)
        elif work.claim.message is None:
            self.give_back(process, work, partial(process.store.release, work.claim), fate)
        elif work.claim.suspect and not work.begun:
            _, heard = self.write(process, process.store.begin_trial(work.claim), fate)
            work.begun, work.gives_up = True, not heard
        elif choice == 0:  # an error nobody expected
            self.give_back(process, work, partial(process.store.failed_run, work.claim, "a bug"), fate)
        elif choice == 1:
            self.give_back(process, work, partial(process.store.requeue, work.claim), fate)
        elif choice == 2 and work.claim.anchor is None:
            self.anchor(process, work, fate)
        else:
            self.commit(process, work, parts=choice % 3, sending=choice % 2, fate=fate)

    def give_back(self, process: Process, work: Work, how: Callable[[], Awaitable[None]], fate: Fate) -> None:
        _, heard = self.write(process, how(), fate)
        if heard:
            self.drop(process, work)
        work.gives_up = True  # who did not hear of it says it again, and nothing else

    def anchor(self, process: Process, work: Work, fate: Fate) -> None:
        row, heard = self.write(process, process.store.begin_anchor(work.claim, part(work.claim, text="…")), fate)
        self.alive(work)
        work.claim = replace(work.claim, anchor=row)
        work.rows, work.gives_up = [row], not heard

    def commit(self, process: Process, work: Work, *, parts: int, sending: int, fate: Fate) -> None:
        turn = end(work.claim, parts=parts, sending=min(sending, parts), release=not parts)
        if work.claim.buried:
            turn = replace(turn, reply=replace(turn.reply, outcome="dead"))
        rows, heard = self.write(process, process.store.commit_turn(work.claim, turn), fate)
        self.alive(work)
        work.rows, work.committed, work.gives_up = rows, True, not heard
        if heard and not parts:
            self.drop(process, work)

    def settle(self, process: Process, work: Work, row: OutboxRow, answer: Answer, fate: Fate) -> None:
        store, claim, id = process.store, work.claim, row.part.id
        last = work.committed and len(work.rows) == 1
        if work.answer:
            self.note(process, work, row, last=last, fate=fate)
        elif row.state == "sending" and row in claim.parts:
            self.moved(process, work, store.uncertain(claim, id), fate)
        elif row.state == "sending":
            work.answer = answer
            self.platform(work, row, executed=answer in ("sent", "unknown, arrived"))
        elif row.state == "pending":
            self.moved(process, work, store.begin_sending(claim, id), fate)
        elif row.resends:
            work.answer = "rejected"
        else:
            self.moved(process, work, store.resending(claim, id), fate)

    def platform(self, work: Work, row: OutboxRow, *, executed: bool) -> None:
        if not executed or row.part.platform_id:
            return  # an edit may be repeated
        place = (self.accepted_id(work, row), row.part.number)
        if self.current(work.claim) and not self.executed[row.part.id, row.part.text]:
            assert place >= max(self.order[work.claim.conversation.key], default=(0, 0)), "parts out of order"
            self.order[work.claim.conversation.key].append(place)
        self.executed[row.part.id, row.part.text] += 1

    def accepted_id(self, work: Work, row: OutboxRow) -> int:
        known = self.select("SELECT message FROM outbox WHERE turn = :turn", turn=row.part.turn)
        return int(known[0].message) if known else work.claim.message_id

    def note(self, process: Process, work: Work, row: OutboxRow, *, last: bool, fate: Fate) -> None:
        """Write down what the platform answered; who does not hear that it worked does it again."""
        store, claim, id = process.store, work.claim, row.part.id
        now = self.clock.now()
        number = next(self._ids)
        release = Handover(lease_s=lambda: LEASE_S * (number % 3 > 0))
        how: Any
        match work.answer:
            case "sent":
                how = store.sent(claim, id, row.part.platform_id or f"m-{number}", release=release if last else None)
                work.rows[0] = row = replace(row, state="sent")
            case "refused":
                how = store.unsent(claim, id, not_before=now + 1)
                row = replace(row, state="pending")
            case "rejected" if row.part.platform_id and row.state == "sending":
                how = store.displaced(claim, id)
                row = replace(row, state="pending", resends=0, part=replace(row.part, platform_id=""))
            case "rejected":
                how = store.failed(claim, id, "no", release=last)
                row = replace(row, state="failed")
            case _:
                how = store.uncertain(claim, id)
                row = replace(row, state="uncertain")
        _, heard = self.write(process, how, fate)
        self.alive(work)
        self.take(process, release.claim, heard)
        if heard:
            work.rows[0], work.answer = row, None
            if last and row.state in SETTLED:
                self.drop(process, work)
        elif fate == "deaf" and work.answer == "sent":
            work.answer, work.gives_up = None, True  # its platform id was noted, or not: it cannot be said again

    def moved(self, process: Process, work: Work, how: Awaitable[OutboxRow], fate: Fate) -> None:
        row, heard = self.write(process, how, fate)
        self.alive(work)
        work.rows[0], work.gives_up = row, not heard

    def alive(self, work: Work) -> None:
        assert self.current(work.claim), f"{work.claim.conversation.key}: a stale claim wrote something"

    def drop(self, process: Process, work: Work) -> None:
        if work in process.works:
            process.works.remove(work)
        self.overtaken.append(work.claim)

    # ------------------------------------------------------------ who was overtaken

    @precondition(lambda self: any(not self.current(claim) for claim in self.overtaken))
    @rule(which=st.integers(0), what=st.integers(0, 6))
    def a_stale_claim_writes(self, which: int, what: int) -> None:
        stale = [claim for claim in self.overtaken if not self.current(claim)]
        claim, store = stale[which % len(stale)], self.processes[0].store
        id = f"{claim.turn}.0"
        ways: list[Callable[[], Awaitable[Any]]] = [
            partial(store.requeue, claim),
            partial(store.begin_anchor, claim, part(claim)),
            partial(store.begin_sending, claim, id),
            partial(store.sent, claim, id, "m", release=Handover()),
            partial(store.failed, claim, id, "no", release=True),
            partial(store.uncertain, claim, id),
            partial(store.commit_turn, claim, end(claim, parts=1, release=True)),
        ]
        if claim.message is None:
            return
        before = self.everything()
        self.run(store.release(claim))
        try:
            self.run(_awaited(ways[what]()))
        except LeaseLost:
            pass
        else:
            raise AssertionError(f"a stale claim could {ways[what]}")
        assert self.everything() == before

    # ------------------------------------------------------------ what must hold

    def select(self, query: str, **values: Any) -> list[Any]:
        return self.run(self.base.read(lambda connection: list(connection.execute(sa.text(query), values))))

    def everything(self) -> list[list[Any]]:
        tables = ("conversation", "inbox", "outbox", "turn")
        return [sorted(map(tuple, self.select(f"SELECT * FROM {table}")), key=repr) for table in tables]

    @invariant()
    def what_must_always_hold(self) -> None:
        if not self.processes:
            return
        inbox = self.select("SELECT id, event_id, conversation, state FROM inbox WHERE kind = 'message'")
        turns = Counter(row.message for row in self.select("SELECT message FROM turn"))
        dead = Counter(row.message for row in self.select("SELECT message FROM turn WHERE outcome = 'dead'"))
        parts = self.select("SELECT turn, number, conversation, state, resends, text FROM outbox")
        assert {row.event_id: row.id for row in inbox}.items() >= self.accepted.items(), "an accepted message is gone"
        for row in inbox:
            assert self.ended.get(row.id, row.state) == row.state, "an outcome has changed"
            assert turns[row.id] <= 1 + dead[row.id], "a message was answered twice"
            assert not (row.state in OPEN and turns[row.id] > dead[row.id]), "an open message has a reply"
            assert not (row.state == "answered" and not turns[row.id]), "an answered message has none"
            if row.state not in (*OPEN, "rejected", "dead"):  # what was buried by mistake runs again
                self.ended[row.id] = row.state
        running = Counter(row.conversation for row in inbox if row.state == "running")
        assert max(running.values(), default=0) <= 1, "two messages of one conversation are running"
        for row in parts:
            assert row.resends <= 1, "sent again more than once"
            assert self.executed[f"{row.turn}.{row.number}", row.text] <= 1 + row.resends, "doubled without need"
        busy = {row.conversation for row in inbox if row.state in OPEN}
        busy |= {row.conversation for row in parts if row.state in UNSETTLED}
        idle = {row.key for row in self.select("SELECT key FROM conversation WHERE next_at IS NULL")}
        assert not busy & idle, "a conversation with work wants no worker"

    def teardown(self) -> None:
        try:
            if self.processes:
                self.finish()
        finally:
            if self.processes:
                self.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    def finish(self) -> None:
        """One process is left, keeps its leases alive, and everything comes to its end by it."""
        self.die(self.processes[1])
        left = self.processes[0]
        for _ in range(MOST_STEPS):
            if left.works:
                self.step(left, left.works[0], 4, "sent", "lives")
                continue
            self.run(beat(left))
            claim, _ = self.write(left, left.store.claim_next(lease_s=LEASE_S), "lives")
            self.take(left, claim, True)
            if claim is None and not self.select("SELECT key FROM conversation WHERE next_at IS NOT NULL"):
                break
            if claim is None:
                self.run(self.clock.advance(LEASE_S / 2))
        else:
            raise AssertionError(f"there is work that nobody can claim: {self.everything()}")
        self.what_must_always_hold()
        assert not self.select("SELECT id FROM inbox WHERE state IN ('waiting', 'running')")
        for row in self.select("SELECT turn, number, text, platform_id FROM outbox WHERE state = 'sent'"):
            assert row.platform_id


class OnPostgres(Interleavings):
    """On the server and schema of `url`, emptied before each run; each process has a store of its own."""

    url = ""

    def open(self) -> None:
        self.opened = list[Store]()
        self.processes = [Process(self.another()) for _ in range(2)]
        self.base = self.processes[0].store
        if not self.said:
            empty = "TRUNCATE conversation, inbox, outbox, turn, feedback RESTART IDENTITY"
            self.run(self.base.write(lambda connection: connection.execute(sa.text(empty)) and None))

    def another(self) -> Store:
        store = Store(self.url, clock=self.clock, data_dir=self.folder, owner=next(self.owners))
        self.run(store.__aenter__())
        self.opened.append(store)
        return store

    def close(self) -> None:
        for store in self.opened:
            self.run(store.__aexit__(None, None, None))


async def beat(process: Process) -> None:
    """What a living process does every ten seconds."""
    held = await process.store.heartbeat(lease_s=LEASE_S)
    for work in process.works:
        work.gives_up |= (work.claim.conversation.key, work.claim.epoch) not in held
    known = {(work.claim.conversation.key, work.claim.epoch) for work in process.works}
    for key, epoch in held - known:  # a claim whose COMMIT got no answer
        await process.store.let_go(key, epoch)


async def _awaited(how: Awaitable[T]) -> T:
    return await how


@cache
def empty_database() -> bytes:
    """A database that was migrated once, to be copied: migrations take longer than a whole run."""

    async def make(folder: str) -> None:
        async with Store(f"sqlite:///{folder}/botcore.db", clock=ManualClock(), data_dir=Path(folder)):
            pass

    with tempfile.TemporaryDirectory(prefix="botcore-empty-") as folder:
        asyncio.run(make(folder))
        return Path(folder, "botcore.db").read_bytes()
