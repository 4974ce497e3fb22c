"""The bot's life: what fails alone, what stops in order, what a plugin may ask."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from botcore import (
    Bot,
    Chunk,
    Conversation,
    Inbox,
    Message,
    Person,
    Registry,
    SettingsError,
    StoreUnavailable,
    Turn,
    hookimpl,
)
from botcore import bot as bot_module
from botcore.bot import Bot as TheBot
from botcore.ports import EngineStatus
from botcore.settings import load_settings
from botcore.testing import Chat, LoopbackChannel, ManualClock, ScriptedEncoder, ScriptedEngine, chatting, until
from botcore.testing.clock import settle


class Diary:
    """Notes when its lifespan begins and ends."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.bot: Bot

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        self.bot = bot
        self.notes.append("begun")
        yield
        self.notes.append("ended")


class Broken:
    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        raise RuntimeError("no disk")
        yield


async def test_a_plugins_life_is_the_bots(tmp_path: Path) -> None:
    diary = Diary()
    async with chatting(tmp_path, plugins={"diary": diary}):
        assert diary.notes == ["begun"]
    assert diary.notes == ["begun", "ended"]


async def test_a_plugin_has_the_encoder_and_the_bot_brings_it_up_and_down(tmp_path: Path) -> None:
    encoder, diary = ScriptedEncoder(), Diary()
    async with chatting(tmp_path, encoder=encoder, plugins={"diary": diary}):
        assert diary.bot.encoder is encoder
        assert encoder.status.stage == "ready"
    assert encoder.status.stage == "off"


async def test_an_encoder_that_fails_is_named_and_the_bot_is_ready_all_the_same(tmp_path: Path) -> None:
    encoder = ScriptedEncoder()
    async with chatting(tmp_path, encoder=encoder) as chat:
        assert "encoder" not in chat.bot.health()
        encoder.set_status(stage="failed", detail="no such model")
        assert chat.bot.health()["encoder"] == "no such model"
        assert await get(chat.bot.address, "/readyz") == 200


async def test_an_encoder_that_is_out_of_reach_fails_no_start_and_no_turn(tmp_path: Path) -> None:
    tables = {"encoder": {"kind": "openai", "base_url": "http://127.0.0.1:9/v1"}, "plugins": {"textgen": {}}}
    async with chatting(tmp_path, settings=tables) as chat:
        encoder = chat.bot.encoder
        assert encoder
        while encoder.status.stage != "failed":
            await encoder.changed()
        assert "the encoder at http://127.0.0.1:9/v1 cannot be reached" in chat.bot.health()["encoder"]
        await chat.says("hello")
        await chat.hears("You said: hello")


async def test_without_an_encoder_there_is_none(tmp_path: Path) -> None:
    diary = Diary()
    async with chatting(tmp_path, plugins={"diary": diary}):
        assert diary.bot.encoder is None


async def test_a_lifespan_that_fails_is_reported_and_the_bot_goes_on(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"broken": Broken(), "diary": Diary()}) as chat:
        assert chat.bot.health()["broken"] == "RuntimeError: no disk"
        assert chat.bot.health()["diary"] == "ok"
        await chat.says("/help")
        await chat.hears("/help")


