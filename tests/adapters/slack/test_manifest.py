"""``botcore slack manifest``: the app to create, whether anything is configured or not."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from botcore_slack.manifest import manifest, yaml
from tests.calls import botcore

if TYPE_CHECKING:
    import subprocess


def run(*options: str) -> "subprocess.CompletedProcess[str]":
    return botcore("slack", "manifest", *options, here=Path.cwd())


def test_over_sockets_no_address_is_needed() -> None:
    done = run("--json")
    made = json.loads(done.stdout)
    assert made == manifest()
    assert made["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in done.stdout
    assert "APP_TOKEN" in done.stderr


def test_with_an_address_events_and_presses_are_posted_there() -> None:
    done = run("--json", "--url", "https://bot.example.com/")
    settings = json.loads(done.stdout)["settings"]
    assert settings["socket_mode_enabled"] is False
    for part in ("event_subscriptions", "interactivity"):
        assert settings[part]["request_url"] == "https://bot.example.com/hooks/slack"
    assert "SIGNING_SECRET" in done.stderr


def test_a_channel_of_another_name_has_an_address_and_variables_of_its_own() -> None:
    done = run("--json", "--url", "https://bot.example.com", "--channel", "sales")
    settings = json.loads(done.stdout)["settings"]
    for part in ("event_subscriptions", "interactivity"):
        assert settings[part]["request_url"] == "https://bot.example.com/hooks/sales"
    assert "BOTCORE_CHANNELS__SALES__BOT_TOKEN" in done.stderr
    assert "BOTCORE_CHANNELS__SALES__SIGNING_SECRET" in done.stderr


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é"])
def test_a_name_no_channel_can_have_is_refused(name: str) -> None:
    done = run("--channel", name)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("url", ["http://bot.example.com", "bot.example.com", "https://"])
def test_an_address_slack_does_not_post_to_is_refused(url: str) -> None:
    done = run("--url", url)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1


def test_the_yaml_says_the_same_as_the_json() -> None:
    assert yaml({"a": {"b": True, "c": ["x: y", "#z"]}, "d": "e"}) == (
        'a:\n  b: true\n  c:\n    - "x: y"\n    - "#z"\nd: "e"\n'
    )
    assert '- "message.im"' in run().stdout
