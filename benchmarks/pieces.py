"""What the pieces of one message cost our bot: `python benchmarks/pieces.py`.

Processor µs a message, each piece alone: the least of several rounds for what runs on one thread (a busy machine only
ever adds), the median for what goes through the store's threads with 64 in flight. The pieces that a bot without a
framework has as well, its calls to the platform above all, are not here: `bots.py` shows those as its floor.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "ours"))

from bench_plugin import Everywhere, Settings
from load.talk import CHATS
from load.telegram import _update
from store import _end

from botcore.clock import SystemClock
from botcore.dispatch import Bound, Dispatcher, Won
from botcore.engine.scripted import ScriptedEngine
from botcore.messages import Chunk, Message, PromptMessage, Sampling
from botcore.observe import Metrics
from botcore.ports import Prompt
from botcore.store import Claim, Handover, Store
from botcore.store.encoding import encode_message
from botcore_telegram.hearing import Identity
from botcore_telegram.text import body
from botcore_telegram.wire import read

ROUNDS, TIMES, IN_FLIGHT = 15, 200, 64
ME = Identity(channel="telegram", user_id=123456789, username="bench_bot")
HOOKS = ("admit", "recall", "reply", "revise", "remember")
WORDS = 3


def record(number: int) -> Message:
    """A message as it comes from Telegram."""
    found = read(json.loads(_update(number)), ME)
    assert isinstance(found, Message)
    return found


async def least(one: Callable[[], Awaitable[Any]]) -> float:
    """µs of one."""
    rounds = []
    for _ in range(ROUNDS):
        begun = time.thread_time()
        for _ in range(TIMES):
            await one()
        rounds.append((time.thread_time() - begun) / TIMES * 1e6)
    return min(rounds)


async def alone() -> dict[str, float]:
    """The pieces on the loop's own thread."""
    update, message = _update(5), record(5)
    metrics, clock, engine = Metrics(), SystemClock(), ScriptedEngine()
    plugins = [Everywhere(Settings()) for _ in range(5)]
    bound = {hook: [Bound(f"p{n}", getattr(plugin, hook)) for n, plugin in enumerate(plugins)] for hook in HOOKS}
    hooks = Dispatcher(bound, clock=clock, metrics=metrics)
    running = asyncio.create_task(engine.run())
    await asyncio.sleep(0)
    prompt = Prompt(messages=(PromptMessage(role="user", content=message.text),))

    async def parse() -> None:
        encode_message(record(5))
        json.loads(update)

    async def stream() -> None:
        async def words() -> Any:
            for _ in range(WORDS):
                yield Chunk(text="a ")

        stages = hooks.pipe("revise", None, Won("p", words()))
        async for _ in hooks.read(stages):
            pass
        await hooks.close(stages)

    async def generate() -> None:
        async for _ in engine.generate(prompt, Sampling()):
            pass

    async def nothing() -> None:
        pass

    async def tasks() -> None:
        for _ in range(2):  # the turn's work and its previews, each in a group
            async with asyncio.TaskGroup() as group:
                group.create_task(nothing())

    async def timers() -> None:
        for _ in range(2):
            async with clock.timeout(300):
                pass

    async def ask() -> None:
        for hook in ("admit", "recall", "reply", "remember"):
            await hooks.each(hook, None, *((None,) if hook == "remember" else ()), budget_s=2)

    async def count() -> None:
        metrics.turns.labels("telegram", "answered").inc()
        metrics.turn_seconds.observe(0.1)
        metrics.first_text.observe(0.1)
        metrics.tokens.labels("prompt").inc(3)
        metrics.tokens.labels("completion").inc(3)
        metrics.sends.labels("telegram", "sent").inc()

    async def markdown() -> None:
        body(f"You said: {message.text}")

    pieces = {
        "update to record to stored text": parse,
        "four hooks of five plugins": ask,
        "revise: three pieces through five plugins": stream,
        "scripted engine: a turn of the loop for each word": generate,
        "two tasks in groups": tasks,
        "two time-outs": timers,
        "metrics": count,
        "Markdown to entities": markdown,
    }
    found = {name: await least(one) for name, one in pieces.items()}
    running.cancel()
    return found


async def each(items: Iterable[Any], one: Callable[[Any], Awaitable[Any]]) -> float:
    """Processor µs of one, many in flight."""
    todo = list(items)
    left, begun = iter(todo), time.process_time()

    async def worker() -> None:
        for item in left:
            await one(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(worker())
    return (time.process_time() - begun) / len(todo) * 1e6


async def stored(store: Store) -> dict[str, list[float]]:
    """The pieces on the store's threads: of three messages in each chat one is claimed while it is accepted, one from
    the backlog, and one as that ends."""
    found: dict[str, list[float]] = {}
    for number in range(5):
        claims: list[Claim] = []

        async def accept(messages: list[Message], claims: list[Claim] = claims) -> None:
            claims += [one.claim for one in await store.accept(messages) if one.claim]

        async def sent(claim: Claim, lease_s: float = 0) -> Claim | None:
            release = Handover(lease_s=lambda: lease_s)
            await store.sent(claim, f"{claim.turn}.0", f"1:{claim.message_id}", release=release)
            return release.claim

        records = [record(number * 3 * CHATS + n) for n in range(3 * CHATS)]
        batches = [records[start : start + 50] for start in range(0, len(records), 50)]
        found.setdefault("accept, fifty to a poll", []).append(await each(batches, accept) / 50)
        commit = await each(claims, lambda claim: store.commit_turn(claim, _end(claim)))
        found.setdefault("commit of the turn", []).append(commit)
        found.setdefault("sent, and the conversation given back", []).append(await each(claims, sent))
        begun, again = time.process_time(), list[Claim]()
        while some := await store.claim_some(16):
            again += some
        found.setdefault("claim from the backlog, sixteen at once", []).append(
            (time.process_time() - begun) / max(1, len(again)) * 1e6
        )
        last = list[Claim | None]()
        for claim in again:
            await store.commit_turn(claim, _end(claim))

        async def going_on(claim: Claim, last: list[Claim | None] = last) -> None:
            last.append(await sent(claim, lease_s=30))

        found.setdefault("sent, and the next message claimed", []).append(await each(again, going_on))
        for claim in filter(None, last):
            await store.commit_turn(claim, _end(claim))
            await sent(claim)
    return found


async def main() -> None:
    """Measure and print."""
    pieces = await alone()
    with tempfile.TemporaryDirectory() as name:
        async with Store(f"sqlite:///{name}/data/bench.db", clock=SystemClock(), data_dir=Path(name) / "data") as store:
            pieces |= {f"store: {what}": statistics.median(us) for what, us in (await stored(store)).items()}
    for what, us in pieces.items():
        print(f"{what:60}{us:7.1f}")


if __name__ == "__main__":
    asyncio.run(main())
