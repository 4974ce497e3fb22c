"""Every door of the HTTP port against what strangers, broken networks and eager platforms send.

One table: malformed, forged, replayed, duplicated, out of order. Each delivery gets the right status, is answered at
most once, and nothing is lost; afterwards no traceback and no secret stands in the log (at DEBUG), the metrics or the
database.
"""

import asyncio
import gzip
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import count
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from yarl import URL

from botcore_slack.testing import BOT_TOKEN, SIGNING_SECRET, FakeSlack
from botcore_telegram.testing import SECRET, TOKEN, FakeTelegram
from tests.conversations.doors import KEY, SELF, V1, Door, Page, Platform, Request
from tests.conversations.hooks import Slack, Telegram
from tests.e2e.served import Served

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

PLATFORMS: list[Platform] = [Telegram(), Slack()]
DOORS: list[Door] = [Page(), V1(), *PLATFORMS]
SECRETS = {
    "key": KEY,
    "visitor": Page.visitor,
    "Telegram's token": TOKEN.partition(":")[2],
    "Telegram's secret": SECRET,
    "Slack's token": BOT_TOKEN,
    "Slack's secret": SIGNING_SECRET,
    "Slack's old proof": str(Slack.around["token"]),
}
HALVES = {name: (secret[: len(secret) // 2], secret[len(secret) // 2 :]) for name, secret in SECRETS.items()}
texts = (f"Ahoy, harbour {n}" for n in count())

every_door = pytest.mark.parametrize("door", DOORS, ids=lambda door: type(door).__name__.lower())
every_platform = pytest.mark.parametrize("door", PLATFORMS, ids=lambda door: type(door).__name__.lower())


class House:
    """A bot in a process of its own, what it keeps, and the platforms around it."""

    def __init__(self, bot: Served, client: aiohttp.ClientSession, telegram: FakeTelegram, slack: FakeSlack) -> None:
        self.bot = bot
        self.client = client
        self._slack = slack
        self._places = telegram.chat(7), slack.dm("U1")

    async def starts(self) -> None:
        """Return once the bot takes what platforms bring."""
        await self.bot.start()
        self._slack.posts_to(f"{self.bot.address}{Slack.path}")
        for platform in PLATFORMS:
            while (await self.sends(platform.carrying(b"{}")))[0] == 503:  # noqa: ASYNC110 - as platforms do
                await asyncio.sleep(0.02)

    async def sends(self, request: Request) -> tuple[int, str]:
        """Status and body of the answer."""
        headers = {name: value.replace(SELF, self.bot.address) for name, value in request.headers.items()}
        url = URL(self.bot.address + request.path, encoded=True)
        async with self.client.request(request.method, url, data=io.BytesIO(request.body), headers=headers) as answer:
            return answer.status, await answer.text()

    async def statuses(self, requests: Sequence[Request]) -> list[int]:
        """Of deliveries that come at the same time."""
        return [status for status, _ in await asyncio.gather(*map(self.sends, requests))]

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.bot.folder / "data" / "botcore.db")) as database:
            return database.execute(query, values).fetchall()

    async def settled(self) -> None:
        """Return once nothing is open any more."""
        async with asyncio.timeout(20):
            while self.rows(OPEN):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.02)

    async def answers(self, text: str) -> int:
        """How many replies a text got."""
        await self.settled()
        return len(self.rows("SELECT 1 FROM turn WHERE user_text = ? AND outcome = 'answered'", text))

    def sent(self, text: str) -> int:
        """How many messages the platforms show that answer this text."""
        return sum(place.texts.count(f"You said: {text}") for place in self._places)

    def taken(self) -> int:
        """Everything that was ever accepted."""
        return len(self.rows("SELECT 1 FROM inbox WHERE kind <> 'raw'"))

    def dead(self) -> int:
        """Everything that nobody could use, and that was kept."""
        return len(self.rows("SELECT 1 FROM inbox WHERE kind = 'raw'"))


