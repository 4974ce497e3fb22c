"""A running bot and its LoRA versions: what is wanted comes in service, or the row says why not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from functools import partial
from pathlib import Path

import pytest

from botcore import Chunk, EngineTimeout, EngineUnavailable, Lora, Reply, Sampling, Turn, hookimpl
from botcore.engine.scripted import ScriptedEngine
from botcore.store import loras
from botcore.testing import Chat, ManualClock, chatting, until
from botcore.versions import LoraFiles
from tests.models.made import adapter_files, model_files


class Talker:
    """Asks the model, twice for a message that says so."""

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer(turn)

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        for _ in range(2 if "twice" in turn.message.text else 1):
            async for delta in turn.generate(await turn.prompt(""), Sampling()):
                yield Chunk(text=delta.text)


class Sums:
    """Lets the model sum up what was said, once the reply is out."""

    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        async with aclosing(turn.generate(await turn.prompt("Sum it up."))) as deltas:
            assert [delta async for delta in deltas]


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


async def offer(chat: Chat, name: str) -> Lora:
    folder = chat.bot.data_dir / "made"
    base = write(folder / "base", model_files())
    return await chat.bot.loras.offer(write(folder / name, adapter_files()), name=name, method="sft", base=str(base))


async def row(chat: Chat, name: str) -> Lora:
    return next(version for version in await chat.bot.loras.list() if version.name == name)


async def becomes(chat: Chat, name: str, true: Callable[[Lora], object]) -> Lora:
    """The version's row, once it is so."""
    async with asyncio.timeout(5):
        while not true(found := await row(chat, name)):  # noqa: ASYNC110 -- the database tells nobody
            await asyncio.sleep(0)
    return found


async def in_service(chat: Chat, name: str) -> None:
    """Return once the engine has it, and its row says so."""
    await until(lambda: chat.engine.status.lora == name)
    if name:
        await becomes(chat, name, lambda version: version.live)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def chat(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Chat]:
    async with chatting(tmp_path, plugins={"talker": Talker()}, clock=clock) as chat:
        yield chat


async def test_a_version_that_is_used_answers_new_turns_and_off_brings_the_base_back(chat: Chat) -> None:
    await offer(chat, "sft-1")
    for say, wanted in (("one", ""), ("two", "sft-1"), ("three", "")):
        await (chat.bot.loras.use(wanted) if wanted else chat.bot.loras.off())
        await in_service(chat, wanted)
        await chat.says(say)
        await chat.hears(say)
    assert chat.engine.models == ["", "sft-1", ""]
    assert [reply.model for reply in await chat.replies()] == ["scripted", "sft-1", "scripted"]
    trace = await chat.bot.trace((await chat.replies())[1].id)
    assert trace
    assert trace["model"] == "sft-1"
    assert b'botcore_lora_in_service{version="base"} 1.0' in chat.bot.metrics.render()


async def test_a_turn_keeps_the_version_it_began_with(chat: Chat) -> None:
    await offer(chat, "sft-1")
    chat.engine.hold()
    await chat.says("twice")
    await until(lambda: chat.engine.open == 1)
    await chat.bot.loras.use("sft-1")
    await in_service(chat, "sft-1")
    chat.engine.release()
    await chat.hears("twice")
    await chat.says("and then")
    await chat.hears("and then")
    assert chat.engine.models == ["", "", "sft-1"]
    await until(lambda: not any(chat.engine.lending._held.values()))


async def test_what_generates_behind_the_reply_gives_its_version_back_too(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"talker": Talker(), "sums": Sums()}) as chat:
        await chat.says("hi")
        await chat.hears("hi")
        await until(lambda: len(chat.engine.prompts) == 2 and not chat.bot._router.load)
        assert not any(chat.engine.lending._held.values())


async def test_a_turn_whose_version_is_gone_when_the_engine_comes_back_is_answered_by_the_base(chat: Chat) -> None:
    await offer(chat, "sft-1")
    await chat.bot.loras.use("sft-1")
    await in_service(chat, "sft-1")

    def vanish(_: object) -> str:
        chat.engine.gone.add("sft-1")
        chat.engine.set_status(lora="")
        raise EngineUnavailable

    chat.engine.say(vanish, "the base")
    await chat.says("hi")
    await chat.hears("the base")
    assert chat.engine.models == ["sft-1", ""]
    assert [reply.model for reply in await chat.replies()] == ["scripted"]


async def test_a_version_is_wanted_by_another_process_within_a_second(chat: Chat, clock: ManualClock) -> None:
    await offer(chat, "sft-1")
    chat.bot._serving = None  # another process's wish: nobody here is told
    await chat.bot.loras.use("sft-1")
    await clock.advance(1.0)
    await in_service(chat, "sft-1")


async def test_off_and_use_between_two_looks_are_said_to_be_so_again(chat: Chat, clock: ManualClock) -> None:
    await offer(chat, "sft-1")
    await chat.bot.loras.use("sft-1")
    await in_service(chat, "sft-1")
    chat.bot._serving = None
    await chat.bot.loras.off()
    assert not (await chat.bot.loras.use("sft-1")).live
    await clock.advance(1.0)
    await in_service(chat, "sft-1")
    assert chat.engine.served == ["sft-1"]


