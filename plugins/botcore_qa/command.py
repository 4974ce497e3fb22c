"""``botcore ingest PATH…``, ``botcore sources list|show|remove``: the index on the command line, bot running or not."""

import asyncio
import json as json_format
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import PurePath
from typing import Annotated, Any, TypeVar
from unicodedata import normalize

import typer

from botcore import Bot
from botcore_qa import catalogue, index
from botcore_qa.catalogue import Listed, extent
from botcore_qa.documents import OWN, root_of
from botcore_qa.ingestion import Progress, Summary, ingest, is_below
from botcore_qa.intake import swept
from botcore_qa.kinds import IN_WORDS, instead
from botcore_qa.scope import in_words
from botcore_qa.settings import QASettings

__all__ = ["ingest_command", "sources_commands"]

T = TypeVar("T")
KINDS = 8
"""Other kinds of files that are named, the commonest."""
NAMED = 8
"""Documents of one name that are told apart."""
Visit = Callable[[], AbstractAsyncContextManager[Bot]]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Which = Annotated[str, typer.Argument(help="The document's number, title, path or file name.")]


def ingest_command(visit: Visit, settings: QASettings) -> Callable[..., None]:
    """The command, over the database that ``visit`` opens."""

    def command(
        paths: Annotated[list[str], typer.Argument(help=f"Files and folders: {IN_WORDS}.")], json: Json = False
    ) -> None:
        """Add documents the bot answers from; unchanged ones are skipped, removed ones leave."""
        summary = _on(visit, partial(_ingest, settings=settings, paths=paths, report=_quiet if json else _tell))
        typer.echo(json_format.dumps(asdict(summary)) if json else _told(summary))
        if summary.added and OWN in settings.sources and not json:
            typer.echo("botcore's own manual answers beside them; [plugins.qa] sources = [] takes it out")
        if summary.refused:
            raise typer.Exit(1)

    return command


def sources_commands(visit: Visit, settings: QASettings) -> Mapping[str, Callable[..., None]]:
    """The three commands, over the database that ``visit`` opens."""

    def list_(json: Json = False) -> None:
        """List what the bot answers from, and who may ask about it."""
        found = _on(visit, lambda bot: bot.database.read(catalogue.everything))
        typer.echo(json_format.dumps([_row(one) for one in found]) if json else _table(found))

    def show(document: Which, json: Json = False) -> None:
        """Show a document's passages, with their pages."""
        one = _one(_on(visit, partial(_find, key=document)), document)
        passages = _on(visit, lambda bot: bot.database.read(catalogue.passages, id=one.id))
        if json:
            typer.echo(json_format.dumps(_row(one) | {"text": [asdict(passage) for passage in passages]}))
            return
        typer.echo(f"{one.title} ({one.source}, {one.extent}), for {in_words(one.scope)}")
        for passage in passages:
            page = f", p. {passage.page}" if passage.page else ""
            typer.echo(f"\n[{passage.heading}{page}]\n{passage.body}")

    def remove(document: Which, json: Json = False) -> None:
        """Remove a document with everything that was made of it."""
        one = _one(_on(visit, partial(_find, key=document)), document)
        _on(visit, partial(_remove, id=one.id))
        typer.echo(json_format.dumps(_row(one)) if json else f"removed {one.title} ({one.source}, {one.extent})")
        if any(is_below(one.path, root_of(source)) for source in settings.sources):
            typer.echo("[plugins.qa] sources lists it: the next start reads it again", err=True)

    return {"list": list_, "show": show, "remove": remove}


def _on(visit: Visit, work: Callable[[Bot], Awaitable[T]]) -> T:
    """What ``work`` returns, over the open database."""

    async def visiting() -> T:
        async with visit() as bot:
            await bot.migrate("qa", index.MIGRATIONS)
            return await work(bot)

    return asyncio.run(visiting())


async def _ingest(bot: Bot, settings: QASettings, paths: list[str], report: Callable[[Progress], None]) -> Summary:
    return await ingest(bot.database, paths, report, clock=bot.clock, settings=settings)


async def _find(bot: Bot, key: str) -> list[Listed]:
    """By number, source, or path: the one in the index, or that of the file here. Where there is none, by name."""
    keys = (key, root_of(key))
    found = [await bot.database.read(catalogue.find, key=one) for one in keys]
    return found[0] or found[1] or [one for one in await bot.database.read(catalogue.everything) if _called(one, key)]


def _called(one: Listed, name: str) -> bool:
    """Whether it is its title, or its file's name, with or without the ending."""
    source = PurePath(one.source)
    return _same(name) in map(_same, (one.title, source.name, source.stem))


def _same(name: str) -> str:
    """However its capitals and accents are written."""
    return normalize("NFC", name.casefold())


async def _remove(bot: Bot, id: int) -> None:
    await bot.database.write(index.drop, id=id)
    await swept(bot.database)


def _one(found: list[Listed], key: str) -> Listed:
    """The only one; else a line to standard error, and exit status 1."""
    if len(found) == 1:
        return found[0]
    numbers = ", ".join(f"{one.id} {one.source}" for one in found[:NAMED]) + (", …" if len(found) > NAMED else "")
    several = f"{key} is the name of several documents: say which by its number ({numbers})"
    typer.echo(several if found else f"there is no document {key}; botcore sources list names them", err=True)
    raise typer.Exit(1)


def _row(one: Listed) -> dict[str, Any]:
    return asdict(one) | {"who": in_words(one.scope)}


def _table(found: list[Listed]) -> str:
    if not found:
        return "no documents; add some with: botcore ingest PATH"
    rows = [(one.title, f"{one.kind}, {one.extent}", f"for {in_words(one.scope)}") for one in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(
        f"{one.id:>5}  {'  '.join(map(str.ljust, row, widths))}  {_day(one.added):<16}  {one.path}"
        for one, row in zip(found, rows, strict=True)
    )


def _day(added: float) -> str:
    return datetime.fromtimestamp(added, UTC).strftime("%Y-%m-%d %H:%M") if added else ""


def _tell(progress: Progress) -> None:
    """A line for each file; on a terminal a long one shows how far it is, in the same line."""
    start = "\r\x1b[K" if sys.stdout.isatty() else ""
    done = f"{progress.done:>{len(str(progress.total))}}/{progress.total}"
    line = f"[{done}] {progress.state:<9} {progress.source}{_detail(progress)}"
    if progress.state != "reading":
        typer.echo(start + line)
    elif start:
        typer.echo(start + line, nl=False)


def _detail(progress: Progress) -> str:
    if progress.pages:
        return f", page {progress.page} of {progress.pages}"
    if progress.reason:
        return f": {progress.reason}"
    return f", {extent(0, progress.passages)}" if progress.passages else ""


def _quiet(_: Progress) -> None:
    """With ``--json`` only the summary is printed."""


def _told(summary: Summary) -> str:
    told = (
        f"{summary.added} added, {summary.updated} updated, {summary.unchanged} unchanged, {summary.removed} removed, "
        f"{len(summary.refused)} refused; {extent(0, summary.passages)}"
    )
    if not summary.others:
        seen = summary.added + summary.updated + summary.unchanged + summary.removed + len(summary.refused)
        return told if seen else f"{told}\nno file there can be read; {IN_WORDS} can"
    named = list(summary.others.items())[:KINDS]
    endings = ", ".join(f"{count} {_ending(ending)}" for ending, count in named)
    return f"{told}\npassed over, since {IN_WORDS} are read: {endings}"


def _ending(ending: str) -> str:
    other = instead(f"file{ending}")
    return f"{ending} (save as {other})" if other else ending or "without ending"
