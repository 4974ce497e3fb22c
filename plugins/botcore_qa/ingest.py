"""Files into the index: only what changed, in short writes, and gone files completely out of it again.

A new version of a document is stored beside the old one and takes its place in one step, so a question that comes in
the middle finds the old one whole. What a crash leaves half done is never found, and swept up by the next run.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from botcore import Database
from botcore_qa import index
from botcore_qa.documents import OWN, Found, Unreadable, documents, root_of
from botcore_qa.markdown import pieces, title
from botcore_qa.settings import QASettings

__all__ = ["Progress", "Refused", "Report", "Summary", "ingest"]

SLICE = 50
"""Passages per write: about 5 ms, so that messages are not kept waiting."""
FORM = "1"
"""Changed whenever stems or passages are made differently: everything is then read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One file is done."""

    done: int
    total: int
    source: str
    state: Literal["added", "updated", "unchanged", "refused", "removed"]
    passages: int = 0
    reason: str = ""
    """Why it was refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A file that is not in the index, or still in its earlier version."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a run has done."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    passages: int = 0
    """Of the added and updated documents."""
    refused: tuple[Refused, ...] = ()


Report = Callable[[Progress], None]


async def ingest(
    database: Database,
    paths: Iterable[str | Path],
    report: Report | None = None,
    *,
    settings: QASettings | None = None,
    origin: Literal["ingest", "settings"] = "ingest",
) -> Summary:
    """What became of every file under ``paths`` (files, folders, or ``self``); ``report`` hears of each as it is done.

    The tables must exist: ``await store.migrate("qa", botcore_qa.MIGRATIONS)``. A file that is gone, under a path that
    is named, leaves the index. Raises `BotcoreError` for more than 20,000 files and `StoreUnavailable`; cancelled, what
    is done stays done. ``origin`` is how the plugin marks what its settings list.
    """
    named = [str(path) for path in paths]
    run = _Run(database, settings or QASettings(), origin, report or _quiet)
    return await run.over(named)


def _quiet(_: Progress) -> None:
    """Nobody listens."""


class _Run:
    """One run over some paths."""

    def __init__(self, database: Database, settings: QASettings, origin: str, report: Report) -> None:
        self._database = database
        self._settings = settings
        self._origin = origin
        self._report = report
        self._done: list[Progress] = []
        self._total = 0

    async def over(self, paths: Sequence[str]) -> Summary:
        found = await asyncio.to_thread(lambda: list(documents(paths)))  # walks folders
        known = await self._database.read(index.known)
        gone = self._gone(paths, {one.path for one in found}, known)
        missing = [path for path in paths if not _any_below(path, (*known, *(one.path for one in found)))]
        self._total = len(found) + len(gone) + len(missing)
        for path in missing:
            self._tell(path, "refused", reason="nothing is packaged" if path == OWN else "no such file or folder")
        for one in found:
            await self._take(one, *known.get(one.path, ("", "")))
        for path in gone:
            await self._database.write(partial(index.drop, path=path))
            self._tell(Path(path).name, "removed")
        while await self._database.write(partial(index.sweep, limit=SLICE)):
            pass
        return self._summary()

    def _gone(self, paths: Sequence[str], found: set[str], known: dict[str, tuple[str, str]]) -> list[str]:
        """What is in the index and no longer wanted: deleted files, and what the settings no longer list."""
        roots = [root_of(path) for path in paths]
        return [
            path
            for path, (_, origin) in known.items()
            if path not in found
            and (any(_is_below(path, root) for root in roots) or origin == self._origin == "settings")
        ]

    async def _take(self, found: Found, known: str, origin: str) -> None:
        try:
            text = await asyncio.to_thread(found.text, self._settings.max_file_bytes)  # reads a file
        except Unreadable as error:
            self._tell(found.source, "refused", reason=f"{error}{'; its earlier version stays' if known else ''}")
            return
        hash = self._hash(found, text)
        if hash != known:
            keeps = origin == "ingest"  # what a person added by hand stays theirs when the settings list it too
            document = self._document(found, text, hash, "ingest" if keeps else self._origin)
            await self._store(document, text, "updated" if known else "added")
            return
        if origin != self._origin == "ingest":
            await self._database.write(partial(index.adopt, path=found.path, origin=self._origin))
        self._tell(found.source, "unchanged")

    async def _store(self, document: index.Document, text: str, state: Literal["added", "updated"]) -> None:
        rows = await asyncio.to_thread(self._rows, document.source, text)  # splitting and stemming: CPU
        id = await self._database.write(partial(index.begin, document=document))
        for start in range(0, len(rows), SLICE):
            part = rows[start : start + SLICE]
            if not await self._database.write(partial(index.add, document=id, place=start, rows=part)):
                break
        if await self._database.write(partial(index.publish, document=id, path=document.path)):
            self._tell(document.source, state, passages=len(rows))
        else:
            self._tell(document.source, "refused", reason="another process reads it at this moment; it does the work")

    def _rows(self, source: str, text: str) -> list[index.Row]:
        return [index.row(piece) for piece in pieces(text, source, size=self._settings.passage_chars)]

    def _document(self, found: Found, text: str, hash: str, origin: str) -> index.Document:
        return index.Document(
            path=found.path, source=found.source, title=title(text, found.source), hash=hash, origin=origin
        )

    def _hash(self, found: Found, text: str) -> str:
        made_of = "\0".join((FORM, str(self._settings.passage_chars), found.source, text))
        return hashlib.sha256(made_of.encode()).hexdigest()

    def _tell(
        self,
        source: str,
        state: Literal["added", "updated", "unchanged", "refused", "removed"],
        *,
        passages: int = 0,
        reason: str = "",
    ) -> None:
        done = len(self._done) + 1
        progress = Progress(done=done, total=self._total, source=source, state=state, passages=passages, reason=reason)
        self._done.append(progress)
        self._report(progress)

    def _summary(self) -> Summary:
        states = [one.state for one in self._done]
        return Summary(
            added=states.count("added"),
            updated=states.count("updated"),
            unchanged=states.count("unchanged"),
            removed=states.count("removed"),
            passages=sum(one.passages for one in self._done),
            refused=tuple(Refused(source=one.source, reason=one.reason) for one in self._done if one.reason),
        )


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _any_below(path: str, paths: Iterable[str]) -> bool:
    root = root_of(path)
    return any(_is_below(one, root) for one in paths) or (path != OWN and Path(root).is_dir())
