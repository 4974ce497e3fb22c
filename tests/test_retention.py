"""A running bot lets go of what is old by itself."""

from pathlib import Path
from typing import Any

import pytest

from botcore.retention import DAY_S
from botcore.testing import ManualClock, chatting

START = ManualClock().now()
TALK: dict[str, Any] = {"plugins": {"textgen": {}}}


async def talked(data_dir: Path, text: str, *, day: float) -> int:
    """A bot that ran on that day, was told something, and could not use something else; the message's number."""
    async with chatting(data_dir, settings=TALK, clock=ManualClock(START + day * DAY_S)) as chat:
        receipt = await chat.says(text, event_id=text)
        await chat.hears(text)
        await chat.channel.inbox.dead_letter(
            channel="loopback", account="", event_id=f"x{text}", payload=text, reason="no text"
        )
        return receipt.id


@pytest.mark.parametrize(
    ("store", "said", "letters"),
    [({"keep_days": 30, "keep_dead_days": 15}, ["new"], 1), ({}, ["old", "new"], 2)],
    ids=["told to", "by default"],
)
async def test_a_bot_keeps_what_it_was_told_to(
    store: dict[str, Any], said: list[str], letters: int, tmp_path: Path
) -> None:
    number = await talked(tmp_path, "old", day=0)
    await talked(tmp_path, "new", day=20)
    async with chatting(tmp_path, settings=TALK | {"store": store}, clock=ManualClock(START + 31 * DAY_S)) as chat:
        while (await chat.bot.outcome(number))[0] or len(await chat.replies()) > len(said):
            await chat.bot.database.check()
        while len(await chat.bot.database.dead_letters()) > letters:
            await chat.bot.database.check()
        assert [reply.text for reply in await chat.replies()] == [f"You said: {text}" for text in said]
