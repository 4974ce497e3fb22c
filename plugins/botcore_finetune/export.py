"""From the table to a file: who allowed it, what is a lesson, what is cleaned, what was there already; then one line.

The file appears whole or not at all, readable by its owner only; once it stands, the database notes what was written.
"""

import getpass
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from botcore import BotcoreError, Database, new_file
from botcore_finetune import ledger, search, shapes
from botcore_finetune.examples import Example
from botcore_finetune.ledger import Export
from botcore_finetune.redact import Redactor
from botcore_finetune.search import Found, Which
from botcore_finetune.shapes import Format, Lesson, Skip

__all__ = ["MOST_ROWS", "NO_CONSENT", "NO_LESSON", "TWICE", "Wish", "account", "export"]

PAGE = 100
"""Examples in memory at a time."""
MOST_ROWS = 500_000
"""Lines of one file; 16 bytes of each are kept to know it again."""
NO_CONSENT = Skip("somebody in it has not allowed it")
NO_MODEL = Skip("quoted from documents, no model was asked")
NO_LESSON = Skip("nothing in it for this format")
TWICE = Skip("the same line is there already")
FULL = Skip(f"more than {MOST_ROWS:,} lines")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be exported, and under which conditions."""

    format: Format
    which: Which = field(default_factory=Which)
    good: bool = False
    """Good replies too, for ``sft``."""
    consent: bool = False
    """The operator's setting: what holds for people who have not chosen."""
    all_consents: bool = False
    """Whatever anybody allowed."""
    redactor: Redactor | None = field(default_factory=Redactor)
    max_per_person: int = 20
    """Lines that come from one person's verdicts, the newest; 0 = any number."""
    whose: bool = False
    """Each line says whose words are in it: for a file that stays with the bot, which forgets them there too."""


class _Sheet:
    """Lines of JSON, and what they add up to."""

    def __init__(self, file: IO[bytes]) -> None:
        self.rows = 0
        self.digest = hashlib.sha256()
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        line = (json.dumps(row, ensure_ascii=False) + "\n").encode()
        self.digest.update(line)
        try:
            self._file.write(line)
        except OSError as error:
            raise BotcoreError(f"cannot write the file: {error.strerror}") from error
        self.rows += 1


class _Empty(Exception):
    """There is no line: the file is not to appear."""

    def __init__(self, export: Export) -> None:
        super().__init__()
        self.export = export


@dataclass(slots=True)
class _Tally:
    """What was seen and left out so far."""

    left_out: Counter[str] = field(default_factory=Counter[str])
    of_person: Counter[ledger.Person] = field(default_factory=Counter[ledger.Person])
    seen: set[bytes] = field(default_factory=set[bytes])

    def skip(self, why: Skip) -> None:
        self.left_out[why.reason] += 1

    def is_new(self, row: Mapping[str, Any]) -> bool:
        """Whether no line said the same, whatever its case and spaces."""
        plain = " ".join(json.dumps(row, ensure_ascii=False, sort_keys=True).casefold().split())
        mark = hashlib.blake2b(plain.encode(), digest_size=16).digest()
        new = mark not in self.seen
        self.seen.add(mark)
        return new


async def export(database: Database, wish: Wish, path: Path, *, who: str, at: float, force: bool = False) -> Export:
    """Write the file, then note it; an export without a line leaves neither, and nothing leaves without a note.

    Raises `BotcoreError` where the file cannot be written.
    """
    tally = _Tally()
    try:
        with new_file(path, force=force) as file:
            sheet = await _written(file, database, wish, tally)
            done = _record(wish, path, sheet, tally, who=who, at=at)
            if not done.rows:
                raise _Empty(done)
    except _Empty as empty:
        return empty.export
    with ExitStack() as undo:
        undo.callback(path.unlink, missing_ok=True)
        await database.write(ledger.note, export=done)
        undo.pop_all()
    return done


async def _written(file: IO[bytes], database: Database, wish: Wish, tally: _Tally) -> _Sheet:
    sheet = _Sheet(file)
    async for one, lesson in _lessons(database, wish, tally):
        _keep(sheet, wish, tally, one, lesson)
    return sheet


