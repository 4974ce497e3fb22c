"""The one aiohttp application: binds the port, guards every route, and answers each failure as one line of JSON.

What the routes do belongs to whoever registered them. Built in: ``/healthz``, ``/readyz``, ``/metrics`` and the login.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from traceback import walk_tb
from typing import Any, get_args

from aiohttp import web

from botcore.clock import Clock
from botcore.dispatch import blocked, stepped
from botcore.errors import SettingsError, StoreUnavailable
from botcore.http.answers import OPENAI, denial, dress, failure
from botcore.http.guard import Guard
from botcore.http.port import bind, reachable
from botcore.registry import Access, Handler, Route
from botcore.settings import HttpSettings

__all__ = ["Http"]

log: logging.Logger = logging.getLogger(__name__)

HEADER_DEADLINE_S = 15.0
"""Also how long an idle connection is kept: aiohttp has one timer for both."""
BODY_DEADLINE_S = 30.0
STOP_GRACE_S = 3.0
HOOKS = "/hooks/"
"""Below it platforms call, by the bot's public name: they prove themselves by a secret or signature, not by Host."""
READS = frozenset({web.BaseRequest.json.__code__, web.BaseRequest.text.__code__, web.BaseRequest.post.__code__})
"""What a handler reads a body with: a `ValueError` from in there is of what was sent."""
BEGUN = web.RequestKey("begun", bool)
"""Marks a request whose response has left in part."""


class _Connection(web.RequestHandler):
    """aiohttp's connection, except that bytes that are no HTTP get our kind of answer and stay out of the log."""

    __slots__ = ()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """What aiohttp finds worth an error is a stranger's bytes: bugs are logged in `Http`."""
        log.debug(*args)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        if isinstance(exc, ConnectionError) or request.writer.output_size > 0:
            raise ConnectionResetError("nobody reads the rest")
        log.debug("answered %d to a malformed request from %s", status, request.remote)
        response = failure("", status, "bad_request", "this is no valid HTTP request")
        dress(response.headers)
        response.force_close()
        return response


