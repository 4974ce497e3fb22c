"""What is sent as one album is one message, however it is delivered."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from botcore import Message
from botcore_telegram.albums import album, before_album, joined
from botcore_telegram.hearing import Identity
from botcore_telegram.poll import ALBUM_PAUSE_S
from botcore_telegram.testing import FakeTelegram
from botcore_telegram.testing.chat import FakeChat
from botcore_telegram.wire import read
from tests.adapters.telegram.conftest import FakeInbox, HurriedClock, Running

ME = Identity(channel="telegram", user_id=42, username="botcore_bot")


async def sent(chat: FakeChat, *captions: str, album: str = "1", **more: Any) -> list[dict[str, Any]]:
    """An album, of which each file has one of these captions."""
    return [
        await chat.uploads(f"{number}.txt", b"x", caption, media_group_id=album, **more)
        for number, caption in enumerate(captions, 1)
    ]


def heard(updates: Sequence[Any]) -> list[tuple[str, list[str]]]:
    records = [record for update in joined(updates) if isinstance(record := read(update, ME), Message)]
    return [(record.text, [file.name for file in record.attachments]) for record in records]


@pytest.mark.parametrize(
    ("captions", "text"),
    [
        (("@botcore_bot compare", "", ""), "compare"),
        (("", "", "@botcore_bot compare"), "compare"),
        (("@botcore_bot mine", "yours"), "mine\n\nyours"),
        (("mine", "for @botcore_bot"), "mine\n\nfor @botcore_bot"),
    ],
)
async def test_whichever_file_has_the_caption_the_message_has_all_of_them(
    server: FakeTelegram, captions: tuple[str, ...], text: str
) -> None:
    updates = await sent(server.chat(-100, "supergroup"), *captions)
    assert heard(updates) == [(text, [f"{number}.txt" for number, _ in enumerate(captions, 1)])]
    [record] = [read(update, ME) for update in joined(updates)]
    assert isinstance(record, Message)
    shown = next(update["message"] for update in updates if "caption" in update["message"])
    assert record.platform_id == f"-100:{shown['message_id']}"


async def test_an_album_that_is_not_for_the_bot_is_not_heard(server: FakeTelegram) -> None:
    assert heard(await sent(server.chat(-100, "supergroup"), "look", "")) == []


async def test_albums_of_several_chats_and_other_messages_are_kept_apart(server: FakeTelegram) -> None:
    ana, ben = server.chat(7), server.chat(8)
    anas, bens = await sent(ana, "ana's", ""), await sent(ben, "ben's", "")
    updates = [anas[0], bens[0], await ana.says("hi"), anas[1], bens[1]]
    assert heard(updates) == [("hi", []), ("ana's", ["1.txt", "2.txt"]), ("ben's", ["1.txt", "2.txt"])]
    assert before_album(updates, album(bens[0])) == [anas[0]]


@pytest.mark.parametrize("odd", [None, 5, [], {}, {"media_group_id": 1}, {"media_group_id": "1", "chat": 5}])
def test_what_is_no_message_is_no_album(odd: object) -> None:
    assert album({"update_id": 1, "message": odd}) == ""


class Meanwhile(HurriedClock):
    """More of an album comes while the rest of it is waited for."""

    def __init__(self, comes: Callable[[], Awaitable[object]]) -> None:
        super().__init__()
        self._comes = comes

    async def sleep(self, seconds: float) -> None:
        if seconds == ALBUM_PAUSE_S:
            await self._comes()
        await super().sleep(seconds)


async def test_the_rest_of_an_album_is_waited_for_before_any_of_it_is_confirmed(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    ana = server.chat(7)
    await ana.says("hi")
    await sent(ana, "compare")

    async def more() -> None:
        assert inbox.texts == ["hi"]
        await ana.uploads("2.txt", b"x", media_group_id="1")

    async with running(Meanwhile(more)):
        await inbox.holds(2)
        await server.confirms((await ana.says("and?"))["update_id"])
    compare = inbox.committed[1]
    assert isinstance(compare, Message)
    assert [file.name for file in compare.attachments] == ["1.txt", "2.txt"]
    assert inbox.texts == ["hi", "compare", "and?"]


async def test_an_album_that_comes_again_with_one_more_file_is_not_taken_for_the_first(server: FakeTelegram) -> None:
    updates = await sent(server.chat(7), "", "", "")
    cut, whole = (read(joined(updates[:count])[0], ME) for count in (2, 3))
    assert cut
    assert whole
    assert cut.event_id != whole.event_id
