"""The operator's panel of verdicts."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import aiohttp
import pytest

from botcore import BotcoreError, Figure, Series
from botcore.testing import Chat
from botcore_finetune import board, sql

TABLES = {"plugins": {"finetune": {}, "textgen": {}}}


@pytest.fixture
def chat_settings() -> dict[str, object]:
    return dict(TABLES)


async def replied(chat: Chat, text: str) -> str:
    await chat.says(text)
    await chat.hears()
    return (await chat.replies())[-1].id


async def asked(chat: Chat) -> Sequence[Mapping[str, Any]]:
    async with aiohttp.request("GET", chat.bot.address + "/api/panels/feedback") as response:
        assert response.status == 200
        found: Sequence[Mapping[str, Any]] = (await response.json())["widgets"]
        return found


async def test_nobody_has_judged_yet(chat: Chat) -> None:
    found = await asked(chat)
    assert [one["value"] for one in found[:4]] == [0, 0, 0, None]
    assert "/good" in found[4]["empty"]
    assert [points for _, points in found[4]["lines"]] == [[], [], []]


async def made_older(chat: Chat, by_days: int) -> None:
    """Everything that was judged so far was judged so long ago."""
    older = partial(sql.run, statement="UPDATE ft_examples SET at = at - :by", values={"by": 86_400 * by_days})
    await chat.bot.database.write(lambda connection: older(connection).rowcount)


async def test_verdicts_are_counted_by_the_day(chat: Chat) -> None:
    await chat.judges(await replied(chat, "one"), 1)
    await chat.judges(await replied(chat, "two"), -1, correction="Two.")
    await made_older(chat, 2)
    await chat.judges(await replied(chat, "three"), 1)
    found = await board.read(chat.bot)
    assert [one.value for one in found if isinstance(one, Figure)] == [2, 1, 1, 2 / 3]
    [line] = [one for one in found if isinstance(one, Series)]
    counts = {name: [count for _, count in points] for name, points in line.lines.items()}
    assert {name: days[-3:] for name, days in counts.items()} == {
        "good": [1, 0, 1],
        "bad": [1, 0, 0],
        "corrected": [1, 0, 0],
    }


async def test_the_days_without_a_verdict_are_there_too(chat: Chat) -> None:
    await chat.judges(await replied(chat, "one"), 1)
    [line] = [one for one in await board.read(chat.bot) if isinstance(one, Series)]
    assert [len(points) for points in line.lines.values()] == [30, 30, 30]
    assert sum(count for _, count in line.lines["good"]) == 1


async def test_what_is_older_than_a_month_is_not_counted(chat: Chat) -> None:
    await chat.judges(await replied(chat, "one"), 1)
    await made_older(chat, 31)
    found = await board.read(chat.bot)
    assert isinstance(found[0], Figure)
    assert found[0].value == 0


async def test_a_plugin_that_is_starting_says_so() -> None:
    with pytest.raises(BotcoreError, match="still starting"):
        await board.read(None)
