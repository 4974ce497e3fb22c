"""`check_channel`: the contract of `botcore.ports.Channel`, run against any channel and a fake of its platform.

What a platform's wire looks like is the channel's own business, tested beside it; here stands what the core relies on.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from itertools import count
from typing import Literal, Protocol

from botcore.errors import ChannelError, Rejected, Retry, StoreUnavailable, Unknown
from botcore.messages import Attachment, Conversation, Incoming, Message, Reply
from botcore.ports import PLACEHOLDER, Capabilities, Channel, Draft, Inbox, Part, Phase, Receipt
from botcore.split import measure
from botcore.testing.clock import settle

__all__ = ["Platform", "Trouble", "check_channel"]

Trouble = Literal["limit", "refuse", "vanish"]
"""``limit``: wait, nothing was sent. ``refuse``: never. ``vanish``: the answer is lost, or is a 5xx."""

LINE_S = 5.0
"""Real seconds in which a channel has its line again, where it keeps one and ``vanish`` has cut it; and in which its
`run` ends."""

EXPECTED: dict[Trouble, type[ChannelError]] = {"limit": Retry, "refuse": Rejected, "vanish": Unknown}


class Platform(Protocol):
    """The far end, as the check needs it: a fake that keeps the platform's own rules."""

    conversation: Conversation
    """Where the check writes."""

    async def delivers(self, event: str, text: str) -> bool:
        """Deliver a person's message in `conversation`, and say whether the channel told the platform "received".

        The same ``event`` again is the platform's own repetition of one delivery.
        """
        ...

    def shows(self) -> Sequence[str]:
        """The text of each message of ours in `conversation`, oldest first, as people see it now; [] for ``pull``."""
        ...

    def prepares(self, trouble: Trouble) -> None:
        """Answer the next call in this way, and those behind it well again. Not called for ``pull``.

        ``limit``: wait, nothing was sent (a 429). ``refuse``: never (a 403). ``vanish``: the answer is lost or a 5xx,
        whatever became of the message. It may cut the channel's line: a `Retry` until that is up again is no fault.
        """
        ...


async def check_channel(channel: Channel, platform: Platform) -> None:
    """Fails with an `AssertionError` that names the broken promise, or the call that raised.

    Edits are checked where `Capabilities.progress` is ``anchor``: the core makes none elsewhere. The check itself calls
    `Channel.run`, with an inbox of its own, and ends it: do not run the channel, but enter its `lifespan`.
    """
    with _calling("capabilities"):
        can = channel.capabilities(platform.conversation)
    _check_capabilities(can)
    await _check_intake(channel, platform)
    if can.progress == "pull":
        await _check_pull(channel, platform)
    else:
        await _check_sends(channel, platform, can)
        await _check_errors(channel, platform, can)
        if can.can_find:
            await _check_find(channel, platform, can)
    await _check_show(channel, platform)
    await _check_fetch(channel)


