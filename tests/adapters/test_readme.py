"""The channel of adapters/README.md, as it stands there, against a fake of its platform."""

import hashlib
import hmac
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from botcore import Bot, Conversation, Registry
from botcore.clock import SystemClock
from botcore.http import Http
from botcore.registry import Route
from botcore.settings import HttpSettings
from botcore.testing import Chat, Platform, Trouble, chatting, check_channel, until

README = Path(__file__).parents[2] / "adapters" / "README.md"
SECRET = "feathers"


def example() -> dict[str, Any]:
    """The names the manual's two files define."""
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        exec(compile(block, str(README), "exec"), names)  # our own manual
    return names


class Pigeons:
    """The platform: delivers with a signature, keeps messages, misbehaves when told to."""

    conversation = Conversation(channel="pigeon", chat="loft1")

    def __init__(self) -> None:
        self.hook = ""
        self.texts: dict[str, str] = {}
        self.troubles: deque[Trouble] = deque()

    async def delivers(self, event: str, text: str) -> bool:
        said = {"delivery": event, "loft": "loft1", "from": "ana", "text": text, "id": event}
        return await self.posts(json.dumps(said).encode()) == 200

    async def posts(self, body: bytes, secret: str = SECRET) -> int:
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        async with aiohttp.request("POST", self.hook, data=body, headers={"X-Pigeon": signature}) as answer:
            return answer.status

    def shows(self) -> Sequence[str]:
        return list(self.texts.values())

    def prepares(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    def routes(self) -> list[Route]:
        ways = (("POST", "/lofts/{id}", self.post), ("PUT", "/messages/{id}", self.put))
        return [Route(method=how, path=path, handler=to, access="public", owner="pigeons") for how, path, to in ways]

    async def post(self, request: web.Request) -> web.Response:
        return await self._takes(request, f"m{len(self.texts)}")

    async def put(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        return await self._takes(request, id) if id in self.texts else web.Response(status=404)

    async def _takes(self, request: web.Request, id: str) -> web.Response:
        match self.troubles.popleft() if self.troubles else None:
            case "limit":
                return web.Response(status=429, headers={"Retry-After": "3"})
            case "refuse":
                return web.Response(status=403)
            case "vanish":
                return web.Response(status=502)
        self.texts[id] = (await request.json())["text"]
        return web.json_response({"id": id})


class _Registry:
    name = "pigeon"

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def channel(self, channel: Any) -> None:
        channel.name = self.name

    def route(self, method: str, path: str, handler: Any, *, access: Any) -> None:
        self.routes.append(Route(method=method, path=path, handler=handler, access=access, owner=self.name))


@asynccontextmanager
async def serving(routes: Sequence[Route]) -> AsyncIterator[str]:
    async def ready() -> dict[str, str]:
        return {}

    async with Http(HttpSettings(port=0), clock=SystemClock(), routes=routes, ready=ready, metrics=bytes) as http:
        yield http.address


@asynccontextmanager
async def running() -> AsyncIterator[tuple[Any, Pigeons]]:
    names, platform, registry = example(), Pigeons(), _Registry()
    async with serving(platform.routes()) as base_url:
        channel = names["Pigeon"](names["PigeonSettings"](secret=SECRET, base_url=base_url))
        channel.register(cast("Registry", registry))
        async with serving(registry.routes) as ours, channel.lifespan(cast("Bot", None)):
            platform.hook = f"{ours}/hooks/pigeon"
            yield channel, platform


async def test_the_channel_of_the_manual_keeps_the_contract() -> None:
    async with running() as (channel, platform):
        await check_channel(channel, platform)


@pytest.mark.parametrize(("secret", "status"), [("stones", 401), (SECRET, 503)])
async def test_it_takes_nothing_forged_and_nothing_before_it_runs(secret: str, status: int) -> None:
    async with running() as (_, platform):
        assert await platform.posts(b"{}", secret) == status


@asynccontextmanager
async def whole(data_dir: Path, **turn: int) -> AsyncIterator[tuple[Chat, Pigeons]]:
    """A running bot with the channel of the manual, and its platform."""
    names, platform = example(), Pigeons()
    async with serving(platform.routes()) as base_url:
        channel = names["Pigeon"](names["PigeonSettings"](secret=SECRET, base_url=base_url))
        tables = {"plugins": {"textgen": {}}, "turn": turn}
        async with chatting(data_dir, plugins={"pigeon": channel}, settings=tables) as chat:
            platform.hook = f"{chat.bot.address}/hooks/pigeon"
            yield chat, platform


@pytest.mark.parametrize("body", [b"no JSON", b"{}", b"[]", b"null", b'"text"', b'{"delivery": 1, "loft": 2}'])
async def test_what_it_cannot_read_is_kept_and_acknowledged(body: bytes, tmp_path: Path) -> None:
    async with whole(tmp_path) as (chat, platform):
        assert await platform.posts(body) == 200
        assert (await chat.bot.database.counts())["dead"] == 1


async def test_what_was_rejected_is_taken_when_the_platform_repeats_it(tmp_path: Path) -> None:
    async with whole(tmp_path, waiting_per_person=1) as (chat, platform):
        chat.engine.hold()
        assert [await platform.delivers(event, "hi") for event in ("runs", "waits", "too much")] == [True, True, False]
        chat.engine.release()
        await until(lambda: len(platform.shows()) == 2)
        assert await platform.delivers("too much", "hi")
        await until(lambda: len(platform.shows()) == 3)


def test_the_fake_of_the_platform_is_what_the_check_asks_for() -> None:
    platform: Platform = Pigeons()
    assert platform.conversation.channel == "pigeon"


def test_the_manual_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 120
