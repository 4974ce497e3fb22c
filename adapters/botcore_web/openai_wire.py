"""``/v1/chat/completions`` as OpenAI's clients send it → records. Pure. The way out is in `openai_chunks`.

A field is either obeyed or refused by name (a 400 with ``param``): nothing a caller asks for is silently left out.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botcore import Conversation, Message, Person, PromptMessage, Sampling
from botcore_web.problem import Problem
from botcore_web.wire import json_object

__all__ = ["ChatRequest", "fingerprint", "message", "parse"]

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
EMPTY_IN_A_REPLY = {
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "annotations",
    "reasoning",
    "reasoning_content",
}
"""Fields of a reply that a client sends back with the history: fine while they hold nothing."""
AS_IT_IS: dict[str, Sequence[Any]] = {
    "response_format": [{"type": "text"}],
    "modalities": [["text"]],
    "logprobs": [False],
    "top_logprobs": [0],
    "logit_bias": [{}],
    "tools": [[]],
    "tool_choice": ["none", "auto"],
    "parallel_tool_calls": [True, False],
    "functions": [[]],
    "function_call": ["none", "auto"],
    "store": [False],
    "metadata": [{}],
    "service_tier": ["auto", "default"],
    "stream_options.include_obfuscation": [False],
}
"""What programs ask for without wanting anything: it is done already. Of tools there are none to choose from."""
THREAD = "v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A request that can be served as it was asked."""

    context: tuple[PromptMessage, ...]
    text: str
    """The last message, the user's."""
    sampling: Sampling
    model: str
    stream: bool = False
    include_usage: bool = False
    user: str = ""


def parse(body: bytes, *, models: Sequence[str], limit: int) -> ChatRequest:
    """The request in a body. ``limit`` is the longest last message in characters. Raises `Problem`."""
    fields = _Fields(json_object(body))
    model = fields.text("model", required=True)
    if model not in models:
        known = ", ".join(models)
        raise Problem(404, "model_not_found", f"there is no model {model[:64]!r}; there is: {known}", param="model")
    context, text = _messages(fields.take("messages"), limit)
    stream = fields.flag("stream")
    include_usage = _stream_options(fields.take("stream_options"), stream)
    sampling = _sampling(fields)
    if fields.integer("n", 1, 1, 1) != 1:
        raise _wrong("n", "must be 1")
    user, renamed = fields.text("user"), fields.text("safety_identifier")
    fields.text("prompt_cache_key")  # a hint; the engine finds what begins alike without it
    fields.nothing_left()
    return ChatRequest(
        context=context,
        text=text,
        sampling=sampling,
        model=model,
        stream=stream,
        include_usage=include_usage,
        user=user or renamed,
    )


def _wrong(param: str, message: str) -> Problem:
    return Problem(400, "invalid_value", f"{param}: {message}", param=param)


class _Fields:
    """The fields of a request, each taken once; null means "not given", as in OpenAI's own API."""

    def __init__(self, values: dict[str, Any], within: str = "") -> None:
        self._left = dict(values)
        self._within = within

    def take(self, name: str) -> Any:
        return self._left.pop(name, None)

    def text(self, name: str, *, required: bool = False, limit: int = 512) -> str:
        value = self.take(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or len(value) > limit:
            raise _wrong(name, f"must be a string of at most {limit} characters")
        return value

    def flag(self, name: str) -> bool:
        value = self.take(name)
        if value is not None and not isinstance(value, bool):
            raise _wrong(f"{self._within}{name}", "must be true or false")
        return bool(value)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _wrong(name, f"must be a number from {low:g} to {high:g}")
        return float(value)

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        value = self.take(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _wrong(name, f"must be {low}" if low == high else f"must be a whole number from {low} to {high}")
        return value

    def nothing_left(self) -> None:
        for name, value in self._left.items():
            param = f"{self._within}{name[:64]}"
            if value is not None and not _as_it_is(param, value):
                raise Problem(
                    400, "unsupported_parameter", f"{param}: is not supported here; leave it out", param=param
                )


def _as_it_is(param: str, value: Any) -> bool:
    """Whether it asks for what is done anyway; 0 is not false, although Python holds them to be equal."""
    return any(value == usual and type(value) is type(usual) for usual in AS_IT_IS.get(param, ()))


def _sampling(fields: _Fields) -> Sampling:
    usual = Sampling()
    top_p = fields.number("top_p", usual.top_p, 0, 1)
    if top_p == 0:
        raise _wrong("top_p", "must be more than 0")
    seed = fields.take("seed")
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, int) or not -(2**63) <= seed < 2**63):
        raise _wrong("seed", "must be a whole number of at most 64 bits")
    return Sampling(
        max_tokens=_max_tokens(fields, usual.max_tokens),
        temperature=fields.number("temperature", usual.temperature, 0, 2),
        top_p=top_p,
        frequency_penalty=fields.number("frequency_penalty", 0.0, -2, 2),
        presence_penalty=fields.number("presence_penalty", 0.0, -2, 2),
        seed=seed,
        stop=_stop(fields.take("stop")),
    )


