"""What a server's refusal says about asking it again: without which fields, or when. Pure.

Hosted servers speak dialects: OpenAI's newer models want ``max_completion_tokens`` and no temperature; Mistral, Groq
and Gemini refuse every field they do not know. Each names the field in its answer. The chat templates of some models
(Gemma 2, Mistral 0.2) know no system message.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ["SYSTEM", "pause_in", "refused_fields", "without"]

SYSTEM = "system messages"
"""Named beside the fields where a chat template refuses them."""

SPARE = (
    "max_tokens",
    "stream_options",
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "frequency_penalty",
    "presence_penalty",
)
"""What a reply can do without: the choice of the next token is then the server's, or the same under another name."""
TEXT_LIMIT = 2_000
"""Characters of a refusal that are read: some repeat the whole request behind their reason."""

_REFUSES = re.compile(
    r"unsupported|not support|unrecogni[sz]ed|unknown|unexpected (?:key|field|arg|param|prop)|not permitted|forbidden"
    r"|cannot both",  # Claude's of temperature and top_p
    re.IGNORECASE,
)
_NO_SYSTEM = re.compile(r"system role not supported|roles? must alternate user|only user and assistant", re.IGNORECASE)


def refused_fields(status: int, answer: Any, sent: Mapping[str, Any]) -> set[str]:
    """Those of the fields ``sent`` that the server refuses by name and that can be spared; none in any other answer."""
    told = (answer if isinstance(answer, str) else json.dumps(answer))[:TEXT_LIMIT]
    if status not in (400, 422):
        return set()
    if _NO_SYSTEM.search(told) and any(message["role"] == "system" for message in sent["messages"]):
        return {SYSTEM}
    if not _REFUSES.search(told):
        return set()
    words = set(re.findall(r"\w+", _plain(told)))
    return {name for name in sent if name in SPARE and _plain(name) in words}


def without(body: Mapping[str, Any], refused: Collection[str]) -> dict[str, Any]:
    """The body without what is refused: the reply's limit by its newer name, the system's words as the user's."""
    kept = {name: value for name, value in body.items() if name not in refused}
    if "max_tokens" in body and "max_tokens" in refused:
        kept["max_completion_tokens"] = body["max_tokens"]
    if SYSTEM in refused:
        kept["messages"] = _told_by_user(body["messages"])
    return kept


def _told_by_user(messages: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The same without a system message: its words stand before those of the first one that a person wrote."""
    system = [message["content"] for message in messages if message["role"] == "system"]
    others = [dict(message) for message in messages if message["role"] != "system"]
    first = next((message for message in others if message["role"] == "user"), None)
    if first:
        first["content"] = "\n\n".join([*system, first["content"]])
    return others if first else [{"role": "user", "content": "\n\n".join(system)}, *others]


def _plain(name: str) -> str:
    """A field's name however it is spelt: xAI calls them ``presencePenalty``."""
    return name.replace("_", "").lower()


def pause_in(status: int, headers: Mapping[str, str]) -> float:
    """Seconds after which a busy server wants to be asked again; 0 where it does not say."""
    told = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*", headers.get("Retry-After", ""))
    return float(told[1]) if told and status in (429, 503) else 0.0
