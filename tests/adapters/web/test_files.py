"""Attaching files over real HTTP onto a real disk: what is kept, what is refused, and that nothing is left behind."""

import asyncio
import gzip
import os
import re
import resource
import stat
import threading
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from botcore import Attachment, Conversation, Forgotten, Message, Rejected
from botcore.testing import ManualClock, until
from botcore_web import Web
from botcore_web.file_api import SILENCE_S
from botcore_web.files import Shelf
from botcore_web.settings import WebSettings
from botcore_web.uploads import DAY_S, EACH, SWEEP_S
from tests.adapters.web.core import CHAT, House, Visitor, serving

FILES = f"/api/conversations/{CHAT}/files"
OTHER = "d" * 22
PDF = b"%PDF-1.7 " + bytes(range(256)) * 1000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the channel keeps files."""
    return tmp_path / "web"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    settings = WebSettings(file_limit=1_000_000, files=3, files_waiting=3, files_total=2_500_000)
    async with serving(web=Web(settings), data_dir=tmp_path) as house:
        yield house


async def attaches(
    visitor: Visitor, data: Any = PDF, name: str = "book.pdf", id: str = "", chat: str = CHAT
) -> tuple[int, Any]:
    """Upload a file; status and body."""
    path = f"/api/conversations/{chat}/files"
    query = {"id": id or str(uuid4()), "name": name}
    return (await visitor.asks("POST", path, params=query, data=data))[:2]


async def says(visitor: Visitor, files: list[str], text: str = "read", chat: str = CHAT, id: str = "") -> Any:
    """Send a message with files; status and body."""
    body = {"id": id or str(uuid4()), "text": text, "files": files}
    return (await visitor.asks("POST", f"/api/conversations/{chat}/messages", json=body))[:2]


async def fetched(house: House, attachment: Attachment) -> bytes:
    async with aclosing(house.web.fetch(attachment)) as pieces:
        return b"".join([piece async for piece in pieces])


def on_disk(root: Path) -> list[str]:
    """The names of all files."""
    return sorted(path.name[37:] or path.name for path in root.rglob("*") if path.is_file())


# ------------------------------------------------------------------ from the page to the plugin


async def test_a_file_goes_with_its_message_and_can_be_read(house: House, ana: Visitor) -> None:
    status, file = await attaches(ana)
    assert (status, file["name"], file["size"]) == (201, "book.pdf", len(PDF))
    assert (await says(ana, [file["file"]], text=""))[0] == 202  # no words are needed
    _, message = await house.core.message()
    [attachment] = message.attachments
    assert (attachment.name, attachment.media_type, attachment.size) == ("book.pdf", "application/pdf", len(PDF))
    assert await fetched(house, attachment) == PDF
    shown = {"file": file["file"], "name": "book.pdf", "size": len(PDF)}
    conversation = f"/api/conversations/{CHAT}"
    assert (await ana.asks("GET", conversation))[1]["pending"][0]["files"] == [shown]
    await house.answers("Read.")
    assert [entry["files"] for entry in (await ana.asks("GET", conversation))[1]["entries"]] == [[shown], []]


async def test_the_same_upload_again_is_the_same_file(house: House, ana: Visitor, root: Path) -> None:
    id = str(uuid4())
    first, again = await attaches(ana, id=id), await attaches(ana, b"another", "other.txt", id=id.upper())
    assert first == again
    assert (await says(ana, [id], id=id))[0] == 202
    assert await attaches(ana, id=id) == first  # also once it was said
    assert (await says(ana, [id], id=id))[1]["duplicate"] is True
    assert on_disk(root) == ["book.pdf"]


async def test_a_message_the_store_does_not_take_may_be_sent_again_with_its_files(house: House, ana: Visitor) -> None:
    _, file = await attaches(ana)
    id, house.core.down = str(uuid4()), True
    assert (await says(ana, [file["file"]], id=id))[0] == 503
    house.core.down = False
    assert (await says(ana, [file["file"]], id=id))[0] == 202
    [message] = house.core.of(Message)
    assert await fetched(house, message.attachments[0]) == PDF


async def test_a_file_that_was_said_may_be_said_again(house: House, ana: Visitor) -> None:
    _, file = await attaches(ana)
    assert [(await says(ana, [file["file"]]))[0] for _ in range(2)] == [202, 202]


async def test_files_are_for_the_bot_s_eyes_only(ana: Visitor, root: Path) -> None:
    await attaches(ana)
    assert _modes(root) == {0o700, 0o600}


def _modes(root: Path) -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}


async def test_no_address_gives_a_file_back(ana: Visitor) -> None:
    _, file = await attaches(ana, b"<script>alert(1)</script>", "x.html")
    name = f"{file['file']}-x.html"
    for address in (FILES, f"{FILES}/{file['file']}", f"{FILES}/{name}", f"/web/{name}", f"/static/../../web/{name}"):
        assert (await ana.asks("GET", address))[0] in (404, 405), address


# ------------------------------------------------------------------ strangers


async def test_another_s_file_looks_like_one_that_does_not_exist(house: House, ana: Visitor, root: Path) -> None:
    ben, (_, file) = await house.visitor(), await attaches(ana)
    answers = [
        await says(ben, [file["file"]]),
        await says(ana, [file["file"]], chat=OTHER),
        await says(ana, [str(uuid4())]),
    ]
    assert {(status, body["error"]["code"]) for status, body in answers} == {(404, "no_file")}
    assert (await ben.asks("DELETE", f"{FILES}/{file['file']}"))[0] == 204  # tells nothing
    assert on_disk(root) == ["book.pdf"]
    assert house.core.accepted == []


@pytest.mark.parametrize("origin", ["", "null", "https://evil.example"])
async def test_only_our_own_page_may_attach_and_remove(ana: Visitor, root: Path, origin: str) -> None:
    query = {"id": str(uuid4()), "name": "a.txt"}
    for method, path in (("POST", FILES), ("DELETE", f"{FILES}/{query['id']}")):
        status, body, _ = await ana.asks(method, path, headers={"Origin": origin}, params=query, data=b"x")
        assert (status, body["error"]["code"]) == (403, "origin")
    assert on_disk(root) == []


async def test_who_has_no_cookie_attaches_nothing(ana: Visitor, root: Path) -> None:
    ana.cookie = ""
    assert (await attaches(ana))[0] == 403
    assert on_disk(root) == []


async def test_a_locked_bot_takes_no_stranger_s_file(tmp_path: Path) -> None:
    async with serving(data_dir=tmp_path, key="a-long-enough-key") as house:
        assert (await attaches(await house.visitor()))[0] == 401


async def test_a_reference_that_was_forged_leads_nowhere(house: House, ana: Visitor, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    await attaches(ana)
    for reference in ("../secret", f"{'v' * 22}.{CHAT}/{uuid4()}", "", "*/*"):
        with pytest.raises(Rejected, match="not here any more"):
            await fetched(house, Attachment(name="a", media_type="a/b", size=1, reference=reference))


# ------------------------------------------------------------------ bounds


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(ana: Visitor, root: Path) -> None:
    host, port = re.findall(r"//(.*):(\d+)", ana.address)[0]
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {FILES}?id={uuid4()}&name=a.pdf HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {ana.address}\r\n"
        f"Cookie: botcore_visitor={ana.cookie}\r\nContent-Length: 1000001\r\n\r\n".encode()
    )
    answer = await reader.readuntil(b"}}")  # not a byte of the body was sent
    assert b" 413 " in answer
    assert b"larger than 1 MB" in answer
    writer.close()
    await writer.wait_closed()
    assert on_disk(root) == []


async def _pours(total: int) -> AsyncIterator[bytes]:
    for _ in range(total // 10_000):
        yield b"x" * 10_000


async def test_a_file_without_a_length_is_counted_while_it_is_read(ana: Visitor, root: Path) -> None:
    status, body = await attaches(ana, _pours(1_010_000))
    assert (status, body["error"]["code"]) == (413, "too_large")
    assert on_disk(root) == []
    assert (await attaches(ana, _pours(1_000_000)))[0] == 201


async def test_a_packed_file_is_counted_unpacked(ana: Visitor, root: Path) -> None:
    bomb, query = gzip.compress(bytes(50_000_000)), {"id": str(uuid4()), "name": "bomb"}
    headers = {"Content-Encoding": "gzip"}
    assert (await ana.asks("POST", FILES, params=query, data=bomb, headers=headers))[0] == 413
    assert on_disk(root) == []


async def test_an_empty_file_is_none(ana: Visitor, root: Path) -> None:
    status, body = await attaches(ana, b"")
    assert (status, body["error"]["code"]) == (400, "empty")
    assert on_disk(root) == []


async def test_only_so_many_files_of_a_visitor_wait(house: House, ana: Visitor) -> None:
    ids = [(await attaches(ana, b"x", chat=chat))[1]["file"] for chat in (CHAT, CHAT, OTHER)]
    status, body = await attaches(ana, b"x")
    assert (status, body["error"]["message"]) == (429, "3 files wait already; send them, or remove some")
    assert (await attaches(await house.visitor(), b"x"))[0] == 201
    await ana.asks("DELETE", f"{FILES}/{ids[0]}")
    assert (await attaches(ana, b"x"))[0] == 201
    await says(ana, [ids[1]])
    assert (await attaches(ana, b"x"))[0] == 201


async def test_only_so_many_files_go_with_one_message(ana: Visitor) -> None:
    status, body = await says(ana, [str(uuid4()) for _ in range(4)])
    assert (status, body["error"]["message"]) == (
        413,
        "files: at most 3 go with one message; send the others with the next",
    )


async def test_only_so_much_is_kept_of_all_visitors(house: House, ana: Visitor, root: Path) -> None:
    big = bytes(900_000)
    assert [(await attaches(await house.visitor(), big))[0] for _ in range(3)] == [201, 201, 507]
    assert len(on_disk(root)) == 2
    _, file = await attaches(ana, bytes(600_000))
    assert (await attaches(ana, bytes(600_000)))[0] == 507
    await ana.asks("DELETE", f"{FILES}/{file['file']}")
    assert (await attaches(ana, bytes(600_000)))[0] == 201


@pytest.mark.parametrize("whose", ["conversation", "person"])
async def test_what_is_forgotten_leaves_its_room_to_others(house: House, ana: Visitor, whose: str) -> None:
    files = [(await attaches(ana, bytes(900_000)))[1]["file"] for _ in range(2)]
    await says(ana, files)
    _, message = await house.core.message()
    assert (await attaches(await house.visitor(), bytes(900_000)))[0] == 507
    if whose == "conversation":
        await ana.asks("DELETE", f"/api/conversations/{CHAT}")
    else:
        await house.web.forget(house.core, Forgotten(channel="web", person=message.person.id))
    assert [(await attaches(await house.visitor(), bytes(900_000)))[0] for _ in range(3)] == [201, 201, 507]


async def test_a_file_that_comes_while_another_goes_is_counted(
    house: House, ana: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop, begun, go = Shelf.drop, threading.Event(), threading.Event()

    def slow(shelf: Shelf, chat: str, id: str) -> int:
        begun.set()
        go.wait(5)
        return drop(shelf, chat, id)

    _, file = await attaches(ana, bytes(900_000))
    monkeypatch.setattr(Shelf, "drop", slow)
    going = asyncio.create_task(ana.asks("DELETE", f"{FILES}/{file['file']}"))
    await asyncio.to_thread(begun.wait, 5)
    await attaches(ana, bytes(900_000))
    go.set()
    await going
    assert [(await attaches(await house.visitor(), bytes(900_000)))[0] for _ in range(2)] == [201, 507]


async def halves(go: asyncio.Event) -> AsyncIterator[bytes]:
    """A file that comes in two pieces, the second when the test says so."""
    yield b"half"
    await go.wait()
    yield b"half"


async def test_only_so_many_files_come_at_once(tmp_path: Path) -> None:
    async with serving(web=Web(WebSettings(uploads=1)), data_dir=tmp_path) as house:
        ana, go = await house.visitor(), asyncio.Event()
        first = asyncio.create_task(attaches(ana, halves(go)))
        await until(lambda: list(tmp_path.glob("web/.incoming/*")))
        status, body = await attaches(await house.visitor(), b"x")
        assert (status, body["error"]["code"]) == (503, "full")
        go.set()
        assert (await first)[1]["size"] == 8


async def test_one_visitor_leaves_room_for_the_files_of_others(tmp_path: Path) -> None:
    async with serving(data_dir=tmp_path) as house:
        ana, go = await house.visitor(), asyncio.Event()
        slow = [asyncio.create_task(attaches(ana, halves(go))) for _ in range(EACH)]
        await until(lambda: len(list(tmp_path.glob("web/.incoming/*"))) == EACH)
        status, body = await attaches(ana)
        assert (status, body["error"]["code"]) == (429, "busy")
        assert body["error"]["message"] == "4 files of yours are on their way; send it when one is there"
        assert (await attaches(await house.visitor()))[0] == 201
        go.set()
        assert [(await one)[0] for one in slow] == [201] * EACH
        assert (await attaches(ana))[0] == 201


# ------------------------------------------------------------------ what goes wrong


async def test_an_upload_that_is_cut_off_leaves_nothing(house: House, ana: Visitor, root: Path) -> None:
    host, port = re.findall(r"//(.*):(\d+)", ana.address)[0]
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"POST {FILES}?id={uuid4()}&name=a.pdf HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: {ana.address}\r\n"
        f"Cookie: botcore_visitor={ana.cookie}\r\nContent-Length: 100000\r\n\r\n".encode()
        + b"x" * 50_000
    )
    await until(lambda: on_disk(root))
    writer.transport.abort()
    await until(lambda: not on_disk(root))
    assert (await attaches(ana))[0] == 201


async def test_an_upload_that_falls_silent_is_408(tmp_path: Path, root: Path) -> None:
    clock = ManualClock()
    async with serving(clock=clock, data_dir=tmp_path) as house:
        ana, forever = await house.visitor(), asyncio.Event()

        async def silent() -> AsyncIterator[bytes]:
            yield b"half"
            await forever.wait()

        upload = asyncio.create_task(attaches(ana, silent()))
        await until(lambda: on_disk(root))
        while not upload.done():
            await clock.advance(SILENCE_S)
        assert upload.result()[0] == 408
        assert on_disk(root) == []


async def test_a_full_disk_is_507_and_leaves_nothing(ana: Visitor, root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # the kernel itself refuses what goes beyond
    try:
        status, body = await attaches(ana)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (status, body["error"]["code"]) == (507, "no_room")
    assert "operator" in body["error"]["message"]
    assert on_disk(root) == []
    assert (await attaches(ana))[0] == 201


async def test_uploads_leave_room_for_the_database(tmp_path: Path, root: Path) -> None:
    async with serving(web=Web(WebSettings(disk_free=1 << 60)), data_dir=tmp_path) as house:
        assert (await attaches(await house.visitor()))[0] == 507
        assert on_disk(root) == []


async def test_a_disk_that_does_not_work_is_503(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "web").write_text("a file where a folder should be")
    async with serving(data_dir=tmp_path) as house:
        status, body = await attaches(await house.visitor())
        assert (status, body["error"]["code"]) == (503, "disk")
        assert "Traceback" not in caplog.text


# ------------------------------------------------------------------ going


async def test_a_deleted_conversation_takes_its_files_along(house: House, ana: Visitor, root: Path) -> None:
    for chat in (CHAT, OTHER):
        _, file = await attaches(ana, chat=chat)
        await says(ana, [file["file"]], chat=chat)
    _, message = await house.core.message(2)
    assert (await ana.asks("DELETE", f"/api/conversations/{OTHER}"))[0] == 204
    assert on_disk(root) == ["book.pdf"]
    with pytest.raises(Rejected, match="not here any more"):
        await fetched(house, message.attachments[0])


async def test_a_visitor_who_is_forgotten_leaves_no_file_and_no_other_folder_goes(
    house: House, ana: Visitor, root: Path
) -> None:
    for chat in (CHAT, OTHER):
        _, file = await attaches(ana, chat=chat)
        await says(ana, [file["file"]], chat=chat)
    _, message = await house.core.message(1)
    for person in ("..", ".", "", "nobody", f"../{root.name}"):
        await house.web.forget(house.core, Forgotten(channel="web", person=person))
    odd = Conversation(channel="web", chat="..")
    await house.web.forget(house.core, Forgotten(channel="web", conversation=odd))
    assert len(on_disk(root)) == 2
    await house.web.forget(house.core, Forgotten(channel="web", person=message.person.id))
    assert on_disk(root) == []


def _age(root: Path, seconds: float) -> None:
    """Make everything there look so old."""
    for path in root.rglob("*"):
        at = path.stat().st_mtime - seconds
        os.utime(path, (at, at))


async def sweeps(house: House) -> None:
    await house.web._desk.files.sweep(house.web._desk.exists)


async def test_what_was_never_said_goes_after_a_day_and_what_was_said_after_a_month(
    house: House, ana: Visitor, root: Path
) -> None:
    _, file = await attaches(ana, name="said.pdf")
    await attaches(ana, name="waits.pdf")
    await says(ana, [file["file"]])
    (root / ".incoming" / "cut-off-by-a-crash").write_bytes(b"half")
    await sweeps(house)
    assert on_disk(root) == ["cut-off-by-a-crash", "said.pdf", "waits.pdf"]
    _age(root, DAY_S + 60)
    await sweeps(house)
    assert on_disk(root) == ["said.pdf"]
    _age(root, 30 * DAY_S)
    await sweeps(house)
    assert on_disk(root) == []


async def test_the_files_of_a_conversation_forgotten_elsewhere_go(house: House, ana: Visitor, root: Path) -> None:
    for chat, name in ((CHAT, "kept.pdf"), (OTHER, "forgotten.pdf")):
        _, file = await attaches(ana, name=name, chat=chat)
        await says(ana, [file["file"]], chat=chat)
    house.core.forget_elsewhere((await house.core.message(2))[1].conversation)
    _age(root, DAY_S + 60)
    await sweeps(house)
    assert on_disk(root) == ["kept.pdf"]


async def test_the_bot_sweeps_at_its_start_and_every_hour(tmp_path: Path, root: Path) -> None:
    clock = ManualClock(start=time.time())
    old = root / ".incoming" / "old"
    old.parent.mkdir(parents=True)
    old.write_bytes(b"half")
    _age(root, DAY_S + 60)
    async with serving(clock=clock, data_dir=tmp_path):
        await until(lambda: not old.exists())
        old.write_bytes(b"half")
        _age(root, DAY_S + 60)
        async with asyncio.timeout(5):
            while old.exists():  # the first sweep may not be asleep yet when the hour passes
                await clock.advance(SWEEP_S)
