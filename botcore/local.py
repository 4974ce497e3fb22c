"""Puts values into ``config/local.toml`` and leaves everything else there as it is, comments included."""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botcore.errors import SettingsError, StoreError
from botcore.newfile import new_file

__all__ = ["LOCAL", "save_local", "with_values"]

LOCAL = Path("config/local.toml")
"""Read after every other file, and ignored by git."""


def save_local(table: Sequence[str], values: Mapping[str, str], *, path: Path = LOCAL) -> None:
    """Write ``values`` to this table (``["channels", "telegram"]``); the file is then its owner's alone to read.

    Raises `SettingsError`; the file is then as it was.
    """
    path = path.resolve()
    try:
        text = path.read_bytes().decode() if path.exists() else ""
        edited = with_values(text, table, values)
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_file(path, force=True) as file:
            file.write(edited.encode())
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8; mend it first") from None
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from None
    except StoreError as error:
        raise SettingsError(str(error)) from None


def with_values(text: str, table: Sequence[str], values: Mapping[str, str]) -> str:
    """The TOML text with these values in its ``table``. Raises `ValueError` with the next step."""
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"is not valid TOML ({error}); mend it first") from None
    after = _edited(text, table, values)
    try:
        understood = tomllib.loads(after) == _merged(before, table, values)
    except tomllib.TOMLDecodeError:
        understood = False
    if not understood:
        raise ValueError(
            f"writes [{'.'.join(table)}] in a way that is not edited here; set {', '.join(values)} by hand"
        )
    return after


def _merged(tables: Any, path: Sequence[str], values: Mapping[str, str]) -> dict[str, Any]:
    there = tables if isinstance(tables, dict) else {}
    if not path:
        return {**there, **values}
    return {**there, path[0]: _merged(there.get(path[0]), path[1:], values)}


def _edited(text: str, path: Sequence[str], values: Mapping[str, str]) -> str:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    names = r"\s*\.\s*".join(rf'(?:{re.escape(name)}|"{re.escape(name)}")' for name in path)
    header = re.compile(rf"\s*\[\s*{names}\s*\]\s*(#.*)?")
    start = next((number for number, line in enumerate(lines) if header.fullmatch(line.rstrip())), None)
    if start is None:
        lines += ["\n"] * bool(lines) + [f"[{'.'.join(map(_key, path))}]\n"]
        start = len(lines) - 1
    end = next(
        (number for number in range(start + 1, len(lines)) if lines[number].lstrip().startswith("[")), len(lines)
    )
    table = lines[start + 1 : end]
    for name, value in values.items():
        table = _set(table, name, value)
    return "".join([*lines[: start + 1], *table, *lines[end:]])


def _set(table: list[str], name: str, value: str) -> list[str]:
    known = re.compile(rf"""(\s*{name}\s*=\s*)("[^"\\]*"|'[^']*')(\s*(?:\#.*)?\s*)""")
    for number, line in enumerate(table):
        if found := known.fullmatch(line):
            return [*table[:number], f"{found[1]}{json.dumps(value)}{found[3]}", *table[number + 1 :]]
    return [f"{name} = {json.dumps(value)}\n", *table]


def _key(name: str) -> str:
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else json.dumps(name)
