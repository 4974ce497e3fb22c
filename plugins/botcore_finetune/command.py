"""``botcore feedback list|show|export``: what people judged, to read and to train with, while the bot runs or not."""

import asyncio
import json as json_format
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from botcore import Bot, BotcoreError, moment
from botcore_finetune import ledger, report, search
from botcore_finetune.export import Wish, account, export
from botcore_finetune.keeper import bring_up_to_date
from botcore_finetune.redact import Redactor
from botcore_finetune.search import Value, Which
from botcore_finetune.settings import FineTuneSettings
from botcore_finetune.shapes import Format

__all__ = ["feedback_commands"]

T = TypeVar("T")
Visit = Callable[[], AbstractAsyncContextManager[Bot]]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ByValue = Annotated[Value | None, typer.Option("--value", help="Only these: good, bad or corrected.")]
ByChannel = Annotated[str, typer.Option("--channel", help="Only from this channel.")]
Since = Annotated[str, typer.Option("--since", help="Only since then: 2026-11-25, or 12h, 7d, 4w ago.")]
File = Annotated[Path, typer.Argument(help="The file to write, one JSON object a line.")]
InFormat = Annotated[Format, typer.Option("--format", help="sft, kto or dpo, as TRL reads them.")]
Good = Annotated[bool, typer.Option("--good", help="sft: good replies too, not corrections alone.")]
MaxPerPerson = Annotated[
    int, typer.Option("--max-per-person", min=0, help="Lines from one person's verdicts, the newest; 0 = all.")
]
AllConsents = Annotated[
    bool, typer.Option("--all-consents", help="Also what people did not allow; that is your responsibility.")
]
NoRedact = Annotated[bool, typer.Option("--no-redact", help="Leave addresses, numbers and keys in the texts.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file of that name.")]


def feedback_commands(visit: Visit, settings: FineTuneSettings) -> Mapping[str, Callable[..., None]]:
    """The sub-commands, over the database that ``visit`` opens."""
    return {"list": _list(visit), "show": _show(visit, settings), "export": _export(visit, settings)}


def _list(visit: Visit) -> Callable[..., None]:
    def command(
        value: ByValue = None,
        channel: ByChannel = "",
        since: Since = "",
        limit: Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many at most.")] = 50,
        exports: Annotated[bool, typer.Option("--exports", help="List the exports that were made instead.")] = False,
        json: AsJson = False,
    ) -> None:
        """List what people judged, newest first, one line each."""

        async def listed(bot: Bot) -> report.Told:
            if exports:
                return report.exports(await bot.database.read(ledger.exports, limit=limit))
            which = _which(bot, value, channel, since)
            found = await bot.database.read(search.page, which=which, limit=limit)
            return report.listed(found, await bot.database.read(search.count, which=which))

        _tell(_run(visit, listed), json=json)

    return command


def _show(visit: Visit, settings: FineTuneSettings) -> Callable[..., None]:
    def command(
        reply: Annotated[str, typer.Argument(help="The reply's id, or how it begins.")], json: AsJson = False
    ) -> None:
        """Show one judged reply: its prompt, model and sources, every verdict, and what it can be compared with."""

        async def shown(bot: Bot) -> report.Told:
            turn = await _meant(bot, reply)
            found = await bot.database.read(search.of_reply, turn=turn)
            rivals = await bot.database.read(search.rivals, good=found[0].example)
            later = await bot.database.read(search.successors, turn=turn)
            asked = set[ledger.Person]().union(*(ledger.people(one.example) for one in found))
            made = await bot.database.read(ledger.choices, asked=asked)
            return report.shown(found, rivals=rivals, later=later, made=made, default=settings.consent)

        _tell(_run(visit, shown), json=json)

    return command


def _export(visit: Visit, settings: FineTuneSettings) -> Callable[..., None]:
    def command(
        file: File,
        format: InFormat,
        value: ByValue = None,
        channel: ByChannel = "",
        since: Since = "",
        good: Good = False,
        max_per_person: MaxPerPerson = 20,
        all_consents: AllConsents = False,
        no_redact: NoRedact = False,
        force: Force = False,
        json: AsJson = False,
    ) -> None:
        """Write judged replies to a file that TRL's trainers read."""
        if good and format != "sft":
            raise typer.BadParameter("--good is for --format sft; the other formats take good replies anyway")
        wish = Wish(
            format=format,
            good=good,
            consent=settings.consent,
            all_consents=all_consents,
            redactor=Redactor(ips=settings.redact_ips) if settings.redact and not no_redact else None,
            max_per_person=max_per_person,
        )
        which = partial(_which, value=value, channel=channel, since=since)
        told = _run(visit, partial(_exported, wish, which, file, force=force))
        _tell(told, json=json)
        if not told.done:
            raise typer.Exit(1)

    return command


async def _exported(wish: Wish, which: Callable[[Bot], Which], file: Path, bot: Bot, *, force: bool) -> report.Told:
    wish = replace(wish, which=which(bot))
    return report.exported(await export(bot.database, wish, file, who=account(), at=bot.clock.now(), force=force))


def _run(visit: Visit, work: Callable[[Bot], Awaitable[T]]) -> T:
    """What ``work`` gives, with the plugin's tables up to date and without what was deleted since the bot looked."""

    async def main() -> T:
        async with visit() as bot:
            await bring_up_to_date(bot)
            return await work(bot)

    return asyncio.run(main())


def _tell(told: report.Told, *, json: bool) -> None:
    typer.echo(json_format.dumps(told.data, ensure_ascii=False) if json else told.text)


def _which(bot: Bot, value: Value | None, channel: str, since: str) -> Which:
    return Which(value=value, channel=channel, since=moment(since, bot.clock.now()) if since else 0.0)


async def _meant(bot: Bot, reply: str) -> str:
    """The one judged reply whose id begins so."""
    like = await bot.database.read(search.replies_like, beginning=reply) if reply else []
    if not like:
        raise BotcoreError(f"nobody judged a reply {reply!r}; botcore feedback list shows those that were")
    if len(like) > 1 and reply not in like:
        raise BotcoreError(f"{reply!r} may be {', '.join(like)}; say more of it")
    return reply if reply in like else like[0]
