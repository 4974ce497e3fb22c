"""What all handlers of the web channel share: the way into the bot, what is live, and the bounds."""

from botcore import Bot, Control, Conversation, Inbox, Message, Receipt
from botcore_web.live import Live, News
from botcore_web.problem import Problem
from botcore_web.settings import WebSettings
from botcore_web.uploads import Uploads

__all__ = ["Desk"]

STARTING = "the bot is starting; try again in a moment"


class Desk:
    """The channel's side of the core. Until the core has come up, asking for it is a 503 `Problem`."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        self.name = "web"
        """The channel's name in the configuration."""
        self.live = Live(drafts=settings.drafts, watches=settings.connections, each=settings.streams)
        self.running: Bot | None = None
        self.open: Inbox | None = None
        self.shelf: Uploads | None = None

    @property
    def bot(self) -> Bot:
        """The running bot."""
        if self.running is None:
            raise Problem(503, "starting", STARTING, retry_after=1)
        return self.running

    @property
    def inbox(self) -> Inbox:
        """The way in."""
        if self.open is None:
            raise Problem(503, "starting", STARTING, retry_after=1)
        return self.open

    @property
    def files(self) -> Uploads:
        """The files that people attach."""
        if self.shelf is None:
            raise Problem(503, "starting", STARTING, retry_after=1)
        return self.shelf

    async def accept(self, record: Message | Control) -> Receipt:
        """The receipt of a committed record. Raises `StoreUnavailable`."""
        [receipt] = await self.inbox.accept([record])
        self.live.tell(record.conversation.key, News.ENTRIES)
        return receipt

    async def exists(self, chat: str) -> bool:
        """Whether anything was ever said in that chat."""
        where = Conversation(channel=self.name, chat=chat)
        return bool(await self.bot.history(where, limit=1) or await self.bot.open_messages(where))

    async def own_reply(self, where: Conversation, reply: str) -> None:
        """A 404 `Problem` where this conversation has no such reply."""
        found = await self.bot.reply(reply)
        if found is None or found.conversation.key != where.key:
            raise Problem(404, "not_found", "there is no such reply in this conversation; load the page again")

    async def known(self, where: Conversation) -> None:
        """A 404 `Problem` where nothing was ever said: foreign and missing look alike."""
        if not await self.exists(where.chat):
            raise Problem(404, "not_found", "there is no such conversation; start a new one")
