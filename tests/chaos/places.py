"""``kill -9`` at each named place (`botcore.failpoints.PLACES`), and at those of the recovery after such a kill.

One reply is made at a time here, while others are sent. What may have come twice is what the database says was sent
once more because its outcome was unknown.
"""

import asyncio
import signal
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from botcore.failpoints import PLACES, VARIABLE
from botcore.store.engines import make_engine, parse
from botcore_telegram.testing import FakeTelegram, Fault
from botcore_telegram.testing.chat import FakeChat
from tests.chaos.bot import Bot, said_back
from tests.chaos.report import Counts, compare, progress, scenario
from tests.chaos.updates import ended, polled
from tests.store.conftest import own_schema, postgres

__all__ = ["IN_RECOVERY", "ON_STOP", "TELEGRAM", "killed_at", "killed_in_recovery", "killed_on_stop", "on_postgres"]

ON_STOP = {"drain.begin", "drain.end", "requeue.begin"}
"""Reached when the bot is told to stop."""
IN_RECOVERY = {
    "outbox.uncertain": "outbox.called=kill@2",
    "outbox.resending": "outbox.called=kill@2",
    "release.begin": "turn.committed=kill@9",
}
"""Reached when an earlier crash is settled → that crash."""
ONCE = {
    "migration.in_commit",
    "accept.begin",
    "accept.in_commit",
    "accept.committed",
    "anchor.sending",
    "anchor.sent",
    "outbox.refused",
    "outbox.unsent",
}
"""Reached only once: everything said is fetched together, there is one flood limit, and for the group's second
placeholder its pace leaves no room before the reply is there."""
SELDOM = {"outbox.pending"}
"""Reached for each message of the chat that has to wait."""
TELEGRAM = sorted(set(PLACES) - ON_STOP - set(IN_RECOVERY))

Said = Mapping[FakeChat, Sequence[str]]


@scenario(size=5)
async def places(folder: Path, seed: int, size: int) -> Counts:
    """Times that the bot is killed at each of the named places."""
    return await _everywhere(folder, seed, size, nullcontext({}))


@scenario(size=5, postgres=True)
async def places_postgres(folder: Path, seed: int, size: int) -> Counts:
    """Times that the bot is killed at each of the named places, on PostgreSQL."""
    return await _everywhere(folder, seed, size, _OwnSchema())


def on_postgres(url: str) -> dict[str, str]:
    """What a bot is told that works there; what its dead predecessor held it gets soon."""
    return {"BOTCORE_STORE__URL": url, "BOTCORE_TURN__LEASE_S": "2"}


class _OwnSchema:
    """A database for each bot: the same deliveries come to every one of them."""

    def __enter__(self) -> dict[str, str]:
        self._schema = own_schema(postgres())
        return on_postgres(self._schema.__enter__())

    def __exit__(self, *_: object) -> None:
        self._schema.__exit__()


async def _everywhere(folder: Path, seed: int, size: int, database: AbstractContextManager[dict[str, str]]) -> Counts:
    total = Counts(sent=0)
    for number in range(size):
        for place in (*TELEGRAM, *sorted(IN_RECOVERY), *sorted(ON_STOP)):
            home = folder / f"{place}-{number}"
            home.mkdir()
            with database as environ:
                async with FakeTelegram() as telegram:
                    counts = await _one(place, telegram, home, visit=1 + (number + seed) % _visits(place), **environ)
            total += counts
            if counts.faults:
                progress(f"places: {place}: {', '.join(counts.faults)}")
        progress(f"places: {number + 1} of {size}")
    return total


async def _one(place: str, telegram: FakeTelegram, folder: Path, *, visit: int, **environ: str) -> Counts:
    if place in ON_STOP:
        return await killed_on_stop(place, telegram, folder, **environ)
    if place in IN_RECOVERY:
        return await killed_in_recovery(place, telegram, folder, **environ)
    return await killed_at(place, telegram, folder, visit=visit, **environ)


