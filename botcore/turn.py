"""One message's whole life: admit → recall → reply (or its command) → revise → commit and send → remember.

The only module that knows both plugins and channels. Whatever happens, an accepted message ends here as answered,
stopped, refused or failed, and the person is told; only the death of the process or a lost lease leaves it to the
next claim.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import asdict, dataclass, replace

from botcore.clock import Clock
from botcore.context import Command, Recalled
from botcore.delivery import Delivery, Sender
from botcore.dispatch import Bound, Dispatcher
from botcore.errors import EngineError, EngineUnavailable, PromptTooLong
from botcore.messages import Chunk, Conversation, Entry, Message, Outcome, PromptMessage, Reply, Sampling
from botcore.observe import Metrics
from botcore.ports import Channel, Delta, Engine, EngineStatus, Prompt, Usage
from botcore.prompt import compose, estimate, fit, shorter
from botcore.settings import TurnSettings
from botcore.store import Claim, Store, TurnEnd

__all__ = ["House", "LiveTurn", "TurnRun"]

log: logging.Logger = logging.getLogger(__name__)

COMMAND = re.compile(r"/([a-z0-9_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
STAGES = {
    "off": "has not started yet",
    "install": "is being installed",
    "model": "is loading its model",
    "warmup": "warms up",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every turn needs of the running bot."""

    settings: TurnSettings
    store: Store
    engine: Engine
    hooks: Dispatcher
    commands: Mapping[str, Command]
    channels: Mapping[str, Channel]
    sender: Sender
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class _Ending:
    outcome: Outcome
    reason: str = ""
    plugin: str = ""


class LiveTurn:
    """`botcore.context.Turn` over the running bot."""

    def __init__(self, house: House, claim: Claim, message: Message, delivery: Delivery) -> None:
        self.id: str = claim.turn
        self.message = message
        self.recalled: Recalled = Recalled(history=_brought(message))
        self.command: str
        self.argument: str
        self.command, self.argument = _command(message)
        self.model = ""
        self.clock: Clock = house.clock
        self.deadline: float = house.clock.monotonic() + house.settings.timeout_s
        self.usage: Usage = Usage()
        self.sampling: Sampling | None = None
        self.prompted: Prompt | None = None
        self.starts_over: bool = False
        self._house = house
        self._delivery = delivery

    @property
    def conversation(self) -> Conversation:
        """See `Turn`."""
        return self.message.conversation

    @property
    def engine(self) -> EngineStatus:
        """See `Turn`."""
        return self._house.engine.status

    @property
    def stateless(self) -> bool:
        """True where the sender brought the whole context and the stored history is none of its business."""
        return self.message.sampling is not None

    async def history(self, limit: int = 40) -> list[Entry]:
        """See `Turn`."""
        if self.stateless:
            return _brought(self.message)[-limit:]
        return await self._house.store.window(self.conversation.key, limit)

    async def prompt(self, system: str, *, instruction: str = "", reserve: int = 512) -> Prompt:
        """See `Turn`."""
        messages = compose(system, self.recalled, instruction or self.message.text)
        return await fit(messages, window=self.engine.window, reserve=reserve, count=self._house.engine.count)

    async def count(self, messages: Sequence[PromptMessage]) -> int:
        """See `Turn`."""
        counted = await self._house.engine.count(messages)
        return estimate(messages) if counted is None else counted

    async def start_over(self) -> None:
        """See `Turn`."""
        self.starts_over = True

    async def generate(self, prompt: Prompt, sampling: Sampling | None = None) -> AsyncGenerator[Delta, None]:
        """See `Turn`.

        A prompt the engine finds too long is tried again with a shorter history; an engine that dies before the first
        text is waited for once.
        """
        self.sampling = self.message.sampling or sampling or Sampling()
        shown, retried = False, False
        while True:
            await self._engine_ready()
            self.prompted = prompt
            try:
                async with aclosing(self._house.engine.generate(prompt, self.sampling, model=self.model)) as deltas:
                    async for delta in deltas:
                        shown = shown or bool(delta.text)
                        self.usage = delta.usage or self.usage
                        yield delta
                return
            except PromptTooLong:
                less = None if shown else shorter(prompt)
                if less is None:
                    raise
                prompt = replace(less, cut=(*prompt.cut, *less.cut))
            except EngineUnavailable:
                if shown or retried:
                    raise
                retried = True

    async def _engine_ready(self) -> None:
        if self._usable():
            return
        try:
            async with self.clock.timeout(self._house.settings.engine_wait_s):
                while not self._usable():
                    await self._house.engine.changed()
        except TimeoutError:
            raise EngineUnavailable(f"The engine {_stage(self.engine)}; please ask again later.") from None

    def _usable(self) -> bool:
        """Whether the engine answers now; else tell the person. Raises `EngineUnavailable` where it never will."""
        status = self.engine
        if status.stage == "failed":
            raise EngineUnavailable(f"The engine cannot answer: {status.detail}")
        if status.stage != "ready":
            self._delivery.waiting(f"The engine {_stage(status)}.")
        return status.stage == "ready"


