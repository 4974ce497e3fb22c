"""TRL's trainers for SFT, KTO and DPO, told as a plan says, heard as every run is, stopped by the same note."""

import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer

from botcore.errors import TrainingError
from botcore.newfile import to_the_disk
from botcore.training._inside.diary import Diary, Meter
from botcore.training._inside.lora import lora_config
from botcore.training._inside.template import AT_ONCE
from botcore.training.plan import Plan

__all__ = ["Teacher", "last_whole"]

TRAINERS: dict[str, tuple[Any, Any]] = {
    "sft": (SFTConfig, SFTTrainer),
    "kto": (KTOConfig, KTOTrainer),
    "dpo": (DPOConfig, DPOTrainer),
}


class Teacher:
    """One of TRL's trainers around a model, which learns an adapter."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        *,
        model: Any,
        tokenizer: Any,
        rows: Sequence[dict[str, Any]],
        steps: int,
        say: Callable[..., None],
    ) -> None:
        config, trainer = TRAINERS[plan.method]
        self._checkpoints = folder / "checkpoint"
        self._hearing = _Hearing(folder, steps, say)
        self._trainer = trainer(
            model=model,
            args=config(**_arguments(plan, self._checkpoints, rows, steps)),
            train_dataset=Dataset.from_list([{**row, "chat_template_kwargs": dict(AT_ONCE)} for row in rows]),
            processing_class=tokenizer,
            peft_config=lora_config(plan),
            callbacks=[self._hearing],
        )
        self._trainer.remove_callback(PrinterCallback)

    @property
    def model(self) -> Any:
        """The model with its adapter."""
        return self._trainer.model

    def learn(self) -> bool:
        """Learn to the end, from the last state that was saved. False where it was asked to stop before."""
        last = last_whole(self._checkpoints)
        if last:
            self._hearing.say("stage", text=f"going on after step {last.name.rpartition('-')[2]}")
        self._trainer.train(resume_from_checkpoint=str(last) if last else None)
        return not self._hearing.stopped


def last_whole(checkpoints: Path) -> Path | None:
    """The newest state that neither a kill nor a full disk cut short: ``trainer_state.json`` is written last."""
    found = [path.parent for path in checkpoints.glob("checkpoint-*/trainer_state.json") if _is_whole(path)]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)


def _is_whole(state: Path) -> bool:
    try:
        return bool(json.loads(state.read_text(encoding="utf-8")))
    except ValueError:
        return False


def _arguments(plan: Plan, checkpoints: Path, rows: Sequence[dict[str, Any]], steps: int) -> dict[str, Any]:
    """What a plan means in TRL's words."""
    gpu, micro = torch.cuda.is_available(), plan.micro or plan.batch
    common: dict[str, Any] = {
        "output_dir": str(checkpoints),
        "per_device_train_batch_size": micro,
        "gradient_accumulation_steps": max(1, plan.batch // micro),
        "max_steps": steps,
        "max_length": plan.context,
        "learning_rate": plan.rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": min(plan.warmup, steps // 10),
        "weight_decay": plan.weight_decay,
        "max_grad_norm": plan.clip,
        "bf16": plan.precision == "bf16",
        "use_cpu": not gpu,
        "gradient_checkpointing": gpu,
        "dataloader_pin_memory": gpu,
        "logging_steps": min(plan.log_every, steps),
        "logging_nan_inf_filter": False,
        "save_steps": plan.save_every,
        "report_to": "none",
        "disable_tqdm": True,
        "seed": plan.seed,
    }
    if plan.method == "sft":
        return common
    common |= {"beta": plan.beta, "precompute_ref_log_probs": True}
    # Plain DPO at a high rate collapses while its loss looks perfect: the answer that was chosen is learnt as well.
    return common | ({"loss_type": ["sigmoid", "sft"]} if plan.method == "dpo" else _weights(rows))


def _weights(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    """For KTO: what is there less often counts more, so that both sides weigh the same (Ethayarajh et al. 2024)."""
    good = sum(row["label"] for row in rows)
    bad = len(rows) - good
    if not good or not bad:
        return {}
    return {"desirable_weight": max(1.0, bad / good), "undesirable_weight": max(1.0, good / bad)}


class _Hearing(TrainerCallback):
    """Tells what goes on, and stops where the note says so."""

    def __init__(self, folder: Path, steps: int, say: Callable[..., None]) -> None:
        self.say = say
        self.stopped = False
        self._note = folder / "stop"
        self._diary = Diary(folder, writes=True)
        self._steps = steps
        self._meter: Meter | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """Begins to measure, and leaves out of the curve what is about to be done again."""
        self._diary.forget_after(state.global_step)
        self._meter = Meter(state.global_step, _tokens(state.log_history))

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_more: Any) -> None:
        """Tells a step."""
        if "loss" not in logs or self._meter is None:
            return
        loss = float(logs["loss"])
        if not math.isfinite(loss):
            raise TrainingError(f"the loss of step {state.global_step} is {loss}; begin again with a lower --rate")
        after, tokens = state.global_step / self._steps, int(logs.get("num_tokens") or 0)
        told: dict[str, Any] = {"step": state.global_step, "loss": loss, "tokens": tokens}
        told |= {"rate": logs.get("learning_rate"), "norm": logs.get("grad_norm")}
        told |= {name: logs[f"rewards/{name}"] for name in ("margins", "accuracies") if f"rewards/{name}" in logs}
        pace = self._meter.read(state.global_step, tokens, after)
        told["speed"] = pace["speed"]
        self._diary.note("metrics", kind="step", **told)
        self.say("step", **told, progress=after, left=pace["left"])

    def on_step_end(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """Stops where somebody asks for it."""
        if os.path.exists(self._note) and state.global_step < self._steps:
            self.stopped = control.should_save = control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_more: Any) -> None:
        """Tells what is safe, and removes what is older: TRL goes by the files' times, and a clock may be set back."""
        new = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        for entry in (*new.rglob("*"), new, new.parent):
            to_the_disk(entry)  # TRL leaves that to the system; a power cut must not take both
        for older in set(new.parent.glob("checkpoint-*")) - {new}:
            shutil.rmtree(older)
        self.say("saved", step=state.global_step)


def _tokens(history: Sequence[dict[str, Any]]) -> int:
    return next((int(one["num_tokens"]) for one in reversed(history) if "num_tokens" in one), 0)
