"""``kind = "scripted"``: an engine that says what it was told to say. For tests, demos and the page without a model.

It keeps the whole `Engine` contract (order, cancellation frees the slot, errors) and starts nothing. A test queues
replies with `say`, holds the stream with `hold`, and makes it fail with `fail`.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import aclosing
from types import coroutine
from typing import Any

from botcore.engine.board import OnBoard
from botcore.engine.lending import Lending
from botcore.errors import EngineError, EngineRejected, EngineUnavailable, PromptTooLong
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, EngineStatus, Prompt, Usage
from botcore.versions import LoraFiles

__all__ = ["Script", "Scripted", "ScriptedEngine", "turn_of_the_loop"]

Script = str | Callable[[Prompt], str] | EngineError
"""A reply's text; or what makes it from the prompt; or the error to raise instead."""

TURN_TOKENS = 2
"""What a template adds for each message, as real ones do."""


def echo(prompt: Prompt) -> str:
    """The reply when nothing is queued: the last message back."""
    return f"You said: {prompt.messages[-1].content}" if prompt.messages else "You said nothing."


class Scripted(OnBoard):
    """What a test does with an engine or an encoder alike: hold it, let it go, say where it stands."""

    def __init__(self, status: EngineStatus) -> None:
        super().__init__(status)
        self._gate: asyncio.Event | None = None

    async def run(self) -> None:
        """Ready at once (unless a test has set another stage), until cancelled."""
        if self.status.stage == "off":
            self._board.show(stage="ready")
        try:
            await asyncio.Event().wait()
        finally:
            self._board.show(stage="off")

    def hold(self) -> None:
        """Let everything wait until `release`."""
        self._gate = asyncio.Event()

    def release(self) -> None:
        """Let everything go."""
        if self._gate is not None:
            self._gate.set()
            self._gate = None

    def set_status(self, **changes: Any) -> None:
        """Change fields of the status, such as ``stage="install", detail="…"``; it works only in ``ready``."""
        self._board.show(**changes)


