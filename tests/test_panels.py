"""Panels: what their data becomes, and how the port serves them."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from botcore import BotcoreError, Figure, Rows, Series, Widget
from botcore.http import Http, Panels
from botcore.panels import POINTS, ROWS, TEXT, Read, as_json, thinned
from botcore.registry import Panel
from botcore.settings import HttpSettings
from botcore.testing import ManualClock

KEY = "correct-horse-battery-staple"
SECRET_IN_A_BUG = "xoxb-this-must-not-reach-a-stranger"


# ------------------------------------------------------------------ data


def test_widgets_become_plain_json() -> None:
    widgets: list[Widget] = [
        Figure(name="Waiting", value=3, note="messages", tone="warn"),
        Rows(title="Dice", columns={"Side": "number", "Seen": "time"}, rows=[(6, 1.5)], empty="Throw one."),
        Series(title="Loss", lines={"training": [(1, 2.5), (2, 2.0)]}, x="step", y="loss"),
    ]
    assert as_json(widgets) == [
        {"figure": "Waiting", "value": 3, "kind": "text", "note": "messages", "tone": "warn"},
        {
            "title": "Dice",
            "columns": [["Side", "number"], ["Seen", "time"]],
            "rows": [[6, 1.5]],
            "more": 0,
            "empty": "Throw one.",
        },
        {
            "title": "Loss",
            "lines": [["training", [(1, 2.5), (2, 2.0)]]],
            "x": "step",
            "y": "loss",
            "time": False,
            "empty": "",
        },
    ]


def test_everything_in_it_is_bounded() -> None:
    rows = Rows(columns={str(n): "text" for n in range(50)}, rows=[("x" * 9_999,)] * (ROWS + 7))
    series = Series(lines={"line": [(float(n), float(n % 7)) for n in range(10_000)]})
    [table, curve] = as_json([rows, series])
    assert (len(table["rows"]), table["more"], len(table["columns"])) == (ROWS, 7, 12)
    assert table["rows"][0][0] == "x" * (TEXT - 1) + "…"
    assert len(curve["lines"][0][1]) == POINTS


def test_a_number_that_is_none_is_no_number() -> None:
    [figure, curve] = as_json(
        [Figure(name="Loss", value=math.nan), Series(lines={"loss": [(1, math.inf), (2, 3.0), (3, math.nan)]})]
    )
    assert figure["value"] is None
    assert curve["lines"] == [["loss", [(2, 3.0)]]]


@pytest.mark.parametrize("returned", [{"rows": []}, "words", [{"rows": []}], ["words"]])
def test_what_is_no_widget_is_named(returned: Any) -> None:
    with pytest.raises(TypeError, match=r"return (a list of )?Figure, Rows and Series"):
        as_json(returned)


def test_a_thinned_line_keeps_its_ends_its_order_and_its_spikes() -> None:
    points = [(float(n), 100.0 if n == 4_321 else math.sin(n / 300)) for n in range(9_999)]
    kept = thinned(points, 100)
    assert len(kept) == 100
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert kept == sorted(kept)
    assert (4_321.0, 100.0) in kept
    assert set(kept) <= set(points)
    assert thinned(points[:3], 3) == points[:3]


# ------------------------------------------------------------------ on the port


class Asked:
    """A panel that counts how often it is read."""

    def __init__(self, *widgets: Widget) -> None:
        self.widgets: Any = list(widgets) or [Figure(name="Dice", value=6)]
        self.error: BaseException | None = None
        self.hold: asyncio.Event | None = None
        self.entered = asyncio.Event()
        self.times = 0

    async def read(self) -> Any:
        self.times += 1
        self.entered.set()
        if self.hold:
            await self.hold.wait()
        if self.error:
            raise self.error
        return self.widgets


class Port:
    """A running port with panels on it."""

    def __init__(self, address: str, clock: ManualClock, client: aiohttp.ClientSession) -> None:
        self.clock = clock
        self._address = address
        self._client = client

    async def asks(self, path: str = "/api/panels/dice", **more: Any) -> tuple[int, Any]:
        async with self._client.get(self._address + path, **more) as response:
            return response.status, await response.json()


@asynccontextmanager
async def serving(panels: Mapping[str, Read], **settings: Any) -> AsyncIterator[Port]:
    clock = ManualClock()
    served = Panels({id: Panel(id=id, title=id.title(), read=read, owner="dice") for id, read in panels.items()}, clock)

    async def ready() -> Mapping[str, str]:
        return {}

    http = HttpSettings.model_validate({"port": 0, **settings})
    async with (
        Http(http, clock=clock, routes=served.routes(), ready=ready, metrics=bytes) as port,
        aiohttp.ClientSession() as client,
    ):
        yield Port(port.address, clock, client)


async def test_panels_are_listed_and_read() -> None:
    async with serving({"dice": Asked().read}) as port:
        assert await port.asks("/api/panels") == (200, {"panels": [{"id": "dice", "title": "Dice", "owner": "dice"}]})
        status, body = await port.asks()
        assert (status, body["widgets"][0]["figure"]) == (200, "Dice")
        status, body = await port.asks("/api/panels/cards")
        assert (status, body["error"]["code"]) == (404, "not_found")


async def test_panels_are_for_those_who_have_the_key() -> None:
    panel = Asked()
    async with serving({"dice": panel.read}, key=KEY) as port:
        for path in ("/api/panels", "/api/panels/dice"):
            status, body = await port.asks(path)
            assert (status, body["error"]["code"]) == (401, "login")
        assert panel.times == 0
        assert (await port.asks(headers={"Authorization": f"Bearer {KEY}"}))[0] == 200


async def test_many_who_look_are_one_reading_a_second() -> None:
    panel = Asked()
    panel.hold = asyncio.Event()
    async with serving({"dice": panel.read}) as port, asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(port.asks())
        await panel.entered.wait()
        panel.hold.set()
    assert panel.times == 1
    async with serving({"dice": panel.read}) as port:
        await port.asks()
        await port.clock.advance(1.1)
        await port.asks()
    assert panel.times == 3


async def test_a_panel_that_fails_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    broken, whole = Asked(), Asked()
    broken.error = KeyError(SECRET_IN_A_BUG)
    async with serving({"dice": broken.read, "cards": whole.read}) as port:
        for _ in range(3):
            status, body = await port.asks()
            assert (status, body["error"]["code"]) == (503, "panel")
            assert body["error"]["message"] == "dice made a mistake here: KeyError; the bot's log says more"
            await port.clock.advance(1.1)
        assert (await port.asks("/api/panels/cards"))[0] == 200
        assert len([one for one in caplog.records if one.levelno >= logging.WARNING]) == 1
        broken.error = BotcoreError("the table is not laid yet; try again in a moment")
        assert (await port.asks())[1]["error"]["message"] == "the table is not laid yet; try again in a moment"
        await port.clock.advance(1.1)
        broken.error = None
        assert (await port.asks())[0] == 200


async def test_a_panel_that_exits_is_told_as_one_that_fails() -> None:
    panel = Asked()
    panel.error = SystemExit(2)
    async with serving({"dice": panel.read}) as port:
        status, body = await port.asks()
    assert (status, body["error"]["message"]) == (503, "dice made a mistake here: SystemExit; the bot's log says more")


async def test_a_panel_that_does_not_answer_is_given_up() -> None:
    panel = Asked()
    panel.hold = asyncio.Event()
    async with serving({"dice": panel.read}) as port, asyncio.TaskGroup() as group:
        asking = group.create_task(port.asks())
        await panel.entered.wait()
        await port.clock.advance(5.0)
        status, body = await asking
        assert (status, body["error"]["message"]) == (503, "dice did not answer within 5 s")


async def test_what_is_no_widget_is_the_panels_error() -> None:
    panel = Asked()
    panel.widgets = {"rows": []}
    async with serving({"dice": panel.read}) as port:
        assert (await port.asks())[0] == 503
