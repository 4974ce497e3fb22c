"""What can be set: each of the core's tables with its defaults and bounds, and all of them as `Settings`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

__all__ = [
    "CORE",
    "BotSettings",
    "EncoderSettings",
    "EngineSettings",
    "HttpSettings",
    "Settings",
    "StoreSettings",
    "Table",
    "TurnSettings",
]

SHORTEST_KEY = 8
"""The least that NIST SP 800-63B allows where wrong guesses are counted."""


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
    """Asked of everybody; needed to listen beyond loopback; at least `SHORTEST_KEY` characters."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names a reverse proxy uses, besides localhost."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks of reverse proxies of yours: wrong keys are counted for whom X-Forwarded-For names."""
    body_limit: int = Field(default=1 << 20, ge=1024)
    """Bytes of a request's body: 1 MiB is 16 times the largest update Telegram sends."""

    @field_validator("key")
    @classmethod
    def _hard_to_guess(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key) < SHORTEST_KEY:
            raise ValueError(
                f"it is soon guessed; take at least {SHORTEST_KEY} characters, "
                "for example what this prints: openssl rand -hex 16"
            )
        return key

    @field_validator("proxies")
    @classmethod
    def _networks(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        try:
            return tuple(str(ip_network(name.strip(), strict=False)) for name in names)
        except ValueError as error:
            raise ValueError(f'{error}; write addresses or networks, as ["127.0.0.1", "172.30.0.0/24"]') from None


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
    """Tokens that prompt and reply share; 0 = what the model can, at most 8,192 on a CPU. Few hosted servers say it."""
    kv_cache_gib: float = Field(default=1.0, gt=0)
    """GiB of memory for the paged KV cache on a CPU."""
    dtype: str = "auto"
    first_token_timeout_s: float = Field(default=30, gt=0)
    token_gap_timeout_s: float = Field(default=15, gt=0)
    args: tuple[str, ...] = ()
    """More arguments for the vLLM server, as on its command line."""


class EncoderSettings(Table):
    """``[encoder]``: a model that turns texts into vectors, for plugins that search."""

    kind: Literal["off", "vllm", "openai"] = "off"
    """``vllm`` (a local server of our own, in the engine's environment), ``openai`` (any with ``/v1/embeddings``)."""
    model: str = ""
    """For ``vllm`` a folder, or the name of a model that ``botcore model get`` fetched; for ``openai`` the served name,
    empty = the only one it serves."""
    base_url: str = ""
    """For ``openai``: ``http://host:8000/v1``."""
    api_key: SecretStr = SecretStr("")
    question_prefix: str = ""
    """What the model wants before what is asked, as its card says: "query: " (E5)."""
    passage_prefix: str = ""
    """The same before what is searched: "passage: " (E5). Another one makes other vectors."""
    timeout_s: float = Field(default=10, gt=0)
    """For one request, of at most 32 texts."""

    @model_validator(mode="after")
    def _can_be_made(self) -> Self:
        if (self.model or self.base_url) and "kind" not in self.model_fields_set:
            raise ValueError('say which kind: "vllm" (a model on this computer), "openai" (a server), or "off"')
        if self.kind == "vllm" and not self.model:
            raise ValueError(
                'kind = "vllm" needs encoder.model, such as sentence-transformers/all-MiniLM-L6-v2 '
                "(botcore model get fetches it), or a folder"
            )
        if self.kind == "openai" and not self.base_url.startswith(("http://", "https://")):
            raise ValueError('kind = "openai" needs encoder.base_url, such as http://localhost:8000/v1')
        return self


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

    bot: BotSettings = field(default_factory=BotSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    engine: EngineSettings = field(default_factory=EngineSettings)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    turn: TurnSettings = field(default_factory=TurnSettings)
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
    "encoder": EncoderSettings,
    "turn": TurnSettings,
}
"""The core's own tables."""
