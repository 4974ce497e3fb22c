"""Answers to many prompts at once: those of about one length together, padded on the left, in transformers' loop."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch

from botcore.training._inside.template import rendered

__all__ = ["batches", "decoded", "prompt_ids"]


def prompt_ids(tokenizer: Any, messages: Sequence[dict[str, str]]) -> list[int]:
    """The prompt as the chat template makes it, with the beginning of an answer."""
    ids: list[int] = tokenizer(rendered(tokenizer, messages), add_special_tokens=False)["input_ids"]
    return ids


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of prompts to decode together, the longest first: ``most`` tokens at a time, padding included."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda at: -lengths[at]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


@torch.inference_mode()
def decoded(
    model: Any,
    tokenizer: Any,
    prompts: Sequence[list[int]],
    how: dict[str, Any],
    *,
    most: int,
    within: Callable[[list[int], int], dict[str, Any]] = lambda batch, width: {},
    done: Callable[[int], None] = lambda count: None,
) -> list[list[int]]:
    """The new ids of every prompt, in their order.

    ``how`` goes to transformers' ``generate``, and so does what ``within`` says of a batch and the width of its
    prompts; ``done`` hears how many were answered since it last did.
    """
    answers: list[list[int]] = [[] for _ in prompts]
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    for batch in batches([len(prompt) for prompt in prompts], most):
        width = len(prompts[batch[0]])
        ids = torch.full((len(batch), width), pad)
        mask = torch.zeros(len(batch), width, dtype=torch.long)
        for row, at in enumerate(batch):
            ids[row, width - len(prompts[at]) :] = torch.tensor(prompts[at])
            mask[row, width - len(prompts[at]) :] = 1
        told = {"pad_token_id": pad, **how, **within(batch, width)}
        out = model.generate(ids.to(model.device), attention_mask=mask.to(model.device), **told)
        for at, row in zip(batch, out[:, width:].tolist(), strict=True):
            answers[at] = row
        done(len(batch))
    return answers
