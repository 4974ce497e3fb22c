"""What all commands share: their options, the settings these make, and output for people and for scripts."""

import asyncio
import json
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol, TypeVar
from urllib.parse import unquote

import typer

from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from botcore.bot import Bot
    from botcore.settings import Settings

__all__ = [
    "IN_URL",
    "AsJson",
    "ConfigFiles",
    "Force",
    "LogLevel",
    "Tell",
    "arguments",
    "command_group",
    "counted",
    "log_level",
    "mind_sigterm",
    "nobody_reads",
    "opened",
    "print_json",
    "progress",
    "run_async",
    "secrets_of",
    "settings_for",
    "size_of",
    "when",
]

T = TypeVar("T")
IN_URL = re.compile(
    r"(?P<before>(?<!http)(?<!https)://[^/:\s]*:|https?://[^/:\s]*:(?!\d+[/?#])|[?&]password=)"
    r"(?P<password>(?<=:)[^@\s]+(?:@[^/@\s]+)*(?=@)|(?<==)[^&\s]+)"
)
"""The password in an address, before the host or among what follows it. A database's may have slashes; in an address of
the web a number before a slash is the port."""
OPTION = re.compile(r"(?is)(?P<name>--?([\w.-]*[_.-])?(key|token|secret|password))(=(?P<value>.*))?")
"""An argument of a program that holds a secret, or says that the next ones do."""
SECRETS = ("token", "secret", "password", "key")
"""In the name of what is one."""

ConfigFiles = Annotated[
    list[Path] | None,
    typer.Option("--config", "-c", metavar="FILE", help="A configuration file instead of the shipped one; repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Force = Annotated[bool, typer.Option("--force", help="Replace the file where there is one of this name.")]
LogLevel = Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")]


def command_group(help: str) -> typer.Typer:
    """A group of commands, to be filled."""
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=help)  # rich costs 0.1 s of every --help


def settings_for(files: list[Path] | None, **flags: Any) -> "Settings":
    """The settings in force; ``flags`` (``http__port=9000``) that are None were not given."""
    from botcore.settings import load_settings

    given = {key.replace("__", "."): value for key, value in flags.items() if value is not None}
    return load_settings(files or (), flags=given)


def secrets_of(settings: "Settings") -> list[str]:
    """Every secret value of the configuration: what no log may show."""
    own = (settings.http.key, settings.engine.api_key, settings.encoder.api_key)
    urls = (settings.store.url, settings.engine.base_url, settings.encoder.base_url)
    given = (urls, settings.engine.args, settings.plugins, settings.channels)
    return [*(secret.get_secret_value() for secret in own), *_secrets_in(given)]


def arguments(given: Iterable[object]) -> Iterator[tuple[object, str]]:
    """Each of a list that may be a program's arguments as it may be shown, and the secret that is in it, or ""."""
    follows = False
    for one in given:
        text = str(one)
        option = OPTION.fullmatch(text)
        if option and option["value"]:
            yield f"{option['name']}=***", option["value"]
        elif follows and not text.startswith("-"):
            yield "***", text
            continue
        else:
            yield one, ""
        follows = option is not None and not option["value"]


def _secrets_in(value: object, *, named: bool = False) -> Iterator[str]:
    """Every text below a name that says so, however deep, and the passwords in addresses."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from _secrets_in(below, named=named or any(word in name for word in SECRETS))
    elif isinstance(value, list | tuple):
        for one, secret in arguments(value):
            yield from [secret] if secret else _secrets_in(one, named=named)
    else:
        found = [str(value)] if named else [one["password"] for one in IN_URL.finditer(str(value))]
        yield from {*found, *map(unquote, found)}  # libraries say it as it is meant, too


def log_level(name: str) -> int:
    """The level called ``name``; `typer.BadParameter` names the four there are."""
    level = logging.getLevelNamesMapping().get(name.upper())
    if level is None:
        raise typer.BadParameter(f"{name!r} is none of debug, info, warning, error")
    return level


def nobody_reads() -> None:
    """Whoever read standard output has enough, such as `head`, or no room: what is said from now on goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def mind_sigterm() -> None:
    """From now on SIGTERM ends the command as Ctrl-C does: what is half made goes, what was moved is taken back.

    Python takes handlers from its main thread alone: a command that a program calls in another one does without.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


@asynccontextmanager
async def opened(settings: "Settings", *, existing: bool = False) -> "AsyncIterator[Bot]":
    """`botcore.bot.visiting`; whoever is in the wrong folder hears that a database was made there."""
    from botcore.bot import visiting
    from botcore.store.engines import database_file, parse

    file = database_file(parse(settings.store_url))
    new = file is not None and not file.exists()
    async with visiting(settings, existing=existing) as bot:
        if new:
            told = "no bot has run here yet; if yours runs elsewhere, call this in its folder"
            typer.echo(f"new database at {file}: {told}", err=True)
        yield bot


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def counted(count: int, what: str) -> str:
    """As people say it: 1 file, 2 files."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def size_of(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"


def when(at: float) -> str:
    """A moment (Unix seconds) in a list."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")


class Tell(Protocol):
    """Told how far some work is."""

    def __call__(self, what: str, done: int = 0, total: int = 0) -> None:
        """``done`` of ``total``; without a total only what is being done."""
        ...


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Tell]:
    """What is told how far the work is: a line of the terminal that overwrites itself, and nothing anywhere else."""
    live, last = sys.stderr.isatty() and not quiet, ""

    def tell(what: str, done: int = 0, total: int = 0) -> None:
        nonlocal last
        line = f"… {what} {done / total:.0%}" if total else f"… {what}"
        if live and line != last:
            typer.echo(f"\r\x1b[K{line[:100]}", nl=False, err=True)
            last = line

    try:
        yield tell
    finally:
        if last:
            typer.echo("\r\x1b[K", nl=False, err=True)


def run_async(main: Coroutine[Any, Any, T]) -> T:
    """The result of ``main``; a lone error inside task groups is raised as itself."""
    try:
        return asyncio.run(main)
    except BaseExceptionGroup as group:
        lone: BaseException = group
        while isinstance(lone, BaseExceptionGroup) and len(lone.exceptions) == 1:
            lone = lone.exceptions[0]
        if isinstance(lone, BotcoreError | OSError | KeyboardInterrupt):
            raise lone from None
        raise
