"""Replies as OpenAI's clients read them: whole, as a stream of chunks, or as an error. Pure: no I/O, no clock."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from botcore import Reply, Sampling
from botcore_web.events import sse
from botcore_web.openai_wire import ChatRequest
from botcore_web.problem import Problem

__all__ = ["DONE", "Chunks", "completion", "error_json", "model_json", "rest"]

DONE = b"data: [DONE]\n\n"


def error_json(problem: Problem) -> Mapping[str, Any]:
    """A problem in the shape OpenAI's clients read."""
    usual = "server_error" if problem.status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": problem.message,
            "type": "rate_limit_error" if problem.status == 429 else usual,
            "param": problem.param or None,
            "code": problem.code,
        }
    }


def model_json(name: str, created: int) -> dict[str, Any]:
    """One line of ``/v1/models``."""
    return {"id": name, "object": "model", "created": created, "owned_by": "botcore"}


def _usage(reply: Reply) -> dict[str, int]:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
    }


def _finish(reply: Reply, sampling: Sampling, window: int) -> str:
    """Why it ended: by its own bound, by the end of the model's ``window`` (0 = unknown), or because it was done."""
    full = 0 < window <= reply.prompt_tokens + reply.completion_tokens
    return "length" if full or 0 < sampling.max_tokens <= reply.completion_tokens else "stop"


def _sources(reply: Reply) -> dict[str, Any]:
    """What the reply's ``[1]`` points at, in a field of ours: OpenAI's annotations know pages of the web alone."""
    return {"citations": [asdict(citation) for citation in reply.citations]} if reply.citations else {}


def completion(reply: Reply, request: ChatRequest, now: float, *, window: int = 0) -> dict[str, Any]:
    """The whole reply; ``system_fingerprint`` is the model or LoRA version that wrote it, ``window`` its tokens."""
    message = {"role": "assistant", "content": reply.text, "refusal": None, **_sources(reply)}
    finish = _finish(reply, request.sampling, window)
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {
        "id": f"chatcmpl-{reply.id}",
        "object": "chat.completion",
        "created": math.floor(now),
        "model": request.model,
        "system_fingerprint": reply.model or None,
        "choices": [choice],
        "usage": _usage(reply),
    }


def rest(sent: str, final: str) -> str | None:
    """What of the ``final`` text a reader who has ``sent`` still needs; None where it became another text.

    The committed text has no blanks at its ends; the stream may have had them.
    """
    for known in (sent, sent.lstrip(), sent.strip()):
        if final.startswith(known):
            return final[len(known) :]
    return None


class Chunks:
    """One streamed reply: the role first, then text, then why it ended."""

    def __init__(self, request: ChatRequest, now: float) -> None:
        self.sent = ""
        """The text that is on its way to the reader."""
        self._request = request
        self._created = math.floor(now)
        self._id = ""

    def text(self, turn: str, text: str) -> bytes:
        """The growth of a reply whose text so far is ``text``; nothing where it was begun anew."""
        if not text or not text.startswith(self.sent):
            return b""
        delta, self.sent = text[len(self.sent) :], text
        head = b"" if self._id else self._begin(turn)
        return head + (self._chunk({"content": delta}) if delta else b"")

    def end(self, reply: Reply, *, window: int = 0) -> bytes:
        """The remaining text and the end; an error where the committed text is another one than was sent."""
        head = b"" if self._id else self._begin(reply.id)
        left = rest(self.sent, reply.text)
        if left is None:
            return head + self.error(Problem(500, "revised", "the reply was begun anew; ask again, without stream"))
        tail = self._chunk({"content": left}) if left else b""
        finish = _finish(reply, self._request.sampling, window)
        tail += self._chunk(_sources(reply), finish=finish, fingerprint=reply.model or None)
        if self._request.include_usage:
            tail += self._frame({"choices": [], "usage": _usage(reply)})
        return head + tail + DONE

    def error(self, problem: Problem) -> bytes:
        """The end of a stream that cannot go on."""
        return sse(json.dumps(error_json(problem)))

    def _begin(self, turn: str) -> bytes:
        self._id = f"chatcmpl-{turn}"
        return self._chunk({"role": "assistant", "content": ""})

    def _chunk(self, delta: Mapping[str, Any], *, finish: str | None = None, fingerprint: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        usage = {"usage": None} if self._request.include_usage else {}
        return self._frame({"system_fingerprint": fingerprint, "choices": [choice], **usage})

    def _frame(self, more: Mapping[str, Any]) -> bytes:
        head = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._request.model,
        }
        return sse(json.dumps({**head, **more}, ensure_ascii=False, separators=(",", ":")))
