"""The app as Slack must know it: scopes, events, and how they come. Pure; `command` prints it."""

import json
from collections.abc import Mapping
from typing import Any

__all__ = ["manifest", "next_steps", "yaml"]

SCOPES = {
    "channels:history": "mentions, and the threads it takes part in",
    "chat:write": "answers",
    "files:read": "the files people send it",
    "groups:history": "the same in private channels",
    "im:history": "direct messages",
    "mpim:history": "direct messages of several people",
}
EVENTS = ("message.channels", "message.groups", "message.im", "message.mpim")
Manifest = Mapping[str, Any]


def manifest(name: str = "botcore", url: str = "", channel: str = "slack") -> Manifest:
    """The manifest; with ``url`` events are posted there, without they come over Socket Mode.

    ``channel`` is what the channel is called in the configuration: its posts go to an address of its own.
    """
    address = {"request_url": f"{url.rstrip('/')}/hooks/{channel}"} if url else {}
    return {
        "display_information": {"name": name, "description": "A chatbot that owns its model"},
        "features": {
            "app_home": {"messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": name, "always_online": True},
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**address, "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **address},
            "socket_mode_enabled": not url,
            "org_deploy_enabled": False,
            "token_rotation_enabled": False,
        },
    }


def next_steps(url: str = "", channel: str = "slack") -> str:
    """What to do with it, in a few lines."""
    table = f"BOTCORE_CHANNELS__{channel.upper()}__"
    secret = (
        f"Basic Information, App Credentials: export {table}SIGNING_SECRET=…   (and MODE=events)"
        if url
        else f"Basic Information, App-Level Tokens (connections:write): export {table}APP_TOKEN=xapp-…"
    )
    return "\n".join(
        (
            "1. https://api.slack.com/apps?new_app=1, From a manifest: choose the workspace, paste what stands above.",
            f"2. {secret}",
            f"3. Install App: export {table}BOT_TOKEN=xoxb-…",
            "4. botcore run --config config/slack.toml; write to the bot, or /invite it to a channel and mention it.",
        )
    )


def yaml(value: object, indent: int = 0) -> str:
    """As YAML: what is in a manifest, and no more. Texts are quoted as in JSON, which YAML reads."""
    pad = "  " * indent
    if isinstance(value, Mapping):
        return "".join(f"{pad}{key}:{_below(item, indent)}" for key, item in value.items())
    if isinstance(value, list):
        return "".join(f"{pad}- {json.dumps(item)}\n" for item in value)
    return f"{json.dumps(value, ensure_ascii=False)}\n"


def _below(value: object, indent: int) -> str:
    nested = isinstance(value, Mapping | list)
    return f"\n{yaml(value, indent + 1)}" if nested else f" {yaml(value)}"
