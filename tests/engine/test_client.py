import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from botcore.clock import SystemClock
from botcore.engine.client import OpenAIClient, ServedModel
from botcore.engine.transport import Deadlines
from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable, PromptTooLong
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Delta, Prompt, Usage
from botcore.testing import ManualClock, until
from botcore.testing.clock import settle
from botcore.testing.openai_server import Answer, FakeOpenAI, Stream

PROMPT = Prompt(messages=(PromptMessage(role="user", content="say one two three"),))
SYSTEM_AND_USER = Prompt(
    messages=(PromptMessage(role="system", content="Be kind."), PromptMessage(role="user", content="hi"))
)
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
    async with OpenAIClient(server.url, clock=clock, api_key=KEY) as client:
        yield client


async def everything(
    client: OpenAIClient, sampling: Sampling | None = None, *, asked: Prompt = PROMPT, **more: int
) -> list[Delta]:
    async with aclosing(client.generate(asked, sampling or Sampling(), model="fake", **more)) as deltas:
        return [delta async for delta in deltas]


async def test_words_come_one_by_one_and_the_last_delta_has_finish_and_usage(client: OpenAIClient) -> None:
    deltas = await everything(client)
    assert [delta.text for delta in deltas] == ["one", " two", " three", ""]
    assert deltas[-1] == Delta(finish="stop", usage=Usage(prompt_tokens=6, completion_tokens=3))


async def test_a_reply_cut_by_max_tokens_says_length(client: OpenAIClient) -> None:
    assert (await everything(client, Sampling(max_tokens=2)))[-1].finish == "length"


async def test_token_ids_come_where_asked_for(client: OpenAIClient) -> None:
    ids = [delta.token_ids for delta in await everything(client, Sampling(return_token_ids=True))]
    assert ids == [(0,), (1,), (2,), ()]
    assert not any(delta.token_ids for delta in await everything(client))


