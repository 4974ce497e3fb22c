"""``/v1`` with the openai SDK on a real port; the core behind it is in memory, and the test decides each step."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import aiohttp
import openai
import pytest

from botcore import Control, Message
from botcore.testing import ManualClock, until
from botcore.testing.clock import settle
from botcore_web.openai_api import GLANCE_S, POLL_S, SILENCE_S
from tests.adapters.web.core import House, serving

HI: Any = [{"role": "user", "content": "hi"}]
SECRET = "sk-a-key-that-must-not-be-logged"


def client_of(house: House, key: str = SECRET) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{house.address}/v1", api_key=key, max_retries=0, timeout=5)


@pytest.fixture
async def client(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    async with client_of(house) as client:
        yield client


def ask(client: openai.AsyncOpenAI, **fields: Any) -> "asyncio.Task[Any]":
    """A request on its way."""
    return asyncio.create_task(client.chat.completions.create(**{"model": "botcore", "messages": HI} | fields))


# ------------------------------------------------------------------ replies


async def test_a_whole_reply(house: House, client: openai.AsyncOpenAI) -> None:
    request = ask(client, temperature=0.1)
    number, message = await house.core.message()
    assert message.sampling
    assert (message.text, message.sampling.temperature) == ("hi", 0.1)
    await house.answers("hello there")
    reply = await request
    assert reply.choices[0].message.content == "hello there"
    assert (reply.id, reply.usage.total_tokens) == (f"chatcmpl-turn-{number}", 9)


async def test_a_stream(house: House, client: openai.AsyncOpenAI) -> None:
    request = ask(client, stream=True, stream_options={"include_usage": True})
    number, _ = await house.core.message()
    await house.web.show(house.core.draft(number, "hello "))
    stream = await request
    assert (await anext(stream)).choices[0].delta.role == "assistant"
    assert (await anext(stream)).choices[0].delta.content == "hello "
    await house.web.show(house.core.end(number, "hello there"))
    left = [chunk async for chunk in stream]
    assert [chunk.choices[0].delta.content for chunk in left if chunk.choices] == ["there", None]
    assert left[-1].usage.total_tokens == 9


async def test_every_request_is_a_conversation_of_its_own(house: House, client: openai.AsyncOpenAI) -> None:
    for text in ("one", "two"):
        request = ask(client)
        await house.core.message(1 if text == "one" else 2)
        await house.answers(text)
        assert (await request).choices[0].message.content == text
    one, two = house.core.of(Message)
    assert one.conversation.key != two.conversation.key
    assert one.person == two.person


async def test_the_bot_is_the_one_model(client: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["botcore"]
    assert (await client.models.retrieve("botcore")).owned_by == "botcore"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("gpt-9")


async def test_which_lora_version_answers_is_not_for_a_request_to_choose(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match=r"no model 'sft-1'; there is: botcore"):
        await ask(client, model="sft-1")


async def test_a_turn_in_another_process_is_found_within_a_second() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house, client_of(house) as client:
        request = ask(client)
        number, _ = await house.core.message()
        house.core.end(number, "From elsewhere.")  # nobody shows it here
        while not request.done():
            await clock.advance(POLL_S)
        assert request.result().choices[0].message.content == "From elsewhere."


async def test_a_stream_that_waits_says_that_it_lives() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house:
        body = {"model": "botcore", "messages": HI, "stream": True}
        post = asyncio.create_task(house.client.post(f"{house.address}/v1/chat/completions", json=body))
        number, _ = await house.core.message()
        while not post.done():
            await clock.advance(SILENCE_S)
        response = post.result()
        assert (response.status, await response.content.readline()) == (200, b": still here\n")
        await house.web.show(house.core.end(number, "", outcome="refused", reason="Not today."))
        told = (await response.text()).strip().splitlines()[-1]
        assert json.loads(told.removeprefix("data: "))["error"]["message"] == "Not today."


@pytest.mark.parametrize("stream", [False, True])
async def test_a_database_that_is_away_for_a_while_takes_no_reply_along(stream: bool) -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house, client_of(house) as client:
        request = ask(client, stream=stream)
        number, _ = await house.core.message()
        if stream:
            await house.web.show(house.core.draft(number, "One "))
            chunks = await request
        house.core.down = True
        for _ in range(3):
            await clock.advance(POLL_S)
        house.core.down = False
        await house.web.show(house.core.end(number, "One two."))
        if stream:
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])
        else:
            text = (await request).choices[0].message.content
        assert text == "One two."


async def test_a_reply_that_filled_the_window_ended_by_length(house: House, client: openai.AsyncOpenAI) -> None:
    house.core.status = replace(house.core.status, window=9)
    request = ask(client)
    await house.core.message()
    await house.answers("hello there")  # two tokens behind a prompt of seven
    assert (await request).choices[0].finish_reason == "length"


# ------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("outcome", "kind", "status"),
    [("refused", openai.RateLimitError, 429), ("failed", openai.InternalServerError, 503)],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_how_a_turn_that_was_not_answered_ends(
    house: House, client: openai.AsyncOpenAI, outcome: Any, kind: type[openai.APIStatusError], status: int, stream: bool
) -> None:
    request = ask(client, stream=stream)
    number, _ = await house.core.message()
    await house.web.show(house.core.end(number, outcome=outcome, reason="Too much today."))
    with pytest.raises(kind) as error:
        await request
    assert error.value.status_code == status
    assert error.value.response.headers["Retry-After"]
    assert error.value.body["message"] == "Too much today."  # type: ignore[index]


async def test_a_stopped_reply_is_what_there_was_of_it(house: House, client: openai.AsyncOpenAI) -> None:
    request = ask(client)
    await house.core.message()
    await house.answers("half a", outcome="stopped")
    assert (await request).choices[0].message.content == "half a"


async def test_full_and_broken_are_503_with_retry_after(house: House, client: openai.AsyncOpenAI) -> None:
    for trouble in ("full", "down"):
        house.core.rejects, house.core.down = trouble == "full", trouble == "down"
        with pytest.raises(openai.InternalServerError) as error:
            await ask(client)
        assert error.value.status_code == 503
        assert int(error.value.response.headers["Retry-After"]) >= 1
        assert error.value.type == "server_error"


async def test_while_the_bot_starts() -> None:
    async with serving(up=False) as house, client_of(house) as client:
        with pytest.raises(openai.InternalServerError) as error:
            await ask(client)
        assert (error.value.status_code, error.value.code) == (503, "starting")


async def test_the_sdk_understands_every_refusal(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as wrong:
        await ask(client, n=2)
    assert (wrong.value.param, wrong.value.code, wrong.value.type) == ("n", "invalid_value", "invalid_request_error")
    with pytest.raises(openai.BadRequestError) as unsupported:
        await ask(client, logprobs=True)
    assert unsupported.value.param == "logprobs"
    with pytest.raises(openai.NotFoundError) as model:
        await ask(client, model="gpt-9")
    assert model.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as path:
        await client.embeddings.create(model="botcore", input="x")
    assert path.value.code == "not_found"


async def test_a_wrong_key_is_an_authentication_error_and_stays_out_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(key="the-right-key-of-this-bot") as house:
        async with client_of(house, SECRET) as client:
            with pytest.raises(openai.AuthenticationError) as error:
                await ask(client)
            assert (error.value.code, error.value.type) == ("invalid_api_key", "invalid_request_error")
        async with client_of(house, "the-right-key-of-this-bot") as client:
            request = ask(client)
            await house.core.message()
            await house.answers("hello")
            assert (await request).choices[0].message.content == "hello"
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("botcore", "aiohttp")))
    assert SECRET not in ours
    assert "the-right-key-of-this-bot" not in ours


async def test_too_many_wrong_keys_are_a_rate_limit_error() -> None:
    async with serving(key="the-right-key-of-this-bot") as house, client_of(house, SECRET) as client:
        for _ in range(60):
            with pytest.raises(openai.AuthenticationError):
                await ask(client)
        with pytest.raises(openai.RateLimitError) as error:
            await ask(client)
    assert (error.value.code, error.value.type) == ("attempts", "rate_limit_error")


async def test_a_body_of_another_kind_is_415(house: House) -> None:
    async with house.client.post(f"{house.address}/v1/chat/completions", data=b"{}") as response:
        assert response.status == 415
        assert (await response.json())["error"].keys() == {"message", "type", "param", "code"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 200_000, b'{"model": NaN}'])
async def test_a_body_that_is_no_request_is_400(house: House, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    url = f"{house.address}/v1/chat/completions"
    async with house.client.post(url, data=body, headers=headers) as response:
        assert response.status == 400
        assert "Traceback" not in await response.text()


# ------------------------------------------------------------------ callers who leave, and who come again


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_hangs_up_stops_the_turn(house: House, client: openai.AsyncOpenAI, stream: bool) -> None:
    request = ask(client, stream=stream)
    number, message = await house.core.message()
    if stream:
        await house.web.show(house.core.draft(number, "hello"))
        await (await request).close()
    else:
        request.cancel()
    order = await house.core.control()
    assert (order.kind, order.conversation) == ("stop", message.conversation)


async def test_a_reply_that_was_read_to_its_end_stops_nothing(house: House, client: openai.AsyncOpenAI) -> None:
    live = house.web._desk.live
    request = ask(client, stream=True)
    number, _ = await house.core.message()
    await house.web.show(house.core.end(number, "hello"))
    assert [chunk async for chunk in await request]
    await client.close()
    await until(lambda: live.count == 0)
    await settle()
    assert house.core.of(Control) == []


KEY = {"Idempotency-Key": "k1"}


async def test_the_same_key_is_the_same_request(house: House, client: openai.AsyncOpenAI) -> None:
    first, second = ask(client, extra_headers=KEY), ask(client, extra_headers=KEY)
    await house.core.message()
    await house.answers("once")
    again = await ask(client, extra_headers=KEY)
    assert {(await first).id, (await second).id, again.id} == {again.id}
    assert len(house.core.of(Message)) == 1


async def test_what_failed_under_a_key_has_failed_for_good_and_says_what_helps(
    house: House, client: openai.AsyncOpenAI
) -> None:
    first = ask(client, extra_headers=KEY)
    await house.core.message()
    await house.answers("", outcome="failed", reason="The engine is away.")
    for request in (first, ask(client, extra_headers=KEY)):
        with pytest.raises(openai.InternalServerError) as error:
            await request
        assert error.value.body["message"] == "The engine is away. (to try again, send another Idempotency-Key)"  # type: ignore[index]
        assert "Retry-After" not in error.value.response.headers


async def test_who_hangs_up_and_comes_again_with_the_same_key_gets_the_reply() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house, client_of(house) as client:
        live, leaves = house.web._desk.live, ask(client, extra_headers=KEY)
        await house.core.message()
        leaves.cancel()
        while live.count:
            await clock.advance(GLANCE_S)
        await settle()
        assert house.core.of(Control) == []
        await house.answers("still here")
        assert (await ask(client, extra_headers=KEY)).choices[0].message.content == "still here"


async def test_the_same_key_of_another_caller_is_another_request(house: House, client: openai.AsyncOpenAI) -> None:
    async with client_of(house, "sk-ben") as ben:
        requests = ask(client, extra_headers=KEY), ask(ben, extra_headers=KEY)
        await house.core.message(2)
        for request in requests:
            request.cancel()


@pytest.mark.parametrize("ended", [False, True])
async def test_the_same_key_with_another_request_is_refused(
    house: House, client: openai.AsyncOpenAI, ended: bool
) -> None:
    first = ask(client, extra_headers=KEY)
    await house.core.message()
    if ended:
        await house.answers("once")
        await first
    with pytest.raises(openai.UnprocessableEntityError) as error:
        await ask(client, extra_headers=KEY, temperature=0)
    assert error.value.param == "Idempotency-Key"
    first.cancel()


async def test_one_of_two_waiters_may_leave() -> None:
    clock = ManualClock()
    async with serving(clock=clock) as house, client_of(house) as client:
        live = house.web._desk.live
        stays, leaves = ask(client, extra_headers=KEY), ask(client, extra_headers=KEY)
        await until(lambda: live.count == 2)
        leaves.cancel()
        while live.count == 2:
            await clock.advance(GLANCE_S)
        await house.answers("still here")
        assert (await stays).choices[0].message.content == "still here"
        assert house.core.of(Control) == []


async def test_an_empty_key_is_none_and_who_hangs_up_stops_the_turn(house: House, client: openai.AsyncOpenAI) -> None:
    request = ask(client, extra_headers={"Idempotency-Key": ""})
    await house.core.message()
    request.cancel()
    assert (await house.core.control()).kind == "stop"


async def test_a_key_that_is_too_long_is_400(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        await ask(client, extra_headers={"Idempotency-Key": "k" * 256})


async def test_a_browser_of_another_site_cannot_spend_the_bot_s_tokens(house: House) -> None:
    headers = {"Origin": "https://evil.example"}
    url = f"{house.address}/v1/chat/completions"
    async with house.client.post(url, json={"model": "botcore", "messages": HI}, headers=headers) as response:
        assert response.status == 403
    assert house.core.accepted == []


@pytest.mark.parametrize("stream", [False, True])
async def test_a_stop_of_the_bot_says_so_and_stops_no_turn(stream: bool) -> None:
    async with aiohttp.ClientSession() as outside:
        async with serving() as house:
            body = {"model": "botcore", "messages": HI, "stream": stream}
            post = asyncio.create_task(outside.post(f"{house.address}/v1/chat/completions", json=body))
            number, _ = await house.core.message()
            await house.web.show(house.core.draft(number, "half"))
            if stream:
                await post
        response = await post
        told = await response.text()
        assert (response.status, '"code": "stopping"' in told) == (200 if stream else 503, True)
        assert "[DONE]" not in told
        assert house.core.of(Control) == []


@pytest.mark.parametrize("stream", [False, True])
async def test_a_reply_that_was_ready_when_the_bot_stopped_is_told(stream: bool) -> None:
    async with aiohttp.ClientSession() as outside:
        async with serving() as house:
            body = {"model": "botcore", "messages": HI, "stream": stream}
            post = asyncio.create_task(outside.post(f"{house.address}/v1/chat/completions", json=body))
            number, _ = await house.core.message()
            await house.web.show(house.core.end(number, "just in time"))
        assert "just in time" in await (await post).text()
