"""Runs trainers in the engine's environment, each in a fork: torch is imported once for all tests.

``trainer_server.py BOTCORE_FOLDER``; first it prints what `checks` found, one JSON object. Then for each folder of a
run that it reads, it prints ``pid`` of a trainer of that run, and, when that has ended, its exit status.
"""

import importlib
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

bare = ModuleType("botcore")
bare.__path__ = [sys.argv[1]]
sys.modules["botcore"] = bare

import torch  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

from botcore.training.plan import Plan, Style, shape_of  # noqa: E402
from botcore.training.rows import Row  # noqa: E402

main = importlib.import_module("botcore.training._inside.main")
answers = importlib.import_module("botcore.training._inside.answers")
attention = importlib.import_module("botcore.training._inside.attention")
checkpoint = importlib.import_module("botcore.training._inside.checkpoint")
greedy = importlib.import_module("botcore.training._inside.greedy")
learner = importlib.import_module("botcore.training._inside.learner")
loop = importlib.import_module("botcore.training._inside.loop")
norms = importlib.import_module("botcore.training._inside.norms")
optimizer = importlib.import_module("botcore.training._inside.optimizer")
source = importlib.import_module("botcore.training._inside.source")
feedback = importlib.import_module("botcore.training._inside.feedback")
preference = importlib.import_module("botcore.training._inside.preference")  # TRL too is imported once
STARTER = Path(sys.argv[1]) / "starter"
FEW = (("any", False), ("whole", True))
STYLES: tuple[Style, ...] = ("qwen3", "gpt2")


def checks() -> dict[str, Any]:
    """For each style: parameters counted and real; how far a document is moved by another's words, and by its own."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(STARTER)
    found: dict[str, Any] = {"starter": learner.parameters_of(STARTER), "learnt": learnt(tokenizer), "shares": shares()}
    found["greedy"] = said(tokenizer)
    found["saved"] = saved()
    found["muon"] = stepped()
    found["precision"] = [precision(gpu=False), precision(gpu=True)]
    for style in STYLES:
        shape = replace(shape_of("nano", style), vocab=len(tokenizer))
        plan = Plan(shape=shape)
        model = learner.make_model(plan, learner.config_of(plan, tokenizer)).eval()
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.2)
        counts = [sum(weight.numel() for weight in model.parameters()), shape.parameters]
        fused = [alone(model), moved(model, 0, 9), moved(model, 5, 9)]
        attention.write_out(model)
        written = [alone(model), moved(model, 0, 9), moved(model, 5, 9)]
        found[style] = {"parameters": counts, "fused": fused, "written": written, "plain": plain(model)}
        found[style]["attention"] = model.config._attn_implementation
        found[style]["unlabelled"] = unlabelled(model)
        found[style]["written_down"] = copied(model)
        found[style]["norms"] = [plain(model), *normed(model)]
    return found


def learnt(tokenizer: Any) -> list[str]:
    """Of two rows of questions and answers what the model reads, then what it learns."""
    said = {"Where is the sea?": "Down there.", "Why?": "So."}
    rows = [Row("", ({"role": "user", "content": asked},), answer) for asked, answer in said.items()]
    batch = answers._batch([answers.encoded(tokenizer, row, 64) for row in rows], after=0.0)
    kept = [labels[labels != -100] for labels in batch.labels]
    return [*(tokenizer.decode(ids) for ids in batch.ids), *(tokenizer.decode(one) for one in kept)]


def said(tokenizer: Any) -> dict[str, Any]:
    """What the model in the box says in a few tokens, whether it ends with them or not; and what ends an answer."""
    plan = Plan(base=str(STARTER))
    model = learner.make_model(plan, learner.config_of(plan, tokenizer)).eval()
    prompts = [[{"role": "user", "content": text}] for text in ("Hi", "Tell me a story about a fox.")]
    texts = {name: greedy.answers(model, tokenizer, prompts, 24, whole=whole) for name, whole in FEW}
    model.generation_config.eos_token_id = [5, 9]
    return texts | {"ends": greedy._ends(model, tokenizer), "end": tokenizer.eos_token_id}


def saved() -> list[tuple[str, bool]]:
    """What TRL has saved goes to the disk, and whether the state before it is there meanwhile."""
    seen = list[tuple[str, bool]]()
    with tempfile.TemporaryDirectory() as place:
        old, new = Path(place, "checkpoint-4"), Path(place, "checkpoint-8")
        for folder in (old, new):
            folder.mkdir()
        (new / "optimizer.pt").touch()
        with mock.patch.object(preference, "to_the_disk", lambda path: seen.append((path.name, old.is_dir()))):
            hearing = preference._Hearing(Path(place), 8, lambda *_, **__: None)
            hearing.on_save(mock.Mock(output_dir=place), mock.Mock(global_step=8), None)
        return [*seen[:2], ("older", old.is_dir())]


def precision(*, gpu: bool) -> tuple[str, bool]:
    """What is told of a run on lessons, and whether TRL computes in bf16."""
    with mock.patch("torch.cuda.is_available", return_value=gpu):
        plan = feedback.carried_out(Plan(method="sft", precision="fp32"))
        return plan.precision, preference._arguments(plan, STARTER, [], 1)["bf16"]


def stepped() -> list[float]:
    """By how much of itself a matrix shrinks that nothing is learnt of, and how long each row's step is in another."""
    still, taught = torch.nn.Parameter(torch.ones(2, 2)), torch.nn.Parameter(torch.ones(2, 3))
    still.grad, taught.grad = torch.zeros(2, 2), torch.tensor([[3.0, 0.0, 0.0], [0.0, 0.0, 50.0]])
    optimizer.Muon([still, taught], lr=0.5, weight_decay=0.1).step()
    return [1 - still.detach()[0, 0].item(), *(0.95 - taught.detach()).norm(dim=1).tolist()]


