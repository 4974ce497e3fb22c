"""The pages themselves: the chat, which names its visitor, the operator's, and the static files they are made of."""

import asyncio
import gzip
import hashlib
import mimetypes
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from botcore_web import wire

__all__ = ["Pages"]

STATIC = Path(__file__).parent / "static"
YEAR_S = 365 * 86_400
REFERENCE = re.compile(r'(?<=["\'])/static/(?=[\w./-]+["\'])')
COMPRESSIBLE = {".js", ".css", ".html", ".svg", ".json", ".txt", ".webmanifest"}
TYPES = {".js": "text/javascript", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A static file in memory."""

    stamp: tuple[int, int]
    """Time of change and size: what tells that the file on the disk is another one."""
    content: bytes
    packed: bytes
    """gzip of the content, b"" where that would not help."""
    type: str
    version: str
    """Of the content: the same bytes, the same version."""


class Pages:
    """The handlers of ``/``, ``/admin`` and ``/static``. No secret is in them.

    A page names its files below its version, ``/static/@…/``: what they name themselves, by a relative address, is then
    of the same version, and none of them is asked for again while that stays.
    """

    def __init__(self, root: Path = STATIC) -> None:
        self._root = root
        self._assets: dict[str, Asset] = {}
        self._version = ""
        """Of all files together, when a page was last asked for."""

    async def index(self, request: web.Request) -> web.Response:
        """The page, which names the files of its version; and the visitor's cookie, for another year."""
        html = await asyncio.to_thread(self._html, "index.html")  # reads files
        secret = wire.visitor(request.cookies.get(wire.VISITOR_COOKIE, "")) or secrets.token_urlsafe(16)
        response = web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-cache"})
        response.set_cookie(
            wire.VISITOR_COOKIE,
            secret,
            max_age=YEAR_S,
            httponly=True,
            samesite="Lax",  # a Strict one stays away from whoever comes by a link: they would be given a new one
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return response

    async def admin(self, request: web.Request) -> web.Response:
        """The operator's page; what it shows is asked for with the key."""
        html = await asyncio.to_thread(self._html, "admin.html")  # reads files
        return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def static(self, request: web.Request) -> web.Response:
        """A file: for a year where the page's version is asked for, else after asking whether it has changed."""
        asset = await asyncio.to_thread(self._load, request.match_info["path"])  # reads files
        if asset is None:
            raise web.HTTPNotFound
        pinned = request.match_info.get("version") == self._version
        headers = {
            "ETag": f'W/"{asset.version}"',
            "Cache-Control": f"public, max-age={YEAR_S}, immutable" if pinned else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if asset.version in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        if asset.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=asset.packed, headers={**headers, "Content-Type": asset.type})
        return web.Response(body=asset.content, headers={**headers, "Content-Type": asset.type})

    def _html(self, name: str) -> str:
        files = [self._load(str(one.relative_to(self._root))) for one in sorted(self._root.rglob("*"))]
        self._version = _digest("".join(file.version for file in files if file).encode())
        return REFERENCE.sub(f"/static/@{self._version}/", (self._root / name).read_text(encoding="utf-8"))

    def _load(self, path: str) -> Asset | None:
        try:
            file = (self._root / path).resolve()
            if not file.is_relative_to(self._root.resolve()) or not file.is_file():
                return None
            status = file.stat()
        except (OSError, ValueError):  # a NUL in the name, a name too long
            return None
        name, stamp = str(file.relative_to(self._root.resolve())), (status.st_mtime_ns, status.st_size)
        kept = self._assets.get(name)
        if kept is None or kept.stamp != stamp:
            kept = self._assets[name] = _asset(file, stamp)
        return kept


def _asset(file: Path, stamp: tuple[int, int]) -> Asset:
    content = file.read_bytes()
    kind = TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    text = file.suffix in COMPRESSIBLE
    return Asset(
        stamp=stamp,
        content=content,
        packed=gzip.compress(content, mtime=0) if text and len(content) > 1024 else b"",
        type=f"{kind}; charset=utf-8" if text else kind,
        version=_digest(content),
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
