"""Let a checkpoint answer: many conversations at once, greedy or sampled, freely or restricted to given answers.

A checkpoint is a model's folder, or a run of the trainer, also one that has not ended: then its newest state.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

import scripts.starter.bare  # noqa: F401  (before botcore)
from botcore.training._inside.decode import decoded, prompt_ids
from botcore.training._inside.learner import config_of
from botcore.training.plan import plan_from
from scripts.starter.choice import Choice, pieces

__all__ = ["Model", "Talk"]

Talk = list[dict[str, str]]
BATCH_TOKENS = 12_000
"""Prompt tokens, with their padding, that are decoded together."""
GREEDY: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None}
SAMPLED: dict[str, Any] = {"do_sample": True, "temperature": 0.8, "top_p": 0.95}


class Model:
    """A checkpoint that answers conversations."""

    def __init__(self, path: Path, dtype: torch.dtype = torch.bfloat16) -> None:
        self.model, self.tokenizer = _opened(path, dtype)
        self._pieces = pieces(self.tokenizer.get_vocab())

    @property
    def parameters(self) -> int:
        """How many numbers it has."""
        return sum(weight.numel() for weight in self.model.parameters())

    def prompt(self, talk: Talk) -> list[int]:
        """Return the ids that the chat template makes."""
        return prompt_ids(self.tokenizer, talk)

    def longest(self, texts: Sequence[str]) -> int:
        """Return the tokens of the longest; what an answer has beyond that cannot make it right."""
        return max(len(ids) for ids in self.tokenizer(list(texts), add_special_tokens=False)["input_ids"])

    def greedy(self, talks: Sequence[Talk], *, limit: int) -> list[str]:
        """Return the likeliest answers, of `limit` tokens at most."""
        return self._texts(self._generated(talks, {**GREEDY, "max_new_tokens": limit}))

    def sampled(self, talks: Sequence[Talk], *, seed: int, limit: int = 160) -> list[str]:
        """Return answers drawn at temperature 0.8."""
        torch.manual_seed(seed)
        return self._texts(self._generated(talks, {**SAMPLED, "max_new_tokens": limit}))

    def chosen(self, talks: Sequence[Talk], choices: Sequence[Sequence[str]]) -> list[str]:
        """Return of each talk one of its choices, as vLLM's structured output `choice` does."""
        rules = [Choice(texts, self._pieces, self.tokenizer.eos_token_id) for texts in choices]
        limit = max(len(text.encode()) for texts in choices for text in texts) + 1
        raw = self._generated(talks, {**GREEDY, "max_new_tokens": limit}, rules)
        return [rule.whole(ids) for rule, ids in zip(rules, raw, strict=True)]

    def _texts(self, raw: list[list[int]]) -> list[str]:
        return [text.strip() for text in self.tokenizer.batch_decode(raw, skip_special_tokens=True)]

    def _generated(
        self, talks: Sequence[Talk], how: dict[str, Any], rules: Sequence[Choice] | None = None
    ) -> list[list[int]]:
        """The ids of every answer, in the order of the talks."""

        def within(batch: list[int], width: int) -> dict[str, Any]:
            return {"prefix_allowed_tokens_fn": _only([rules[at] for at in batch], width)} if rules else {}

        prompts = [self.prompt(talk) for talk in talks]
        return decoded(self.model, self.tokenizer, prompts, how, most=BATCH_TOKENS, within=within)


def _only(rules: list[Choice], width: int) -> Callable[[int, torch.Tensor], list[int]]:
    """What transformers asks before each token of each row; a prompt is `width` tokens."""
    return lambda row, ids: rules[row].allowed(ids[width:].tolist())


def _opened(path: Path, dtype: torch.dtype) -> tuple[Any, Any]:
    """The model and its tokenizer, whatever of the two kinds of folder it is."""
    if (path / "config.json").is_file():
        model = AutoModelForCausalLM.from_pretrained(path, dtype=dtype, local_files_only=True)
        return model.eval(), AutoTokenizer.from_pretrained(path, local_files_only=True)
    run = next((place for place in (path, *path.parents) if (place / "run.json").is_file()), None)
    if run is None:
        raise SystemExit(f"{path} is neither a model's folder (config.json) nor a run's (run.json)")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    if finished := record["outputs"].get("model"):
        return _opened(Path(finished), dtype)
    plan = plan_from(record["arguments"])
    tokenizer = AutoTokenizer.from_pretrained(plan.base or run / "tokenizer", local_files_only=True)
    model = AutoModelForCausalLM.from_config(config_of(plan, tokenizer), dtype=dtype)
    lost = model.load_state_dict(_newest(run), strict=False)
    if lost.unexpected_keys or set(lost.missing_keys) - {"lm_head.weight"}:  # tied: it has one name in the file
        raise SystemExit(f"the state of {run} is of another model: {lost}")
    model.tie_weights()
    return model.eval(), tokenizer


def _newest(run: Path) -> dict[str, torch.Tensor]:
    for _ in range(3):  # a run that goes on puts a newer state in its place
        states = sorted(run.glob("checkpoint/step-*/state.safetensors"))
        if not states:
            break
        try:
            state = load_file(states[-1])
        except FileNotFoundError:
            continue
        print(f"{states[-1].parent.name} of {run.name}", flush=True)
        return {name.removeprefix("model/model."): at for name, at in state.items() if name.startswith("model/")}
    raise SystemExit(f"{run} has saved no state yet; it does so every few minutes")
