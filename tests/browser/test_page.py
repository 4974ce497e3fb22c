"""The chat page in a real browser, against a server whose every step the test decides."""

import asyncio
import re
from typing import Any, Literal

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from botcore.testing import until
from tests.adapters.web.stub_server import Script, Stub
from tests.browser.conftest import Watch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

TALK = "conversation-of-the-test-1"
STOPPING = {"error": {"code": "stopping", "message": "The bot is stopping."}}
SOURCES = [
    {"number": 1, "title": "How to write a plugin", "snippet": "One class.", "source": "plugins/README.md", "page": 0},
    {"number": 2, "title": "Site", "snippet": "A page.", "source": "https://example.org/page", "page": 12},
]
HIDDEN = "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
SEEN = "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))"
RICH = (
    "## Plugins\n\nA plugin is **one class** [1] with *hooks* [1, 2], see [the site](https://example.org/a) [7].\n\n"
    "- first\n- [x] second\n\n| hook | who wins |\n|---|---:|\n| reply | first |\n\n"
    '```python\ndef reply(turn):\n    return "[1] <b>stays</b>"\n```\n\n> quoted\n\n7. seventh\n8. eighth\n\nThe end.'
)


async def say(page: Page, text: str) -> None:
    await page.get_by_label("Message to botcore").fill(text)
    await page.keyboard.press("Enter")


def replies(page: Page) -> Locator:
    return page.get_by_role("article", name="Reply from botcore")


async def open_talk(page: Page, stub: Stub, talk: str = TALK) -> None:
    await page.goto(f"{stub.url}#/c/{talk}")
    await page.reload()


async def leave_no_time_to_undo(page: Page) -> None:
    await page.evaluate("""() => {
      const real = window.setTimeout;
      window.setTimeout = (run, ms) => real(run, ms === 10_000 ? 0 : ms);
    }""")


async def let_requests_be_late(page: Page) -> None:
    """From now on a request is given up when the test calls ``late()`` in the page, and no sooner."""
    await page.evaluate("""() => {
      const limits = [];
      AbortSignal.timeout = () => limits[limits.push(new AbortController()) - 1].signal;
      window.late = () => limits.forEach((one) => one.abort(new DOMException("late", "TimeoutError")));
    }""")


# ------------------------------------------------------------------ streaming


async def test_a_reply_grows_word_by_word_and_stays_when_it_is_committed(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("One two three four.", hold_after=2))
    await say(page, "Count")
    await expect(replies(page)).to_contain_text("One two")
    await expect(replies(page)).to_have_attribute("aria-busy", "true")
    stub.go.set()
    await expect(replies(page)).to_contain_text("One two three four.")
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)


async def test_a_finished_block_is_not_drawn_again(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("First block.\n\nSecond block grows and grows.", hold_after=3))
    await say(page, "Go")
    first = replies(page).locator(".block").first
    await expect(replies(page).locator(".block")).to_have_count(2)
    await first.evaluate("element => { element.marked = true }")
    stub.go.set()
    await expect(replies(page)).to_contain_text("and grows.")
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    assert await first.evaluate("element => element.marked === true")
    await expect(replies(page).locator(".block")).to_have_count(2)


async def test_markdown_is_drawn_the_same_streamed_and_loaded(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script(RICH, citations=SOURCES))
    await say(page, "Plugins?")
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    streamed = await replies(page).locator(".markdown").inner_html()
    await page.reload()
    await expect(replies(page).locator("table")).to_be_visible()
    assert await replies(page).locator(".markdown").inner_html() == streamed
    await expect(replies(page).locator(".hljs-keyword").first).to_have_text("def")
    await expect(replies(page).locator("td[align=right]")).to_have_text("first")
    await expect(replies(page).locator("ol[start='7'] li")).to_have_count(2)


async def test_a_reply_nested_without_end_is_shown(page: Page, stub: Stub) -> None:
    stub.put(TALK, "assistant", f"First.\n\n{'> ' * 3000}down\n\n- one\n{'- ' * 3000}below\n\nThe end.")
    await open_talk(page, stub)
    for words in ("First.", "down", "below", "The end."):
        await expect(replies(page)).to_contain_text(words)


async def test_offsets_count_code_points(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("👩‍🚀 🚀🚀 done 🎉 truly."))
    await say(page, "Rockets")
    await expect(replies(page)).to_contain_text("👩‍🚀 🚀🚀 done 🎉 truly.")


async def test_stop_ends_the_reply_and_keeps_what_was_said(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun but never ended.", hold_after=2))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Begun but")
    await page.get_by_role("button", name="Stop the reply").click()
    await expect(replies(page).locator(".mark")).to_have_text("Stopped")
    await expect(replies(page)).to_contain_text("Begun but")
    await expect(replies(page)).not_to_contain_text("never")
    await expect(page.get_by_role("button", name="Send")).to_be_visible()


async def test_the_keyboard_stays_on_the_page_where_a_button_goes(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.scripts.append(Script("Begun but never ended.", hold_after=1))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Begun")
    await page.get_by_role("button", name="Stop the reply").press("Enter")
    await expect(replies(page)).to_contain_text("Stopped")
    await expect(page.get_by_label("Message to botcore")).to_be_focused()
    stub.refuse["messages"] = (503, "full", "Not now.")
    await say(page, "Refused")
    await page.get_by_role("button", name="Discard").press("Enter")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)
    await expect(page.get_by_role("log")).to_be_focused()


