"""Which files are documents. Blocking: call it on a thread. Nothing is read or stored here.

A path is a file, a folder (all documents in it, without hidden files and links that lead out), or the word ``self``:
what comes with botcore.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from io import BufferedReader, BytesIO
from pathlib import Path

import botcore
from botcore import BotcoreError
from botcore_qa.kinds import named

__all__ = ["OWN", "Found", "documents", "root_of", "storable"]

OWN = "self"
SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages"})
OWN_FILES = ("README.md", "CONTRIBUTING.md", "plugins/README.md", "adapters/README.md", "docs")
FILES_LIMIT = 20_000
"""Files of one run; a wrong path (a home folder, a disk) ends here instead of in the index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file that may be a document."""

    path: str
    """What identifies it in the index."""
    source: str
    """What people see: never a folder above the one that was named. Its ending says what the file claims to be."""
    file: Path | None = None
    raw: bytes = b""
    """What is in it where there is no file: the text of an installed package."""
    media_type: str = ""
    """What the platform says it is, where one does."""

    def open(self) -> BytesIO | BufferedReader:
        """The bytes, from the beginning. Blocking; raises `OSError`."""
        return BytesIO(self.raw) if self.file is None else self.file.open("rb")


def root_of(path: str) -> str:
    """The beginning that the paths of everything below ``path`` share."""
    return OWN if path == OWN else storable(str(_resolved(path)))


def storable(name: str) -> str:
    """A name of a file as it can be stored and shown: of a byte that is no UTF-8 its number."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def documents(paths: Iterable[str], others: Counter[str] | None = None) -> Iterator[Found]:
    """Every file that ``paths`` name, each once, in order; ``others`` counts those of other kinds by their ending.

    Raises `BotcoreError` where they are too many, or one may not even be looked at.
    """
    seen = set[str]()
    for found in (found for path in paths for found in _reachable(path, others)):
        if found.path not in seen:
            seen.add(found.path)
            yield found
        if len(seen) > FILES_LIMIT:
            raise BotcoreError(f"more than {FILES_LIMIT} files under {', '.join(paths)}; name a smaller folder")


def _reachable(path: str, others: Counter[str] | None) -> Iterator[Found]:
    try:
        yield from _below(path, others)
    except OSError as error:  # a folder on the way that is not ours, a name no file system takes
        raise BotcoreError(f"{error.filename or path} cannot be looked at: {error.strerror}") from None


def _below(path: str, others: Counter[str] | None) -> Iterator[Found]:
    if path == OWN:
        yield from _own()
        return
    root = _resolved(path)
    if root.is_dir():
        for file in _walk(root, others):
            source = f"{root.name}/{file.relative_to(root).as_posix()}"
            yield Found(path=storable(str(file)), source=storable(source), file=file)
    elif root.exists():
        yield Found(path=root_of(path), source=storable(root.name), file=root)


def _resolved(path: str) -> Path:
    return Path(path).expanduser().resolve()


def _walk(root: Path, others: Counter[str] | None = None) -> Iterator[Path]:
    """The documents, and the folders that cannot be looked into: nobody is to believe that they are empty."""
    shut = list[OSError]()
    for folder, below, names in os.walk(root, onerror=shut.append):
        below[:] = sorted(name for name in below if name not in SKIPPED and not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.startswith(".") or not file.is_file() or not file.resolve().is_relative_to(root):
                continue
            if named(name):
                yield file
            elif others is not None:
                others[storable(file.suffix.lower())] += 1
    yield from (Path(error.filename) for error in shut)


def _own() -> Iterator[Found]:
    """Botcore's own documents: of the source tree, or of the installed package."""
    package = Path(botcore.__file__).parent
    tree = package.parent if (package.parent / "pyproject.toml").is_file() else package
    files = [file for name in OWN_FILES for file in (_walk(tree / name) if (tree / name).is_dir() else [tree / name])]
    found = [file for file in files if file.is_file()]
    for file in found:
        source = file.relative_to(tree).as_posix()
        yield Found(path=f"{OWN}/{source}", source=source, file=file)
    if tree / "README.md" not in found and _own_readme().strip():
        yield Found(path=f"{OWN}/README.md", source="README.md", raw=_own_readme().encode())


def _own_readme() -> str:
    try:
        return str(metadata("botcore").get_payload() or "")  # type: ignore[attr-defined]
    except PackageNotFoundError:
        return ""
