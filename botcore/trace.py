"""What is kept and told of a turn that has ended: its reply, from what that was made, its line in the log."""

import logging
from dataclasses import dataclass

from botcore.delivery import Delivery
from botcore.live import LiveTurn
from botcore.messages import Outcome, Passage, PromptMessage, Reply, Sampling
from botcore.observe import Ended, Metrics
from botcore.ports import Prompt, Usage
from botcore.store import TurnEnd, clean_text

__all__ = ["Ending", "reply_of", "report", "turn_end"]

log: logging.Logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a turn has ended, and by whom."""

    outcome: Outcome
    reason: str = ""
    plugin: str = ""


def reply_of(turn: LiveTurn, delivery: Delivery, ending: Ending) -> Reply:
    """What the bot says."""
    return Reply(
        id=turn.id,
        conversation=turn.conversation,
        text=clean_text(delivery.text).strip(),
        outcome=ending.outcome,
        citations=tuple(delivery.citations),
        model=(turn.model or turn.engine.model) if turn.prompted else "",
        plugin=ending.plugin,
        reason=clean_text(ending.reason),
        prompt_tokens=turn.usage.prompt_tokens,
        completion_tokens=turn.usage.completion_tokens,
        again=turn.again,
    )


def turn_end(turn: LiveTurn, reply: Reply, *, started_at: float, first_text_ms: float, total_ms: float) -> TurnEnd:
    """What is committed, with the trace; how it is sent is the delivery's business."""
    turn.sift()  # a `reply` may have added to it
    prompted = turn.prompted or Prompt(messages=())
    trace = {
        "prompt": [_flat(message) for message in prompted.messages],
        "cut": list(prompted.cut),
        "sampling": _flat(turn.sampling) if turn.sampling else None,
        "verbatim": reply.text == "".join(turn.written).strip(),
        "model": reply.model,
        "plugin": reply.plugin,
        "passages": [_flat(passage) for passage in turn.recalled.passages],
        "usage": _flat(turn.usage),
        "first_text_ms": round(first_text_ms, 1),
        "total_ms": round(total_ms, 1),
    }
    return TurnEnd(
        reply=reply,
        parts=(),
        sending=0,
        trace=trace,
        start_over=turn.starts_over,
        started_at=started_at,
        message=turn.message,
    )


def _flat(record: PromptMessage | Sampling | Passage | Usage) -> dict[str, object]:
    """A record's fields; `asdict` would copy each of them deeply, 4 to 15 µs a record."""
    return {name: getattr(record, name) for name in record.__slots__}


def report(metrics: Metrics, reply: Reply, *, start: float, first_text_ms: float, seconds: float) -> None:
    """Count it, and say it in one line; ``start`` is of the monotonic clock."""
    metrics.turns.labels(reply.conversation.channel, reply.outcome).inc()
    metrics.turn_seconds.observe(seconds)
    metrics.recent.append(Ended(start + seconds, first_text_ms / 1000, seconds))
    if first_text_ms:
        metrics.first_text.observe(first_text_ms / 1000)
    metrics.tokens.labels("prompt").inc(reply.prompt_tokens)
    metrics.tokens.labels("completion").inc(reply.completion_tokens)
    log.info(
        "%s %s by %s: %d + %d tokens in %.0f ms",
        reply.conversation.key,
        reply.outcome,
        reply.plugin or "nobody",
        reply.prompt_tokens,
        reply.completion_tokens,
        1000 * seconds,
    )
