"""The files that Telegram's messages carry, as botcore's records. Pure."""

from collections.abc import Mapping
from typing import Any

from botcore import Attachment
from botcore_telegram.albums import parts

__all__ = ["attachments"]

Json = Mapping[str, Any]

FILES = {
    "document": ("document", "application/octet-stream"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "voice": ("voice.ogg", "audio/ogg"),
    "video": ("video.mp4", "video/mp4"),
    "video_note": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
    "sticker": ("sticker.webp", "image/webp"),
}
"""Kind → name and media type where the update has none."""


def attachments(message: Json) -> tuple[Attachment, ...]:
    """The file a message carries, if any, or all of an album; in a tuple, as records have it."""
    return tuple(file for part in parts(message) for file in _file(part))


def _file(message: Json) -> tuple[Attachment, ...]:
    if message.get("photo"):
        largest = message["photo"][-1]
        return (_attachment(largest, "photo.jpg", "image/jpeg"),)
    for kind, (name, media_type) in FILES.items():
        # An animation comes with a document of the same file, for old programs.
        if kind in message and not (kind == "document" and "animation" in message):
            return (_attachment(message[kind], name, media_type),)
    return ()


def _attachment(file: Json, name: str, media_type: str) -> Attachment:
    return Attachment(
        name=str(file.get("file_name", name)),
        media_type=str(file.get("mime_type", media_type)),
        size=int(file.get("file_size", 0)),
        reference=str(file["file_id"]),
    )
