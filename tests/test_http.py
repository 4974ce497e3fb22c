"""The one port against real connections: who may ask for what, what a stranger is told, how it starts and stops."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from botcore.clock import Clock, SystemClock
from botcore.errors import SettingsError, StoreUnavailable
from botcore.http import Http, Probe
from botcore.http.access import Attempts, Key, host_name, is_loopback, same_origin, sender
from botcore.http.answers import SECURITY_HEADERS
from botcore.registry import Route
from botcore.settings import HttpSettings
from botcore.testing import ManualClock

KEY = "correct-horse-battery-staple"
SECRET_IN_A_BUG = "xoxb-this-must-not-reach-a-stranger"


class Handlers:
    """Routes as plugins register them, of every kind the port must treat differently."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()
        self.entered = asyncio.Event()
        self.ended: list[str] = []

    def routes(self) -> list[Route]:
        return [
            _route("GET", "/open", self.hello, "public"),
            _route("POST", "/open", self.echo, "public"),
            _route("POST", "/hooks/platform", self.echo, "public"),
            _route("GET", "/mine", self.hello, "user"),
            _route("POST", "/mine", self.echo, "user"),
            _route("GET", "/admin", self.hello, "admin"),
            _route("GET", "/bug", self.bug, "public"),
            _route("GET", "/exits", self.exits, "public"),
            _route("POST", "/sums", self.sums, "public"),
            _route("GET", "/away", self.away, "public"),
            _route("GET", "/nobody", self.nobody, "public"),
            _route("GET", "/nothing", self.nothing, "public"),
            _route("GET", "/v1/bug", self.bug, "public"),
            _route("GET", "/stream", self.stream, "public"),
            _route("GET", "/stream-bug", self.stream_bug, "public"),
            _route("GET", "/slow", self.slow, "public"),
            Route(method="POST", path="/pour", handler=self.pour, access="user", owner="tests", stream=True),
        ]

    async def hello(self, _request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async def echo(self, request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    async def pour(self, request: web.Request) -> web.Response:
        self.entered.set()
        size = sum([len(piece) async for piece in request.content.iter_any()])
        return web.Response(text=str(size))

    async def bug(self, _request: web.Request) -> web.Response:
        raise KeyError(SECRET_IN_A_BUG)

    async def sums(self, request: web.Request) -> web.Response:
        return web.json_response(sum(await request.json()))

    async def away(self, _request: web.Request) -> web.Response:
        raise StoreUnavailable("the disk at /srv is full")

    async def nobody(self, _request: web.Request) -> web.Response:
        raise web.HTTPNotFound(text="there is no note 5")

    async def exits(self, _request: web.Request) -> web.Response:
        raise SystemExit(2)

    async def nothing(self, _request: web.Request) -> None:
        return None

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": open\n\n")
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.append("stream")
        return response

    async def stream_bug(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        raise KeyError(SECRET_IN_A_BUG)

    async def slow(self, _request: web.Request) -> web.Response:
        self.entered.set()
        try:
            await self.hold.wait()
        finally:
            self.ended.append("slow")
        return web.Response(text="done")


def _route(method: str, path: str, handler: Any, access: Any) -> Route:
    return Route(method=method, path=path, handler=handler, access=access, owner="tests")


class Port:
    """A running port, and a client that talks to it."""

    def __init__(self, http: Http, handlers: Handlers, client: aiohttp.ClientSession) -> None:
        self.http = http
        self.handlers = handlers
        self.client = client

    async def asks(self, method: str, path: str, **more: Any) -> tuple[int, Any, Mapping[str, str]]:
        """Status, body (JSON where it is JSON) and headers."""
        async with self.client.request(method, self.http.address + path, **more) as response:
            body = await response.read()
            value = await response.json() if "json" in response.content_type else body.decode()
            return response.status, value, response.headers

    async def status(self, method: str, path: str, **more: Any) -> int:
        return (await self.asks(method, path, **more))[0]


@asynccontextmanager
async def serving(
    *, clock: Clock | None = None, wrong: Mapping[str, str] | None = None, more: Sequence[Route] = (), **settings: Any
) -> AsyncIterator[Port]:
    handlers = Handlers()

    async def ready() -> Mapping[str, str]:
        return {"store": "ok"} | dict(wrong or {})

    http = Http(
        HttpSettings.model_validate({"port": 0, **settings}),
        clock=clock or SystemClock(),
        routes=[*handlers.routes(), *more],
        ready=ready,
        metrics=lambda: b"botcore_turns_total 7\n",
    )
    async with http, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
        yield Port(http, handlers, client)


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    async with serving() as port:
        yield port


@pytest.fixture
async def locked() -> AsyncIterator[Port]:
    """A port with a key."""
    async with serving(key=KEY) as port:
        yield port


async def raw(address: str, data: bytes) -> bytes:
    """What comes back for these bytes, until the server hangs up."""
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


# ------------------------------------------------------------------ start


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "203.0.113.7", "bot.example.org"])
async def test_beyond_loopback_needs_a_key(host: str) -> None:
    with pytest.raises(SettingsError, match=r"http\.host.*needs a key.*BOTCORE_HTTP__KEY"):
        async with serving(host=host):
            pass


