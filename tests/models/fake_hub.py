"""A hub on this machine that keeps to the protocol of huggingface.co: the API, files, and large ones on another host.

test_fake_hub.py lets huggingface_hub itself fetch from it.
"""

import asyncio
import hashlib
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiohttp import web

__all__ = ["FakeHub", "Fault", "Repo"]

LARGE = (".safetensors", ".bin", ".onnx")


@dataclass
class Repo:
    """One model."""

    files: dict[str, bytes]
    licence: str = "apache-2.0"
    gated: bool = False
    private: bool = False
    parameters: dict[str, int] = field(default_factory=dict)
    """As the hub counts them, by type."""

    @property
    def commit(self) -> str:
        return hashlib.sha1(repr(sorted(self.files.items())).encode()).hexdigest()


@dataclass
class Fault:
    """What the next answer with a file's content does instead."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = -1
    """Hang up after so many bytes."""
    hold: bool = False
    """After ``cut`` bytes fall silent instead."""
    whole: bool = False
    """Send everything, whatever range was asked for."""
    content: bytes | None = None


class FakeHub:
    """Open it with ``async with``; then it answers at `endpoint`."""

    def __init__(self, token: str = "hf_right") -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: deque[Fault] = deque()
        self.api_faults: deque[Fault] = deque()
        self.asked: list[tuple[str, str]] = []
        """(path, Range) of each request for content."""
        self.leaked: bool = False
        """Whether the host of large files was shown a token."""
        self.holding = asyncio.Event()
        self._closing = asyncio.Event()
        self._token = token
        self._runners = list[web.AppRunner]()

    async def __aenter__(self) -> "FakeHub":
        hub, cdn = web.Application(), web.Application()
        for address in ("/api/models/{owner}/{name}/revision/{revision}", "/api/models/{owner}/{name}"):
            hub.router.add_get(address, self._info)
        hub.router.add_get("/{owner}/{name}/resolve/{revision}/{file:.+}", self._resolve)
        hub.router.add_get("/api/resolve-cache/{owner}/{name}/{file:.+}", self._small)
        cdn.router.add_get("/{owner}/{name}/{file:.+}", self._large)
        self.endpoint, self._cdn = await self._serve(hub), await self._serve(cdn)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        for runner in self._runners:
            await runner.cleanup()

    async def _serve(self, app: web.Application) -> str:
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    # ------------------------------------------------------------------ the API

    async def _info(self, request: web.Request) -> web.Response:
        if self.api_faults:
            fault = self.api_faults.popleft()
            return web.Response(status=fault.status, headers=fault.headers, body=fault.content or b"")
        repo = self._repo(request)
        if isinstance(repo, web.Response):
            return repo
        if request.match_info.get("revision", "main") not in ("main", repo.commit):
            return _error(404, "RevisionNotFound")
        return web.json_response(self._json(request, repo))

    def _json(self, request: web.Request, repo: Repo) -> dict[str, Any]:
        siblings = [_sibling(name, content) for name, content in repo.files.items()]
        return {
            "id": _name(request),
            "sha": repo.commit,
            "private": repo.private,
            "gated": "auto" if repo.gated else False,
            "tags": ["safetensors", f"license:{repo.licence}"],
            "cardData": {"license": repo.licence},
            "safetensors": {"parameters": repo.parameters, "total": sum(repo.parameters.values())},
            "siblings": siblings if "blobs" in request.query else [{"rfilename": name} for name in repo.files],
        }

    # ------------------------------------------------------------------ files

    async def _resolve(self, request: web.Request) -> web.StreamResponse:
        repo, file = self._repo(request), request.match_info["file"]
        if isinstance(repo, web.Response):
            return repo
        if repo.gated and not self._known(request):
            return _error(401, "GatedRepo")
        if file not in repo.files:
            return _error(404, "EntryNotFound")
        content, name = repo.files[file], _name(request)
        headers = {"X-Repo-Commit": repo.commit}
        if not file.endswith(LARGE):
            return web.Response(
                status=307, headers={**headers, "Location": f"/api/resolve-cache/{name}/{file}", "ETag": _etag(content)}
            )
        linked = {"X-Linked-Size": str(len(content)), "X-Linked-ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        return web.Response(
            status=302, headers={**headers, **linked, "Location": f"{self._cdn}/{name}/{file}?sig=s3cret"}
        )

    async def _small(self, request: web.Request) -> web.StreamResponse:
        repo = self.repos[_name(request)]
        content = repo.files[request.match_info["file"]]
        return web.Response(body=content, headers={"X-Repo-Commit": repo.commit, "ETag": _etag(content)})

    async def _large(self, request: web.Request) -> web.StreamResponse:
        self.leaked |= "Authorization" in request.headers
        file, span = request.match_info["file"], request.headers.get("Range", "")
        if request.method == "GET":
            self.asked.append((file, span))
        fault = self.faults.popleft() if self.faults and request.method == "GET" else Fault()
        if fault.status:
            return web.Response(status=fault.status, headers=fault.headers)
        content = self.repos[_name(request)].files[file] if fault.content is None else fault.content
        return await self._send(request, content, "" if fault.whole else span, fault)

    async def _send(self, request: web.Request, content: bytes, span: str, fault: Fault) -> web.StreamResponse:
        start = int(span.removeprefix("bytes=").split("-")[0]) if span else 0
        if start >= len(content) and span:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(content)}"})
        response = web.StreamResponse(status=206 if span else 200, headers={"Accept-Ranges": "bytes"})
        if span:
            response.headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        body = content[start:]
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body if fault.cut < 0 else body[: fault.cut])
        if fault.hold:
            self.holding.set()
            await self._closing.wait()
        if fault.cut >= 0 and request.transport:
            request.transport.close()
        return response

    # ------------------------------------------------------------------ who may

    def _repo(self, request: web.Request) -> Repo | web.Response:
        repo = self.repos.get(_name(request))
        if "Authorization" in request.headers and not self._known(request):
            return _error(401, "")
        if repo is None or (repo.private and not self._known(request)):
            # So does the real one: a stranger cannot tell a private model from none.
            return _error(404 if self._known(request) else 401, "RepoNotFound")
        return repo

    def _known(self, request: web.Request) -> bool:
        return request.headers.get("Authorization") == f"Bearer {self._token}"


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    found: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": blob}
    if name.endswith(LARGE):
        found["lfs"] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
    return found


def _etag(content: bytes) -> str:
    return f'"{hashlib.sha1(b"blob %d" % len(content) + content).hexdigest()}"'


def _name(request: web.Request) -> str:
    return f"{request.match_info['owner']}/{request.match_info['name']}"


def _error(status: int, code: str) -> web.Response:
    return web.Response(status=status, headers={"X-Error-Code": code, "X-Error-Message": code} if code else {})
