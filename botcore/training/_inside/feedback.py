"""From lessons to an adapter: read, learnt by TRL, and refused where what the adapter says has collapsed."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import torch
from accelerate import Accelerator
from transformers import AutoTokenizer, set_seed

from botcore.errors import TrainingError
from botcore.training._inside.answers import encoded
from botcore.training._inside.diary import Diary
from botcore.training._inside.fit import fit
from botcore.training._inside.greedy import answers, surprises
from botcore.training._inside.learner import config_of, make_model
from botcore.training._inside.preference import Teacher
from botcore.training.collapse import Answer, as_lines, collapsed, figures
from botcore.training.lessons import Lesson, LessonReader
from botcore.training.mix import (
    CHECKED,
    KEPT,
    Method,
    chosen_method,
    disputed,
    framed,
    held_out,
    rows_of,
    steps_for,
    unused,
)
from botcore.training.plan import Plan
from botcore.training.rows import Row
from botcore.training.runs import Run
from botcore.training.whole import whole_folder

__all__ = ["Feedback", "carried_out"]

TOKENS = 48
"""Length of an answer that is looked at."""
WHOLE = 256
"""Length of an answer that is learnt, which must come to its end: half of one teaches to break off there."""
LOOKED_AT = 12
"""Lessons whose prompts are asked again at the end, beside those that are never learnt."""
FILES = frozenset({"adapter_config.json", "adapter_model.safetensors"})


class Feedback:
    """One run."""

    def __init__(self, run: Run, say: Callable[..., None]) -> None:
        self._run = run
        self._plan = carried_out(run.read().plan)
        self._method: Method = self._plan.method or "sft"
        self._say = say
        self._tokenizer: Any = None

    def train(self) -> dict[str, Any]:
        """How it ended, for the record."""
        plan = self._plan
        if plan.threads:
            torch.set_num_threads(plan.threads)
        self._tokenizer = _tokenizer(plan.base)
        config = config_of(plan, self._tokenizer)
        accelerator = Accelerator()
        fit(plan, config, accelerator)
        learnt, held = self._lessons()
        method = chosen_method(learnt, self._method)
        model = make_model(plan, config).to(accelerator.device).eval()
        self._say("model", parameters=model.num_parameters(), device=model.device.type, precision=plan.precision)
        kept = framed([*learnt, *held], KEPT)
        self._say("stage", text="asking the base what is to stay")
        rows = rows_of(method, learnt, self._said(model, kept))
        set_seed(plan.seed)
        steps = plan.steps or steps_for(len(rows), plan.batch)
        teacher = Teacher(
            plan, self._run.folder, model=model, tokenizer=self._tokenizer, rows=rows, steps=steps, say=self._say
        )
        if not teacher.learn():
            return {"state": "stopped", "reason": "asked to stop; what was learnt so far is saved"}
        return self._looked_at(teacher.model.eval(), learnt, held)

    def _lessons(self) -> tuple[list[Lesson], list[Lesson]]:
        """What is learnt, and what is only asked; the card says what was skipped, and is kept."""
        reader = LessonReader(sorted(self._run.lessons.glob("*.jsonl")))
        good = [lesson for lesson in reader.lessons() if self._fits(lesson, reader)]
        out = held_out(self._method, good, self._plan.seed)
        for lesson in unused(self._method, good):
            reader.card.skip(lesson.where, f"a thumb down without a better answer teaches {self._method} nothing")
        for lesson in disputed(self._method, good):
            reader.card.skip(lesson.where, "another lesson says the opposite")
        used = len(rows_of(self._method, good))  # one example may be there in several formats
        card = dataclasses.asdict(reader.card) | {"documents": used, "held_out_documents": len(out)}
        with whole_folder(self._run.folder / "data") as draft:
            (draft / "card.json").write_text(json.dumps(card, ensure_ascii=False, indent=1), encoding="utf-8")
        self._say("data", **{name: value for name, value in card.items() if name != "named"})
        return [one for one in good if one.question not in out], [one for one in good if one.question in out]

    def _fits(self, lesson: Lesson, reader: LessonReader) -> bool:
        """Whether its rows can be learnt; one that cannot, or is longer than the plan allows, is skipped."""
        texts = [text for text in (lesson.said, lesson.instead_of) if text]
        rows = [Row(lesson.where, lesson.prompt, text) for text in texts]
        try:
            tokens = sum(len(encoded(self._tokenizer, row, self._plan.context)[0]) for row in rows)
        except TrainingError as error:
            reader.card.skip(lesson.where, str(error))
            return False
        reader.card.tokens += tokens
        return True

    def _said(self, model: Any, prompts: Any) -> list[Any]:
        """Prompts and what the model says to them now; what it says nothing to, or far too much, is left out."""
        said = answers(model, self._tokenizer, prompts, WHOLE, whole=True)
        return [(prompt, text) for prompt, text in zip(prompts, said, strict=True) if text.strip()]

    def _looked_at(self, model: Any, learnt: list[Lesson], held: list[Lesson]) -> dict[str, Any]:
        """The adapter kept, with what it says; refused where that has collapsed."""
        self._say("stage", text="asking base and adapter the same")
        place = self._run.folder / "adapter"
        with whole_folder(place) as draft:
            model.save_pretrained(draft)
            for file in [*draft.iterdir()]:
                file.chmod(0o644) if file.name in FILES else file.unlink()
        looked = self._answers(model, learnt, held)
        lines = ({"step": self._plan.steps, **line} for line in as_lines(looked))
        Diary(self._run.folder, writes=True).keep("samples", [json.dumps(line, ensure_ascii=False) for line in lines])
        self._say("looked", **figures(looked))
        why = collapsed(looked, [one.said for one in learnt if one.wanted])
        return {"state": "refused" if why else "done", "reason": why, "outputs": {"adapter": str(place)}}

    def _answers(self, model: Any, learnt: list[Lesson], held: list[Lesson]) -> list[Answer]:
        """What base and adapter say: to some of the lessons' prompts, and to those that nothing was learnt from."""
        asked = _asked(learnt)[:LOOKED_AT] + _asked(held)
        fixed = framed([*learnt, *held], CHECKED)
        prompts = [*(one.prompt for one in asked), *fixed]
        wanted = [*(one.said if one.wanted else "" for one in asked), *("" for _ in fixed)]
        whose = [*(one.whose for one in asked), *(None for _ in fixed)]
        after = answers(model, self._tokenizer, prompts, TOKENS)
        with model.disable_adapter():
            before = answers(model, self._tokenizer, prompts, TOKENS)
            surprised = [list(surprises(model, self._tokenizer, prompts, texts)) for texts in (before, after)]
        return [
            Answer(
                prompt=prompt[-1]["content"],
                before=before[n],
                after=after[n],
                wanted=wanted[n],
                surprise_before=surprised[0][n],
                surprise_after=surprised[1][n],
                learnt=n < len(asked),
                whose=whose[n],
            )
            for n, prompt in enumerate(prompts)
        ]


def carried_out(plan: Plan) -> Plan:
    """The plan as this machine carries it out: a GPU computes in bf16, with the weights in float32."""
    return dataclasses.replace(plan, precision="bf16") if torch.cuda.is_available() else plan


def _asked(lessons: list[Lesson]) -> list[Lesson]:
    """One lesson for each prompt, what was corrected first, and last what only says how not to answer."""
    first = sorted(lessons, key=lambda lesson: ("pair", "answer", "liked", "disliked").index(lesson.kind))
    return list({json.dumps(lesson.prompt): lesson for lesson in reversed(first)}.values())[::-1]


def _tokenizer(base: str) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    except (OSError, ValueError) as error:
        raise TrainingError(f"{base} has no readable tokenizer: {str(error).splitlines()[0][:200]}") from None
    if not tokenizer.chat_template:
        raise TrainingError(f"{base} has no chat template, so there is no telling a question from an answer")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer
