"""The command that makes the model in the box."""

from argparse import Namespace
from types import SimpleNamespace
from typing import Any

import pytest

from scripts.starter import train
from scripts.starter.sittings import SITTINGS


def test_each_sitting_goes_on_from_the_mean_of_what_was_before_and_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bases = list[str]()

    def begin(_settings: Any, _name: str, told: Any, **_: Any) -> Any:
        bases.append(told.base)
        return SimpleNamespace(state="done", outputs={"model": f"{len(bases)}"})

    monkeypatch.setattr(train, "begin", begin)
    monkeypatch.setattr(train, "mean", lambda _, before, after: f"({before} + {after})")
    train.train(Namespace(base="", processes=0, threads=1, no_compile=True, into=None), SITTINGS)
    assert bases == ["", "1", "(1 + 2)"]
