"""``python start.py FOLDER examine``: one evaluation from its task to the figures, in the engine's environment."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

from botcore.clock import SystemClock
from botcore.errors import BotcoreError, TrainingError
from botcore.training._inside.decode import decoded, prompt_ids
from botcore.training._inside.lora import merged
from botcore.training._inside.voice import failed, say
from botcore.training.questions import FOUND, QUESTIONS, Question, figures, kept_questions, messages_of, right

__all__ = ["main"]

BATCH_TOKENS = 8_192
ANSWER_TOKENS, STORY_TOKENS = 120, 200
GREEDY: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
SAMPLED: dict[str, Any] = {"do_sample": True, "temperature": 0.8, "top_p": 0.95, "top_k": 0}
STRIDE = 0.5
"""A text longer than the window is read in windows, each of which repeats this share of the one before."""


def main(folder: Path) -> int:
    """Examine; the exit code."""
    try:
        found = _Examination(folder).result()
        # In a file, because a line of output is bounded and a set of questions has thousands of answers.
        (folder / FOUND).write_text(json.dumps(found), encoding="utf-8")
    except BotcoreError as error:
        return failed(str(error))
    except (torch.OutOfMemoryError, MemoryError):
        return failed("out of memory; end something else first, or take a smaller model")
    except OSError as error:
        return failed(f"cannot read the model, or write below {folder}: {str(error).splitlines()[0][:300]}")
    say("end", state="done")
    return 0


class _Examination:
    """Loads, asks, counts."""

    def __init__(self, folder: Path) -> None:
        self._task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        self._questions = kept_questions(folder / QUESTIONS)
        self._clock = SystemClock()
        self._done, self._began = 0, 0.0

    def result(self) -> dict[str, Any]:
        """Figures, and every answer."""
        if self._task["threads"]:
            torch.set_num_threads(self._task["threads"])
        say("stage", text="loading the model")
        model, tokenizer = self._loaded()
        say(
            "model",
            parameters=sum(one.numel() for one in model.parameters()),
            device=model.device.type,
            precision="bf16",
        )
        self._began = self._clock.monotonic()
        answers = self._answers(model, tokenizer)
        found = figures(self._questions, answers)
        if texts := [one.text for one in self._questions if one.kind == "text"]:
            found |= self._surprise(model, tokenizer, texts)
        return {"figures": found, "answers": [_told(*pair) for pair in zip(self._questions, answers, strict=True)]}

    def _loaded(self) -> tuple[Any, Any]:
        base, adapter = Path(self._task["model"]), self._task["adapter"]
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        if any(one.kind != "text" for one in self._questions) and not tokenizer.chat_template:
            raise TrainingError(f"{base} has no chat template; a model without one can only be asked texts")
        device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            model = (
                merged(base, Path(adapter))
                if adapter
                else AutoModelForCausalLM.from_pretrained(
                    base, dtype=torch.bfloat16, use_safetensors=True, local_files_only=True
                )
            )
        except (OSError, ValueError) as error:
            raise TrainingError(f"{base}: {str(error).strip().splitlines()[0][:300]}") from None
        return model.to(device=device, dtype=torch.bfloat16).eval(), tokenizer

    def _answers(self, model: Any, tokenizer: Any) -> list[str]:
        """In the order of the questions; stories are drawn, everything else is greedy, and texts are not answered."""
        answers = [""] * len(self._questions)
        torch.manual_seed(self._task["seed"])
        for story, how, limit in ((False, GREEDY, ANSWER_TOKENS), (True, SAMPLED, STORY_TOKENS)):
            places = [
                at for at, one in enumerate(self._questions) if one.kind != "text" and (one.kind == "story") == story
            ]
            prompts = [prompt_ids(tokenizer, messages_of(self._questions[at])) for at in places]
            for at, prompt in zip(places, prompts, strict=True):
                self._fits(model, at, len(prompt) + limit)
            told = {**how, "max_new_tokens": limit}
            raw = decoded(model, tokenizer, prompts, told, most=BATCH_TOKENS, done=self._tick)
            for at, ids in zip(places, raw, strict=True):
                answers[at] = tokenizer.decode(ids, skip_special_tokens=True).strip()
        return answers

    def _fits(self, model: Any, at: int, tokens: int) -> None:
        window = getattr(model.config, "max_position_embeddings", 0)
        if window and tokens > window:
            raise TrainingError(f"question {at + 1} needs {tokens} tokens with its answer; the model has {window}")

    def _tick(self, count: int) -> None:
        self._done += count
        total = len(self._questions)
        left = (self._clock.monotonic() - self._began) / self._done * (total - self._done)
        say("asked", done=self._done, total=total, progress=self._done / total, left=left)

    def _surprise(self, model: Any, tokenizer: Any, texts: Sequence[str]) -> dict[str, float]:
        """Perplexity per token, exp(−mean log P(w_t | w_<t)), and bits per byte, which no tokenizer changes."""
        loss, tokens = 0.0, 0
        for text in texts:
            found, count = _loss(model, tokenizer(text, add_special_tokens=False)["input_ids"])
            loss, tokens = loss + found, tokens + count
            self._tick(1)
        size = sum(len(text.encode()) for text in texts)
        perplexity = math.exp(min(loss / max(1, tokens), 100.0))
        return {"perplexity": round(perplexity, 3), "bits_per_byte": round(loss / math.log(2) / size, 4)}


@torch.inference_mode()
def _loss(model: Any, ids: list[int]) -> tuple[float, int]:
    """The summed cross-entropy of every token but the first, and how many these are."""
    window = getattr(model.config, "max_position_embeddings", 0) or len(ids)
    loss, start, counted = 0.0, 0, 1
    while counted < len(ids):
        part = torch.tensor([ids[start : start + window]], device=model.device)
        new = start + part.size(1) - counted
        logits = model(part).logits[0, -new - 1 : -1].float()
        loss += F.cross_entropy(logits, part[0, -new:], reduction="sum").item()
        counted += new
        start = max(0, counted - int(window * STRIDE))
    return loss, max(0, len(ids) - 1)


def _told(question: Question, answer: str) -> dict[str, Any]:
    """One question and what came of it, for people who want to see."""
    told: dict[str, Any] = {"kind": question.kind, "ask": question.ask or question.text[:80], "answer": answer}
    return told if question.kind in ("text", "story") else {**told, "right": right(question, answer)}
