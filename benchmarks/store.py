"""What one message costs in the store: `python benchmarks/store.py [postgresql://…]`.

Prints CPU µs (user + system, whole process) and wall µs per message for accepting it and for committing its turn, with
1 and with 64 callers in flight, and beside each the floor: the same writes through a bare sqlite3 cursor on one thread,
one commit per message and one per 64. Rounds of ours and of the floor alternate; a figure is the median of its rounds.
"""

import argparse
import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from botcore.clock import SystemClock
from botcore.messages import Conversation, Message, Person, Reply
from botcore.ports import Part
from botcore.store import Claim, Handover, Store, TurnEnd

ROUNDS = 5
TEXT = "How do I reset the pump after a power cut? It shows E17."
REPLY = "Hold the green button for five seconds until the display is empty, then switch the pump on again. " * 3
TRACE = {
    "prompt": [{"role": "system", "content": "Answer from the passages. " * 20}, {"role": "user", "content": TEXT}]
}

Figures = tuple[float, float]
"""CPU µs and wall µs per message."""


class Ours:
    """The store itself: a thousand conversations come round, each free again, so that every accept claims."""

    def __init__(self, store: Store, in_flight: int) -> None:
        self._store = store
        self._in_flight = in_flight
        self._count = 0

    def messages(self, number: int) -> list[Message]:
        """New messages, each in the next of the conversations."""
        first, self._count = self._count, self._count + number
        return [
            _message(f"{self._in_flight}-{n}", chat=f"{self._in_flight}-{n % 1000}")
            for n in range(first, first + number)
        ]

    async def accept(self, number: int) -> tuple[Figures, list[Claim]]:
        """Accept that many, each with its own await, as many at once as are in flight."""
        claims: list[Claim] = []

        async def one(message: Message) -> None:
            claim = (await self._store.accept([message]))[0].claim
            assert claim is not None
            claims.append(claim)

        return await self._timed(self.messages(number), one), claims

    async def commit(self, claims: list[Claim]) -> Figures:
        """Commit their turns, each with a trace and one part in the air."""

        async def one(claim: Claim) -> None:
            await self._store.commit_turn(claim, _end(claim))

        return await self._timed(claims, one)

    async def _timed(self, items: list[Any], one: Callable[[Any], Coroutine[Any, Any, None]]) -> Figures:
        left = iter(items)

        async def worker() -> None:
            for item in left:
                await one(item)

        with Meter(len(items)) as meter:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._in_flight):
                    group.create_task(worker())
        return meter.figures


class Meter:
    """CPU and wall time of its body per message."""

    figures: Figures

    def __init__(self, number: int) -> None:
        self._number = number

    def __enter__(self) -> "Meter":
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        cpu, wall = time.process_time() - self._cpu, time.perf_counter() - self._wall
        self.figures = cpu / self._number * 1e6, wall / self._number * 1e6