class Watches:
    """Starts a task in its lifespan, and forgets to cancel it."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(self.watch(), name="watches")
            yield

    async def watch(self) -> None:
        if self.error:
            raise self.error
        await asyncio.Event().wait()


async def test_a_task_of_a_lifespan_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"watches": Watches(RuntimeError("no disk"))}) as chat:
        await until(lambda: chat.bot.health()["watches"] != "ok")
        assert chat.bot.health()["watches"] == "RuntimeError: no disk"


async def test_a_lifespan_that_does_not_end_is_named_and_cancelled(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, life = ManualClock(), Diary()
    bot = asyncio.create_task(_chat_once(tmp_path, clock, {"watches": Watches(), "life": life}), name="a bot's life")
    await until(lambda: life.notes == ["begun", "ended"])
    assert not bot.done()
    await clock.advance(5)
    await bot
    assert "lifespan of watches did not end within 5 s and is cancelled; it must cancel its tasks" in caplog.text


async def _chat_once(data_dir: Path, clock: ManualClock, plugins: Mapping[str, object]) -> None:
    async with chatting(data_dir, plugins=plugins, clock=clock):
        pass


async def test_a_bot_that_does_not_stop_fails_the_test_instead_of_hanging_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botcore.testing.chat.STOP_S", 0.5)
    with pytest.raises(AssertionError, match="does a plugin's lifespan cancel its tasks behind its yield"):
        await _chat_once(tmp_path, ManualClock(), {"watches": Watches()})


async def test_a_lifespan_that_is_slow_to_start_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, asked = ManualClock(), asyncio.Event()

    class Slow:
        @hookimpl
        @asynccontextmanager
        async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
            asked.set()
            await asyncio.Event().wait()
            yield

    bot = asyncio.create_task(_chat_once(tmp_path, clock, {"slow": Slow(), "diary": Diary()}), name="a bot's life")
    await asked.wait()
    await clock.advance(30)
    await until(lambda: "still starting after 30 s: slow; the bot goes on" in caplog.text)
    while not bot.done():
        await clock.advance(5)
    await bot


class Clinging(LoopbackChannel):
    """A channel and plugin with a ``finally`` that never ends, in one of three places."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where
        self.asked = asyncio.Event()
        self.cleaning = asyncio.Event()

    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await self._clean("lifespan")

    async def run(self, inbox: Inbox) -> None:
        try:
            await super().run(inbox)
        finally:
            await self._clean("channel")

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer()

    async def _answer(self) -> AsyncIterator[Chunk]:
        self.asked.set()
        try:
            await asyncio.Event().wait()
            yield Chunk(text="never said")
        finally:
            await self._clean("reply")

    async def _clean(self, where: str) -> None:
        if where == self.where:
            self.cleaning.set()
            await asyncio.Event().wait()


@pytest.mark.parametrize("where", ["lifespan", "channel", "reply"])
async def test_what_does_not_end_when_it_is_told_to_is_told_again_until_the_bot_has_stopped(
    tmp_path: Path, where: str
) -> None:
    clock, channel = ManualClock(), Clinging(where)
    bot = asyncio.create_task(_ask_and_stop(tmp_path, clock, channel), name="a bot's life")
    await channel.asked.wait()
    while not bot.done():
        await clock.advance(1)
        await asyncio.sleep(0.005)  # its threads go on beside our clock
    await bot
    assert channel.cleaning.is_set()


async def _ask_and_stop(data_dir: Path, clock: ManualClock, channel: Clinging) -> None:
    settings = {"turn": {"drain_s": 1, "timeout_s": 10_000}}
    async with chatting(data_dir, clock=clock, channel=channel, settings=settings) as chat:
        await chat.says("hi")
        await channel.asked.wait()


class Flaky(LoopbackChannel):
    name = "flaky"

    def __init__(self) -> None:
        super().__init__()
        self.tries = 0

    async def run(self, inbox: Inbox) -> None:
        self.tries += 1
        if self.tries < 3:
            raise RuntimeError("no network")
        await super().run(inbox)


class WithFlaky:
    def __init__(self, flaky: Flaky) -> None:
        self.flaky = flaky

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.channel(self.flaky)


async def test_a_channel_that_fails_is_run_again_after_growing_pauses(tmp_path: Path) -> None:
    clock, flaky = ManualClock(), Flaky()
    async with chatting(tmp_path, plugins={"flaky": WithFlaky(flaky)}, clock=clock) as chat:
        await until(lambda: flaky.tries == 1)
        assert chat.bot.health()["flaky"] == "RuntimeError: no network"
        await clock.advance(1.1)
        assert flaky.tries == 2
        await clock.advance(1.1)
        assert flaky.tries == 2
        await clock.advance(1.0)
        assert flaky.tries == 3
        assert chat.bot.health()["flaky"] == "ok"


