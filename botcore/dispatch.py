"""Drives the hooks: first answer, all in order, pipe. Budgets, isolation and counters live here; pluggy only binds.

pluggy cannot await: with ``firstresult`` the first coroutine wins even if it resolves to None. So bound methods are
taken from it once, after loading, and each coroutine is stepped here. Most hooks never suspend; only one that does
gets a timer (measured: 8 µs against 100 µs for `asyncio.timeout` around thirty calls).
"""

import asyncio
import logging
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass
from functools import partial
from traceback import walk_tb
from types import CoroutineType, coroutine
from typing import Any, Generic, NamedTuple, TypeVar

from botcore.clock import Clock
from botcore.context import Refusal
from botcore.messages import Chunk
from botcore.observe import Metrics

__all__ = [
    "FAILED",
    "FAILURES",
    "Bound",
    "Dispatcher",
    "Won",
    "blocked",
    "end_if_cancelled",
    "guilty",
    "stepped",
    "travels_on",
]

log: logging.Logger = logging.getLogger(__name__)
T = TypeVar("T")

BLOCKED_S = 1.0
"""A step of a hook that takes longer is told: nothing else runs meanwhile, and no budget can end it."""

CLOSE_S = 5.0
"""For a stream to be closed: the engine's takes 30 ms; a plugin's ``finally`` may await something that never comes."""

FAILURES = (Exception, SystemExit, asyncio.CancelledError)
"""What a plugin may raise, less what `travels_on`: a command that uses argparse must not end the bot."""

FAILED = object()
"""In the place of an answer, which may be None."""

ANSWERS: Mapping[str, tuple[type, str]] = {
    "admit": (Refusal, "a Refusal or None"),
    "reply": (AsyncIterable, 'a stream of Chunk, such as say("…"), or None'),
    "revise": (AsyncIterable, "a stream of Chunk"),
}
"""What a hook's answer must be, and how that is said; a command's is like `reply`'s, others are not looked at."""


@dataclass(frozen=True, slots=True)
class Bound:
    """One plugin's implementation of one hook."""

    plugin: str
    call: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Won(Generic[T]):
    """A hook's answer and whose it is."""

    plugin: str
    value: T


def travels_on(error: BaseException) -> bool:
    """Whether it is this task's own cancellation; else it comes of awaiting something that somebody else has ended."""
    return isinstance(error, asyncio.CancelledError) and _cancelled()


def end_if_cancelled(error: BaseException) -> None:
    """Raise the cancellation of this task where a plugin has answered it with ``error``: nothing is gone on with."""
    if _cancelled():
        raise asyncio.CancelledError from error


def _cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class _Waiting(NamedTuple):
    """A coroutine that was stepped once and did not end there."""

    started: Coroutine[Any, Any, Any]
    on: Any
    since: float


