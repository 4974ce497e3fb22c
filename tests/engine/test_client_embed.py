import asyncio
import math
from collections.abc import AsyncIterator

import pytest

from botcore.engine.client import OpenAIClient
from botcore.engine.vectors import AT_ONCE
from botcore.errors import EngineRejected, EngineTimeout, EngineUnavailable, PromptTooLong
from botcore.testing import ManualClock
from botcore.testing.openai_server import Answer, FakeOpenAI, Stream

KEY = "sk-very-secret-key"


@pytest.fixture
async def server() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI(key=KEY) as server:
        yield server


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def client(server: FakeOpenAI, clock: ManualClock) -> AsyncIterator[OpenAIClient]:
    async with OpenAIClient(server.url, clock=clock, api_key=KEY, table="encoder") as client:
        yield client


async def test_each_text_gets_a_vector_of_length_one_in_its_place(client: OpenAIClient) -> None:
    one, other, again = await client.embed(["sea", "ship", "sea"], model="fake")
    assert list(one) == list(again) != list(other)
    assert [math.hypot(*vector) for vector in (one, other)] == pytest.approx([1, 1])


async def test_a_server_that_writes_decimals_says_the_same(server: FakeOpenAI, client: OpenAIClient) -> None:
    packed = await client.embed(["sea"], model="fake")
    server.as_decimals = True
    assert await client.embed(["sea"], model="fake") == packed


async def test_more_texts_than_a_server_takes_at_once_are_several_requests(
    server: FakeOpenAI, client: OpenAIClient
) -> None:
    texts = [chr(97 + number % 26) * number for number in range(AT_ONCE + 3)]
    vectors = await client.embed(texts, model="fake")
    assert [len(body["input"]) for body in server.embedded] == [AT_ONCE, 3]
    assert vectors[-1] == (await client.embed(texts[-1:], model="fake"))[0]


async def test_no_texts_are_no_request(server: FakeOpenAI, client: OpenAIClient) -> None:
    assert await client.embed([], model="fake") == []
    assert server.embedded == []


async def test_vllm_is_told_to_cut_what_is_too_long_and_others_are_not(
    server: FakeOpenAI, client: OpenAIClient
) -> None:
    server.longest = 2
    await client.models()
    assert await client.embed(["one two three"], model="fake") == await client.embed(["one two"], model="fake")
    server.owner = "somebody else"
    await client.models()
    with pytest.raises(PromptTooLong, match="maximum context length is 2"):
        await client.embed(["one two three"], model="fake")
    assert "truncate_prompt_tokens" not in server.embedded[-1]


async def test_cancelling_closes_the_request(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.queue(Stream(held=True))
    asking = asyncio.create_task(client.embed(["sea"], model="fake"))
    await server.begun.wait()
    asking.cancel()
    async with asyncio.timeout(1):
        await server.freed.wait()


async def test_a_server_that_takes_too_long_is_a_timeout(
    server: FakeOpenAI, client: OpenAIClient, clock: ManualClock
) -> None:
    server.queue(Stream(held=True))
    asking = asyncio.create_task(client.embed(["sea"], model="fake"))
    await server.begun.wait()
    await clock.advance(10.1)
    with pytest.raises(EngineTimeout, match=r"the encoder at .* took more than 10 s for POST /embeddings"):
        await asking


@pytest.mark.parametrize(
    "body", ["<html>Sign in</html>", "[" * 100_000, {"data": []}, {"data": [{"embedding": "!"}]}, [1, 2], ""]
)
async def test_nonsense_is_unavailable_and_no_traceback(server: FakeOpenAI, client: OpenAIClient, body: object) -> None:
    server.queue(Answer(200, body))
    with pytest.raises(EngineUnavailable, match="no list of vectors"):
        await client.embed(["sea"], model="fake")


async def test_a_refusal_names_the_encoders_own_settings(server: FakeOpenAI, client: OpenAIClient) -> None:
    with pytest.raises(EngineRejected, match=r"check encoder\.base_url and encoder\.model"):
        await client.embed(["sea"], model="another")
    server.key = "another"
    with pytest.raises(EngineRejected, match=r"set encoder\.api_key") as refused:
        await client.embed(["sea"], model="fake")
    assert KEY not in str(refused.value)


async def test_an_address_that_is_none_names_the_encoders_setting(clock: ManualClock) -> None:
    with pytest.raises(EngineRejected, match=r"^encoder\.base_url must start with http"):
        OpenAIClient("localhost:8000", clock=clock, table="encoder")


async def test_an_answer_without_end_is_read_no_further(
    server: FakeOpenAI, client: OpenAIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botcore.engine.client.VECTORS_LIMIT", 100)
    server.queue(Answer(200, " " * 1_000_000 + '{"data": [{"embedding": [1]}, {"embedding": [1]}]}'))
    with pytest.raises(EngineUnavailable, match="no list of vectors"):
        await client.embed(["sea", "ship"], model="fake")
