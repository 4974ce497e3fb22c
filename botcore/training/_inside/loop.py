"""The steps of a run: learn, tell, look at the held-out part, save, and stop where it is asked to."""

import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor

from botcore.errors import TrainingError
from botcore.training._inside.checkpoint import Checkpoints
from botcore.training._inside.diary import Diary, Meter
from botcore.training._inside.optimizer import set_rate
from botcore.training._inside.source import IGNORE, Batch, Source
from botcore.training.plan import Plan, rate_share

__all__ = ["Loop", "parts_of"]

Say = Callable[..., None]
Part = tuple[Tensor, Tensor, Tensor | None]
"""Ids, labels and positions."""


class Loop:
    """One run. Killed at any moment and made again, it goes on from the last state saved, to the same curve."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        *,
        accelerator: Accelerator,
        learner: Any,
        optimizers: Sequence[torch.optim.Optimizer],
        source: Source,
        sample: Callable[[], list[str]],
        say: Say,
    ) -> None:
        self._plan = plan
        self._folder = folder
        self._accelerator = accelerator
        self._learner = learner
        self._optimizers = list(optimizers)
        self._source = source
        self._sample = sample
        self._say = say
        self.checkpoints = Checkpoints(folder, accelerator, learner, self._optimizers)
        self._diary = Diary(folder, writes=accelerator.is_main_process)
        self.step = 0
        self._saved = 0
        self._after = 0.0
        self._tokens = 0
        self._window = 0.0
        """Losses since the last logged step, summed; part of the state, so that a kill does not show in the curve."""

    def run(self) -> bool:
        """Learn to the end. False where it was asked to stop before; the state is saved either way."""
        self._restore()
        meter = Meter(self.step, self._tokens)
        for batch in self._source.batches(self.step):
            norm, rate = self._learn(batch)
            if self.step % self._plan.log_every == 0 or batch.after >= 1:
                self._log(batch, norm=norm, rate=rate, **meter.read(self.step, self._tokens, batch.after))
            if batch.after < 1 and self._asked_to_stop():
                self._save()
                return False
            self._look_and_save()
        self._finish()
        return True

    def _restore(self) -> None:
        place = self.checkpoints.restore()
        if place:
            self.step, self._after = place["step"], place["after"]
            self._tokens, self._window = place["tokens"], place["window"]
            self._saved = self.step
            self._say("stage", text=f"going on after step {self.step}")
        self._diary.forget_after(self.step)

    def _learn(self, batch: Batch) -> tuple[float, float]:
        """One step on one batch; the gradient's norm and the learning rate."""
        rate = set_rate(self._optimizers, rate_share(self._plan, self.step, self._after))
        self._learner.train()
        loss = self._backward(batch)
        if not math.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at step {self.step + 1}; begin again with a lower --rate")
        norm = 0.0
        if self._plan.clip:
            norm = float(self._accelerator.clip_grad_norm_(self._learner.parameters(), self._plan.clip))
        if not math.isfinite(norm):  # the weights would be none after this step, and the state saved next with them
            raise TrainingError(f"the gradient is {norm} at step {self.step + 1}; begin again with a lower --rate")
        for optimizer in self._optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.step += 1
        self._after = batch.after
        self._tokens += batch.tokens
        self._window += loss
        return norm, rate

    def _backward(self, batch: Batch) -> float:
        """The gradient of the mean over all labels of the batch, however many devices and pieces it is cut into."""
        count, total = _labels(batch.labels), 0.0
        parts = self._parts(batch)
        for number, part in enumerate(parts):
            more = number < len(parts) - 1
            with self._accelerator.no_sync(self._learner) if more else nullcontext():
                loss = self._learner(*part) / count
                # Gradients of several processes are averaged: the mean over the whole batch is their sum.
                self._accelerator.backward(loss * self._accelerator.num_processes)
            total += float(loss.detach())
        return self._sum(total)

    def _parts(self, batch: Batch) -> list[Part]:
        """This process's rows, cut to what it can hold."""
        accelerator = self._accelerator
        device, rank, world = accelerator.device, accelerator.process_index, accelerator.num_processes
        return parts_of(batch, rank=rank, world=world, size=self._plan.micro, device=device)

    def _sum(self, value: float) -> float:
        if self._accelerator.num_processes == 1:
            return value
        return float(self._accelerator.reduce(torch.tensor(value, device=self._accelerator.device), "sum"))

    def _log(self, batch: Batch, *, norm: float, rate: float, speed: float, left: float) -> None:
        loss = self._window / (self.step % self._plan.log_every or self._plan.log_every)
        self._window = 0.0
        told = {"step": self.step, "loss": loss, "rate": rate, "norm": norm, "tokens": self._tokens, "speed": speed}
        self._diary.note("metrics", kind="step", **told, progress=batch.after, left=left)
        self._say("step", **told, progress=batch.after, left=left)

    def _look_and_save(self) -> None:
        if self._after < 1 and self.step % self._plan.eval_every == 0:
            self._look()
        if self._after < 1 and self.step % self._plan.save_every == 0:
            self._save()

    def _look(self) -> None:
        """The held-out part's loss and perplexity, and samples; changes nothing of the run."""
        self._learner.eval()
        total = count = 0.0
        with torch.no_grad():
            for batch in self._source.held_out():
                count += _labels(batch.labels)
                total += sum(float(self._learner(*part)) for part in self._parts(batch))
        if count:
            loss = self._sum(total) / count
            told = {"step": self.step, "loss": loss, "perplexity": math.exp(min(loss, 100.0))}
            self._diary.note("metrics", kind="look", **told)
            self._say("look", **told)
        for text in self._sample():
            self._diary.note("samples", step=self.step, text=text)
            self._say("sample", step=self.step, text=text)

    def _save(self) -> None:
        self.checkpoints.save(self.step, {"after": self._after, "tokens": self._tokens, "window": self._window})
        self._saved = self.step
        self._say("saved", step=self.step)

    def _finish(self) -> None:
        """Look and save, unless that was done before a kill: the state on the disk is the only one, and stays."""
        if self._saved < self.step:
            self._look()
            self._save()

    def _asked_to_stop(self) -> bool:
        """Whether the note is there; of several processes all stop where one has seen it."""
        seen = os.path.exists(self._folder / "stop")
        return seen if self._accelerator.num_processes == 1 else self._sum(float(seen)) > 0


def parts_of(batch: Batch, *, rank: int, world: int, size: int, device: Any = "cpu") -> list[Part]:
    """The rows of one process of ``world``, at most ``size`` at once (0 = all).

    Each gets as many, some without a label where they do not come out even: all must take part in every exchange.
    """
    short = -len(batch.ids) % world
    ids, labels = (
        F.pad(one, (0, 0, 0, short), value=fill)[rank::world].to(device)
        for one, fill in ((batch.ids, 0), (batch.labels, IGNORE))
    )
    positions = None
    if batch.positions is not None:
        positions = F.pad(batch.positions, (0, 0, 0, short))[rank::world].to(device)
    size = size or len(ids)
    cuts = [slice(at, at + size) for at in range(0, len(ids), size)]
    return [(ids[cut], labels[cut], None if positions is None else positions[cut]) for cut in cuts]


def _labels(labels: Tensor) -> int:
    return max(1, int((labels != IGNORE).sum()))
