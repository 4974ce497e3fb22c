"""The files people send: from the message to their bytes, and what keeps them from coming."""

import logging

import pytest

from botcore import Attachment, Conversation, Message, Rejected, Retry, Unknown
from botcore_telegram import Telegram
from botcore_telegram.testing import FakeTelegram, Fault
from tests.adapters.telegram.conftest import FakeInbox, Running

LIMIT = 20 << 20


async def fetched(channel: Telegram, attachment: Attachment) -> bytes:
    return b"".join([piece async for piece in channel.fetch(attachment)])


async def sent(inbox: FakeInbox) -> Message:
    await inbox.holds(1)
    message = inbox.committed[-1]
    assert isinstance(message, Message)
    return message


async def test_a_document_arrives_with_its_caption_and_can_be_fetched(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    content = bytes(range(256)) * 1000
    async with running() as channel:
        await server.chat(7).uploads("notes & plans.pdf", content, "please read")
        message = await sent(inbox)
        [attachment] = message.attachments
        assert await fetched(channel, attachment) == content
    assert (message.text, attachment.name, attachment.media_type, attachment.size) == (
        "please read",
        "notes & plans.pdf",
        "application/pdf",
        256_000,
    )


async def test_a_photo_is_fetched_in_its_largest_size(server: FakeTelegram, inbox: FakeInbox, running: Running) -> None:
    async with running() as channel:
        await server.chat(7).photographs(b"p" * 5000)
        [attachment] = (await sent(inbox)).attachments
        assert await fetched(channel, attachment) == b"p" * 5000


async def test_the_fetch_can_be_left_in_the_middle(server: FakeTelegram, inbox: FakeInbox, running: Running) -> None:
    async with running() as channel:
        await server.chat(7).uploads("big.bin", b"x" * 5_000_000)
        [attachment] = (await sent(inbox)).attachments
        pieces = channel.fetch(attachment)
        assert await anext(pieces)
        await pieces.aclose()
        # Another call over the same session still works, and the channel's end finds nothing open.
        assert await fetched(channel, attachment) == b"x" * 5_000_000


@pytest.mark.parametrize(("claimed", "asked"), [(LIMIT + 1, 0), (0, 1)])
async def test_a_file_telegram_does_not_hand_out_is_refused_in_words(
    server: FakeTelegram, inbox: FakeInbox, running: Running, claimed: int, asked: int
) -> None:
    async with running() as channel:
        await server.chat(7).uploads("film.mp4", b"x", size=LIMIT + 1)
        [attachment] = (await sent(inbox)).attachments
        attachment = Attachment(name="film.mp4", media_type="", size=claimed, reference=attachment.reference)
        with pytest.raises(Rejected, match=r"film\.mp4: larger than 20 MB"):
            await fetched(channel, attachment)
    assert [method for method, _ in server.received].count("getFile") == asked


async def test_more_bytes_than_were_said_are_counted_while_they_come(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async with running() as channel:
        await server.chat(7).uploads("liar.bin", b"x" * (LIMIT + 1), size=3)
        [attachment] = (await sent(inbox)).attachments
        with pytest.raises(Rejected, match="larger than 20 MB"):
            await fetched(channel, attachment)


async def test_a_file_that_is_gone_is_refused_in_words(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async with running() as channel:
        await server.chat(7).uploads("old.txt", b"x")
        [attachment] = (await sent(inbox)).attachments
        server.fail("download", Fault(status=404, description="Not Found"))
        with pytest.raises(Rejected, match=r"old\.txt: Telegram has no such file any more"):
            await fetched(channel, attachment)
        server.api.files.forget(attachment.reference)
        with pytest.raises(Rejected, match=r"old\.txt: Telegram has no such file any more"):
            await fetched(channel, attachment)


@pytest.mark.parametrize(
    ("method", "fault", "expected"),
    [
        ("getFile", Fault.flood(9), Retry),
        ("getFile", Fault(status=401, description="Unauthorized"), Retry),
        ("getFile", Fault.broken(502, html=True), Unknown),
        ("download", Fault.flood(9), Retry),
        ("download", Fault.broken(500), Unknown),
        ("download", Fault.cut(executed=False), Unknown),
    ],
)
async def test_every_failure_has_its_word_and_names_no_secret(
    server: FakeTelegram,
    inbox: FakeInbox,
    running: Running,
    caplog: pytest.LogCaptureFixture,
    method: str,
    fault: Fault,
    expected: type[Exception],
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running() as channel:
        await server.chat(7).uploads("a.txt", b"x")
        [attachment] = (await sent(inbox)).attachments
        server.fail(method, fault, fault)  # a download that breaks before its answer is asked for once more
        try:
            await fetched(channel, attachment)
        except expected:
            logging.getLogger("test").exception("as the core would log it")
    secret = server.token.partition(":")[2]
    assert "as the core would log it" in caplog.text
    assert secret not in caplog.text


async def test_a_redirect_is_not_followed(server: FakeTelegram, inbox: FakeInbox, running: Running) -> None:
    async with running() as channel, FakeTelegram() as elsewhere:
        await server.chat(7).uploads("a.txt", b"x")
        [attachment] = (await sent(inbox)).attachments
        server.fail(
            "download", Fault.redirected(f"{elsewhere.base_url}/file/bot{elsewhere.token}/documents/file_0.txt")
        )
        with pytest.raises(Unknown):
            await fetched(channel, attachment)
    assert elsewhere.received == []


async def test_a_channel_that_is_not_connected_asks_to_wait(server: FakeTelegram) -> None:
    attachment = Attachment(name="a", media_type="", size=1, reference="x")
    with pytest.raises(Retry):
        await fetched(Telegram(server.settings()), attachment)


async def test_a_document_in_a_group_needs_to_be_meant_for_the_bot(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    team = server.chat(-100, "supergroup")
    async with running():
        await team.uploads("theirs.txt", b"x")
        await team.uploads("ours.txt", b"x", "@botcore_bot read this")
        message = await sent(inbox)
    assert (message.text, message.attachments[0].name) == ("read this", "ours.txt")
    assert message.conversation == Conversation(channel="telegram", account="123456789", chat="-100", private=False)
