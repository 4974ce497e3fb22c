"""Configuration: defaults < TOML files < `config/local.toml` < environment < flags, merged into `Settings`.

The tables of plugins and channels stay raw here; `botcore.loader` validates each with that class's own ``Settings``.
Every mistake is one line that names where it stands, what it is and what was probably meant.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from botcore.errors import SettingsError

__all__ = [
    "BotSettings",
    "EngineSettings",
    "HttpSettings",
    "Settings",
    "StoreSettings",
    "Table",
    "TurnSettings",
    "load_settings",
    "shipped_config",
    "validate",
]

M = TypeVar("M", bound=BaseModel)
PREFIX = "BOTCORE_"


class Table(BaseModel):
    """A validated table: unknown keys are errors, values do not change."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class BotSettings(Table):
    """``[bot]``."""

    name: str = Field(default="botcore", min_length=1, max_length=64)
    data_dir: Path = Path("data")
    """Database, logs, engine socket. One running bot per directory."""

    @field_validator("data_dir", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """An empty one comes of a variable that is not set in a script; it would be the current folder."""
        if isinstance(value, str) and not value.strip():
            raise ValueError('name a folder; "." is the current one')
        return value


class HttpSettings(Table):
    """``[http]``: the one port."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    """The next free one is taken (and named) where it is occupied; 0 = any."""
    key: SecretStr = SecretStr("")
    """Asked of everybody; needed to listen beyond loopback."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names a reverse proxy uses, besides localhost."""
    body_limit: int = Field(default=1 << 20, ge=1024)
    """Bytes of a request's body: 1 MiB is 16 times the largest update Telegram sends."""


class StoreSettings(Table):
    """``[store]``."""

    url: str = ""
    """``sqlite:///path`` or ``postgresql://…``; empty = ``botcore.db`` in the data directory."""
    keep_days: float = Field(default=0, ge=0)
    """Days that exchanges, their traces and feedback are kept; 0 = for ever."""
    keep_dead_days: float = Field(default=0, ge=0)
    """Days that dead letters are kept; 0 = for ever."""
    dedupe_days: float = Field(default=7, ge=2)
    """Days that the id of a delivery that has ended is known, so that the same one is not taken again: Telegram repeats
    for 24 hours, Slack for about one, the page as long as it has a message that it believes unsent."""


class EngineSettings(Table):
    """``[engine]``."""

    kind: str = "vllm"
    """``vllm`` (a local server of our own), ``openai`` (any server of that protocol), ``scripted`` (tests)."""
    model: str = "starter"
    """``starter`` (the model in the box), a folder, or the name of a model that ``botcore model get`` fetched."""
    base_url: str = ""
    """For ``openai``: ``http://host:8000/v1``."""
    api_key: SecretStr = SecretStr("")
    python: str = ""
    """The Python that has vLLM; empty = find or install one."""
    install: bool = True
    """False: never install an engine."""
    window: int = Field(default=0, ge=0)
    """Tokens that prompt and reply share; 0 = what the model can, at most 8,192 on a CPU."""
    kv_cache_gib: float = Field(default=1.0, gt=0)
    """GiB of memory for the paged KV cache on a CPU."""
    dtype: str = "auto"
    first_token_timeout_s: float = Field(default=30, gt=0)
    token_gap_timeout_s: float = Field(default=15, gt=0)
    args: tuple[str, ...] = ()
    """More arguments for the vLLM server, as on its command line."""


class TurnSettings(Table):
    """``[turn]``: the bounds of one message's life."""

    timeout_s: float = Field(default=300, gt=0)
    """From the turn's begin to the last token: nobody reads a reply that took longer."""
    queue_notice_s: float = Field(default=120, gt=0)
    """A reply to a message that stood in line for longer begins with a line that says so."""
    engine_wait_s: float = Field(default=120, gt=0)
    """How long a turn waits for an engine that is starting before it says so and ends."""
    decide_budget_s: float = Field(default=10, gt=0)
    """Per plugin for `admit`, `recall` and the decision of `reply`."""
    observe_budget_s: float = Field(default=2, gt=0)
    """Per plugin for `remember` and `feedback`."""
    concurrent: int = Field(default=64, ge=1)
    """Turns at once in this process: about what one engine batches well."""
    waiting_per_chat: int = Field(default=20, ge=1)
    """Messages that may wait in one conversation; more are refused with a notice."""
    waiting_per_person: int = Field(default=5, ge=1)
    """Messages of one person that may wait behind the one that runs, over all their conversations of one account."""
    waiting_total: int = Field(default=5_000, ge=1)
    """Messages that may wait or run in all; above, platforms keep them. One that stands in the line for a slot takes
    12 KiB of memory, one that waits behind another of its conversation a row on the disk: at most 60 MB."""
    text_limit: int = Field(default=32_000, ge=1)
    """Characters of one message; more are refused with a notice."""
    lease_s: float = Field(default=30, gt=0)
    """After this long without a heartbeat another process takes a conversation over."""
    drain_s: float = Field(default=25, ge=0)
    """Running turns may finish for this long after SIGTERM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, validated but for the tables of plugins and channels."""

    bot: BotSettings = field(default_factory=lambda: BotSettings())
    http: HttpSettings = field(default_factory=lambda: HttpSettings())
    store: StoreSettings = field(default_factory=StoreSettings)
    engine: EngineSettings = field(default_factory=lambda: EngineSettings())
    turn: TurnSettings = field(default_factory=lambda: TurnSettings())
    plugins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where each given value came from: ``engine.model`` → ``config/bot.toml``."""

    @property
    def store_url(self) -> str:
        """The database's URL, with its default filled in."""
        return self.store.url or f"sqlite:///{self.bot.data_dir / 'botcore.db'}"


CORE: Mapping[str, type[Table]] = {
    "bot": BotSettings,
    "http": HttpSettings,
    "store": StoreSettings,
    "engine": EngineSettings,
    "turn": TurnSettings,
}
SECTIONS = (*CORE, "plugins", "channels")


def shipped_config() -> Path:
    """The default configuration: the checkout's ``config/bot.toml``, or the one inside the installed package."""
    package = Path(__file__).parent
    checkout = package.parent / "config" / "bot.toml"
    return checkout if checkout.exists() else package / "config" / "bot.toml"


def load_settings(
    files: Sequence[Path] = (),
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    local: Path | None = Path("config/local.toml"),
) -> Settings:
    """The settings of these layers; ``flags`` are dotted keys.

    Raises `SettingsError` with one line on the first mistake.
    """
    merged, origins = _Layers(), dict[str, str]()
    for path in files or (shipped_config(),):
        merged.add(_toml(path), str(path), origins)
    if local and local.exists():
        merged.add(_toml(local), str(local), origins)
    for key, value, name in _environment(os.environ if environ is None else environ):
        merged.put(key, value, name, origins)
    for dotted, value in (flags or {}).items():
        merged.put(dotted.split("."), value, "command line", origins)
    tables = merged.values
    _known(tables, SECTIONS, "", origins)
    core = {name: validate(model, tables.get(name, {}), name, origins) for name, model in CORE.items()}
    return Settings(
        **core,  # type: ignore[arg-type]
        plugins=_enabled(tables.get("plugins", {}), "plugins", origins),
        channels=_enabled(tables.get("channels", {}), "channels", origins),
        origins=origins,
    )


def validate(model: type[M], values: Any, section: str, origins: Mapping[str, str]) -> M:
    """``values`` as ``model``; `SettingsError` names origin, key, value and the nearest key there is."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"{_origin(section, origins)}: [{section}] must be a table, not {values!r}")
    _known(values, list(model.model_fields), section, origins)
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        raise SettingsError(_first_problem(error, section, origins)) from None


class _Layers:
    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def add(self, tables: Mapping[str, Any], origin: str, origins: dict[str, str]) -> None:
        for path, value in _leaves(tables):
            self.put(path, value, origin, origins)

    def put(self, path: Sequence[str], value: Any, origin: str, origins: dict[str, str]) -> None:
        table = self.values
        for name in path[:-1]:
            below = table.setdefault(name, {})
            if not isinstance(below, dict):
                raise SettingsError(f"{origin}: {'.'.join(path)}: {name} is a value, not a table")
            table = below
        if value == {} and isinstance(table.get(path[-1], {}), dict):
            table.setdefault(path[-1], {})
        else:
            table[path[-1]] = value
        origins[".".join(path)] = origin


def _leaves(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tables.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; give an existing one with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _environment(environ: Mapping[str, str]) -> Iterator[tuple[list[str], Any, str]]:
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        path = name.removeprefix(PREFIX).lower().split("__")
        if len(path) == 1:
            _reject_single_underscore(name)
            continue
        value: Any = environ[name]
        if path[-1].endswith("_file") and path[0] != "plugins":
            path[-1] = path[-1].removesuffix("_file")
            value = _secret_file(name, value)
        yield path, _parsed(value), name


def _reject_single_underscore(name: str) -> None:
    section, _, key = name.removeprefix(PREFIX).lower().partition("_")
    if section in CORE and key in CORE[section].model_fields:
        raise SettingsError(
            f"{name}: write two underscores between table and key: {PREFIX}{section.upper()}__{key.upper()}"
        )


def _secret_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: cannot read {path}: {error}") from None


def _parsed(value: str) -> Any:
    """Lists and tables are written as in TOML; everything else is left to the model's own conversion."""
    if not value.startswith(("[", "{")):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _known(values: Mapping[str, Any], names: Sequence[str], section: str, origins: Mapping[str, str]) -> None:
    for name in values:
        if name in names:
            continue
        dotted = f"{section}.{name}" if section else name
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(names)}"
        what = f'[{section}] has no key "{name}"' if section else f"there is no table [{name}]"
        table = next((table for table, model in CORE.items() if name in model.model_fields), "")
        if table and not section and not isinstance(values[name], Mapping):
            what, hint = f'"{name}" stands in no table', f"write [{table}] above it"
        raise SettingsError(f"{_origin(dotted, origins)}: {what}; {hint}")