class Dispatcher:
    """Calls hooks by name over plugins in the order of the configuration."""

    def __init__(self, hooks: dict[str, Sequence[Bound]], *, clock: Clock, metrics: Metrics) -> None:
        self._hooks = hooks
        self._clock = clock
        self._metrics = metrics

    async def first(self, hook: str, *args: object, budget_s: float) -> Won[Any] | None:
        """The first answer that is not None; a plugin that fails or is too slow is passed over."""
        for bound in self._hooks.get(hook, ()):
            answer = await self.call(hook, bound, *args, budget_s=budget_s)
            if answer is not None and answer is not FAILED:
                return Won(bound.plugin, answer)
        return None

    async def each(self, hook: str, *args: object, budget_s: float, wrong: Callable[[], str] | None = None) -> None:
        """Ask every plugin, one after the other; ``wrong`` says what is wrong with what one left, "" for nothing."""
        for bound in self._hooks.get(hook, ()):
            await self.call(hook, bound, *args, budget_s=budget_s)
            if wrong and (what := wrong()):
                self._failed(hook, bound.plugin, what)

    async def every(self, hook: str, *args: object, budget_s: float) -> list[str]:
        """As `each`; the names of those that failed or were too slow."""
        failed = list[str]()
        for bound in self._hooks.get(hook, ()):
            try:
                async with self._clock.timeout(budget_s):
                    await bound.call(*args)
            except FAILURES as error:
                if travels_on(error):
                    raise
                self._failed(hook, bound.plugin, f"{type(error).__name__}: {error}")
                failed.append(bound.plugin)
        return failed

    async def call(self, hook: str, bound: Bound, *args: object, budget_s: float) -> Any:
        """The answer of one implementation, or `FAILED`. A command's handler is called as ``/name``."""
        answer = self._begun(hook, bound, args)
        if type(answer) is _Waiting:
            answer = await self._ended(hook, bound, answer, budget_s)
        if answer is None or answer is FAILED:
            return answer
        return answer if self._fits(hook, bound.plugin, answer) else FAILED

    def pipe(self, hook: str, turn: object, source: Won[AsyncIterator[Chunk]]) -> list[Won[AsyncIterator[Chunk]]]:
        """``source`` and what every plugin makes of the one before; the last is the one to read. `close` them all."""
        stages = [source]
        for bound in self._hooks.get(hook, ()):
            try:
                stream = bound.call(turn, stages[-1].value)
            except FAILURES:
                self._failed(hook, bound.plugin, "failed")
                continue
            if self._fits(hook, bound.plugin, stream):
                stages.append(Won(bound.plugin, stream))
        return stages

    async def close(self, stages: Sequence[Won[AsyncIterator[Chunk]]]) -> None:
        """Close each stage, the last one first, whatever comes of the others.

        Closing only the outermost of nested generators leaves the source open, and the engine generating. One that
        fails at it or takes longer than `CLOSE_S` costs the reply nothing.
        """
        *others, last = stages
        try:
            close = getattr(last.value, "aclose", None)
            if close is not None:
                await self.call("close", Bound(last.plugin, close), budget_s=CLOSE_S)
        finally:
            if others:
                await self.close(others)

    def read(self, stages: Sequence[Won[AsyncIterator[Chunk]]]) -> AsyncIterator[object]:
        """What the last stage gives; where it, or one that it reads from, blocks the bot, the log names all of them."""
        told = partial(blocked, f"plugin {', '.join(stage.plugin for stage in stages)}: a stream")
        return _Stepped(stages[-1].value, self._clock, told)

    def stream_failed(self, stage: Won[AsyncIterator[Chunk]], error: BaseException) -> None:
        """Name and count the plugin whose stream took the reply down with it."""
        self._metrics.hook_errors.labels(stage.plugin, "stream").inc()
        log.error("plugin %s: its stream failed, and the reply with it", stage.plugin, exc_info=error)

    def stream_held(self, stage: Won[AsyncIterator[Chunk]]) -> None:
        """Name and count the plugin whose stream did not end when it was told to."""
        self._metrics.hook_errors.labels(stage.plugin, "stream").inc()
        log.warning("plugin %s: its stream did not end when it was cancelled; it was told again", stage.plugin)

    def implementations(self, hook: str) -> Iterator[Bound]:
        """Who implements ``hook``, in order."""
        return iter(self._hooks.get(hook, ()))

    def _begun(self, hook: str, bound: Bound, args: tuple[object, ...]) -> Any:
        """The answer, or `FAILED`; a `_Waiting` where the coroutine has to be awaited after all."""
        start = self._clock.monotonic()
        try:
            started = bound.call(*args)
            return _Waiting(started, started.send(None), start)
        except StopIteration as done:
            answer = done.value
        except FAILURES as error:
            if travels_on(error):
                raise
            self._failed(hook, bound.plugin, "failed")
            answer = FAILED
        spent = self._count(hook, bound, start)
        if spent > BLOCKED_S:  # to put its name together for nobody would be a sixth of what a hook costs
            blocked(f"plugin {bound.plugin}: {_called(hook)}", spent)
        return answer

    async def _ended(self, hook: str, bound: Bound, waiting: _Waiting, budget_s: float) -> Any:
        step = partial(blocked, f"plugin {bound.plugin}: {_called(hook)}")
        step(self._clock.monotonic() - waiting.since)
        end = self._clock.monotonic() + budget_s
        try:
            async with self._clock.timeout(budget_s):
                return await _resumed(waiting.started, waiting.on, self._clock, step)
        except FAILURES as error:
            if travels_on(error):
                raise
            late = isinstance(error, TimeoutError) and self._clock.monotonic() >= end  # else it is the plugin's own
            self._failed(hook, bound.plugin, _late(hook, budget_s) if late else "failed")
            end_if_cancelled(error)
        finally:
            self._count(hook, bound, waiting.since)
        return FAILED

    def _count(self, hook: str, bound: Bound, since: float) -> float:
        spent, counted, key = self._clock.monotonic() - since, self._metrics.hook_seconds, (bound.plugin, hook)
        counted[key] = counted.get(key, 0.0) + spent
        return spent

    def _fits(self, hook: str, plugin: str, answer: object) -> bool:
        wanted, told = ANSWERS.get("reply" if hook.startswith("/") else hook, (object, ""))
        if isinstance(answer, wanted):
            return True
        if isinstance(answer, CoroutineType):
            answer.close()  # nobody awaits it
        self._failed(hook, plugin, f"returned {type(answer).__name__} instead of {told}")
        return False

    def _failed(self, hook: str, plugin: str, what: str) -> None:
        self._metrics.hook_errors.labels(plugin, hook).inc()
        then = "" if hook.startswith("/") else "; going on without it"
        log.warning("plugin %s: %s %s%s", plugin, _called(hook), what, then, exc_info=what == "failed")


