"""A message with a file: the plugin reads it, the person is told how far it is, and nothing is left behind."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from botcore import Attachment, ChannelError, Chunk, Turn, Unknown, hookimpl, say
from botcore.files import clear
from botcore.testing import Chat, chatting, until

LIMIT = 100


class Reader:
    """Tells a file's size."""

    def __init__(self) -> None:
        self.seen: list[Path] = []
        self.go_on = asyncio.Event()
        self.go_on.set()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        turn.progress(f"Reading {turn.message.attachments[0].name}")
        await self.go_on.wait()
        try:
            async with turn.file(turn.message.attachments[0], limit=LIMIT) as path:
                self.seen.append(path)
                return say(f"{path.stat().st_size} bytes: {path.read_bytes()[:5].decode()}")
        except ChannelError as error:
            return say(str(error))


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def chat_plugins(reader: Reader) -> Mapping[str, object]:
    return {"reader": reader}


def file(size: int = 5, reference: str = "f1") -> Attachment:
    return Attachment(name="a.txt", media_type="text/plain", size=size, reference=reference)


async def test_a_plugin_reads_the_file_and_it_is_gone_afterwards(chat: Chat, reader: Reader) -> None:
    chat.channel.files["f1"] = b"hello"
    await chat.says("", attachments=(file(),))
    await chat.hears("5 bytes: hello")
    [path] = reader.seen
    assert not path.exists()
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("said", [LIMIT + 1, 1], ids=["the platform says so", "the bytes show it"])
async def test_a_file_that_is_too_large_is_refused(chat: Chat, reader: Reader, said: int) -> None:
    chat.channel.files["f1"] = bytes(LIMIT + 1)
    await chat.says("", attachments=(file(size=said),))
    await chat.hears("a.txt is larger than 0.0001 MB")
    assert list((chat.bot.data_dir / "incoming").glob("*")) == []


async def test_a_file_that_is_gone_is_told_in_words(chat: Chat) -> None:
    await chat.says("", attachments=(file(reference="f2"),))
    await chat.hears("there is no file f2")


async def test_a_platform_that_does_not_answer_is_told_in_words(chat: Chat) -> None:
    chat.channel.failures.append(Unknown("no answer from the platform"))
    await chat.says("", attachments=(file(),))
    await chat.hears("no answer from the platform")


async def test_the_person_sees_what_the_reply_waits_for(chat: Chat, reader: Reader) -> None:
    chat.channel.files["f1"] = b"hello"
    reader.go_on.clear()
    await chat.says("", attachments=(file(),))
    await until(lambda: chat.channel.drafts)
    reader.go_on.set()
    await chat.hears("5 bytes")
    first = chat.channel.drafts[0]
    assert (first.phase, first.note) == ("waiting", "Reading a.txt")


async def test_what_a_crash_left_is_gone_at_the_next_start(tmp_path: Path) -> None:
    left = tmp_path / "incoming" / "attachment-left"
    left.parent.mkdir()
    left.write_bytes(b"half")
    async with chatting(tmp_path, plugins={"reader": Reader()}):
        assert not left.exists()


def test_beside_other_processes_only_what_nobody_can_be_reading_goes(tmp_path: Path) -> None:
    for name, age in (("attachment-old", 100), ("attachment-new", 1)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    clear(tmp_path, before=950)
    assert [file.name for file in tmp_path.iterdir()] == ["attachment-new"]