@contextmanager
def _calling(call: str) -> Iterator[None]:
    """What the channel raises in the body is a broken promise, which says where it was."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{call} raised {error!r}") from error


def _check_capabilities(can: Capabilities) -> None:
    assert isinstance(can, Capabilities), f"capabilities must return Capabilities, not {can!r}"
    assert can.progress in ("draft", "anchor", "pull"), f"progress: {can.progress!r} is none of draft, anchor, pull"
    assert can.text_unit in ("chars", "utf16", "utf8"), f"text_unit: {can.text_unit!r}"
    assert can.text_limit >= 100, f"text_limit: {can.text_limit} leaves no room for a sentence"
    assert can.progress_after >= 0, f"progress_after: {can.progress_after} is in the past"
    for name in ("progress_every", "sends_per_second", "sends_per_second_per_chat", "burst_per_chat"):
        assert getattr(can, name) > 0, f"{name}: must be more than 0, is {getattr(can, name)}"


# ------------------------------------------------------------------ the way in


class _Inbox:
    """Keeps what is accepted; refuses while it is told to."""

    def __init__(self) -> None:
        self.refusing = True
        self.records: list[Incoming] = []
        self.full = ""

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        if self.refusing:
            raise StoreUnavailable("the disk is full")
        self.records += records
        return [Receipt(id=number) for number, _ in enumerate(records, 1)]

    @asynccontextmanager
    async def lead(self, name: str) -> AsyncIterator[None]:
        yield

    async def room(self) -> None:
        return None

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        raise AssertionError(f"an ordinary message was dead-lettered: {reason}")


async def _check_intake(channel: Channel, platform: Platform) -> None:
    inbox = _Inbox()
    running = asyncio.create_task(_running(channel, inbox), name=f"check of {channel.name}")
    await settle()
    try:
        assert not await platform.delivers("e1", "one"), "acknowledged what could not be stored: it would be lost"
        inbox.refusing = False
        for event, text in (("e1", "one"), ("e2", "two"), ("e2", "two")):
            assert await platform.delivers(event, text), f"did not acknowledge {text!r}, which was stored"
        await settle()
        _check_messages(platform, [record for record in inbox.records if isinstance(record, Message)])
    finally:
        running.cancel()
        ended, _ = await asyncio.wait([running], timeout=LINE_S)
        assert ended, "run did not end when it was cancelled: the bot could not stop"
        with suppress(asyncio.CancelledError):
            await running


async def _running(channel: Channel, inbox: Inbox) -> None:
    with _calling("run"):
        await channel.run(inbox)
    raise AssertionError("run returned; it must receive until it is cancelled")


def _check_messages(platform: Platform, messages: Sequence[Message]) -> None:
    for message in messages:
        assert message.conversation == platform.conversation, f"{message.conversation} is not where it was said"
        assert message.event_id, "a message without an event id cannot be told from its repetition"
        assert message.person.id, "a message must say whose it is"
    kept = {message.event_id: message.text for message in messages}
    assert len(kept) >= 2, f"two deliveries share an event id, so the second would be lost: {kept}"
    assert list(kept.values()) == ["one", "two"], (
        f"one and two were said, once each and in this order; kept were {kept}"
    )


# ------------------------------------------------------------------ the way out

_numbers = count(1)


def _part(platform: Platform, text: str, platform_id: str = "") -> Part:
    turn = f"check{next(_numbers)}"
    return Part(
        id=f"{turn}.0",
        turn=turn,
        number=0,
        conversation=platform.conversation,
        text=text,
        platform_id=platform_id,
    )


async def _check_sends(channel: Channel, platform: Platform, can: Capabilities) -> None:
    before = len(platform.shows())
    texts = ["first", "second", *(_longest(letter, can) for letter in "xé😀")]
    ids = [await _sent(channel, _part(platform, text)) for text in texts]
    assert len(set(ids)) == len(ids), f"two messages share an id: {ids}"
    assert list(platform.shows())[before:] == texts, "messages must arrive whole and in the order they were sent"
    if can.progress == "anchor":
        await _check_edits(channel, platform, ids[0])
        assert list(platform.shows())[before:] == ["first, edited", *texts[1:]], "edit must replace one message's text"


async def _check_edits(channel: Channel, platform: Platform, there: str) -> None:
    await _edited(channel, _part(platform, "first, edited", platform_id=there))
    await _edited(channel, _part(platform, "first, edited", platform_id=there))  # the same again is a success
    raised = await _raised(channel, _part(platform, "nowhere", platform_id="nobody-sent-this"))
    assert type(raised) is Rejected, f"edit of a message that is not there must raise Rejected, not {raised!r}"


def _longest(letter: str, can: Capabilities) -> str:
    """As much of one letter as a message takes; some are one character and several units."""
    return letter * (can.text_limit // measure(letter, can.text_unit))


async def _check_errors(channel: Channel, platform: Platform, can: Capabilities) -> None:
    there = await _sent(channel, _part(platform, "to be edited"))
    for trouble, expected in EXPECTED.items():
        for call in ("send", "edit") if can.progress == "anchor" else ("send",):
            platform.prepares(trouble)
            part = _part(platform, f"{trouble} {call}", platform_id=there if call == "edit" else "")
            raised = await _raised_there(channel, part) if trouble == "vanish" else await _raised(channel, part)
            assert type(raised) is expected, f"{call} during {trouble!r} must raise {expected.__name__}, not {raised!r}"
            if isinstance(raised, Retry):
                assert raised.after > 0, "Retry must say how many seconds to wait"


async def _check_find(channel: Channel, platform: Platform, can: Capabilities) -> None:
    part = _part(platform, PLACEHOLDER)
    assert await _found(channel, part) is None, "find must return None for what nobody posted: it would count as sent"
    sent = await _sent(channel, part)
    assert await _finds(channel, part) == sent, "find must return the id under which a part was posted"
    if can.progress == "anchor":
        await _check_find_edited(channel, part, sent)


async def _check_find_edited(channel: Channel, part: Part, sent: str) -> None:
    reply = replace(part, text="the reply", platform_id=sent)
    assert await _found(channel, reply) is None, "find must not take a placeholder for the reply that was to replace it"
    await _edited(channel, reply)
    assert await _finds(channel, reply) == sent, "find must return the id of the message that an edit has changed"


async def _found(channel: Channel, part: Part) -> str | None:
    with _calling("find"), suppress(Unknown):
        return await channel.find(part, 0.0)
    return None


async def _finds(channel: Channel, part: Part) -> str | None:
    with _calling("find"):
        return await channel.find(part, 0.0)


async def _sent(channel: Channel, part: Part) -> str:
    with _calling("send"):
        sent: object = await channel.send(part)
    named = sent if isinstance(sent, str) else ""
    assert named, f"send must return the platform's id of the message, not {sent!r}"
    return named


async def _edited(channel: Channel, part: Part) -> None:
    with _calling("edit"):
        await channel.edit(part.platform_id, part)


async def _raised_there(channel: Channel, part: Part) -> BaseException | None:
    """What a call raises that reached the platform: the answer before may have been lost with the line itself."""
    first = raised = await _raised(channel, part)
    with suppress(TimeoutError):
        async with asyncio.timeout(LINE_S):
            while isinstance(raised, Retry):
                await asyncio.sleep(min(raised.after, 1.0))
                raised = await _raised(channel, part)
    return raised or first


async def _raised(channel: Channel, part: Part) -> BaseException | None:
    try:
        if part.platform_id:
            await channel.edit(part.platform_id, part)
        else:
            await channel.send(part)
    except Exception as error:
        return error
    return None


async def _check_pull(channel: Channel, platform: Platform) -> None:
    raised = await _raised(channel, _part(platform, "nobody sends here"))
    assert type(raised) is Rejected, f"send of a pull channel must raise Rejected, not {raised!r}"


async def _check_show(channel: Channel, platform: Platform) -> None:
    """Previews may be dropped; showing one never fails, whatever state the platform is in."""

    def draft(text: str, phase: Phase, reply: Reply | None = None) -> Draft:
        return Draft(
            conversation=platform.conversation, turn="check", message=1, text=text, phase=phase, note="…", reply=reply
        )

    done = Reply(id="check", conversation=platform.conversation, text="One two.")
    steps = (
        draft("", "waiting"),
        draft("One", "writing"),
        draft("One two.", "writing"),
        draft("One two.", "final", done),
    )
    for step in steps:
        try:
            await channel.show(step)
        except Retry:
            continue  # allowed: previews have a pace, too
        except Exception as error:
            raise AssertionError(f"show raised {error!r}; it may raise nothing but Retry") from error


async def _check_fetch(channel: Channel) -> None:
    """A file nobody ever sent: the person must be told in words, not by a plugin's failure."""
    unknown = Attachment(name="a.txt", media_type="text/plain", size=1, reference="nobody-sent-this")
    try:
        async with aclosing(channel.fetch(unknown)) as pieces:
            async for _ in pieces:
                pass
    except ChannelError:
        return
    except Exception as error:
        raise AssertionError(f"fetch raised {error!r}; it may raise Retry, Rejected or Unknown only") from error
    raise AssertionError("fetch gave bytes of a file that nobody sent")