async def test_a_channel_that_awaits_what_it_has_ended_itself_is_run_again(tmp_path: Path) -> None:
    class Ended(Flaky):
        async def run(self, inbox: Inbox) -> None:
            self.tries += 1
            job: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            job.cancel()
            await job

    clock, flaky = ManualClock(), Ended()
    async with chatting(tmp_path, plugins={"flaky": WithFlaky(flaky)}, clock=clock) as chat:
        await until(lambda: flaky.tries == 1)
        assert chat.bot.health()["flaky"] == "CancelledError"
        await clock.advance(1.1)
        assert flaky.tries == 2


async def test_a_channel_that_receives_no_more_is_told_and_run_again(tmp_path: Path) -> None:
    class Brief(Flaky):
        async def run(self, inbox: Inbox) -> None:
            self.tries += 1

    clock, flaky = ManualClock(), Brief()
    async with chatting(tmp_path, plugins={"flaky": WithFlaky(flaky)}, clock=clock) as chat:
        await until(lambda: flaky.tries == 1)
        assert chat.bot.health()["flaky"].startswith("its run has ended")
        await clock.advance(1.1)
        assert flaky.tries == 2


async def test_a_channel_that_ran_well_for_long_is_run_again_soon_and_says_what_its_tasks_say(tmp_path: Path) -> None:
    class Grouped(Flaky):
        ends = asyncio.Event()

        async def run(self, inbox: Inbox) -> None:
            self.tries += 1
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._end())

        async def _end(self) -> None:
            await self.ends.wait()
            raise RuntimeError("no network")

    clock, flaky = ManualClock(), Grouped()
    async with chatting(tmp_path, plugins={"flaky": WithFlaky(flaky)}, clock=clock) as chat:
        for tries in range(1, 8):
            await until(lambda tries=tries: flaky.tries == tries)
            await clock.advance(100)
            flaky.ends.set()
            await until(lambda: chat.bot.health()["flaky"] == "RuntimeError: no network")
            flaky.ends.clear()
            await clock.advance(1.1)


async def test_after_stop_nothing_more_is_accepted(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.bot.stop()
        with pytest.raises(StoreUnavailable, match="stopping"):
            await chat.says("too late")


class Late(LoopbackChannel):
    """Hands in one more message when its run is over."""

    told: Exception | None = None

    async def run(self, inbox: Inbox) -> None:
        place, person = Conversation(channel=self.name, chat="ana"), Person(id="ana")
        try:
            await super().run(inbox)
        finally:
            try:
                await inbox.accept([Message(event_id="late", conversation=place, person=person, text="hi")])
            except Exception as error:
                self.told = error


async def test_a_bot_that_is_cancelled_takes_nothing_more_either(tmp_path: Path) -> None:
    channel, flags = Late(), {"bot.data_dir": tmp_path, "http.port": 0, "engine.kind": "scripted"}
    bot = TheBot(load_settings([], environ={}, flags=flags, local=None), plugins={"loopback": channel})
    running = asyncio.create_task(bot.run(), name="bot")
    await channel.open.wait()
    await bot.started.wait()
    running.cancel()
    await asyncio.wait([running])
    assert isinstance(channel.told, StoreUnavailable)


async def test_dead_letters_are_counted_four_times_a_minute_and_no_further_than_a_thousand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot_module, "MOST_DEAD", 3)
    clock = ManualClock()
    async with chatting(tmp_path, clock=clock) as chat:
        for number, expected in enumerate((1, 2, 3, 3)):
            await chat.channel.inbox.dead_letter(
                channel="loopback", account="", event_id=f"x{number}", payload="{", reason="no text"
            )
            await clock.advance(15)
            told = f"botcore_dead_letters {expected}.0".encode()
            await until(lambda told=told: told in chat.bot.metrics.render())


