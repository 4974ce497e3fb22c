"""Every file in config/ loads, with every plugin and channel it names."""

import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from botcore.settings import load_settings
from tests.house.tree import ROOT

FILES = sorted((ROOT / "config").glob("*.toml"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config/local.toml of this checkout must not have a say."""
    monkeypatch.chdir(tmp_path)


def test_the_default_is_there() -> None:
    assert ROOT / "config" / "bot.toml" in FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_shipped_file_loads(file: Path) -> None:
    settings = load_settings([file], environ={}, local=None)
    known = {entry.name for entry in entry_points(group="botcore")}
    for name, table in {**settings.plugins, **settings.channels}.items():
        assert table.get("use", name) in known


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_shipped_file_holds_no_secret(file: Path) -> None:
    for table, key, value in leaves(tomllib.loads(file.read_text())):
        secret = any(word in key for word in ("token", "secret", "password", "api_key")) or (table, key) == (
            "http",
            "key",
        )
        assert not (secret and value), f"{key} is set in {file.name}"


def leaves(table: dict[str, object], name: str = "") -> list[tuple[str, str, object]]:
    found: list[tuple[str, str, object]] = []
    for key, value in table.items():
        found += leaves(value, key) if isinstance(value, dict) else [(name, key, value)]
    return found
