"""What the trainer says, one line each, and what people read of it. Pure.

A line is `MARK` and a JSON object whose ``event`` is one of: ``stage`` (text), ``data`` (the card), ``model``,
``step``, ``look`` (at the held-out part), ``looked`` (at answers), ``sample``, ``saved``, ``asked`` (an evaluation's
questions), ``end`` (state, reason). Lines without the mark are libraries'.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

__all__ = ["MARK", "Event", "curve", "decode", "duration", "encode", "printable", "sentence"]

MARK = "botcore-train: "
Event = Mapping[str, Any]
BARS = "▁▂▃▄▅▆▇█"


def encode(event: str, **fields: Any) -> str:
    """The line."""
    return MARK + json.dumps({"event": event, **fields}, ensure_ascii=False)


def decode(line: str) -> Event | None:
    """The event of a line; None for anything a library printed."""
    if not line.startswith(MARK):
        return None
    try:
        event = json.loads(line.removeprefix(MARK))
    except ValueError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None


def sentence(event: Event) -> str:
    """The event as people read it; empty for what they need not."""
    match event:
        case {"event": "stage", "text": str(text)}:
            return text
        case {"event": "data"}:
            return _data(event)
        case {"event": "model"}:
            return f"model: {event['parameters'] / 1e6:,.1f} M parameters, {event['device']}, {event['precision']}"
        case {"event": "step"}:
            return _step(event)
        case {"event": "asked"}:
            return f"{event['progress']:.0%} {event['done']} of {event['total']} asked, {duration(event['left'])} left"
        case {"event": "look"}:
            return f"step {event['step']}: held-out loss {event['loss']:.3f}, perplexity {event['perplexity']:,.2f}"
        case {"event": "looked"}:
            return _looked(event)
        case {"event": "sample"}:
            return f"  “{printable(event['text'])[:160]}”"
    return ""


def printable(text: object) -> str:
    """In one line, without what a terminal would obey: what people and models say may hold anything."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def _data(card: Event) -> str:
    skipped = f", {card['skipped']} skipped" if card["skipped"] else ""
    held = f", {card['held_out_tokens']:,} of them held out" if card["held_out_tokens"] else ""
    counts = (f"{card[name]:,} {name}" for name in ("documents", "tokens") if card[name])
    return f"data: {', '.join(counts)}{held}{skipped}, {card['hash'][:12]}"


def _looked(event: Event) -> str:
    taught = f"answers as taught {event['taught']} of {event['asked']}, " if event["asked"] else ""
    return f"{taught}{event['kept']} of {event['others']} other answers as before"


def _step(event: Event) -> str:
    return (
        f"{event['progress']:.0%} step {event['step']}: loss {event['loss']:.3f}, {event['speed']:,.0f} tokens/s, "
        f"{duration(event['left'])} left"
    )


def duration(seconds: float) -> str:
    """As people say it: 40 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02} min"


def curve(values: Sequence[float], width: int = 60) -> str:
    """The values as a row of bars, each the mean of its share of them."""
    if not values:
        return ""
    count = min(width, len(values))
    edges = [n * len(values) // count for n in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    span = (high - low) or 1.0
    return "".join(BARS[min(7, int((mean - low) / span * 8))] for mean in means)
