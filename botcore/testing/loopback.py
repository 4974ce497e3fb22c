"""A channel that lives in memory, as real ones behave: ids, edits, previews, refusals."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from itertools import count

from botcore.errors import ChannelError, Rejected
from botcore.hookspecs import hookimpl
from botcore.messages import Attachment, Conversation
from botcore.ports import Capabilities, Draft, Inbox, Part
from botcore.registry import Registry

__all__ = ["LoopbackChannel"]


class LoopbackChannel:
    """A `botcore.ports.Channel` whose far end is the test."""

    name = "loopback"

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.can: Capabilities = capabilities or Capabilities(
            progress="draft", sends_per_second=1000, sends_per_second_per_chat=1000
        )
        self.inbox: Inbox
        """The way in, from the moment the bot runs."""
        self.open: asyncio.Event = asyncio.Event()
        """Set while messages are taken."""
        self.sent: list[Part] = []
        """Every message that was posted, in order."""
        self.edits: list[tuple[str, Part]] = []
        """Every edit: the id of the message, and what it says since."""
        self.drafts: list[Draft] = []
        """Every preview, in order."""
        self.texts: dict[str, str] = {}
        """What each message says now, by platform id."""
        self.failures: deque[ChannelError] = deque()
        """Raised by the next sends and edits, one each, instead of executing them."""
        self.lost_answers: deque[ChannelError] = deque()
        """Raised by the next sends and edits, one each, after executing them."""
        self.arrived: dict[str, asyncio.Queue[Part | Draft]] = {}
        """What nobody has heard yet, by chat."""
        self.files: dict[str, bytes] = {}
        """What can be fetched, by `Attachment.reference`."""
        self._ids = count(1)
        self._parts: dict[str, str] = {}

    @hookimpl
    def register(self, registry: Registry) -> None:
        """Offer itself."""
        registry.channel(self)

    def capabilities(self, conversation: Conversation) -> Capabilities:
        """What the test wants this platform to be able to do."""
        return self.can

    async def run(self, inbox: Inbox) -> None:
        """Take messages from the test until cancelled."""
        self.inbox = inbox
        self.open.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.open.clear()

    async def send(self, part: Part) -> str:
        """Post; the id counts up."""
        self._fail(self.failures)
        platform_id = f"m{next(self._ids)}"
        self.sent.append(part)
        self.texts[platform_id] = part.text
        self._parts[part.id] = platform_id
        self._fail(self.lost_answers)
        self._arrive(part)
        return platform_id

    async def edit(self, platform_id: str, part: Part) -> None:
        """Replace the text."""
        self._fail(self.failures)
        if platform_id not in self.texts:
            raise Rejected(f"there is no message {platform_id}")
        self.edits.append((platform_id, part))
        self.texts[platform_id] = part.text
        self._fail(self.lost_answers)
        self._arrive(part)

    async def show(self, draft: Draft) -> None:
        """Keep the preview; the final one of a pull channel is the delivery."""
        self.drafts.append(draft)
        if draft.reply:
            self._arrive(draft)

    async def find(self, part: Part, since: float) -> str | None:
        """The id under which a part was posted, once it says what the part does."""
        platform_id = self._parts.get(part.id, "")
        return platform_id if self.texts.get(platform_id) == part.text else None

    async def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        """The file in `files`, in two pieces."""
        self._fail(self.failures)
        if attachment.reference not in self.files:
            raise Rejected(f"there is no file {attachment.reference}")
        content = self.files[attachment.reference]
        yield content[: len(content) // 2]
        yield content[len(content) // 2 :]

    def inbound(self, chat: str) -> asyncio.Queue[Part | Draft]:
        """What arrives in one chat, in order."""
        return self.arrived.setdefault(chat, asyncio.Queue())

    def _arrive(self, item: Part | Draft) -> None:
        self.inbound(item.conversation.chat).put_nowait(item)

    def _fail(self, planned: deque[ChannelError]) -> None:
        if planned:
            raise planned.popleft()
