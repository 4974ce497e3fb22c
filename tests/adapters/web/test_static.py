"""The page's files, read as text: what no browser test would notice at once."""

import json
import re
from pathlib import Path

import pytest

from botcore import REASONS

ROOT = Path(__file__).parents[3]
STATIC = ROOT / "adapters" / "botcore_web" / "static"
OWN = sorted(path for folder in (STATIC, STATIC / "lib", STATIC / "ui") for path in folder.glob("*.js"))
LOCK = json.loads((ROOT / "scripts" / "vendor" / "package-lock.json").read_text())
BUNDLED = {path: entry for path, entry in LOCK["packages"].items() if path and not entry.get("dev")}

IMPORT = re.compile(r'(?:from|import)\s+"([^"]+)"')
REFERENCE = re.compile(r"/static/([\w./-]+)")
# What a strict policy forbids, and what would open a way round the sanitiser.
FORBIDDEN = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\sstyle=|dangerouslySetInnerHTML"
)


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_module_is_small_and_imports_what_is_there(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= 250
    assert FORBIDDEN.findall(source) == []
    for target in IMPORT.findall(source):
        assert (path.parent / target).is_file(), target
    for target in REFERENCE.findall(source):
        assert (STATIC / target).is_file(), target


@pytest.mark.parametrize("page", ["index.html", "admin.html"])
def test_a_page_is_only_references(page: str) -> None:
    html = (STATIC / page).read_text()
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", html) == []
    references = REFERENCE.findall(html)
    assert {"style.css", "theme.js"} < set(references)
    assert [name for name in references if not (STATIC / name).is_file()] == []


def test_no_own_file_names_another_origin() -> None:
    allowed = {"http://www.w3.org/2000/svg"}
    names = ("index.html", "admin.html", "style.css", "admin.css", "icons.svg", "page.webmanifest")
    texts = [*OWN, *(STATIC / name for name in names)]
    found = {url for path in texts for url in re.findall(r"https?://[\w.][\w./-]*", path.read_text())}
    assert found <= allowed


def test_every_icon_that_is_asked_for_is_on_the_sheet() -> None:
    sheet = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    source = "\n".join(path.read_text() for path in OWN)
    asked = set(re.findall(r'(?:icon\("|<\$\{Icon\} name="|icon=")(\w+)"', source))
    assert asked
    assert asked <= sheet
    assert {"system", "light", "dark"} <= sheet


def test_the_page_offers_the_reasons_that_every_channel_offers() -> None:
    listed = re.search(r"export const REASONS = \{(.*?)\}", (STATIC / "lib" / "judge.js").read_text(), re.DOTALL)
    assert listed
    assert dict(re.findall(r'(\w+): "([^"]+)"', listed[1])) == REASONS


def test_every_bundled_package_is_pinned_and_its_licence_shipped() -> None:
    wanted = json.loads((ROOT / "scripts" / "vendor" / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in versions.values())
    legal = (STATIC / "vendor" / "LEGAL.txt").read_text()
    for path, entry in BUNDLED.items():
        name = path.removeprefix("node_modules/")
        assert f"{name} {entry['version']} (" in legal, name


def test_the_lock_holds_checksums_and_no_host() -> None:
    assert all(entry["integrity"].startswith("sha512-") for path, entry in LOCK["packages"].items() if path)
    assert not any("resolved" in entry for entry in LOCK["packages"].values())
