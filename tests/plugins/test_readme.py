"""The examples of `plugins/README.md` are plugins that work: they are taken out of the page and run."""

import asyncio
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from botcore import Chunk, Citation, StoreUnavailable
from botcore.testing import ManualClock, chatting, until

ROOT = Path(__file__).parents[2]
README = (ROOT / "plugins" / "README.md").read_text()


def blocks(language: str, page: str = README) -> list[str]:
    """The code of one language on the page, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


async def test_the_plugin_of_the_front_page_answers(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    [example] = [code for code in blocks("python", (ROOT / "README.md").read_text()) if "class Dice" in code]
    exec(example, names)  # our own manual
    async with chatting(tmp_path, plugins={"dice": names["Dice"]()}) as chat:
        await chat.says("/roll")
        await chat.hears("You rolled")


async def test_the_background_job_of_the_example_goes_on_when_the_database_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally, clock = written(tmp_path)["Tally"](), ManualClock()
    async with chatting(tmp_path / "bot", plugins={"tally": tally}, clock=clock) as chat:
        away = asyncio.Event()

        async def full(*_: Any, **__: Any) -> None:
            away.set()
            raise StoreUnavailable("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(chat.bot.database, "write", full)
            await clock.advance(600)
            await away.wait()
        await clock.advance(600)
        await until(tally.cleared.is_set)


def written(folder: Path) -> dict[str, Any]:
    """The names of the example with a table, whose migration lies in ``folder``."""
    _, _, tally, migration, *_ = blocks("python")
    (folder / "tally_migrations").mkdir()
    (folder / "tally_migrations" / "0001_first.py").write_text(migration)
    names: dict[str, Any] = {"__file__": str(folder / "tally.py")}
    exec(tally, names)  # our own manual
    return names


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_the_example_plugins_pass_their_own_tests(tmp_path: Path) -> None:
    files = ("dice.py", "test_dice.py", "tally.py", "tally_migrations/0001_first.py", "test_tally.py")
    project, *_ = blocks("toml")
    (tmp_path / "tally_migrations").mkdir()
    for file, code in zip(files, blocks("python"), strict=False):
        (tmp_path / file).write_text(code)
    (tmp_path / "pyproject.toml").write_text(project)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=50)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "6 passed" in ran.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_example_plugins_are_typed(tmp_path: Path) -> None:
    dice, _, tally, *_ = blocks("python")
    (tmp_path / "dice.py").write_text(dice)
    (tmp_path / "tally.py").write_text(tally)
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "dice.py", "tally.py"]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_example_project_names_its_class() -> None:
    project, enabled, *_ = map(tomllib.loads, blocks("toml"))
    assert project["project"]["entry-points"]["botcore"] == {"dice": "dice:Dice"}
    assert enabled == {"plugins": {"dice": {"sides": 20}}}


def test_every_other_example_is_python_or_toml() -> None:
    for code in blocks("python"):
        compile(f"async def example(self, turn, chunks):\n{re.sub('^', '    ', code, flags=re.M)}", "README", "exec")
    for table in blocks("toml"):
        tomllib.loads(table)


async def test_the_example_guardrail_finds_a_word_that_is_cut_over_two_chunks() -> None:
    said = [Chunk(text=text) for text in ("Oh da", "mn it, da", "mn")]
    assert "".join([chunk.text async for chunk in revised("held", said)]) == "Oh d*** it, d***"


async def test_the_example_source_counts_on_from_those_that_came_by() -> None:
    said = [Chunk(text="We are open [1].", citations=(Citation(number=1, title="Hours"),))]
    chunks = [chunk async for chunk in revised("last", said)]
    assert chunks[0] == said[0]
    assert [(chunk.text[-3:], chunk.citations[0].number) for chunk in chunks] == [("1].", 1), ("[2]", 2)]


def revised(begins: str, said: list[Chunk]) -> AsyncIterator[Chunk]:
    """What the example for `revise` that begins so makes of ``said``."""

    async def chunks() -> AsyncIterator[Chunk]:
        for chunk in said:
            yield chunk

    [example] = [code for code in blocks("python") if code.startswith(begins)]
    names: dict[str, Any] = {"Chunk": Chunk, "Citation": Citation, "replace": replace}
    exec(f"async def revise(turn, chunks):\n{re.sub('^', '    ', example, flags=re.M)}", names)  # our own manual
    return names["revise"](None, chunks())  # type: ignore[no-any-return]


def test_every_plugin_on_the_shelf_is_described() -> None:
    described = re.findall(r"^\| `(\w+)` \|", README.partition("## The plugins on this shelf")[2], re.MULTILINE)
    shelf = (ROOT / "plugins").glob("botcore_*")
    assert sorted(described) == sorted(package.name.removeprefix("botcore_") for package in shelf)
