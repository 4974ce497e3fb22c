"""Plugins are built one by one; a broken one is one clear line and the others load."""

from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from botcore import Chunk, Registry, Turn, hookimpl, loader, say
from botcore.errors import SettingsError
from botcore.loader import load
from botcore.settings import Settings


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


class NeedsNothing:
    @hookimpl
    async def recall(self) -> None:
        return None


class Breaks:
    def __init__(self) -> None:
        raise RuntimeError("no coffee")


class SameCommand(Polite):
    pass


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = (Polite, Misspelt, WrongColour, NeedsNothing, Breaks, SameCommand)
    points = {
        kind.__name__.lower(): EntryPoint(kind.__name__.lower(), f"{__name__}:{kind.__name__}", "botcore")
        for kind in kinds
    }
    points["nowhere"] = EntryPoint("nowhere", "no_such_module:Thing", "botcore")
    monkeypatch.setattr(loader, "available", lambda: points)
    monkeypatch.setattr(EntryPoint, "load", lambda self: load_here(self, kinds))


def load_here(point: EntryPoint, kinds: tuple[type, ...]) -> Any:
    if point.name == "nowhere":
        raise ModuleNotFoundError("No module named 'no_such_module'", name="no_such_module")
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


def test_a_misspelt_setting_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r'\[plugins.polite\] has no key "greting"; did you mean "greeting"\?'):
        load(plugins(polite={"greting": "hi"}))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("misspelt", "misspelt: there is no hook replay; did you mean reply?"),
        ("wrongcolour", "wrongcolour: hook admit must be an async def"),
        ("breaks", "breaks: cannot be built: RuntimeError: no coffee"),
        ("polit", '[plugins.polit]: nothing installed is called "polit"; did you mean "polite"?'),
        ("nowhere", "nowhere: needs the package no_such_module; pip install it into the bot's environment"),
    ],
)
def test_a_broken_plugin_is_one_line_and_the_others_load(name: str, told: str) -> None:
    loaded = load(plugins(**{name: {}, "polite": {}}))
    assert loaded.problems == {name: told}
    assert list(loaded.plugins) == ["polite"]


def test_a_hook_may_leave_out_arguments_it_does_not_need() -> None:
    loaded = load(plugins(needsnothing={}))
    loaded.hooks["recall"][0].call("a turn").close()


def test_hooks_come_in_the_order_of_the_configuration() -> None:
    loaded = load(Settings(plugins={"second": {"use": "polite"}}), {"first": Silent(), "third": Silent()})
    assert [bound.plugin for bound in loaded.hooks["reply"]] == ["second", "first", "third"]


class Silent:
    @hookimpl
    async def reply(self, turn: Turn) -> None:
        return None


def test_two_plugins_with_one_command_are_an_error_that_names_both() -> None:
    loaded = load(plugins(polite={}, samecommand={}))
    assert loaded.problems == {"samecommand": "samecommand: /greet already belongs to polite"}


def test_a_missing_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    class Needy:
        requires = ("fancy",)

    class Distribution:
        name = "botcore-needy"
        requires = ("definitely-not-installed>=2; extra == 'fancy'",)

    point = EntryPoint("needy", "x:y", "botcore")
    vars(point).update(dist=Distribution())
    monkeypatch.setattr(loader, "available", lambda: {"needy": point})
    monkeypatch.setattr(EntryPoint, "load", lambda self: Needy)
    problem = load(plugins(needy={})).problems["needy"]
    assert problem == "needy needs definitely-not-installed; pip install 'botcore-needy[fancy]'"