def _max_tokens(fields: _Fields, usual: int) -> int:
    older = fields.integer("max_tokens", 0, 1, 1_000_000)
    newer = fields.integer("max_completion_tokens", 0, 1, 1_000_000)
    if older and newer and older != newer:
        raise _wrong("max_tokens", "and max_completion_tokens say different things; send one of them")
    return newer or older or usual


def _stop(value: Any) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else [] if value is None else value
    if not isinstance(words, list) or len(words) > 4:
        raise _wrong("stop", "must be a string or a list of at most 4")
    if not all(isinstance(word, str) and 0 < len(word) <= 256 for word in words):
        raise _wrong("stop", "each must be a string of 1 to 256 characters")
    return tuple(words)


def _stream_options(value: Any, stream: bool) -> bool:
    if value is None:
        return False
    if not stream:
        raise _wrong("stream_options", "only goes with stream: true")
    if not isinstance(value, dict):
        raise _wrong("stream_options", "must be an object")
    options = _Fields(value, within="stream_options.")
    include = options.flag("include_usage")
    options.nothing_left()
    return include


def _messages(value: Any, limit: int) -> tuple[tuple[PromptMessage, ...], str]:
    if not isinstance(value, list) or not value:
        raise _wrong("messages", "must be a list of at least one message")
    lines = [_line(f"messages[{place}]", message) for place, message in enumerate(value)]
    *context, last = lines
    where = f"messages[{len(context)}]"
    if last.role != "user":
        raise _wrong(f"{where}.role", "the last message must be the user's")
    if not last.content.strip():
        raise _wrong(f"{where}.content", "is empty; say something")
    if len(last.content) > limit:
        param = f"{where}.content"
        raise Problem(400, "string_above_max_length", f"{param}: at most {limit} characters; shorten it", param=param)
    return tuple(context), last.content


def _line(where: str, value: Any) -> PromptMessage:
    if not isinstance(value, dict):
        raise _wrong(where, "must be an object with role and content")
    role = value.get("role")
    if not isinstance(role, str) or role not in ROLES:
        raise _wrong(f"{where}.role", f"must be one of {', '.join(ROLES)}")
    for name, content in value.items():
        if name in ("role", "content") or (name in EMPTY_IN_A_REPLY and not content) or content is None:
            continue
        if name == "citations" and role == "assistant":  # of our own reply, come back with the history
            continue
        param = f"{where}.{name[:64]}"
        raise Problem(400, "unsupported_parameter", f"{param}: is not supported here; leave it out", param=param)
    return PromptMessage(role=ROLES[role], content=_content(f"{where}.content", value.get("content")))  # type: ignore[arg-type]


def _content(where: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise _wrong(where, "must be a string or a list of text parts")
    for place, part in enumerate(value):
        text = isinstance(part, dict) and part.keys() == {"type", "text"} and part["type"] == "text"
        if not text or not isinstance(part["text"], str):
            raise _wrong(f"{where}[{place}]", 'must be {"type": "text", "text": "…"}; nothing else is understood here')
    return "".join(part["text"] for part in value)


def fingerprint(*parts: str) -> str:
    """A short name that stands for these texts, and does not tell them."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def message(request: ChatRequest, *, channel: str, id: str, caller: str, now: float) -> Message:
    """The request as a message in a conversation of its own; ``id`` makes it one and the same when it comes again."""
    told = json.dumps([[line.role, line.content] for line in request.context])
    return Message(
        event_id=f"{THREAD}.{id}",
        conversation=Conversation(channel=channel, chat=id, thread=THREAD),
        person=Person(id=f"{THREAD}.{fingerprint(caller, request.user)}"),
        text=request.text,
        platform_id=fingerprint(told, request.text, repr(request.sampling)),
        sent_at=now,
        context=request.context,
        sampling=request.sampling,
    )