def _keep(sheet: _Sheet, wish: Wish, tally: _Tally, one: Example, lesson: Lesson) -> None:
    person = one.channel, one.person
    if wish.max_per_person and tally.of_person[person] >= wish.max_per_person:
        return tally.skip(Skip(f"more than {wish.max_per_person} from one person"))
    if sheet.rows >= MOST_ROWS:
        return tally.skip(FULL)
    row = shapes.as_row(shapes.cleaned(lesson, wish.redactor) if wish.redactor else lesson, wish.format)
    if not tally.is_new(row):
        return tally.skip(TWICE)
    tally.of_person[person] += 1
    return sheet.write(row | {"whose": _whose(one, lesson.rival or one)} if wish.whose else row)


def _whose(*examples: Example) -> dict[str, Any]:
    """The people whose words are in these, and the conversations: what `botcore forget` looks for in a run's files."""
    people = set[ledger.Person]().union(*(ledger.people(one) for one in examples))
    return {"people": sorted(people), "conversations": sorted({one.conversation for one in examples})}


async def _lessons(database: Database, wish: Wish, tally: _Tally) -> AsyncIterator[tuple[Example, Lesson]]:
    """What can be learned from each example that may be used; what cannot is counted."""
    async for found, permitted in _examples(database, wish):
        one = found.example
        if not permitted or not one.trainable:
            tally.skip(NO_MODEL if permitted else NO_CONSENT)
            continue
        taught = [lesson async for lesson in _taught(database, wish, found)]
        for lesson in taught or [NO_LESSON]:
            if isinstance(lesson, Skip):
                tally.skip(lesson)
            else:
                yield one, lesson


async def _examples(database: Database, wish: Wish) -> AsyncIterator[tuple[Found, bool]]:
    """Every example that is meant, and whether it may be used."""
    after = None
    while page := await database.read(search.page, which=wish.which, limit=PAGE, after=after):
        for found, permitted in await _permitted(database, wish, page):
            yield found, permitted
        after = page[-1].key


async def _permitted(database: Database, wish: Wish, page: list[Found]) -> list[tuple[Found, bool]]:
    if wish.all_consents:
        return [(found, True) for found in page]
    asked = set[ledger.Person]().union(*(ledger.people(found.example) for found in page))
    made = await database.read(ledger.choices, asked=asked)
    return [(found, ledger.allowed(found.example, made, default=wish.consent)) for found in page]


async def _taught(database: Database, wish: Wish, found: Found) -> AsyncIterator[Lesson | Skip]:
    for lesson in _alone(wish, found):
        yield lesson
    one = found.example
    if wish.format == "dpo" and one.verdict > 0 and one.verbatim and not found.contested:
        for rival, permitted in await _permitted(database, wish, await database.read(search.rivals, good=one)):
            if permitted and rival.example.verbatim and not rival.contested:
                yield Lesson(prompt=one.prompt, said=one.reply, rejected=rival.example.reply, rival=rival.example)


def _alone(wish: Wish, found: Found) -> Iterator[Lesson | Skip]:
    """What the example teaches without others."""
    if wish.format == "sft":
        yield from shapes.sft(found.example, good=wish.good, contested=found.contested)
    elif wish.format == "kto":
        yield from shapes.kto(found.example, contested=found.contested)
    else:
        yield from shapes.dpo(found.example, contested=found.contested)


def account() -> str:
    """Who exports: the account on this machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"  # a container's account need not have a name


def _record(wish: Wish, path: Path, sheet: _Sheet, tally: _Tally, *, who: str, at: float) -> Export:
    which, redactor = wish.which, wish.redactor
    options = {
        "value": which.value,
        "channel": which.channel,
        "since": which.since,
        "good": wish.good,
        "all_consents": wish.all_consents,
        "redacted": redactor is not None,
        "max_per_person": wish.max_per_person,
    }
    return Export(
        id=secrets.token_hex(8),
        who=who,
        format=wish.format,
        file=str(path.absolute()),
        options=options,
        sha256=sheet.digest.hexdigest(),
        rows=sheet.rows,
        left_out=dict(tally.left_out),
        redacted=dict(redactor.found) if redactor else {},
        at=at,
    )
