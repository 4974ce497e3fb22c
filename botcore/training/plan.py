"""What a run is told, once: shape, data, schedule. Kept in the run's folder, and read back to resume."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["SIZES", "Plan", "Shape", "Style", "answer_steps", "plan_from", "rate_share", "shape_of"]

WARMEST = 0.1
"""The share of a run after which its warm-up is over."""
ENOUGH_STEPS = 200
"""What few rows of answers are gone through again for."""

Style = Literal["qwen3", "gpt2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a model that is made from nothing. The output matrix is the embedding."""

    style: Style = "qwen3"
    vocab: int
    """Tokens; a tokenizer trained on little text may end up with fewer."""
    width: int
    layers: int
    heads: int
    kv_heads: int
    head: int
    """Numbers per head."""
    inner: int
    """Width of the feed-forward part."""
    context: int
    """Positions."""
    theta: float = 10_000.0

    @property
    def parameters(self) -> int:
        """How many numbers there are to learn."""
        return self._gpt2() if self.style == "gpt2" else self._qwen3()

    def _qwen3(self) -> int:
        queries, keys = self.heads * self.head, self.kv_heads * self.head
        layer = 2 * self.width * (queries + keys) + 3 * self.width * self.inner + 2 * self.width + 2 * self.head
        return self.vocab * self.width + self.layers * layer + self.width

    def _gpt2(self) -> int:
        attention = 4 * self.width * self.width + 4 * self.width
        forward = 2 * self.width * self.inner + self.inner + self.width
        layer = attention + forward + 4 * self.width
        return (self.vocab + self.context) * self.width + self.layers * layer + 2 * self.width


def _size(vocab: int, width: int, layers: int, heads: int, kv_heads: int, inner: int, context: int) -> Shape:
    return Shape(
        vocab=vocab, width=width, layers=layers, heads=heads, kv_heads=kv_heads, head=64, inner=inner, context=context
    )


SIZES: dict[str, Shape] = {
    "nano": Shape(vocab=512, width=64, layers=2, heads=2, kv_heads=1, head=32, inner=160, context=256),
    "tiny": _size(2048, 192, 6, 4, 2, 416, 2048),
    "mini": _size(2048, 256, 6, 4, 2, 896, 1024),
    "small": _size(8192, 384, 8, 6, 2, 1024, 1024),
    "medium": _size(16_384, 768, 12, 12, 4, 2048, 2048),
    "large": _size(32_768, 1024, 24, 16, 8, 2816, 2048),
}
"""0.1, 2.7, 6, 16, 88 and 317 million parameters. `mini` is the shape of the model in the box."""


def shape_of(size: str, style: Style) -> Shape:
    """The preset; GPT-2 has one key per query, and a feed-forward part four times as wide as the model."""
    shape = SIZES[size]
    if style == "qwen3":
        return shape
    head = shape.width // shape.heads
    return dataclasses.replace(shape, style=style, kv_heads=shape.heads, head=head, inner=4 * shape.width)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run."""

    texts: tuple[str, ...] = ()
    """Folders and files of text."""
    rows: str = ""
    """Instead of texts: a file of questions and answers."""
    lora: int = 0
    """With a base: the rank of an adapter that is learnt alone; 0 = the whole model is."""
    method: Literal["", "sft", "kto", "dpo"] = ""
    """Instead of texts: how the lessons in the run's folder are learnt."""
    beta: float = 0.1
    """With ``kto`` and ``dpo``: how closely the answers keep to the base's; more = closer."""
    adapter: str = ""
    """Nothing is learnt: this adapter's folder is merged into ``base``."""
    source: str = ""
    """Instead of texts: ``module:Class`` that makes the rows (see `botcore.training._inside.source.Source`)."""
    source_path: str = ""
    """Where that module lies."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the source is told."""
    base: str = ""
    """The folder of a checkpoint to go on from; empty = from nothing, in ``shape``."""
    shape: Shape | None = None
    context: int = 256
    """Tokens of a row."""
    batch: int = 16
    """Rows of a step, over all devices."""
    micro: int = 0
    """Rows that a device holds at once; 0 = its whole share. The result is the same, the memory is not."""
    steps: int = 0
    epochs: float = 1.0
    """Times through the text where ``steps`` is 0; 0, for answers alone: as `answer_steps` says."""
    rate: float = 1e-3
    """Peak learning rate."""
    matrix_rate: float = 0.02
    """With ``muon``: the peak for the matrices inside the layers."""
    schedule: Literal["cosine", "flat"] = "cosine"
    """After the warm-up: half a cosine, or flat until ``decay_from`` and then a straight line."""
    warmup: int = 100
    """Steps, but never more than the first tenth of the run."""
    decay_from: float = 0.45
    floor: float = 0.1
    """The share of the peak that is left at the end."""
    weight_decay: float = 0.1
    clip: float = 1.0
    """The largest norm of a step's gradient; 0 = any."""
    optimizer: Literal["adamw", "muon"] = "adamw"
    precision: Literal["bf16", "fp32"] = "bf16"
    seed: int = 0
    held_out: float = 0.02
    """The share of the text that is never trained on."""
    eval_every: int = 200
    save_every: int = 100
    log_every: int = 10
    samples: int = 3
    """Texts written at each look at the held-out part."""
    threads: int = 0
    """0 = as the environment says: all cores but one."""
    compile: bool = False
    look_back: bool = False
    """From nothing, Qwen3 style: let the first heads begin by looking one, two and three tokens back."""
    accelerate: str = ""
    """A file of `accelerate config`: several GPUs, FSDP."""

    def as_json(self) -> dict[str, Any]:
        """For the run's folder."""
        return dataclasses.asdict(self)


def plan_from(arguments: Mapping[str, Any]) -> Plan:
    """What `Plan.as_json` gave."""
    shape = arguments.get("shape")
    changed = {"texts": tuple(arguments.get("texts", ())), "shape": Shape(**shape) if shape else None}
    return Plan(**{**arguments, **changed})


def answer_steps(plan: Plan, rows: int) -> int:
    """Steps through so many rows of answers. Where nobody says how often: three times, and few rows up to eight times.

    200 rows taught an earlier model in the box a manner of speaking: three times 12 of 20 new prompts, eight times 17.
    """
    epochs = plan.epochs or min(8.0, max(3.0, ENOUGH_STEPS * plan.batch / rows))
    return plan.steps or max(1, round(epochs * rows / plan.batch))


def rate_share(plan: Plan, step: int, progress: float) -> float:
    """The share of the peak learning rate at this step; ``progress`` (0 to 1) is what of the run lies behind it."""
    warm = min(1.0, max((step + 1) / max(1, plan.warmup), progress / WARMEST))
    if plan.schedule == "flat":
        return min(warm, max(plan.floor, (1 - progress) / (1 - plan.decay_from)))
    return warm * (plan.floor + (1 - plan.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))
