"""One run from its folder's record to a model. Every failure a person can do something about is one line."""

import errno
import math
import os
import random
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator, DistributedType
from safetensors import SafetensorError
from safetensors.torch import save_file
from transformers import AutoTokenizer, GenerationConfig

from botcore.errors import BotcoreError, StoreError, TrainingError
from botcore.newfile import FULL
from botcore.training._inside.answers import Answers
from botcore.training._inside.attention import write_out
from botcore.training._inside.fit import fit
from botcore.training._inside.learner import Learner, config_of, make_model
from botcore.training._inside.loop import Loop
from botcore.training._inside.lora import merged, with_lora
from botcore.training._inside.norms import fuse_norms
from botcore.training._inside.optimizer import optimizers
from botcore.training._inside.source import Source
from botcore.training._inside.texts import Texts
from botcore.training._inside.tokenizer import train_tokenizer
from botcore.training._inside.voice import failed, say
from botcore.training.plan import Plan
from botcore.training.runs import Run
from botcore.training.whole import whole_folder

__all__ = ["main"]

SAMPLE_TOKENS = 48
"""Length of a sample."""
SMALLER = "begin again with fewer rows at once (--micro, or --batch where there is none) or a smaller model"
UNWRITTEN = ("PytorchStreamWriter", "inline_container")
"""What `torch.save` says of a state that it could not write whole; the other one as it closes the file."""


def main(folder: Path) -> int:
    """Train the run of this folder; the exit code."""
    try:
        ended = _trained(Run(folder))
    except StoreError as error:  # a file of ours that the disk refused
        return failed(f"{error}; nothing that was saved is lost: botcore train resume {folder.name}")
    except BotcoreError as error:
        return failed(str(error))
    except (OSError, SafetensorError) as error:
        return failed(_of_the_disk(folder, error))
    except (torch.OutOfMemoryError, MemoryError) as error:
        return failed(f"out of memory: {str(error).splitlines()[0][:200]}; {SMALLER}")
    except RuntimeError as error:
        if any(word in str(error) for word in UNWRITTEN):
            return failed(_of_the_disk(folder, OSError(errno.ENOSPC, "")))
        if "can't allocate memory" not in str(error):
            raise
        return failed(f"out of memory; {SMALLER}")
    if os.environ.get("RANK", "0") == "0":
        say("end", **ended)
    return 0


def _trained(run: Run) -> dict[str, Any]:
    """How it ended, for the record."""
    if run.read().plan.method:
        from botcore.training._inside.feedback import Feedback  # TRL takes seconds to import

        return Feedback(run, say).train()
    return _Trainer(run).train()


def _of_the_disk(folder: Path, error: Exception) -> str:
    full = getattr(error, "errno", None) in FULL or "No space left" in str(error)
    what = "the disk is full" if full else str(error).splitlines()[0][:300]
    return f"cannot write below {folder}: {what}; nothing that was saved is lost: botcore train resume {folder.name}"


def _silent(_event: str, **_fields: Any) -> None:
    """The other processes of a run over several devices."""