def copied(model: Any) -> list[int]:
    """How many numbers are written of a model whose every name comes as a copy, as from a GPU; and how many it has."""
    whole = checkpoint.get_model_state_dict

    def apart(taught: Any, **how: Any) -> dict[str, torch.Tensor]:
        return {name: tensor.clone() for name, tensor in whole(taught, **how).items()}

    with mock.patch.object(checkpoint, "get_model_state_dict", apart):
        weights = checkpoint.Checkpoints(
            Path(), mock.Mock(unwrap_model=lambda taught: taught), learner.Learner(model), []
        ).weights()
    return [sum(map(torch.Tensor.numel, weights.values())), sum(weight.numel() for weight in model.parameters())]


@torch.no_grad()
def normed(model: Any) -> tuple[float, int]:
    """The loss with norms in one kernel, and how many there are."""
    norms.fuse_norms(model)
    return plain(model), sum("forward" in vars(module) for module in model.modules())


def shares() -> list[list[list[float]]]:
    """For each of two processes the first tokens and the number of labels of the pieces it gets of three rows."""
    ids = torch.tensor([[1, 2], [3, 4], [5, 6]])
    batch = source.Batch(ids=ids, labels=ids + 1, positions=ids * 0, after=0.0, tokens=6)
    pieces = [loop.parts_of(batch, rank=rank, world=2, size=1) for rank in (0, 1)]
    return [[[int(ids[0, 0]), int((labels >= 0).sum())] for ids, labels, _ in mine] for mine in pieces]


@torch.no_grad()
def alone(model: Any) -> float:
    """The loss of two labels of one document."""
    return float(learner.Learner(model)(torch.arange(20, 32)[None], two_labels(), None))


@torch.no_grad()
def plain(model: Any) -> float:
    """The same loss as transformers counts it."""
    logits = model(torch.arange(20, 32)[None]).logits
    return float(torch.nn.functional.cross_entropy(logits[0], two_labels()[0], reduction="sum"))


def unlabelled(model: Any) -> list[float]:
    """Of a row without a label the loss, and the largest gradient."""
    loss = learner.Learner(model)(torch.arange(20, 32)[None], torch.full((1, 12), -100), None)
    loss.backward()
    return [float(loss.detach()), max(float(weight.grad.abs().max()) for weight in model.parameters())]


def two_labels() -> torch.Tensor:
    """Of twelve tokens two have a label."""
    labels = torch.full((1, 12), -100)
    labels[0, 3], labels[0, 9] = 7, 3
    return labels


@torch.no_grad()
def moved(model: Any, changed: int, learnt: int) -> float:
    """How much the loss of one token changes with an earlier one, in a row of two documents of 5 and 7 tokens."""
    row = learner.Learner(model)
    ids, labels = torch.arange(20, 32)[None], torch.full((1, 12), -100)
    positions = torch.cat((torch.arange(5), torch.arange(7)))[None]
    labels[0, learnt] = 3
    before = float(row(ids, labels, positions))
    ids[0, changed] = 99
    return abs(float(row(ids, labels, positions)) - before)


def serve() -> None:
    """A trainer for each line."""
    for line in sys.stdin:
        child = os.fork()
        if not child:
            os._exit(main.main(Path(line.strip())))
        say(child)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def say(value: object) -> None:
    sys.stdout.write(json.dumps({"told": value}) + "\n")
    sys.stdout.flush()


torch.set_num_threads(1)
say(checks())
serve()
