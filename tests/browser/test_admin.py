"""The operator's page in a real browser: against a stub that a test decides, and once against a whole bot."""

import asyncio
import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from botcore.testing import chatting
from botcore.training.plan import Plan
from botcore.training.runs import new_run
from tests.adapters.web.stub_server import Stub
from tests.browser.conftest import Watch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SOON = 15_000
"""Milliseconds for what comes with the next look, every two seconds."""
HOSTILE = '<img src=x onerror="alert(1)"><b>bold</b>'
ROWS: dict[str, Any] = {
    "title": "Letters",
    "columns": [["Number", "number"], ["Came", "time"], ["Why", "text"], ["State", "state"], ["What to do", "code"]],
    "rows": [
        [9, 1_800_000_000, "the disk was full", "failed", "botcore dlq retry 9"],
        [10, 1_800_000_100, HOSTILE, "ok", "botcore dlq show 10"],
        [None, 0, "a rather long reason that goes on and on " * 4, "off", ""],
    ],
    "more": 2,
    "empty": "",
}
CURVE: dict[str, Any] = {
    "title": "Loss of sft-1",
    "lines": [
        ["training", [[step, 4 / step] for step in range(1, 41)]],
        ["held out", [[10, 0.5], [20, 0.25], [30, 0.2]]],
    ],
    "x": "step",
    "y": "loss",
    "time": False,
    "empty": "",
}


def figure(name: str, value: Any, kind: str = "text", note: str = "", tone: str = "") -> dict[str, Any]:
    return {"figure": name, "value": value, "kind": kind, "note": note, "tone": tone}


PANELS: dict[str, list[dict[str, Any]]] = {
    "inbox": [figure("Waiting", 1_234), figure("Dead", 3, tone="bad"), ROWS],
    "training": [
        figure("sft-1", "running", "state", "on starter", ""),
        figure("Progress", 0.62, "share", "about 8 min left"),
        CURVE,
        {"title": "Runs", "columns": [["Run", "text"]], "rows": [], "more": 0, "empty": "Try `botcore train sft`."},
    ],
}


async def open_admin(page: Page, stub: Stub) -> None:
    stub.panels |= PANELS
    await page.goto(f"{stub.url}admin")
    await page.get_by_role("heading", name="Inbox").wait_for()


@pytest_asyncio.fixture(loop_scope="session")
async def page(context: BrowserContext, watch: Watch) -> Page:
    """An empty page, under watch: the chat's need not be loaded first."""
    page = await context.new_page()
    watch.on(page)
    return page


@pytest.fixture
def panel(page: Page) -> Any:
    return lambda name: page.get_by_role("region", name=name, exact=True)


def cells(panel: Locator, column: int) -> Locator:
    return panel.locator(f"tbody tr > :nth-child({column})")


async def test_panels_are_drawn_from_their_data(page: Page, stub: Stub, panel: Any) -> None:
    await open_admin(page, stub)
    await expect(panel("Inbox").locator(".tile").first).to_have_text("Waiting1,234")
    await expect(panel("Inbox")).to_contain_text("… and 2 more.")
    await expect(panel("Training").locator(".empty code")).to_have_text("botcore train sft")
    await expect(panel("Training").get_by_role("progressbar", name="Progress")).to_have_attribute("value", "0.62")
    await expect(page.get_by_role("navigation", name="Panels").get_by_role("link")).to_have_text(["Inbox", "Training"])
    assert await page.title() == "Operator · botcore"


async def test_what_a_panel_says_is_text_and_nothing_else(page: Page, stub: Stub, panel: Any) -> None:
    stub.panels["odd"] = [
        figure(HOSTILE, HOSTILE, note=HOSTILE),
        {**CURVE, "title": HOSTILE, "lines": [[HOSTILE, [[1, 2]]]]},
    ]
    await open_admin(page, stub)
    await expect(cells(panel("Inbox"), 3).nth(1)).to_have_text(HOSTILE)
    await expect(panel("Odd")).to_contain_text(HOSTILE)
    assert await page.locator("main img, main b").count() == 0


async def test_a_column_sorts_both_ways_by_keyboard(page: Page, stub: Stub, panel: Any) -> None:
    await open_admin(page, stub)
    number = panel("Inbox").get_by_role("button", name="Number")
    await number.press("Enter")
    await expect(cells(panel("Inbox"), 1)).to_have_text(["9", "10", "–"])
    await number.press("Enter")
    await expect(cells(panel("Inbox"), 1)).to_have_text(["10", "9", "–"])
    await expect(panel("Inbox").get_by_role("columnheader").first).to_have_attribute("aria-sort", "descending")


async def test_a_curve_has_its_points_for_eye_hand_and_ear(page: Page, stub: Stub, panel: Any) -> None:
    await open_admin(page, stub)
    chart = panel("Training").get_by_role("figure", name="Loss of sft-1")
    drawn = await chart.locator(".drawing path.line-0").get_attribute("d")
    assert drawn
    assert drawn.count("L") == 39
    await expect(chart.get_by_role("img")).to_have_attribute(
        "aria-label", "Loss of sft-1, loss by step. Newest at step 40: training 0.1, held out 0.2"
    )
    slider = chart.get_by_role("slider", name="Loss of sft-1: read the values")
    await slider.press("Home")
    await expect(slider).to_have_attribute("aria-valuetext", "step 1: training 4, held out –")
    for _ in range(19):
        await slider.press("ArrowRight")
    await expect(chart.locator(".legend")).to_contain_text("held out 0.25")
    await expect(chart.locator("circle.spot")).to_have_count(2)
    box = await chart.get_by_role("img").bounding_box()
    assert box
    await page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 50)
    await expect(chart.locator(".cursor")).to_have_count(1)
    await chart.get_by_text("Values as a table").press("Enter")
    await expect(chart.get_by_role("row")).to_have_count(41)
    await expect(chart.get_by_role("row").nth(20)).to_have_text("200.20.25")


