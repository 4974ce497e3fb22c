"""How large and how many: the bounds of the page and of /v1."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["WebSettings"]


class WebSettings(BaseModel):
    """The table of the configuration; every key may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    samples: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        default=(
            "How do I write a plugin?",
            "What happens to my message if the bot crashes?",
            "How do I use another model?",
        ),
        max_length=6,
    )
    """Questions that an empty chat offers; botcore's own documents answer these, before there is an engine too."""
    text_limit: int = Field(default=32_000, ge=1)
    """Characters of one message: about what a 8,192-token window can hold."""
    connections: int = Field(default=1000, ge=1)
    """Event streams at once, and as many waiting /v1 requests: each holds a socket and at most 128 KiB."""
    streams: int = Field(default=20, ge=1)
    """Event streams of one visitor: each open tab holds one. A key of /v1 has no such bound: many may be behind it."""
    drafts: int = Field(default=1000, ge=1)
    """Drafts of running turns kept for pages that come back; one more drops the oldest, which its reply replaces."""

    file_limit: int = Field(default=20_000_000, ge=0)
    """Bytes of one attached file: a book with pictures; 0 = the page takes no files."""
    files: int = Field(default=10, ge=1, le=100)
    """Files of one message."""
    files_waiting: int = Field(default=20, ge=1)
    """Files of one visitor that no message has taken along yet; with `file_limit` also the bound of their bytes."""
    files_total: int = Field(default=2_000_000_000, ge=0)
    """Bytes of all files kept: cookies are free, so a bound per visitor alone bounds nothing."""
    file_days: int = Field(default=30, ge=1)
    """Days for which a file can be read again (`/again`); its name stays with its message."""
    disk_free: int = Field(default=200_000_000, ge=0)
    """Bytes that uploads leave free on the disk: the database writes there too."""
    uploads: int = Field(default=20, ge=1)
    """Files on their way at once: each holds a socket and at most 128 KiB."""
