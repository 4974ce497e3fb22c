"""The `openai` SDK talks to the bot as to any server of that protocol, with vLLM behind it."""

import asyncio
from collections.abc import AsyncIterator

import openai
import pytest
import pytest_asyncio
from openai.types.chat import ChatCompletionMessageParam

from botcore.bot import Bot
from tests.e2e.here import metric

pytestmark = [pytest.mark.engine, pytest.mark.asyncio(loop_scope="session")]

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello!"}]
LONG: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Tell me a story about a fox."}]
"""So much that it cannot come at once; a greeting may."""


@pytest_asyncio.fixture(loop_scope="session")
async def ai(bot: Bot) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{bot.address}/v1", api_key="none", max_retries=0) as client:
        yield client


async def test_it_lists_the_bot_as_a_model(ai: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in ai.models.list()] == ["botcore"]


async def test_a_whole_reply_comes_with_exact_counts(ai: openai.AsyncOpenAI) -> None:
    done = await ai.chat.completions.create(model="botcore", messages=HELLO, temperature=0)
    assert done.choices[0].message.content
    assert done.choices[0].finish_reason == "stop"
    assert done.usage
    assert done.usage.prompt_tokens > 0
    assert done.usage.completion_tokens > 0


async def test_a_streamed_reply_is_the_same_text_in_pieces(ai: openai.AsyncOpenAI) -> None:
    whole = await ai.chat.completions.create(model="botcore", messages=LONG, temperature=0)
    stream = await ai.chat.completions.create(model="botcore", messages=LONG, temperature=0, stream=True)
    pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert len([piece for piece in pieces if piece]) > 1


async def test_bad_input_is_named(ai: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await ai.chat.completions.create(model="botcore", messages=HELLO, logprobs=True)
    assert raised.value.param == "logprobs"
    with pytest.raises(openai.NotFoundError):
        await ai.chat.completions.create(model="gpt-nowhere", messages=HELLO)
    with pytest.raises(openai.BadRequestError):
        await ai.chat.completions.create(model="botcore", messages=[])


async def test_a_client_that_goes_away_frees_the_engine(bot: Bot, ai: openai.AsyncOpenAI) -> None:
    story: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Write a short story about a fox."}]
    stream = await ai.chat.completions.create(
        model="botcore", messages=story, temperature=2.0, max_tokens=1500, stream=True
    )
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()
    async with asyncio.timeout(5):  # 50-100 ms on a quiet machine
        while await metric(bot.address, "botcore_turns_running"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