OPEN = """
    SELECT 1 FROM inbox WHERE state IN ('waiting', 'running')
    UNION ALL SELECT 1 FROM outbox WHERE state IN ('pending', 'sending', 'uncertain')
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with (
        FakeTelegram() as telegram,
        FakeSlack(mode="events") as slack,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        tables = {"telegram": telegram.table("webhook"), "slack": slack.table()}
        channels = {
            f"BOTCORE_CHANNELS__{channel}__{key}".upper(): value
            for channel, table in tables.items()
            for key, value in (table | {"sends_per_second_per_chat": "1000"}).items()
        }
        bot = Served(
            tmp_path_factory.mktemp("bot"),
            log="debug",
            BOTCORE_ENGINE__KIND="scripted",
            BOTCORE_HTTP__KEY=KEY,
            **channels,
        )
        house = House(bot, client, telegram, slack)
        try:
            await house.starts()
            yield house
            await discreet(house)
        finally:
            assert await bot.stop() == 0


async def discreet(house: House) -> None:
    """No traceback, no secret, anywhere."""
    log = (house.bot.folder / "bot.log").read_text()
    assert "DEBUG" in log
    assert "Traceback" not in log
    _, metrics = await house.sends(Request(path="/metrics", body=b"", headers=Page.headers, method="GET"))
    assert "botcore_turns" in metrics
    kept = b"".join(path.read_bytes() for path in (house.bot.folder / "data").rglob("*") if path.is_file())
    for name, halves in HALVES.items():
        for half in halves:
            assert half not in log, name
            assert half not in metrics, name
            assert half.encode() not in kept, name


MALFORMED = {
    "nothing": b"",
    "half an object": b'{"id": "',
    "no UTF-8": b"\xff\xfe{}",
    "a list": b"[1]",
    "null": b"null",
    "no object we know": b'{"hello": "world"}',
    "very deep": b"[" * 200_000,
    "deep in an object": b'{"text": ' * 50_000,
    "no JSON constants": b'{"id": NaN, "messages": Infinity}',
    "wrong types": b'{"id": 1, "text": {}, "messages": "x", "model": [], "update_id": "x", "type": 7}',
    "packed": gzip.compress(b"{}"),
}


@every_door
@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_malformed_delivery_is_refused_in_one_line(house: House, door: Door, body: bytes) -> None:
    before = house.taken()
    status, said = await house.sends(door.carrying(body))
    assert status == door.malformed
    assert house.taken() == before
    if status >= 400:
        assert "\n" not in json.loads(said)["error"]["message"]


@every_door
async def test_a_delivery_that_is_too_long_is_refused(house: House, door: Door) -> None:
    before = house.taken()
    assert (await house.sends(door.carrying(b" " * (1 << 20) + b"{}")))[0] == 413
    assert house.taken() == before


@every_door
async def test_a_forged_delivery_is_refused_and_never_taken(house: House, door: Door) -> None:
    before = house.taken()
    for what, request, status in door.forged():
        got, said = await house.sends(request)
        assert got == status, what
        assert "Traceback" not in said
        assert not any(half in said for halves in HALVES.values() for half in halves), what
    assert house.taken() == before


@every_door
async def test_another_method_is_refused(house: House, door: Door) -> None:
    before = house.taken()
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        request = replace(door.says("another method"), method=method)
        assert (await house.sends(request.but(Host=None)))[0] == 405
        assert (await house.sends(request))[0] in (403, 405), "a platform's name for us opens its own door alone"
    assert house.taken() == before


@every_door
async def test_a_text_no_database_can_hold_is_answered_all_the_same(house: House, door: Door) -> None:
    text = next(texts)
    status, _ = await house.sends(door.says(f"{text}\x00\ud800"))
    assert status == door.good
    assert await house.answers(f"{text}\ufffd\ufffd") == 1


@every_door
async def test_a_replayed_delivery_is_answered_once(house: House, door: Door) -> None:
    text = next(texts)
    request = door.says(text)
    for _ in range(3):
        assert (await house.sends(request))[0] == door.good
    assert await house.answers(text) == 1
    assert house.sent(text) == door.sent


@every_door
async def test_a_delivery_that_comes_many_times_at_once_is_answered_once(house: House, door: Door) -> None:
    text = next(texts)
    assert (
        await house.statuses([door.says(text, event := str(uuid4())), *[door.says(text, event)] * 19])
        == [door.good] * 20
    )
    assert await house.answers(text) == 1
    assert house.sent(text) == door.sent


@every_door
async def test_another_text_under_a_known_id_is_not_answered(house: House, door: Door) -> None:
    first, second, event = next(texts), next(texts), str(uuid4())
    assert (await house.sends(door.says(first, event)))[0] == door.good
    assert (await house.sends(door.says(second, event)))[0] == door.changed
    assert (await house.answers(first), await house.answers(second)) == (1, 0)


@every_door
async def test_deliveries_out_of_order_are_all_answered_once(house: House, door: Door) -> None:
    said = [(next(texts), f"{n:08}-0000-4000-8000-{uuid4().hex[:12]}") for n in range(6, 0, -1)]
    assert set(await house.statuses([door.says(text, event) for text, event in said])) == {door.good}
    assert [await house.answers(text) for text, _ in said] == [1] * 6
    assert [house.sent(text) for text, _ in said] == [door.sent] * 6


async def test_a_replay_after_a_restart_is_answered_once(house: House) -> None:
    said = [(door, text := next(texts), door.says(text)) for door in DOORS]
    for door, _, request in said:
        assert (await house.sends(request))[0] == door.good
    assert await house.bot.stop() == 0
    await house.starts()
    for door, text, request in said:
        assert (await house.sends(request))[0] == door.good
        assert await house.answers(text) == 1
        assert house.sent(text) == door.sent


@every_platform
async def test_an_authentic_delivery_of_no_use_is_kept_and_taken_off_the_platforms_hands(
    house: House, door: Platform
) -> None:
    before = house.taken()
    for what, request in door.useless():
        dead = house.dead()
        assert (await house.sends(request))[0] == door.good, what
        assert house.dead() == dead + 1, what
        assert (await house.sends(request))[0] == door.good, what
        assert house.dead() == dead + 1, what
    assert house.taken() == before


@every_platform
async def test_a_delivery_is_believed_for_its_proof_whatever_it_calls_its_content(house: House, door: Platform) -> None:
    text = next(texts)
    assert (await house.sends(door.says(text).but(Content_Type="text/plain")))[0] == door.good
    assert await house.answers(text) == 1


@every_platform
async def test_a_thumb_that_comes_many_times_at_once_is_one_verdict(house: House, door: Platform) -> None:
    text = next(texts)
    await house.sends(door.says(text))
    assert await house.answers(text) == 1
    [(message,)] = house.rows("SELECT platform_id FROM outbox JOIN turn ON id = turn WHERE user_text = ?", text)
    thumb = door.thumb(str(message), str(uuid4()))
    assert await house.statuses([thumb] * 20) == [door.good] * 20
    verdicts = "SELECT value, text FROM feedback JOIN turn ON target = 'turn:' || turn.id WHERE user_text = ?"
    assert house.rows(verdicts, text) == [(1, f"You said: {text}")]


@every_platform
async def test_a_thumb_on_a_message_nobody_sent_changes_nothing(house: House, door: Platform) -> None:
    message = {"telegram": "7:99999999", "slack": "D1:1.000001"}[type(door).__name__.lower()]
    assert (await house.sends(door.thumb(message, str(uuid4()))))[0] == door.good
    assert house.rows("SELECT 1 FROM feedback WHERE target = 'turn:'") == []
