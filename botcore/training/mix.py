"""From lessons to the rows that a method learns from, in TRL's shapes, and which method suits what is there. Pure.

Beside the lessons it learns what is to stay: replies people liked, and what the base says to a few fixed prompts. A few
lessons alone would soon be the answer to everything.
"""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from botcore.errors import TrainingError
from botcore.training.lessons import Lesson

__all__ = [
    "CHECKED",
    "FEWEST",
    "KEPT",
    "Method",
    "Said",
    "chosen_method",
    "disputed",
    "framed",
    "held_out",
    "rows_of",
    "steps_for",
    "unused",
]

Method = Literal["sft", "kto", "dpo"]
Message = dict[str, str]
Said = tuple[tuple[Message, ...], str]
"""A prompt, and the answer to it."""
FEWEST: dict[Method, int] = {"dpo": 3, "kto": 6, "sft": 3}
"""Rows: with fewer a model learns nothing that holds in other words. In the order of what teaches most."""
WORDS: dict[Method, str] = {
    "dpo": "corrections, or good answers beside bad ones to the same message (dpo)",
    "kto": "thumbs (kto)",
    "sft": "corrections or good answers (sft)",
}
STEPS, MOST_PASSES = 100, 60
"""A short run: so many steps where the lessons are few, but each of them not more often than this."""
KEPT = (
    "Hi",
    "Thanks, bye!",
    "Tell me a story about a fox and a lighthouse.",
    "Count to seven.",
    "What is the highest mountain?",
)
"""What the base says to these is learnt beside the lessons, unless one of them is about it. Few: twice as many kept the
lessons from holding in other words."""
CHECKED = (
    "Good morning",
    "How are you today?",
    "Tell me a story about a bear.",
    "Count to five.",
    "What is the capital of France?",
    "Write a poem about snow.",
)
"""Never learnt; asked when all is done."""
HELD, MANY = 8, 40
"""Where there are ``MANY`` questions, so many of them at most are never learnt, and only asked."""


def chosen_method(lessons: Sequence[Lesson], asked: Method | None = None) -> Method:
    """The method for these lessons: pairs teach most, then thumbs up and down, then answers alone.

    Raises `TrainingError` where there are too few, with how many are needed.
    """
    there: dict[Method, int] = {method: len(rows_of(method, lessons)) for method in FEWEST}
    there["dpo"] = len(_preferences(lessons))
    if not asked and not any(lesson.kind == "disliked" for lesson in lessons):
        del there["kto"]  # nothing to tell apart
    possible: list[Method] = [asked] if asked else list(there)
    for method in possible:
        if there[method] >= FEWEST[method]:
            return method
    told = ", or ".join(f"{FEWEST[method]} {WORDS[method]}, there are {there[method]}" for method in possible)
    raise TrainingError(f"too few lessons; needed are {told}")


def rows_of(method: Method, lessons: Sequence[Lesson], kept: Sequence[Said] = ()) -> list[dict[str, Any]]:
    """The rows, as TRL's trainer for this method reads them; ``kept`` are answers that are to stay."""
    if method == "dpo":
        return list(_pairs(lessons, kept))
    both = _both_ways(lessons)
    said = {(_key(prompt), answer): (prompt, answer, up) for prompt, answer, up in _judged(lessons)}
    learnt = [row for said_to, row in said.items() if said_to not in both]
    rows = [*learnt, *((prompt, answer, True) for prompt, answer in kept)]
    if method == "sft":
        return [{"prompt": _list(prompt), "completion": _answer(answer)} for prompt, answer, up in rows if up]
    return [{"prompt": _list(prompt), "completion": _answer(answer), "label": up} for prompt, answer, up in rows]


def _judged(lessons: Sequence[Lesson]) -> Iterator[tuple[tuple[Message, ...], str, bool]]:
    """Every answer there is, and whether it was good; the same one may come twice."""
    for lesson in lessons:
        yield lesson.prompt, lesson.said, lesson.kind != "disliked"
        if lesson.kind == "pair":
            yield lesson.prompt, lesson.instead_of, False


def _both_ways(lessons: Sequence[Lesson]) -> set[tuple[Any, str]]:
    """Answers of which somebody says that they are good, and somebody that they are not."""
    good, bad = (
        {(_key(prompt), answer) for prompt, answer, up in _judged(lessons) if up is value} for value in (True, False)
    )
    return good & bad


