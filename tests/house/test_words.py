"""What the files say: README's commands are those CI runs, and no file names the machine it was written on."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.tree import ROOT, tracked

README = ROOT / "README.md"
FENCE = re.compile(r"^```(?:bash|sh|shell|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
GETTING_HERE = ("git clone", "cd ", "export ")


def commands(text: str) -> list[str]:
    """The command lines of the fenced shell blocks, without prompts and remarks."""
    lines = (
        line.partition("  #")[0].strip().removeprefix("$ ")
        for block in FENCE.findall(text)
        for line in block.splitlines()
    )
    return [line for line in lines if line and not line.startswith(("#", *GETTING_HERE))]


def test_the_two_commands_are_in_the_readme() -> None:
    assert {"make run", "make test"} <= set(commands(README.read_text()))


def test_the_commands_of_the_readme_are_those_ci_runs() -> None:
    ci = "\n".join(path.read_text() for path in sorted((ROOT / ".ci").iterdir()))
    unrun = [command for command in commands(README.read_text()) if command not in ci]
    assert unrun == []


def test_make_targets_of_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in tracked("*.md"):
        asked = set(re.findall(r"`make ([a-z-]+)", (ROOT / page).read_text()))
        assert asked <= targets, page


def test_the_makefile_stays_small() -> None:
    recipes = re.findall(r"^[a-z]+:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipes
    assert max(len(recipe.splitlines()) for recipe in recipes) <= 3


def test_no_file_names_this_machine() -> None:
    places = sorted(place for place in machine_places() if len(place) > 4)
    for path in tracked():
        text = (ROOT / path).read_bytes()
        named = [place for place in places if place.encode() in text]
        assert named == [], path


def machine_places() -> set[str]:
    """Where this checkout lies, whose home it is, and where pip is told to look here."""
    configured = subprocess.run([*pip_config(), "list"], capture_output=True, text=True).stdout
    found = set(re.findall(r"(?:file://)?(/(?:[\w.-]+/)*[\w.-]+)", configured))
    found |= {place for place in os.environ.get("PIP_FIND_LINKS", "").split() if place.startswith("/")}
    certificates = {place for place in found if place.endswith((".crt", ".pem"))}
    return (found - certificates) | {str(ROOT) + "/", str(Path.home()) + "/"}


def pip_config() -> list[str]:
    import sys

    return [sys.executable, "-m", "pip", "config"]


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "plugins/README.md", "adapters/README.md"]
)
def test_what_people_expect_is_there(name: str) -> None:
    assert (ROOT / name).read_text().strip()


@pytest.mark.parametrize("page", tracked("*.md"), ids=str)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(ROOT / page))
    local = [target.partition("#") for target in targets if not re.match(r"[a-z]+:", target)]
    for file, _, heading in local:
        there = (ROOT / page).parent / file if file else ROOT / page
        assert there.exists(), file
        assert not heading or heading in anchors(there), f"{file}#{heading}"


@pytest.mark.parametrize("page", [*tracked("adapters/*/README.md"), Path("scripts/starter/README.md")], ids=str)
def test_a_module_that_a_page_names_is_there(page: Path) -> None:
    named = set(re.findall(r"`(\w+\.py)`", (ROOT / page).read_text()))
    assert named
    assert {name for name in named if not (ROOT / page).with_name(name).exists()} == set()


def prose(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
