"""Plugins are built one by one; a broken one is one clear line and the others load."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial, wraps
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, field_validator

from botcore import Chunk, Registry, Turn, Widget, hookimpl, installed, registering, say
from botcore.cli.config import check
from botcore.cli.plugins import plugins as listed
from botcore.clock import SystemClock
from botcore.errors import PluginLoadError, SettingsError
from botcore.http import Http
from botcore.http.panels import Panels
from botcore.loader import load
from botcore.settings import HttpSettings, Settings
from botcore.testing import LoopbackChannel, ScriptedEngine


class Polite:
    class Settings(BaseModel):
        model_config = ConfigDict(extra="forbid")
        greeting: str = "hello"

    def __init__(self, settings: "Polite.Settings") -> None:
        self.settings = settings

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.command("greet", "Say hello", self.greet)

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return None

    async def greet(self, turn: Turn) -> AsyncIterator[Chunk]:
        return say(self.settings.greeting)


class Misspelt:
    @hookimpl
    async def replay(self, turn: Turn) -> None:
        return None


class WrongColour:
    @hookimpl
    def admit(self, turn: Turn) -> None:
        return None


class EndsLifespan:
    @hookimpl
    @asynccontextmanager  # type: ignore[arg-type]
    async def lifespan(self, bot: object) -> None:
        return None


class Tries:
    @hookimpl(tryfirst=True)
    async def reply(self, turn: Turn) -> None:
        return None


class NeedsNothing:
    @hookimpl
    async def recall(self) -> None:
        return None


class Breaks:
    def __init__(self) -> None:
        raise RuntimeError("no coffee")


class SameCommand(Polite):
    pass


class WrongArgument:
    @hookimpl
    async def reply(self, message: object) -> None:
        return None


class YieldsReply:
    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk]:
        yield Chunk(text="never heard")


class AwaitsRevise:
    @hookimpl
    async def revise(self, turn: Turn, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        return chunks


class BareLifespan:
    @hookimpl
    async def lifespan(self, bot: object) -> AsyncIterator[None]:
        yield


class YieldsCommand:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.command("count", "Count", self.count)  # type: ignore[arg-type]

    async def count(self, turn: Turn) -> AsyncIterator[Chunk]:
        yield Chunk(text="never heard")


class Slashed:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.command("/count", "Count", Polite.greet)  # type: ignore[arg-type]


class AsyncTool:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.cli("asynctool", {"count": self.count})  # type: ignore[dict-item]

    async def count(self) -> None:
        return None


class Ours:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.cli("export", lambda: None)


class PlainLifespan:
    @hookimpl
    @contextmanager
    def lifespan(self, bot: object) -> Iterator[None]:
        yield


class Exits:
    def __init__(self) -> None:
        raise SystemExit(2)


class ExitsLate:
    @hookimpl
    def register(self, registry: Registry) -> None:
        raise SystemExit("no licence")


class NoChannel:
    name = "nochannel"

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.channel(self)  # type: ignore[arg-type]

    async def run(self, inbox: object) -> None:
        return None


class PlainSettings:
    class Settings:
        sides = 6


class Reserves:
    class Settings(BaseModel):
        use: str = "gold"


class Stumbles:
    class Settings(BaseModel):
        sides: int = 6

        @field_validator("sides", mode="after")
        @classmethod
        def known(cls, sides: int) -> int:
            return {4: 4, 6: 6}[sides]

    def __init__(self, settings: "Stumbles.Settings") -> None:
        return None


class RequiresText:
    requires = "documents"


class NoSubCommand:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.cli("dice", {})


class Untypable:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.cli("dice", {"Roll All": lambda: None})


class Unbuilt:
    class Settings(BaseModel):
        sides: int = 6


@pytest.fixture(autouse=True)
def kinds_of_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = tuple(kind for kind in globals().values() if isinstance(kind, type) and kind.__module__ == __name__)
    points = {
        kind.__name__.lower(): EntryPoint(kind.__name__.lower(), f"{__name__}:{kind.__name__}", "botcore")
        for kind in kinds
    }
    points["exitsatonce"] = EntryPoint("exitsatonce", "botcore", "botcore")
    points["nowhere"] = EntryPoint("nowhere", "no_such_module:Thing", "botcore")
    monkeypatch.setattr(installed, "available", lambda: points)
    monkeypatch.setattr(EntryPoint, "load", lambda self: load_here(self, kinds))


def load_here(point: EntryPoint, kinds: tuple[type, ...]) -> Any:
    if point.name == "nowhere":
        raise ModuleNotFoundError("No module named 'no_such_module'", name="no_such_module")
    if point.name == "exitsatonce":
        raise SystemExit(3)
    return next(kind for kind in kinds if kind.__name__.lower() == point.name)


def plugins(**tables: dict[str, Any]) -> Settings:
    return Settings(plugins=tables)


def test_a_plugin_gets_its_own_validated_settings() -> None:
    loaded = load(plugins(polite={"greeting": "hi"}))
    assert loaded.problems == {}
    plugin = loaded.plugins["polite"]
    assert isinstance(plugin, Polite)
    assert plugin.settings.greeting == "hi"
    assert "greet" in loaded.registered.commands


def test_a_validator_that_fails_costs_its_own_plugin_and_keeps_the_value_to_itself() -> None:
    loaded = load(plugins(stumbles={"sides": 5}, polite={}))
    assert list(loaded.plugins) == ["polite"]
    assert loaded.problems == {"stumbles": "stumbles: its Settings failed: KeyError; a validator raises ValueError"}


def test_a_misspelt_setting_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r'\[plugins.polite\] has no key "greting"; did you mean "greeting"\?'):
        load(plugins(polite={"greting": "hi"}))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("misspelt", "misspelt: there is no hook replay; did you mean reply?"),
        ("wrongcolour", "wrongcolour: hook admit must be an async def"),
        ("breaks", "breaks: cannot be built: RuntimeError: no coffee"),
        ("wrongargument", "wrongargument: hook reply has no argument message; there are: turn"),
        (
            "yieldsreply",
            "yieldsreply: hook reply must be an async def without a yield; "
            "let it return the stream of another method: return self.answer(turn)",
        ),
        (
            "awaitsrevise",
            "awaitsrevise: hook revise must be an async generator: async for chunk in chunks: yield chunk",
        ),
        ("barelifespan", "barelifespan: hook lifespan must be an async generator below @asynccontextmanager"),
        (
            "yieldscommand",
            "yieldscommand: the handler of /count must be an async def without a yield; "
            "let it return the stream of another method: return self.answer(turn)",
        ),
        (
            "slashed",
            "slashed: '/count' is no command's name; use 1-32 of a-z, 0-9 and _, without the slash",
        ),
        ("asynctool", "asynctool: botcore asynctool count must be a plain def; call asyncio.run in it"),
        ("ours", "ours: botcore export is the bot's own; give yours another name"),
        ("plainlifespan", "plainlifespan: hook lifespan must be an async generator below @asynccontextmanager"),
        ("endslifespan", "endslifespan: hook lifespan must be an async generator below @asynccontextmanager"),
        (
            "tries",
            "tries: hook reply: @hookimpl takes no options; plugins are asked in the order of the configuration",
        ),
        ("exits", "exits: cannot be built: SystemExit: 2"),
        ("exitslate", "exitslate: register failed: SystemExit: no licence"),
        ("exitsatonce", "exitsatonce: botcore cannot be imported: SystemExit: 3"),
        ("nochannel", "nochannel: NoChannel is no channel: it has no capabilities, send, edit, show, find, fetch"),
        (
            "plainsettings",
            f"plainsettings: Settings must be a class of pydantic's BaseModel, not {PlainSettings.Settings!r}",
        ),
        (
            "unbuilt",
            "unbuilt: cannot be built: TypeError: Unbuilt() takes no arguments; "
            "with a Settings of its own it is built as Unbuilt(settings), without as Unbuilt()",
        ),
        ("reserves", "reserves: Settings cannot have use: the bot reads that itself"),
        ("requirestext", 'requirestext: requires is a tuple: requires = ("documents",)'),
        ("nosubcommand", "nosubcommand: botcore dice has no sub-command"),
        ("untypable", "untypable: 'botcore dice Roll All' cannot be typed; use words of a-z, 0-9, _ and -"),
        ("polit", '[plugins.polit]: nothing installed is called "polit"; did you mean "polite"?'),
        ("nowhere", "nowhere: needs the package no_such_module; pip install it into the bot's environment"),
    ],
)
def test_a_broken_plugin_is_one_line_and_the_others_load(name: str, told: str) -> None:
    loaded = load(plugins(**{name: {}, "polite": {}}))
    assert loaded.problems == {name: told}
    assert list(loaded.plugins) == ["polite"]


@pytest.mark.parametrize("named", [installed, load, Polite.greet], ids=["module", "function", "method"])
def test_an_entry_point_that_names_no_class_is_told(named: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EntryPoint, "load", lambda self: named)
    problem = load(plugins(polite={})).problems["polite"]
    assert problem == (f"polite: {__name__}:Polite is no class; an entry point names one, as package.module:Plugin")


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("from botcore import Umbrella", "cannot import name 'Umbrella' from 'botcore'"),
        ("import botcore.umbrella", "No module named 'botcore.umbrella'"),
    ],
)
def test_a_plugin_for_another_botcore_is_told_which(statement: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Distribution:
        name, version = "botcore-umbrella", "2.0"
        requires = ("botcore-other>=3", "botcore>=9", "aiohttp")

    point = EntryPoint("umbrella", "x:y", "botcore")
    vars(point).update(dist=Distribution())
    monkeypatch.setattr(installed, "available", lambda: {"umbrella": point})
    monkeypatch.setattr(EntryPoint, "load", lambda self: exec(statement))
    here = version("botcore")
    assert load(plugins(umbrella={})).problems == {
        "umbrella": f"umbrella: {told}; botcore-umbrella 2.0 asks for botcore>=9, this is botcore {here}"
    }


def test_a_plugin_and_a_channel_of_one_name_are_told() -> None:
    loaded = load(Settings(plugins={"polite": {}}, channels={"polite": {}}))
    assert loaded.problems == {
        "polite": "polite: a plugin and a channel cannot both be called polite; give one another name"
    }
    assert list(loaded.plugins) == ["polite"]


def test_of_a_plugin_that_fails_half_way_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    class Half(Polite):
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.command("half", "Never heard", self.greet)
            registry.panel("half", "Half", self.widgets)
            registry.command("greet", "Say hello", self.greet)

        async def widgets(self) -> Sequence[Widget]:
            return []

    monkeypatch.setattr(EntryPoint, "load", lambda self: Half if self.name == "samecommand" else Polite)
    loaded = load(plugins(polite={}, samecommand={}))
    assert list(loaded.problems) == ["samecommand"]
    assert list(loaded.registered.commands) == ["greet"]
    assert loaded.registered.panels == {}
    assert [bound.plugin for bound in loaded.hooks["reply"]] == ["polite"]


def test_a_hook_that_is_not_marked_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    loaded = load(Settings(), {"forgot": Forgot()})
    assert "plugin forgot: reply has a hook's name, but no @hookimpl: it is never called" in caplog.text
    assert loaded.warnings == {"forgot": "reply has a hook's name, but no @hookimpl: it is never called"}


class Idle:
    """Not a hook in it."""


class Forgot:
    async def reply(self, turn: Turn) -> None:
        return None


def test_a_plugin_that_is_never_called_is_listed_with_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bot.toml"
    file.write_text("[plugins.idle]\n[plugins.forgot]\n[plugins.silent]")
    listed(config=[file])
    idle, forgot, silent, *_ = capsys.readouterr().out.splitlines()
    assert idle.startswith("! idle         it has no hook: what is to be called needs a hook's name and @hookimpl")
    assert forgot.startswith("! forgot       reply has a hook's name, but no @hookimpl")
    assert silent.startswith("✓ silent       reply")


def test_a_hook_may_leave_out_arguments_it_does_not_need() -> None:
    loaded = load(plugins(needsnothing={}))
    loaded.hooks["recall"][0].call("a turn").close()


def test_hooks_come_in_the_order_of_the_configuration_behind_plugins_that_are_given() -> None:
    loaded = load(Settings(plugins={"third": {"use": "polite"}}), {"first": Silent(), "second": Silent()})
    assert [bound.plugin for bound in loaded.hooks["reply"]] == ["first", "second", "third"]


class Silent:
    @hookimpl
    async def reply(self, turn: Turn) -> None:
        return None


def test_two_plugins_with_one_command_are_an_error_that_names_both() -> None:
    loaded = load(plugins(polite={}, samecommand={}))
    assert loaded.problems == {"samecommand": "samecommand: /greet already belongs to polite"}


class Serves:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.route("GET", "/tally", self.show, access="user")

    async def show(self, request: object) -> Any:
        return None


class ServesToo(Serves):
    pass


def test_two_plugins_with_one_address_are_an_error_of_the_second_alone() -> None:
    loaded = load(plugins(serves={}, servestoo={}))
    assert loaded.problems == {"servestoo": "servestoo: route GET /tally already belongs to serves"}
    assert [route.owner for route in loaded.registered.routes] == ["serves"]


def test_the_addresses_of_the_house_are_those_that_it_serves() -> None:
    clock = SystemClock()
    http = Http(HttpSettings(), clock=clock, routes=Panels({}, clock).routes(), ready=ready, metrics=bytes)
    assert {(route.method, route.path) for route in http._routes} == registering.ROUTES


async def ready() -> dict[str, str]:
    return {}


class Tallies:
    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.cli("tally", lambda: None)


@pytest.mark.parametrize(
    ("register", "told"),
    [
        (lambda r: r.command("count", "Count", None), "the handler of /count must be a function, not None"),
        (lambda r: r.cli("count", {"up": "up"}), "botcore count up must be a function, not 'up'"),
        (lambda r: r.engine("count", 3), "what builds the engine count must be a function, not 3"),
        (lambda r: r.route("GET", "/a", 3, access="user"), "the handler of GET /a must be a function, not 3"),
        (
            lambda r: r.route("GET", "/a", takes, access="all"),
            "route GET /a: access 'all' is none of public, user, admin",
        ),
        (lambda r: r.route("GET", "a", takes, access="user"), "route GET a: a path begins with a slash: /a"),
        (lambda r: r.route("get", "/healthz", takes, access="user"), "route get /healthz is the bot's own"),
        (lambda r: r.panel("count", "Count", 3), "what reads the panel count must be a function, not 3"),
        (lambda r: r.lessons(3), "what writes the lessons must be a function, not 3"),
        (lambda r: r.command("count", "Count", plain), "the handler of /count must be an async def"),
        (lambda r: r.route("GET", "/a", plain, access="user"), "the handler of GET /a must be an async def"),
        (lambda r: r.panel("count", "Count", plain), "what reads the panel count must be an async def"),
        (lambda r: r.panel("count", "Count", yields), "what reads the panel count must be an async def without a"),
        (lambda r: r.lessons(plain), "what writes the lessons must be an async def"),
        (
            lambda r: r.command("greet", "Say hello", Polite.greet),
            "the handler of /greet is called with (turn): missing a required argument: 'turn'",
        ),
        (
            lambda r: r.panel("count", "Count", takes),
            "what reads the panel count is called with (): missing a required argument: 'turn'",
        ),
        (lambda r: r.command(None, "Count", takes), "None is no command's name; use 1-32 of a-z, 0-9 and _, without"),
        (lambda r: r.command("count", None, takes), "the help of /count must be a line of text, not None"),
        (lambda r: r.command("count", " ", takes), "the help of /count must be a line of text, not ' '"),
        (lambda r: r.command("stop", "Stop", takes), "/stop is the bot's own; give yours another name"),
        (lambda r: r.command("again", "Again", takes), "/again is the bot's own; give yours another name"),
    ],
)
def test_a_mistake_in_register_is_told_at_load(register: Callable[[Any], None], told: str) -> None:
    class Counts:
        @hookimpl
        def register(self, registry: Registry) -> None:
            register(registry)

    with pytest.raises(PluginLoadError) as raised:
        load(Settings(), {"counts": Counts()})
    assert str(raised.value).startswith(f"counts: {told}")


@pytest.mark.parametrize("handler", ["partial", "lambda", "wrapped"])
def test_whatever_can_be_awaited_may_handle_a_command(handler: str) -> None:
    handlers: dict[str, Any] = {
        "partial": partial(adds, 3),
        "lambda": lambda turn: adds(3, turn),
        "wrapped": wraps(takes)(lambda *given: takes(*given)),
    }

    class Counts:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.command("count", "Count", handlers[handler])

    assert "count" in load(Settings(), {"counts": Counts()}).registered.commands


def plain(*given: object) -> None:
    return None


async def yields(*given: object) -> AsyncIterator[None]:
    yield


async def takes(turn: object) -> None:
    return None


async def adds(number: int, turn: object) -> None:
    return None


@pytest.mark.parametrize(
    ("method", "function", "told"),
    [
        ("send", plain, "Counts.send must be an async def"),
        ("capabilities", takes, "Counts.capabilities must be a plain def"),
        ("fetch", takes, "Counts.fetch must be a plain def or an async generator"),
    ],
)
def test_a_channels_method_of_the_wrong_kind_is_told_at_load(
    method: str, function: Callable[..., Any], told: str
) -> None:
    wrong = type("Counts", (LoopbackChannel,), {method: function})
    with pytest.raises(PluginLoadError) as raised:
        load(Settings(), {"counts": wrong()})
    assert str(raised.value) == f"counts: {told}"


def test_a_class_in_an_objects_place_is_told() -> None:
    with pytest.raises(PluginLoadError) as raised:
        load(Settings(), {"silent": Silent})
    assert str(raised.value) == "silent: Silent is a class; give what it builds: Silent(…)"


def test_two_plugins_with_one_engine_are_an_error() -> None:
    class Parrot:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.engine("parrot", ScriptedEngine)

    with pytest.raises(PluginLoadError, match="second: the engine parrot already belongs to another plugin"):
        load(Settings(), {"first": Parrot(), "second": Parrot()})


def test_a_key_for_a_plugin_without_settings_is_told() -> None:
    with pytest.raises(SettingsError, match=r'\[plugins.needsnothing\] has no key "sides"; it takes none$'):
        load(plugins(needsnothing={"sides": 6}))


def test_why_a_plugin_could_not_be_loaded_is_in_the_log_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    load(plugins(exitslate={}))
    assert 'raise SystemExit("no licence")' in caplog.text


def test_two_plugins_with_one_command_of_the_terminal_are_an_error() -> None:
    with pytest.raises(PluginLoadError, match="second: botcore tally already belongs to another plugin"):
        load(Settings(), {"first": Tallies(), "second": Tallies()})


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Needy:
        requires = ("fancy",)

    class Distribution:
        name = "botcore-needy"
        requires = ("definitely-not-installed>=2; extra == 'fancy'",)

    point = EntryPoint("needy", "x:y", "botcore")
    vars(point).update(dist=Distribution())
    monkeypatch.setattr(installed, "available", lambda: {"needy": point})
    monkeypatch.setattr(EntryPoint, "load", lambda self: Needy)
    problem = load(plugins(needy={})).problems["needy"]
    assert problem == "needy needs definitely-not-installed; pip install 'botcore-needy[fancy]'"


def test_config_check_knows_the_engines_of_plugins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Parrot:
        @hookimpl
        def register(self, registry: Registry) -> None:
            registry.engine("parrot", ScriptedEngine)

    monkeypatch.setattr(EntryPoint, "load", lambda self: Parrot)
    file = tmp_path / "bot.toml"
    file.write_text("[engine]\nkind = 'parrot'\n[plugins.polite]")
    check(config=[file])
    assert capsys.readouterr().out == "ok\n"
