"""What an operator may set in ``[channels.telegram]``."""

import re
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

__all__ = ["TelegramSettings"]

TOKEN = re.compile(r"\d+:[\w-]{20,}", re.ASCII)
SECRET = re.compile(r"[\w-]{1,256}", re.ASCII)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class TelegramSettings(BaseModel):
    """``[channels.telegram]``: one bot account."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr
    """From @BotFather. Give it as BOTCORE_CHANNELS__TELEGRAM__TOKEN (or …_TOKEN_FILE), never in a committed file."""
    mode: Literal["polling", "webhook"] = "polling"
    """``polling``: the bot asks for updates, so it needs no public address. ``webhook``: Telegram calls the bot."""
    webhook_url: str = Field("", validate_default=True)
    """For webhook: the bot's public https address; ``/hooks/<channel name>`` is put behind it."""
    webhook_secret: SecretStr = Field(SecretStr(""), validate_default=True)
    """For webhook: what Telegram proves itself with, 1 to 256 of A-Z, a-z, 0-9, _ and -; environment or file only."""
    base_url: str = "https://api.telegram.org"
    """A Bot API server of your own, without ``/bot`` at the end."""
    poll_timeout_s: int = Field(30, ge=1, le=50)
    """How long Telegram holds one question open: 50 s is its limit, and many proxies cut silent connections at 60 s."""
    call_timeout_s: float = Field(20, gt=0)
    """Silence after which a call counts as unanswered: Telegram answers in well under a second or is in trouble."""
    group_mode: Literal["addressed", "all"] = "addressed"
    """In groups: only messages that mention the bot, reply to it or are commands; or every message it is shown."""
    sends_per_second: float = Field(30, gt=0)
    """Over all chats: what Telegram lets a bot send before it answers 429."""
    sends_per_second_per_chat: float = Field(1, gt=0)
    """In one chat; short bursts pass, so three in a row are allowed."""
    sends_per_minute_per_group: float = Field(20, gt=0)
    """Messages, edits and previews in one group, all its topics together: Telegram's own limit."""

    @field_validator("token")
    @classmethod
    def _shape(cls, token: SecretStr) -> SecretStr:
        if not TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("is not a bot token; @BotFather's look like 123456789:AbC…")
        return token

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
            raise ValueError("is not an address like https://api.telegram.org")
        return url.rstrip("/")

    # Missing is said by the field, not by the table: an error of the whole table would show the whole table.
    @field_validator("webhook_url")
    @classmethod
    def _public(cls, url: str, info: ValidationInfo) -> str:
        if not url:
            if info.data.get("mode") == "webhook":
                raise ValueError('is needed for mode "webhook": the bot\'s public address, as https://bot.example.org')
            return url
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("is not an address like https://bot.example.org")
        if url.startswith("http:") and urlsplit(url).hostname not in LOOPBACK:
            raise ValueError("must begin with https://, Telegram calls nothing else")
        return url.rstrip("/")

    @field_validator("webhook_secret")
    @classmethod
    def _secret(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        given = secret.get_secret_value()
        if not given and info.data.get("mode") == "webhook":
            raise ValueError(
                'is needed for mode "webhook", or anybody could write in Telegram\'s name; '
                "make one with: openssl rand -hex 32"
            )
        if given and not SECRET.fullmatch(given):
            raise ValueError("must be 1 to 256 of A-Z, a-z, 0-9, _ and -; make one with: openssl rand -hex 32")
        return secret

    def path(self, channel: str) -> str:
        """Where this bot's port takes Telegram's calls."""
        return f"/hooks/{quote(channel, safe='')}"

    def address(self, channel: str) -> str:
        """The address Telegram is to call."""
        path = self.path(channel)
        return self.webhook_url if self.webhook_url.endswith(path) else f"{self.webhook_url}{path}"

    @property
    def account(self) -> str:
        """The bot's own user id: the public half of the token."""
        return self.token.get_secret_value().partition(":")[0]
