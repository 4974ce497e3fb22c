"""What a plugin holds in its hands during one message's life: `botcore.context.Turn` over the running bot."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from botcore.context import Recalled
from botcore.delivery import Delivery
from botcore.errors import EngineUnavailable, PromptTooLong
from botcore.files import fetched
from botcore.house import House
from botcore.messages import (
    Attachment,
    Conversation,
    Entry,
    Feedback,
    Message,
    Passage,
    PromptMessage,
    Reply,
    Sampling,
)
from botcore.ports import Delta, EngineStatus, Prompt, Usage
from botcore.prompt import compose, estimate, fit, shorter, within
from botcore.store import Claim, clean_text

if TYPE_CHECKING:
    from botcore.clock import Clock

__all__ = ["LiveTurn"]

COMMAND = re.compile(r"/([a-z0-9_]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
LOOKS_LIKE_ONE = re.compile(r"/[a-z][a-z0-9_]{0,31}(?:@\w+)?(?!\S)")
"""A text that names no command we know, but was meant to: ``/Users``, ``/etc/hosts`` and ``/2`` are none."""
RECALLED: Mapping[str, type] = {"history": Entry, "facts": str, "passages": Passage}
STAGES = {
    "off": "has not started yet",
    "install": "is being installed",
    "model": "is loading its model",
    "warmup": "warms up",
}


class LiveTurn:
    """`botcore.context.Turn` over the running bot."""

    def __init__(self, house: House, claim: Claim, message: Message, delivery: Delivery) -> None:
        self.id: str = claim.turn
        self._message = message
        self._recalled = Recalled(history=_brought(message))
        self.command: str
        self.argument: str
        self.command, self.argument = _command(message)
        self.model: str = ""
        self._returns: Callable[[], None] | None = None
        self.again: str = ""
        self.clock: Clock = house.clock
        self.deadline: float = house.clock.monotonic() + house.settings.timeout_s  # set anew when the turn begins
        self.usage: Usage = Usage()
        self.sampling: Sampling | None = None
        self.prompted: Prompt | None = None
        self.written: list[str] = []
        """What the model wrote, as it came."""
        self.starts_over: bool = False
        self._house = house
        self._delivery = delivery

    @property
    def message(self) -> Message:
        """See `Turn`."""
        return self._message

    @property
    def recalled(self) -> Recalled:
        """See `Turn`."""
        return self._recalled

    @property
    def conversation(self) -> Conversation:
        """See `Turn`."""
        return self.message.conversation

    @property
    def unknown(self) -> bool:
        """See `Turn`."""
        named = self.command not in self._house.commands and LOOKS_LIKE_ONE.match(self.message.text.strip())
        return bool(self.command and named)

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
        return await self._house.store.window(self.conversation.key, limit, before=self.again)

    def sift(self) -> str:
        """Take out of `recalled` what no prompt and no trace can be made of, and say what it was; "" for nothing."""
        told = list[str]()
        for name, kind in RECALLED.items():
            given: object = getattr(self._recalled, name)
            if given == []:
                continue  # mostly, and this is asked after every plugin
            kept = [one for one in given if isinstance(one, kind)] if isinstance(given, list) else []
            if kept != given:
                setattr(self._recalled, name, kept)
                told.append(f"turn.recalled.{name} is a list of {kind.__name__}")
        return f"left something else behind: {', '.join(told)}" if told else ""

    async def prompt(self, system: str, *, instruction: str = "", reserve: int = 512) -> Prompt:
        """See `Turn`."""
        speaker, window = None if self.conversation.private else self.message.person, self.engine.window
        recalled, cut = within(self.recalled, window)
        composed = compose(system, recalled, instruction or self.message.text, speaker=speaker)
        messages = [PromptMessage(role=message.role, content=clean_text(message.content)) for message in composed]
        prompt = await fit(messages, window=window, reserve=reserve, count=self._house.engine.count)
        return replace(prompt, cut=(*prompt.cut, *cut)) if cut else prompt

    async def count(self, messages: Sequence[PromptMessage]) -> int:
        """See `Turn`."""
        counted = await self._house.engine.count(messages)
        return estimate(messages) if counted is None else counted

    def progress(self, note: str) -> None:
        """See `Turn`."""
        self._delivery.waiting(note)

    @asynccontextmanager
    async def file(self, attachment: Attachment, *, limit: int) -> AsyncIterator[Path]:
        """See `Turn`."""
        channel = self._house.channels[self.conversation.channel]
        async with fetched(channel, attachment, limit=limit, folder=self._house.files) as path:
            yield path

    async def judge(
        self, value: Literal[-1, 0, 1], *, reasons: Sequence[str] = (), comment: str = "", correction: str = ""
    ) -> Reply | None:
        """See `Turn`."""
        meant = await self._meant()
        reply = await self._house.store.reply(meant[1].reply) if meant else None
        if reply is None or not reply.judgeable:
            return reply
        judgement = Feedback(
            event_id=f"{self.id}:judgement",
            conversation=self.conversation,
            person=self.message.person,
            reply=reply.id,
            value=value,
            reasons=tuple(reasons),
            comment=comment,
            correction=correction,
        )
        await self._house.accept([judgement])
        return reply

    async def repeat(self) -> None:
        """Take the question of the reply that is meant for this turn's own; nothing changes where there is none."""
        meant = await self._meant(broken=True)
        if meant is None or not (meant[0].text or meant[0].attachments):
            return
        asked, replied = meant
        self.again = replied.again or replied.reply  # asked twice, the first one is replaced twice
        self._message = replace(self.message, text=asked.text, attachments=asked.attachments)
        self.command, self.argument = _command(self.message)

    async def _meant(self, *, broken: bool = False) -> tuple[Entry, Entry] | None:
        """The exchange this message quotes, else the newest one worth a verdict, or one that was broken off."""
        message = self.message
        if self.stateless:
            return None
        return await self._house.store.exchange(
            self.conversation.key, reply=message.about, platform_id=message.reply_to, broken=broken
        )

    async def start_over(self) -> None:
        """See `Turn`."""
        self.starts_over = True

    async def generate(self, prompt: Prompt, sampling: Sampling | None = None) -> AsyncGenerator[Delta, None]:
        """See `Turn`.

        A prompt the engine finds too long is tried again with a shorter history; an engine that dies before the first
        text is waited for once.
        """
        if not isinstance(prompt, Prompt):
            raise TypeError('generate takes a Prompt: prompt = await turn.prompt("You are …")')
        if not isinstance(sampling, Sampling | None):
            raise TypeError("generate takes a Sampling: Sampling(max_tokens=200)")
        self.sampling = self.message.sampling or sampling or Sampling()
        shown, retried = False, False
        while True:
            await self._engine_ready()
            self._choose()
            self.prompted = prompt
            try:
                async with aclosing(self._house.engine.generate(prompt, self.sampling, model=self.model)) as deltas:
                    async for delta in deltas:
                        shown = shown or bool(delta.text)
                        self.usage = delta.usage or self.usage
                        self.written.append(delta.text)
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

    def _choose(self) -> None:
        """The version for the whole turn: by now the engine has loaded it. Again only where it is gone meanwhile."""
        loras = self._house.loras
        if loras and (self._returns is None or not loras.has(self.model)):
            self.give_back()
            self.model = loras.lend()
            self._returns = partial(loras.give_back, self.model)

    def give_back(self) -> None:
        """The turn generates no more: its version may go."""
        if self._returns:
            self._returns()
        self._returns = None

    async def _engine_ready(self) -> None:
        if self._usable():
            return
        try:
            async with self.clock.timeout(self._house.settings.engine_wait_s):
                while not self._usable():
                    await self._house.engine.changed()
        except TimeoutError:
            raise EngineUnavailable(f"The engine {_stage(self.engine)}") from None

    def _usable(self) -> bool:
        """Whether the engine answers now; else tell the person. Raises `EngineUnavailable` where it never will."""
        status = self.engine
        if status.stage == "failed":
            raise EngineUnavailable(f"The engine cannot answer: {status.detail}")
        if status.stage != "ready":
            self._delivery.waiting(f"The engine {_stage(status)}.")
        return status.stage == "ready"


def _command(message: Message) -> tuple[str, str]:
    found = COMMAND.fullmatch(message.text.strip()) if message.sampling is None else None
    return (found[1].lower(), (found[2] or "").strip()) if found else ("", message.text)


def _brought(message: Message) -> list[Entry]:
    at = message.sent_at
    return [Entry(id=place, role=line.role, text=line.content, at=at) for place, line in enumerate(message.context)]


def _stage(status: EngineStatus) -> str:
    percent = f" ({status.progress:.0%})" if status.progress is not None else ""
    return STAGES.get(status.stage, "is not ready") + percent