async def test_with_a_key_it_listens_everywhere() -> None:
    async with serving(host="0.0.0.0", key=KEY) as port:
        assert port.http.address.startswith("http://127.0.0.1:")
        assert await port.status("GET", "/open", headers={"Host": "bot.example.org"}) == 200


async def test_a_taken_port_is_named_and_the_next_free_one_used(caplog: pytest.LogCaptureFixture) -> None:
    async with serving() as first:
        taken = urlsplit(first.http.address).port or 0
        async with serving(port=taken) as second:
            used = urlsplit(second.http.address).port or 0
            assert taken < used <= taken + 20
            assert f"port {taken} is taken" in caplog.text
            assert str(used) in caplog.text


async def test_twenty_one_taken_ports_end_the_search() -> None:
    listeners = _listeners_in_a_row(21)
    try:
        first = listeners[0].getsockname()[1]
        with pytest.raises(SettingsError, match=rf"http\.port: {first} to {first + 20} are all taken"):
            async with serving(port=first):
                pass
    finally:
        for listener in listeners:
            listener.close()


def _listeners_in_a_row(count: int) -> list[socket.socket]:
    for start in range(20_000, 60_000, 50):
        listeners = list[socket.socket]()
        try:
            for number in range(start, start + count):
                listeners.append(socket.create_server(("127.0.0.1", number)))
            return listeners
        except OSError:
            for listener in listeners:
                listener.close()
    raise AssertionError("no free ports in a row")


async def test_a_host_that_is_not_ours_is_one_line() -> None:
    with pytest.raises(SettingsError, match=r'http\.host: cannot listen on "203\.0\.113\.7"'):
        async with serving(host="203.0.113.7", key=KEY):
            pass


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ([_route("GET", "/x", Handlers().hello, "everybody")], "tests: route GET /x declares access 'everybody'"),
        ([_route("GET", "/healthz", Handlers().hello, "public")], "http and tests both register GET /healthz"),
        ([_route("GET", "no-slash", Handlers().hello, "public")], "tests: route GET no-slash"),
    ],
)
async def test_a_route_that_cannot_be_served_is_a_start_error(routes: list[Route], told: str) -> None:
    async def ready() -> Mapping[str, str]:
        return {}

    http = Http(HttpSettings(port=0), clock=SystemClock(), routes=routes, ready=ready, metrics=bytes)
    with pytest.raises(SettingsError, match=told):
        async with http:
            pass


# ------------------------------------------------------------------ built in


async def test_alive_and_ready(port: Port) -> None:
    assert (await port.asks("GET", "/healthz"))[:2] == (200, {"status": "alive"})
    assert (await port.asks("GET", "/readyz"))[:2] == (200, {"status": "ready"})
    assert await port.status("HEAD", "/healthz") == 200


async def test_not_ready_says_what_is_wrong() -> None:
    async with serving(wrong={"engine": "warmup (40%)"}) as port:
        status, body, headers = await port.asks("GET", "/readyz")
        assert (status, body["wrong"]) == (503, {"engine": "warmup (40%)"})
        assert headers["Retry-After"]
        assert await port.status("GET", "/healthz") == 200


