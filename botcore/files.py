"""The files that come with messages: from the platform to a place where a plugin can read them, and gone again."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from botcore.errors import Rejected
from botcore.messages import Attachment
from botcore.ports import Channel

__all__ = ["clear", "fetched"]


@asynccontextmanager
async def fetched(channel: Channel, attachment: Attachment, *, limit: int, folder: Path) -> AsyncIterator[Path]:
    """The attachment as a file below ``folder`` for as long as the body runs.

    Raises `Rejected` for more than ``limit`` bytes, whether the platform says so before or the bytes show it, and what
    `Channel.fetch` raises. Cancelled or failed, nothing is left.
    """
    if attachment.size > limit:
        raise _too_large(attachment, limit)
    with _empty_file(folder) as file:
        async with aclosing(channel.fetch(attachment)) as pieces:
            await _write(file, pieces, attachment, limit)
        yield Path(file.name)


@contextmanager
def _empty_file(folder: Path) -> Iterator[BinaryIO]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="attachment-", buffering=0) as file:
        yield file  # type: ignore[misc]  # a wrapper that has what a BinaryIO has


def clear(folder: Path, *, before: float) -> None:
    """Remove what a crash has left there before that moment (Unix seconds); files that are being read are younger."""
    for file in folder.glob("attachment-*"):
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < before:
                file.unlink()


async def _write(file: BinaryIO, pieces: AsyncGenerator[bytes, None], attachment: Attachment, limit: int) -> None:
    written = 0
    async for piece in pieces:
        written += len(piece)
        if written > limit:
            raise _too_large(attachment, limit)
        await asyncio.to_thread(file.write, piece)  # a disk may be slow


def _too_large(attachment: Attachment, limit: int) -> Rejected:
    return Rejected(f"{attachment.name} is larger than {limit / 1_000_000:g} MB")