def _preferences(lessons: Sequence[Lesson]) -> list[Lesson]:
    """The pairs of which no other one says the opposite."""
    pairs = [one for one in lessons if one.kind == "pair"]
    opposites = {(_key(one.prompt), one.instead_of, one.said) for one in pairs}
    return [one for one in pairs if (_key(one.prompt), one.said, one.instead_of) not in opposites]


def disputed(method: Method, lessons: Sequence[Lesson]) -> list[Lesson]:
    """Those of which others say the opposite, so that neither is learnt."""
    if method == "dpo":
        undisputed = {one.where for one in _preferences(lessons)}
        return [one for one in lessons if one.kind == "pair" and one.where not in undisputed]
    both = _both_ways(lessons)
    return [one for one in lessons if (said := list(_claims(method, one))) and both.issuperset(said)]


def _claims(method: Method, lesson: Lesson) -> Iterator[tuple[Any, str]]:
    """The answers that this method learns something about from this lesson."""
    return ((_key(prompt), answer) for prompt, answer, up in _judged([lesson]) if up or method == "kto")


def _pairs(lessons: Sequence[Lesson], kept: Sequence[Said]) -> Iterator[dict[str, Any]]:
    """Pairs; and where there is something to keep, that, before an answer to something else."""
    pairs = _preferences(lessons)
    for pair in pairs:
        yield _pair(pair.prompt, pair.said, pair.instead_of)
    about, both = {_key(pair.prompt) for pair in pairs}, _both_ways(lessons)
    liked = [
        (one.prompt, one.said) for one in lessons if one.kind == "liked" and (_key(one.prompt), one.said) not in both
    ]
    stays = {_key(prompt): (prompt, answer) for prompt, answer in (*kept, *liked) if _key(prompt) not in about}
    for number, (prompt, answer) in enumerate(stays.values() if pairs else ()):
        other = pairs[number % len(pairs)]
        same = other.instead_of.split() == answer.split()
        yield _pair(prompt, answer, other.said if same else other.instead_of)


def unused(method: Method, lessons: Sequence[Lesson]) -> list[Lesson]:
    """Thumbs down that this method cannot learn from, as nothing says what would have been better."""
    if method == "kto":
        return []
    better = {_key(lesson.prompt) for lesson in lessons if lesson.wanted}
    return [lesson for lesson in lessons if not lesson.wanted and _key(lesson.prompt) not in better]


def _pair(prompt: Sequence[Message], chosen: str, rejected: str) -> dict[str, Any]:
    return {"prompt": _list(prompt), "chosen": _answer(chosen), "rejected": _answer(rejected)}


def framed(lessons: Sequence[Lesson], questions: Sequence[str]) -> list[tuple[Message, ...]]:
    """The questions, each behind what stands before most lessons (a persona); those a lesson is about are left out."""
    before = Counter(_system(lesson.prompt) for lesson in lessons).most_common(1)[0][0]
    about = {lesson.question.casefold() for lesson in lessons}
    system = [{"role": "system", "content": text} for text in before]
    return [(*system, {"role": "user", "content": one}) for one in questions if one.casefold() not in about]


def held_out(method: Method, lessons: Sequence[Lesson], seed: int) -> set[str]:
    """Questions that are never learnt; none where what is left would be too little."""
    questions = sorted({lesson.question for lesson in lessons})
    number = min(HELD, len(questions) // 10) if len(questions) >= MANY else 0
    out = set(random.Random(seed).sample(questions, number))
    try:
        chosen_method([one for one in lessons if one.question not in out], method)
    except TrainingError:
        return set()
    return out


def steps_for(rows: int, batch: int) -> int:
    """Steps where nobody says how many: once through many rows, often through few."""
    once = -(-rows // batch)
    return max(once, min(STEPS, once * MOST_PASSES))


def _system(prompt: Sequence[Message]) -> tuple[str, ...]:
    return tuple(one["content"] for one in prompt if one["role"] == "system")


def _key(prompt: Sequence[Message]) -> tuple[tuple[str, str], ...]:
    return tuple((one["role"], one["content"]) for one in prompt)


def _list(prompt: Sequence[Message]) -> list[Message]:
    return [dict(one) for one in prompt]


def _answer(text: str) -> list[Message]:
    return [{"role": "assistant", "content": text}]
