"""``/sources`` in the chat: what the asker can ask about, and how to take an own document out again."""

from collections.abc import AsyncIterator, Sequence
from unicodedata import normalize

from botcore import Chunk, Database, Turn, say
from botcore_qa import catalogue, index
from botcore_qa.catalogue import Listed, extent
from botcore_qa.intake import swept
from botcore_qa.kinds import IN_WORDS
from botcore_qa.scope import scope_of
from botcore_qa.settings import QASettings

__all__ = ["sources"]

LISTED = 50
"""Documents of everybody that are named."""


async def sources(turn: Turn, database: Database, settings: QASettings) -> AsyncIterator[Chunk]:
    """The answer to ``/sources`` and ``/sources remove NUMBER or NAME``."""
    scope = scope_of(turn.message)
    _, own = await database.read(catalogue.shelf, scope=scope)
    order, _, which = turn.argument.strip().partition(" ")
    if order.lower() != "remove":
        total, shared = await database.read(catalogue.shelf, scope="", limit=LISTED)
        return say(_list(total, shared, own, settings, private=turn.conversation.private))
    one = _meant(own, which.strip())
    if one is None:
        return say(f"There is no document “{which.strip()[:100]}” of yours here; /sources lists what there is.")
    return _removed(database, one)


async def _removed(database: Database, one: Listed) -> AsyncIterator[Chunk]:
    await database.write(index.drop, id=one.id)
    await swept(database)
    yield Chunk(text=f"{one.source} is gone, with its {extent(0, one.passages)}. To have it back, send it again.")


def _meant(own: Sequence[Listed], which: str) -> Listed | None:
    """The document by its number in the list, its name or its title."""
    if which.isdecimal() and 0 < int(which[:6]) <= len(own):
        return own[int(which[:6]) - 1]
    name = normalize("NFC", which.casefold())
    return next((one for one in own if name in (one.source.casefold(), one.title.casefold())), None)


def _list(total: int, shared: Sequence[Listed], own: Sequence[Listed], settings: QASettings, *, private: bool) -> str:
    parts = [_shared(total, shared), _own(own, private=private)] if total or own else [_nothing(settings)]
    return "\n\n".join(filter(None, parts))


def _nothing(settings: QASettings) -> str:
    here = f" Send me one here: I read {IN_WORDS}." if settings.uploads else ""
    return f"There are no documents yet.{here}"


def _shared(total: int, shared: Sequence[Listed]) -> str:
    if not total:
        return ""
    lines = [f"- {_named(one)}" for one in shared]
    more = [f"… and {total - len(shared)} more"] if total > len(shared) else []
    return "\n".join([f"I answer from {total} document{'s' if total > 1 else ''}:", *lines, *more])


def _own(own: Sequence[Listed], *, private: bool) -> str:
    if not own:
        return ""
    whose = "Yours, which nobody else can ask about:" if private else "Of this chat:"
    lines = [f"{number}. {_named(one)}" for number, one in enumerate(own, 1)]
    return "\n".join([whose, *lines, "To take one out: /sources remove NUMBER or NAME"])


def _named(one: Listed) -> str:
    return f"{one.title} ({one.source}, {one.extent})"
