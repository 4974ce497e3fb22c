"""What is said about one model: a card of facts, as a line of the list, as a page, and the starter's honest label."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.cli.common import size_of
from botcore.errors import BotcoreError

if TYPE_CHECKING:
    from botcore.engine.fit import Fit
    from botcore.engine.model import Model
    from botcore.engine.room import Room
    from botcore.models import Facts
    from botcore.settings import Settings

__all__ = ["ENCODER", "Card", "all_cards", "card_of", "facts_lines", "hub_card", "label", "line"]


ENCODER = "vectors: it is an encoder, for [encoder] (`botcore model use` writes it there), and cannot chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What there is to say about a model."""

    name: str
    folder: str
    """Empty where it is not on this machine."""
    in_use: bool = False
    origin: str = ""
    licence: str = ""
    bytes: int = 0
    facts: "Facts | None" = None
    fit: "Fit | None" = None
    problem: str = ""
    """Why it cannot be used."""


def all_cards(settings: "Settings", here: "Room") -> list[Card]:
    """The one in the box, those that were fetched, and the one in use wherever it lies."""
    from botcore.engine.model import find_model
    from botcore.models import Shelf

    names = ["starter", *(record.name for record in Shelf(settings.bot.data_dir).records())]
    names += [table.model for table in (settings.engine, settings.encoder) if table.kind == "vllm"]
    cards = list[Card]()
    for name in dict.fromkeys(names):
        try:
            cards.append(card_of(find_model(name, data_dir=settings.bot.data_dir), settings, here, called=name))
        except BotcoreError as error:
            cards.append(Card(name=name, folder="", in_use=_in_use(name, settings), problem=str(error)))
    return cards


def card_of(model: "Model", settings: "Settings", here: "Room", *, called: str = "") -> Card:
    """The card of a model on this machine."""
    from botcore.engine.fit import fit
    from botcore.models import facts_of
    from botcore.models.shelf import read_record

    folder, name = Path(model.source), called or model.name
    record, facts, problem = read_record(folder), None, ""
    try:
        facts = facts_of(folder)
    except BotcoreError as error:
        problem = str(error)
    origin = "comes with botcore" if name == "starter" else "a folder of yours"
    return Card(
        name=name,
        folder=str(folder),
        in_use=_in_use(name, settings),
        origin=f"{record.endpoint}/{record.name} at {record.revision}, {record.fetched}" if record else origin,
        licence=record.licence if record else "apache-2.0" if name == "starter" else "",
        bytes=sum(path.stat().st_size for path in folder.iterdir() if path.is_file()),
        facts=facts,
        fit=fit(facts, here, settings.engine) if facts else None,
        problem=problem,
    )


async def hub_card(name: str, settings: "Settings", here: "Room") -> Card:
    """The card of a model on the hub. Raises `ModelError`."""
    import os

    from botcore.clock import SystemClock
    from botcore.engine.fit import fit
    from botcore.models import Shelf
    from botcore.models.fetch import plan
    from botcore.models.hub import open_hub

    async with open_hub(os.environ, clock=SystemClock()) as hub:
        found = await plan(hub, Shelf(settings.bot.data_dir), name)
        return Card(
            name=name,
            folder="",
            origin=f"{hub.endpoint}/{name} at {found.listing.commit}",
            licence=found.listing.licence,
            bytes=found.bytes,
            facts=found.facts,
            fit=fit(found.facts, here, settings.engine),
        )


def _in_use(name: str, settings: "Settings") -> bool:
    return any(table.kind == "vllm" and table.model == name for table in (settings.engine, settings.encoder))


def line(card: Card) -> str:
    """One line of the list."""
    mark = "!" if card.problem else "✓" if card.in_use else "-"
    used = "  in use" if card.in_use else ""
    if card.problem or card.facts is None or card.fit is None:
        return f"{mark} {card.name:<32} {card.problem}{used}"
    from botcore.engine.fit import people

    parameters = people(card.facts.parameters) if card.facts.parameters else "size not known"
    window = f"{card.facts.window:,} tokens" if card.facts.window else "window not known"
    made = ", an encoder" if card.facts.encoder else ""
    return f"{mark} {card.name:<32} {size_of(card.bytes):>9}  {parameters}, {window}{made}  {card.fit.verdict}{used}"


def facts_lines(card: Card) -> Iterator[tuple[str, str]]:
    """The card as names and values."""
    yield "model", card.name + (" (in use)" if card.in_use else "")
    yield "folder", card.folder or f"not on this machine; fetch it: botcore model get {card.name}"
    yield "origin", card.origin
    yield "licence", card.licence or "not said; look at its README before you use it"
    yield "size", size_of(card.bytes)
    if card.problem:
        yield "problem", card.problem
    if card.facts:
        yield from _facts(card.facts)
    if card.fit:
        yield "fits here", f"{card.fit.verdict}: {card.fit.why}"
        if card.fit.window:
            yield "context here", f"{card.fit.window:,} tokens"


def _facts(facts: "Facts") -> Iterator[tuple[str, str]]:
    from botcore.engine.fit import people

    yield "architecture", facts.architecture or "not said"
    yield "parameters", people(facts.parameters) if facts.parameters else "not known"
    yield "dtype", f"{facts.dtype or 'not said'}{f', quantized: {facts.quantized}' if facts.quantized else ''}"
    yield "context", f"{facts.window:,} tokens" if facts.window else "not said"
    if facts.encoder:
        yield "made for", ENCODER
    else:
        template = "there" if facts.chat_template else "missing: it continues text, and cannot chat as it is"
        yield "chat template", template


def label(here: "Room", settings: "Settings") -> list[str]:
    """What the starter is and is not, and the one command that takes a better one."""
    from botcore.engine.known import STARTER_LABEL, better_command

    return [
        f"The starter is {STARTER_LABEL}.",
        f"A better one for this machine: {better_command(here, settings.engine)}",
    ]
