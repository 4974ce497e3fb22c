"""The OpenAI protocol as plain functions: records to request bodies, events to pieces of text, error bodies to errors.

No I/O and no clock: `client.py` moves the bytes. Format: https://platform.openai.com/docs/api-reference/chat and vLLM's
extensions to it (``top_k``, ``repetition_penalty``, ``return_token_ids``, ``/tokenize``).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botcore.errors import EngineError, EngineRejected, EngineUnavailable, PromptTooLong
from botcore.messages import PromptMessage, Sampling
from botcore.ports import Usage

__all__ = [
    "EventStream",
    "Halves",
    "Piece",
    "chat_body",
    "error_for",
    "neutral",
    "read_piece",
    "reason_in",
    "tokenize_body",
]

REASON_LIMIT = 300
EVENT_LIMIT = 1 << 20
"""Bytes of one event: a token's is about 300; a server that sends 1 MiB without an end of one is no such server."""

_MARKER = re.compile(
    r"<(?=[|｜][^<>\n]{1,64}[|｜]>)"  # <|im_start|>, <｜User｜>
    r"|<(?=\|\w{1,32}>|\w{1,32}\|>|(?:start|end)_of_turn>|</?SYS>>)"  # Gemma's <|turn> and <turn|>, Llama's <<SYS>>
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w{1,32})\]"  # Mistral's
    r"|\|(?:system|user|assistant|tool|endofturn)\|\])"  # EXAONE's [|system|]; [|x|] is a list in F#
)
_TOO_LONG = re.compile(
    r"maximum (?:model|prompt) length|context[ _-]?(?:length|window|size|overflow)|too many tokens"
    r"|(?:prompt|input|request|entity|payload) (?:is )?too (?:long|large)|token count\b.{0,40}\bexceed|token limit"
    r"|reduce (?:the length|your (?:message|prompt))|max_new_tokens` must be"  # Groq, Text Generation Inference
    r"|must have less than \d+ tokens",  # Text Embeddings Inference
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")

CHOICES, CHOICE_CHARS = 256, 4_000
"""What `Sampling.choice` may hold: a grammar of more takes the engine seconds to build."""

Finish = Literal["", "stop", "length", "abort"]


def neutral(text: str) -> str:
    """``text`` that no chat template can mistake for its own role markers.

    Servers turn ``<|im_end|>`` inside a message into the special token itself, so whoever writes it (or a document that
    holds it) could end the message and speak as the system. A zero-width joiner behind the first sign keeps the text
    readable and makes it ordinary text.
    """
    return _MARKER.sub(lambda found: found.group() + "\u200d", text)


def _messages(messages: Sequence[PromptMessage]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": neutral(message.content)} for message in messages]


def chat_body(
    messages: Sequence[PromptMessage], sampling: Sampling, *, model: str, window: int = 0, structured: bool = False
) -> dict[str, Any]:
    """The body of a streaming chat completion; ``window`` (0 = unknown) caps ``max_tokens``: servers refuse more.

    ``structured``: the server knows vLLM's structured outputs. `EngineRejected` where the choice is too large.
    Only what differs from the protocol's defaults is sent: strict servers refuse fields they do not know.
    """
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(messages),
        "max_tokens": min(sampling.max_tokens, window) if window else sampling.max_tokens,
        "temperature": sampling.temperature,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if sampling.temperature > 0:
        body |= _given(top_p=(sampling.top_p, 1.0), top_k=(sampling.top_k, 0), seed=(sampling.seed, None))
    body |= _given(
        repetition_penalty=(sampling.repetition_penalty, 1.0),
        frequency_penalty=(sampling.frequency_penalty, 0.0),
        presence_penalty=(sampling.presence_penalty, 0.0),
        stop=(list(sampling.stop), []),
        return_token_ids=(sampling.return_token_ids, False),
        # This name and no other: vLLM ignores `guided_choice` without a word.
        structured_outputs=({"choice": _choice(sampling.choice)} if structured and sampling.choice else None, None),
    )
    return body


def _choice(texts: Sequence[str]) -> list[str]:
    if len(texts) > CHOICES or any(len(text) > CHOICE_CHARS for text in texts):
        raise EngineRejected(f"a choice has at most {CHOICES} texts of {CHOICE_CHARS} characters")
    return list(texts)


def _given(**fields: tuple[Any, Any]) -> dict[str, Any]:
    return {name: value for name, (value, default) in fields.items() if value != default}


def tokenize_body(messages: Sequence[PromptMessage], *, model: str) -> dict[str, Any]:
    """The body of vLLM's ``/tokenize`` for the same prompt that `chat_body` would render."""
    return {"model": model, "messages": _messages(messages), "add_generation_prompt": True}


class EventStream:
    """Server-sent events out of bytes that arrive in any pieces (https://html.spec.whatwg.org/#event-stream-interpretation)."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, block: bytes) -> Iterator[str]:
        """The ``data`` of every event that ``block`` completes. `EngineUnavailable` where it is no event stream."""
        lines = (self._rest + block).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) + sum(map(len, self._data)) > EVENT_LIMIT:
            raise EngineUnavailable("the engine's stream is not server-sent events: 1 MiB without an end of one")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                data, self._data = b"\n".join(self._data), []
                yield data.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What one event of the stream says."""

    text: str = ""
    finish: Finish = ""
    usage: Usage | None = None
    token_ids: tuple[int, ...] = ()
    progress: bool = False
    """A token was made, shown or not (a thinking model's thoughts are not)."""


class Halves:
    """Text that comes in pieces, some of them cut inside of a character: a proxy in JavaScript counts UTF-16 units."""

    def __init__(self) -> None:
        self._half = ""

    def whole(self, piece: str) -> str:
        """What is whole by now. A half that nothing follows is left out, one without its first half replaced."""
        if piece.isascii() and not self._half:
            return piece
        text = self._half + piece
        self._half = text[-1] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return text.removesuffix(self._half).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def read_piece(data: str, *, who: str = "the engine") -> Piece:
    """One event's payload. Raises what an error event means, or `EngineUnavailable` for garbage."""
    try:
        chunk = json.loads(data)
    except (ValueError, RecursionError):
        raise EngineUnavailable(f"{who} sent something that is not JSON: {_line(data)!r}") from None
    if not isinstance(chunk, dict):
        raise EngineUnavailable(f"{who} sent something that is not a completion: {_line(data)!r}")
    if chunk.get("error"):
        raise error_for(_status(chunk["error"]), chunk, who=who)
    try:
        return _piece(chunk)
    except (AttributeError, TypeError, ValueError, LookupError, OverflowError):
        raise EngineUnavailable(f"{who} sent something that is not a completion: {_line(data)!r}") from None


def _piece(chunk: dict[str, Any]) -> Piece:
    usage = _usage(chunk.get("usage"))
    if not chunk.get("choices"):
        return Piece(usage=usage)
    choice = chunk["choices"][0]
    delta = choice.get("delta") or {}
    text, ids = delta.get("content") or "", tuple(choice.get("token_ids") or ())
    if not isinstance(text, str):
        raise TypeError(text)
    thought = delta.get("reasoning_content") or delta.get("reasoning")
    return Piece(
        text=text,
        finish=_finish(choice.get("finish_reason")),
        usage=usage,
        token_ids=ids,
        progress=bool(text or ids or thought),
    )


def _finish(reason: str | None) -> Finish:
    if not reason:
        return ""
    return "length" if reason == "length" else "abort" if reason in ("abort", "content_filter", "error") else "stop"


def _usage(usage: dict[str, Any] | None) -> Usage | None:
    if not usage:
        return None
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        prompt_tokens=_tokens(usage.get("prompt_tokens")),
        completion_tokens=_tokens(usage.get("completion_tokens")),
        cached_tokens=_tokens(details.get("cached_tokens")),
    )


def _tokens(value: Any) -> int:
    """A number of tokens; 0 for what cannot be one, nor stand in a database."""
    tokens = int(value or 0)
    return tokens if 0 <= tokens < 1 << 31 else 0


def _status(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) else 500


def reason_in(body: Any) -> str:
    """The server's own words out of an error body, one line, at most 300 characters."""
    match body:
        case {"error": {"message": str(text)}} | {"error": str(text)} | {"message": str(text)} | {"detail": str(text)}:
            return _line(text)
        case str(text):
            return _line(text)
    return _line(json.dumps(body)) if body else ""


def _line(text: str) -> str:
    text = _SPACE.sub(" ", text).strip()
    return text if len(text) <= REASON_LIMIT else text[: REASON_LIMIT - 1] + "…"


def error_for(status: int, body: Any, *, who: str = "the engine", table: str = "engine") -> EngineError:
    """What an HTTP status and error body mean: `EngineUnavailable` is worth another try, `EngineRejected` is not.

    ``table`` is the one of the configuration that says where the server is.
    """
    reason = reason_in(body) or f"HTTP {status}"
    if status in (401, 403):
        return EngineRejected(f"{who} refuses the key ({reason}); set {table}.api_key")
    if _is_too_long(status, body, reason):
        return PromptTooLong(f"the prompt does not fit: {reason}")
    if status in (408, 425, 429) or status >= 500:
        return EngineUnavailable(f"{who} cannot answer now: {reason}")
    if status == 404:
        return EngineRejected(f"{who} does not know it: {reason}; check {table}.base_url and {table}.model")
    return EngineRejected(f"{who} refuses the request: {reason}")


def _is_too_long(status: int, body: Any, reason: str) -> bool:
    if status == 429:  # mostly it is the rate that is too high
        return "request too large" in reason.lower()
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, dict):
        if error.get("code") == "context_length_exceeded" or error.get("type") == "exceed_context_size_error":
            return True
        if error.get("param") in ("input_tokens", "input_text"):
            return True
    return bool(_TOO_LONG.search(reason))
