"""What an operator may set in ``[channels.slack]``."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator

__all__ = ["SlackSettings"]

NOT_SET = SecretStr("")


class SlackSettings(BaseModel):
    """``[channels.slack]``: one app in one workspace. `botcore slack manifest` prints the app to create."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    mode: Literal["socket", "events"] = "socket"
    """How events arrive: over sockets the bot opens, so it needs no public address; or posted to ``/hooks/slack``."""
    bot_token: SecretStr
    """xoxb-…, from the app's page "Install App". Give it as BOTCORE_CHANNELS__SLACK__BOT_TOKEN (or …_FILE)."""
    app_token: SecretStr = Field(NOT_SET, validate_default=True)
    """xapp-…, from "Basic Information", "App-Level Tokens", with the scope connections:write. For mode "socket"."""
    signing_secret: SecretStr = Field(NOT_SET, validate_default=True)
    """From "Basic Information", "App Credentials". For mode "events": without it anybody could speak as Slack."""
    base_url: str = "https://slack.com/api/"
    """Where the Web API is; another one for a test or a gateway."""
    thread_mode: Literal["joined", "mentioned"] = "joined"
    """In a channel's threads: every message once the bot takes part; or only those that mention it."""
    sockets: int = Field(2, ge=1, le=10)
    """Sockets kept open in mode "socket": with two, one may be renewed while the other listens. 10 is Slack's limit."""
    call_timeout_s: float = Field(20, gt=0)
    """Silence after which a call counts as unanswered: Slack answers in well under a second or is in trouble."""
    sends_per_second: float = Field(20, gt=0)
    """Messages over all conversations: Slack counts per method and channel, this keeps bursts small."""
    sends_per_second_per_chat: float = Field(1, gt=0)
    """In one conversation: what Slack promises; short bursts pass, so three in a row are allowed."""
    file_limit_bytes: int = Field(100_000_000, gt=0)
    """The largest file that is fetched for a plugin; each plugin has a smaller limit of its own."""

    @field_validator("bot_token")
    @classmethod
    def _bot_token(cls, token: SecretStr) -> SecretStr:
        if not re.fullmatch(r"xoxb-[\w-]{10,}", token.get_secret_value(), re.ASCII):
            raise ValueError('is not a bot token; those look like xoxb-… and stand on the app\'s page "Install App"')
        return token

    @field_validator("app_token")
    @classmethod
    def _app_token(cls, token: SecretStr, given: ValidationInfo) -> SecretStr:
        # Said of the field, not of the table: an error about a table shows all of it.
        if given.data.get("mode") == "socket" and not token.get_secret_value():
            raise ValueError('mode "socket" needs it (xapp-…); or set signing_secret and mode = "events"')
        if not re.fullmatch(r"(xapp-[\w-]{10,})?", token.get_secret_value(), re.ASCII):
            raise ValueError("is not an app-level token; those look like xapp-…")
        return token

    @field_validator("signing_secret")
    @classmethod
    def _signing_secret(cls, secret: SecretStr, given: ValidationInfo) -> SecretStr:
        if given.data.get("mode") == "events" and not secret.get_secret_value().strip():
            raise ValueError('mode "events" needs it: without it anybody could speak as Slack')
        return secret

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("is not an address like https://slack.com/api/")
        return f"{url.rstrip('/')}/"
