"""From a name to a checked folder: what would be fetched, whether the disk has room, the files, the record."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.errors import ModelError
from botcore.lockfile import lock
from botcore.models.facts import SENTENCES, SENTENCES_LONGEST, Facts, config_facts
from botcore.models.hub import Hub
from botcore.models.parts import Part
from botcore.models.shelf import Record, RecordedFile, Shelf
from botcore.models.weights import weights_among
from botcore.models.wire import HubFile, Listing, chosen
from botcore.newfile import plainly

__all__ = ["Plan", "fetch", "plan"]

SPARE = 512 << 20
"""Bytes a fetch leaves free: the database and the logs are on that disk, too."""
Tell = Callable[[str, int, int], None]
"""File, bytes of the whole that are there, bytes of the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a fetch will do."""

    listing: Listing
    files: Sequence[HubFile]
    facts: Facts
    here: int
    """Bytes that an interrupted fetch has left."""

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)


async def plan(hub: Hub, shelf: Shelf, name: str, revision: str = "") -> Plan:
    """What fetching this model means. Raises `ModelError` where it cannot or may not be fetched."""
    listing = await hub.listing(name, revision)
    files = chosen(listing)
    config = await hub.json_file(listing, "config.json")
    if not isinstance(config, dict):
        raise ModelError(f"{name}: its config.json is no model's configuration")
    weights = set(weights_among(file.name for file in files))
    size = sum(file.bytes for file in files if file.name in weights)
    facts = config_facts(
        config,
        tensors=listing.tensors,
        weight_bytes=size,
        chat_template=listing.chat_template,
        sentences=await _sentences(hub, listing, {file.name for file in files}),
    )
    here = sum(path.stat().st_size for path in _wanted(shelf.parts(name), files) if path.is_file())
    return Plan(listing=listing, files=files, facts=facts, here=here)


async def _sentences(hub: Hub, listing: Listing, names: Collection[str]) -> Mapping[str, Any] | None:
    """As `sentences_in` has it, of a model on the hub."""
    if SENTENCES not in names:
        return None
    table = await hub.json_file(listing, SENTENCES_LONGEST) if SENTENCES_LONGEST in names else {}
    return table if isinstance(table, dict) else {}


async def fetch(hub: Hub, shelf: Shelf, plan: Plan, tell: Tell, *, clock: Clock) -> Path:
    """The folder with the model, every file checked against the hub's hash and on record.

    Raises `ModelError` or `StoreError` with one line. Cancelled or killed, it leaves what it has, and the next one
    goes on from there.
    """
    name = plan.listing.name
    parts = shelf.parts(name)
    with plainly(f"cannot write {shelf.path}"):
        parts.mkdir(parents=True, exist_ok=True)
    with _alone(parts, name):
        _drop_others(parts, plan)
        _room_or_error(shelf.path, plan)
        recorded = [file async for file in _files(hub, plan, parts, tell)]
        record = Record(
            name=name,
            revision=plan.listing.commit,
            endpoint=hub.endpoint,
            licence=plan.listing.licence,
            fetched=datetime.fromtimestamp(clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            files=tuple(recorded),
        )
        return await asyncio.to_thread(_put_together, shelf, parts, record)


async def _files(hub: Hub, plan: Plan, parts: Path, tell: Tell) -> AsyncIterator[RecordedFile]:
    before = 0
    for file in plan.files:
        told = partial(_tell_whole, tell, file.name, before, plan.bytes)
        sha256 = await _one(hub, plan.listing, file, parts, told)
        before += file.bytes
        yield RecordedFile(name=file.name, bytes=file.bytes, sha256=sha256, hub=file.oid)


def _tell_whole(tell: Tell, name: str, before: int, total: int, have: int) -> None:
    tell(name, before + have, total)


async def _one(hub: Hub, listing: Listing, file: HubFile, parts: Path, tell: Callable[[int], None]) -> str:
    """One file, checked; its SHA-256. A wrong one is fetched once more from its beginning."""
    with Part(parts, file) as part:
        await asyncio.to_thread(part.take_up)
        for _ in range(2):
            tell(part.have)
            await hub.fetch(listing, file, part, tell)
            if part.right:
                await asyncio.to_thread(part.settle)
                return part.sha256
            part.restart()
    raise ModelError(f"{file.name} came twice and was not what the hub says it is ({file.oid}); it is thrown away")


@contextmanager
def _alone(parts: Path, name: str) -> Iterator[None]:
    with (parts / ".lock").open("w") as file:
        if not lock(file):
            raise ModelError(f"another process is fetching {name}; wait for it")
        yield


def _wanted(parts: Path, files: Sequence[HubFile]) -> set[Path]:
    """Where these files lie until they are whole; two of one content are one."""
    return {Part(parts, file).path for file in files}


def _drop_others(parts: Path, plan: Plan) -> None:
    """Remove what a fetch of another commit has left and this one has no use for."""
    wanted = _wanted(parts, plan.files)
    for path in parts.glob("*-*"):
        if path not in wanted:
            path.unlink()


def _room_or_error(where: Path, plan: Plan) -> None:
    needed, free = plan.bytes - plan.here + SPARE, shutil.disk_usage(where).free
    if free < needed:
        raise ModelError(
            f"{plan.listing.name} needs {needed / 1e9:.1f} GB at {where}, {SPARE / 1e9:.1f} of them to spare, and "
            f"{free / 1e9:.1f} GB are free; make room, or set bot.data_dir"
        )


def _put_together(shelf: Shelf, parts: Path, record: Record) -> Path:
    ready = shelf.path / f".ready-{shelf.folder(record.name).name}"
    with plainly(f"cannot write {ready}"):
        shutil.rmtree(ready, ignore_errors=True)
        ready.mkdir()
        for file in record.files:
            (ready / file.name).parent.mkdir(exist_ok=True)
            _given_name(parts / file.hub.replace(":", "-"), ready / file.name)
        folder = shelf.publish(ready, record)
    shutil.rmtree(parts, ignore_errors=True)
    return folder


def _given_name(part: Path, path: Path) -> None:
    """Link rather than move: two names may have one content, and a kill in between loses nothing."""
    try:
        os.link(part, path)
    except OSError:  # a file system without hard links, as on USB disks
        shutil.copyfile(part, path)
