"""What a server's refusal says about asking it again: without which fields, or when. Pure.

Hosted servers speak dialects: OpenAI's newer models want ``max_completion_tokens`` and no temperature; Mistral, Groq
and Gemini refuse every field they do not know. Each names the field in its answer.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["pause_in", "refused_fields", "without"]

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


def refused_fields(status: int, answer: Any, sent: Iterable[str]) -> set[str]:
    """Those of the fields ``sent`` that the server refuses by name and that can be spared; none in any other answer."""
    told = (answer if isinstance(answer, str) else json.dumps(answer))[:TEXT_LIMIT]
    if status not in (400, 422) or not _REFUSES.search(told):
        return set()
    words = set(re.findall(r"\w+", _plain(told)))
    return {name for name in sent if name in SPARE and _plain(name) in words}


def without(body: Mapping[str, Any], refused: set[str]) -> dict[str, Any]:
    """The body without what is refused; the limit of the reply's length goes by its newer name."""
    kept = {name: value for name, value in body.items() if name not in refused}
    return kept | ({"max_completion_tokens": body["max_tokens"]} if "max_tokens" in refused else {})


def _plain(name: str) -> str:
    """A field's name however it is spelt: xAI calls them ``presencePenalty``."""
    return name.replace("_", "").lower()


def pause_in(status: int, headers: Mapping[str, str]) -> float:
    """Seconds after which a busy server wants to be asked again; 0 where it does not say."""
    told = re.fullmatch(r"\s*(\d{1,6}(?:\.\d{1,6})?)\s*", headers.get("Retry-After", ""))
    return float(told[1]) if told and status in (429, 503) else 0.0
