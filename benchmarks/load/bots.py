"""Every bot that is measured: its command, its environment, and the platform it talks to."""

import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from load import slack, telegram
from load.slack import Slack
from load.telegram import Telegram

__all__ = ["BOTS", "Bot", "Platform"]

HERE = Path(__file__).parent.parent
OURS = (sys.executable, "-m", "botcore", "run", "--config", str(HERE / "ours" / "bot.toml"), "--log-level", "warning")
FAST = "100000"
"""Sends a second: the platforms' own limits would be measured otherwise."""

Platform = Telegram | Slack


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """One row."""

    name: str
    platform: Callable[[int], Platform]
    """Made for a free port, where the bot may listen."""
    command: Callable[[str], tuple[str, ...]]
    """By the Python of the peers' environment."""
    environ: Callable[[int, int], Mapping[str, str]]
    """By the platform's port and the bot's own."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# ------------------------------------------------------------------ ours


def _ours(name: str, channel: str, platform: Callable[[int], Platform], table: Mapping[str, str]) -> Bot:
    def environ(api: int, port: int) -> dict[str, str]:
        given = {"bot__data_dir": "data", "http__port": str(port)}
        more = {"sends_per_second": FAST, "sends_per_second_per_chat": FAST, **table}
        given |= {f"channels__{channel}__{key}": value.format(api=api, port=port) for key, value in more.items()}
        found = {f"BOTCORE_{key.upper()}": value for key, value in given.items()}
        return found | {"PYTHONPATH": str(HERE / "ours")}

    return Bot(name=name, platform=platform, command=lambda _: OURS, environ=environ)


def _botcores() -> list[Bot]:
    on_telegram = {"token": telegram.TOKEN, "base_url": "http://127.0.0.1:{api}"}
    hooked = on_telegram | {
        "mode": "webhook",
        "webhook_url": "http://127.0.0.1:{port}",
        "webhook_secret": telegram.SECRET,
    }
    on_slack = {"bot_token": slack.BOT_TOKEN, "base_url": "http://127.0.0.1:{api}/api/"}
    by_socket = on_slack | {"app_token": slack.APP_TOKEN}
    by_post = on_slack | {"mode": "events", "signing_secret": slack.SIGNING_SECRET}
    return [
        _ours("botcore polling", "telegram", lambda _: Telegram(), on_telegram),
        _ours("botcore webhook", "telegram", lambda port: Telegram(hook="/hooks/telegram", port=port), hooked),
        _ours("botcore slack socket", "slack", lambda _: Slack(sockets=2), by_socket),
        _ours("botcore slack events", "slack", lambda port: Slack(hook="/hooks/slack", port=port), by_post),
    ]


# ------------------------------------------------------------------ theirs


def _peer(name: str, file: str, mode: str, platform: Callable[[int], Platform], **secrets: str) -> Bot:
    def environ(api: int, port: int) -> dict[str, str]:
        return {"API": f"http://127.0.0.1:{api}", "PORT": str(port), **secrets}

    def command(python: str) -> tuple[str, ...]:
        return python, str(HERE / "peers" / file), mode

    return Bot(name=name, platform=platform, command=command, environ=environ)


def _peers() -> list[Bot]:
    def polled(_: int) -> Telegram:
        return Telegram()

    def hooked(port: int) -> Telegram:
        return Telegram(hook="/hook", port=port)

    on_telegram = {"TOKEN": telegram.TOKEN, "SECRET": telegram.SECRET}
    on_slack = {"TOKEN": slack.BOT_TOKEN, "APP_TOKEN": slack.APP_TOKEN, "SECRET": slack.SIGNING_SECRET}
    return [
        _peer("ptb polling", "ptb.py", "polling", polled, **on_telegram),
        _peer("ptb webhook", "ptb.py", "webhook", hooked, **on_telegram),
        _peer("aiogram polling", "aio.py", "polling", polled, **on_telegram),
        _peer("aiogram webhook", "aio.py", "webhook", hooked, **on_telegram),
        _peer("slack-bolt socket", "bolt.py", "socket", lambda _: Slack(), **on_slack),
        _peer("slack-bolt http", "bolt.py", "http", lambda port: Slack(hook="/hook", port=port), **on_slack),
        _peer("floor", "floor.py", "plain", polled, **on_telegram),
        _peer("floor durable", "floor.py", "durable", polled, **on_telegram),
    ]


BOTS = {bot.name: bot for bot in (*_botcores(), *_peers())}


def clean_environ() -> dict[str, str]:
    """This process's, without what is meant for a bot."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("BOTCORE_", "PYTHON"))}
