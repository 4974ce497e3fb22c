"""``botcore telegram setup``: from a token to a bot people can write to. Works before anything is configured.

The token never stands in the arguments: every user of the machine can read those. What is written is in `local`.
"""

import asyncio
import json as json_format
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from botcore import LOCAL, BotcoreError, SettingsError, save_local
from botcore_telegram.settings import TelegramSettings

__all__ = ["setup"]

OFFICIAL = "https://api.telegram.org"
MENU = (
    ("start", "Say hello"),
    ("help", "What I can do"),
    ("stop", "Stop the reply"),
    ("again", "Answer the last question again"),
)
"""What every bot answers; the running bot puts those of its plugins there too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What Telegram says about the bot, and what was done."""

    id: int
    username: str
    link: str
    """Opens a chat with the bot; pressing "Start" there says hello."""
    commands: tuple[str, ...]
    webhook: str
    """The address that is called for this bot, "" where it has to ask."""
    saved: str = ""
    """The file the token was written to."""


def setup(
    token_file: Annotated[Path | None, typer.Option("--token-file", help="A file that holds the token.")] = None,
    channel: Annotated[str, typer.Option("--channel", help="The table it is for: [channels.NAME].")] = "telegram",
    base_url: Annotated[str, typer.Option("--base-url", help="A Bot API server of your own.")] = OFFICIAL,
    save: Annotated[bool, typer.Option("--save", help=f"Write the token to {LOCAL}, readable for you alone.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Check a token, fill the bot's menu of commands, and print the link people open.

    The token is taken from --token-file, from BOTCORE_CHANNELS__TELEGRAM__TOKEN (or …_TOKEN_FILE), or asked for.
    """
    token, source = _token(token_file, channel)
    settings = _settings(token, source, base_url)
    found = asyncio.run(_asked(settings))
    if save:
        found = _kept(found, settings, channel)
    typer.echo(json_format.dumps(asdict(found)) if json else _told(found, channel))


def _token(file: Path | None, channel: str) -> tuple[str, str]:
    """The token, and where it came from."""
    variable = f"BOTCORE_CHANNELS__{channel.upper()}__TOKEN"
    if file is not None:
        return _read(file, "--token-file"), str(file)
    if os.environ.get(variable):
        return os.environ[variable], variable
    if os.environ.get(f"{variable}_FILE"):
        return _read(Path(os.environ[f"{variable}_FILE"]), f"{variable}_FILE"), f"{variable}_FILE"
    if sys.stdin.isatty():
        return typer.prompt("Token from @BotFather (not shown)", hide_input=True, err=True).strip(), "what was typed"
    raise SettingsError(f"no token: give --token-file FILE, or set {variable}; @BotFather has it (/newbot, /token)")


def _read(file: Path, option: str) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not text"
        raise SettingsError(f"{option}: cannot read {file}: {why}") from None


def _settings(token: str, source: str, base_url: str) -> TelegramSettings:
    try:
        return TelegramSettings.model_validate({"token": token, "base_url": base_url})
    except ValidationError as error:
        [problem, *_] = error.errors(include_url=False, include_input=False)
        name = source if problem["loc"] == ("token",) else "--base-url"
        raise SettingsError(f"{name}: {problem['msg'].removeprefix('Value error, ')}") from None


async def _asked(settings: TelegramSettings) -> Found:
    try:
        from telegram.error import TelegramError

        from botcore_telegram.line import Line
        from botcore_telegram.request import IS_BASE_URL_RIGHT, Refused
    except ModuleNotFoundError as error:
        raise BotcoreError(f"{error.name} is missing; pip install 'botcore[telegram]'") from None
    line = Line(settings)
    try:
        me = await line.me("telegram")
        commands = await line.menu()
        if not commands:
            await line.publish(MENU)
            commands = [name for name, _ in MENU]
        return Found(
            id=me.user_id,
            username=me.username,
            link=f"https://t.me/{me.username}?start=hello",
            commands=tuple(commands),
            webhook=(await line.webhook()).url,
        )
    except Refused as refused:
        if refused.misplaced:
            raise SettingsError(f"{settings.base_url}: {refused.description}; {IS_BASE_URL_RIGHT}") from None
        raise _refusal(refused.status, refused.description) from None
    except TelegramError as error:
        raise BotcoreError(f"{settings.base_url}: {error}; is the network there, or HTTPS_PROXY needed?") from None
    finally:
        await line.close()


def _refusal(status: int, description: str) -> BotcoreError:
    if status in (401, 404):
        return SettingsError(f"Telegram does not know this token ({status}); copy it from @BotFather again")
    return BotcoreError(f"Telegram says: {description} ({status}); try again in a minute")


def _kept(found: Found, settings: TelegramSettings, channel: str) -> Found:
    values = {"token": settings.token.get_secret_value()}
    values |= {"base_url": settings.base_url} if settings.base_url != OFFICIAL else {}
    values |= {"use": "telegram"} if channel != "telegram" else {}
    save_local(["channels", channel], values)
    return Found(**{**asdict(found), "saved": str(LOCAL)})


def _told(found: Found, channel: str) -> str:
    lines = {
        "bot": f"@{found.username} ({found.id})",
        "menu": " ".join(f"/{name}" for name in found.commands),
        "link": found.link,
        "webhook": f"{found.webhook} is called for this bot; one that polls removes it at its start"
        if found.webhook
        else "",
        "saved": f"the token, in {found.saved}, readable for you alone" if found.saved else "",
        "next": "botcore run"
        if found.saved
        else f"run this again with --save, or set BOTCORE_CHANNELS__{channel.upper()}__TOKEN; then botcore run",
    }
    return "\n".join(f"{name:<8} {line}" for name, line in lines.items() if line)