def _enabled(tables: Any, section: str, origins: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    if not isinstance(tables, Mapping):
        raise SettingsError(f"{_origin(section, origins)}: [{section}] must hold tables, such as [{section}.name]")
    enabled = dict[str, Mapping[str, Any]]()
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise SettingsError(
                f"{_origin(f'{section}.{name}', origins)}: {section}.{name} must be a table, [{section}.{name}]"
            )
        on = validate(_Switch, {"enabled": table.get("enabled", True)}, f"{section}.{name}", origins).enabled
        if on:
            enabled[name] = {key: value for key, value in table.items() if key != "enabled"}
    return enabled


class _Switch(Table):
    enabled: bool = True


def _origin(dotted: str, origins: Mapping[str, str]) -> str:
    if dotted in origins:
        return origins[dotted]
    below = (origin for key, origin in origins.items() if key.startswith(f"{dotted}."))
    return next(below, "configuration")


def _first_problem(error: ValidationError, section: str, origins: Mapping[str, str]) -> str:
    problem = error.errors(include_url=False)[0]
    dotted = ".".join([section, *(str(part) for part in problem["loc"])])
    where = _origin(dotted, origins)
    if problem["type"] == "missing":
        variable = PREFIX + "__".join(dotted.split(".")).upper()
        return f"{_origin(section, origins)}: {dotted} is missing; set it there or in the variable {variable}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no key {dotted}"
    # A whole table, which a rule about several keys is given, may hold secrets.
    secret = isinstance(problem["input"], Mapping) or re.search(r"key|token|secret|password", dotted)
    given = "" if secret else f", not {problem['input']!r}"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{where}: {dotted}: {message[:1].lower()}{message[1:]}{given}"
