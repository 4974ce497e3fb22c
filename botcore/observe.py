"""Every name an operator sees in logs and metrics, and the filter that keeps secrets out of both."""

import logging
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from prometheus_client.core import CounterMetricFamily

__all__ = ["Ended", "Metrics", "Redactor", "configure_logging"]

SECRETS = re.compile(r"\d{6,}:[\w-]{30,}|xox[abpe]-[\w-]{8,}|xapp-[\w-]{8,}|(?<=Bearer )[^\s'\"]+")
"""Telegram and Slack tokens and bearer keys, wherever they turn up."""

NOISY = ("telegram", "httpx", "httpcore", "aiohttp.access", "alembic", "sqlalchemy")
"""Libraries that log each request, some with the token in its URL: warnings only."""


class Redactor(logging.Filter):
    """Replaces secrets in every record that passes, known values and known shapes alike."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        super().__init__()
        self._values = [value for value in values if len(value) >= 6]

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True: records are cleaned, not dropped."""
        record.msg, record.args = self.clean(_said(record)), ()
        if record.exc_info:
            record.exc_text = self.clean(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True

    def clean(self, text: str) -> str:
        """``text`` without secrets."""
        for value in self._values:
            text = text.replace(value, "***")
        return SECRETS.sub("***", text)


def _said(record: logging.LogRecord) -> str:
    """Its message; where the values do not fit the template, both as they are.

    Logging itself forgives that mistake, but later than here: whoever made it would be ended by it.
    """
    try:
        return record.getMessage()
    except Exception:
        return f"{record.msg} {record.args}"


def configure_logging(level: int = logging.INFO, secrets: Iterable[str] = ()) -> None:
    """Log to standard error at ``level``, redacted. Only the command line calls this: the library adds no handlers."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S"))
    handler.addFilter(Redactor(secrets))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in NOISY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


class Ended(NamedTuple):
    """A turn that has ended, in seconds."""

    at: float
    """`Clock.monotonic` time."""
    first_text: float
    """Begun to first text of the reply, 0 = there was none."""
    whole: float


RECENT = 2_000
"""Turns the operator's page counts from: 48 bytes each, and more than an hour of a busy bot."""


class _Spent:
    """The seconds spent in hooks as Prometheus asks for them."""

    def __init__(self, seconds: Mapping[tuple[str, str], float]) -> None:
        self._seconds = seconds

    def collect(self) -> "Iterator[CounterMetricFamily]":
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily("botcore_hook_seconds", "Time spent in hooks", labels=["plugin", "hook"])
        for labels, seconds in list(self._seconds.items()):
            family.add_metric(labels, seconds)
        yield family


class Metrics:
    """The bot's own numbers in Prometheus' terms; each bot has its own registry, so two live in one process."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        own = self.registry
        self.turns: Counter = Counter("botcore_turns", "Turns by how they ended", ["channel", "outcome"], registry=own)
        self.queue_seconds: Histogram = Histogram("botcore_queue_seconds", "Accepted to begun", registry=own)
        self.first_text: Histogram = Histogram(
            "botcore_first_text_seconds", "Begun to first text of the reply", registry=own
        )
        self.turn_seconds: Histogram = Histogram("botcore_turn_seconds", "Begun to committed reply", registry=own)
        self.tokens: Counter = Counter("botcore_tokens", "Tokens by kind", ["kind"], registry=own)
        self.hook_seconds: dict[tuple[str, str], float] = {}
        """By plugin and hook. Plain numbers until somebody asks: a counter's lock would be taken for each hook."""
        own.register(_Spent(self.hook_seconds))
        self.hook_errors: Counter = Counter(
            "botcore_hook_errors", "Hook calls that failed or were too slow", ["plugin", "hook"], registry=own
        )
        self.sends: Counter = Counter("botcore_sends", "Outgoing calls by result", ["channel", "result"], registry=own)
        self.rejected: Counter = Counter(
            "botcore_rejected", "Messages above a cap, by whose: person or chat", ["channel", "reason"], registry=own
        )
        self.waiting: Gauge = Gauge("botcore_messages_waiting", "Messages that wait behind others", registry=own)
        self.dead: Gauge = Gauge("botcore_dead_letters", "What nobody could use or answer, and is kept", registry=own)
        self.lora: Gauge = Gauge(
            "botcore_lora_in_service", "1 for what new turns get: a LoRA version, or base", ["version"], registry=own
        )
        self.recent: deque[Ended] = deque(maxlen=RECENT)
        """The newest turns of this process, oldest first: what no histogram can tell of the last minutes."""
        self.running: Gauge = Gauge("botcore_turns_running", "Turns being worked on", registry=own)

    def failed_hooks(self) -> list[tuple[str, str]]:
        """Plugin and hook of all that failed or were too slow at least once."""
        (family,) = self.hook_errors.collect()
        counted = (sample for sample in family.samples if sample.name.endswith("_total") and sample.value)
        return [(sample.labels["plugin"], sample.labels["hook"]) for sample in counted]

    def render(self) -> bytes:
        """The text Prometheus scrapes."""
        from prometheus_client import generate_latest

        return generate_latest(self.registry)
