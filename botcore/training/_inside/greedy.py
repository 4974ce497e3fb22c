"""What a model says to prompts, always with the likeliest token, and how much a text surprises it."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from botcore.training._inside.template import rendered

__all__ = ["answers", "surprises"]

AT_ONCE = 8
"""Prompts that are answered together."""


@torch.no_grad()
def answers(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[dict[str, str]]], most: int, *, whole: bool = False
) -> list[str]:
    """An answer of up to ``most`` tokens to each prompt; ``whole``: "" for one that does not end within them."""
    tokenizer.padding_side = "left"
    said, ends = list[str](), _ends(model, tokenizer)
    for at in range(0, len(prompts), AT_ONCE):
        texts = [rendered(tokenizer, prompt) for prompt in prompts[at : at + AT_ONCE]]
        given = tokenizer(texts, add_special_tokens=False, padding=True, return_tensors="pt").to(model.device)
        # Its own settings sample, and warn of what greedy does not use.
        likeliest = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        width = given["input_ids"].size(1)
        written = model.generate(
            input_ids=given["input_ids"],
            attention_mask=given["attention_mask"],
            max_new_tokens=max(1, min(most, _window(model) - width)),
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=ends,
            **likeliest,
        )
        new = written[:, width:]
        texts = tokenizer.batch_decode(new, skip_special_tokens=True)
        ended = [not whole or not set(ends).isdisjoint(ids) for ids in new.tolist()]
        said += [text if good else "" for text, good in zip(texts, ended, strict=True)]
    return said


def _ends(model: Any, tokenizer: Any) -> list[int]:
    """Every token that ends an answer: many a tokenizer names the end of a text, and not that of a turn."""
    told = model.generation_config.eos_token_id
    return sorted({tokenizer.eos_token_id, *(told if isinstance(told, list) else [told])} - {None})


def _window(model: Any) -> int:
    return getattr(model.config, "max_position_embeddings", 0) or sys.maxsize


@torch.no_grad()
def surprises(
    model: Any, tokenizer: Any, prompts: Sequence[Sequence[dict[str, str]]], texts: Sequence[str]
) -> Iterator[float]:
    """For each prompt the mean of −log P over the tokens of a text that is to be its answer; 0 for an empty one."""
    for prompt, text in zip(prompts, texts, strict=True):
        first = tokenizer(rendered(tokenizer, prompt), add_special_tokens=False)["input_ids"]
        then = tokenizer(text, add_special_tokens=False)["input_ids"]
        if not then:
            yield 0.0
            continue
        ids = torch.tensor([first + then], device=model.device)
        logits = model(input_ids=ids).logits[0, len(first) - 1 : -1]
        yield float(F.cross_entropy(logits.float(), ids[0, len(first) :]))