class TurnRun:
    """The work on one claimed conversation: what an earlier owner left, then its next message."""

    def __init__(self, house: House, claim: Claim) -> None:
        self.claim = claim
        self._house = house
        self._started = house.clock.now()
        self._start = house.clock.monotonic()
        self._first_text_ms = 0.0
        self._work: asyncio.Task[_Ending] | None = None
        self._stopped = claim.stopped

    def stop(self) -> None:
        """End the running message as stopped, with the text it has so far."""
        self._stopped = True
        if self._work is not None:
            self._work.cancel()

    async def run(self) -> None:
        """Work until the claim's message has ended and is on its way.

        Raises `LeaseLost`; cancelled, nothing is committed.
        """
        channel = self._house.channels[self.claim.conversation.channel]
        await self._house.sender.take_over(channel, self.claim)
        if self.claim.message is None:
            await self._house.store.release(self.claim)
            return
        delivery = Delivery(self._house.sender, channel, self.claim)
        turn = LiveTurn(self._house, self.claim, self.claim.message, delivery)
        async with delivery.previews():
            ending = await self._ending(turn, delivery)
        reply = self._reply(turn, delivery, ending)
        await delivery.finish(self._end(turn, reply, ending))
        self._report(turn, reply)
        await self._house.hooks.each("remember", turn, reply, budget_s=self._house.settings.observe_budget_s)

    async def _ending(self, turn: LiveTurn, delivery: Delivery) -> _Ending:
        if self._stopped:
            return _Ending("stopped", "Stopped.")
        async with asyncio.TaskGroup() as group:
            self._work = group.create_task(self._produce(turn, delivery), name=f"turn {turn.id}")
        if self._work.cancelled():
            return _Ending("stopped", "Stopped.")
        return self._work.result()

    async def _produce(self, turn: LiveTurn, delivery: Delivery) -> _Ending:
        limit = self._house.settings.timeout_s
        try:
            async with self._house.clock.timeout(limit), AsyncExitStack() as stack:
                return await self._stages(turn, delivery, stack)
        except TimeoutError:
            return _Ending("failed", f"This took longer than {limit:g} s and was ended.")
        except EngineError as error:
            return _Ending("failed", str(error))
        except Exception:
            log.exception("turn %s failed", turn.id)
            return _Ending("failed", "Something went wrong here; the operator's log says what.")

    async def _stages(self, turn: LiveTurn, delivery: Delivery, stack: AsyncExitStack) -> _Ending:
        hooks, settings = self._house.hooks, self._house.settings
        if len(turn.message.text) > settings.text_limit:
            return _Ending(
                "refused", f"That is too long: {len(turn.message.text)} of {settings.text_limit} characters."
            )
        refused = await hooks.first("admit", turn, budget_s=settings.decide_budget_s)
        if refused:
            log.info("turn %s refused by %s: %s", turn.id, refused.plugin, refused.value.reason)
            return _Ending("refused", refused.value.notice, refused.plugin)
        await hooks.each("recall", turn, budget_s=settings.decide_budget_s)
        plugin, source = await self._source(turn)
        if source is None:
            return _Ending("failed", "Nothing here knows how to answer that.")
        async for chunk in hooks.pipe("revise", turn, source, stack):
            self._first_text_ms = self._first_text_ms or 1000 * (self._house.clock.monotonic() - self._start)
            delivery.write(chunk)
        if not delivery.text.strip():
            return _Ending("failed", "The reply was empty; please say it differently.", plugin)
        return _Ending("answered", "", plugin)

    async def _source(self, turn: LiveTurn) -> tuple[str, AsyncIterator[Chunk] | None]:
        budget = self._house.settings.decide_budget_s
        command = self._house.commands.get(turn.command)
        if command:
            bound = Bound(command.plugin, command.handler)
            answer = await self._house.hooks.call("command", bound, turn, budget_s=budget)
            if answer is not None:
                return command.plugin, answer
        won = await self._house.hooks.first("reply", turn, budget_s=budget)
        return (won.plugin, won.value) if won else ("", None)

    def _reply(self, turn: LiveTurn, delivery: Delivery, ending: _Ending) -> Reply:
        return Reply(
            id=turn.id,
            conversation=turn.conversation,
            text=delivery.text.strip(),
            outcome=ending.outcome,
            citations=tuple(delivery.citations),
            model=(turn.model or turn.engine.model) if turn.prompted else "",
            plugin=ending.plugin,
            reason=ending.reason,
            prompt_tokens=turn.usage.prompt_tokens,
            completion_tokens=turn.usage.completion_tokens,
        )

    def _end(self, turn: LiveTurn, reply: Reply, ending: _Ending) -> TurnEnd:
        prompted = turn.prompted or Prompt(messages=())
        trace = {
            "prompt": [asdict(message) for message in prompted.messages],
            "cut": list(prompted.cut),
            "sampling": asdict(turn.sampling) if turn.sampling else None,
            "model": reply.model,
            "plugin": ending.plugin,
            "passages": [asdict(passage) for passage in turn.recalled.passages],
            "usage": asdict(turn.usage),
            "first_text_ms": round(self._first_text_ms, 1),
            "total_ms": round(1000 * (self._house.clock.monotonic() - self._start), 1),
        }
        return TurnEnd(
            reply=reply,
            parts=(),
            sending=0,
            trace=trace,
            start_over=turn.starts_over,
            started_at=self._started,
        )

    def _report(self, turn: LiveTurn, reply: Reply) -> None:
        seconds = self._house.clock.monotonic() - self._start
        metrics, channel = self._house.metrics, turn.conversation.channel
        metrics.turns.labels(channel, reply.outcome).inc()
        metrics.turn_seconds.observe(seconds)
        if self._first_text_ms:
            metrics.first_text.observe(self._first_text_ms / 1000)
        metrics.tokens.labels("prompt").inc(reply.prompt_tokens)
        metrics.tokens.labels("completion").inc(reply.completion_tokens)
        log.info(
            "%s %s by %s: %d + %d tokens in %.0f ms",
            turn.conversation.key,
            reply.outcome,
            reply.plugin or "nobody",
            reply.prompt_tokens,
            reply.completion_tokens,
            1000 * seconds,
        )


def _command(message: Message) -> tuple[str, str]:
    found = COMMAND.fullmatch(message.text.strip()) if message.sampling is None else None
    return (found[1].lower(), (found[2] or "").strip()) if found else ("", message.text)


def _brought(message: Message) -> list[Entry]:
    at = message.sent_at
    return [Entry(id=place, role=line.role, text=line.content, at=at) for place, line in enumerate(message.context)]


def _stage(status: EngineStatus) -> str:
    percent = f" ({status.progress:.0%})" if status.progress is not None else ""
    return STAGES.get(status.stage, "is not ready") + percent
