"""What an operator may set in ``[channels.telegram]``."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

__all__ = ["TelegramSettings"]

TOKEN = re.compile(r"\d+:[\w-]{20,}")


class TelegramSettings(BaseModel):
    """``[channels.telegram]``: one bot account."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    token: SecretStr
    """From @BotFather. Give it as BOTCORE_CHANNELS__TELEGRAM__TOKEN (or …_TOKEN_FILE), never in a committed file."""
    mode: Literal["polling"] = "polling"
    """How updates arrive: the bot asks for them, so it needs no public address."""
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
    """Messages and edits in one group: Telegram's own limit."""

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

    @property
    def account(self) -> str:
        """The bot's own user id: the public half of the token."""
        return self.token.get_secret_value().partition(":")[0]
