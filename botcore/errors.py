"""Every error botcore raises on purpose.

A class docstring is its default message; a caller adds what it was about, which value, what to do next.

BotcoreError
├── SettingsError            a configuration file, variable or flag is wrong
├── PluginLoadError          a plugin or channel could not be loaded; the others are
├── ModelError               a model cannot be fetched, read or used; the message says what to do instead
├── StoreError
│   ├── StoreUnavailable     nothing was stored: try again (a channel answers 503 or does not acknowledge)
│   └── LeaseLost            another process has taken the conversation: drop the work, write nothing
├── EngineError
│   ├── EngineUnavailable    loading, restarting or gone: worth another try later
│   ├── EngineRejected       the engine refuses this request: the same request will fail again
│   │   └── PromptTooLong    does not fit the model's window: retry with a shorter history
│   └── EngineTimeout        first token, next token or whole reply took longer than allowed
├── TrainingError            a training run cannot begin, or ended without a model
└── ChannelError             what a platform answered; a channel raises exactly these three
    ├── Retry                refused for now; wait `after` seconds (429, not sent)
    ├── Rejected             refused for good (blocked, chat gone, bad request)
    └── Unknown              may or may not have arrived (time-out after the request was written, 5xx)
"""

import re

__all__ = [
    "BotcoreError",
    "ChannelError",
    "EngineError",
    "EngineRejected",
    "EngineTimeout",
    "EngineUnavailable",
    "LeaseLost",
    "ModelError",
    "PluginLoadError",
    "PromptTooLong",
    "Rejected",
    "Retry",
    "SettingsError",
    "StoreError",
    "StoreUnavailable",
    "TrainingError",
    "Unknown",
    "for_people",
    "in_a_line",
    "without_addresses",
]


class BotcoreError(Exception):
    """Something went wrong in botcore."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])


class SettingsError(BotcoreError):
    """The configuration is wrong."""


class PluginLoadError(BotcoreError):
    """A plugin could not be loaded."""


class ModelError(BotcoreError):
    """A model cannot be fetched or used."""


class StoreError(BotcoreError):
    """The database refused the work."""


class StoreUnavailable(StoreError):
    """The database cannot store anything now; nothing was stored."""


class LeaseLost(StoreError):
    """Another process has taken over this conversation."""


class EngineError(BotcoreError):
    """The engine could not generate."""


class EngineUnavailable(EngineError):
    """The engine is not ready."""


class EngineRejected(EngineError):
    """The engine refused the request."""


class PromptTooLong(EngineRejected):
    """The prompt does not fit into the model's window."""


class EngineTimeout(EngineError):
    """The engine took too long."""


class TrainingError(BotcoreError):
    """The training run did not get there."""


class ChannelError(BotcoreError):
    """The platform did not take the message."""


LONGEST_PAUSE_S = 86_400.0
"""No platform we know asks for more than a day; an endless pause would hold its conversation for ever."""


class Retry(ChannelError):
    """The platform asks to wait."""

    def __init__(self, after: float, message: str | None = None) -> None:
        super().__init__(message or f"the platform asks to wait {after:g} s")
        self.after: float = min(max(0.0, after), LONGEST_PAUSE_S)  # 0 first: of two, `max` prefers it to a NaN
        """Seconds to wait before the same call may be made again; a day at most."""


class Rejected(ChannelError):
    """The platform refuses this message for good."""


class Unknown(ChannelError):
    """The platform may or may not have taken the message."""


def in_a_line(error: BaseException) -> str:
    """What went wrong; of a `TaskGroup`, which says only how many there were, what went wrong in its tasks."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(in_a_line, error.exceptions))
    said = str(error).partition("\n")[0]  # a database's error brings its whole statement along
    parts = (said,) if isinstance(error, BotcoreError) else (type(error).__name__, said)
    return ": ".join(filter(None, parts))


def for_people(error: EngineError) -> str:
    """What whoever asked is told: the reason without addresses, and what to do. The log has the whole of it."""
    reason = without_addresses(str(error))
    reason = reason[:1].upper() + reason[1:] + ("" if reason.endswith((".", "!", "?", "…")) else ".")
    if isinstance(error, PromptTooLong):
        return f"{reason} Please write less at once."
    if isinstance(error, EngineRejected):
        return f"{reason} Asking again will not help; please tell the operator."
    return f"{reason} Please ask again later."


_ADDRESS = re.compile(
    r"""(?P<at>\ at\ )?(?:
        [a-z][a-z0-9+.-]*://[^\s"'<>(),;]*[\w/\]]         # a URL
      | (?<![\w.~/])(?:/[\w.@+-]+)+/(?P<file>[\w.@+-]+)   # a path, which no /command is
      | (?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?(?!\.?\w)
      | \[[0-9a-f]*:[0-9a-f:.]+\](?::\d+)?
      | (?<![\w.-])[a-z][\w.-]*:(?:\d{4,5}|443|80)(?!\w)    # host and port
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def without_addresses(text: str) -> str:
    """``text`` for those who need not know where things are: no URL, host and port or IP; of a path the file's name."""
    return _ADDRESS.sub(lambda found: "" if found["at"] else found["file"] or "…", text)
