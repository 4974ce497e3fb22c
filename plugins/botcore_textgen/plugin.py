"""The last of the `reply` hooks: whatever nobody else answered goes to the model.

The wording of the commands is in `instructions`, the choices of the operator in `settings`.
"""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial

from botcore import Bot, Chunk, Prompt, Registry, Sampling, Turn, hookimpl, say
from botcore_textgen.instructions import KINDS, Kind, continuing
from botcore_textgen.settings import Preset, TextGenSettings

__all__ = ["TextGen"]

NOTHING = "The model returned an empty answer. Please ask again, or in other words."
USED_UP = (
    "The model used up its tokens before it had said anything, as one does that thinks for long. "
    "Please ask for less at once; the operator can give it more (max_tokens)."
)
UNREADABLE = "I can only read text so far, and this message has none."
USAGE = "There is nothing to continue yet. Give me the beginning: /continue Once upon a time"
CUT = " …"


class TextGen:
    """Lets the model answer: chat for ordinary messages, and /story, /poem, /news and /continue."""

    Settings = TextGenSettings

    def __init__(self, settings: TextGenSettings) -> None:
        self._settings = settings
        self._persona = settings.persona.replace("{name}", "botcore")

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Adds the writing commands."""
        for kind in KINDS:
            registry.command(kind.command, kind.help, partial(self._about, kind))
        registry.command("continue", "Go on with a text: /continue Once upon a time", self._continue)

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Learns the bot's name for the persona."""
        self._persona = self._settings.persona.replace("{name}", bot.name)
        yield

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        """Answers everything but commands that do not exist: keep this plugin last in the configuration."""
        if turn.unknown:
            return None
        if not turn.message.text.strip():
            return say(UNREADABLE)
        return await self._write(turn, self._settings.presets.chat)

    async def _about(self, kind: Kind, turn: Turn) -> AsyncIterator[Chunk]:
        preset: Preset = getattr(self._settings.presets, kind.command)
        return await self._write(turn, preset, kind.instruction(turn.argument))

    async def _continue(self, turn: Turn) -> AsyncIterator[Chunk]:
        text = turn.argument.strip() or await self._last_reply(turn)
        if not text:
            return say(USAGE)
        return await self._write(turn, self._settings.presets.continuation, continuing(text))

    async def _last_reply(self, turn: Turn) -> str:
        """The model's own, also where it was stopped: the thanks for a /good would make a poor story."""
        said = (entry for entry in reversed(await turn.history()) if entry.role == "assistant" and entry.model)
        whole = (entry.text.removesuffix(CUT) for entry in said if entry.outcome in ("answered", "stopped"))
        return next(filter(None, whole), "")

    async def _write(self, turn: Turn, preset: Preset, instruction: str = "") -> AsyncIterator[Chunk]:
        sampling = turn.message.sampling or preset.sampling(greedy=self._settings.greedy)
        prompt = await turn.prompt(self._persona, instruction=instruction, reserve=sampling.max_tokens)
        return _speak(turn, prompt, sampling)


async def _speak(turn: Turn, prompt: Prompt, sampling: Sampling) -> AsyncIterator[Chunk]:
    """The model's words as they come.

    People are told of an empty or a cut answer; a program that chose the sampling itself (`/v1`) gets the model's text
    and nothing else.
    """
    for_people, said, finish = turn.message.sampling is None, False, ""
    async with aclosing(turn.generate(prompt, sampling)) as deltas:
        async for delta in deltas:
            said, finish = said or bool(delta.text.strip()), delta.finish
            if delta.text:
                yield Chunk(text=delta.text)
            if finish in ("length", "abort") and said and for_people:
                yield Chunk(text=CUT)
    if not said and for_people:
        yield Chunk(text=USED_UP if finish == "length" else NOTHING)