async def test_a_full_disk_is_told_to_the_channel_and_survived(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await chat.bot.database.write(lambda connection: limit_pages(connection, 1))
        with pytest.raises(StoreUnavailable):
            await chat.says("x" * 30_000)
        await chat.bot.database.write(lambda connection: limit_pages(connection, 1_000_000))
        await chat.says("/start")
        await chat.hears("Hello")


def limit_pages(connection: sa.Connection, pages: int) -> None:
    """SQLite's own way to have no room: it never goes below what is there already."""
    connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def test_a_running_reply_may_finish_after_stop(tmp_path: Path) -> None:
    engine = ScriptedEngine("a slow reply")
    engine.hold()
    async with chatting(tmp_path, settings={"plugins": {"textgen": {}}}, engine=engine) as chat:
        await chat.says("hi")
        await until(lambda: engine.open == 1)
        chat.bot.stop()
        engine.release()
        await chat.hears("a slow reply")


@asynccontextmanager
async def stuck(chat: Chat) -> AsyncIterator[None]:
    """The database writes nothing meanwhile."""
    begun, free = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        group.create_task(chat.bot.database.write(lambda _: (loop.call_soon_threadsafe(begun.set), free.wait())))
        await begun.wait()
        try:
            yield
        finally:
            free.set()


async def test_what_is_being_accepted_when_the_bot_stops_is_answered(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat, asyncio.TaskGroup() as group:
        async with stuck(chat):
            group.create_task(chat.says("/start"))
            await settle()
            chat.bot.stop()
            await settle()
        await chat.hears("Hello")


async def test_what_is_accepted_after_the_time_to_end_is_answered_by_the_next_start(tmp_path: Path) -> None:
    chatting_on = chatting(tmp_path, settings={"turn": {"drain_s": 0}})
    async with chatting_on as chat, asyncio.TaskGroup() as group, stuck(chat):
        group.create_task(chat.says("/start"))
        await settle()
        chat.bot.stop()
        await until(lambda: not chat.bot._router.running)
    async with chatting(tmp_path) as chat:
        await chat.hears("Hello")


async def test_two_bots_live_in_one_process(tmp_path: Path) -> None:
    async with chatting(tmp_path / "a") as one, chatting(tmp_path / "b") as other:
        await one.says("/start")
        await one.hears("Hello")
        await other.hears_nothing()
        await other.says("/start")
        await other.hears("Hello")


async def test_a_second_bot_on_the_same_data_is_told_about_the_first(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        with pytest.raises(StoreUnavailable, match=f"in use by another botcore .* at {chat.bot.address}"):
            async with chatting(tmp_path):
                pass


async def test_a_plugin_that_must_miss_nothing_reads_the_turns(tmp_path: Path) -> None:
    diary = Diary()
    async with chatting(tmp_path, plugins={"diary": diary}) as chat:
        for text in ("/start", "/help"):
            await chat.says(text)
            await chat.hears()
        seen = [(cursor, reply.plugin) async for cursor, reply in diary.bot.turns()]
        assert [plugin for _, plugin in seen] == ["botcore", "botcore"]
        assert [cursor async for cursor, _ in diary.bot.turns(after=seen[0][0])] == [seen[1][0]]


async def test_no_task_outlives_the_bot(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with chatting(tmp_path, plugins={"diary": Diary()}) as chat:
        await chat.says("/help")
        await chat.hears()
    assert asyncio.all_tasks() == before


async def test_the_port_tells_whether_the_bot_is_usable(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        chat.engine.set_status(stage="model")
        assert await get(chat.bot.address, "/healthz") == 200
        assert await get(chat.bot.address, "/readyz") == 503
        chat.engine.set_status(stage="ready")
        assert await get(chat.bot.address, "/readyz") == 200


async def test_a_stranger_is_not_told_where_the_engine_is(tmp_path: Path) -> None:
    from aiohttp import ClientSession

    async with chatting(tmp_path) as chat, ClientSession() as session:
        chat.engine.set_status(stage="failed", detail="the engine at http://10.0.0.3:8000/v1 is gone")
        async with session.get(chat.bot.address + "/readyz") as answer:
            assert (await answer.json())["wrong"] == {"engine": "failed the engine is gone"}


async def get(address: str, path: str, headers: Mapping[str, Any] | None = None) -> int:
    from aiohttp import ClientSession

    async with ClientSession() as session, session.get(address + path, headers=headers) as answer:
        return answer.status


class OwnEngine:
    def __init__(self, build: Callable[..., ScriptedEngine]) -> None:
        self.build = build

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.engine("parrot", self.build)


def with_engine(kind: str, build: Callable[..., ScriptedEngine], data_dir: Path) -> TheBot:
    flags = {"bot.data_dir": data_dir, "http.port": 0, "engine.kind": kind}
    return TheBot(load_settings([], environ={}, flags=flags, local=None), plugins={"own": OwnEngine(build)})


class Half:
    """The half of an engine."""

    status = EngineStatus(stage="ready", model="half")

    def __init__(self, settings: object, **more: object) -> None:
        return None

    async def run(self) -> None:
        return None


@pytest.mark.parametrize(
    ("kind", "build", "told"),
    [
        ("parot", ScriptedEngine, 'engine.kind = "parot": there are vllm, openai, parrot and scripted'),
        ("parrot", lambda settings: None, 'engine.kind = "parrot" cannot be built: TypeError: '),
        ("parrot", Half, 'engine.kind = "parrot": Half is no engine: it has no changed, generate, count'),
    ],
)
async def test_an_engine_that_cannot_be_built_is_one_line(
    kind: str, build: Callable[..., ScriptedEngine], told: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError) as raised:
        await with_engine(kind, build, tmp_path).run()
    assert str(raised.value).startswith(told)


async def test_an_engine_of_a_plugin_answers_in_the_kit(tmp_path: Path) -> None:
    own = OwnEngine(lambda settings, **more: ScriptedEngine("Polly"))
    talks = {"engine": {"kind": "parrot"}, "plugins": {"textgen": {}}}
    async with chatting(tmp_path, plugins={"own": own}, settings=talks) as chat:
        await chat.says("hi")
        await chat.hears("Polly")


class Stumbles(ScriptedEngine):
    """An engine with a fault that nobody has thought of, the first time it runs."""

    runs = 0

    async def run(self) -> None:
        self.runs += 1
        if self.runs == 1:
            raise KeyError("slots")
        await super().run()


async def test_an_engine_whose_run_fails_is_named_and_run_again_and_the_bot_goes_on(tmp_path: Path) -> None:
    clock, engine = ManualClock(), Stumbles("here I am")
    settings = {"plugins": {"textgen": {}}}
    async with chatting(tmp_path, engine=engine, settings=settings, clock=clock) as chat:
        await until(lambda: chat.bot.health().get("engine") == "KeyError: 'slots'")
        await chat.says("hi")
        await clock.advance(1.1)
        await chat.hears("here I am")
        assert "engine" not in chat.bot.health()


async def test_an_engine_of_a_plugin_answers(tmp_path: Path) -> None:
    def build(settings: object, *, data_dir: Path, clock: object) -> ScriptedEngine:
        return ScriptedEngine(model=f"parrot in {data_dir.name}")

    bot = with_engine("parrot", build, tmp_path)
    running = asyncio.create_task(bot.run(), name="bot")
    await bot.started.wait()
    assert bot.engine.model == f"parrot in {tmp_path.name}"
    bot.stop()
    await running


async def test_a_silent_bot_fails_a_test_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botcore.testing.chat.PATIENCE_S", 0.05)
    async with chatting(tmp_path) as chat:
        with pytest.raises(AssertionError, match=r"heard nothing within 0.05 s, expected to hear 'hello'"):
            await chat.hears("hello")
        with pytest.raises(TimeoutError, match=r"not true within 0.05 s: \[\]"):
            await until(lambda: [])
