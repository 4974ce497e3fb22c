"""Files into the index: only what changed, in short writes, and gone files completely out of it again.

A new version of a document is stored beside the old one and takes its place in one step, so a question that comes in
the middle finds the old one whole. What a crash leaves half done is never found, and swept up by the next run.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

from botcore import Clock, Database
from botcore_qa import index
from botcore_qa.documents import OWN, Found, documents, root_of, storable
from botcore_qa.intake import Intake, Step, swept
from botcore_qa.kinds import Unreadable
from botcore_qa.settings import QASettings

__all__ = ["Progress", "Refused", "Report", "Summary", "ingest", "is_below"]

State = Literal["reading", "added", "updated", "unchanged", "refused", "removed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One file is done, or (``reading``) a long one has come further."""

    done: int
    """Files that are done, with this one where it is."""
    total: int
    source: str
    state: State
    passages: int = 0
    reason: str = ""
    """Why it was refused."""
    page: int = 0
    """Of a file that is being read: the page it has come to; 0 = it has no pages."""
    pages: int = 0


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
    others: Mapping[str, int] = field(default_factory=dict)
    """Files of other kinds in the folders that were named, by their ending: nobody asked for each of them."""


Report = Callable[[Progress], None]


async def ingest(
    database: Database,
    paths: Iterable[str | Path],
    report: Report | None = None,
    *,
    clock: Clock,
    settings: QASettings | None = None,
    origin: Literal["ingest", "settings"] = "ingest",
) -> Summary:
    """What became of every file under ``paths`` (files, folders, or ``self``); ``report`` hears of each as it is done.

    The tables must exist: ``await store.migrate("qa", botcore_qa.MIGRATIONS)``. A file that is gone, under a path that
    is named, leaves the index. Raises `BotcoreError` for more than 20,000 files and `StoreUnavailable`; cancelled, what
    is done stays done. ``origin`` is how the plugin marks what its settings list.
    """
    named = [str(path) for path in paths]
    intake = Intake(database=database, settings=settings or QASettings(), clock=clock, origin=origin)
    return await _Run(intake, report or _quiet).over(named)


def _quiet(_: Progress) -> None:
    """Nobody listens."""


class _Run:
    """One run over some paths."""

    def __init__(self, intake: Intake, report: Report) -> None:
        self._intake = intake
        self._database = intake.database
        self._report = report
        self._done: list[Progress] = []
        self._total = 0
        self._others: Counter[str] = Counter()

    async def over(self, paths: Sequence[str]) -> Summary:
        found = await asyncio.to_thread(lambda: list(documents(paths, self._others)))  # walks folders
        known = await self._database.read(index.known)
        away = self._away(paths, {one.path for one in found}, known)
        gone = self._gone(paths, {one.path for one in found}, known, [root_of(path) for path in away])
        missing = [path for path in paths if not _any_below(path, (*known, *(one.path for one in found)))]
        self._total = len(found) + len(gone) + len(missing) + len(away)
        for path, count in away.items():
            self._tell(storable(path), "refused", reason=_stays(path, count))
        for path in missing:
            self._tell(storable(path), "refused", reason=_missing(path))
        for one in found:
            await self._take(one, known.get(one.path))
        for path in gone:
            await self._database.write(index.drop, id=known[path].id)
            self._tell(Path(path).name, "removed")
        await self._database.write(index.abandon, now=self._intake.clock.now())
        await swept(self._database)
        return self._summary()

    def _away(self, paths: Sequence[str], found: Iterable[str], known: Iterable[str]) -> dict[str, int]:
        """Of the settings' paths those with nothing left of what was read, and how much that was.

        A disk that is not mounted looks like that, and to read it all again takes long; a person who names an empty
        folder means it.
        """
        if self._intake.origin != "settings":
            return {}
        counts = {path: len(_below(path, known)) for path in paths if not _below(path, found)}
        return {path: count for path, count in counts.items() if count}

    def _gone(
        self, paths: Sequence[str], found: set[str], known: dict[str, index.Known], away: Sequence[str]
    ) -> list[str]:
        """What is in the index and no longer wanted: deleted files, and what the settings no longer list.

        A folder that was found itself is one that cannot be looked into: what lies below it may still be there.
        """
        roots = [root_of(path) for path in paths]
        return [
            path
            for path, one in known.items()
            if found.isdisjoint((path, *map(str, Path(path).parents)))
            and not any(is_below(path, root) for root in away)
            and (any(is_below(path, root) for root in roots) or one.origin == self._intake.origin == "settings")
        ]

    async def _take(self, found: Found, known: index.Known | None) -> None:
        try:
            taken = await self._intake.take(found, known, partial(self._came_further, found.source))
        except Unreadable as error:
            stays = "; its earlier version stays" if known and known.hash else ""
            self._tell(found.source, "refused", reason=f"{error}{stays}")
            return
        if taken.state != "unchanged":
            self._tell(found.source, taken.state, passages=taken.passages)
            return
        if known and known.origin != self._intake.origin == "ingest":
            await self._database.write(index.adopt, id=known.id, origin="ingest")
        self._tell(found.source, "unchanged")

    def _came_further(self, source: str, step: Step) -> None:
        now = Progress(
            done=len(self._done),
            total=self._total,
            source=source,
            state="reading",
            passages=step.passages,
            page=step.page,
            pages=step.pages,
        )
        self._report(now)

    def _tell(self, source: str, state: State, *, passages: int = 0, reason: str = "") -> None:
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
            others=dict(self._others.most_common()),
        )


def is_below(path: str, root: str) -> bool:
    """Whether a path is this root, or lies in it."""
    return path == root or path.startswith(root.rstrip("/") + "/")


def _below(path: str, paths: Iterable[str]) -> list[str]:
    root = root_of(path)
    return [one for one in paths if is_below(one, root)]


def _any_below(path: str, paths: Iterable[str]) -> bool:
    return bool(_below(path, paths)) or (path != OWN and Path(path).expanduser().is_dir())


def _missing(path: str) -> str:
    if re.match("https?:/", path, re.IGNORECASE):
        return "only files and folders are read; fetch it first"
    return "nothing is packaged" if path == OWN else "no such file or folder"


def _stays(path: str, count: int) -> str:
    what, stay = ("document", "stays") if count == 1 else ("documents", "stay")
    return (
        f"nothing is there now; the {count} {what} read from it before {stay}. "
        f"Not mounted? Gone for good: botcore ingest {path}"
    )