async def test_metrics_are_prometheus_text(port: Port) -> None:
    status, body, headers = await port.asks("GET", "/metrics")
    assert (status, body) == (200, "botcore_turns_total 7\n")
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")


# ------------------------------------------------------------------ what every answer carries


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/open", 200),
        ("GET", "/nowhere", 404),
        ("PUT", "/open", 405),
        ("GET", "/bug", 500),
        ("GET", "/mine", 200),
    ],
)
async def test_every_answer_carries_the_security_headers(port: Port, method: str, path: str, status: int) -> None:
    got, _, headers = await port.asks(method, path)
    assert got == status
    assert {name: headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert headers["Cache-Control"] == "no-store"


async def test_an_unknown_path_and_a_wrong_method_are_json(port: Port) -> None:
    assert (await port.asks("GET", "/nowhere"))[1]["error"]["code"] == "not_found"
    status, body, headers = await port.asks("DELETE", "/open")
    assert (status, body["error"]["code"]) == (405, "method")
    assert set(headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize("sent", [b"[1, 2", b"\xff", b""])
async def test_a_body_that_a_handler_cannot_read_is_the_senders_fault(
    port: Port, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await port.asks("POST", "/sums", data=b"[1, 2]"))[:2] == (200, 3)
    status, body, _ = await port.asks("POST", "/sums", data=sent)
    assert (status, body["error"]["code"]) == (400, "bad_request")
    assert not caplog.records


async def test_a_handler_that_blocks_the_bot_is_named(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()

    async def heavy(_request: web.Request) -> web.Response:
        clock._now += 3
        return web.Response(text="done")

    route = Route(method="GET", path="/heavy", handler=heavy, access="public", owner="slow")
    async with serving(clock=clock, more=[route]) as port:
        assert await port.status("GET", "/heavy") == 200
    assert caplog.messages == [
        "slow: GET /heavy held up the whole bot for 3.0 s; what blocks belongs into asyncio.to_thread"
    ]


async def test_a_database_that_is_away_is_no_bug_of_a_handlers(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    status, body, headers = await port.asks("GET", "/away")
    assert (status, body["error"]["code"], headers["Retry-After"]) == (503, "unavailable", "5")
    assert "/srv" not in str(body)
    assert not caplog.records


async def test_what_a_handler_says_itself_of_a_failure_is_told(port: Port) -> None:
    status, body, _ = await port.asks("GET", "/nobody")
    assert (status, body["error"]["message"]) == (404, "there is no note 5")


@pytest.mark.parametrize("path", ["/bug", "/v1/bug", "/nothing", "/exits"])
async def test_a_bug_is_told_without_a_traceback_and_logged_once(
    port: Port, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, body, _ = await port.asks("GET", path)
    assert (status, body["error"]["code"]) == (500, "internal")
    assert SECRET_IN_A_BUG not in str(body)
    assert "Traceback" not in str(body)
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1


async def test_below_v1_errors_have_the_fields_of_openai(port: Port) -> None:
    error = (await port.asks("GET", "/v1/bug"))[1]["error"]
    assert error.keys() == {"code", "message", "type", "param"}


async def test_who_asks_for_another_interface_of_openai_hears_which_there_are(port: Port) -> None:
    status, body, _ = await port.asks("POST", "/v1/responses", json={})
    assert (status, body["error"]["message"]) == (404, "there is nothing at this address; there is GET /v1/bug")
    assert (await port.asks("GET", "/v2"))[1]["error"]["message"] == "there is nothing at this address"


async def test_a_bug_in_a_begun_response_hangs_up(port: Port) -> None:
    answer = await raw(port.http.address, b"GET /stream-bug HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert answer.count(b"HTTP/1.1") == 1
    assert SECRET_IN_A_BUG.encode() not in answer


async def test_the_log_is_quiet_and_keeps_no_stranger_s_text(port: Port, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await port.asks("GET", "/open?token=abc")
    assert caplog.text == ""
    caplog.set_level(logging.DEBUG, logger="botcore")
    await port.asks("GET", "/nowhere/%1b%5b31mred?token=abc")
    assert "\x1b" not in caplog.text
    assert "abc" not in caplog.text


# ------------------------------------------------------------------ bounds


async def test_a_long_body_is_413() -> None:
    async with serving(body_limit=4096) as port:
        status, body, _ = await port.asks("POST", "/open", data=b"x" * 4097)
        assert (status, body["error"]["code"]) == (413, "too_large")
        assert await port.status("POST", "/open", data=b"x" * 4096) == 200


async def test_a_packed_body_counts_unpacked() -> None:
    async with serving(body_limit=4096) as port:
        assert await port.status("POST", "/open", data=b"x" * 100_000, compress="gzip") == 413


async def test_a_body_that_never_ends_is_408() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as port:
        parts = urlsplit(port.http.address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
        answer = asyncio.create_task(reader.readline())
        while not answer.done():
            await clock.advance(31)
        assert b" 408 " in answer.result()
        writer.close()
        await writer.wait_closed()


async def test_a_streamed_body_is_the_handler_s_own_business() -> None:
    clock = ManualClock()
    async with serving(clock=clock, body_limit=4096) as port:
        assert (await port.asks("POST", "/pour", data=b"x" * 100_000))[:2] == (200, "100000")
        parts = urlsplit(port.http.address)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        port.handlers.entered.clear()
        writer.write(b"POST /pour HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8\r\n\r\nhalf")
        await port.handlers.entered.wait()  # it begins before the body has ended
        await clock.advance(3600)
        writer.write(b"half")
        assert b" 200 " in await reader.readline()
        writer.close()
        await writer.wait_closed()


async def test_headers_that_never_end_are_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botcore.http.server.HEADER_DEADLINE_S", 0.05)  # aiohttp's own timer: it knows no clock of ours
    async with serving() as port:
        assert await raw(port.http.address, b"GET /open HTTP/1.1\r\nHost: local") == b""


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \x00" + KEY.encode() + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n"
        b"Connection: close\r\n\r\nabcd",
    ],
    ids=["tls", "nul", "long header", "version", "two lengths", "negative", "chunk", "gzip"],
)
async def test_malformed_bytes_are_400_and_stay_out_of_the_log(
    port: Port, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await raw(port.http.address, data)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert b"nosniff" in answer
    assert b"Traceback" not in answer
    assert KEY not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


# ------------------------------------------------------------------ other sites' pages


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "localhost"}, 200),
        ({"Host": "LOCALHOST:8080"}, 200),
        ({"Host": "127.0.0.1:1"}, 200),
        ({"Host": "[::1]:8080"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost.evil.example"}, 403),
        ({"Host": "user@localhost"}, 403),
        ({"Host": ""}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/open", "/mine", "/healthz"])
async def test_on_loopback_only_local_names_are_answered(
    port: Port, path: str, headers: Mapping[str, str], status: int
) -> None:
    assert await port.status("GET", path, headers=headers) == status


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hooks/platform", 200),
        ("/hooks/other", 403),
        ("/hooks/../open", 403),
        ("/hooks/%2e%2e/open", 403),
        ("/hooks", 403),
        ("/open", 403),
    ],
)
async def test_platforms_call_by_the_public_name_and_get_no_further(port: Port, path: str, status: int) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: bot.example.org\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n"
    answer = await raw(port.http.address, f"{head}Connection: close\r\n\r\n".encode())
    assert answer.split()[1] == str(status).encode()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/hooks/platform", 405),
        ("/hooks/other", 403),
        ("/hooks/../open", 403),
        ("/hooks/%2e%2e/open", 403),
        ("/open", 403),
    ],
)
async def test_a_wrong_method_below_hooks_is_told_as_that_and_nowhere_else(port: Port, path: str, status: int) -> None:
    head = f"PUT {path} HTTP/1.1\r\nHost: bot.example.org\r\nContent-Length: 0\r\n"
    answer = await raw(port.http.address, f"{head}Connection: close\r\n\r\n".encode())
    assert answer.split()[1] == str(status).encode()
    assert (b"\r\nAllow: POST\r\n" in answer) == (status == 405)


async def test_a_proxy_s_name_can_be_allowed() -> None:
    async with serving(allowed_hosts=("Bot.Example.org",)) as port:
        host = {"Host": "bot.example.org"}
        assert await port.status("GET", "/mine", headers=host) == 200
        assert await port.status("POST", "/mine", headers=host | {"Origin": "https://bot.example.org"}) == 200
        # Behind a proxy that does not pass the name on.
        assert await port.status("POST", "/mine", headers={"Origin": "https://bot.example.org"}) == 200


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"allowed_hosts": ("bot.example.org",)}, True),
        ({"allowed_hosts": ("bot.example.org",), "key": KEY}, False),
        ({"allowed_hosts": ("localhost",)}, False),
        ({}, False),
    ],
)
async def test_a_proxy_s_name_without_a_key_is_warned_of(
    settings: dict[str, Any], told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(**settings):
        assert ("by bot.example.org may do everything" in caplog.text) == told


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "SELF"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "SELF", "Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_only_our_own_page_may_change_something(port: Port, headers: dict[str, str], status: int) -> None:
    sent = {name: value.replace("SELF", port.http.address) for name, value in headers.items()}
    assert await port.status("POST", "/mine", headers=sent) == status
    assert await port.status("GET", "/mine", headers=sent) == 200


# ------------------------------------------------------------------ the key


@pytest.mark.parametrize("path", ["/mine", "/admin", "/metrics"])
async def test_guarded_routes_want_the_key(locked: Port, path: str) -> None:
    status, body, headers = await locked.asks("GET", path)
    assert (status, body["error"]["code"], headers["WWW-Authenticate"]) == (401, "login", "Bearer")
    assert await locked.status("GET", path, headers={"Authorization": f"Bearer {KEY}"}) == 200
    assert await locked.status("GET", path, headers={"Authorization": f"bearer  {KEY}"}) == 200
    assert await locked.status("POST", "/pour", data=b"secret") == 401


@pytest.mark.parametrize(
    "authorization", [f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", "Bearer ", "Bearer \xff\xfe", f"Basic {KEY}", KEY]
)
async def test_a_wrong_key_is_401(locked: Port, authorization: str) -> None:
    assert await locked.status("GET", "/mine", headers={"Authorization": authorization}) == 401


async def test_public_routes_want_no_key(locked: Port) -> None:
    for path in ("/open", "/healthz", "/readyz"):
        assert await locked.status("GET", path) == 200


async def test_a_login_is_a_cookie_scripts_cannot_read(locked: Port) -> None:
    status, _, headers = await locked.asks("POST", "/api/login", json={"key": KEY})
    assert status == 204
    for part in ("botcore_session=", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in headers["Set-Cookie"]
    assert KEY not in headers["Set-Cookie"]
    assert await locked.status("GET", "/mine") == 200


async def test_who_logs_out_is_asked_for_the_key_again(locked: Port) -> None:
    assert await locked.status("POST", "/api/login", json={"key": KEY}) == 204
    assert await locked.status("DELETE", "/api/login", headers={"Origin": "https://evil.example"}) == 403
    assert await locked.status("GET", "/mine") == 200
    assert await locked.status("DELETE", "/api/login") == 204
    assert await locked.status("GET", "/mine") == 401


async def test_behind_tls_the_cookie_is_secure(locked: Port) -> None:
    headers = {"X-Forwarded-Proto": "https"}
    assert "Secure" in (await locked.asks("POST", "/api/login", json={"key": KEY}, headers=headers))[2]["Set-Cookie"]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"json": {"key": "wrong"}}, 401),
        ({"json": {"key": "half a \ud83d"}}, 401),
        ({"json": {"key": 7}}, 400),
        ({"json": []}, 400),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b"\xff", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": {"key": KEY}}, 415),
    ],
)
async def test_a_login_that_is_none(locked: Port, more: dict[str, Any], status: int) -> None:
    assert await locked.status("POST", "/api/login", **more) == status
    assert await locked.status("GET", "/mine") == 401


