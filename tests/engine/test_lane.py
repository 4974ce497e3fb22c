"""When a server is asked for a sign of life, and when it has to go. Whole servers: test_vllm.py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from botcore.engine.client import OpenAIClient
from botcore.engine.command import ServerPlan
from botcore.engine.lane import PROBE_EVERY, PROBE_WITHIN, Lane
from botcore.engine.model import Model
from botcore.engine.stages import Story
from botcore.engine.transport import Deadlines
from botcore.errors import EngineTimeout, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Prompt
from botcore.testing import ManualClock, until
from botcore.testing.clock import settle
from botcore.testing.openai_server import Answer, FakeOpenAI, Stream

PROMPT = Prompt(messages=(PromptMessage(role="user", content="hi"),))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def lane(tmp_path: Path, clock: ManualClock) -> Lane:
    plan = ServerPlan(python=tmp_path, model=Model(name="fake", source="fake"), socket=tmp_path / "e.sock", key="k")
    return Lane(plan, data_dir=tmp_path, clock=clock, deadlines=Deadlines(), report=lambda **_: None)


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


async def asked(lane: Lane, server: FakeOpenAI, clock: ManualClock) -> "asyncio.Task[None]":
    """A look at the server that has asked for its token and got none in time."""

    async def look() -> None:
        async with OpenAIClient(server.url, clock=clock) as client:
            await lane._check_up(client)

    looking = asyncio.create_task(look())
    await clock.advance(PROBE_EVERY + 1)
    await server.begun.wait()
    server.begun.clear()
    await clock.advance(PROBE_WITHIN + 1)
    return looking


async def test_a_server_that_was_slow_once_stays(lane: Lane, server: FakeOpenAI, clock: ManualClock) -> None:
    server.queue(Stream(held=True))
    await (await asked(lane, server, clock))
    assert len(server.bodies) == 2


async def test_a_server_that_was_slow_twice_goes(lane: Lane, server: FakeOpenAI, clock: ManualClock) -> None:
    server.queue(Stream(held=True), Stream(held=True))
    looking = await asked(lane, server, clock)
    await server.begun.wait()
    await clock.advance(PROBE_WITHIN + 1)
    with pytest.raises(EngineTimeout, match="no token within 10 s"):
        await looking


async def test_a_server_has_twice_as_long_as_its_first_token_took(
    lane: Lane, server: FakeOpenAI, clock: ManualClock
) -> None:
    """What is slow is not what hangs: it would be ended, load its weights again, and be as slow."""
    server.queue(Stream(held=True), Stream(held=True))
    story, ready = Story(), asyncio.Event()
    async with OpenAIClient(server.url, clock=clock) as client:
        attending = asyncio.create_task(lane._attend(client, SimpleNamespace(group=0), story, ready))  # type: ignore[arg-type]
        await server.begun.wait()
        server.begun.clear()
        await clock.advance(PROBE_WITHIN + 5)
        server.step()
        await ready.wait()
        await settle()
        await clock.advance(PROBE_EVERY + 1)
        await server.begun.wait()
        await clock.advance(2 * PROBE_WITHIN)
        assert not attending.done()
        assert len(server.bodies) == 2
        attending.cancel()
        await asyncio.wait([attending])


@asynccontextmanager
async def moving(lane: Lane, server: FakeOpenAI, clock: ManualClock) -> AsyncIterator[OpenAIClient]:
    """The lane's server writes one reply, word by word, while another request has just failed."""
    async with OpenAIClient(server.url, clock=clock) as lane.client:
        server.queue(Stream(held=True), Answer(500, {"error": {"message": "EngineCore died"}}))
        server.step()
        async with aclosing(lane.generate(PROMPT, Sampling(), model="")) as reply:
            await anext(reply)
            server.begun.clear()
            with pytest.raises(EngineUnavailable):
                await anext(lane.generate(PROMPT, Sampling(), model=""))
            yield lane.client


async def test_a_server_that_failed_a_request_has_to_make_a_token_although_others_still_move(
    lane: Lane, server: FakeOpenAI, clock: ManualClock
) -> None:
    async with moving(lane, server, clock) as client:
        server.queue(Answer(500, {"error": {"message": "EngineCore died"}}))
        with pytest.raises(EngineUnavailable, match="EngineCore died"):
            await lane._check_up(client)


async def test_a_server_that_failed_a_request_stays_where_others_move_and_its_token_comes_late(
    lane: Lane, server: FakeOpenAI, clock: ManualClock
) -> None:
    async with moving(lane, server, clock) as client:
        server.queue(Stream(held=True))
        looking = asyncio.create_task(lane._check_up(client))
        await server.begun.wait()
        await clock.advance(PROBE_WITHIN + 1)
        await looking
        assert len(server.bodies) == 3


async def test_an_old_socket_that_cannot_be_removed_is_a_failed_start_and_tried_again(
    lane: Lane, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    lane.plan.socket.mkdir()
    keeping = asyncio.create_task(lane.keep())
    await lane.settled.wait()
    assert lane.failure == f"cannot remove {lane.plan.socket}: Is a directory"
    lane.plan.socket.rmdir()
    await clock.advance(1)
    await until(lambda: "cannot start" in lane.failure)  # by then it is the next thing that is wrong here
    assert [record.message.partition("; next")[0] for record in caplog.records] == [
        f"engine: cannot remove {lane.plan.socket}: Is a directory",
        f"engine: {lane.failure}",
    ]
    keeping.cancel()
    await asyncio.wait([keeping])