def _called(hook: str) -> str:
    """A hook, or a command's handler, as the log calls it."""
    return hook if hook.startswith("/") else f"hook {hook}"


def _late(hook: str, budget_s: float) -> str:
    decides = hook == "reply" or hook.startswith("/")
    more = " to decide (what takes time belongs into the stream that it returns)" if decides else ""
    return f"took longer than {budget_s:g} s{more}"


def guilty(error: BaseException, stages: Sequence[Won[AsyncIterator[Chunk]]]) -> Won[AsyncIterator[Chunk]] | None:
    """The stage that raised ``error``: the innermost one that its traceback comes from; None where it is none of them.

    Read afterwards from the traceback, so that a stream that works pays nothing for it.
    """
    codes = {getattr(stage.value, "ag_code", None): stage for stage in stages}
    through = [codes[frame.f_code] for frame, _ in walk_tb(error.__traceback__) if frame.f_code in codes]
    return through[-1] if through else None


def blocked(what: str, spent: float) -> None:
    """Say so where a step of ``what`` took so long that everybody noticed."""
    if spent > BLOCKED_S:
        log.warning("%s held up the whole bot for %.1f s; what blocks belongs into asyncio.to_thread", what, spent)


class _Stepped:
    """An iterator whose steps are timed."""

    def __init__(self, chunks: AsyncIterable[object], clock: Clock, step: Callable[[float], None]) -> None:
        self._chunks = aiter(chunks)
        self._clock = clock
        self._step = step

    def __aiter__(self) -> AsyncIterator[object]:
        return self

    def __anext__(self) -> Awaitable[object]:
        return stepped(self._chunks.__anext__(), self._clock, self._step)


@coroutine
def stepped(work: Awaitable[T], clock: Clock, step: Callable[[float], None]) -> Generator[Any, Any, T]:
    """The result of ``work``; ``step`` is told how long each step of it took, from one wait to the next."""
    started: Any = work.__await__()
    since = clock.monotonic()
    try:
        waiting_for = started.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    finally:
        step(clock.monotonic() - since)
    return (yield from _resumed(started, waiting_for, clock, step))  # type: ignore[no-any-return]


@coroutine
def _resumed(
    started: Coroutine[Any, Any, T], waiting_for: Any, clock: Clock, step: Callable[[float], None]
) -> Generator[Any, Any, T]:
    """Await the rest of a coroutine that was already stepped once by hand; ``step`` is told how long each step took."""
    while True:
        try:
            sent = yield waiting_for
        except BaseException as error:
            resume = partial(started.throw, error)
        else:
            resume = partial(started.send, sent)
        since = clock.monotonic()
        try:
            waiting_for = resume()
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]
        finally:
            step(clock.monotonic() - since)
