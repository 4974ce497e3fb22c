"""A server that speaks the chat page's protocol and whose every step a test decides: hold, refuse, drop, lock.

Only for tests of the page itself. It keeps no promise of the real one (nothing is durable, nothing is checked).
By hand: ``python tests/adapters/web/stub_server.py 8099``.
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from aiohttp import web

__all__ = ["CSP", "STATIC", "Script", "Stub"]

STATIC = Path(__file__).parents[3] / "adapters" / "botcore_web" / "static"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SHOWN = 20
"""Lines, and conversations, in one answer."""
READY = {"stage": "ready", "detail": "", "progress": None, "model": "starter", "window": 2048}


@dataclass
class Script:
    """What the bot says to the next message."""

    text: str = "Understood."
    citations: list[dict[str, Any]] = field(default_factory=list)
    outcome: str = "answered"
    reason: str = ""
    note: str = ""
    hold_after: int | None = None
    """Words after which the reply waits for `Stub.go`."""
    pace: float = 0.0
    """Seconds between two words."""


@dataclass
class Talk:
    """One conversation."""

    title: str = ""
    at: float = 0.0
    entries: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)
    draft: dict[str, Any] | None = None
    seen: dict[str, int] = field(default_factory=dict)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    work: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    readers: set[asyncio.Queue[tuple[str, dict[str, Any]] | None]] = field(default_factory=set)


class Stub:
    """Use as an async context manager; ``url`` is then where the page lives."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.talks: dict[str, Talk] = {}
        self.scripts: deque[Script] = deque()
        self.fallback = Script()
        self.go = asyncio.Event()
        self.engine: dict[str, Any] = dict(READY)
        self.health: dict[str, str] = {"store": "ok"}
        self.commands = [
            {"name": "help", "help": "what I can do"},
            {"name": "history", "help": "what was said here"},
            {"name": "forget", "help": "forget everything I know about you"},
            {"name": "why", "help": "what the last reply rests on"},
        ]
        self.samples = ["How do I write a plugin?", "How do I use another model?"]
        self.key = ""
        self.refuse: dict[str, tuple[int, str, str]] = {}
        """Path's last part → (status, code, message): what that request is answered with until removed."""
        self.feedback: list[dict[str, Any]] = []
        self.posts: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.cursors: list[str] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.removed: list[str] = []
        self.uploads = 0
        self.slow_uploads = False
        """Uploads wait for `go` in the middle."""
        self.tell: asyncio.Semaphore | None = None
        """Where set, an event stream takes one for each event: it has looked, and tells later."""
        self.panels: dict[str, list[dict[str, Any]]] = {}
        """Panel's id → what it says; the title is the id, capitalised."""
        self.reads: list[str] = []
        """Ids of panels, each time one was read."""
        self._ids = 0

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._middleware])
        app.router.add_get("/", self._index)
        app.router.add_get("/admin", self._admin)
        app.router.add_get("/api/panels", self._panels)
        app.router.add_get("/api/panels/{id}", self._panel)
        app.router.add_static("/static/", STATIC)
        app.router.add_post("/api/login", self._login)
        app.router.add_delete("/api/login", self._logout)
        app.router.add_get("/api/status", self._status)
        app.router.add_get("/api/conversations", self._list)
        app.router.add_get("/api/conversations/{id}", self._show)
        app.router.add_delete("/api/conversations/{id}", self._delete)
        app.router.add_post("/api/conversations/{id}/messages", self._accept)
        app.router.add_post("/api/conversations/{id}/stop", self._stop)
        app.router.add_get("/api/conversations/{id}/events", self._events)
        app.router.add_post("/api/conversations/{id}/files", self._upload)
        app.router.add_delete("/api/conversations/{id}/files/{file}", self._remove)
        app.router.add_post("/api/feedback", self._judge)
        self._turns: list[asyncio.Task[None]] = []
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)
        self.drop()
        await self._runner.cleanup()

    # ------------------------------------------------------------ what a test may do

    def drop(self) -> None:
        """End every event stream, as a broken network does."""
        for talk in self.talks.values():
            for reader in talk.readers:
                reader.put_nowait(None)

    def set_engine(self, **status: Any) -> None:
        """Change the engine's status and tell everybody."""
        self.engine = {**self.engine, **status}
        for talk in self.talks.values():
            self._tell(talk, "engine", self.engine)

    def put(
        self, talk_id: str, role: Literal["user", "assistant"], text: str, *, ago: float = 0.0, **more: Any
    ) -> None:
        """Write a committed line into a conversation's past."""
        talk = self.talk(talk_id)
        talk.title = talk.title or text.split("\n")[0][:80]
        talk.at = time.time() - ago
        self._commit(talk, self._entry(role, text, at=talk.at, **more))

    def talk(self, talk_id: str) -> Talk:
        """The conversation of that id."""
        if talk_id not in self.talks:
            talk = self.talks[talk_id] = Talk(at=time.time())
            self._turns.append(asyncio.create_task(self._work(talk), name=f"stub {talk_id}"))
        return self.talks[talk_id]

    # ------------------------------------------------------------ turns

    def _entry(self, role: str, text: str, **more: Any) -> dict[str, Any]:
        self._ids += 1
        base = {
            "id": self._ids, "role": role, "text": text, "at": time.time(), "reply": "", "outcome": "answered",
            "reason": "", "model": "", "plugin": "", "citations": [], "feedback": 0, "message": "",
            "again": "", "judgeable": False, "files": [],
        }  # fmt: skip
        if role == "assistant":
            judgeable = more.get("outcome", "answered") == "answered"
            base |= {"reply": f"reply-{self._ids}", "model": "starter", "plugin": "textgen", "judgeable": judgeable}
        return base | more

    def _commit(self, talk: Talk, entry: dict[str, Any]) -> None:
        talk.entries.append(entry)
        self._tell(talk, "entry", entry)

    def _tell(self, talk: Talk, name: str, data: dict[str, Any]) -> None:
        for reader in talk.readers:
            reader.put_nowait((name, data))

    async def _work(self, talk: Talk) -> None:
        while True:
            message = await talk.work.get()
            script = self.scripts.popleft() if self.scripts else self.fallback
            talk.stopped.clear()
            text, outcome = await self._write(talk, message, script)
            same = {"message": message["id"], "again": message["about"]}
            user = self._entry("user", message["text"], at=message["at"], files=message["files"], **same)
            cites = script.citations if outcome == "answered" else []
            reason = "Stopped." if outcome == "stopped" else script.reason
            reply = self._entry("assistant", text, outcome=outcome, reason=reason, citations=cites, **same)
            if cites:
                reply["plugin"] = "qa"
            talk.pending.remove(message)
            talk.draft = None
            self._commit(talk, user)
            self._commit(talk, reply)

    async def _write(self, talk: Talk, message: dict[str, Any], script: Script) -> tuple[str, str]:
        self._grow(talk, message, "", "waiting", script.note)
        if script.hold_after == 0:
            await self._pause(talk)
        words = script.text.split(" ")
        for index, word in enumerate(words):
            if talk.stopped.is_set():
                return (talk.draft or {}).get("text", ""), "stopped"
            self._grow(talk, message, (" " if index else "") + word, "writing", "")
            if script.hold_after == index + 1:
                await self._pause(talk)
            elif script.pace:
                await asyncio.sleep(script.pace)
        return script.text, script.outcome

    async def _pause(self, talk: Talk) -> None:
        """Wait for the test's go, or a stop."""
        waits = [asyncio.create_task(self.go.wait()), asyncio.create_task(talk.stopped.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    def _grow(self, talk: Talk, message: dict[str, Any], text: str, phase: str, note: str) -> None:
        before = (talk.draft or {}).get("text", "")
        piece = {
            "message": message["message"],
            "turn": message["message"],
            "offset": len(before),
            "text": text,
            "phase": phase,
        }
        talk.draft = piece | {"offset": 0, "text": before + text, "note": note}
        self._tell(talk, "draft", piece | {"note": note})

    # ------------------------------------------------------------ routes

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        refusal = self.refuse.get(request.path.rsplit("/", 1)[-1])
        locked = (
            self.key
            and request.path.startswith("/api/")
            and request.path != "/api/login"
            and request.cookies.get("session") != self.key
        )
        if locked:
            refusal = (401, "login", "This bot asks for a key.")
        if refusal:
            status, code, message = refusal
            later = {"Retry-After": "60"} if status in (429, 503) else {}  # no page comes back by itself within a test
            body = {"error": {"code": code, "message": message}}
            return web.json_response(body, status=status, headers={**HEADERS, **later})
        response: web.StreamResponse = await handler(request)
        if not response.prepared:
            response.headers.update(HEADERS)
        return response

    async def _index(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html")

    async def _admin(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "admin.html")

    async def _panels(self, request: web.Request) -> web.Response:
        return web.json_response({"panels": [{"id": id, "title": id.title(), "owner": "stub"} for id in self.panels]})

    async def _panel(self, request: web.Request) -> web.Response:
        self.reads.append(request.match_info["id"])
        return web.json_response({"widgets": self.panels[request.match_info["id"]]})

    async def _login(self, request: web.Request) -> web.Response:
        if (await request.json())["key"] != self.key:
            return web.json_response({"error": {"code": "key", "message": "That is not the key."}}, status=401)
        response = web.Response(status=204)
        response.set_cookie("session", self.key, httponly=True, samesite="Strict")
        return response

    async def _logout(self, request: web.Request) -> web.Response:
        response = web.Response(status=204)
        response.del_cookie("session")
        return response

    async def _status(self, request: web.Request) -> web.Response:
        return web.json_response(
            {
                "name": "botcore",
                "engine": self.engine,
                "health": self.health,
                "commands": self.commands,
                "samples": self.samples,
                "limits": {"text": 32_000, "file": 200_000, "files": 4, "kinds": [".pdf", ".txt"]},
            }
        )

    async def _list(self, request: web.Request) -> web.Response:
        until = float(request.query.get("until", "inf"))
        found = sorted(
            ((talk.at, key, talk.title) for key, talk in self.talks.items() if talk.title and talk.at <= until),
            reverse=True,
        )
        shown = [{"id": key, "title": title, "at": at} for at, key, title in found[:SHOWN]]
        return web.json_response({"conversations": shown, "older": len(found) > SHOWN})

    async def _show(self, request: web.Request) -> web.Response:
        talk = self.talks.get(request.match_info["id"]) or Talk()
        before = int(request.query.get("before", sys.maxsize))
        lines = [entry for entry in talk.entries if entry["id"] < before]
        shown = lines[-SHOWN:]
        return web.json_response({"entries": shown, "pending": talk.pending, "earlier": len(lines) > len(shown)})

    async def _delete(self, request: web.Request) -> web.Response:
        self.deleted.append(request.match_info["id"])
        self.talks.pop(request.match_info["id"], None)
        return web.Response(status=204)

    async def _accept(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.posts.append(body)
        talk = self.talk(request.match_info["id"])
        if body["id"] in talk.seen:
            return web.json_response({"message": talk.seen[body["id"]], "duplicate": True}, status=202)
        self._ids += 1
        message = {"message": self._ids, "id": body["id"], "text": body["text"], "at": time.time()}
        message |= {"about": body["about"], "files": [self.files[file] for file in body["files"]]}
        talk.title = talk.title or (body["text"] or message["files"][0]["name"]).split("\n")[0][:80]
        talk.at = message["at"]
        talk.seen[body["id"]] = self._ids
        talk.pending.append(message)
        self._tell(talk, "pending", message)
        talk.work.put_nowait(message)
        return web.json_response({"message": self._ids, "duplicate": False}, status=202)

    async def _upload(self, request: web.Request) -> web.Response:
        size = 0
        self.uploads += 1
        async for piece in request.content.iter_any():
            size += len(piece)
            if self.slow_uploads:
                await self.go.wait()
        file = {"file": request.query["id"], "name": request.query["name"], "size": size}
        self.files[file["file"]] = file
        return web.json_response(file, status=201)

    async def _remove(self, request: web.Request) -> web.Response:
        self.removed.append(request.match_info["file"])
        return web.Response(status=204)

    async def _stop(self, request: web.Request) -> web.Response:
        self.talk(request.match_info["id"]).stopped.set()
        return web.Response(status=202)

    async def _judge(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.feedback.append(body)
        for entry in self.talk(body["conversation"]).entries:
            if entry["reply"] == body["reply"]:
                entry["feedback"] = body["value"]
        return web.Response(status=204)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        talk = self.talk(request.match_info["id"])
        cursor = request.headers.get("Last-Event-ID", "0")
        self.cursors.append(cursor)
        response = web.StreamResponse(
            headers={**HEADERS, "Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        reader: asyncio.Queue[tuple[str, dict[str, Any]] | None] = asyncio.Queue()
        new = [entry for entry in talk.entries if entry["id"] > int(cursor)]
        if len(new) > SHOWN:
            reader.put_nowait(("missed", {}))
        for entry in new[-SHOWN:]:
            reader.put_nowait(("entry", entry))
        for line in talk.pending:
            reader.put_nowait(("pending", line))
        reader.put_nowait(("waiting", {"messages": [line["message"] for line in talk.pending]}))
        if talk.draft:
            reader.put_nowait(("draft", talk.draft))
        reader.put_nowait(("engine", self.engine))
        talk.readers.add(reader)
        await response.prepare(request)
        try:
            while (event := await reader.get()) is not None:
                if self.tell:
                    await self.tell.acquire()
                name, data = event
                head = f"id: {data['id']}\n" if name == "entry" else ""
                await response.write(f"{head}event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        except ConnectionError:
            pass
        finally:
            talk.readers.discard(reader)
        return response


async def main(port: int) -> None:
    """Serve until interrupted."""
    async with Stub(port) as stub:
        stub.fallback = Script("So be it. " * 60, pace=0.03)
        sys.stdout.write(f"{stub.url}\n{json.dumps(asdict(stub.fallback))[:80]}\n")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 8099))
