"""`check_channel` itself: a channel that keeps the contract passes, and each broken promise is named."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import pytest

from botcore import (
    Attachment,
    Capabilities,
    Conversation,
    Draft,
    Inbox,
    Message,
    Part,
    Person,
    Rejected,
    Retry,
    StoreUnavailable,
    Unknown,
)
from botcore.testing import LoopbackChannel, check_channel, checks_channel
from botcore.testing.checks_channel import EXPECTED, Trouble

HERE = Conversation(channel="loopback", chat="ana")
FINDS = Capabilities(progress="anchor", can_find=True)
ERRORS = {"limit": Retry(1.0), "refuse": Rejected("no"), "vanish": Unknown("lost")}


class Far:
    """The far end of a `LoopbackChannel`."""

    conversation = HERE

    def __init__(self, channel: LoopbackChannel) -> None:
        self.channel = channel

    async def delivers(self, event: str, text: str) -> bool:
        message = Message(event_id=event, conversation=HERE, person=Person(id="ana"), text=text)
        try:
            await self.channel.inbox.accept([message])
        except StoreUnavailable:
            return False
        return True

    def shows(self) -> Sequence[str]:
        return list(self.channel.texts.values())

    def prepares(self, trouble: Trouble) -> None:
        assert isinstance(ERRORS[trouble], EXPECTED[trouble])
        self.channel.failures.append(ERRORS[trouble])


@pytest.mark.parametrize("progress", ["draft", "anchor"])
async def test_a_channel_that_keeps_the_contract(progress: Any) -> None:
    channel = LoopbackChannel(Capabilities(progress=progress, can_find=True))
    await check_channel(channel, Far(channel))


class OneWay(LoopbackChannel):
    """A platform like SMS: what is sent is sent."""

    async def edit(self, platform_id: str, part: Part) -> None:
        raise NotImplementedError


async def test_a_platform_that_cannot_edit_keeps_the_contract() -> None:
    channel = OneWay(Capabilities(progress="draft", can_find=True))
    await check_channel(channel, Far(channel))


class Line(LoopbackChannel):
    """Keeps one line to the platform; when it is cut, the next call finds none."""

    cut = False

    async def send(self, part: Part) -> str:
        self.needs_a_line()
        try:
            return await super().send(part)
        except Unknown:
            self.cut = True
            raise

    async def edit(self, platform_id: str, part: Part) -> None:
        self.needs_a_line()
        await super().edit(platform_id, part)

    def needs_a_line(self) -> None:
        if self.cut:
            self.cut = False  # the next call finds one
            raise Retry(0.0, "there is no line")


async def test_a_channel_whose_line_was_cut_may_ask_to_wait_until_there_is_another() -> None:
    channel = Line()
    await check_channel(channel, Far(channel))


class Hasty(Far):
    async def delivers(self, event: str, text: str) -> bool:
        await super().delivers(event, text)
        return True


class Forgetful(Far):
    async def delivers(self, event: str, text: str) -> bool:
        return await super().delivers("always the same", text)


class Quits(LoopbackChannel):
    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        await asyncio.sleep(0)


class Clings(LoopbackChannel):
    async def run(self, inbox: Inbox) -> None:
        self.inbox = inbox
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()


class Swaps(LoopbackChannel):
    async def send(self, part: Part) -> str:
        platform_id = await super().send(part)
        self.texts = dict(sorted(self.texts.items(), reverse=True))
        return platform_id


class SameAgainFails(LoopbackChannel):
    async def edit(self, platform_id: str, part: Part) -> None:
        if self.texts.get(platform_id) == part.text:
            raise Rejected("not modified")
        await super().edit(platform_id, part)


class OwnError(LoopbackChannel):
    async def send(self, part: Part) -> str:
        try:
            return await super().send(part)
        except Unknown as error:
            raise TimeoutError from error


class CountsBytes(LoopbackChannel):
    async def send(self, part: Part) -> str:
        if len(part.text.encode()) > self.can.text_limit:
            raise Rejected("too long")
        return await super().send(part)


class EditsNothing(LoopbackChannel):
    async def edit(self, platform_id: str, part: Part) -> None:
        if platform_id in self.texts:
            await super().edit(platform_id, part)


class Breaks(LoopbackChannel):
    """Falls over a bug of its own."""

    def __init__(self, call: str) -> None:
        super().__init__(FINDS)
        setattr(self, call, self.broken)

    async def broken(self, *_: object) -> None:
        raise KeyError("id")


class Unfit(LoopbackChannel):
    def capabilities(self, conversation: Conversation) -> Capabilities:
        raise KeyError("id")


class Mute(LoopbackChannel):
    async def send(self, part: Part) -> str:
        await super().send(part)
        return None  # type: ignore[return-value]


class FindsAnything(LoopbackChannel):
    async def find(self, part: Part, since: float) -> str | None:
        return next(reversed(self.texts))


class FindsByIdAlone(LoopbackChannel):
    async def find(self, part: Part, since: float) -> str | None:
        return self._parts.get(part.id)


class Inventive(LoopbackChannel):
    async def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        yield b"something"


class Careless(LoopbackChannel):
    async def fetch(self, attachment: Attachment) -> AsyncGenerator[bytes, None]:
        yield self.files[attachment.reference]


class LoudPreview(LoopbackChannel):
    async def show(self, draft: Draft) -> None:
        raise Rejected("no previews")


@pytest.mark.parametrize(
    ("channel", "far", "told"),
    [
        (LoopbackChannel, Hasty, "acknowledged what could not be stored"),
        (LoopbackChannel, Forgetful, "two deliveries share an event id"),
        (Quits, Far, "run returned"),
        (Clings, Far, "run did not end"),
        (Swaps, Far, "in the order they were sent"),
        (lambda: SameAgainFails(FINDS), Far, "edit raised Rejected.*not modified"),
        (OwnError, Far, "send during 'vanish' must raise Unknown, not TimeoutError"),
        (LoudPreview, Far, "show raised Rejected"),
        (lambda: LoopbackChannel(Capabilities(progress="draft", text_limit=0)), Far, "text_limit"),
        (CountsBytes, Far, "send raised Rejected.*too long"),
        (lambda: Breaks("run"), Far, "run raised KeyError"),
        (lambda: Breaks("send"), Far, "send raised KeyError"),
        (lambda: Breaks("edit"), Far, "edit raised KeyError"),
        (lambda: Breaks("find"), Far, "find raised KeyError"),
        (Unfit, Far, "capabilities raised KeyError"),
        (Mute, Far, "send must return the platform's id of the message, not None"),
        (lambda: EditsNothing(FINDS), Far, "edit of a message that is not there"),
        (lambda: FindsAnything(FINDS), Far, "what nobody posted"),
        (lambda: FindsByIdAlone(FINDS), Far, "take a placeholder for the reply"),
        (Inventive, Far, "bytes of a file that nobody sent"),
        (Careless, Far, "fetch raised KeyError"),
    ],
)
async def test_a_broken_promise_is_named(
    channel: Callable[[], LoopbackChannel],
    far: Callable[[LoopbackChannel], Far],
    told: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks_channel, "LINE_S", 0.05)
    broken = channel()
    with pytest.raises(AssertionError, match=told):
        await check_channel(broken, far(broken))
