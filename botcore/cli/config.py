"""``botcore config``: what is in force, and where each value came from."""

import re
from collections.abc import Iterator, Mapping
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from botcore.cli.common import IN_URL, AsJson, ConfigFiles, arguments, command_group, print_json, settings_for
from botcore.errors import SettingsError

if TYPE_CHECKING:
    from botcore.registering import Registered
    from botcore.settings import Settings

__all__ = ["app"]

app: typer.Typer = command_group("The configuration: show it, check it.")
SECRET = re.compile(r"(^|[_.])(key|token|secret|password)(?P<many>s?)(?=\.|$)")


@app.command("show")
def show(config: ConfigFiles = None, json: AsJson = False) -> None:
    """Print every value with where it came from; secrets are masked."""
    rows = list(_rows(settings_for(config)))
    if json:
        print_json([{"key": key, "value": value, "origin": origin} for key, value, origin in rows])
        return
    for key, value, origin in rows:
        typer.echo(f"{key:<36} {_written(value):<40} {origin}")


@app.command("check")
def check(config: ConfigFiles = None, json: AsJson = False) -> None:
    """Check the configuration, every plugin's table included; exit status 2 and one line where it is wrong."""
    try:
        problems = _problems(config)
    except SettingsError as error:
        if not json:
            raise
        problems = {"configuration": str(error)}
    if json:
        print_json({"ok": not problems, "problems": problems})
    else:
        typer.echo("\n".join(problems.values()) or "ok")
    if problems:
        raise typer.Exit(2)


def _problems(config: list[Path] | None) -> Mapping[str, str]:
    """Plugin to what is wrong with it. Raises `SettingsError` for all the rest."""
    from botcore.loader import load

    settings = settings_for(config)
    loaded = load(settings)
    _startable(settings, loaded.registered)
    return loaded.problems


def _written(value: Any) -> str:
    """A value as a configuration file has it, but for the quotes around a text."""
    return dumps(value, ensure_ascii=False, default=str) if isinstance(value, bool | list | tuple) else str(value)


def _startable(settings: "Settings", registered: "Registered") -> None:
    """Raises `BotcoreError` for what a start would refuse although each value by itself may stand there."""
    from botcore.clock import SystemClock
    from botcore.engine import build_encoder, build_engine
    from botcore.http.guard import Guard
    from botcore.store import Store

    clock, data_dir = SystemClock(), settings.bot.data_dir
    Guard(settings.http, clock).check()
    if settings.engine.kind not in registered.engines:
        build_engine(settings.engine, data_dir=data_dir, clock=clock, offered=registered.engines)
    build_encoder(settings.encoder, engine=settings.engine, data_dir=data_dir, clock=clock)
    Store(settings.store_url, clock=clock, data_dir=data_dir)


def _rows(settings: "Settings") -> Iterator[tuple[str, Any, str]]:
    from botcore.settings.tables import CORE

    for section in CORE:
        for key, value in getattr(settings, section):
            yield _row(f"{section}.{key}", value, settings)
    for section, tables in (("plugins", settings.plugins), ("channels", settings.channels)):
        for name, table in tables.items():
            if not table:
                yield _row(f"{section}.{name}", "enabled", settings)
            for dotted, value in _leaves(f"{section}.{name}", table):
                yield _row(dotted, value, settings)


def _leaves(dotted: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(f"{dotted}.{key}", value)
        else:
            yield f"{dotted}.{key}", value


def _row(dotted: str, value: Any, settings: "Settings") -> tuple[str, Any, str]:
    return dotted, _masked(dotted, value), settings.origins.get(dotted, "default")


def _masked(dotted: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(f"{dotted}.{key}", below) for key, below in value.items()}
    named = SECRET.search(dotted)
    if named and not (named["many"] and isinstance(value, int)):  # a number of tokens is none
        return "***" if value else ""
    if isinstance(value, list | tuple):
        return [_masked(dotted, one) for one, _ in arguments(value)]
    if isinstance(value, str):
        return IN_URL.sub(r"\g<before>***", value)
    return value