async def test_five_wrong_logins_a_minute() -> None:
    clock = ManualClock()
    async with serving(key=KEY, clock=clock) as port:
        for _ in range(5):
            assert await port.status("POST", "/api/login", json={"key": "guess"}) == 401
        status, _, headers = await port.asks("POST", "/api/login", json={"key": KEY})
        assert (status, headers["Retry-After"]) == (429, "60")
        await clock.advance(61)
        assert await port.status("POST", "/api/login", json={"key": KEY}) == 204


@pytest.mark.parametrize("path", ["/api/login", "/mine"])
async def test_behind_a_proxy_of_ours_strangers_lock_out_nobody_but_themselves(path: str) -> None:
    async with serving(key=KEY, proxies=["127.0.0.0/8"]) as port:

        async def guess(key: str, *hops: str) -> int:
            headers = CIMultiDict([("X-Forwarded-For", hop) for hop in hops])
            if path == "/api/login":
                return await port.status("POST", path, json={"key": key}, headers=headers)
            headers["Authorization"] = f"Bearer {key}"
            return await port.status("GET", path, headers=headers)

        claimed = [f"10.0.0.{number}, 198.51.100.7" for number in range(61)]
        assert [await guess("guess", claim) for claim in claimed][-1] == 429
        assert await guess(KEY, "198.51.100.7") == 429
        assert await guess(KEY, "198.51.100.8", "198.51.100.7") == 429
        assert await guess(KEY, "198.51.100.8") < 300


