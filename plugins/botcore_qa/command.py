"""``botcore ingest PATH…``: documents into the index, with progress, while the bot runs or not."""

import asyncio
import json as json_format
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from botcore import Bot
from botcore_qa import index
from botcore_qa.ingest import Progress, Summary, ingest
from botcore_qa.settings import QASettings

__all__ = ["ingest_command"]


def ingest_command(visit: Callable[[], AbstractAsyncContextManager[Bot]], settings: QASettings) -> Callable[..., None]:
    """The command, over the database that ``visit`` opens."""

    def command(
        paths: Annotated[list[Path], typer.Argument(help="Files and folders: Markdown and text.")],
        json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
    ) -> None:
        """Add documents the bot answers from; unchanged ones are skipped, removed ones leave."""
        summary = asyncio.run(_ingest(visit, settings, paths, _quiet if json else _tell))
        typer.echo(json_format.dumps(asdict(summary)) if json else _told(summary))
        if summary.refused:
            raise typer.Exit(1)

    return command


async def _ingest(
    visit: Callable[[], AbstractAsyncContextManager[Bot]],
    settings: QASettings,
    paths: list[Path],
    report: Callable[[Progress], None],
) -> Summary:
    async with visit() as bot:
        await bot.migrate("qa", index.MIGRATIONS)
        return await ingest(bot.database, paths, report, settings=settings)


def _tell(progress: Progress) -> None:
    detail = progress.reason or (f"{progress.passages} passages" if progress.passages else "")
    typer.echo(f"[{progress.done}/{progress.total}] {progress.state:<9} {progress.source} {detail}".rstrip())


def _quiet(_: Progress) -> None:
    """With ``--json`` only the summary is printed."""


def _told(summary: Summary) -> str:
    return (
        f"{summary.added} added, {summary.updated} updated, {summary.unchanged} unchanged, {summary.removed} removed, "
        f"{len(summary.refused)} refused; {summary.passages} passages"
    )
