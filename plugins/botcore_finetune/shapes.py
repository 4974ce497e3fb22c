"""From a judged reply to lines for training, pure: the three conversational shapes TRL reads.

    sft   {prompt, completion}            what to say: corrections, and good replies where asked for
    kto   {prompt, completion, label}     what was liked and what was not
    dpo   {prompt, chosen, rejected}      what is better than what, after the same prompt

``prompt`` is a list of messages, the others a list of one message of the assistant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from botcore import PromptMessage
from botcore_finetune.examples import Example
from botcore_finetune.redact import Redactor

__all__ = ["FORMATS", "Format", "Lesson", "Skip", "as_row", "cleaned", "dpo", "kto", "sft"]

Format = Literal["sft", "kto", "dpo"]
FORMATS: tuple[Format, ...] = ("sft", "kto", "dpo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """One line of the file before it is written."""

    prompt: tuple[PromptMessage, ...]
    said: str
    """The completion, or what was chosen."""
    label: bool = True
    rejected: str = ""
    rival: Example | None = None
    """Where what was rejected comes from, if it is a reply of its own."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Why an example gives no line, in words for the summary."""

    reason: str


NOT_VERBATIM = Skip("not the model's own words (cut short, filtered or quoted)")
CONTESTED = Skip("judged good and bad by different people")
SAME = Skip("corrected to the same words")


def sft(one: Example, *, good: bool, contested: bool) -> Iterator[Lesson | Skip]:
    """The correction; without one, the reply itself where ``good`` replies are wanted."""
    if one.correction:
        yield Lesson(prompt=one.prompt, said=one.correction)
    elif good and one.verdict > 0:
        yield _by_thumb(one, contested)


def kto(one: Example, *, contested: bool) -> Iterator[Lesson | Skip]:
    """The reply as the thumb says; a correction is good, and what it corrects is bad."""
    if one.correction:
        yield Lesson(prompt=one.prompt, said=one.correction)
    if _same(one.reply, one.correction):
        yield SAME
    elif one.verdict or one.correction:
        yield _by_thumb(one, contested)


def dpo(one: Example, *, contested: bool) -> Iterator[Lesson | Skip]:
    """The correction before the reply, unless others liked that."""
    if _same(one.reply, one.correction):
        yield SAME
    elif one.correction and contested:
        yield CONTESTED
    elif one.correction:
        yield Lesson(prompt=one.prompt, said=one.correction, rejected=one.reply)


def _by_thumb(one: Example, contested: bool) -> Lesson | Skip:
    if not one.verbatim:
        return NOT_VERBATIM
    if contested:
        return CONTESTED
    return Lesson(prompt=one.prompt, said=one.reply, label=one.verdict > 0)


def _same(one: str, other: str) -> bool:
    return one.split() == other.split()


def cleaned(lesson: Lesson, redactor: Redactor) -> Lesson:
    """The lesson without what must not leave the house."""
    return Lesson(
        prompt=tuple(PromptMessage(role=one.role, content=redactor.clean(one.content)) for one in lesson.prompt),
        said=redactor.clean(lesson.said),
        label=lesson.label,
        rejected=redactor.clean(lesson.rejected),
    )


def as_row(lesson: Lesson, format: Format) -> dict[str, Any]:
    """The line as TRL's trainer of this name reads it."""
    row: dict[str, Any] = {"prompt": _messages(lesson.prompt)}
    said = _messages([PromptMessage(role="assistant", content=lesson.said)])
    if format == "dpo":
        rejected = _messages([PromptMessage(role="assistant", content=lesson.rejected)])
        return row | {"chosen": said, "rejected": rejected}
    row["completion"] = said
    return row | {"label": lesson.label} if format == "kto" else row


def _messages(messages: Sequence[PromptMessage]) -> list[dict[str, str]]:
    return [{"role": one.role, "content": one.content} for one in messages]