async def test_of_whom_no_proxy_of_ours_forwards_nothing_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(key=KEY) as port:
        for number in range(5):
            headers = {"X-Forwarded-For": f"198.51.100.{number}"}
            assert await port.status("POST", "/api/login", json={"key": "guess"}, headers=headers) == 401
        assert await port.status("POST", "/api/login", json={"key": "guess"}) == 429
    assert caplog.text.count("if that is a proxy of yours, name it in [http] proxies") == 1


OURS = tuple(map(ip_network, ("127.0.0.1", "10.1.0.0/16", "fd00::/8")))


@pytest.mark.parametrize(
    ("remote", "forwarded", "who"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("::ffff:127.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("fd00::1", "203.0.113.1, 10.1.2.3", "203.0.113.1"),
        ("fd00::1", "10.1.0.1", "10.1.0.1"),
        ("127.0.0.1", "1.1.1.1, nonsense", "nonsense"),
        ("127.0.0.1", " , ,", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.1:4711", "203.0.113.1"),
        ("127.0.0.1", "203.0.113.1, 10.1.2.3:80", "203.0.113.1"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("127.0.0.1", "[2001:db8::1]", "2001:db8::1"),
        ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ("127.0.0.1", "x" * 8000, "x" * 64),
        ("", "203.0.113.1", ""),
    ],
)
def test_who_has_sent_a_request(remote: str, forwarded: str, who: str) -> None:
    assert sender(remote, forwarded, OURS) == who


async def test_without_a_key_there_is_nothing_to_log_in_to(port: Port) -> None:
    assert await port.status("POST", "/api/login", json={"key": "anything"}) == 204


def test_a_session_ends_and_cannot_be_made_up() -> None:
    key = Key(KEY)
    token = key.session(1000.0)
    expires = 1000 + 30 * 86_400
    assert key.holds(token, expires - 1)
    assert not key.holds(token, expires)
    assert not Key("another").holds(token, 1000.0)
    signature = token.partition(".")[2]
    for forged in ("", token[:-1], f"{expires + 1}.{signature}", f"{'9' * 5000}.{signature}", f"٣.{signature}"):
        assert not key.holds(forged, 1000.0)


def test_an_empty_key_matches_nothing() -> None:
    assert not Key("")
    assert not Key("").matches("")


def test_guesses_are_counted_for_each_peer_and_forgotten() -> None:
    attempts = Attempts(2)
    attempts.failed("a", 0.0)
    attempts.failed("a", 10.0)
    assert attempts.wait("a", 20.0) == 40.0
    assert attempts.wait("b", 20.0) == 0.0
    assert attempts.wait("a", 61.0) == 0.0


def test_who_has_many_addresses_of_ipv6_has_no_more_guesses() -> None:
    attempts = Attempts(2)
    for peer in ("2001:db8:1:2::1", "2001:db8:1:2:aaaa::7", "::ffff:203.0.113.1", "::ffff:203.0.113.2"):
        attempts.failed(peer, 0.0)
    assert attempts.wait("2001:db8:1:2:ffff::9", 1.0) > 0
    assert attempts.wait("2001:db8:1:3::1", 1.0) == 0.0
    assert attempts.wait("::ffff:203.0.113.1", 1.0) == 0.0


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False)],
)
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("A.example:80", "a.example"),
        ("[::1]:80", "::1"),
        ("a:b:c", ""),
        ("a/b", ""),
        ("x@y", ""),
        ("[::1", ""),
        ("", ""),
    ],
)
def test_the_name_in_a_host_header(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize(
    ("host", "origin", "same"),
    [
        ("bot.example", "https://bot.example", True),  # behind TLS
        ("bot.example", "http://bot.example:80", True),
        ("bot.example:8080", "http://bot.example:8080", True),
        ("bot.example:8080", "http://bot.example", False),
        ("bot.example", "https://bot.example:444", False),
        ("bot.example", "ftp://bot.example", False),
        ("bot.example", "https://bot.example/", False),
        ("bot.example", "bot.example", False),
    ],
)
def test_same_origin(host: str, origin: str, same: bool) -> None:
    assert same_origin(host=host, origin=origin, site="") is same


# ------------------------------------------------------------------ stop


async def test_a_stop_ends_event_streams_at_once_and_lets_requests_finish() -> None:
    async with serving() as port:
        stream = await port.client.get(port.http.address + "/stream")
        await port.handlers.entered.wait()
        port.handlers.entered.clear()
        slow = asyncio.create_task(port.asks("GET", "/slow"))
        await port.handlers.entered.wait()
        stop = asyncio.create_task(port.http.__aexit__(None, None, None))
        with pytest.raises(aiohttp.ClientPayloadError):
            await stream.read()
        assert port.handlers.ended == ["stream"]
        port.handlers.hold.set()
        assert (await slow)[:2] == (200, "done")
        await stop


async def test_a_request_that_does_not_end_is_cut_off_after_three_seconds() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as port:
        slow = asyncio.create_task(port.asks("GET", "/slow"))
        await port.handlers.entered.wait()
        stop = asyncio.create_task(port.http.__aexit__(None, None, None))
        await clock.advance(2.9)
        assert not stop.done()
        await clock.advance(0.2)
        await stop
        assert port.handlers.ended == ["slow"]
        with pytest.raises(aiohttp.ClientConnectionError):
            await slow


async def test_a_stopped_port_accepts_nothing() -> None:
    async with serving() as port:
        address = port.http.address
    parts = urlsplit(address)
    with pytest.raises(OSError, match=str(parts.port)):
        await asyncio.open_connection(parts.hostname, parts.port)


async def test_however_many_ask_it_is_looked_once_a_second_and_answered_in_time() -> None:
    clock, asked, answer = ManualClock(), list[float](), asyncio.Event()

    async def check() -> str:
        asked.append(clock.monotonic())
        await answer.wait()
        return "ok"

    probe = Probe(check, clock)
    async with asyncio.TaskGroup() as group:
        told = [group.create_task(probe.newest()) for _ in range(50)]
        await clock.advance(5)
    assert {task.result() for task in told} == {"no answer within 5 s"}
    assert await probe.newest() == "no answer within 5 s"
    assert len(asked) == 1
    answer.set()
    await clock.advance(1)
    assert [await probe.newest() for _ in range(3)] == ["ok"] * 3
    assert len(asked) == 2


async def test_who_goes_away_while_it_is_looked_takes_nobody_elses_answer_along() -> None:
    clock, answer = ManualClock(), asyncio.Event()

    async def check() -> str:
        await answer.wait()
        return "ok"

    probe = Probe(check, clock)
    async with asyncio.TaskGroup() as group:
        first, second = (group.create_task(probe.newest()) for _ in range(2))
        await clock.advance(0)
        first.cancel()
        answer.set()
    assert second.result() == "ok"
