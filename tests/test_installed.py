"""What is installed is found by entry points, and looked for once."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from botcore import installed

HERE = (EntryPoint("b", "any:B", "botcore"), EntryPoint("a", "any:A", "botcore"))


def test_packages_are_read_once_for_each_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    read = list[str]()

    def entry_points(*, group: str) -> tuple[EntryPoint, ...]:
        read.append(group)
        return HERE

    monkeypatch.setattr(installed, "entry_points", entry_points)
    monkeypatch.syspath_prepend(tmp_path / "one")
    assert [list(installed.available()) for _ in range(3)] == [["a", "b"]] * 3
    assert read == ["botcore"]
    monkeypatch.syspath_prepend(tmp_path / "another")
    installed.available()
    assert read == ["botcore", "botcore"]
