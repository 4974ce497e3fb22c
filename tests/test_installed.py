"""What is installed is found by entry points, and looked for once."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from botcore import installed
from botcore.errors import PluginLoadError

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


def package(folder: Path, name: str, plugin: str) -> None:
    """An installed package, as the path shows it."""
    info = folder / f"{name}-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[botcore]\n{plugin} = {name}:Plugin\n")


def test_two_packages_with_one_name_are_told_and_neither_is_taken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package(tmp_path, "ours", "dice")
    package(tmp_path, "theirs", "dice")
    package(tmp_path, "alone", "cards")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed.entry_point("plugins", "cards", "cards").value == "alone:Plugin"
    with pytest.raises(PluginLoadError) as raised:
        installed.entry_point("plugins", "luck", "dice")
    assert str(raised.value) == '[plugins.luck]: ours and theirs both call a plugin "dice"; uninstall one of them'
