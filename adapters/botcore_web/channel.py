"""The web as the core sees it: a `Channel` whose readers fetch committed text. HTTP is in the other modules."""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from botcore import (
    Attachment,
    Bot,
    Capabilities,
    Conversation,
    Draft,
    Forgotten,
    Inbox,
    Part,
    Registry,
    Rejected,
    Unknown,
    hookimpl,
)
from botcore_web.desk import Desk
from botcore_web.live import News
from botcore_web.routes import Routes
from botcore_web.settings import WebSettings
from botcore_web.uploads import Uploads

__all__ = ["Web"]

VISITOR = re.compile(r"[A-Za-z0-9_-]+")
"""Who may have files, and a folder's name that leads nowhere else."""
OWN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
"""A visitor's conversation."""


class Web:
    """The chat page and ``/v1``."""

    Settings = WebSettings
    name = "web"

    def __init__(self, settings: WebSettings | None = None) -> None:
        self._desk = Desk(settings or WebSettings())

    @hookimpl
    def register(self, registry: Registry) -> None:
        """See `botcore.hookspecs`."""
        self._desk.name = registry.name
        registry.channel(self)
        Routes(self._desk, registry).register()

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        """Answer for as long as the bot lives: running turns are shown to their end after `run` was ended."""
        self._desk.running = bot
        self._desk.shelf = files = self._uploads(bot)
        try:
            async with asyncio.TaskGroup() as tasks:
                watch = tasks.create_task(self._watch_engine(bot), name=f"{self.name}: engine status to open pages")
                sweep = tasks.create_task(files.tend(self._desk.exists), name=f"{self.name}: old files")
                hear = tasks.create_task(self._hear(bot), name=f"{self.name}: news of other processes")
                yield
                await self._desk.live.close(bot.clock)
                for task in (watch, sweep, hear):
                    task.cancel()
        finally:
            self._desk.running = self._desk.shelf = None

    @hookimpl
    async def forget(self, bot: Bot, forgotten: Forgotten) -> None:
        """Remove the files of the visitor or the conversation."""
        if forgotten.channel != self.name:
            return
        files = self._desk.shelf or self._uploads(bot)
        chat = forgotten.conversation.chat if forgotten.conversation else ""
        if OWN.fullmatch(chat):
            await files.forget(chat)
        elif VISITOR.fullmatch(forgotten.person):
            await files.forget_all(forgotten.person)

    def capabilities(self, conversation: Conversation) -> Capabilities:
        """The committed row is the delivery; previews stay in this process and may come often."""
        return Capabilities(
            progress="pull",
            text_limit=1_000_000,
            progress_every=0.03,
            sends_per_second_per_chat=1000,
            sends_per_second=1e6,
        )

    async def run(self, inbox: Inbox) -> None:
        """Take messages until cancelled."""
        self._desk.open = inbox
        try:
            await asyncio.Event().wait()
        finally:
            self._desk.open = None

    async def send(self, part: Part) -> str:
        """Never called: nothing goes through the outbox."""
        raise Rejected("a web page fetches its replies itself")

    async def edit(self, platform_id: str, part: Part) -> None:
        """Never called: nothing goes through the outbox."""
        raise Rejected("a web page fetches its replies itself")

    async def show(self, draft: Draft) -> None:
        """Hand the preview, or the news of the committed reply, to whoever has this conversation open."""
        self._desk.live.show(draft)

    async def find(self, part: Part, since: float) -> str | None:
        """Never called: nothing goes through the outbox."""
        raise Unknown("nothing is sent to a web page")

    async def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """The bytes of a file that came with a message: it is on our own disk."""
        async with aclosing(self._desk.files.read(attachment.reference)) as pieces:
            async for piece in pieces:
                yield piece

    def _uploads(self, bot: Bot) -> Uploads:
        return Uploads(bot.data_dir / self.name, self._desk.settings, bot.clock)

    async def _hear(self, bot: Bot) -> None:
        """A turn that ended in another process is looked for at once, not at the next look."""
        async with aclosing(bot.changes()) as changes:
            async for key in changes:
                if key:
                    self._desk.live.tell(key, News.ENTRIES)
                else:
                    self._desk.live.tell_all(News.ENTRIES)

    async def _watch_engine(self, bot: Bot) -> None:
        while True:
            await bot.engine_changed()
            self._desk.live.tell_all(News.ENGINE)
