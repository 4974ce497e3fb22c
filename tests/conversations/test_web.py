"""A whole bot on the web, as its visitors and API callers see it: real store, router and port, a scripted engine."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import openai
import pytest

from botcore import Chunk, Citation, Refusal, Sampling, Turn, hookimpl
from botcore.testing import Chat, chatting, until
from tests.adapters.web.core import CHAT, Stream, Visitor, open_page

Start = Callable[..., AbstractAsyncContextManager["Web"]]
HERE = f"/api/conversations/{CHAT}"
HI: Any = [{"role": "user", "content": "hi"}]


class Reader:
    """Reads the files that come with a message, and tells how it gets on."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._read(turn) if turn.message.attachments else None

    async def _read(self, turn: Turn) -> AsyncIterator[Chunk]:
        for attachment in turn.message.attachments:
            turn.progress(f"Reading {attachment.name}: page 1 of 2")
            await self.go.wait()
            async with turn.file(attachment, limit=1_000_000) as path:
                source = Citation(number=1, title=attachment.name, snippet=path.read_text(), page=2)
            yield Chunk(text=f"It says so [1]. {turn.message.text}", citations=(source,))


class Talker:
    """Hands every message to the engine; turns away who is rude."""

    @hookimpl
    async def admit(self, turn: Turn) -> Refusal | None:
        return Refusal(notice="Please be kind.") if "rude" in turn.message.text else None

    @hookimpl
    async def recall(self, turn: Turn) -> None:
        turn.recalled.history = await turn.history()

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk] | None:
        return self._answer(turn)

    async def _answer(self, turn: Turn) -> AsyncIterator[Chunk]:
        async for delta in turn.generate(await turn.prompt("Be kind."), Sampling(max_tokens=500)):
            yield Chunk(text=delta.text)