async def test_a_single_moment_stands_in_the_middle_of_an_hour(page: Page, stub: Stub, panel: Any) -> None:
    lines = [["turns", [[1_800_000_000, 3]]]]
    stub.panels["training"] = [{**CURVE, "title": "Turns by the minute", "time": True, "lines": lines}]
    await page.goto(f"{stub.url}admin")
    drawing = panel("Training").locator("svg[role=img]")
    await expect(drawing.locator("circle.spot")).to_have_count(1)
    told = await drawing.locator("text.tick[text-anchor=middle]").all_text_contents()
    assert 3 <= len(told) == len(set(told)) <= 13
    edges = await drawing.locator("text.tick[text-anchor=middle]").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert all(left[1] < right[0] for left, right in pairwise(edges)), "written over each other"


async def test_a_panel_that_fails_says_why_and_the_others_stand(
    page: Page, stub: Stub, panel: Any, watch: Watch
) -> None:
    watch.expected.append("503")
    stub.refuse["training"] = (503, "panel", "training made a mistake here: KeyError")
    await open_admin(page, stub)
    await expect(panel("Training").get_by_role("status")).to_have_text("Training made a mistake here: KeyError.")
    await expect(panel("Inbox").locator(".tile")).to_have_count(2)


async def until_read(page: Page, tile: Locator, text: str) -> None:
    """Let the page's clock go on until it has read again: a question that was on its way tells of before."""
    for last in [False] * 7 + [True]:
        await page.clock.run_for(2_100)
        try:
            await expect(tile).to_have_text(text, timeout=2_000)
            break
        except AssertionError:
            if last:
                raise


async def test_it_follows_what_happens_and_rests_while_nobody_looks(page: Page, stub: Stub, panel: Any) -> None:
    await page.clock.install()
    await open_admin(page, stub)
    await expect(panel("Inbox").locator(".tile").first).to_have_text("Waiting1,234")
    stub.panels["inbox"] = [figure("Waiting", 7)]
    await until_read(page, panel("Inbox").locator(".tile"), "Waiting7")
    await page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away, configurable: true})")
    await page.evaluate("window.away = true")
    await page.clock.run_for(2_100)
    read = len(stub.reads)
    await page.clock.run_for(60_000)
    assert len(stub.reads) == read
    stub.panels["inbox"] = [figure("Waiting", 8)]
    await page.evaluate("window.away = false; document.dispatchEvent(new Event('visibilitychange'))")
    await until_read(page, panel("Inbox").locator(".tile"), "Waiting8")


async def test_the_key_is_asked_for(page: Page, stub: Stub, panel: Any, watch: Watch) -> None:
    watch.expected.append("401")
    stub.key = "open-sesame-for-the-test"
    stub.panels |= PANELS
    await page.goto(f"{stub.url}admin")
    await page.get_by_label("Access key").fill(stub.key)
    await page.keyboard.press("Enter")
    await expect(panel("Inbox").locator(".tile")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_axe_finds_nothing(
    chromium: Browser, stub: Stub, watch: Watch, scheme: Literal["light", "dark"], width: int
) -> None:
    context = await chromium.new_context(
        viewport={"width": width, "height": 740}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    watch.on(page)
    await open_admin(page, stub)
    await page.get_by_text("Values as a table").click()
    await page.get_by_role("slider").press("Home")
    report = await Axe().run(page)
    found = [one for one in report.response["violations"] if one["impact"] in ("moderate", "serious", "critical")]
    assert [f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in found] == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    await context.close()


async def test_a_run_is_watched_while_it_learns(context: BrowserContext, tmp_path: Path) -> None:
    run = new_run(tmp_path / "data", "sft", Plan(rows="rows.jsonl", base="/models/starter", steps=40), at=1.8e9)
    metrics = run.folder / "metrics.jsonl"

    def learn(*steps: int) -> None:
        with metrics.open("a", encoding="utf-8") as file:
            for step in steps:
                file.write(json.dumps({"kind": "step", "step": step, "loss": 4 / step, "progress": step / 40}) + "\n")

    learn(*range(1, 21))
    run.change(state="running")
    with run.alone():
        async with chatting(tmp_path / "data", settings={"channels.web": {"enabled": True}}) as chat:
            page = await context.new_page()
            watch = Watch(chat.bot.address.removeprefix("http://"))
            watch.on(page)
            await page.goto(f"{chat.bot.address}/admin")
            training = page.get_by_role("region", name="Training", exact=True)
            await expect(training.get_by_role("progressbar")).to_have_attribute("value", "0.5")
            await asyncio.to_thread(learn, *range(21, 31))
            await expect(training.get_by_role("progressbar")).to_have_attribute("value", "0.75", timeout=SOON)
            await expect(training.locator(".legend")).to_contain_text("newest step 30")
            await expect(page.get_by_role("region", name="Health", exact=True)).to_contain_text("ready")
            assert watch.verdict() == []
