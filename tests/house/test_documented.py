"""What can be set, called and measured is in the documents, with the code's defaults; their examples are settings."""

import builtins
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

import botcore
from botcore.builtin import add_commands
from botcore.cli import app
from botcore.cli.plugins import load_with_visit
from botcore.installed import available
from botcore.loader import load
from botcore.observe import Metrics
from botcore.settings import load_settings
from botcore.settings.tables import CORE
from tests.house.tree import ROOT

PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "adapters").glob("*/README.md"))]
HEADER = re.compile(r"\| (?:key of `\[([\w.]+)\]`|key) \| default \|")
ROW = re.compile(r"\| ((?:`[\w.]+`(?:, )?)+) \| ([^|]*?) ?\|")
UNITS = {"MiB": 1 << 20, "MB": 10**6, "GB": 10**9}
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
COMMANDS = (ROOT / "docs" / "commands.md").read_text()


def told() -> Mapping[str, str]:
    """Each key that a table of the documents explains, with the default that stands there."""
    found = dict[str, str]()
    for page in PAGES:
        table = None
        for line in page.read_text().splitlines():
            if header := HEADER.match(line):
                table = header[1] or ""
            elif not line.startswith("|"):
                table = None
            elif table is not None and (row := ROW.match(line)):
                keys = [".".join(filter(None, (table, key))) for key in re.findall(r"`([\w.]+)`", row[1])]
                defaults = row[2].split(", ") if len(keys) > 1 and row[2] else [row[2]] * len(keys)
                found |= dict(zip(keys, defaults, strict=True))
    return found


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    yield from CORE.items()
    for name, point in available().items():
        section = "channels" if name in ("web", "telegram", "slack") else "plugins"
        if point.dist and point.dist.name == "botcore":
            yield f"{section}.{name}", point.load().Settings


TOLD = told()
KEYS = {f"{table}.{name}": field for table, model in tables() for name, field in model.model_fields.items()}


def spelt(cell: str) -> object:
    """The value a cell means: a number with or without its unit, a list, true or false, a word."""
    cell = cell.strip().strip('`"')
    if number := re.fullmatch(r"([\d,]+(?:\.\d+)?)(?: (\w+))?", cell):
        return float(number[1].replace(",", "")) * UNITS.get(number[2], 1)
    try:
        return json.loads(cell)
    except json.JSONDecodeError:
        return cell


def plain(default: object) -> object:
    """The same of what stands in the code."""
    if default is PydanticUndefined:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, bool | str):
        return default
    if isinstance(default, tuple):
        return list(default)
    return float(default) if isinstance(default, int | float) else str(default) if isinstance(default, Path) else ""


@pytest.mark.parametrize("key", KEYS)
def test_a_setting_is_documented_with_its_default(key: str) -> None:
    default, cell = plain(KEYS[key].default), TOLD.get(key, "nothing")
    assert spelt(cell) == default or (cell == "…" and len(str(default)) > 60)


def test_only_what_can_be_set_is_documented() -> None:
    assert TOLD.keys() - KEYS.keys() == set()


def test_the_presets_of_textgen_are_documented() -> None:
    from botcore_textgen import TextGenSettings

    presets = TextGenSettings().presets.model_dump(by_alias=True)
    header, *rows = re.search(r"^\| preset \|(?:.*\n)+?\n", CONFIGURATION, re.MULTILINE)[0].splitlines()  # type: ignore[index]
    for preset, *cells in (re.findall(r"[\w.]+", row) for row in rows[1:-1]):
        assert presets.pop(preset) == dict(zip(re.findall(r"`(\w+)`", header), map(float, cells), strict=True))
    assert not presets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_are_settings(page: Path, tmp_path: Path) -> None:
    for number, example in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)):
        file = tmp_path / f"{number}.toml"
        file.write_text(example)
        found = load_settings([file], environ={}, local=None)
        assert load(replace(found, channels={})).problems == {}  # a channel's example lacks its secrets


def commands(group: typer.Typer, before: str = "botcore") -> Iterator[str]:
    yield from (f"{before} {command.name}" for command in group.registered_commands)
    for inner in group.registered_groups:
        assert inner.typer_instance
        yield from commands(inner.typer_instance, f"{before} {inner.name}")


def of_plugins() -> Iterator[str]:
    settings = load_settings([ROOT / "config" / "bot.toml"], environ={}, local=None)
    for name, command in load_with_visit(settings).registered.clis.items():
        yield from [f"botcore {name}"] if callable(command) else [f"botcore {name} {inner}" for inner in command]


@pytest.mark.parametrize("command", [*commands(app), *of_plugins(), "botcore slack manifest", "botcore telegram setup"])
def test_a_command_is_documented(command: str) -> None:
    first, _, last = command.rpartition(" ")
    rows = [row for row in COMMANDS.splitlines() if row.startswith(f"| `{first} ")]
    assert any(re.search(rf"[ `]{last}\b", row.split("|")[1]) for row in rows)


def test_the_chat_commands_are_documented() -> None:
    settings = load_settings([ROOT / "config" / "bot.toml"], environ={}, local=None)
    commands = load(settings).registered.commands
    add_commands(commands, "botcore")
    assert [name for name in commands if f"`/{name}" not in COMMANDS] == []


def test_the_metrics_are_documented() -> None:
    named = set(re.findall(r"^# TYPE (botcore_\w+)", Metrics().render().decode(), re.MULTILINE))
    page = (ROOT / "docs" / "operations.md").read_text()
    assert {name for name in named if not name.endswith("_created") and f"`{name}`" not in page} == set()


def docstrings() -> Iterator[str]:
    """What `botcore` hands out says of itself, its methods included."""
    for name in botcore.__all__:
        thing = getattr(botcore, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            yield inspect.getdoc(thing) or ""
            yield from (inspect.getdoc(method) or "" for _, method in inspect.getmembers(thing, inspect.isfunction))


def test_what_the_public_api_raises_can_be_imported_from_it() -> None:
    raised = {error for text in docstrings() for error in re.findall(r"Raises (`\w+`(?:, `\w+`)*)", text)}
    named = {name for errors in raised for name in re.findall(r"\w+", errors)}
    assert "Rejected" in named
    assert {name for name in named if not hasattr(builtins, name)} <= set(botcore.__all__)
