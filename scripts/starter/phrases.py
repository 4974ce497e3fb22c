"""Reads the wording of the corpus, which lies in `phrases/*.toml` in the notation of grammar.py."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Forms", "load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forms:
    """Ways for the user to say something, and ways to answer it."""

    asks: tuple[str, ...]
    answers: tuple[str, ...]

    @classmethod
    def of(cls, table: dict[str, list[str]]) -> "Forms":
        """Return the forms of a table with `asks` and `answers`."""
        return cls(asks=tuple(table["asks"]), answers=tuple(table["answers"]))


def load(name: str) -> dict[str, Any]:
    """Return the tables of one file."""
    return tomllib.loads((Path(__file__).parent / "phrases" / f"{name}.toml").read_text(encoding="utf-8"))
