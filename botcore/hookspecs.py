"""Every hook, typed: the only file a plugin author must read.

A plugin is a class; its hooks are methods marked `@hookimpl`. It may have a pydantic model ``Settings`` (its table of
the configuration), is built as ``Plugin(settings)``, and may list ``requires = ("extra",)``. Plugins are asked in the
order of the configuration file. pluggy only starts these coroutines; `botcore.dispatch` drives them: each call has a
time budget (``turn.decide_budget_s``: 10 s, ``turn.observe_budget_s``: 2 s), at whose end it is cancelled; that, an
exception or an answer of another type is logged under the plugin's name and the others go on.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pluggy

from botcore.context import Refusal, Turn
from botcore.messages import Chunk, Feedback, Forgotten, Reply
from botcore.ports import Bot
from botcore.registry import Registry

__all__ = ["HookSpecs", "hookimpl", "hookspec"]

hookspec: pluggy.HookspecMarker = pluggy.HookspecMarker("botcore")
hookimpl: pluggy.HookimplMarker = pluggy.HookimplMarker("botcore")
"""Marks a method as a hook; it takes no options."""


class HookSpecs:
    """The hooks, in the order in which a message meets them."""

    @hookspec
    def register(self, registry: Registry) -> None:
        """Once, at load: add channels, engines, chat commands, CLI commands, routes, panels. All plugins are asked."""

    @hookspec
    def lifespan(self, bot: Bot) -> AbstractAsyncContextManager[None]:  # type: ignore[empty-body]
        """An async context manager around the bot's life, in a task of its own. All plugins are asked.

        A failure ends this plugin's lifespan and is reported (`Bot.health`); the bot goes on. Messages are taken once
        all were entered, or after 30 s. When the bot ends, what is behind the ``yield`` has 5 s before it is cancelled.
        """

    @hookspec
    async def admit(self, turn: Turn) -> Refusal | None:
        """May this message be answered? The first `Refusal` ends the turn with its notice; None lets it pass."""

    @hookspec
    async def recall(self, turn: Turn) -> None:
        """Add to ``turn.recalled`` what the reply should know. All plugins are asked, in order."""

    @hookspec
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        """Who answers? Return the stream of the reply, or None to pass; the first stream wins.

        The coroutine decides, the iterator does the work: it is closed when the turn is stopped. What it raises ends
        the reply as failed: an `EngineError` with its own words less addresses, anything else with an excuse, and a
        line in the log.
        """

    @hookspec
    def revise(self, turn: Turn, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:  # type: ignore[empty-body]
        """Rewrite the stream on its way out (guardrails, formatting); may hold back. All plugins, as a pipe, in order.

        Write it as an async generator; the source is closed for you. What it raises ends the reply as failed.
        """

    @hookspec
    async def remember(self, turn: Turn, reply: Reply) -> None:
        """After the reply was committed. All plugins are told; may be missed in a crash (then read ``bot.turns``)."""

    @hookspec
    async def feedback(self, feedback: Feedback) -> None:
        """After a person's judgement was committed; ``feedback.reply`` is set once the reply is known. All are told."""

    @hookspec
    async def forget(self, bot: Bot, forgotten: Forgotten) -> None:
        """Delete what you keep of this conversation or person; the core has done so. All are told.

        Where one fails, all are told again later. A command beside the running bot may tell it: then `lifespan` was not
        entered, so use this ``bot``, and bring your tables up to date before you look into them.
        """