class ScriptedEngine(Scripted):
    """An `Engine` whose replies a test decides; every word is one token and one delta."""

    def __init__(self, *replies: Script, window: int = 4096, model: str = "scripted", fallback: Script = echo) -> None:
        super().__init__(EngineStatus(stage="off", model=model, window=window))
        self._script: deque[tuple[Script, int | None]] = deque((reply, None) for reply in replies)
        self._steps = asyncio.Semaphore(0)
        self.fallback = fallback
        """What is said when the queue is empty."""
        self.prompts: list[Prompt] = []
        """Every prompt given, oldest first."""
        self.samplings: list[Sampling] = []
        self.models: list[str] = []
        """The LoRA version asked for with each prompt, "" = the base."""
        self.open: int = 0
        """Generations running now: the slots a real engine would hold."""
        self.served: list[str] = []
        """Every LoRA version put in service, "" = the base."""
        self.refuses: dict[str, str] = {}
        """Versions that cannot be served, and why."""
        self.gone: set[str] = set()
        """Versions in service whose files have vanished: the next restart does without."""
        self.lending: Lending = Lending()
        self.counts = True
        """False: `count` returns None, as servers without ``/tokenize`` do."""
        self.restricts = True
        """False: `Sampling.choice` is ignored, as servers other than vLLM do."""

    # ---------------------------------------------------------------- for tests

    def say(self, *replies: Script) -> None:
        """Queue the next replies: texts, functions of the prompt, or errors to raise."""
        self._script.extend((reply, None) for reply in replies)

    def die_after(self, words: int, reply: str) -> None:
        """Queue a reply that breaks off after ``words`` words with `EngineUnavailable`, as a killed server does."""
        self._script.append((reply, words))

    def hold(self) -> None:
        """Stop before the next token of every stream until `step` or `release`."""
        super().hold()
        self._steps = asyncio.Semaphore(0)

    def step(self, tokens: int = 1) -> None:
        """Let ``tokens`` held tokens go, whichever stream asks first."""
        for _ in range(tokens):
            self._steps.release()

    # ---------------------------------------------------------------- the engine

    async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        """See `Engine.generate`. The prompt is recorded even where the reply is an error.

        Of a `Sampling.choice` it says the queued reply, or the first text where that is none of them.
        """
        self.prompts.append(prompt)
        self.samplings.append(sampling)
        self.models.append(model)
        if self.status.stage != "ready":
            raise self._not_ready("engine")
        text, dies_after = self._reply(prompt)
        if sampling.choice and self.restricts and text not in sampling.choice:
            text = sampling.choice[0]
        self.open += 1
        try:
            async with aclosing(self._deltas(prompt, sampling, text, dies_after)) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            self.open -= 1

    def _reply(self, prompt: Prompt) -> tuple[str, int | None]:
        tokens, window = tokens_of(prompt.messages), self.status.window
        if tokens >= window:
            raise PromptTooLong(f"the prompt does not fit: {tokens} tokens in a window of {window}")
        script, dies_after = self._script.popleft() if self._script else (self.fallback, None)
        if isinstance(script, EngineError):
            raise script
        return (script if isinstance(script, str) else script(prompt)), dies_after

    async def _deltas(
        self, prompt: Prompt, sampling: Sampling, text: str, dies_after: int | None
    ) -> AsyncGenerator[Delta, None]:
        words = re.findall(r"\S+\s*|\s+", text)
        said = words[: sampling.max_tokens]
        for number, word in enumerate(said):
            if number == dies_after:
                raise EngineUnavailable("the scripted engine died in the middle of its answer")
            await self._turnstile()
            yield Delta(text=word, token_ids=(number,) if sampling.return_token_ids else ())
        if dies_after is not None:
            raise EngineUnavailable("the scripted engine died in the middle of its answer")
        usage = Usage(prompt_tokens=tokens_of(prompt.messages), completion_tokens=len(said))
        yield Delta(finish="stop" if len(said) == len(words) else "length", usage=usage)

    async def _turnstile(self) -> None:
        """Wait while held; always one turn of the loop, as a real stream gives."""
        await turn_of_the_loop()
        gate = self._gate
        if gate is None:
            return
        async with asyncio.TaskGroup() as tasks:
            ways = [tasks.create_task(gate.wait(), name="gate"), tasks.create_task(self._steps.acquire(), name="step")]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()

    # ---------------------------------------------------------------- LoRA versions

    @property
    def owns(self) -> bool:
        """See `LoraEngine.owns`."""
        return True

    async def serve(self, version: LoraFiles | None) -> None:
        """See `LoraEngine.serve`."""
        name = version.name if version else ""
        if reason := self.refuses.get(name):
            raise EngineRejected(f"{name} cannot be served: {reason}")
        self.served.append(name)
        self._board.show(lora=name)

    def settled(self, name: str) -> bool:
        """See `LoraEngine.settled`."""
        return self.status.lora == name

    def has(self, name: str) -> bool:
        """See `LoraEngine.has`."""
        return name not in self.gone

    def lend(self) -> str:
        """See `LoraEngine.lend`."""
        return self.lending.lend(self.status.lora)

    def give_back(self, name: str) -> None:
        """See `LoraEngine.give_back`."""
        self.lending.give_back(name)

    async def count(self, messages: Sequence[PromptMessage]) -> int | None:
        """Exactly what `Usage.prompt_tokens` will say: the words, and two tokens for each message."""
        return tokens_of(messages) if self.counts else None


@coroutine
def turn_of_the_loop() -> Generator[None, None, None]:
    """Let everything else go first, once."""
    yield


def tokens_of(messages: Sequence[PromptMessage]) -> int:
    """Tokens of a prompt as this engine counts: words, and what its template adds for each message."""
    return sum(len(message.content.split()) + TURN_TOKENS for message in messages)
