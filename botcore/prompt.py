"""System text, facts, passages, history and the new message as one `Prompt` that fits the model's window.

Prompts are append-only: what was said first stands first and does not change, so the engine's prefix cache serves it
again. Passages therefore stand in the newest message, and what must go is cut from the oldest end in steps, not line
by line.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import groupby
from math import ceil, inf

from botcore.context import Recalled
from botcore.messages import Entry, Passage, Person, PromptMessage
from botcore.ports import Prompt

__all__ = ["compose", "estimate", "fit", "shorter", "within"]

NAME = 40
"""Characters of a person's name."""

Count = Callable[[Sequence[PromptMessage]], Awaitable[int | None]]

PER_MESSAGE = 8
"""Tokens a chat template adds to each message at most, in the templates we know."""

FACTS = 0.25
"""Of the window: what facts may take. They stand before everything else, and no cut of the history makes them fit."""
FACT_BYTES = 3
"""Of a token, on average, in text of most languages; counting facts would take a request for each turn."""

STEP = 0.3
"""Of the room: so much is cut at once, so that the next turns only append and the prefix stays cached."""


def compose(system: str, recalled: Recalled, text: str, *, speaker: Person | None = None) -> list[PromptMessage]:
    """The messages in their order; neighbouring lines of one role become one, as chat templates demand.

    ``speaker`` is whose ``text`` it is in a group: once others are heard too, a name stands before each person's line,
    where the platform gave one: an id tells a model nothing.
    """
    facts = "\n".join(f"- {fact}" for fact in recalled.facts)
    head = f"{system}\n\nWhat you know:\n{facts}" if facts else system
    lines = [PromptMessage(role="system", content=head)] if head else []
    spoken = [entry for entry in recalled.history if _spoken(entry)]
    several = speaker and len({speaker.id, *(entry.person.id for entry in spoken if entry.person)}) > 1
    lines += [
        PromptMessage(role=entry.role, content=_named(entry.person, entry.text) if several else entry.text)
        for entry in spoken
    ]
    message = _named(speaker, text) if several and not recalled.passages else text
    lines.append(PromptMessage(role="user", content=with_passages(recalled.passages, message)))
    return [_joined(list(same)) for _, same in groupby(lines, key=lambda line: line.role)]


def within(recalled: Recalled, window: int) -> tuple[Recalled, tuple[str, ...]]:
    """What was recalled with as many facts as their share of the window holds, and what was cut.

    A fact that is too long is left out whole. ``window=0`` is unknown: nothing is cut.
    """
    left = window * FACTS * FACT_BYTES if window else inf
    kept = list[str]()
    for fact in recalled.facts:
        size = len(fact.encode(errors="surrogatepass"))
        if size <= left:
            kept.append(fact)
            left -= size
    if len(kept) == len(recalled.facts):
        return recalled, ()
    cut = f"{len(recalled.facts) - len(kept)} of {len(recalled.facts)} facts"
    return replace(recalled, facts=kept), (cut,)


def with_passages(passages: Sequence[Passage], text: str) -> str:
    """The message with the passages it may be answered from, numbered as citations will be."""
    if not passages:
        return text
    listed = "\n".join(f"[{number}] {passage.text}" for number, passage in enumerate(passages, 1))
    return f"Passages:\n{listed}\nQuestion: {text}"


def estimate(messages: Sequence[PromptMessage]) -> int:
    """An upper bound of the tokens without asking: no byte-level tokenizer makes more tokens than bytes."""
    return sum(len(message.content.encode()) + PER_MESSAGE for message in messages)


async def fit(messages: Sequence[PromptMessage], *, window: int, reserve: int, count: Count) -> Prompt:
    """``messages`` without as much old history as it takes to leave ``reserve`` of ``window`` tokens free.

    Asks ``count`` at most once, and only where the upper bound does not settle it already.
    ``window=0`` is unknown: nothing is cut.
    """
    room = window - min(reserve, window // 2)
    bound = estimate(messages)
    if not window or bound <= room:
        return Prompt(messages=tuple(messages))
    counted = await count(messages)
    tokens = bound if counted is None else counted
    if tokens <= room:
        return Prompt(messages=tuple(messages), tokens=tokens, exact=counted is not None)
    return _cut(messages, room=room, per_byte=tokens / bound)


def shorter(prompt: Prompt) -> Prompt | None:
    """The prompt without the older half of its history; None where there is no history left to drop."""
    first = _first_of_history(prompt.messages)
    history = len(prompt.messages) - first - 1
    if history <= 0:
        return None
    return _without(prompt.messages, first, -(-history // 2))


def _cut(messages: Sequence[PromptMessage], *, room: int, per_byte: float) -> Prompt:
    first = _first_of_history(messages)
    size = [estimate([message]) * per_byte for message in messages]
    step = room * STEP
    must = ceil((sum(size) - room) / step) * step
    dropped, last = 0, len(messages) - 1
    while first + dropped < last and sum(size[first : first + dropped]) < must:
        dropped += 1
    return _without(messages, first, dropped)


def _without(messages: Sequence[PromptMessage], first: int, dropped: int) -> Prompt:
    while dropped and first + dropped < len(messages) - 1 and messages[first + dropped].role == "assistant":
        dropped += 1  # a reply without its question confuses templates and models
    kept = (*messages[:first], *messages[first + dropped :])
    return Prompt(messages=kept, cut=(f"{dropped} oldest messages",) if dropped else ())


def _first_of_history(messages: Sequence[PromptMessage]) -> int:
    return 1 if messages and messages[0].role == "system" else 0


def _spoken(entry: Entry) -> bool:
    return bool(entry.text.strip())


def _named(person: Person | None, text: str) -> str:
    name = " ".join(person.name.split())[:NAME] if person else ""
    return f"{name}: {text}" if name else text


def _joined(same: list[PromptMessage]) -> PromptMessage:
    if len(same) == 1:
        return same[0]
    return PromptMessage(role=same[0].role, content="\n".join(line.content for line in same))