async def test_a_restart_begins_with_the_version_before_the_first_turn(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await in_service(chat, "sft-1")
    async with chatting(tmp_path, plugins={"talker": Talker()}) as chat:
        assert chat.engine.served[0] == "sft-1"
        await chat.says("hi")
        await chat.hears("hi")
        assert chat.engine.models == ["sft-1"]


async def test_files_that_vanished_while_the_bot_was_away_leave_the_base_and_a_reason(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        version = await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
    (tmp_path / version.path / "adapter_model.safetensors").unlink()
    async with chatting(tmp_path) as chat:
        found = await becomes(chat, "sft-1", lambda version: version.state == "off")
        assert (found.live, chat.engine.served) == (False, [])
        assert "its files are gone" in found.reason
        assert "its files are gone" in chat.bot.health()["lora"]


async def test_files_that_lie_with_another_process_are_not_missed_where_the_engine_is_shared(chat: Chat) -> None:
    version = await offer(chat, "sft-1")
    await chat.bot.loras.use("sft-1")
    await in_service(chat, "sft-1")
    await chat.bot.loras.off()
    await in_service(chat, "")
    await chat.bot.database.write(loras.use, name="sft-1", now=1.0)  # that process's wish
    (chat.bot.data_dir / version.path).rename(chat.bot.data_dir / "elsewhere")
    chat.bot._serving.heard()  # type: ignore[union-attr]
    await in_service(chat, "sft-1")
    assert (await row(chat, "sft-1")).state == "serving"


async def test_what_the_engine_refuses_is_off_with_its_reason(chat: Chat) -> None:
    await offer(chat, "sft-1")
    chat.engine.refuses["sft-1"] = "unexpected modules"
    await chat.bot.loras.use("sft-1")
    found = await becomes(chat, "sft-1", lambda version: version.state == "off")
    assert found.reason == "sft-1 cannot be served: unexpected modules"


async def test_what_was_set_aside_is_told_until_somebody_goes_back_or_another_one_serves(
    chat: Chat, clock: ManualClock
) -> None:
    chat.engine.refuses["sft-1"] = "unexpected modules"
    for name in ("sft-1", "sft-2"):
        await offer(chat, name)
    for ends in (chat.bot.loras.off, partial(chat.bot.loras.use, "sft-2")):
        await chat.bot.loras.use("sft-1")
        await until(lambda: "unexpected modules" in chat.bot.health().get("lora", ""))
        await clock.advance(5.0)
        assert "unexpected modules" in chat.bot.health()["lora"]
        await ends()
        await until(lambda: "lora" not in chat.bot.health())


async def test_a_wish_that_is_taken_back_takes_its_trouble_along(tmp_path: Path, clock: ManualClock) -> None:
    async with chatting(tmp_path, engine=Busy(), clock=clock) as chat:
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await until(lambda: "no memory just now" in chat.bot.health().get("lora", ""))
        await chat.bot.loras.off()
        await until(lambda: "lora" not in chat.bot.health())


async def test_what_was_set_aside_is_told_after_a_restart_too(tmp_path: Path) -> None:
    async with chatting(tmp_path) as chat:
        await offer(chat, "sft-1")
        chat.engine.refuses["sft-1"] = "unexpected modules"
        await chat.bot.loras.use("sft-1")
        await becomes(chat, "sft-1", lambda version: version.state == "off")
    async with chatting(tmp_path) as chat:
        await until(lambda: "unexpected modules" in chat.bot.health().get("lora", ""))


class Busy(ScriptedEngine):
    """Cannot serve a version at the first try."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self._error: Exception = error or EngineUnavailable("no memory just now")

    async def serve(self, version: LoraFiles | None) -> None:
        if not self.served:
            self.served.append("nothing")
            raise self._error
        await super().serve(version)


@pytest.mark.parametrize("error", [EngineUnavailable, EngineTimeout, PermissionError, RuntimeError])
async def test_what_cannot_be_just_now_is_tried_again(
    tmp_path: Path, clock: ManualClock, error: type[Exception]
) -> None:
    async with chatting(tmp_path, engine=Busy(error("no memory just now")), clock=clock) as chat:
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await until(lambda: "no memory just now" in chat.bot.health().get("lora", ""))
        assert (await row(chat, "sft-1")).state == "serving"
        await clock.advance(3.0)
        await in_service(chat, "sft-1")
        await until(lambda: "lora" not in chat.bot.health())


async def test_another_wish_does_not_wait_for_the_next_try_of_the_one_before(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with chatting(tmp_path, engine=Busy(), clock=clock) as chat:
        for name in ("sft-1", "sft-2"):
            await offer(chat, name)
        await chat.bot.loras.use("sft-1")
        await until(lambda: "no memory just now" in chat.bot.health().get("lora", ""))
        chat.bot._serving = None  # another process's wish: nobody here is told
        await chat.bot.loras.use("sft-2")
        await clock.advance(1.0)
        await in_service(chat, "sft-2")


class Unable(ScriptedEngine):
    """Does not come up while it is to serve a version, as vLLM where memory is short; the base fails at first, too."""

    def __init__(self) -> None:
        super().__init__()
        self.set_status(stage="failed", detail="no memory for LoRA")
        self.tries = 0

    async def serve(self, version: LoraFiles | None) -> None:
        if version and self.status.stage == "ready":
            raise EngineUnavailable("it does not start: no memory for LoRA")
        if not version:
            self.tries += 1
            if self.tries == 1:
                raise EngineUnavailable("not even the base")
            self.set_status(stage="ready")
        await super().serve(version)


async def test_an_engine_that_does_not_come_up_with_a_version_comes_up_with_the_base(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with chatting(tmp_path) as chat:
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await in_service(chat, "sft-1")
    async with chatting(tmp_path, engine=Unable(), plugins={"talker": Talker()}, clock=clock) as chat:
        await until(lambda: "not even the base" in chat.bot.health().get("lora", ""))
        await clock.advance(3.0)
        await until(lambda: chat.engine.status.stage == "ready")
        await chat.says("hi")
        await chat.hears("hi")
        assert (chat.engine.models, chat.engine.tries) == ([""], 2)  # type: ignore[attr-defined]
        await clock.advance(1.0)
        await until(lambda: "sft-1 cannot be served now: it does not start" in chat.bot.health().get("lora", ""))
        assert (await row(chat, "sft-1")).state == "serving", "it is tried again"
        await chat.bot.loras.off()
        await until(lambda: "lora" not in chat.bot.health())


class Borrowed(ScriptedEngine):
    """Another process runs it, and decides."""

    @property
    def owns(self) -> bool:
        return False


async def test_what_another_process_decides_is_not_tried_and_told_every_second(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with chatting(tmp_path, engine=Borrowed(), clock=clock) as chat:
        await offer(chat, "sft-1")
        chat.engine.refuses["sft-1"] = "unexpected modules"
        await chat.bot.loras.use("sft-1")
        await until(lambda: "unexpected modules" in chat.bot.health().get("lora", ""))
        for _ in range(10):
            await clock.advance(1.0)
        assert (await row(chat, "sft-1")).state == "serving"
        assert caplog.text.count("unexpected modules") <= 4


class Slow(ScriptedEngine):
    """Takes its time to change over, until it is told to go on; what is interrupted changes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.asked: list[str] = []

    async def serve(self, version: LoraFiles | None) -> None:
        self.asked.append(version.name if version else "")
        await self.go.wait()
        await super().serve(version)


async def test_another_wish_ends_a_change_that_is_on_its_way(tmp_path: Path) -> None:
    engine = Slow()
    async with chatting(tmp_path, engine=engine) as chat:
        for name in ("a", "b"):
            await offer(chat, name)
            await chat.bot.loras.use(name)
            await until(lambda name=name: engine.asked[-1:] == [name])  # type: ignore[misc]
        engine.go.set()
        await in_service(chat, "b")
        assert engine.served == ["b"]


async def test_whoever_waits_hears_of_a_change_though_the_clock_was_set_back(
    tmp_path: Path, clock: ManualClock
) -> None:
    engine = Slow()
    async with chatting(tmp_path, engine=engine, clock=clock) as chat:
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await becomes(chat, "sft-1", lambda version: version.progress != "")
        said = (await row(chat, "sft-1")).progress
        await chat.bot.database.write(loras.tell, name="sft-1", progress=said, now=clock.now() + 3_600)
        await clock.advance(1.0)
        await becomes(chat, "sft-1", lambda version: version.told_at == clock.now())
        engine.go.set()


class Follows(Slow):
    """Waits for what another process does."""

    @property
    def owns(self) -> bool:
        return False


async def test_a_process_that_follows_another_one_says_nothing_in_its_place(tmp_path: Path) -> None:
    engine = Follows()
    async with chatting(tmp_path, engine=engine) as chat:
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await until(lambda: engine.asked == ["sft-1"])
        await chat.bot.database.write(loras.settle, name="sft-1", now=1.0)  # the other one has it
        said = await row(chat, "sft-1")
        engine.go.set()
        await until(lambda: engine.status.lora == "sft-1")
        assert ((await row(chat, "sft-1")).progress, (await row(chat, "sft-1")).told_at) == ("", said.told_at)


class Plain:
    """An engine of somebody's own that knows nothing of versions."""

    def __init__(self) -> None:
        engine = ScriptedEngine()
        self.run, self.changed, self.generate, self.count = engine.run, engine.changed, engine.generate, engine.count
        self._engine = engine

    @property
    def status(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return self._engine.status


async def test_an_engine_that_knows_no_versions_says_so(tmp_path: Path) -> None:
    async with chatting(tmp_path, engine=Plain()) as chat:  # type: ignore[arg-type]
        await offer(chat, "sft-1")
        await chat.bot.loras.use("sft-1")
        await until(lambda: "cannot serve LoRA versions" in chat.bot.health().get("lora", ""))
