"""``[channels.web]``: the bounds of the chat page and of /v1."""

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["WebSettings"]


class WebSettings(BaseModel):
    """The table of the configuration; every key may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    text_limit: int = Field(default=32_000, ge=1)
    """Characters of one message: about what a 8,192-token window can hold."""
    connections: int = Field(default=1000, ge=1)
    """Event streams and waiting /v1 requests at once: each holds a socket and at most 128 KiB."""
    drafts: int = Field(default=1000, ge=1)
    """Drafts of running turns kept for pages that come back; one more drops the oldest, which its reply replaces."""