class Web:
    """The running bot, a browser and an API client."""

    def __init__(self, chat: Chat, browser: aiohttp.ClientSession, reader: Reader) -> None:
        self.bot = chat.bot
        self.engine = chat.engine
        self.reader = reader
        self.streams: list[Stream] = []
        self.api = openai.AsyncOpenAI(base_url=f"{chat.bot.address}/v1", api_key="none", max_retries=0, timeout=10)
        self._browser = browser

    async def visitor(self, cookie: str = "") -> Visitor:
        """Somebody opens the page; with a cookie, somebody who has been here."""
        return await open_page(self.bot.address, self._browser, self.streams, cookie)

    def asks(self, **fields: Any) -> "asyncio.Task[Any]":
        """A /v1 request on its way."""
        return asyncio.create_task(self.api.chat.completions.create(**{"model": "botcore", "messages": HI} | fields))


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Start the bot; again after the end of the first one, it is the same bot after a restart."""

    @asynccontextmanager
    async def starting(drain_s: float = 0, **http: Any) -> AsyncIterator[Web]:
        reader = Reader()
        tables = {"channels.web": {"enabled": True}, "http": http, "turn": {"drain_s": drain_s}}
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as browser,
            chatting(tmp_path / "data", plugins={"reader": reader, "talker": Talker()}, settings=tables) as chat,
        ):
            web = Web(chat, browser, reader)
            async with web.api:
                try:
                    yield web
                finally:
                    for stream in web.streams:
                        stream.close()

    return starting


@pytest.fixture
async def web(start: Start) -> AsyncIterator[Web]:
    async with start() as web:
        yield web


async def reply(stream: Stream) -> Any:
    """The next committed line of the bot."""
    while (entry := json.loads((await stream.until("entry")).data))["role"] != "assistant":
        pass
    return entry


async def attaches(visitor: Visitor, name: str, text: str) -> str:
    """Upload a file; its id."""
    query = {"id": str(uuid4()), "name": name}
    status, file, _ = await visitor.asks("POST", f"{HERE}/files", params=query, data=text.encode())
    assert status == 201, file
    return str(file["file"])


async def says(visitor: Visitor, text: str, **more: Any) -> None:
    """Send a message with more than text."""
    body = {"id": str(uuid4()), "text": text, **more}
    status, answer, _ = await visitor.asks("POST", f"{HERE}/messages", json=body)
    assert status == 202, answer


# ------------------------------------------------------------------ the page


async def test_a_reply_grows_in_the_open_page_and_is_committed(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    web.engine.say("hello there Ana")
    web.engine.hold()
    await ana.says("hi")
    assert json.loads((await stream.until("pending")).data)["text"] == "hi"
    web.engine.step()
    draft = json.loads((await stream.until("draft")).data)
    assert (draft["offset"], draft["text"]) == (0, "hello ")
    web.engine.release()
    entry = await reply(stream)
    assert (entry["text"], entry["outcome"], entry["reply"]) == ("hello there Ana", "answered", draft["turn"])


async def test_a_message_is_one_message_across_a_restart(start: Start) -> None:
    id = str(uuid4())
    async with start() as web:
        ana = await web.visitor()
        stream = await ana.follows()
        web.engine.say("once")
        await ana.says("hi", id=id)
        await reply(stream)
    async with start() as web:
        again = await web.visitor(ana.cookie)
        assert (await again.says("hi", id=id))[1]["duplicate"] is True
        entries = (await again.asks("GET", HERE))[1]["entries"]
        assert [(entry["role"], entry["text"]) for entry in entries] == [("user", "hi"), ("assistant", "once")]
        assert entries[0]["message"] == id


async def test_what_was_cut_off_by_a_stop_is_answered_after_it(start: Start) -> None:
    async with start() as web:
        ana = await web.visitor()
        web.engine.hold()
        await ana.says("hi")
        await until(lambda: web.engine.open)
    async with start() as web:
        again = await web.visitor(ana.cookie)
        assert (await reply(await again.follows()))["text"] == "You said: hi"


async def test_stop_ends_the_reply_with_the_text_so_far(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    web.engine.say("one two three")
    web.engine.hold()
    await ana.says("count")
    web.engine.step(2)
    await stream.until("draft")
    await ana.asks("POST", f"{HERE}/stop", json={"id": str(uuid4())})
    entry = await reply(stream)
    assert entry["outcome"] == "stopped"
    assert entry["text"] in ("one", "one two")
    assert entry["reason"]
    assert web.engine.open == 0


async def test_a_refusal_says_why(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    await ana.says("something rude")
    entry = await reply(stream)
    assert (entry["outcome"], entry["reason"]) == ("refused", "Please be kind.")


async def test_a_judgement_is_there_when_the_page_comes_back(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    await ana.says("hi")
    turn = (await reply(stream))["reply"]
    judgement = {"id": str(uuid4()), "conversation": CHAT, "reply": turn, "value": -1, "reasons": [], "comment": ""}
    assert (await ana.asks("POST", "/api/feedback", json=judgement))[0] == 204
    assert [entry["feedback"] for entry in (await ana.asks("GET", HERE))[1]["entries"]] == [0, -1]


@pytest.mark.parametrize("id", ["half a character: \ud800", "nothing: \0", "' OR 1 = 1"])
async def test_a_reply_id_that_nobody_gave_is_of_no_reply(web: Web, id: str, caplog: pytest.LogCaptureFixture) -> None:
    ana = await web.visitor()
    fields = {"id": str(uuid4()), "conversation": CHAT, "reply": id, "value": 1}
    assert (await ana.asks("POST", "/api/feedback", json=fields))[0] == 404
    fields = {"id": str(uuid4()), "text": "/again", "about": id}
    assert (await ana.asks("POST", f"{HERE}/messages", json=fields))[0] == 404
    assert not caplog.records


async def test_a_file_is_read_by_a_plugin_that_tells_how_it_gets_on(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    await says(ana, "", files=[await attaches(ana, "handbook.txt", "So it is written.")])
    draft = json.loads((await stream.until("draft")).data)
    assert (draft["phase"], draft["note"]) == ("waiting", "Reading handbook.txt: page 1 of 2")
    web.reader.go.set()
    entry = await reply(stream)
    assert (entry["text"], entry["judgeable"]) == ("It says so [1].", True)
    assert (entry["citations"][0]["page"], entry["citations"][0]["snippet"]) == (2, "So it is written.")
    asked = (await ana.asks("GET", HERE))[1]["entries"][0]
    assert [(file["name"], file["size"]) for file in asked["files"]] == [("handbook.txt", 17)]
    assert (await ana.asks("GET", "/api/conversations"))[1]["conversations"][0]["title"] == "handbook.txt"


async def test_a_file_that_was_accepted_is_there_after_a_crash(start: Start) -> None:
    async with start() as web:
        ana = await web.visitor()
        await says(ana, "", files=[await attaches(ana, "handbook.txt", "So it is written.")])
        await (await ana.follows()).until("draft")  # the reader waits, and the bot is stopped
    async with start() as web:
        again = await web.visitor(ana.cookie)
        web.reader.go.set()
        assert (await reply(await again.follows()))["citations"][0]["snippet"] == "So it is written."


async def test_another_answer_takes_the_place_of_the_first_files_and_all(web: Web) -> None:
    web.reader.go.set()
    ana = await web.visitor()
    stream = await ana.follows()
    await says(ana, "Well?", files=[await attaches(ana, "handbook.txt", "So it is written.")])
    first = await reply(stream)
    await says(ana, "/again", about=first["reply"])
    second = await reply(stream)
    assert (second["again"], second["text"]) == (first["reply"], "It says so [1]. Well?")
    entries = (await ana.asks("GET", HERE))[1]["entries"]
    assert [entry["again"] for entry in entries] == ["", "", first["reply"], first["reply"]]
    assert [file["name"] for file in entries[2]["files"]] == ["handbook.txt"]


async def test_a_verdict_grows_from_thumb_to_correction(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    await ana.says("hi")
    turn = (await reply(stream))["reply"]
    for more in ({}, {"reasons": ["wrong"], "comment": "no"}, {"correction": "Good morning."}):
        usual = {"id": str(uuid4()), "conversation": CHAT, "reply": turn, "value": -1}
        assert (await ana.asks("POST", "/api/feedback", json=usual | more))[0] == 204
    [verdict] = [one async for one in web.bot.judgements()]
    assert (verdict.value, verdict.reasons, verdict.comment) == (-1, ("wrong",), "no")
    assert verdict.correction == "Good morning."


async def test_a_deleted_conversation_leaves_nothing_and_frees_the_engine(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    await ana.says("first")
    await reply(stream)
    web.engine.hold()
    await ana.says("second")
    await until(lambda: web.engine.open)
    assert (await ana.asks("DELETE", HERE))[0] == 204
    await until(lambda: not web.engine.open)
    assert (await ana.asks("GET", "/api/conversations"))[1]["conversations"] == []
    assert (await ana.asks("DELETE", HERE))[0] == 404


async def test_a_tab_beside_the_one_that_deletes_hears_that_the_conversation_is_gone(web: Web) -> None:
    ana = await web.visitor()
    beside = await ana.follows()
    await ana.says("first")
    last = (await reply(beside))["id"]
    assert (await ana.asks("DELETE", HERE))[0] == 204
    async with asyncio.timeout(5):
        await beside.response.read()  # to its end
    assert (await ana.asks("GET", f"{HERE}/events", headers={"Last-Event-ID": str(last)}))[0] == 404
    await ana.follows()  # a page that has seen nothing yet opens a new one


async def test_commands_work_in_the_page(web: Web) -> None:
    ana = await web.visitor()
    stream = await ana.follows()
    await ana.says("/help")
    assert "/stop" in (await reply(stream))["text"]


async def test_a_slow_turn_is_shown_to_its_end_while_the_bot_stops(start: Start) -> None:
    async with start(drain_s=10) as web:
        ana = await web.visitor()
        stream = await ana.follows()
        web.engine.say("to the end")
        web.engine.hold()
        await ana.says("hi")
        await until(lambda: web.engine.open)
        web.bot.stop()
        assert (await ana.says("too late"))[0] == 503
        web.engine.release()
        assert (await reply(stream))["text"] == "to the end"


# ------------------------------------------------------------------ /v1


async def test_an_api_caller_brings_the_whole_context(web: Web) -> None:
    web.engine.say("Ana")
    messages = [
        {"role": "user", "content": "I am Ana"},
        {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "who am I?"},
    ]
    done = await web.asks(messages=messages, temperature=0, max_tokens=9, stop="!", seed=1)
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("Ana", "stop")
    said = [(message.role, message.content) for message in web.engine.prompts[-1].messages]
    assert said[1:] == [(message["role"], message["content"]) for message in messages]
    assert web.engine.samplings[-1] == Sampling(max_tokens=9, temperature=0.0, stop=("!",), seed=1)
    assert done.usage.completion_tokens == 1


async def test_a_stream_is_the_same_text_in_pieces(web: Web) -> None:
    web.engine.say("one two three")
    stream = await web.asks(stream=True, stream_options={"include_usage": True})
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "one two three"
    assert chunks[-1].usage.completion_tokens == 3


async def test_a_reply_cut_by_its_length_says_so(web: Web) -> None:
    web.engine.say("one two three")
    done = await web.asks(max_tokens=2)
    assert (done.choices[0].message.content, done.choices[0].finish_reason) == ("one two", "length")


async def test_a_caller_who_hangs_up_frees_the_engine(web: Web) -> None:
    web.engine.say("one two three")
    web.engine.hold()
    request = web.asks(stream=True)
    await until(lambda: web.engine.open)
    web.engine.step()
    await (await request).close()
    await until(lambda: not web.engine.open)


async def test_a_refused_request_is_429(web: Web) -> None:
    with pytest.raises(openai.RateLimitError, match="Please be kind"):
        await web.asks(messages=[{"role": "user", "content": "something rude"}])


async def test_the_same_key_is_answered_once_even_after_a_restart(start: Start) -> None:
    key = {"Idempotency-Key": "k1"}
    async with start() as web:
        web.engine.say("once")
        first = await web.asks(extra_headers=key)
    async with start() as web:
        again = await web.asks(extra_headers=key)
        assert (again.id, again.choices[0].message.content) == (first.id, "once")
        assert web.engine.prompts == []
        with pytest.raises(openai.UnprocessableEntityError):
            await web.asks(extra_headers=key, messages=[{"role": "user", "content": "something else"}])


async def test_sixteen_callers_are_answered_each_with_their_own(web: Web) -> None:
    requests = [web.asks(messages=[{"role": "user", "content": f"number {n}"}]) for n in range(16)]
    replies = [(await request).choices[0].message.content for request in requests]
    assert replies == [f"You said: number {n}" for n in range(16)]


async def test_nothing_of_v1_shows_in_anybody_s_page(web: Web) -> None:
    ana = await web.visitor()
    await web.asks()
    assert (await ana.asks("GET", "/api/conversations"))[1]["conversations"] == []
