"""What an OpenAI client sends and reads, without a network: each field is obeyed or refused by name."""

import json
from typing import Any

import pytest

from botcore import Citation, Conversation, PromptMessage, Reply, Sampling
from botcore_web.openai_chunks import DONE, Chunks, completion, error_json, rest
from botcore_web.openai_wire import ChatRequest, message, parse
from botcore_web.problem import Problem

HI = [{"role": "user", "content": "hi"}]
TEXT = {"type": "text", "text": "read this"}
WHERE = Conversation(channel="web", chat="c", thread="v1")


def asked(**fields: Any) -> ChatRequest:
    return parse(json.dumps({"model": "botcore", "messages": HI} | fields).encode(), models=["botcore"], limit=100)


def refused(**fields: Any) -> Problem:
    with pytest.raises(Problem) as problem:
        asked(**fields)
    return problem.value


# ------------------------------------------------------------------ requests


def test_the_last_message_is_the_text_and_the_others_its_context() -> None:
    request = asked(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {
                "role": "assistant",
                "content": "c",
                "refusal": None,
                "tool_calls": None,
                "annotations": [],
                "citations": [{}],
            },
            {"role": "user", "content": "d"},
        ]
    )
    assert request.context == (
        PromptMessage(role="system", content="Be brief."),
        PromptMessage(role="user", content="ab"),
        PromptMessage(role="assistant", content="c"),
    )
    assert request.text == "d"


def test_every_supported_field_is_obeyed() -> None:
    request = asked(
        stream=True,
        stream_options={"include_usage": True},
        temperature=0,
        top_p=0.5,
        max_tokens=7,
        stop=["a", "b"],
        seed=-3,
        presence_penalty=1.5,
        frequency_penalty=-2,
        n=1,
        user="ana",
    )
    assert request.sampling == Sampling(
        max_tokens=7,
        temperature=0.0,
        top_p=0.5,
        stop=("a", "b"),
        seed=-3,
        presence_penalty=1.5,
        frequency_penalty=-2.0,
    )
    assert (request.stream, request.include_usage, request.user) == (True, True, "ana")


def test_null_is_not_given() -> None:
    nothing = ("stream", "stream_options", "temperature", "top_p", "max_tokens", "stop", "seed", "n", "user")
    elsewhere = ("tools", "logit_bias", "response_format", "metadata")
    assert asked(**dict.fromkeys((*nothing, *elsewhere))) == asked()
    assert asked(stream=True, stream_options={"include_usage": None, "include_obfuscation": None}) == asked(stream=True)


@pytest.mark.parametrize(
    "idle",
    [
        {"response_format": {"type": "text"}, "modalities": ["text"], "n": 1},
        {"logprobs": False, "top_logprobs": 0, "logit_bias": {}},
        {"tools": [], "tool_choice": "none", "parallel_tool_calls": False},
        {"tool_choice": "auto", "parallel_tool_calls": True},
        {"functions": [], "function_call": "auto"},
        {"store": False, "metadata": {}, "service_tier": "auto", "prompt_cache_key": "support"},
        {"service_tier": "default"},
    ],
)
def test_what_is_done_anyway_may_be_asked_for(idle: dict[str, Any]) -> None:
    assert asked(**idle) == asked()


def test_a_stream_pads_nothing() -> None:
    assert asked(stream=True, stream_options={"include_obfuscation": False}) == asked(stream=True)
    assert refused(stream=True, stream_options={"include_obfuscation": True}).param
    assert refused(include_obfuscation=False).param == "include_obfuscation"


def test_both_names_of_the_user_mean_the_same() -> None:
    assert asked(safety_identifier="ana") == asked(user="ana")


def test_both_names_of_the_length_mean_the_same() -> None:
    assert asked(max_completion_tokens=5).sampling.max_tokens == 5
    assert asked(max_completion_tokens=5, max_tokens=5).sampling.max_tokens == 5
    assert refused(max_completion_tokens=5, max_tokens=6).param == "max_tokens"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "tool", "content": "hi", "tool_call_id": "1"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "x" * 101}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "hi", "name": "ana"}]}, "messages[0].name"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [TEXT, {"type": "file", "file": {}}]}]}, "messages[0].content[1]"),
        ({"messages": [{"role": "user", "content": "hi", "attachments": [{}]}]}, "messages[0].attachments"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": ["hi"]}]}, "messages[0].content[0]"),
        ({"messages": [*HI, {"role": "assistant", "content": "c"}]}, "messages[1].role"),
        ({"messages": [{"role": "assistant", "content": "", "tool_calls": [1]}, *HI]}, "messages[0].tool_calls"),
        ({"model": 7}, "model"),
        ({"model": None}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"stream": True, "stream_options": {"more": 1}}, "stream_options.more"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": float("inf")}, None),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": 10**30}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"stop": 7}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": True}, "seed"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": None, "logit_bias": {"50256": -100}}, "logit_bias"),
        ({"n": 2}, "n"),
        ({"user": 7}, "user"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"tools": [{"type": "function"}], "tool_choice": "auto"}, "tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"store": True}, "store"),
        ({"metadata": {"team": "a"}}, "metadata"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"prompt_cache_key": 7}, "prompt_cache_key"),
        ({"safety_identifier": ["ana"]}, "safety_identifier"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": 0}, "logprobs"),
        ({"top_logprobs": False}, "top_logprobs"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"x" * 500: 1}, "x" * 64),
    ],
)
def test_what_is_not_obeyed_is_refused_by_name(fields: dict[str, Any], param: str | None) -> None:
    problem = refused(**fields)
    assert (problem.status, problem.param or None) == (400, param)
    assert param is None or param in problem.message


