"""One document's parts, in order: Markdown, CSV and text here, everything else in a child that may die of it.

    file ── examine: kind, hash ── parts: Opening, Section …, End

What goes wrong is `Unreadable`, in one line for whoever sent the file.
"""

import asyncio
import codecs
import hashlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress

from botcore import Clock
from botcore_qa import markdown, sheet
from botcore_qa.documents import Found
from botcore_qa.kinds import Kind, Unreadable, kind_of, needs
from botcore_qa.reader.parts import End, Opening, Part, Refusal, Section, from_line, slices
from botcore_qa.settings import QASettings

__all__ = ["examine", "parts"]

HEAD = 1_024
"""Bytes that tell the kind: a PDF may begin that late."""
HERE: frozenset[Kind] = frozenset({"csv", "markdown", "text"})
"""Kinds that are read in the bot's own memory."""
TEXT_BYTES = 5_000_000
"""Of one of these at most: nobody writes 5 MB by hand."""
CHARS = 10_000_000
"""Characters one document may hold: a book of 5,000 pages."""
LINE = 1_000_000
"""Bytes of one line of the reader: a section of 50,000 characters, each of twelve bytes at most in JSON, with room."""
TOLD = 15 * CHARS
"""Bytes of all its lines: it counts characters itself, but a hostile file may have made another program of it."""
SILENT_S = 60.0
"""Seconds until the reader's next line. The kernel limits its processor time; this is for one that only waits."""


def examine(found: Found, settings: QASettings) -> tuple[Kind, str]:
    """What the file is, and the hash of its bytes. Blocking. Raises `Unreadable`."""
    try:
        with found.open() as stream:
            head, size = stream.read(HEAD), stream.seek(0, os.SEEK_END)
            kind = kind_of(found.source, head, found.media_type)
            limit = min(settings.max_file_bytes, TEXT_BYTES if kind in HERE else size)
            if size > limit:
                raise _too_large(limit, settings)
            if not size:
                raise Unreadable("empty")
            if missing := needs(kind):
                raise Unreadable(missing, "files of this kind cannot be read here")
            stream.seek(0)
            return kind, hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from error


def _too_large(limit: int, settings: QASettings) -> Unreadable:
    or_raise = " or raise max_file_bytes" if limit == settings.max_file_bytes else ""
    most = f"{limit / 1_000_000:g} MB"
    return Unreadable(f"larger than {most}; split it{or_raise}", f"it is too large; {most} is the most")


async def parts(found: Found, kind: Kind, settings: QASettings, clock: Clock) -> AsyncGenerator[Part, None]:
    """What is in it. Raises `Unreadable`, also in the middle. Closed or cancelled, it leaves no process behind."""
    if kind in HERE:
        read = _sheet(found) if kind == "csv" else _text(found)
        while (part := await asyncio.to_thread(next, read, None)) is not None:  # reads a file, splits it
            yield part
        return
    async with aclosing(_by_child(found, kind, settings, clock)) as read_there:
        async for part in read_there:
            yield part


def _text(found: Found) -> Iterator[Part]:
    with found.open() as stream:
        text = _decoded(stream.read(TEXT_BYTES + 1))
    yield Opening(title=markdown.title(text, found.source))
    said = False
    for path, section in markdown.sections(text):
        for piece in slices(section):
            said = True
            yield Section(text=piece, heading=tuple(path))
    if not said:
        raise Unreadable("holds headings and no text")
    yield End()


def _sheet(found: Found) -> Iterator[Part]:
    with found.open() as stream:
        text = _decoded(stream.read(TEXT_BYTES + 1))
    yield Opening()
    for stretch in sheet.stretches(text):
        for piece in slices(stretch):
            yield Section(text=piece)
    yield End()


def _decoded(raw: bytes) -> str:
    """The text of a text file. Raises `Unreadable`: not UTF-8 (nor UTF-16, as Excel has it), NUL bytes, nothing."""
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-{16 if wide else 8} text (byte {error.start}); save it as UTF-8") from error
    if "\0" in text:
        raise Unreadable("holds NUL bytes: no text file")
    if not text.strip():
        raise Unreadable("empty")
    return text.replace("\r\n", "\n").replace("\r", "\n")


async def _by_child(found: Found, kind: Kind, settings: QASettings, clock: Clock) -> AsyncGenerator[Part, None]:
    child, told = await _started(found, kind, settings), 0
    try:
        while line := await _line(child, clock):
            part, told = from_line(line), told + len(line)
            if told > TOLD:
                raise Unreadable("its reader said more than it may; damaged, or made to do harm")
            yield part
            if isinstance(part, End):
                return
        raise Unreadable(_killed(await child.wait(), settings))
    except Refusal as refused:
        raise Unreadable(str(refused)) from refused
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()


async def _started(found: Found, kind: Kind, settings: QASettings) -> Process:
    """The child, with the file as its standard input: it needs no name, and sees no other file of ours."""
    limits = (os.getpid(), settings.reading_mb, settings.reading_cpu_s, CHARS)
    command = (sys.executable, "-I", "-m", "botcore_qa.reader", kind, *map(str, limits))
    stream = await asyncio.to_thread(found.open)  # opening a file blocks
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdin=stream, stdout=PIPE, stderr=DEVNULL, env={"LC_ALL": "C.UTF-8"}, limit=LINE
        )
    finally:
        stream.close()


async def _line(child: Process, clock: Clock) -> bytes:
    assert child.stdout
    try:
        async with clock.timeout(SILENT_S):
            return await child.stdout.readline()
    except TimeoutError:
        raise Unreadable(f"its reader said nothing for {SILENT_S:g} s; damaged, or made to do harm") from None
    except ValueError as error:
        raise Unreadable("its reader said more than it may; damaged, or made to do harm") from error


def _killed(status: int, settings: QASettings) -> str:
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"takes more than {settings.reading_cpu_s} s of computing to read; split it"
    return f"its reader ended early (status {status}); damaged, or made to do harm"