class _Trainer:
    """Puts a run together."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._plan = plan = run.read().plan
        if plan.threads:
            torch.set_num_threads(plan.threads)
        self._accelerator = Accelerator(mixed_precision="bf16" if plan.precision == "bf16" else "no")
        self._first = self._accelerator.is_main_process
        self._say = say if self._first else _silent
        if plan.optimizer == "muon" and self._accelerator.distributed_type == DistributedType.FSDP:
            raise TrainingError("muon needs whole matrices and FSDP cuts them; take --optimizer adamw")
        if plan.lora and self._accelerator.distributed_type == DistributedType.FSDP:
            raise TrainingError("an adapter is small and FSDP cuts it; leave --accelerate out, or take --full")

    def train(self) -> dict[str, Any]:
        """How it ended, for the record."""
        if self._plan.adapter:
            return self._merge()
        source = _source(self._plan, self._run.folder)
        tokenizer = self._tokenizer(source)
        config = config_of(self._plan, tokenizer)
        fit(self._plan, config, self._accelerator)
        self._open(source, tokenizer)
        model, adapter = self._model(config)
        loop = self._loop(model, tokenizer, source)
        if not loop.run():
            return {"state": "stopped", "reason": f"asked to stop; saved after step {loop.step}"}
        if adapter:
            return self._done("adapter", lambda draft: adapter.save_pretrained(draft), tokenizer)
        weights = loop.checkpoints.weights()
        return self._done("model", lambda draft: self._export(model, weights, tokenizer, draft), tokenizer)

    def _open(self, source: Source, tokenizer: Any) -> None:
        """The text, read by the first process for all."""
        self._say("stage", text="reading the text")
        if self._first:
            source.open(tokenizer, first=True)
        self._accelerator.wait_for_everyone()
        card = source.open(tokenizer, first=False)
        self._say("data", **{name: value for name, value in card.items() if name != "named"})  # hundreds, in card.json

    def _model(self, config: Any) -> tuple[Any, Any]:
        """The model, and the adapter around it where that is what learns."""
        torch.manual_seed(self._plan.seed)
        model = make_model(self._plan, config)
        if self._accelerator.device.type == "cpu":
            write_out(model)
        else:
            fuse_norms(model)
        return model, with_lora(model, self._plan) if self._plan.lora else None

    def _loop(self, model: Any, tokenizer: Any, source: Source) -> Loop:
        """The steps of this model, on every device."""
        learner = Learner(model)
        self._tell_model(model)
        prepared, *made = self._accelerator.prepare(learner, *optimizers(learner, self._plan))
        if self._plan.compile:
            model.base_model.compile(dynamic=True)
        return Loop(
            self._plan,
            self._run.folder,
            accelerator=self._accelerator,
            learner=prepared,
            optimizers=[one.optimizer for one in made],
            source=source,
            sample=lambda: self._samples(model, tokenizer, source),
            say=self._say,
        )

    def _merge(self) -> dict[str, Any]:
        """The base and an adapter in one; nothing is learnt."""
        plan = self._plan
        self._say("stage", text=f"merging {plan.adapter} into {plan.base}")
        model, tokenizer = merged(Path(plan.base), Path(plan.adapter)), AutoTokenizer.from_pretrained(plan.base)
        return self._done("model", lambda draft: model.save_pretrained(draft), tokenizer)

    def _done(self, name: str, write: Callable[[Path], None], tokenizer: Any) -> dict[str, Any]:
        """What came out, written whole under this name in the run's folder; how the run ended."""
        place = self._run.folder / name
        if self._first:
            with whole_folder(place) as draft:
                write(draft)
                tokenizer.save_pretrained(draft)
                for weights in draft.glob("*.safetensors"):
                    weights.chmod(0o644)  # it is written for the owner alone
        return {"state": "done", "reason": "", "outputs": {name: str(place)}}

    def _tokenizer(self, source: Source) -> Any:
        """The base's, or one trained on the text once and kept."""
        place = Path(self._plan.base) if self._plan.base else self._run.folder / "tokenizer"
        if not self._plan.base and self._first and not place.is_dir():
            assert self._plan.shape
            self._say("stage", text="training a tokenizer")
            trained = train_tokenizer(source.vocabulary(), self._plan.shape.vocab, self._plan.shape.context)
            with whole_folder(place) as draft:
                trained.save_pretrained(draft)
        self._accelerator.wait_for_everyone()
        try:
            return AutoTokenizer.from_pretrained(place, local_files_only=True)
        except (OSError, ValueError) as error:
            raise TrainingError(f"{place} has no readable tokenizer: {str(error).splitlines()[0][:200]}") from None

    def _tell_model(self, model: Any) -> None:
        count = sum(weight.numel() for weight in model.parameters())
        device = self._accelerator.device.type
        many = f" × {self._accelerator.num_processes}" if self._accelerator.num_processes > 1 else ""
        self._say("model", parameters=count, device=device + many, precision=self._plan.precision)

    def _samples(self, model: Any, tokenizer: Any, source: Source) -> list[str]:
        """Texts the model writes now, from beginnings it never learnt; the run's random numbers stay as they are."""
        sharded = self._accelerator.distributed_type == DistributedType.FSDP
        prompts = [prompt for prompt in source.prompts() if len(prompt) + SAMPLE_TOKENS <= _window(model)]
        if sharded or not self._first or not self._plan.samples or not prompts:
            return []
        chosen = random.Random(self._plan.seed).sample(prompts, min(self._plan.samples, len(prompts)))
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(self._plan.seed)
            return [self._sample(model, tokenizer, prompt) for prompt in chosen if prompt]

    def _sample(self, model: Any, tokenizer: Any, prompt: list[int]) -> str:
        ids = torch.tensor([prompt], device=self._accelerator.device)
        written = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=SAMPLE_TOKENS,
            do_sample=True,
            temperature=0.8,
            pad_token_id=tokenizer.pad_token_id,
        )
        return str(tokenizer.decode(written[0], skip_special_tokens=True))

    def _export(self, model: Any, weights: dict[str, Any], tokenizer: Any, draft: Path) -> None:
        """The model as the engine loads it, rounded to bfloat16 here and nowhere else where that was trained in."""
        dtype = torch.bfloat16 if self._plan.precision == "bf16" else torch.float32
        rounded = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
        model.config.dtype = dtype
        model.config.save_pretrained(draft)
        save_file(rounded, draft / "model.safetensors", metadata={"format": "pt"})
        ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
        GenerationConfig(do_sample=True, temperature=0.7, top_p=0.95, **ends).save_pretrained(draft)


def _window(model: Any) -> float:
    return getattr(model.config, "max_position_embeddings", 0) or math.inf


def _source(plan: Plan, folder: Path) -> Source:
    if not plan.source:
        return Answers(plan, folder) if plan.rows else Texts(plan, folder)
    sys.path.append(plan.source_path)
    module, _, name = plan.source.partition(":")
    made: Source = getattr(import_module(module), name)(plan, folder)
    return made