def _visits(place: str) -> int:
    return 1 if place in ONCE else 3 if place in SELDOM else 5


async def killed_at(place: str, telegram: FakeTelegram, folder: Path, *, visit: int = 2, **environ: str) -> Counts:
    """Killed where it comes there for the ``visit``-th time (the first where there is one), and started again."""
    bot = Bot(folder, telegram, **environ)
    said = await _write(telegram)
    await bot.start(**{VARIABLE: f"{place}=kill@{1 if place in ONCE else visit}"})
    wrong = await _killed(bot)
    await bot.start()
    return await _answered(bot, telegram, said, kills=1, wrong=wrong)


async def killed_in_recovery(place: str, telegram: FakeTelegram, folder: Path, **environ: str) -> Counts:
    """Killed, and once more where the next process settles what the first one left."""
    bot = Bot(folder, telegram, **environ)
    said = await _write(telegram)
    await bot.start(**{VARIABLE: IN_RECOVERY[place]})
    wrong = await _killed(bot)
    if place == "outbox.uncertain":
        telegram.fail("sendMessage", Fault.cut(executed=True))
    await bot.start(**{VARIABLE: f"{place}=kill"})
    wrong += await _killed(bot)
    await bot.start()
    return await _answered(bot, telegram, said, kills=2, wrong=wrong)


async def killed_on_stop(place: str, telegram: FakeTelegram, folder: Path, **environ: str) -> Counts:
    """Told to stop in the middle of a send, and killed on the way."""
    bot = Bot(folder, telegram, BOTCORE_TURN__DRAIN_S="0.2", **environ)
    chat = telegram.chat(7)
    async with telegram.hold("sendMessage", chat) as gate:
        said = {chat: [f"{chat.id} says {number}" for number in range(2)]}
        for text in said[chat]:
            await chat.says(text)
        await bot.start(**{VARIABLE: f"{place}=kill"})
        await gate.reached()
        bot.signal(signal.SIGTERM)
        wrong = await _killed(bot)
    await bot.start()
    return await _answered(bot, telegram, said, kills=1, wrong=wrong)


async def _write(telegram: FakeTelegram) -> Said:
    """Three chats, a group among them, each saying three things at once; the first call meets a flood limit."""
    chats = [telegram.chat(7), telegram.chat(8), telegram.chat(-9, "group")]
    telegram.flood(retry_after=1)
    said = {chat: [f"{chat.id} says {number}" for number in range(3)] for chat in chats}
    for number in range(3):
        for chat, texts in said.items():
            await chat.says(texts[number])
    return said


async def _killed(bot: Bot) -> tuple[str, ...]:
    status = await bot.dies()
    return (
        () if status == -signal.SIGKILL else (f"never came there, exit status {status}: {bot.log.read_text()[-500:]}",)
    )


async def _answered(bot: Bot, telegram: FakeTelegram, said: Said, *, wrong: tuple[str, ...], **more: int) -> Counts:
    """What became of it all, once everything is answered or nothing more comes."""
    try:
        await polled(telegram)
        for chat, texts in said.items():
            for text in texts:
                await chat.hears(text)
    except (AssertionError, TimeoutError) as error:
        wrong += (str(error) or "it never came up",)
    wrong += ended(await bot.stop())
    heard = {str(chat.id): list(said_back(chat).elements()) for chat in said}
    return compare({str(chat.id): texts for chat, texts in said.items()}, heard) + Counts(
        sent=0, may_double=await asyncio.to_thread(_resent, bot), wrong=wrong, **more
    )


def _resent(bot: Bot) -> int:
    """Sends that were made once more: they were in the air when the process died."""
    engine = make_engine(parse(bot.environ["BOTCORE_STORE__URL"]))
    try:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT coalesce(sum(resends), 0) FROM outbox").scalar_one())
    finally:
        engine.dispose()