class Http:
    """The port, open while the ``async with`` block runs. `SettingsError` where it cannot or may not be opened."""

    def __init__(
        self,
        settings: HttpSettings,
        *,
        clock: Clock,
        routes: Sequence[Route],
        ready: Callable[[], Awaitable[Mapping[str, str]]],
        metrics: Callable[[], bytes],
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ready = ready
        self._metrics = metrics
        self._guard = Guard(settings, clock)
        self._routes = (*self._own_routes(), *routes)
        self._running: set[asyncio.Task[Any]] = set()
        self._streams: set[asyncio.Task[Any]] = set()
        self._stopping = False
        self._address = ""

    @property
    def address(self) -> str:
        """``http://host:port`` as this machine reaches it; "" before the port is open."""
        return self._address

    # ------------------------------------------------------------ lifetime

    async def __aenter__(self) -> "Http":
        self._check_settings()
        app = self._application()
        listener = bind(self._settings.host, self._settings.port)
        self._address = f"http://{reachable(self._settings.host)}:{listener.getsockname()[1]}"
        try:
            await self._serve(app, listener)
        except BaseException:
            listener.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop accepting, end event streams at once, give the other requests `STOP_GRACE_S`."""
        self._stopping = True
        self._server.close()
        for task in self._streams:
            task.cancel()
        with suppress(TimeoutError):
            async with self._clock.timeout(STOP_GRACE_S):
                while self._running:
                    await asyncio.wait(self._running)
        for task in self._running:
            task.cancel()
        await self._runner.cleanup()
        await self._server.wait_closed()
        self._address = ""

    async def _serve(self, app: web.Application, listener: socket.socket) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        manager, loop = self._runner.server, asyncio.get_running_loop()
        if manager is None:
            raise RuntimeError("aiohttp's runner has no server after its setup")

        def connect() -> _Connection:
            return _Connection(manager, loop=loop, access_log=None, keepalive_timeout=HEADER_DEADLINE_S)  # type: ignore[arg-type]

        self._server = await loop.create_server(connect, sock=listener)

    def _check_settings(self) -> None:
        self._guard.check()
        owners: dict[tuple[str, str], str] = {}
        for route in self._routes:
            if route.access not in get_args(Access):
                raise SettingsError(
                    f"{route.owner}: route {route.method} {route.path} declares access {route.access!r}; "
                    f"say one of {', '.join(get_args(Access))}"
                )
            first = owners.setdefault((route.method.upper(), route.path), route.owner)
            if first != route.owner:
                raise SettingsError(
                    f"{first} and {route.owner} both register {route.method} {route.path}; disable one of them"
                )

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=self._settings.body_limit, middlewares=[self._outermost])
        app.on_response_prepare.append(self._on_prepare)
        for route in self._routes:
            try:
                self._add(app, route)
            except (ValueError, RuntimeError) as error:
                raise SettingsError(f"{route.owner}: route {route.method} {route.path}: {error}") from error
        return app

    def _add(self, app: web.Application, route: Route) -> None:
        handler = self._guarded(route)
        app.router.add_route(route.method, route.path, handler)
        if route.method.upper() == "GET" and route.access == "public":
            app.router.add_route("HEAD", route.path, handler)

    # ------------------------------------------------------------ one request

    @web.middleware
    async def _outermost(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every request passes here first; whatever goes wrong inside leaves as JSON."""
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
        try:
            response = await self._answered(request, handler)
            log.debug("%s %s %d", request.method, _pattern(request), response.status)
            return response
        finally:
            if task is not None:
                self._running.discard(task)
                self._streams.discard(task)

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path = request.path
        if self._stopping:
            return failure(path, 503, "stopping", "the bot is stopping; try again shortly", {"Retry-After": "5"})
        try:
            if not _is_for_platforms(request) and (denied := self._guard.foreign(request)):
                return denial(path, denied)
            response = await handler(request)
            if not isinstance(response, web.StreamResponse):
                raise TypeError(f"the handler returned {type(response).__name__}, not a response")
            return response
        except web.HTTPException as error:
            return self._translated(path, error)
        except ConnectionError:
            raise  # the client has gone; aiohttp closes the connection
        except (Exception, SystemExit) as error:
            told = _told(error)
            if told[0] == 500:
                log.exception("%s %s failed: a bug in its handler", request.method, _pattern(request))
            if BEGUN in request:
                raise ConnectionResetError("the response was begun already: all that is left is to hang up") from None
            return failure(path, *told)

    def _translated(self, path: str, error: web.HTTPException) -> web.StreamResponse:
        if error.status < 400:
            return web.Response(status=error.status, headers=error.headers)
        kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
        code, message = {
            404: ("not_found", self._nothing_at(path)),
            405: ("method", f"this address takes {kept.get('Allow', 'another method')}"),
            413: ("too_large", f"the request is longer than {self._settings.body_limit} bytes; send less at once"),
        }.get(error.status, ("refused", error.text or error.reason))
        if error.status == 404 and error.text and error.text != f"404: {error.reason}":
            message = error.text  # a handler's own words
        return failure(path, error.status, code, message, kept)

    def _nothing_at(self, path: str) -> str:
        """What clients of OpenAI's other interfaces, which this bot lacks, can ask instead is said to them."""
        there = [f"{route.method} {route.path}" for route in self._routes if route.path.startswith(OPENAI)]
        instead = f"; there is {', '.join(there)}" if there and path.startswith(OPENAI) else ""
        return f"there is nothing at this address{instead}"

    def _guarded(self, route: Route) -> Handler:
        told = partial(blocked, f"{route.owner}: {route.method} {route.path}")

        async def serve(request: web.Request) -> web.StreamResponse:
            if route.access != "public" and (denied := self._guard.stranger(request)):
                return denial(request.path, denied)
            if route.stream:
                return await stepped(route.handler(request), self._clock, told)
            # Read here, once, under a deadline; handlers get the kept bytes.
            try:
                async with self._clock.timeout(BODY_DEADLINE_S):
                    await request.read()
            except TimeoutError:
                return failure(request.path, 408, "timeout", "the request's body took too long to arrive")
            except (web.RequestPayloadError, ValueError):
                return failure(request.path, 400, "bad_request", "the request's body cannot be read")
            return await stepped(route.handler(request), self._clock, told)

        return serve

    async def _on_prepare(self, request: web.Request, response: web.StreamResponse) -> None:
        request[BEGUN] = True
        dress(response.headers)
        task = asyncio.current_task()
        if task is not None and response.content_type == "text/event-stream":
            self._streams.add(task)  # endless: nothing to wait for at the stop

    # ------------------------------------------------------------ built-in routes

    def _own_routes(self) -> tuple[Route, ...]:
        return (
            Route(method="GET", path="/healthz", handler=self._healthz, access="public", owner="http"),
            Route(method="GET", path="/readyz", handler=self._readyz, access="public", owner="http"),
            Route(method="GET", path="/metrics", handler=self._metricsz, access="admin", owner="http"),
            Route(method="POST", path="/api/login", handler=self._guard.login, access="public", owner="http"),
            Route(method="DELETE", path="/api/login", handler=self._guard.logout, access="public", owner="http"),
        )

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        parts = await self._ready()
        wrong = {name: text for name, text in parts.items() if text != "ok"}
        if wrong:
            return web.json_response({"status": "not ready", "wrong": wrong}, status=503, headers={"Retry-After": "5"})
        return web.json_response({"status": "ready"})

    async def _metricsz(self, _request: web.Request) -> web.Response:
        return web.Response(body=self._metrics(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


def _is_for_platforms(request: web.Request) -> bool:
    """Whether platforms call this address, with whatever method: a wrong one is answered 405, not the Host's 403."""
    wrong_method = isinstance(request.match_info.http_exception, web.HTTPMethodNotAllowed)
    return (request.path if wrong_method else _pattern(request)).startswith(HOOKS)


def _told(error: BaseException) -> tuple[int, str, str, Mapping[str, str]]:
    """What the one who asks is told of what a handler raised: whose fault it is, and not more."""
    if isinstance(error, StoreUnavailable):
        return 503, "unavailable", "the database takes nothing now; try again shortly", {"Retry-After": "5"}
    if isinstance(error, ValueError) and any(frame.f_code in READS for frame, _ in walk_tb(error.__traceback__)):
        return 400, "bad_request", "the request's body cannot be read as what it should be", {}
    return 500, "internal", "the bot made a mistake here; its log says which", {}


def _pattern(request: web.Request) -> str:
    """The route's own path: what a stranger wrote into the address stays out of the log."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "(no such address)"
