"""The buttons below a reply: as data, and as people press them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from botcore import REASONS, Command, Conversation, Feedback, Message, Part, Turn
from botcore.testing import ManualClock
from botcore_telegram import Telegram
from botcore_telegram.buttons import Press, answer, keyboard, parsed, shown_after
from botcore_telegram.errands import TOO_OLD_S
from botcore_telegram.testing import FakeTelegram, Fault
from tests.adapters.telegram.conftest import FakeInbox, Running

ANA = Conversation(channel="telegram", account="123456789", chat="7")
TEAM = Conversation(channel="telegram", account="123456789", chat="-100", private=False)
LIKED = ["👍 ✓", "👎", "🔄"]
PLAIN = ["👍", "👎", "🔄"]


def part(text: str = "hello", conversation: Conversation = ANA, **more: object) -> Part:
    return Part(id="t.0", turn="t", number=0, conversation=conversation, text=text, **more)  # type: ignore[arg-type]


def labels(rows: object) -> list[str]:
    assert isinstance(rows, tuple)
    return [button.label for row in rows for button in row]


# ------------------------------------------------------------------ as data


@pytest.mark.parametrize(
    ("data", "press"),
    [
        ("feedback:1", Press(value=1)),
        ("feedback:-1", Press(value=-1)),
        ("feedback:0", Press(value=0)),
        ("feedback:-1:wrong", Press(value=-1, reason="wrong")),
        ("again", Press(again=True)),
        ("feedback:-1:boring", None),
        ("feedback:1:wrong", None),
        ("feedback:2", None),
        ("feedback:-1:", None),
        ("feedback:1\n", None),
        ("/again", None),
        ("", None),
    ],
)
def test_a_press_means_what_its_button_says(data: str, press: Press | None) -> None:
    assert parsed(data) == press


def test_every_button_sends_what_can_be_read_again_within_telegrams_limit() -> None:
    rows = keyboard(-1, asks_why=True)
    for button in (button for row in rows for button in row):
        assert parsed(button.data)
        assert len(button.data.encode()) <= 64
    assert labels(rows) == ["👍", "👎 ✓", "🔄", *REASONS.values()]


@pytest.mark.parametrize(
    ("press", "private", "group"),
    [
        (Press(value=1), LIKED, None),
        (Press(value=0), PLAIN, None),
        (Press(value=-1), ["👍", "👎 ✓", "🔄", *REASONS.values()], [*PLAIN, *REASONS.values()]),
        (Press(value=-1, reason="wrong"), ["👍", "👎 ✓", "🔄"], PLAIN),
        (Press(again=True), None, None),
    ],
)
def test_a_pressed_thumb_is_shown_where_one_person_sees_it(
    press: Press, private: list[str] | None, group: list[str] | None
) -> None:
    for expected, alone in ((private, True), (group, False)):
        shown = shown_after(press, private=alone)
        assert (shown if shown is None else labels(shown)) == expected


def test_a_pressed_thumb_takes_its_verdict_back() -> None:
    assert [button.data for button in keyboard(1)[0]] == ["feedback:0", "feedback:-1", "again"]


@pytest.mark.parametrize(
    ("press", "commands", "expected"),
    [
        (None, (), ""),
        (Press(value=1), (), "Thank you."),
        (Press(value=0), (), "Taken back."),
        (Press(value=-1), (), "What was wrong?"),
        (Press(value=-1), ("bad",), "What was wrong? To say more, reply to the message with /bad and why."),
        (Press(value=-1, reason="wrong"), (), "Thank you: Not true."),
    ],
)
def test_whoever_presses_reads_one_line_that_names_only_commands_there_are(
    press: Press | None, commands: tuple[str, ...], expected: str
) -> None:
    assert answer(press, commands) == expected


@pytest.mark.parametrize("reason", REASONS)
def test_no_line_is_longer_than_telegram_shows(reason: str) -> None:
    assert len(answer(Press(value=-1, reason=reason), ("bad", "correct"))) <= 200
    assert "/correct" in answer(Press(value=-1, reason=reason), ("bad", "correct"))


# ------------------------------------------------------------------ as people press them


@pytest.fixture(params=["polling", "webhook"])
def either(request: pytest.FixtureRequest) -> Running:
    """A channel that runs in one mode, then in the other."""
    fixture = "running" if request.param == "polling" else "hooked"
    start: Running = request.getfixturevalue(fixture)

    @asynccontextmanager
    async def started(clock: ManualClock | None = None) -> AsyncIterator[Telegram]:
        async with start(clock) as channel:
            yield channel

    return started


async def test_buttons_stand_below_a_part_that_asks_for_them(server: FakeTelegram, running: Running) -> None:
    ana = server.chat(7)
    async with running() as channel:
        await channel.send(part())
        await channel.send(part(ask_feedback=True))
    assert [message.buttons for message in ana.messages] == [[], PLAIN]


async def test_an_edit_that_asks_for_buttons_sets_them_and_formatting_that_is_refused_costs_none(
    server: FakeTelegram, running: Running
) -> None:
    team = server.chat(-100, "supergroup")
    async with running() as channel:
        anchor = await channel.send(part("…", TEAM))
        server.fail("editMessageText", Fault(status=400, description="Bad Request: can't parse entities"))
        for _ in range(2):
            await channel.edit(anchor, part("**done**", TEAM, platform_id=anchor, ask_feedback=True))
            assert team.messages[0].buttons == PLAIN


async def test_a_thumb_is_stored_answered_and_shown(server: FakeTelegram, inbox: FakeInbox, either: Running) -> None:
    ana = server.chat(7)
    async with either() as channel:
        sent = await channel.send(part(ask_feedback=True))
        await ana.presses("👍")
        assert await ana.pops_up() == ["Thank you."]
        await server.serves("editMessageReplyMarkup")
        assert ana.messages[0].buttons == LIKED
        await ana.presses("👍")
        assert await ana.pops_up(2) == ["Thank you.", "Taken back."]
        await server.serves("editMessageReplyMarkup", 2)
        assert ana.messages[0].buttons == PLAIN
    judged = [(record.platform_id, record.value) for record in inbox.committed if isinstance(record, Feedback)]
    assert judged == [(sent, 1), (sent, 0)]


async def test_a_thumb_down_asks_why_and_the_reason_follows_as_its_own_event(
    server: FakeTelegram, inbox: FakeInbox, either: Running
) -> None:
    ana = server.chat(7)
    async with either() as channel:
        await channel.send(part(ask_feedback=True))
        await ana.presses("👎")
        await ana.presses("Wrong sources")
        assert await ana.pops_up(2) == ["What was wrong?", "Thank you: Wrong sources."]
        await server.serves("editMessageReplyMarkup", 2)
        assert ana.messages[0].buttons == ["👍", "👎 ✓", "🔄"]
    first, second = inbox.committed
    assert isinstance(first, Feedback)
    assert isinstance(second, Feedback)
    assert (first.value, first.reasons, second.value, second.reasons) == (-1, (), -1, ("sources",))
    assert first.event_id != second.event_id


async def test_the_answer_names_the_commands_that_say_more(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    async def handler(turn: Turn) -> None:
        return None

    ana = server.chat(7)
    async with running() as channel:
        channel._commands = lambda: [Command(name="bad", help="", handler=handler)]
        await ana.sends_press(1, "feedback:-1:wrong")
        assert await ana.pops_up() == ["Thank you: Not true. To say more, reply to the message with /bad and why."]


async def test_in_a_group_everybody_has_a_verdict_of_their_own(
    server: FakeTelegram, inbox: FakeInbox, either: Running
) -> None:
    team = server.chat(-100, "supergroup")
    async with either() as channel:
        await channel.send(part("hi", TEAM, ask_feedback=True))
        await team.presses("👍", person=8)
        await team.presses("👎", person=9)
        await team.presses("Not true", person=9)
        await team.pops_up(3)
        await server.serves("editMessageReplyMarkup", 2)
        assert team.messages[0].buttons == PLAIN
    judged = [(record.person.id, record.value) for record in inbox.committed if isinstance(record, Feedback)]
    assert sorted(judged) == [("8", 1), ("9", -1), ("9", -1)]


async def test_again_is_the_same_question_about_this_reply(
    server: FakeTelegram, inbox: FakeInbox, either: Running
) -> None:
    team = server.chat(-100, "supergroup")
    topic = Conversation(channel="telegram", account="123456789", chat="-100", thread="9", private=False)
    async with either() as channel:
        sent = await channel.send(part("hi", topic, ask_feedback=True))
        update = await team.presses("🔄", person=8)
        assert await team.pops_up() == ["Answering again …"]
    [message] = inbox.committed
    assert isinstance(message, Message)
    assert (message.text, message.reply_to, message.conversation) == ("/again", sent, topic)
    assert (message.event_id, message.person.id) == (str(update["update_id"]), "8")


@pytest.mark.parametrize("data", ["feedback:7", "something else", "feedback:-1:boring"])
async def test_a_button_nobody_knows_stops_spinning_and_counts_as_nothing(
    server: FakeTelegram, inbox: FakeInbox, either: Running, data: str
) -> None:
    ana = server.chat(7)
    async with either():
        await ana.sends_press(1, data)
        assert await ana.pops_up() == [""]
    assert inbox.committed == []


async def test_a_press_counts_although_its_answer_fails(
    server: FakeTelegram, inbox: FakeInbox, either: Running, caplog: pytest.LogCaptureFixture
) -> None:
    ana = server.chat(7)
    server.flood(method="answerCallbackQuery")
    server.fail("editMessageReplyMarkup", Fault.cut(executed=False))
    async with either() as channel:
        await channel.send(part(ask_feedback=True))
        await ana.presses("👍")
        await inbox.holds(1)
        await ana.sends_press(1, "feedback:1")
        assert await ana.pops_up() == ["Thank you."]
        await inbox.holds(2)
    assert "Traceback" not in caplog.text


async def test_an_answer_that_comes_too_late_is_not_sent(
    server: FakeTelegram, inbox: FakeInbox, running: Running
) -> None:
    clock, ana = ManualClock(), server.chat(7)
    async with running(clock), server.hold("answerCallbackQuery") as gate:
        await ana.sends_press(1, "feedback:1")
        await gate.reached()
        await ana.sends_press(1, "feedback:-1")
        await inbox.holds(2)
        await clock.advance(TOO_OLD_S)
        gate.open()
        await ana.pops_up()
        await ana.sends_press(1, "feedback:0")
        assert await ana.pops_up(2) == ["Thank you.", "Taken back."]


async def test_a_channel_stops_in_the_middle_of_answering_a_press(
    server: FakeTelegram, inbox: FakeInbox, either: Running
) -> None:
    """Telegram would refuse the change of buttons that follows: the refusal must not take the cancellation's place."""
    ana = server.chat(7)
    async with server.hold("answerCallbackQuery") as gate:
        async with either():
            await ana.sends_press(1, "feedback:1")
            await gate.reached()
        assert ana.popups == []
