"""A chat as the base's chat template writes it, alike for what is learnt, what is asked, and what the engine asks."""

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["AT_ONCE", "rendered"]

AT_ONCE: Mapping[str, Any] = {"enable_thinking": False}
"""What the engine's server is told as well: no thinking aloud. Templates that know nothing of it pass it over."""


def rendered(tokenizer: Any, messages: Sequence[Mapping[str, str]], *, answer: str | None = None) -> str:
    """The prompt with the beginning of an answer, or with all of ``answer``. May raise jinja2's `TemplateError`."""
    asked = [dict(one) for one in messages]
    if answer is not None:
        asked.append({"role": "assistant", "content": answer})
    text = tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=answer is None, **AT_ONCE)
    return str(text)
