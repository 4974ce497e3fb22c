"""``botcore forget``: everything a bot keeps of one person, deleted. The bot may be running."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from botcore.cli.common import AsJson, ConfigFiles, print_json, run_async, settings_for
from botcore.errors import SettingsError

if TYPE_CHECKING:
    from botcore.settings import Settings

__all__ = ["forget"]

COPIES = 10
"""Backups that are named."""

Found = dict[str, dict[str, int]]
"""Channel → what there is of the person."""


def forget(
    user: Annotated[str, typer.Option(help="The person's id, as in an exported line.")],
    config: ConfigFiles = None,
    channel: Annotated[str, typer.Option(help="Only on this channel: web, telegram…")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: AsJson = False,
) -> None:
    """Delete what is kept of a person: private chats whole; in groups the words, theirs and those of the replies."""
    if not user:
        raise SettingsError("--user is empty: give the person's id, as in an exported line")
    settings = settings_for(config)
    found = run_async(_found(settings, channel, user))
    learnt = _learnt(settings, list(found), user)
    if not json:
        _show(user, found, learnt)
    if not (yes or _agreed(user)):
        raise typer.Exit(1)
    failed, unasked = run_async(_forgotten(settings, list(found), user))
    copies = _copies(settings)
    if json:
        told = {"learnt": learnt, "failed": failed, "unasked": unasked, "copies": copies}
        print_json({"user": user, "found": found, **told})
    else:
        _tell(user, failed, unasked)
        _tell_copies(user, copies)
    if failed or unasked:
        raise typer.Exit(1)


def _tell(user: str, failed: list[str], unasked: list[str]) -> None:
    if failed:
        typer.echo(f"Not yet forgotten by {', '.join(failed)}; the bot tries again, or call this again.", err=True)
    if unasked:
        tables = ", ".join(f"{name}_…" for name in unasked)
        told = f"The tables {tables} may keep something of {user}, and no plugin that is switched on knows them."
        typer.echo(f"{told} Switch on theirs and call this again, or drop them.", err=True)
    if not (failed or unasked):
        typer.echo(f"Forgotten: {user}.")


def _tell_copies(user: str, copies: list[str]) -> None:
    if copies:
        named = ", ".join(copies[:COPIES]) + (f" and {len(copies) - COPIES} more" if len(copies) > COPIES else "")
        typer.echo(f"Made before, and may still hold {user}: {named}. Delete them, and make a new backup.")


def _copies(settings: "Settings") -> list[str]:
    """Backups on this machine; nobody looks whether the person is in them."""
    from botcore.store.backup.kept import earlier_copies
    from botcore.store.engines import database_file, parse

    found = earlier_copies(settings.bot.data_dir, database_file(parse(settings.store_url)))
    return list(map(str, found))


def _learnt(settings: "Settings", channels: list[str], user: str) -> list[str]:
    """The training runs whose adapter learnt from them."""
    from botcore.messages import Forgotten
    from botcore.training.forgotten import learnt_from

    asked = [Forgotten(channel=name, person=user) for name in channels]
    return sorted({run for whom in asked for run in learnt_from(settings.bot.data_dir, whom)})


def _show(user: str, found: Found, learnt: list[str]) -> None:
    for name, counts in found.items():
        told = ", ".join(
            f"{number} {what.removesuffix('s') if number == 1 else what}" for what, number in counts.items() if number
        )
        typer.echo(f"{user} on {name}: {told or 'nothing in the core; plugins are asked'}")
    if learnt:
        typer.echo(f"{', '.join(learnt)} learnt from them, and cannot unlearn: botcore lora off, and train again")


def _agreed(user: str) -> bool:
    if not sys.stdin.isatty():
        raise SettingsError("nobody can be asked here: add --yes to delete all of it for good")
    return typer.confirm(f"Delete everything of {user} for good?")


async def _found(settings: "Settings", channel: str, user: str) -> Found:
    from botcore.bot import visiting

    async with visiting(settings, existing=True) as bot:
        here = {*await bot.database.channels(), *settings.channels}
        names = [_known(channel, here)] if channel else sorted(here)
        return {name: await bot.database.kept_of(name, user) for name in names}


def _known(channel: str, here: set[str]) -> str:
    """``channel``. Raises `SettingsError` for a slip of the pen, after which nothing would be found and all seem well.

    One that is switched off, with nothing left in the core, is known by what is installed: plugins may have something.
    """
    from botcore.installed import available

    if channel not in here and channel not in available():
        raise SettingsError(f"there is no channel {channel}; there are: {', '.join(sorted(here)) or 'none'}")
    return channel


async def _forgotten(settings: "Settings", channels: list[str], user: str) -> tuple[list[str], list[str]]:
    """Names of plugins that could not forget, or could not be loaded; and of tables that nobody was asked about.

    Not of Telegram's, which has no `forget`: whoever is there knows whether its tables hold anything of people.
    """
    from botcore.bot import visiting

    async with visiting(settings, plugins=True, existing=True) as bot:
        failed = {name for one in channels for name in await bot.forget_person(one, user)}
        await bot.database.checkpoint()
        there = {*bot.loaded.plugins, *bot.loaded.problems}
        unasked = [name for name in await bot.database.unclaimed() if name not in there]
        return sorted(failed | set(bot.loaded.problems)), unasked
