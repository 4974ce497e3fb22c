"""``botcore dlq``: what could not be used or failed too often, and what to do about it. The bot may be running."""

import json as json_format
from dataclasses import asdict
from datetime import UTC, datetime
from textwrap import indent, shorten
from typing import TYPE_CHECKING, Annotated

import typer

from botcore.cli.common import AsJson, ConfigFiles, command_group, print_json, run_async, settings_for
from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from pathlib import Path

    from botcore.store import DeadLetter

__all__ = ["app"]

app: typer.Typer = command_group("Dead letters: list, show, retry or drop them.")

LARGEST = 2**63 - 1
"""Of a number in the database."""
Number = Annotated[int, typer.Argument(max=LARGEST, help="The letter's number, as `botcore dlq list` says it.")]
Numbers = Annotated[list[int], typer.Argument(max=LARGEST, help="Letters' numbers, as `botcore dlq list` says them.")]
REASON_WIDTH = 80


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 50,
    config: ConfigFiles = None,
    json: AsJson = False,
) -> None:
    """List what could not be used or failed too often, newest first."""
    letters = run_async(_newest(config, limit))
    if json:
        print_json([asdict(letter) for letter in letters])
        return
    for letter in letters:
        typer.echo(_line(letter))
    if not letters:
        typer.echo("There are no dead letters.")


@app.command("show")
def show_letter(number: Number, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Show one letter: where it came from, why it is here, what is known of each attempt, and what came."""
    letter = run_async(_one(config, number))
    if json:
        print_json(asdict(letter))
        return
    for name, value in asdict(letter).items():
        if name in ("trace", "payload"):
            typer.echo(name)
            typer.echo(indent(_pretty(value).rstrip(), "  "))
        else:
            typer.echo(f"{name:<12} {_when(letter.at) if name == 'at' else value}")


@app.command("retry")
def retry_letters(numbers: Numbers, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Let dead messages run again, as if they had never run. A delivery that cannot be understood cannot run."""
    _settle(config, numbers, "retried", retry=True, json=json)


@app.command("drop")
def drop_letters(numbers: Numbers, config: ConfigFiles = None, json: AsJson = False) -> None:
    """Empty letters for good. The deliveries stay known, so the same one is not taken again."""
    _settle(config, numbers, "dropped", retry=False, json=json)


def _settle(config: "list[Path] | None", numbers: list[int], done: str, *, retry: bool, json: bool) -> None:
    settled = run_async(_settled(config, numbers, retry=retry))
    left = [number for number in numbers if number not in settled]
    if json:
        print_json({done: settled, "left": left})
    else:
        for number in settled:
            typer.echo(f"{number} {done}")
        for number in left:
            why = "no dead message of that number" if retry else "no letter of that number"
            typer.echo(f"{number}: {why}; see botcore dlq list", err=True)
    if left:
        raise typer.Exit(1)


async def _settled(config: "list[Path] | None", numbers: list[int], *, retry: bool) -> list[int]:
    from botcore.bot import visiting

    async with visiting(settings_for(config), existing=True) as bot:
        settle = bot.database.retry_dead if retry else bot.database.drop_dead
        return [number for number in dict.fromkeys(numbers) if await settle(number)]


async def _newest(config: "list[Path] | None", limit: int) -> "list[DeadLetter]":
    from botcore.bot import visiting

    async with visiting(settings_for(config), existing=True) as bot:
        return await bot.database.dead_letters(limit)


async def _one(config: "list[Path] | None", number: int) -> "DeadLetter":
    from botcore.bot import visiting

    async with visiting(settings_for(config), existing=True) as bot:
        letter = await bot.database.dead_letter_of(number)
    if letter is None:
        raise BotcoreError(f"there is no dead letter {number}; `botcore dlq list` says which there are")
    return letter


def _line(letter: "DeadLetter") -> str:
    reason = shorten(letter.reason, REASON_WIDTH, placeholder=" …")
    return f"{letter.id:>6}  {_when(letter.at)}  {letter.channel:<10} {letter.kind:<8} {reason}"


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _pretty(payload: str) -> str:
    try:
        return json_format.dumps(json_format.loads(payload), ensure_ascii=False, indent=2)
    except ValueError:
        return payload
