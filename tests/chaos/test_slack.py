"""Killed at each named place on Slack: every message is answered once and in order, for Slack can be asked what it has.

What may be left over is one placeholder: a bot that dies while it posts it does not know where it went.
"""

import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from botcore.failpoints import PLACES, VARIABLE
from botcore_slack.testing import FakePerson, FakeSlack
from botcore_telegram.testing import FakeTelegram
from tests.chaos.bot import Bot
from tests.chaos.places import IN_RECOVERY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(90)]

ONCE = {"accept.begin", "accept.in_commit", "accept.committed", "outbox.refused", "outbox.unsent"}
"""Killed the first time it is reached, before anything could have been sent twice."""
OF_THE_CHANNEL = sorted(
    name for name in PLACES if name.startswith(("accept", "anchor", "outbox")) and name not in IN_RECOVERY
)
"""The others know no channel; `test_failpoints` kills there."""
THREAD = "1690000000.000200"
LEFT_OVER = ("", "…")


@pytest.fixture
async def slack(request: pytest.FixtureRequest) -> AsyncIterator[FakeSlack]:
    async with FakeSlack(mode=getattr(request, "param", "socket")) as server:
        yield server


@pytest.fixture
def bot(slack: FakeSlack, tmp_path: Path) -> Bot:
    """A bot whose port stays the same over its restarts, as behind a proxy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    slack.posts_to(f"http://127.0.0.1:{port}/hooks/slack")
    settings = {"BOTCORE_CHANNELS__TELEGRAM__ENABLED": "false", "BOTCORE_HTTP__PORT": port}
    return Bot(tmp_path, FakeTelegram(), **settings, **slack.environment())


async def write(slack: FakeSlack) -> dict[FakePerson, list[str]]:
    """Two direct messages and a thread, each with three things said at once; the first call meets a flood limit."""
    people = [slack.dm("U1"), slack.dm("U2"), slack.channel("C1").person("U3")]
    slack.flood(retry_after=1)
    said = {person: [f"{person.user} says {number}" for number in range(3)] for person in people}
    for number in range(3):
        for person, texts in said.items():
            private = person.place.kind == "im"
            await person.says(
                texts[number] if private else f"@botcore {texts[number]}", thread="" if private else THREAD
            )
    return said


def answers(person: FakePerson) -> Counter[str]:
    """How often each message was answered, in the order of the answers."""
    return Counter(text.rpartition("You said: ")[2] for text in person.texts if text not in LEFT_OVER)


@pytest.mark.parametrize("place", OF_THE_CHANNEL)
async def test_killed_there_every_message_is_answered_once(place: str, slack: FakeSlack, bot: Bot) -> None:
    said = await write(slack)
    await bot.start(**{VARIABLE: f"{place}=kill@{1 if place in ONCE else 2}"})
    assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    await bot.start()
    for person, texts in said.items():
        for text in texts:
            await person.hears(text)
    assert await bot.stop() == 0
    assert {person: list(answers(person)) for person in said} == said
    assert {count for person in said for count in answers(person).values()} == {1}
    left = [text for person in said for text in person.texts if text in LEFT_OVER]
    assert len(left) <= 1


@pytest.mark.parametrize("slack", ["events"], indirect=True)
@pytest.mark.parametrize("place", ["accept.begin", "accept.in_commit", "accept.committed", "turn.committed"])
async def test_killed_while_slack_posts_nothing_is_lost(place: str, slack: FakeSlack, bot: Bot) -> None:
    ana = slack.dm("U1")
    await bot.start(**{VARIABLE: f"{place}=kill"})
    await slack.serves("auth.test")
    said = [await ana.says(f"U1 says {number}") for number in range(3)]
    assert await bot.dies() == -signal.SIGKILL, bot.log.read_text()[-2000:]
    await bot.start()
    await slack.serves("auth.test", 2)
    for one in said:
        while not one.received:
            await slack.again(one.deliveries[0])
    for number in range(3):
        await ana.hears(f"U1 says {number}")
    assert await bot.stop() == 0
    assert answers(ana) == {f"U1 says {number}": 1 for number in range(3)}