class Floor:
    """The same rows by a bare cursor: no threads, no futures, no records; the schema is the store's own."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._count = 0

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def accept(self, number: int, in_flight: int) -> Figures:
        """One upsert and one insert a message."""
        first, self._count = self._count, self._count + number
        return self._timed(range(first, first + number), in_flight, self._accept_one)

    def commit(self, number: int, in_flight: int) -> Figures:
        """Three updates and inserts and one part a message."""
        return self._timed(range(self._count - number, self._count), in_flight, self._commit_one)

    def _timed(self, items: range, in_flight: int, one: Callable[[int], None]) -> Figures:
        with Meter(len(items)) as meter:
            for start in range(0, len(items), in_flight):
                self._db.execute("BEGIN IMMEDIATE")
                for item in items[start : start + in_flight]:
                    one(item)
                self._db.execute("COMMIT")
        return meter.figures

    def _accept_one(self, n: int) -> None:
        self._db.execute(
            "INSERT INTO conversation"
            " (key, channel, chat, private, person, title, last_at, owner, epoch, lease_until, next_at)"
            " VALUES (?, 'web', ?, 1, 'ann', ?, 1.5, 'me', 1, 2.5, 1.5)"
            " ON CONFLICT (key) DO UPDATE SET epoch = epoch + 1 WHERE next_at IS NULL RETURNING epoch",
            (f"web//f{n % 1000}/", f"f{n % 1000}", TEXT),
        ).fetchall()
        self._db.execute(
            "INSERT INTO inbox (channel, event_id, kind, conversation, state, attempts, turn, received_at, payload)"
            " VALUES ('web', ?, 'message', ?, 'running', 1, ?, 1.5, ?) ON CONFLICT DO NOTHING RETURNING id",
            (f"f{n}", f"web//f{n % 1000}/", f"t{n:030}", TEXT),
        ).fetchall()

    def _commit_one(self, n: int) -> None:
        db = self._db
        db.execute("UPDATE conversation SET last_at = 2.5, next_at = NULL WHERE key = ?", (f"web//f{n % 1000}/",))
        db.execute(
            "UPDATE inbox SET state = 'answered', payload = '' WHERE channel = 'web' AND account = '' AND event_id = ?",
            (f"f{n}",),
        )
        db.execute(
            "INSERT INTO turn (id, conversation, message, at, person, user_text, outcome, text, trace)"
            " VALUES (?, ?, ?, 2.5, 'ann', ?, 'answered', ?, ?)",
            (f"t{n:030}", f"web//f{n % 1000}/", n, TEXT, REPLY, str(TRACE)),
        )
        db.execute(
            "INSERT INTO outbox (turn, number, conversation, message, state, attempt, text)"
            " VALUES (?, 0, ?, ?, 'sending', 1, ?)",
            (f"t{n:030}", f"web//f{n % 1000}/", n, REPLY),
        )


def _message(event: str, *, chat: str) -> Message:
    return Message(
        event_id=event,
        conversation=Conversation(channel="web", chat=chat),
        person=Person(id="ann", name="Ann"),
        text=TEXT,
    )


def _end(claim: Claim) -> TurnEnd:
    reply = Reply(id=claim.turn, conversation=claim.conversation, text=REPLY, model="starter", plugin="textgen")
    part = Part(id=f"{claim.turn}.0", turn=claim.turn, number=0, conversation=claim.conversation, text=REPLY)
    return TurnEnd(reply=reply, parts=[part], sending=1, trace=TRACE)


async def measure(url: str, folder: Path) -> dict[str, list[Figures]]:
    """Figures by row name, a list with one entry per round."""
    rows: dict[str, list[Figures]] = {}
    async with Store(url, clock=SystemClock(), data_dir=folder / "data") as store:
        floor = await _floor(folder)
        for in_flight, number in ((1, 300), (64, 960)):
            ours = Ours(store, in_flight)
            for _ in range(ROUNDS + 1):
                accepted, claims = await ours.accept(number)
                committed = await ours.commit(claims)
                for claim in claims:  # not measured: what `sent` does, so that the next round's conversations are free
                    await store.sent(claim, f"{claim.turn}.0", "p", release=Handover())
                _add(rows, f"accept, {in_flight} in flight", accepted)
                _add(rows, f"commit, {in_flight} in flight", committed)
                _add(rows, f"accept, floor, {in_flight} a commit", floor.accept(number, in_flight))
                _add(rows, f"commit, floor, {in_flight} a commit", floor.commit(number, in_flight))
        floor.close()
    return {name: figures[1:] for name, figures in rows.items()}  # the first round warms caches up


async def _floor(folder: Path) -> Floor:
    async with Store(f"sqlite:///{folder}/floor/floor.db", clock=SystemClock(), data_dir=folder / "floor"):
        pass  # makes the schema
    return Floor(folder / "floor" / "floor.db")


def _add(rows: dict[str, list[Figures]], name: str, figures: Figures) -> None:
    rows.setdefault(name, []).append(figures)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What one message costs in the store.")
    parser.add_argument("url", nargs="?", help="default: an SQLite file in a temporary folder")
    url = parser.parse_args().url
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = asyncio.run(measure(url or f"sqlite:///{folder}/data/bench.db", folder))
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version} FULL"
    if url:
        versions += f"; ours on {url.partition(':')[0]} (CPU of this process only)"
    print(f"{versions}, {os.cpu_count()} cores, {sys.platform}, load {os.getloadavg()[0]:.1f}")
    print(f"{'per message, median of ' + str(ROUNDS):36}{'CPU µs':>10}{'wall µs':>10}{'least CPU':>11}")
    for label, figures in sorted(rows.items()):
        cpus = [cpu for cpu, _ in figures]
        wall = statistics.median(wall for _, wall in figures)
        print(f"{label:36}{statistics.median(cpus):10.0f}{wall:10.0f}{min(cpus):11.0f}")


if __name__ == "__main__":
    main()