def test_a_number_beyond_all_bounds() -> None:
    with pytest.raises(Problem) as problem:
        parse(b'{"model":"botcore","messages":[],"temperature":1e999}', models=["botcore"], limit=9)
    assert problem.value.status == 400


def test_an_unknown_model_is_404_and_names_the_one_there_is() -> None:
    problem = refused(model="gpt-9")
    assert (problem.status, problem.code, problem.param) == (404, "model_not_found", "model")
    assert "botcore" in problem.message


def test_a_request_is_a_message_in_a_conversation_of_its_own() -> None:
    request = asked(messages=[{"role": "system", "content": "s"}, *HI], user="ana")
    taken = message(request, channel="web", id="k1", caller="Bearer secret", now=3.0)
    assert taken.conversation == Conversation(channel="web", chat="k1", thread="v1")
    assert (taken.text, taken.context, taken.sampling) == ("hi", request.context, request.sampling)
    assert "secret" not in repr(taken)
    assert message(request, channel="web", id="k1", caller="Bearer other", now=3.0).person != taken.person


def test_the_same_request_has_the_same_fingerprint() -> None:
    def mark(request: ChatRequest) -> str:
        return message(request, channel="web", id="k", caller="", now=0).platform_id

    assert mark(asked()) == mark(asked(stream=True))
    assert mark(asked()) != mark(asked(temperature=0))
    assert mark(asked()) != mark(asked(messages=[{"role": "system", "content": "s"}, *HI]))


# ------------------------------------------------------------------ replies


def reply(text: str, **more: Any) -> Reply:
    return Reply(id="t1", conversation=WHERE, text=text, model="lora-3", prompt_tokens=7, completion_tokens=2, **more)


def test_a_whole_reply() -> None:
    body = completion(reply("hello there"), asked(), 9.7)
    assert (body["id"], body["created"], body["model"]) == ("chatcmpl-t1", 9, "botcore")
    assert body["system_fingerprint"] == "lora-3"
    [choice] = body["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("hello there", "stop")
    assert body["usage"] == {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


def test_a_reply_that_quotes_documents_says_where_they_are() -> None:
    quoted = reply("It opens at nine. [1]", citations=(Citation(number=1, title="Hours", source="hours.md", page=2),))
    cited = [{"number": 1, "title": "Hours", "snippet": "", "source": "hours.md", "page": 2}]
    assert completion(quoted, asked(), 0)["choices"][0]["message"]["citations"] == cited
    *_, end, done = frames(Chunks(asked(stream=True), 0).end(quoted))
    assert (end["choices"][0]["delta"], done) == ({"citations": cited}, "[DONE]")


def test_a_reply_that_used_up_its_tokens_ended_by_length() -> None:
    assert completion(reply("hello there"), asked(max_tokens=2), 0)["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(("window", "why"), [(0, "stop"), (9, "length"), (10, "stop")])
def test_a_reply_that_filled_the_window_ended_by_length(window: int, why: str) -> None:
    whole = completion(reply("hello there"), asked(max_tokens=500), 0, window=window)
    assert whole["choices"][0]["finish_reason"] == why
    *_, end, _ = frames(Chunks(asked(stream=True), 0).end(reply("hello there"), window=window))
    assert end["choices"][0]["finish_reason"] == why


def frames(data: bytes) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in data.decode().split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


def test_a_stream_says_its_role_first_and_its_usage_last() -> None:
    chunks = Chunks(asked(stream=True, stream_options={"include_usage": True}), 9.0)
    told = frames(chunks.text("t1", "One ") + chunks.text("t1", "One two") + chunks.end(reply("One two.")))
    deltas = [chunk["choices"][0]["delta"] for chunk in told[:-2]]
    assert deltas == [
        {"role": "assistant", "content": ""},
        {"content": "One "},
        {"content": "two"},
        {"content": "."},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in told[:-2]] == [None, None, None, None, "stop"]
    assert (told[-2]["choices"], told[-2]["usage"]["total_tokens"], told[-1]) == ([], 9, "[DONE]")
    assert {chunk["id"] for chunk in told[:-1]} == {"chatcmpl-t1"}


def test_a_stream_without_usage_does_not_mention_it() -> None:
    told = frames(Chunks(asked(stream=True), 0).end(reply("One")))
    assert not any("usage" in chunk for chunk in told[:-1])


def test_a_text_that_was_begun_anew_is_not_glued_to_the_old_one() -> None:
    chunks = Chunks(asked(stream=True), 0)
    chunks.text("t1", "One two")
    assert chunks.text("t2", "Two") == b""
    *_, error = frames(chunks.end(reply("Two three")))
    assert error["error"]["code"] == "revised"
    assert DONE not in chunks.error(Problem(500, "x", "y"))


@pytest.mark.parametrize(
    ("sent", "final", "left"),
    [("", "a", "a"), ("a", "ab", "b"), (" a", "ab", "b"), (" a \n", "a", ""), ("a ", "a b", "b"), ("x", "a", None)],
)
def test_what_is_left_to_send(sent: str, final: str, left: str | None) -> None:
    assert rest(sent, final) == left


def test_an_error_as_openai_words_it() -> None:
    assert error_json(Problem(400, "invalid_value", "n: must be 1", param="n")) == {
        "error": {"message": "n: must be 1", "type": "invalid_request_error", "param": "n", "code": "invalid_value"}
    }
    assert error_json(Problem(429, "refused", "slow down"))["error"]["type"] == "rate_limit_error"
    assert error_json(Problem(503, "full", "later"))["error"]["type"] == "server_error"