async def test_thoughts_are_not_said(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.queue(Stream("yes", thoughts="well let me see"))
    assert "".join(delta.text for delta in await everything(client)) == "yes"


async def test_a_server_without_usage_still_finishes(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.queue(Stream(usage=False))
    assert (await everything(client))[-1] == Delta(finish="stop")


async def test_closing_the_generator_is_seen_by_the_server_within_a_second(
    server: FakeOpenAI, client: OpenAIClient
) -> None:
    server.queue(Stream(held=True))
    server.step()
    deltas = client.generate(PROMPT, Sampling(), model="fake")
    assert (await anext(deltas)).text == "one"
    await deltas.aclose()
    async with asyncio.timeout(1):
        await server.freed.wait()
    assert server.open == 0


async def test_cancelling_the_reader_is_seen_by_the_server_within_a_second(
    server: FakeOpenAI, client: OpenAIClient
) -> None:
    server.queue(Stream(held=True))
    reader = asyncio.create_task(everything(client))
    await server.begun.wait()
    reader.cancel()
    async with asyncio.timeout(1):
        await server.freed.wait()
    await asyncio.wait([reader])
    assert reader.cancelled()


async def test_no_first_token_in_time_is_a_timeout(
    server: FakeOpenAI, client: OpenAIClient, clock: ManualClock
) -> None:
    server.queue(Stream(held=True))
    reader = asyncio.create_task(everything(client))
    await server.begun.wait()
    await clock.advance(29)
    assert not reader.done()
    await clock.advance(2)
    with pytest.raises(EngineTimeout, match="more than 30 s for its first token"):
        await reader


async def test_a_gap_between_tokens_is_a_timeout_and_frees_the_slot(
    server: FakeOpenAI, client: OpenAIClient, clock: ManualClock
) -> None:
    server.queue(Stream(held=True))
    server.step()
    async with aclosing(client.generate(PROMPT, Sampling(), model="fake")) as deltas:
        await anext(deltas)
        following = asyncio.ensure_future(anext(deltas))
        await clock.advance(14)
        assert not following.done()
        await clock.advance(2)
        with pytest.raises(EngineTimeout, match="more than 15 s for its next token"):
            await following
    async with asyncio.timeout(1):
        await server.freed.wait()


async def test_a_stream_of_our_own_server_waits_longer_while_others_move(tmp_path: Path, clock: ManualClock) -> None:
    path = tmp_path / "e.sock"
    async with (
        FakeOpenAI(socket=path) as server,
        OpenAIClient(server.url, clock=clock, socket=str(path)) as client,
        aclosing(client.generate(PROMPT, Sampling(), model="fake")) as first,
    ):
        server.queue(Stream(held=True), Stream(held=True))
        moving = asyncio.ensure_future(anext(first))
        await until(lambda: server.open == 1)
        waiting = asyncio.create_task(everything(client))
        await until(lambda: server.open == 2)
        await clock.advance(20)
        server.step()
        assert (await moving).text == "one"
        await clock.advance(29)
        assert not waiting.done()
        await clock.advance(2)
        with pytest.raises(EngineTimeout, match="more than 30 s for its first token"):
            await waiting


async def test_a_slow_reader_is_no_slow_engine(server: FakeOpenAI, client: OpenAIClient, clock: ManualClock) -> None:
    async with aclosing(client.generate(PROMPT, Sampling(), model="fake")) as deltas:
        await anext(deltas)
        await clock.advance(600)
        assert [delta.text async for delta in deltas] == [" two", " three", ""]


async def test_the_deadlines_can_be_chosen(server: FakeOpenAI, clock: ManualClock) -> None:
    server.queue(Stream(held=True))
    async with OpenAIClient(server.url, clock=clock, api_key=KEY, deadlines=Deadlines(first_token=2)) as client:
        reader = asyncio.create_task(everything(client))
        await server.begun.wait()
        await clock.advance(3)
        with pytest.raises(EngineTimeout, match="more than 2 s"):
            await reader


@pytest.mark.parametrize(
    "stream", [Stream(cut_after=1), Stream(error_after=1), Stream(cut_after=0), Stream(error_after=0)]
)
async def test_a_server_that_dies_in_the_middle_is_unavailable(
    server: FakeOpenAI, client: OpenAIClient, stream: Stream
) -> None:
    server.queue(stream)
    with pytest.raises(EngineUnavailable):
        await everything(client)


@pytest.mark.parametrize(
    "raw",
    [b"<html>hello</html>", b"data: {oops\n\n", b"\xff\xfe\n\n", b"", b"data: [DONE]\n\n", b'data: {"choices":[]}\n\n'],
)
async def test_garbage_is_unavailable_and_no_traceback(server: FakeOpenAI, client: OpenAIClient, raw: bytes) -> None:
    server.queue(Stream(raw=raw))
    with pytest.raises(EngineUnavailable) as caught:
        await everything(client)
    assert "\n" not in str(caught.value)


async def test_a_refusal_carries_the_servers_own_reason(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.queue(Answer(400, {"error": {"message": "temperature must be non-negative"}}))
    with pytest.raises(EngineRejected, match="temperature must be non-negative"):
        await everything(client)


async def test_a_prompt_that_does_not_fit_is_prompt_too_long(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.queue(Answer(400, {"error": {"message": "maximum context length is 8", "param": "input_tokens"}}))
    with pytest.raises(PromptTooLong, match="maximum context length is 8"):
        await everything(client)


@pytest.mark.parametrize("end", [Stream(ends="cut"), Stream(ends="open")])
async def test_a_reply_that_has_said_how_it_ends_is_whole_whatever_becomes_of_the_stream(
    server: FakeOpenAI, client: OpenAIClient, clock: ManualClock, end: Stream
) -> None:
    server.queue(end)
    told = asyncio.create_task(everything(client))
    await server.begun.wait()
    await settle(200)
    await clock.advance(16)
    deltas = await told
    assert ["".join(delta.text for delta in deltas), deltas[-1].finish] == ["one two three", "stop"]


async def test_a_field_that_the_server_does_not_take_is_left_out_from_then_on(
    server: FakeOpenAI, client: OpenAIClient, caplog: pytest.LogCaptureFixture
) -> None:
    server.queue(
        Answer(400, {"error": {"message": "Unrecognized request argument supplied: repetition_penalty"}}),
        Answer(400, {"error": {"message": "Unsupported: 'max_tokens'. Use 'max_completion_tokens' instead."}}),
    )
    for _ in range(2):
        assert (await everything(client, Sampling(repetition_penalty=1.05)))[0].text == "one"
    asked = [("repetition_penalty" in body, "max_tokens" in body) for body in server.bodies]
    assert asked == [(True, True), (False, True), (False, False), (False, False)]
    assert server.bodies[-1]["max_completion_tokens"] == Sampling().max_tokens
    assert [record.message.partition(" takes ")[2] for record in caplog.records] == [
        "no repetition_penalty: from now on it is asked without",
        "no max_tokens: from now on it is asked without",
    ]


async def test_where_the_template_knows_no_system_message_the_user_says_it_from_then_on(
    server: FakeOpenAI, client: OpenAIClient
) -> None:
    server.queue(Answer(400, {"error": {"message": "System role not supported"}}))
    for _ in range(2):
        assert (await everything(client, asked=SYSTEM_AND_USER))[0].text == "one"
    roles = [[message["role"] for message in body["messages"]] for body in server.bodies]
    assert roles == [["system", "user"], ["user"], ["user"]]
    assert server.bodies[-1]["messages"][0]["content"] == "Be kind.\n\nhi"


async def test_a_busy_server_is_asked_again_when_it_says(
    server: FakeOpenAI, client: OpenAIClient, clock: ManualClock
) -> None:
    server.queue(Answer(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"}))
    told = asyncio.create_task(everything(client))
    await until(lambda: len(server.bodies) == 1)
    await settle(200)
    await clock.advance(6)
    assert len(server.bodies) == 1
    await clock.advance(1)
    assert (await told)[0].text == "one"


async def test_a_busy_server_that_wants_more_time_than_a_first_token_has_is_unavailable(
    server: FakeOpenAI, client: OpenAIClient
) -> None:
    server.queue(Answer(429, {"error": {"message": "slow down"}}, {"Retry-After": "31"}))
    with pytest.raises(EngineUnavailable, match="slow down"):
        await everything(client)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings"])
async def test_a_redirect_is_not_followed_with_the_key(server: FakeOpenAI, client: OpenAIClient, path: str) -> None:
    server.queue(Answer(307, "elsewhere", {"Location": "/elsewhere"}))
    with pytest.raises(EngineRejected, match="elsewhere"):
        await (everything(client) if "chat" in path else client.embed(["a"], model="fake"))
    assert server.paths == [path]


async def test_nobody_at_home_is_unavailable(clock: ManualClock) -> None:
    async with FakeOpenAI() as server:
        url = server.url
    async with OpenAIClient(url, clock=clock) as client:
        with pytest.raises(EngineUnavailable, match=r"cannot be reached: Connection refused$"):
            await everything(client)


async def test_a_server_elsewhere_is_asked_through_the_proxy_of_the_environment(
    server: FakeOpenAI, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    async with OpenAIClient("http://engine.example/v1", clock=clock, api_key=KEY) as client:
        assert (await everything(client))[0].text == "one"
    assert server.headers[-1]["Host"] == "engine.example"


async def test_a_proxy_is_told_neither_the_key_nor_a_password_of_the_home_directory(
    server: FakeOpenAI, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login ann password secret")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", server.url.removesuffix("/v1"))
    async with OpenAIClient("http://engine.example/v1", clock=clock, api_key=KEY) as client:
        await everything(client)
    assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert "Proxy-Authorization" not in server.headers[-1]


async def test_a_server_on_this_machine_is_asked_without_a_proxy(
    server: FakeOpenAI, client: OpenAIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await everything(client))[0].text == "one"


async def test_a_server_without_tls_is_told_in_the_words_of_tls(server: FakeOpenAI, clock: ManualClock) -> None:
    async with OpenAIClient(server.url.replace("http:", "https:"), clock=clock) as client:
        with pytest.raises(EngineUnavailable, match=r"cannot be reached: \[SSL"):
            await client.models()


async def test_before_it_is_opened_it_is_unavailable(server: FakeOpenAI, clock: ManualClock) -> None:
    with pytest.raises(EngineUnavailable, match="not connected"):
        await everything(OpenAIClient(server.url, clock=clock))


async def test_the_key_is_in_no_message_and_no_log(
    server: FakeOpenAI, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.queue(
        Answer(400, {"error": {"message": f"who is {KEY}?"}}),
        Answer(500, KEY),
        Stream(raw=f'data: {{"error": {{"message": "{KEY}", "code": 500}}}}\n\n'.encode()),
        Stream(raw=f"data: {KEY}\n\n".encode()),
    )
    said: list[str] = []
    async with OpenAIClient(server.url, clock=clock, api_key=KEY) as client:
        for _ in range(4):
            with pytest.raises(EngineError) as caught:
                await everything(client)
            said.append(f"{caught.value!r} {caught.value.__cause__!r}")
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert KEY not in "".join(said)
    assert "***" in said[0]
    assert KEY not in caplog.text


async def test_the_ends_of_a_key_are_no_business_of_those_who_chat(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.queue(Answer(401, {"error": {"message": "Incorrect API key provided: sk-ve********-key. See the docs."}}))
    with pytest.raises(EngineRejected, match=r"refuses the key \(Incorrect API key provided: \*\*\* See the docs"):
        await everything(client)


async def test_a_wrong_key_says_which_setting(server: FakeOpenAI, clock: ManualClock) -> None:
    async with OpenAIClient(server.url, clock=clock, api_key="wrong") as client:
        with pytest.raises(EngineRejected, match=r"Unauthorized.*engine\.api_key"):
            await client.models()


async def test_counting_is_what_the_bill_says(client: OpenAIClient) -> None:
    assert await client.count(PROMPT.messages, model="fake") == 6
    bill = (await everything(client))[-1].usage
    assert bill
    assert bill.prompt_tokens == 6


async def test_a_server_that_cannot_count_is_asked_once(server: FakeOpenAI, client: OpenAIClient) -> None:
    server.tokenizes = False
    assert await client.count(PROMPT.messages, model="fake") is None
    assert await client.count(PROMPT.messages, model="fake") is None
    assert server.paths == ["/tokenize"]


async def test_models_have_their_window(client: OpenAIClient) -> None:
    assert await client.models() == [ServedModel(id="fake", window=4096)]


@pytest.mark.parametrize(("owner", "said"), [("vllm", "no"), ("somebody", "one two three")])
async def test_a_choice_is_asked_of_vllm_alone(server: FakeOpenAI, client: OpenAIClient, owner: str, said: str) -> None:
    server.owner = owner
    await client.models()
    deltas = client.generate(PROMPT, Sampling(choice=("no", "never")), model="fake")
    assert "".join([delta.text async for delta in deltas]) == said
    assert ("structured_outputs" in server.bodies[-1]) == (owner == "vllm")


async def test_a_unix_socket_serves_as_well(tmp_path: Path) -> None:
    path = tmp_path / "e.sock"
    async with (
        FakeOpenAI(socket=path, key=KEY) as server,
        OpenAIClient(server.url, clock=SystemClock(), api_key=KEY, socket=str(path)) as client,
    ):
        assert (await everything(client))[0].text == "one"
        assert await client.count(PROMPT.messages, model="fake") == 6


async def test_a_connection_that_the_server_has_given_up_is_not_used_again(tmp_path: Path) -> None:
    # As vLLM does with idle ones after five seconds, where the next request is on its way already.
    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        event = b'data: {"choices":[{"delta":{"content":"one"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(event), event))
        await reader.read(1)
        writer.close()

    path = str(tmp_path / "e.sock")
    async with (
        await asyncio.start_unix_server(once, path),
        OpenAIClient("http://engine/v1", clock=SystemClock(), socket=path) as client,
    ):
        for _ in range(3):
            assert (await everything(client))[0].text == "one"


async def test_a_character_that_comes_in_two_halves_is_one(tmp_path: Path) -> None:
    # As a proxy in JavaScript sends it, which cuts texts between UTF-16 units.
    async def halves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        pieces = ("so ", r"\ud83d", r"\ude00 and \ude00 é", r"\ud83d")
        events = [f'data: {{"choices":[{{"delta":{{"content":"{piece}"}}}}]}}\n\n' for piece in pieces]
        end = 'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        body = "".join([*events, end]).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))
        writer.close()

    path = str(tmp_path / "e.sock")
    async with (
        await asyncio.start_unix_server(halves, path),
        OpenAIClient("http://engine/v1", clock=SystemClock(), socket=path) as client,
    ):
        assert "".join(delta.text for delta in await everything(client)) == "so \U0001f600 and \ufffd é"


async def test_a_probe_is_one_token_within_its_time(
    server: FakeOpenAI, client: OpenAIClient, clock: ManualClock
) -> None:
    await client.models()
    await client.probe(model="fake", seconds=10)
    server.begun.clear()
    assert server.bodies[0]["max_tokens"] == 1
    server.queue(Stream(held=True))
    probe = asyncio.create_task(client.probe(model="fake", seconds=10))
    await server.begun.wait()
    await clock.advance(11)
    with pytest.raises(EngineTimeout, match="no token within 10 s"):
        await probe


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("http://h:8000/v1", "http://h:8000/v1"),
        ("http://h:8000", "http://h:8000/v1"),
        ("http://h:8000/v1/", "http://h:8000/v1"),
    ],
)
def test_the_base_url_needs_no_exact_spelling(given: str, asked: str) -> None:
    assert OpenAIClient(given, clock=SystemClock())._base == asked


def test_a_base_url_that_is_none_says_so() -> None:
    with pytest.raises(EngineRejected, match=r"engine\.base_url must start with http"):
        OpenAIClient("localhost:8000", clock=SystemClock())
