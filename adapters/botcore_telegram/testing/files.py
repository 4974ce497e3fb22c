"""The files people have sent: what getFile says about them, and their bytes."""

import hashlib
from dataclasses import dataclass
from typing import Any

from botcore_telegram.testing.errors import ApiError

__all__ = ["Files"]

LIMIT = 20 << 20
GONE = "Bad Request: wrong file_id or the file is temporarily unavailable"


@dataclass(frozen=True, slots=True)
class _File:
    id: str
    path: str
    content: bytes
    size: int


class Files:
    """Kept for ever; a bot may download those of up to 20 MB."""

    def __init__(self) -> None:
        self._files: dict[str, _File] = {}

    def add(self, folder: str, name: str, content: bytes, *, size: int | None = None) -> dict[str, Any]:
        """A new file as it stands in a message; ``size`` is what Telegram claims, where it is not the true one."""
        number = len(self._files)
        ending = name.rpartition(".")[2] if "." in name else "bin"
        file = _File(
            f"FILE{number}", f"{folder}/file_{number}.{ending}", content, len(content) if size is None else size
        )
        self._files[file.id] = file
        return {"file_id": file.id, "file_unique_id": _unique(content), "file_size": file.size}

    def forget(self, file_id: str) -> None:
        """The file is gone."""
        del self._files[file_id]

    def about(self, file_id: str) -> dict[str, Any]:
        """GetFile. Raises `ApiError`."""
        file = self._files.get(file_id)
        if file is None:
            raise ApiError(400, GONE)
        if file.size > LIMIT:
            raise ApiError(400, "Bad Request: file is too big")
        return {
            "file_id": file.id,
            "file_unique_id": _unique(file.content),
            "file_size": file.size,
            "file_path": file.path,
        }

    def content(self, path: str) -> bytes:
        """What is downloaded. Raises `ApiError`."""
        for file in self._files.values():
            if file.path == path:
                return file.content
        raise ApiError(404, "Not Found")


def _unique(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
