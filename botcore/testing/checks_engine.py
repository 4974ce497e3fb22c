"""``check_engine``: what every engine must keep, whoever wrote it.

Run it in a test of yours::

    async def test_my_engine_keeps_the_contract() -> None:
        await check_engine(lambda: MyEngine(...))
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from typing import TypeVar

from botcore.clock import Clock, SystemClock
from botcore.errors import EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, Encoder, Engine, Prompt, Usage

__all__ = ["check_engine", "running"]

Kept = TypeVar("Kept", bound=Engine | Encoder)
Running = Callable[[Engine], Awaitable[int]]
"""Requests an engine works on now, as the engine itself says."""

PROMPT = Prompt(messages=(PromptMessage(role="user", content="Count from one to twenty, please."),))
SHORT = Sampling(max_tokens=4, temperature=0)
LONG = Sampling(max_tokens=256, temperature=0)


async def check_engine(
    build: Callable[[], Engine],
    *,
    ready_within: float = 180.0,
    running_requests: Running | None = None,
    clock: Clock | None = None,
) -> None:
    """Raise `AssertionError` naming the first rule that ``build()`` breaks; engines are started one after the other.

    ``running_requests`` counts what the engine itself generates now (its metrics, its slots): with it, "closing frees
    the slot" is measured at the engine rather than believed. Seconds throughout.
    """
    clock = clock or SystemClock()
    engine = build()
    assert engine.status.stage == "off", f"before run() the stage is {engine.status.stage!r}, not 'off'"
    await _refuses_before_it_runs(engine)
    async with running(engine, ready_within=ready_within, clock=clock):
        await _speaks_in_order(engine)
        await _counts_as_it_bills(engine)
        await _keeps_to_max_tokens(engine)
        await _frees_when_closed(engine, running_requests, clock)
        await _frees_when_cancelled(engine, running_requests, clock)
        await _serves_many(engine)
    assert engine.status.stage == "off", f"after run() the stage is {engine.status.stage!r}, not 'off'"
    await _refuses_before_it_runs(engine)


@asynccontextmanager
async def running(engine: Kept, *, ready_within: float = 180.0, clock: Clock | None = None) -> AsyncIterator[Kept]:
    """The engine or encoder, run until ready, and stopped at the end. `AssertionError` with its own words otherwise."""
    run = asyncio.create_task(engine.run(), name="engine under test")
    try:
        await _ready(engine, run, ready_within, clock or SystemClock())
        yield engine
    finally:
        run.cancel()
        await asyncio.wait([run])
        assert run.cancelled(), f"run() must end by its cancellation, not by {run.exception()!r}"


async def _ready(engine: Engine | Encoder, run: "asyncio.Task[None]", within: float, clock: Clock) -> None:
    ready = asyncio.create_task(_becomes_ready(engine), name="ready")
    with suppress(TimeoutError):
        async with clock.timeout(within):
            await asyncio.wait([ready, run], return_when=asyncio.FIRST_COMPLETED)
    ready.cancel()
    status = engine.status
    assert status.stage == "ready", f"not ready within {within:g} s: {status.stage}: {status.detail}"
    assert status.model, "a ready engine names its model"


async def _becomes_ready(engine: Engine | Encoder) -> None:
    """Look and wait in one task: between the two nothing may change unseen."""
    while engine.status.stage != "ready":
        await engine.changed()


async def _all(engine: Engine, sampling: Sampling) -> list[Delta]:
    async with aclosing(engine.generate(PROMPT, sampling)) as deltas:
        return [delta async for delta in deltas]


async def _refuses_before_it_runs(engine: Engine) -> None:
    try:
        await _all(engine, SHORT)
    except EngineUnavailable:
        return
    raise AssertionError("an engine that does not run must raise EngineUnavailable")


async def _speaks_in_order(engine: Engine) -> None:
    deltas = await _all(engine, SHORT)
    assert deltas, "a generation has at least one delta"
    assert deltas[-1].finish in ("stop", "length"), f"the last delta's finish is {deltas[-1].finish!r}"
    assert not [delta for delta in deltas[:-1] if delta.finish], "only the last delta has a finish"
    again = await _all(engine, SHORT)
    texts = ["".join(delta.text for delta in run) for run in (deltas, again)]
    assert texts[0] == texts[1], f"greedy replies to one prompt differ: {texts}"


async def _counts_as_it_bills(engine: Engine) -> None:
    count, usage = await engine.count(PROMPT.messages), (await _all(engine, SHORT))[-1].usage
    assert usage is None or isinstance(usage, Usage)
    if count is not None and usage:
        assert count == usage.prompt_tokens, f"count() says {count}, the bill {usage.prompt_tokens}"


async def _keeps_to_max_tokens(engine: Engine) -> None:
    last = (await _all(engine, Sampling(max_tokens=1, temperature=0)))[-1]
    if last.usage:
        assert last.usage.completion_tokens <= 1, f"max_tokens=1 made {last.usage.completion_tokens}"


async def _frees_when_closed(engine: Engine, running_requests: Running | None, clock: Clock) -> None:
    deltas = engine.generate(PROMPT, LONG)
    await anext(deltas)
    await deltas.aclose()
    await deltas.aclose()  # twice is once
    await _free(engine, running_requests, clock, "closing the generator")


async def _frees_when_cancelled(engine: Engine, running_requests: Running | None, clock: Clock) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async with aclosing(engine.generate(PROMPT, LONG)) as deltas:
            async for _ in deltas:
                begun.set()
                await asyncio.Event().wait()

    reader = asyncio.create_task(read(), name="reader")
    waiting = asyncio.create_task(begun.wait(), name="first delta")
    await asyncio.wait([reader, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    reader.cancel()
    await asyncio.wait([reader])
    assert reader.cancelled(), f"cancellation must travel on, not become {reader.exception()!r}"
    await _free(engine, running_requests, clock, "cancelling the reader")


async def _free(engine: Engine, running_requests: Running | None, clock: Clock, what: str) -> None:
    if running_requests is None:
        return
    left: int | None = None
    with suppress(TimeoutError):
        async with clock.timeout(1.0):
            while left != 0:
                left = await running_requests(engine)
                await clock.sleep(0.02)
    assert left == 0, f"one second after {what} the engine still runs {left} requests"


async def _serves_many(engine: Engine) -> None:
    async with asyncio.TaskGroup() as tasks:
        replies = [tasks.create_task(_all(engine, SHORT), name=f"stream {number}") for number in range(8)]
    ends = [reply.result()[-1].finish for reply in replies]
    assert all(ends), f"eight streams at once ended with {ends}"
