"""Hooks are driven by hand: who wins, who is isolated, who is closed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from botcore.dispatch import Bound, Dispatcher, Won, guilty
from botcore.messages import Chunk
from botcore.observe import Metrics
from botcore.testing import ManualClock

Hook = Callable[..., Awaitable[Any]]


async def nothing(turn: object) -> None:
    return None


async def broken(turn: object) -> str:
    raise RuntimeError("boom")


def answers(value: object, *, after: asyncio.Event | None = None) -> Hook:
    async def hook(turn: object) -> object:
        if after:
            await after.wait()
        return value

    return hook


def dispatcher(clock: ManualClock | None = None, **plugins: Hook) -> Dispatcher:
    bounds = [Bound(name, call) for name, call in plugins.items()]
    return Dispatcher({"hook": bounds}, clock=clock or ManualClock(), metrics=Metrics())


async def test_the_first_answer_that_is_not_none_wins() -> None:
    won = await dispatcher(a=nothing, b=answers(1), c=answers(2)).first("hook", None, budget_s=1)
    assert won
    assert (won.plugin, won.value) == ("b", 1)


async def test_nobody_has_to_answer() -> None:
    assert await dispatcher(a=nothing).first("hook", None, budget_s=1) is None


async def test_a_failing_plugin_is_named_and_the_next_one_asked(caplog: pytest.LogCaptureFixture) -> None:
    won = await dispatcher(bad=broken, good=answers(1)).first("hook", None, budget_s=1)
    assert won
    assert won.plugin == "good"
    assert "plugin bad: hook hook failed" in caplog.text


async def test_a_plugin_whose_own_call_timed_out_was_not_slow(caplog: pytest.LogCaptureFixture) -> None:
    async def impatient(turn: object) -> None:
        await asyncio.sleep(0)
        raise TimeoutError("the weather service does not answer")

    assert await dispatcher(impatient=impatient).first("hook", None, budget_s=10) is None
    assert "plugin impatient: hook hook failed" in caplog.text
    assert "the weather service does not answer" in caplog.text


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_plugin_that_awaited_what_somebody_ended_has_failed(
    at_once: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def hook(turn: object) -> None:
        job: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if at_once:
            job.cancel()
        else:
            asyncio.get_running_loop().call_soon(job.cancel)
        await job

    calls = dispatcher(waits=hook, good=answers(1))
    assert await calls.first("hook", None, budget_s=10) is not None
    assert "plugin waits: hook hook failed" in caplog.text
    assert await calls.every("hook", None, budget_s=10) == ["waits"]
    assert "plugin waits: hook hook CancelledError: ; going on without it" in caplog.text


async def test_a_slow_plugin_is_named_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    clock, never = ManualClock(), asyncio.Event()
    calls = dispatcher(clock, slow=answers(1, after=never), quick=answers(2))
    asking = asyncio.create_task(calls.first("hook", None, budget_s=10))
    await clock.advance(9.9)
    assert not asking.done()
    await clock.advance(0.2)
    won = await asking
    assert won
    assert won.plugin == "quick"
    assert "plugin slow: hook hook took longer than 10 s" in caplog.text


async def test_a_hook_that_waits_a_little_keeps_its_answer() -> None:
    ready = asyncio.Event()
    asking = asyncio.create_task(dispatcher(a=answers("late", after=ready)).first("hook", None, budget_s=10))
    await asyncio.sleep(0)
    ready.set()
    won = await asking
    assert won
    assert won.value == "late"


async def test_cancellation_reaches_the_hook_and_travels_on() -> None:
    seen = list[str]()

    async def hook(turn: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    asking = asyncio.create_task(dispatcher(a=hook).first("hook", None, budget_s=10))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert seen == ["cancelled"]


async def test_everybody_is_told_in_order() -> None:
    told = list[str]()

    def listener(name: str) -> Hook:
        async def hook(turn: object) -> None:
            told.append(name)

        return hook

    await dispatcher(a=listener("a"), bad=broken, b=listener("b")).each("hook", None, budget_s=1)
    assert told == ["a", "b"]


async def source(closed: list[str], *texts: str) -> AsyncIterator[Chunk]:
    try:
        for text in texts:
            yield Chunk(text=text)
    finally:
        closed.append("source")


def stage(name: str, closed: list[str]) -> Callable[..., AsyncIterator[Chunk]]:
    async def revise(turn: object, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        try:
            async for chunk in chunks:
                yield Chunk(text=f"{name}({chunk.text})")
        finally:
            closed.append(name)

    return revise


async def test_the_pipe_runs_in_order() -> None:
    closed = list[str]()
    calls = Dispatcher(
        {"revise": [Bound("a", stage("a", closed)), Bound("b", stage("b", closed))]},
        clock=ManualClock(),
        metrics=Metrics(),
    )
    *_, piped = calls.pipe("revise", None, Won("qa", source(closed, "x", "y")))
    assert [chunk.text async for chunk in piped.value] == ["b(a(x))", "b(a(y))"]


async def test_leaving_the_pipe_early_closes_the_source_too() -> None:
    closed = list[str]()
    calls = Dispatcher({"revise": [Bound("a", stage("a", closed))]}, clock=ManualClock(), metrics=Metrics())
    stages = calls.pipe("revise", None, Won("qa", source(closed, "x", "y")))
    await anext(stages[-1].value)
    await calls.close(stages)
    assert closed == ["a", "source"]


async def test_whoever_is_cancelled_while_one_stage_closes_leaves_none_open() -> None:
    closed, closing = list[str](), asyncio.Event()

    async def slow(turn: object, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            closing.set()
            await asyncio.Event().wait()

    calls = Dispatcher({"revise": [Bound("slow", slow)]}, clock=ManualClock(), metrics=Metrics())
    stages = calls.pipe("revise", None, Won("qa", source(closed, "x", "y")))
    await anext(stages[-1].value)
    ending = asyncio.create_task(calls.close(stages))
    await closing.wait()
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert closed == ["source"]


async def test_what_is_no_stream_is_named_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    closed = list[str]()
    revises = [Bound("bad", lambda turn, chunks: None), Bound("good", stage("good", closed))]
    calls = Dispatcher({"revise": revises}, clock=ManualClock(), metrics=Metrics())
    *_, piped = calls.pipe("revise", None, Won("qa", source(closed, "x")))
    assert [chunk.text async for chunk in piped.value] == ["good(x)"]
    assert "plugin bad: hook revise returned NoneType instead of a stream of Chunk" in caplog.text


async def raises(turn: object, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    async for _ in chunks:
        raise ValueError("no words")
    yield Chunk(text="never")


async def silent(turn: object, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
    async for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(("order", "whose"), [((raises, silent), "0"), ((silent, raises), "1"), ((silent,), None)])
async def test_the_stream_that_raised_is_found_among_those_it_passed(
    order: tuple[Callable[..., AsyncIterator[Chunk]], ...], whose: str | None
) -> None:
    revises = [Bound(str(place), stream) for place, stream in enumerate(order)]
    calls = Dispatcher({"revise": revises}, clock=ManualClock(), metrics=Metrics())
    stages = calls.pipe("revise", None, Won("qa", source([], "x")))
    try:
        async for _ in stages[-1].value:
            raise ValueError("of the reader's own")
    except ValueError as error:
        found = guilty(error, stages)
    await calls.close(stages)
    assert (found.plugin if found else None) == whose


class Blocking(ManualClock):
    """Time moves only while a hook blocks."""

    def block(self, seconds: float) -> None:
        self._now += seconds


@pytest.mark.parametrize("suspends", [False, True])
async def test_a_hook_that_blocks_the_bot_is_named(suspends: bool, caplog: pytest.LogCaptureFixture) -> None:
    clock = Blocking()

    async def hook(turn: object) -> None:
        if suspends:
            await asyncio.sleep(0)
        clock.block(3)

    await dispatcher(clock, heavy=hook).each("hook", None, budget_s=10)
    assert caplog.messages == [
        "plugin heavy: hook hook held up the whole bot for 3.0 s; what blocks belongs into asyncio.to_thread"
    ]


@pytest.mark.parametrize("suspends", [False, True])
async def test_a_stream_that_blocks_the_bot_is_named(suspends: bool, caplog: pytest.LogCaptureFixture) -> None:
    clock = Blocking()

    async def stream() -> AsyncIterator[Chunk]:
        yield Chunk(text="a")
        if suspends:
            await asyncio.sleep(0)
        clock.block(3)
        yield Chunk(text="b")

    read = dispatcher(clock).read([Won("heavy", stream())])
    assert [chunk async for chunk in read] == [Chunk(text="a"), Chunk(text="b")]
    assert caplog.messages == [
        "plugin heavy: a stream held up the whole bot for 3.0 s; what blocks belongs into asyncio.to_thread"
    ]


async def test_failures_and_time_are_counted_under_the_plugins_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    metrics = Metrics()
    calls = Dispatcher({"hook": [Bound("bad", broken)]}, clock=ManualClock(), metrics=metrics)
    await calls.each("hook", None, budget_s=1)
    assert b'botcore_hook_errors_total{hook="hook",plugin="bad"} 1.0' in metrics.render()


async def test_time_spent_in_hooks_is_counted_by_plugin() -> None:
    metrics, clock, answered = Metrics(), ManualClock(), asyncio.Event()
    calls = Dispatcher({"hook": [Bound("slow", answers(1, after=answered))]}, clock=clock, metrics=metrics)
    asking = asyncio.create_task(calls.each("hook", None, budget_s=5))
    await asyncio.sleep(0)
    await clock.advance(2)
    answered.set()
    await asking
    assert b'botcore_hook_seconds_total{hook="hook",plugin="slow"} 2.0' in metrics.render()