async def test_the_keyboard_is_on_the_field_when_the_reply_ends_before_stop_is_pressed(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun and ended.", hold_after=1))
    await say(page, "Go")
    await page.get_by_role("button", name="Stop the reply").focus()
    stub.go.set()
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    await expect(page.get_by_label("Message to botcore")).to_be_focused()


async def test_the_keyboard_is_in_the_conversation_when_what_it_is_on_goes_by_itself(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    await page.evaluate("""() => {
      const real = window.setTimeout;
      window.setTimeout = (run, ms) => (ms === 6000 ? (window.late = run) : real(run, ms));
    }""")
    await say(page, "/stop")
    await page.get_by_role("button", name="Dismiss").focus()
    await page.evaluate("late()")
    await expect(page.get_by_role("log")).to_be_focused()
    stub.refuse["events"] = (503, "starting", "Try again.")
    stub.drop()
    await page.get_by_role("button", name="Try now").focus()
    stub.refuse.clear()
    await page.evaluate("import('/static/lib/chat.js').then((chat) => chat.reconnect())")
    await expect(page.get_by_text("Connection lost")).to_have_count(0)
    await expect(page.get_by_role("log")).to_be_focused()


async def test_the_keyboard_finds_what_takes_the_place_of_a_button(page: Page, stub: Stub) -> None:
    stub.put("talk-of-apples-00000001", "user", "About apples", ago=60)
    stub.put("talk-of-pears-000000002", "user", "About pears", ago=200_000)
    stub.scripts.append(Script("Long. " * 2000, hold_after=1990))
    await page.reload()
    await page.get_by_role("button", name="Hide conversations").press("Enter")
    await expect(page.get_by_role("button", name="Show conversations")).to_be_focused()
    await page.get_by_role("button", name="Show conversations").press("Enter")
    await expect(page.get_by_role("button", name="Hide conversations")).to_be_focused()
    await page.get_by_role("button", name="Delete “About apples”").press("Enter")  # alone under its heading
    await expect(page.get_by_role("link", name="About pears")).to_be_focused()
    await page.get_by_role("button", name="Dismiss").press("Enter")
    await expect(page.get_by_role("log")).to_be_focused()
    await page.get_by_role("button", name="How do I write a plugin?").press("Enter")
    await expect(page.get_by_role("log")).to_be_focused()
    await page.get_by_role("log").evaluate("log => log.scrollTo(0, 0)")
    await page.get_by_role("button", name="Latest").press("Enter")
    await expect(page.get_by_role("button", name="Latest")).to_have_count(0)
    await expect(page.get_by_role("log")).to_be_focused()
    stub.go.set()
    await page.get_by_role("button", name="Bad reply").press("Enter")
    await page.get_by_role("button", name="Close without a reason").press("Enter")
    await page.get_by_role("button", name="Say why").press("Enter")
    await expect(page.locator(".why")).to_be_visible()
    await expect(page.get_by_role("button", name="Say why")).to_be_focused()


async def test_a_stream_that_looked_before_a_message_was_sent_does_not_take_it_away(
    context: BrowserContext, stub: Stub
) -> None:
    stub.tell = asyncio.Semaphore(0)
    stub.scripts.append(Script("Heard."))
    page = await context.new_page()
    await page.goto(stub.url)
    await until(lambda: stub.cursors)
    stub.set_engine(stage="failed")
    await say(page, "Do you hear me?")
    await expect(page.get_by_role("button", name="Stop the reply")).to_be_visible()
    for _ in ("waiting: nothing", "engine: ready", "engine: failed"):
        stub.tell.release()
    await expect(page.get_by_role("button", name="Ready")).to_have_count(0)
    await expect(page.get_by_role("button", name="Stop the reply")).to_be_visible()
    for _ in ("pending", "draft", "draft", "entry", "entry"):
        stub.tell.release()
    await expect(replies(page)).to_contain_text("Heard.")


async def test_a_message_that_a_later_stream_does_not_know_is_gone(page: Page, stub: Stub) -> None:
    await until(lambda: stub.cursors)
    stub.scripts.append(Script("Heard.", hold_after=0))
    stub.tell = asyncio.Semaphore(0)
    await say(page, "Do you hear me?")
    await expect(page.get_by_role("button", name="Stop the reply")).to_be_visible()
    talk = next(talk for talk in stub.talks.values() if talk.pending)
    talk.pending, talk.draft = [], None  # as after a forget
    stub.tell = None
    await page.evaluate("import('/static/lib/chat.js').then((chat) => chat.wake(true))")
    await expect(page.get_by_role("button", name="Stop the reply")).to_have_count(0)


async def test_a_double_click_on_send_does_not_stop_the_reply(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun and ended.", hold_after=1))
    await page.get_by_label("Message to botcore").fill("Go")
    await page.get_by_role("button", name="Send").hover()
    await page.mouse.down()
    await page.mouse.up()
    await page.get_by_role("button", name="Stop the reply").hover()  # where Send was, once nothing moves any more
    await page.mouse.down(click_count=2)
    await page.mouse.up(click_count=2)
    await expect(page.get_by_label("Message to botcore")).to_be_focused()
    stub.go.set()
    await expect(replies(page)).to_contain_text("Begun and ended.")
    await expect(replies(page).locator(".mark")).to_have_count(0)


async def test_escape_in_the_search_empties_it_and_stops_nothing(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun and ended.", hold_after=1))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Begun")
    await page.get_by_label("Search conversations").fill("pears")
    await page.get_by_label("Search conversations").press("Escape")
    await expect(page.get_by_label("Search conversations")).to_have_value("")
    await expect(page.get_by_role("button", name="Stop the reply")).to_be_visible()
    stub.go.set()
    await expect(replies(page)).to_contain_text("Begun and ended.")


async def test_escape_stops(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun but never ended.", hold_after=1))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Begun")
    await page.keyboard.press("Escape")
    await expect(replies(page)).to_contain_text("Stopped")


async def test_stop_in_words_stops_as_well(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun but never ended.", hold_after=1))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Begun")
    await say(page, "/Stop")
    await expect(replies(page)).to_contain_text("Stopped")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)


async def test_stop_in_words_waits_for_no_reply_where_nothing_runs(page: Page, stub: Stub) -> None:
    await say(page, "/stop")
    await expect(page.get_by_role("status").filter(has_text="Nothing is running.")).to_be_visible()
    await expect(page.get_by_role("article")).to_have_count(0)
    await expect(page.get_by_label("Message to botcore")).to_have_value("")


async def test_a_second_message_waits_in_line(page: Page, stub: Stub) -> None:
    stub.scripts.extend([Script("First answer.", hold_after=1), Script("Second answer.")])
    await say(page, "one")
    await expect(replies(page)).to_contain_text("First")
    await say(page, "two")
    await expect(page.get_by_text("Next in line")).to_be_visible()
    stub.go.set()
    await expect(replies(page).nth(1)).to_contain_text("Second answer.")
    lines = await page.locator("article").evaluate_all(
        "all => all.map(one => one.querySelector('.bubble, .markdown').innerText)"
    )
    assert lines == ["one", "First answer.", "two", "Second answer."]


async def test_waiting_shows_the_note(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Now.", hold_after=0, note="waiting for the engine…"))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("waiting for the engine…")
    stub.go.set()
    await expect(replies(page)).to_contain_text("Now.")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("refused", "Refused"), ("failed", "This reply failed"), ("dead", "This message could not be handled")],
)
async def test_other_endings_are_marked_with_their_reason(page: Page, stub: Stub, outcome: str, words: str) -> None:
    stub.scripts.append(Script("", outcome=outcome, reason="because of the test"))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text(words)
    await expect(replies(page)).to_contain_text("because of the test")


async def test_a_failed_reply_can_be_asked_for_again(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("", outcome="failed", reason="The engine went away."))
    await say(page, "Still there?")
    await page.get_by_role("button", name="Ask again").click()
    await expect(replies(page).nth(1)).to_contain_text("Understood.")
    await expect(page.get_by_role("button", name="Ask again")).to_have_count(0)
    assert [post["text"] for post in stub.posts] == ["Still there?", "Still there?"]
    assert len({post["id"] for post in stub.posts}) == 2


# ------------------------------------------------------------------ nothing is lost


async def test_a_reload_in_the_middle_loses_nothing(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Half now, half later.", hold_after=2))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Half now,")
    await page.reload()
    await expect(page.get_by_role("article", name="You")).to_contain_text("Go")
    await expect(replies(page)).to_contain_text("Half now,")
    stub.go.set()
    await expect(replies(page)).to_contain_text("Half now, half later.")
    await expect(replies(page)).to_have_count(1)
    await expect(page.get_by_role("article", name="You")).to_have_count(1)


async def test_a_broken_connection_is_taken_up_where_it_broke(page: Page, stub: Stub) -> None:
    await say(page, "Warm up")
    await expect(replies(page)).to_contain_text("Understood.")
    stub.scripts.append(Script("Half now, half later.", hold_after=2))
    await say(page, "Go")
    await expect(replies(page).nth(1)).to_contain_text("Half now,")
    stub.drop()
    await expect(replies(page).nth(1)).to_contain_text("Half now,")
    stub.go.set()
    await expect(replies(page).nth(1)).to_contain_text("Half now, half later.")
    await expect(replies(page).nth(1)).to_have_attribute("aria-busy", "false")
    await expect(replies(page)).to_have_count(2)
    assert int(stub.cursors[-1]) > 0


async def test_what_was_forgotten_elsewhere_is_no_longer_awaited(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Begun but never ended.", hold_after=1))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Begun")
    [talk] = stub.talks.values()
    talk.pending.clear()
    talk.draft = None
    stub.drop()  # as the server does where another tab deletes the conversation
    await expect(page.get_by_role("button", name="Stop the reply")).to_have_count(0)
    await expect(replies(page)).to_have_count(0)


async def test_a_proxy_without_a_bot_behind_it_deletes_no_conversation(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.put(TALK, "assistant", "Still here.")
    await open_talk(page, stub)
    await expect(replies(page)).to_contain_text("Still here.")
    stub.refuse |= dict.fromkeys(("events", TALK), (404, "", "404 page not found"))
    stub.drop()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    stub.refuse.clear()
    await page.get_by_role("button", name="Try now").click()
    await expect(replies(page)).to_contain_text("Still here.")


async def test_a_lost_server_is_said_and_found_again(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.refuse["events"] = (503, "starting", "Try again.")
    stub.drop()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    stub.refuse.clear()
    await page.get_by_role("button", name="Try now").click()
    await expect(page.get_by_text("Connection lost")).to_have_count(0)
    await expect(page.get_by_role("status").filter(has_text="Connected again.")).to_have_count(1)
    await expect(page.get_by_role("log")).to_be_focused()
    await say(page, "Back?")
    await expect(replies(page)).to_contain_text("Understood.")


async def test_a_tab_too_many_says_what_helps_and_goes_on_when_another_is_closed(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    stub.refuse["events"] = (429, "tabs", "20 tabs are open.")
    stub.drop()
    await expect(page.get_by_text("This page is open in too many tabs of this browser.")).to_be_visible()
    await say(page, "Anybody?")
    stub.refuse.clear()
    await page.get_by_role("button", name="Try now").click()
    await expect(replies(page)).to_contain_text("Understood.")
    await expect(page.get_by_text("too many tabs")).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "message", "told"),
    [
        (429, "too many wait; send it again in a moment", "Too many wait; send it again in 60 s."),
        (503, "the disk is busy: try again later", "The disk is busy: try again in 60 s."),
        (503, "the disk is full", "The disk is full. Try again in 60 s."),
        (503, "The disk is full.", "The disk is full. Try again in 60 s."),
        (413, "the text is too long; shorten it", "The text is too long; shorten it."),
        (500, "something broke!", "Something broke!"),
    ],
)
async def test_why_something_was_not_sent_and_when_to_try_again_are_said_once_in_sentences(
    page: Page, stub: Stub, watch: Watch, status: int, message: str, told: str
) -> None:
    watch.expected.append("Failed to load resource")
    stub.refuse["messages"] = (status, "code", message)
    await say(page, "Hello")
    await expect(page.locator(".unsent > span")).to_have_text(f"Not sent. {told}")
    await expect(page.locator("[aria-live=polite]")).to_have_text(f"Not sent. {told}")


async def test_a_failed_send_is_kept_and_sent_again_as_the_same_message(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.refuse["messages"] = (503, "full", "The inbox is full.")
    await say(page, "Precious words")
    await expect(page.get_by_role("article", name="You")).to_contain_text("Not sent. The inbox is full.")
    stub.refuse.clear()
    await page.get_by_role("button", name="Retry").click()
    await expect(replies(page)).to_contain_text("Understood.")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)
    assert len(stub.posts) == 1


async def test_what_a_restart_refused_is_sent_when_the_bot_is_back_wherever_one_is(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    stub.refuse["messages"] = (503, "stopping", "The bot is stopping.")
    for number, text in enumerate(("First words", "Second words")):
        await say(page, text)
        await expect(page.locator(".unsent").nth(number)).to_contain_text("The bot is stopping.")
    await page.get_by_role("button", name="New chat").click()
    await expect(page.get_by_role("article", name="You")).to_have_count(0)
    stub.refuse.clear()
    stub.drop()
    await until(lambda: len(stub.posts) == 2)
    assert [post["text"] for post in stub.posts] == ["First words", "Second words"]


async def test_what_waits_is_sent_before_what_is_said_next_and_what_failed_for_good_is_not(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    for number, (status, text) in enumerate(((413, "Far too many words"), (503, "First words"))):
        stub.refuse["messages"] = (status, "no", "Not like this.")
        await say(page, text)
        await expect(page.locator(".unsent").nth(number)).to_contain_text("Not like this.")
    stub.refuse.clear()
    await say(page, "Second words")
    await expect(replies(page)).to_have_count(2)
    assert [post["text"] for post in stub.posts] == ["First words", "Second words"]
    await expect(page.locator(".unsent")).to_have_count(1)


async def test_a_line_that_a_restart_refused_holds_back_what_was_said_in_the_same_breath(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    both_said = asyncio.Event()

    async def refuse_first(route: Any) -> None:
        await both_said.wait()
        await route.fulfill(status=503, json=STOPPING)

    await page.route("**/messages", refuse_first, times=1)
    await say(page, "One")
    await say(page, "Two")
    both_said.set()
    for number in range(2):
        await expect(page.locator(".unsent").nth(number)).to_contain_text("The bot is stopping.")
    assert stub.posts == []
    stub.drop()  # the reconnect sends both
    await expect(replies(page)).to_have_count(2)
    assert [post["text"] for post in stub.posts] == ["One", "Two"]


async def test_a_line_sent_again_goes_before_a_later_one_that_already_stands_in_line(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    may_go = {text: asyncio.Event() for text in ("One", "Elsewhere")}
    refused: list[str] = []

    async def slow(route: Any) -> None:
        text = route.request.post_data_json["text"]
        if text in may_go:
            await may_go[text].wait()
        if text != "One" or refused:
            await route.continue_()
            return
        refused.append(text)
        await route.fulfill(status=503, json=STOPPING)

    await page.route("**/messages", slow)
    await say(page, "One")
    await page.get_by_role("button", name="New chat").click()
    await until(lambda: len(stub.cursors) == 2)
    await say(page, "Elsewhere")
    await page.get_by_role("link", name="One").click()
    await until(lambda: len(stub.cursors) == 3)  # none opens later, and tries again before its time
    await say(page, "Two")
    may_go["One"].set()
    await expect(page.locator(".unsent")).to_have_count(1)
    stub.drop()  # the reconnect sends it again, while the other conversation's line is still on its way
    await expect(page.locator(".unsent")).to_have_count(0)
    may_go["Elsewhere"].set()
    await until(lambda: len(stub.posts) == 3)
    assert [post["text"] for post in stub.posts] == ["Elsewhere", "One", "Two"]


async def test_lines_said_in_a_breath_arrive_in_their_order(page: Page, stub: Stub) -> None:
    both_said = asyncio.Event()

    async def slow_first(route: Any) -> None:
        if route.request.post_data_json["text"] == "One":
            await both_said.wait()
        await route.continue_()

    await page.route("**/messages", slow_first)
    await say(page, "One")
    await say(page, "Two")
    await expect(page.get_by_role("article", name="You")).to_have_count(2)
    both_said.set()
    await expect(replies(page)).to_have_count(2)
    assert [post["text"] for post in stub.posts] == ["One", "Two"]


async def test_an_answer_lost_on_the_way_back_does_not_say_it_twice(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    lost: list[str] = []

    async def lose_first(route: Any) -> None:
        if lost:
            await route.continue_()
            return
        lost.append((await route.fetch()).url)
        await route.abort()

    stub.scripts.append(Script("Once.", hold_after=0))
    await page.route("**/messages", lose_first)
    await say(page, "Say once")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)
    stub.drop()  # the reconnect sends what is unconfirmed again
    stub.go.set()
    await expect(replies(page)).to_contain_text("Once.")
    await expect(page.locator(".unsent")).to_have_count(0)
    await expect(page.get_by_role("article", name="You")).to_have_count(1)
    assert len({post["id"] for post in stub.posts}) == 1


async def test_a_send_that_hangs_is_given_up_and_sent_again_as_the_same_message(page: Page, stub: Stub) -> None:
    await let_requests_be_late(page)
    swallowed: list[str] = []

    async def swallow_first(route: Any) -> None:
        if swallowed:
            await route.continue_()
        swallowed.append(route.request.url)

    await page.route("**/messages", swallow_first)
    await say(page, "Into the dark")
    await expect(page.get_by_role("article", name="You")).to_contain_text("Sending…")
    await until(lambda: swallowed)  # else, given up before it gets here, it would leave the next one to be swallowed
    await page.evaluate("late()")
    await expect(page.get_by_role("article", name="You")).to_contain_text("The server cannot be reached.")
    stub.drop()  # the reconnect sends what is unconfirmed again
    await expect(replies(page)).to_contain_text("Understood.")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)


async def test_a_message_that_arrived_is_not_called_unsent_when_only_the_answer_is_lost(page: Page, stub: Stub) -> None:
    await let_requests_be_late(page)

    async def swallow_the_answer(route: Any) -> None:
        await route.fetch()

    await page.route("**/messages", swallow_the_answer)
    await say(page, "Only the answer is lost")
    await expect(replies(page)).to_contain_text("Understood.")
    await page.evaluate("late()")
    await expect(page.get_by_role("status").filter(has_text="Not sent.")).to_have_count(0)
    await page.unroute("**/messages")
    stub.drop()  # the reconnect sends what is unconfirmed again
    await until(lambda: len(stub.cursors) == 2)
    await say(page, "Next")
    await expect(replies(page)).to_have_count(2)
    assert [post["text"] for post in stub.posts] == ["Only the answer is lost", "Next"]


async def test_what_stands_in_line_is_not_said_in_a_conversation_that_was_deleted(page: Page, stub: Stub) -> None:
    first_may_go = asyncio.Event()

    async def slow_first(route: Any) -> None:
        if route.request.post_data_json["text"] == "One":
            await first_may_go.wait()
        await route.continue_()

    await leave_no_time_to_undo(page)
    await page.route("**/messages", slow_first)
    await say(page, "One")
    await say(page, "Two")
    await page.get_by_role("button", name="Delete “One”").click()
    await until(lambda: stub.deleted)
    await expect(page.get_by_role("link", name="One")).to_have_count(0)
    first_may_go.set()
    await say(page, "Three")
    await expect(replies(page)).to_contain_text("Understood.")
    assert [post["text"] for post in stub.posts] == ["One", "Three"]


async def test_a_page_of_another_network_is_no_answer(page: Page, stub: Stub) -> None:
    async def portal(route: Any) -> None:
        await route.fulfill(status=200, content_type="text/html", body="<h1>Welcome to the hotel</h1>")

    await say(page, "Hello from home")
    await expect(replies(page)).to_contain_text("Understood.")
    await page.route("**/api/**", portal)
    stub.drop()
    await say(page, "Hello from the lobby")
    await expect(page.get_by_role("article", name="You").nth(1)).to_contain_text("The server cannot be reached.")
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await page.unroute("**/api/**")
    await page.get_by_role("button", name="Try now").click()
    await expect(replies(page).nth(1)).to_contain_text("Understood.")


async def test_a_page_that_slept_does_not_trust_its_connection(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Half now, half later.", hold_after=2))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Half now,")
    await page.evaluate("""() => {
      const turn = (hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      };
      turn(true);
      const now = Date.now;
      Date.now = () => now() + 600_000;  // asleep: no timer ran meanwhile
      turn(false);
    }""")
    await until(lambda: len(stub.cursors) == 2)
    stub.go.set()
    await expect(replies(page)).to_contain_text("Half now, half later.")


async def test_a_page_nobody_looks_at_lets_go_and_catches_up(page: Page, stub: Stub) -> None:
    await say(page, "Hello")
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    talk = next(iter(stub.talks))
    await page.evaluate(HIDDEN)
    await page.evaluate("import('/static/lib/chat.js').then((chat) => chat.rest())")
    stub.put(talk, "assistant", "Said meanwhile.")
    await page.evaluate(SEEN)
    await expect(replies(page).nth(1)).to_contain_text("Said meanwhile.")
    assert len(stub.cursors) == 2
    assert stub.cursors[1] != "0"


async def open_in_the_background(context: BrowserContext, stub: Stub, watch: Watch, more: str = "") -> Page:
    page = await context.new_page()
    watch.on(page)
    await page.add_init_script(HIDDEN + more)
    await page.goto(f"{stub.url}#/c/{TALK}")
    return page


async def test_a_page_opened_in_the_background_takes_a_connection_when_it_is_looked_at(
    context: BrowserContext, stub: Stub, watch: Watch
) -> None:
    stub.put(TALK, "assistant", "Said before.")
    page = await open_in_the_background(context, stub, watch)
    await expect(replies(page)).to_contain_text("Said before.")
    stub.put(TALK, "assistant", "Said meanwhile.")
    assert stub.cursors == []
    await page.evaluate(SEEN)
    await expect(replies(page).nth(1)).to_contain_text("Said meanwhile.")


async def test_a_page_opened_in_the_background_while_a_reply_grows_lets_go_after_it(
    page: Page, context: BrowserContext, stub: Stub, watch: Watch
) -> None:
    stub.scripts.append(Script("Half now, half later.", hold_after=2))
    await open_talk(page, stub)
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Half now,")
    await page.close()
    behind = await open_in_the_background(context, stub, watch, "window.setInterval = (run) => (window.minute = run)")
    await expect(replies(behind)).to_contain_text("Half now,")
    stub.go.set()
    await expect(replies(behind)).to_have_attribute("aria-busy", "false")
    heard = len(stub.cursors)
    await behind.evaluate(f"minute(); {SEEN}")
    await until(lambda: len(stub.cursors) == heard + 1)


async def test_a_page_that_missed_more_than_a_stream_catches_up_on_has_no_gap(page: Page, stub: Stub) -> None:
    stub.put(TALK, "assistant", "Before.")
    await open_talk(page, stub)
    await expect(replies(page)).to_contain_text("Before.")
    talk = stub.talk(TALK)
    readers, talk.readers = talk.readers, set()  # the network is away
    for number in range(30):
        stub.put(TALK, "assistant", f"Said meanwhile, {number}.")
    for reader in readers:
        reader.put_nowait(None)
    await expect(replies(page).last).to_contain_text("Said meanwhile, 29.")
    await page.get_by_role("button", name="Show earlier messages").click()
    await expect(replies(page).first).to_contain_text("Before.")
    await expect(replies(page)).to_have_count(31)


async def test_a_page_left_in_the_middle_of_a_reply_lets_go_after_it(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Half now, half later.", hold_after=2))
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Half now,")
    await page.evaluate("""() => {
      window.setInterval = (run) => { window.minute = run; };
      Object.defineProperty(document, "hidden", { value: true, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
      minute();
    }""")
    stub.go.set()
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    await page.evaluate(f"minute(); {SEEN}")
    await until(lambda: len(stub.cursors) == 2)


async def test_what_was_being_typed_survives_a_reload(page: Page, stub: Stub) -> None:
    await page.get_by_label("Message to botcore").fill("the first words of a new cha")
    await page.reload()
    await expect(page.get_by_label("Message to botcore")).to_have_value("the first words of a new cha")
    stub.put(TALK, "user", "Hello", message="m")
    await open_talk(page, stub)
    await page.get_by_label("Message to botcore").fill("half a thou")
    await page.reload()
    await expect(page.get_by_label("Message to botcore")).to_have_value("half a thou")


DRAFTS = """async () => {
  const { emptyThread, grown, withEntry, withPending } = await import("/static/lib/thread.js");
  const { items } = await import("/static/lib/rows.js");
  const piece = (offset, text, message = 1) => ({ message, turn: message, offset, text, phase: "writing", note: "" });
  const line = (message) => ({ message, id: `m${message}`, text: `${message}?`, at: 0, about: "", files: [] });
  const entry = (id, role, text, message = "") => ({ id, role, text, message, outcome: "answered", citations: [] });
  let draft = grown(null, piece(0, "🚀ab"));
  const written = grown(draft, piece(2, "xyz")).text;
  const gap = grown(draft, piece(9, "lost"));
  const fresh = grown(draft, piece(0, "new", 2)).text;
  let thread = withPending(withPending(emptyThread(), line(1)), line(2));
  thread = { ...thread, draft };
  thread = withEntry(withEntry(thread, entry(1, "user", "2?", "m2")), entry(2, "assistant", ""));
  const survives = thread.draft?.text;
  thread = withEntry(withEntry(thread, entry(3, "user", "9?", "m9")), entry(4, "assistant", ""));
  const stays = thread.draft?.text;
  thread = withEntry(withEntry(thread, entry(5, "user", "1?", "m1")), entry(6, "assistant", "🚀abc"));
  const keys = items(withPending(thread, line(3)), []).map((item) => item.key);
  return { written, gap, fresh, survives, stays, over: thread.draft, twice: keys.length - new Set(keys).size };
}"""


async def test_pieces_of_a_draft_fall_into_place(page: Page) -> None:
    found = await page.evaluate(DRAFTS)
    assert found["written"] == "🚀axyz"  # an offset overwrites, counted in code points
    assert found["gap"] is None  # a missing piece is noticed
    assert found["fresh"] == "new"
    assert found["survives"] == "🚀ab"  # a message stopped further down the line does not end the running reply
    assert found["stays"] == "🚀ab"  # nor does one of another tab that was sent and stopped before we heard of it
    assert found["over"] is None
    assert found["twice"] == 0


# ------------------------------------------------------------------ safety

HOSTILE = (
    "<script>window.hit = 1</script>\n\n<img src='https://evil.example/a' onerror='window.hit = 2'>\n\n"
    "![leak](https://evil.example/b.png?secret)\n\n[run](javascript:window.hit=3) [data](data:text/html,x) "
    "[vb](vbscript:x) [rel](//evil.example/c) [fine](https://good.example/d)\n\n"
    "<iframe src=https://evil.example></iframe><form action=https://evil.example><input name=a></form>"
    "<style>body{display:none}</style><svg onload=window.hit=4><a href=javascript:1>x</a></svg>\n\n"
    '[img](https://good.example/"onmouseover="window.hit=5)\n\n'
    "```html\n<script>window.hit = 6</script>\n```\n\n`<img src=x onerror=window.hit=7>`\n\n"
    '```"><img src=x onerror=window.hit=8>\ncode\n```'
)


async def test_a_hostile_reply_is_only_text(page: Page, stub: Stub) -> None:
    evil = {"file": "f", "name": "<img src=x onerror=window.hit=12>.html", "size": 1}
    stub.put(TALK, "user", "<img src=x onerror='window.hit = 9'>", message="m", files=[evil])
    title, source = "<img src=x onerror=window.hit=10>", "javascript:window.hit=11"
    citation = {"number": 1, "title": title, "snippet": "<script>1</script>", "source": source, "page": 3}
    stub.put(TALK, "assistant", HOSTILE + "\n\nAs told [1].", citations=[citation])
    await open_talk(page, stub)
    await expect(replies(page)).to_contain_text("window.hit = 1")
    await page.locator(".cite").click()
    await expect(page.get_by_role("dialog", name="Source 1")).to_contain_text("<script>1</script>")
    body = page.locator("main")
    assert (
        await body.locator(
            "script, img, iframe, form:not(.composer), style, object, embed, .markdown input, [style*=url]"
        ).count()
        == 0
    )
    found = await page.locator("main a, .card a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert all(re.match(r"https://(good|evil)\.example/", href) for href in found), found
    assert [href for href in found if "good" in href]
    handlers = "all => all.flatMap(one => one.getAttributeNames()).filter(name => name.startsWith('on'))"
    assert await page.locator("main *").evaluate_all(handlers) == []
    assert await page.evaluate("window.hit") is None


async def test_a_link_leaves_without_a_trace_and_names_its_host(page: Page, stub: Stub) -> None:
    stub.put(TALK, "assistant", "See [the page](https://example.org/a).")
    await open_talk(page, stub)
    link = replies(page).get_by_role("link")
    await expect(link).to_have_attribute("rel", re.compile("noopener"))
    await expect(link).to_have_attribute("target", "_blank")
    await expect(link).to_contain_text("example.org")


async def test_no_link_looks_as_if_it_led_elsewhere(page: Page, stub: Stub) -> None:
    lie = "[https://bank.example/?to=evil.example](https://evil.example/a)"
    stub.put(TALK, "assistant", f"{lie} and https://example.org/b and [Example.org](https://example.org)")
    await open_talk(page, stub)
    await expect(replies(page).get_by_role("link")).to_have_text(
        ["https://bank.example/?to=evil.example evil.example", "https://example.org/b", "Example.org"]
    )


async def test_a_locked_bot_asks_for_its_key(context: BrowserContext, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.key = "open-sesame"
    page = await context.new_page()
    watch.on(page)
    await page.goto(stub.url)
    await page.get_by_label("Access key").fill("wrong")
    await page.get_by_role("button", name="Enter").click()
    await expect(page.get_by_role("alert")).to_have_text("That is not the key.")
    await page.get_by_label("Access key").fill("open-sesame")
    await page.keyboard.press("Enter")
    await say(page, "Hello")
    await expect(replies(page)).to_contain_text("Understood.")


# ------------------------------------------------------------------ feedback and sources


async def test_a_thumb_is_stored_and_can_be_taken_back(page: Page, stub: Stub) -> None:
    await say(page, "Hello")
    up = page.get_by_role("button", name="Good reply")
    await up.click()
    await expect(up).to_have_attribute("aria-pressed", "true")
    await page.reload()
    await expect(up).to_have_attribute("aria-pressed", "true")
    await up.click()
    await expect(up).to_have_attribute("aria-pressed", "false")
    assert [one["value"] for one in stub.feedback] == [1, 0]
    assert stub.feedback[0]["reply"].startswith("reply-")


async def test_a_thumb_down_asks_why_and_what_was_right_and_works_by_keyboard(page: Page, stub: Stub) -> None:
    await say(page, "Hello")
    down = page.get_by_role("button", name="Bad reply")
    await down.focus()
    await page.keyboard.press("Enter")
    await expect(down).to_have_attribute("aria-pressed", "true")
    chip = page.get_by_role("button", name="Incomplete")
    await chip.focus()
    await page.keyboard.press("Space")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await page.get_by_label("What was wrong?").fill("More words.")
    await page.locator(".why").get_by_role("button", name="Send").press("Enter")
    await expect(page.locator(".why")).to_have_count(0)
    await expect(down).to_be_focused()
    last = stub.feedback[-1]
    assert (last["value"], last["reasons"], last["comment"]) == (-1, ["incomplete"], "More words.")
    assert last["correction"] == ""
    await page.get_by_role("button", name="Say why").press("Enter")
    await page.get_by_role("button", name="Start from the reply").press("Enter")
    right = page.get_by_label("What should it have said?")
    await expect(right).to_be_focused()
    await expect(right).to_have_value("Understood.")
    await right.press("End")
    await page.keyboard.type(" Thank you.")
    await page.locator(".why").get_by_role("button", name="Send").press("Enter")
    await expect(page.locator(".why")).to_have_count(0)
    last = stub.feedback[-1]
    assert (last["value"], last["correction"]) == (-1, "Understood. Thank you.")


async def test_the_last_of_two_quick_verdicts_holds(page: Page, stub: Stub) -> None:
    both_pressed = asyncio.Event()

    async def slow_first(route: Any) -> None:
        if route.request.post_data_json["value"] == 1:
            await both_pressed.wait()
        await route.continue_()

    await say(page, "Judge me")
    await page.route("**/feedback", slow_first)
    await page.get_by_role("button", name="Good reply").click()
    await page.get_by_role("button", name="Bad reply").click()
    both_pressed.set()
    await until(lambda: len(stub.feedback) == 2)
    assert [judgement["value"] for judgement in stub.feedback] == [1, -1]
    await expect(page.get_by_role("button", name="Bad reply")).to_have_attribute("aria-pressed", "true")


async def test_a_refused_thumb_is_undone_and_said(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    await say(page, "Hello")
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    stub.refuse["feedback"] = (503, "full", "The store is busy.")
    await page.get_by_role("button", name="Good reply").click()
    await expect(page.get_by_text("Your rating was not stored: The store is busy.")).to_be_visible()
    await expect(page.get_by_role("button", name="Good reply")).to_have_attribute("aria-pressed", "false")


async def test_citations_show_their_source_and_unknown_numbers_stay_text(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script(RICH, citations=SOURCES))
    await say(page, "Plugins?")
    marks = page.get_by_role("button", name="Source 1: How to write a plugin")
    await expect(marks).to_have_count(2)
    await expect(replies(page)).to_contain_text("[7]")
    await expect(replies(page).locator("pre")).to_contain_text('"[1] <b>stays</b>"')
    await marks.first.press("Enter")
    card = page.get_by_role("dialog", name="Source 1")
    await expect(card).to_contain_text("One class.")
    await expect(card).to_contain_text("plugins/README.md")
    await expect(card).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)
    await expect(marks.first).to_be_focused()
    await page.get_by_role("button", name="Source 2: Site, page 12").press("Enter")
    await expect(page.get_by_role("dialog", name="Source 2")).to_contain_text("p. 12")
    sources = page.get_by_role("region", name="Sources")
    await expect(sources.locator("li").nth(1)).to_contain_text("p. 12")
    await expect(sources.locator("li").first).not_to_contain_text("p.")
    await sources.get_by_text("Site").click()
    await expect(sources.get_by_role("link")).to_have_attribute("href", "https://example.org/page")


async def test_a_long_source_is_read_in_its_card_while_the_conversation_moves(page: Page, stub: Stub) -> None:
    cited = [{"number": 1, "title": "Long", "snippet": "So it is written.\n" * 80, "source": "long.md", "page": 0}]
    stub.put(TALK, "assistant", "Much.\n\n" * 60 + "As told [1].\n\n" + "More.\n\n" * 9, citations=cited)
    await open_talk(page, stub)
    await page.locator(".cite").click()
    card, drawn = page.get_by_role("dialog", name="Source 1"), "new Promise((done) => setTimeout(done, 100))"
    await card.evaluate(f"card => (card.scrollTo(0, 200), {drawn})")
    await expect(card).to_be_visible()
    before = await card.evaluate("card => card.getBoundingClientRect().top")
    await page.get_by_role("log").evaluate(f"log => (log.scrollBy(0, -40), {drawn})")
    assert await card.evaluate("card => card.getBoundingClientRect().top") == before + 40
    await page.get_by_role("log").evaluate("log => log.scrollTo(0, 0)")
    await expect(card).to_have_count(0)
    await expect(page.locator(".cite")).to_be_focused()


REFUSE_TO_COPY = """() => {
  document.execCommand = () => false;
  navigator.clipboard.writeText = () => Promise.reject();
}"""


async def test_what_could_not_be_copied_is_not_said_to_be(page: Page, stub: Stub) -> None:
    stub.put(TALK, "assistant", "Words.")
    await open_talk(page, stub)
    await page.evaluate(REFUSE_TO_COPY)
    await page.get_by_role("button", name="Copy reply").click()
    await expect(page.get_by_text("The browser refused to copy.")).to_be_visible()
    await expect(page.locator("[aria-live=polite]")).to_have_text("")


async def test_copy_gives_the_source_of_the_reply_and_of_the_code(
    page: Page, stub: Stub, context: BrowserContext
) -> None:
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    stub.put(TALK, "assistant", RICH)
    await open_talk(page, stub)
    await page.get_by_role("button", name="Copy the python block").click()
    await expect(page.get_by_role("button", name="Copy the python block")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == 'def reply(turn):\n    return "[1] <b>stays</b>"'
    await page.get_by_role("button", name="Copy reply").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == RICH


# ------------------------------------------------------------------ another answer


async def test_another_answer_takes_the_place_of_the_first(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("First answer."))
    await say(page, "Why?")
    await expect(replies(page)).to_have_attribute("aria-busy", "false")
    await say(page, "/help")
    await expect(replies(page)).to_have_count(2)
    await expect(replies(page).last).to_have_attribute("aria-busy", "false")
    stub.talk(next(iter(stub.talks))).entries[-1]["judgeable"] = False
    await page.reload()
    await expect(replies(page)).to_have_count(2)
    await expect(page.get_by_role("button", name="Good reply")).to_have_count(1)  # a command's reply is not judged
    await page.get_by_role("button", name="Good reply").click()
    stub.scripts.append(Script("Second answer.", hold_after=1))
    await page.get_by_role("button", name="Answer again").press("Enter")
    await expect(replies(page).first).to_contain_text("Second")  # above the command, where it belongs
    await expect(page.get_by_role("button", name="Answer again")).to_have_count(0)
    await expect(page.get_by_role("log")).to_be_focused()
    earlier = page.get_by_role("article", name="Earlier answer from botcore")
    await expect(earlier).to_have_count(1)
    await expect(earlier.get_by_text("First answer.")).to_be_hidden()
    await page.reload()
    await expect(replies(page).first).to_contain_text("Second")
    stub.go.set()
    await expect(replies(page).first).to_contain_text("Second answer.")
    lines = "all => all.map(one => one.querySelector('.bubble, .markdown').textContent.trim())"
    assert await page.locator("article").evaluate_all(lines) == [
        "Why?", "First answer.", "Second answer.", "/help", "Understood.",
    ]  # fmt: skip
    await earlier.get_by_text("Earlier answer").press("Enter")
    await expect(earlier.get_by_text("First answer.")).to_be_visible()
    await expect(earlier.get_by_role("button", name="Good reply")).to_have_attribute("aria-pressed", "true")
    await expect(replies(page).first.get_by_role("button", name="Good reply")).to_have_attribute(
        "aria-pressed", "false"
    )
    await page.reload()
    await expect(replies(page)).to_have_count(2)
    assert [post["text"] for post in stub.posts] == ["Why?", "/help", "/again"]
    assert stub.posts[-1]["about"] == "reply-3"


async def test_who_presses_twice_asks_once(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("", outcome="failed", reason="The engine went away."))
    await say(page, "Why?")
    await page.get_by_role("button", name="Ask again").wait_for()
    on = asyncio.Event()

    async def slow(route: Any) -> None:
        await on.wait()
        await route.continue_()

    await page.route("**/messages", slow)
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.get_by_role("button", name="Ask again")).to_have_count(0)
    on.set()
    await expect(replies(page).nth(1)).to_contain_text("Understood.")


async def test_an_answer_that_failed_does_not_hide_the_good_one(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    await say(page, "Why?")
    stub.refuse["messages"] = (429, "busy", "Too many wait.")
    await page.get_by_role("button", name="Answer again").click()
    await expect(page.get_by_text("Not asked again: Too many wait.")).to_be_visible()
    stub.refuse.clear()
    stub.scripts.append(Script("", outcome="failed", reason="The engine went away."))
    await page.get_by_role("button", name="Answer again").click()
    await expect(replies(page)).to_have_count(2)
    await expect(replies(page).first).to_contain_text("Understood.")
    await expect(replies(page).last).to_contain_text("The engine went away.")
    await expect(page.get_by_role("button", name="Ask again")).to_have_count(0)
    stub.scripts.append(Script("Better.", hold_after=0))
    await say(page, "/again")  # typed, it means the same
    await expect(page.get_by_role("article", name="Earlier answer from botcore")).to_have_count(2)
    await expect(page.get_by_role("article", name="You")).to_have_count(1)
    stub.go.set()


# ------------------------------------------------------------------ files

DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/plain" }));
  const event = (kind) => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector("main").dispatchEvent(event("dragenter"));
  const shown = new Promise((done) => setTimeout(() => done(document.querySelector(".drop") !== null), 50));
  return shown.then((seen) => {
    document.querySelector("main").dispatchEvent(event("drop"));
    return seen;
  });
}"""
LEAVE = """() => {
  const data = new DataTransfer();
  data.items.add(new File(["x"], "x.txt"));
  const event = (kind) => new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
  const [main, gone] = [document.querySelector("main"), document.createElement("p")];
  main.append(gone);
  main.dispatchEvent(event("dragenter"));
  gone.dispatchEvent(event("dragenter"));
  main.dispatchEvent(event("dragleave"));  // left for the other one
  gone.remove();  // as a growing reply does; nobody hears of leaving it
  main.dispatchEvent(event("dragenter"));
  main.dispatchEvent(event("dragleave"));  // out of the window
}"""
PASTE = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/plain" }));
  document.activeElement.dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }),
  );
}"""


def a_file(name: str, size: int = 1200) -> Any:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": b"x" * size}


async def choose(page: Page, *files: Any) -> None:
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("button", name="Attach files").press("Enter")
    await (await chooser.value).set_files(list(files))


async def test_files_are_attached_by_button_drop_and_paste_and_go_with_their_message(page: Page, stub: Stub) -> None:
    chips = page.get_by_role("list", name="Attached files").get_by_role("listitem")
    voice = page.locator("[aria-live=polite]")
    await choose(page, a_file("one.pdf"), a_file("two.pdf"))
    await expect(page.get_by_label("Message to botcore")).to_be_focused()
    await expect(chips).to_have_text([re.compile("one.pdf.*1 kB"), re.compile("two.pdf.*1 kB")])
    assert await page.evaluate(DROP, ["dropped.txt", "words"]) is True
    await expect(voice).to_have_text("dropped.txt is attached.")
    await expect(page.locator(".drop")).to_have_count(0)
    await page.evaluate(PASTE, ["pasted.txt", "words"])
    await expect(chips).to_have_count(4)
    await expect(chips.last).to_contain_text("5 B")
    await choose(page, a_file("too many.pdf"))
    await expect(page.get_by_text("At most 4 files go with one message.")).to_be_visible()
    await page.get_by_role("button", name="Remove two.pdf").press("Enter")
    await expect(voice).to_have_text("two.pdf removed.")
    await expect(page.get_by_role("button", name="Remove dropped.txt")).to_be_focused()
    await page.reload()
    await expect(chips).to_have_count(3)
    assert [stub.files[file]["name"] for file in stub.removed] == ["two.pdf"]
    await page.get_by_label("Message to botcore").press("Enter")  # no words are needed
    await expect(replies(page)).to_contain_text("Understood.")
    await expect(chips).to_have_count(0)
    for _ in range(2):
        said = page.get_by_role("article", name="You").get_by_role("list", name="Files").get_by_role("listitem")
        await expect(said).to_have_text([re.compile("one.pdf"), re.compile("dropped.txt.*5 B"), re.compile("pasted")])
        await expect(page.get_by_role("link", name="one.pdf")).to_be_visible()
        await page.reload()
    assert [stub.files[file]["name"] for file in stub.posts[0]["files"]] == ["one.pdf", "dropped.txt", "pasted.txt"]
    assert stub.posts[0]["text"] == ""


async def test_a_file_that_is_carried_away_leaves_nothing_over_the_page(page: Page) -> None:
    await page.get_by_role("button", name="Attach files").wait_for()  # files are taken by now
    await page.evaluate(LEAVE)
    await expect(page.locator(".drop")).to_have_count(0)


async def test_an_upload_can_be_cancelled_and_one_that_failed_says_why(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    chips = page.get_by_role("list", name="Attached files").get_by_role("listitem")
    stub.slow_uploads = True
    await choose(page, a_file("cut.pdf"))
    await expect(page.get_by_role("progressbar", name="Upload of cut.pdf")).to_be_visible()
    await page.reload()
    await expect(chips).to_contain_text("attach it again")
    await page.get_by_role("button", name="Remove cut.pdf").click()
    await choose(page, a_file("slow.pdf", 150_000), a_file("next.pdf"), a_file("huge.pdf", 200_001))
    await expect(page.get_by_role("progressbar", name="Upload of slow.pdf")).to_be_visible()
    await expect(chips.nth(1)).to_contain_text("Waiting")
    await expect(chips.nth(2)).to_contain_text("Larger than 200 kB.")
    await page.get_by_role("button", name="Remove huge.pdf").press("Enter")
    await say(page, "Read this")
    await expect(page.get_by_text("The files are still on their way.")).to_be_visible()
    stub.refuse["files"] = (507, "no_room", "The bot has no room for more files.")
    await page.get_by_role("button", name="Cancel slow.pdf").press("Enter")
    await expect(chips).to_have_count(1)
    await expect(chips).to_contain_text("The bot has no room for more files.")
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("“next.pdf” is not attached. Try it again, or remove it.")).to_be_visible()
    stub.refuse.clear()
    stub.go.set()
    await page.get_by_role("button", name="Try next.pdf again").press("Enter")
    await expect(page.locator(".file .remove")).to_be_focused()
    await expect(chips).to_contain_text("1 kB")
    await page.get_by_role("button", name="Send").click()
    await expect(replies(page)).to_contain_text("Understood.")
    assert [stub.files[file]["name"] for file in stub.posts[0]["files"]] == ["next.pdf"]


async def test_an_upload_that_hangs_is_given_up_and_the_next_one_goes(page: Page, stub: Stub) -> None:
    await page.evaluate("""() => {
      const real = window.setTimeout;
      const limits = [];
      window.setTimeout = (run, ms) => (ms === 40_000 ? 1e9 + limits.push(run) : real(run, ms));
      window.late = () => limits.forEach((run) => run());
    }""")
    chips = page.get_by_role("list", name="Attached files").get_by_role("listitem")
    stub.slow_uploads = True
    await choose(page, a_file("slow.pdf"), a_file("next.pdf"))
    await expect(page.get_by_role("progressbar", name="Upload of slow.pdf")).to_be_visible()
    await until(lambda: stub.uploads == 1)
    stub.slow_uploads = False
    await page.evaluate("late()")
    await expect(chips.nth(0)).to_contain_text("out of reach")
    await expect(chips.nth(1)).to_contain_text("1 kB")
    await page.get_by_role("button", name="Try slow.pdf again").click()
    await expect(chips.nth(0)).to_contain_text("1 kB")


# ------------------------------------------------------------------ conversations


async def test_conversations_are_listed_searched_and_opened(page: Page, stub: Stub) -> None:
    stub.put("talk-of-apples-00000001", "user", "About apples", ago=60)
    stub.put("talk-of-pears-000000002", "user", "About pears", ago=200_000)
    await page.reload()
    nav = page.get_by_role("navigation", name="Conversations")
    await expect(nav.get_by_role("link")).to_have_text(["About apples", "About pears"])
    await page.get_by_label("Search conversations").fill("nobody")
    await expect(page.locator("[aria-live=polite]")).to_have_text("0 conversations found.")
    await page.get_by_label("Search conversations").fill("PEAR")
    await expect(nav.get_by_role("link")).to_have_text(["About pears"])
    await expect(page.locator("[aria-live=polite]")).to_have_text("1 conversation found.")
    await nav.get_by_role("link").click()
    await expect(page.get_by_role("article", name="You")).to_contain_text("About pears")
    await expect(page).to_have_title("About pears · botcore")
    await page.go_back()
    await expect(page.get_by_role("heading", name="botcore")).to_be_visible()


async def test_a_deleted_conversation_can_be_brought_back(page: Page, stub: Stub) -> None:
    stub.put(TALK, "user", "Keep me", message="m")
    await open_talk(page, stub)
    await page.get_by_role("button", name="Delete “Keep me”").press("Enter")
    await expect(page.get_by_role("link", name="Keep me")).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("link", name="Keep me")).to_be_visible()
    await expect(page.get_by_role("article", name="You")).to_contain_text("Keep me")
    await page.get_by_role("button", name="Delete “Keep me”").press("Enter")
    await expect(page.get_by_role("link", name="Keep me")).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(page.get_by_role("article", name="You")).to_contain_text("Keep me")
    assert stub.deleted == []


async def test_a_list_that_was_asked_for_before_a_deletion_brings_nothing_back(page: Page, stub: Stub) -> None:
    stub.put("old", "user", "Old")
    await open_talk(page, stub)
    asked, may_arrive = asyncio.Event(), asyncio.Event()

    async def slow_first(route: Any) -> None:
        late, stale = not asked.is_set(), await route.fetch()
        asked.set()
        if late:
            await may_arrive.wait()
        await route.fulfill(response=stale)

    await expect(page.get_by_role("link", name="Old")).to_be_visible()
    await leave_no_time_to_undo(page)
    await page.route("**/conversations", slow_first)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await asked.wait()
    async with page.expect_response("**/conversations/old"):
        await page.get_by_role("button", name="Delete “Old”").click()
    await page.evaluate("() => new Promise(requestAnimationFrame)")
    stub.put("newer", "user", "Newer")
    may_arrive.set()
    await expect(page.get_by_role("link", name="Newer")).to_be_visible()
    await expect(page.get_by_role("link", name="Old")).to_have_count(0)


async def test_what_the_bot_has_never_had_can_be_deleted(page: Page, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.refuse["messages"] = (507, "full", "The inbox is full.")
    await say(page, "Never arrived")
    await expect(page.locator(".unsent")).to_be_visible()
    stub.refuse[page.url.rpartition("/")[2]] = (404, "not_found", "There is no such conversation.")
    await leave_no_time_to_undo(page)
    await page.get_by_role("button", name="Delete “Never arrived”").click()
    await page.wait_for_function("() => sessionStorage.getItem('botcore.unsent') === '[]'")  # the words go with it
    await expect(page.get_by_role("link", name="Never arrived")).to_have_count(0)


async def test_who_goes_back_to_what_was_just_deleted_has_it_back(page: Page, stub: Stub) -> None:
    stub.put(TALK, "user", "Precious")
    await open_talk(page, stub)
    await page.get_by_role("button", name="Delete “Precious”").click()
    await expect(page.get_by_text("Deleted “Precious”")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("article", name="You")).to_contain_text("Precious")
    await expect(page.get_by_role("link", name="Precious")).to_be_visible()
    await expect(page.get_by_text("Deleted “Precious”")).to_have_count(0)


async def test_what_is_being_typed_outlives_a_conversation_that_is_deleted_elsewhere(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    stub.put(TALK, "user", "Hello")
    await open_talk(page, stub)
    await expect(page.get_by_role("article", name="You")).to_be_visible()
    await page.get_by_label("Message to botcore").fill("Half a thought")
    stub.refuse["events"] = (404, "not_found", "There is no such conversation.")
    stub.drop()
    del stub.talks[TALK]
    await expect(page.get_by_text("does not exist any more")).to_be_visible()
    stub.refuse.clear()
    await expect(page.get_by_label("Message to botcore")).to_have_value("Half a thought")
    await expect(page.get_by_role("link", name="Hello")).to_have_count(0)


async def test_a_deletion_happens_when_the_page_closes(page: Page, stub: Stub) -> None:
    stub.put(TALK, "user", "Away", message="m")
    await open_talk(page, stub)
    await page.get_by_role("button", name="Delete “Away”").press("Enter")
    await expect(page.get_by_role("link", name="Away")).to_have_count(0)
    await page.reload()
    await expect(page.get_by_role("heading", name="botcore")).to_be_visible()
    assert stub.deleted == [TALK]


PLACE = "log => log.querySelector('.marked').getBoundingClientRect().top"
MARK = f"log => (log.querySelector('.bubble').classList.add('marked'), log.scrollTo(0, 0), ({PLACE})(log))"


async def test_what_was_said_earlier_is_shown_piece_by_piece_and_nothing_moves(page: Page, stub: Stub) -> None:
    for number in range(50):
        stub.put(TALK, "user", f"line {number}", message=f"m{number}")
    await open_talk(page, stub)
    lines, log = page.get_by_role("article", name="You"), page.get_by_role("log")
    await expect(lines.first).to_have_text("line 30")
    stub.scripts.append(Script("Still running.", hold_after=1))
    await say(page, "Meanwhile")
    await expect(replies(page)).to_contain_text("Still")
    for first, count in (("line 10", 20), ("line 0", 10)):
        place = await log.evaluate(MARK)
        await page.get_by_role("button", name="Show earlier messages").press("Enter")
        await expect(lines.first).to_have_text(first)
        assert await log.evaluate(PLACE) == pytest.approx(place, abs=2)
        await log.evaluate("log => log.querySelector('.marked').classList.remove('marked')")
        await expect(page.locator("[aria-live=polite]")).to_have_text(f"{count} earlier messages are above.")
        await expect(log).to_be_focused()
    await expect(page.get_by_role("button", name="Show earlier messages")).to_have_count(0)
    stub.go.set()
    await expect(replies(page)).to_contain_text("Still running.")
    await expect(lines).to_have_text([*(f"line {number}" for number in range(50)), "Meanwhile"])


async def test_earlier_lines_on_their_way_elsewhere_keep_nobody_waiting(page: Page, stub: Stub) -> None:
    other = "conversation-of-the-test-2"
    for number in range(21):
        stub.put(TALK, "user", f"line {number}", message=f"m{number}")
        stub.put(other, "user", f"row {number}", message=f"n{number}")
    asked = asyncio.Event()

    async def swallow(route: Any) -> None:
        asked.set()

    await page.route(f"**/{TALK}?before=*", swallow)
    await open_talk(page, stub)
    await page.get_by_role("button", name="Show earlier messages").press("Enter")
    await asked.wait()
    await page.get_by_role("link", name="row 0").click()
    await expect(page.get_by_role("article", name="You").first).to_have_text("row 1")
    await page.get_by_role("button", name="Show earlier messages").press("Enter")
    await expect(page.get_by_role("article", name="You").first).to_have_text("row 0")


async def test_earlier_lines_that_cannot_be_had_are_said_and_asked_for_again(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    for number in range(21):
        stub.put(TALK, "user", f"line {number}", message=f"m{number}")
    await open_talk(page, stub)
    await expect(page.get_by_role("article", name="You")).to_have_count(20)
    stub.refuse[TALK] = (503, "unavailable", "The store is busy.")
    await page.get_by_role("button", name="Show earlier messages").press("Enter")
    await expect(page.get_by_text("Not shown: The store is busy.")).to_be_visible()
    stub.refuse.clear()
    await page.get_by_role("button", name="Show earlier messages").press("Enter")
    await expect(page.get_by_role("article", name="You")).to_have_count(21)


async def open_with_many(page: Page, stub: Stub, count: int) -> Locator:
    """The page where so many conversations are; those that are listed."""
    for number in range(count):
        stub.put(f"one-of-very-many-{number:06}", "user", f"topic {number}", ago=60 + number)
    await page.reload()
    listed = page.get_by_role("navigation", name="Conversations").get_by_role("link")
    await expect(listed).to_have_count(20)
    return listed


async def test_older_conversations_are_shown_piece_by_piece_and_stay(page: Page, stub: Stub) -> None:
    listed = await open_with_many(page, stub, 45)
    for count in (39, 45):  # the last one listed comes again with the next twenty
        await page.get_by_role("button", name="Show older conversations").press("Enter")
        await expect(listed).to_have_count(count)
    await expect(page.locator("[aria-live=polite]")).to_have_text("6 older conversations are listed.")
    await expect(listed.nth(38)).to_be_focused()
    await expect(page.get_by_role("button", name="Show older conversations")).to_have_count(0)
    async with page.expect_response("**/api/conversations"):
        await say(page, "Hello")
    await expect(listed).to_have_text(["Hello", *(f"topic {number}" for number in range(45))])


async def test_the_search_says_that_there_are_older_conversations(page: Page, stub: Stub) -> None:
    listed = await open_with_many(page, stub, 21)
    await page.get_by_label("Search conversations").fill("topic 20")
    await expect(page.get_by_text("Nothing called “topic 20” among those listed")).to_be_visible()
    told = page.locator("[aria-live=polite]")
    await expect(told).to_have_text("0 conversations found among those listed.")
    await page.get_by_role("button", name="Show older conversations").click()
    await expect(listed).to_have_text(["topic 20"])
    await expect(told).to_have_text("1 conversation found.")


async def test_where_others_came_between_no_older_conversation_is_skipped(page: Page, stub: Stub) -> None:
    listed = await open_with_many(page, stub, 21)
    await page.get_by_role("button", name="Show older conversations").click()
    await expect(listed).to_have_count(21)
    for number in range(30):
        stub.put(f"one-of-even-more-{number:06}", "user", f"news {number}", ago=30 - number)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    await expect(listed.first).to_have_text("news 29")
    for count in (39, 51):
        await page.get_by_role("button", name="Show older conversations").click()
        await expect(listed).to_have_count(count)


async def test_an_older_conversation_that_was_deleted_elsewhere_is_not_listed_on(
    page: Page, stub: Stub, watch: Watch
) -> None:
    watch.expected.append("Failed to load resource")
    listed = await open_with_many(page, stub, 22)
    await page.get_by_role("button", name="Show older conversations").click()
    await expect(listed).to_have_count(22)
    stub.refuse["one-of-very-many-000021"] = (404, "not_found", "there is no such conversation; start a new one")
    stub.talks.pop("one-of-very-many-000021")
    await listed.last.click()
    await expect(page.get_by_text("does not exist any more")).to_be_visible()
    await expect(listed).to_have_count(21)


# ------------------------------------------------------------------ engine


async def test_the_engine_s_way_is_shown_until_it_is_ready(page: Page, stub: Stub) -> None:
    stub.set_engine(stage="model", progress=0.25, detail="1 of 4 GiB")
    await expect(page.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    await expect(page.locator("main")).to_contain_text("Loading model")
    await expect(page.locator("main")).to_contain_text("1 of 4 GiB")
    stub.set_engine(stage="ready", progress=None, detail="")
    await expect(page.get_by_role("progressbar")).to_have_count(0)
    await page.get_by_role("button", name="Ready").click()
    await expect(page.locator(".panel")).to_contain_text("2,048 tokens")


async def test_a_failed_engine_says_why_in_its_own_words(page: Page, stub: Stub) -> None:
    stub.set_engine(stage="failed", detail="vllm is not installed; run: botcore engine install")
    await expect(page.locator(".welcome")).to_contain_text("vllm is not installed; run: botcore engine install")


async def test_the_engine_s_panel_says_how_the_bot_is_now(page: Page, stub: Stub) -> None:
    stub.health["qa"] = "the documents cannot be read"
    await page.get_by_role("button", name="engine details").click()
    await expect(page.locator(".panel")).to_contain_text("the documents cannot be read")


async def test_while_the_engine_is_installed_nothing_is_promised_that_takes_longer(page: Page, stub: Stub) -> None:
    stub.set_engine(stage="install", progress=0.2, detail="unpacking")
    await expect(page.locator(".welcome")).to_contain_text(
        "waits some minutes for the engine, and may have to be asked"
    )
    stub.set_engine(stage="warmup", progress=0.2, detail="")
    await expect(page.locator(".welcome")).to_contain_text("the rest as soon as the engine is ready")


async def test_a_sample_question_is_asked_by_one_press(page: Page, stub: Stub) -> None:
    await page.get_by_role("button", name="How do I write a plugin?").click()
    await expect(replies(page)).to_contain_text("Understood.")
    assert stub.posts[0]["text"] == "How do I write a plugin?"


# ------------------------------------------------------------------ keyboard


async def test_the_questions_to_start_with_are_the_operator_s(page: Page, stub: Stub) -> None:
    stub.samples = ["When do you open?"]
    await page.reload()
    questions = page.get_by_role("list", name="Questions to start with")
    await expect(questions.get_by_role("button")).to_have_text(["When do you open?"])
    stub.samples = []
    await page.reload()
    await expect(page.get_by_role("heading", name="botcore")).to_be_visible()
    await expect(questions).to_have_count(0)


async def test_keys(page: Page, stub: Stub) -> None:
    field = page.get_by_label("Message to botcore")
    await expect(field).to_be_focused()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    await expect(replies(page)).to_contain_text("Understood.")
    assert stub.posts[0]["text"] == "one\ntwo"
    await page.get_by_role("log").focus()
    await page.keyboard.press("Control+/")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("")
    await page.get_by_role("button", name="Help").press("Enter")
    await expect(page.get_by_role("dialog", name="Help")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Help")).to_be_hidden()
    await page.keyboard.press("Alt+n")
    await expect(replies(page)).to_have_count(0)
    await expect(page.get_by_role("heading", name="botcore")).to_be_visible()


async def test_where_documents_are_read_help_says_what_stays_of_them(page: Page, stub: Stub) -> None:
    text = page.get_by_role("dialog", name="Help")
    await page.get_by_role("button", name="Help").click()
    await expect(text).to_contain_text("go with the conversation")
    await expect(text).not_to_contain_text("stays")
    stub.commands.append({"name": "sources", "help": "the documents I answer from"})
    await page.reload()
    await page.get_by_role("button", name="Help").click()
    await expect(text).to_contain_text("What was read of a document stays")


async def test_on_a_mac_option_n_writes_a_letter(context: BrowserContext, stub: Stub) -> None:
    await context.add_init_script("Object.defineProperty(navigator, 'platform', { value: 'MacIntel' })")
    stub.put(TALK, "user", "Hello", message="m")
    page = await context.new_page()
    await open_talk(page, stub)
    await page.get_by_label("Message to botcore").fill("ma")
    await page.keyboard.press("Alt+KeyN")  # the tilde of mañana
    await expect(page.get_by_label("Message to botcore")).to_have_value("ma")
    await expect(page.get_by_role("article", name="You")).to_have_count(1)
    await page.keyboard.press("Meta+k")
    await expect(page.get_by_role("article", name="You")).to_have_count(0)


PRINTED = "[...Array(95).keys()].map(code => String.fromCharCode(32 + code))"
NOT_TAKEN = f"""log => {PRINTED}.every(key => {{
  const press = new KeyboardEvent("keydown", {{ key, bubbles: true, cancelable: true }});
  return log.dispatchEvent(press) && document.activeElement === log && !document.querySelector("dialog[open]");
}})"""


async def test_no_single_character_does_anything_where_nobody_writes(page: Page) -> None:
    await page.get_by_role("log").focus()
    assert await page.get_by_role("log").evaluate(NOT_TAKEN)


async def test_a_slash_offers_the_commands(page: Page) -> None:
    field = page.get_by_label("Message to botcore")
    await field.fill("/h")
    options = page.get_by_role("option")
    await expect(options).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    assert await field.get_attribute("aria-activedescendant") == await options.nth(1).get_attribute("id")
    await page.keyboard.press("Tab")
    await expect(field).to_have_value("/history ")
    await expect(options).to_have_count(0)
    await expect(field).to_be_focused()


async def test_a_finished_reply_is_announced_once_not_token_by_token(page: Page, stub: Stub) -> None:
    stub.scripts.append(Script("Spoken words, *all* of them.", hold_after=2))
    voice = page.locator("[aria-live=polite]")
    await say(page, "Go")
    await expect(replies(page)).to_contain_text("Spoken words,")
    await expect(voice).to_have_text("")
    await expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
    stub.go.set()
    await expect(voice).to_have_text("botcore replied: Spoken words, all of them.")


async def test_the_skip_link_leads_to_the_message_field(page: Page) -> None:
    await page.get_by_role("link", name="Skip to the message field").press("Enter")
    await expect(page.get_by_label("Message to botcore")).to_be_focused()


async def test_words_run_as_their_language_does_and_code_from_left_to_right(page: Page, stub: Stub) -> None:
    stub.put(TALK, "user", "מה שלומך?", message="m")
    stub.put(TALK, "assistant", "טוב, תודה.\n\nAnd you?\n\n```python\nx = 'טוב'\n```")
    await open_talk(page, stub)
    runs = "all => all.map(one => getComputedStyle(one).direction)"
    await expect(replies(page).locator(".block")).to_have_count(3)
    assert await page.locator(".bubble, .block, .block pre").evaluate_all(runs) == ["rtl", "rtl", "ltr", "ltr", "ltr"]
    assert await page.locator("h1.title, .row a").evaluate_all(runs) == ["rtl", "rtl"]


async def test_the_theme_follows_the_system_until_one_is_chosen(page: Page) -> None:
    background = "getComputedStyle(document.documentElement).backgroundColor"
    light = await page.evaluate(background)
    await page.emulate_media(color_scheme="dark")
    dark = await page.evaluate(background)
    assert light != dark
    await page.get_by_role("button", name="Theme: system").click()
    assert await page.evaluate(background) == light
    await page.reload()
    assert await page.evaluate(background) == light


# ------------------------------------------------------------------ everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
async def test_axe_finds_nothing(
    chromium: Browser, stub: Stub, watch: Watch, scheme: Literal["light", "dark"], width: int
) -> None:
    files = [{"file": "f1", "name": "handbook with a rather long name.pdf", "size": 1_234_567}]
    stub.put(TALK, "user", "Plugins?", message="m", files=files)
    stub.put(TALK, "assistant", "An earlier answer.", reply="first")
    stub.put(TALK, "user", "Plugins?", message="m2", again="first")
    stub.put(TALK, "assistant", RICH, citations=SOURCES, again="first", feedback=-1)
    stub.put(TALK, "assistant", "", outcome="failed", reason="The engine went away.")
    stub.put(TALK, "assistant", "Part", outcome="refused", reason="Too many messages.")
    context = await chromium.new_context(
        viewport={"width": width, "height": 740}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = await context.new_page()
    watch.on(page)
    found: dict[str, list[str]] = {}

    async def look(where: str) -> None:
        report = await Axe().run(page)
        serious = [one for one in report.response["violations"] if one["impact"] in ("moderate", "serious", "critical")]
        for one in serious:
            found.setdefault(where, []).append(f"{one['id']}: {[node['html'][:160] for node in one['nodes'][:3]]}")

    stub.engine |= {"stage": "warmup", "progress": 0.4, "detail": "Loading weights"}
    await page.goto(stub.url)
    await page.get_by_role("progressbar").wait_for()
    await look("welcome")
    await open_talk(page, stub)
    await page.locator(".cite").first.wait_for()
    await page.get_by_role("button", name="Say why").click()
    await page.locator(".why").wait_for()
    await page.get_by_text("Earlier answer", exact=True).click()
    await choose(page, a_file("a rather long name of a file.pdf"), a_file("huge.pdf", 200_001))
    await page.get_by_role("button", name="Remove a rather").wait_for()
    await look("conversation")
    await page.get_by_role("button", name="Remove huge.pdf").click()
    await page.locator(".cite").first.click()
    await page.get_by_role("dialog", name="Source 1").wait_for()
    await look("source card")
    await page.keyboard.press("Escape")
    stub.scripts.append(Script("Some words.", hold_after=1))
    await page.get_by_label("Message to botcore").fill("Go on")
    await page.get_by_role("button", name="Send").last.click()
    await expect(replies(page).last).to_contain_text("Some")
    await page.get_by_label("Message to botcore").fill("/")
    await page.get_by_role("listbox").wait_for()
    await look("streaming, with commands")
    await page.get_by_label("Message to botcore").fill("")
    if width < 960:
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
        await page.get_by_role("button", name="Show conversations").click()
        await look("conversations over the chat")
    else:
        await page.get_by_role("button", name="Help").click()
        await look("help")
    await context.close()
    assert found == {}


async def test_on_a_phone_the_list_covers_the_chat_and_gives_way(chromium: Browser, stub: Stub, watch: Watch) -> None:
    stub.put(TALK, "user", "Over here", message="m")
    context = await chromium.new_context(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True)
    page = await context.new_page()
    watch.on(page)
    await page.goto(stub.url)
    await page.get_by_role("button", name="Show conversations").click()
    assert await page.locator("main").evaluate("main => main.inert")
    await page.get_by_role("link", name="Over here").tap()
    await expect(page.get_by_role("article", name="You")).to_contain_text("Over here")
    assert not await page.locator("main").evaluate("main => main.inert")
    field = page.get_by_label("Message to botcore")
    await expect(field).to_have_attribute("enterkeyhint", "enter")  # it breaks the line
    await field.fill("/")
    await page.get_by_role("option").first.dispatch_event("pointerdown")  # a finger may mean to scroll
    await expect(field).to_have_value("/")
    await page.get_by_role("option").first.tap()
    await expect(field).to_have_value("/help ")
    await field.fill("by finger")
    await page.keyboard.press("Enter")
    stub.scripts.append(Script("Begun but never ended.", hold_after=1))
    await page.get_by_role("button", name="Send").tap()
    stop = page.get_by_role("button", name="Stop the reply")
    await stop.dispatch_event("click", {"detail": 1})  # a tap so soon after the other would be its second half
    await expect(replies(page)).to_contain_text("Stopped")
    await expect(page.get_by_role("log")).to_be_focused()
    assert stub.posts[-1]["text"] == "by finger"
    await context.close()


WIDE = (
    "1. Install it:\n\n   ```sh\n   pip install "
    + "a-very-long-name " * 12
    + "\n   ```\n\n2. Read:\n\n   | "
    + ("column | " * 30 + "\n   |" + "---|" * 30 + "\n\n- > quoted\n  - ```\n    " + "deep " * 60 + "\n    ```")
)


async def test_on_a_phone_nothing_is_cut_off_and_no_field_zooms_the_page(
    chromium: Browser, stub: Stub, watch: Watch
) -> None:
    stub.put(TALK, "user", "How?", message="m")
    stub.put(TALK, "assistant", WIDE, feedback=-1)
    stub.engine |= {"stage": "failed", "detail": "A line of the engine's log.\n" * 40}
    context = await chromium.new_context(viewport={"width": 360, "height": 400}, has_touch=True, is_mobile=True)
    page = await context.new_page()
    watch.on(page)
    await open_talk(page, stub)
    await page.get_by_role("button", name="Say why").tap()
    await expect(page.locator("pre, .table")).to_have_count(3)
    reaches = await page.locator("pre, .table, .why").evaluate_all(
        "boxes => boxes.map((box) => Math.ceil(box.getBoundingClientRect().right))"
    )
    assert max(reaches) <= 360, "the end of a wide block cannot be reached"
    sizes = await page.locator("textarea, input:not([type=file])").evaluate_all(
        "fields => fields.map((field) => parseFloat(getComputedStyle(field).fontSize))"
    )
    assert min(sizes) >= 16, "Safari zooms into a field of smaller letters, and not out again"
    await page.get_by_role("button", name="engine details").tap()
    panel = await page.locator(".panel").bounding_box()
    assert panel
    assert panel["y"] + panel["height"] <= 400, "the end of the panel cannot be reached"
    assert panel["x"] >= 0, "the panel's edge is outside the screen"
    assert panel["x"] + panel["width"] <= 360
    await context.close()


async def test_a_word_that_is_wider_than_its_line_is_broken(page: Page, stub: Stub) -> None:
    word = "report" * 30
    source = {"number": 1, "title": word, "snippet": word, "source": f"/{word}", "page": 1}
    stub.put(TALK, "assistant", f"{word} [1]", model=word, plugin="qa", citations=[source])
    await open_talk(page, stub)
    stub.scripts.append(Script(note=f"Reading {word}.pdf", hold_after=0))
    await say(page, word)
    await page.get_by_role("button", name="Source 1").click()
    await expect(page.locator(".card, .note")).to_have_count(2)
    cut = await page.locator(".markdown, .bubble, .note, .by span, .card-head strong").evaluate_all(
        "boxes => boxes.filter((box) => box.scrollWidth > Math.ceil(box.getBoundingClientRect().width) || "
        "box.getBoundingClientRect().right > innerWidth).map((box) => box.className || box.parentElement.className)"
    )
    assert cut == [], "the end of a long word cannot be read"


async def test_who_logs_out_is_out_in_every_tab(context: BrowserContext, stub: Stub, watch: Watch) -> None:
    watch.expected.append("Failed to load resource")
    stub.key = "open sesame"
    here, there = await context.new_page(), await context.new_page()
    await here.goto(stub.url)
    await here.get_by_label("Access key").fill("open sesame")
    await here.get_by_role("button", name="Enter").click()
    await there.goto(stub.url)
    await there.get_by_label("Message to botcore").fill("half a secret")
    await here.get_by_role("button", name="Log out").click()
    await here.get_by_label("Access key").wait_for()
    await there.get_by_label("Access key").wait_for()
    assert "half a secret" not in await there.evaluate("JSON.stringify(sessionStorage)")


async def test_a_source_of_one_reply_stays_open_beside_that_of_another(page: Page, stub: Stub) -> None:
    stub.put(TALK, "user", "Plugins?", message="m")
    for _ in range(2):
        stub.put(TALK, "assistant", "See [1].", citations=SOURCES[:1])
    await open_talk(page, stub)
    for reply in (0, 1):
        await replies(page).nth(reply).locator("summary").click()
    await expect(page.locator("details[open]")).to_have_count(2)
