"""The runs that made the model in the box: what each reads, and what the trainer is told."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from botcore.training.plan import SIZES, Plan
from scripts.starter.corpus import SHARES, Mixture

__all__ = ["SITTINGS", "Sitting", "plan"]

ROOT = Path(__file__).parents[2]
FAMILIES = SHARES | {
    "passages": 30,
    "facts": 24,
    "natural": 26,
    "apart": 46,
    "instruct": 14,
    "chat": 14,
    "wider": 30,
    "drills": 4,
    "tales": 12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One run: its seed, how much it reads of what, and its rates."""

    seed: int
    chunks: int
    """Of 2,000 conversations, some 0.8 million tokens."""
    mixture: Mixture
    batch_tokens: int
    matrix_rate: float
    rate: float
    decay_from: float
    warmup: int
    every: int
    """Steps after which the held-out part is looked at and the state saved."""


FROM_NOTHING = Sitting(
    seed=20,
    chunks=449,
    mixture=Mixture(shares=FAMILIES, answered=0.66, told=0.64, long_from=0.55),
    batch_tokens=32_768,
    matrix_rate=0.02,
    rate=3e-3,
    decay_from=0.3,
    warmup=200,
    every=4000,
)
FEWER_REFUSALS = Sitting(
    seed=21,
    chunks=18,
    mixture=Mixture(
        shares=FAMILIES | {"facts": 34, "wider": 40, "instruct": 10},
        answered=0.82,
        told=0.82,
        long_from=0.6,
    ),
    batch_tokens=8192,
    matrix_rate=0.005,
    rate=8e-4,
    decay_from=0.1,
    warmup=50,
    every=400,
)
STILL_FEWER = replace(
    FEWER_REFUSALS, seed=22, chunks=22, mixture=replace(FEWER_REFUSALS.mixture, answered=0.86, told=0.86)
)
SITTINGS = (FROM_NOTHING, FEWER_REFUSALS, STILL_FEWER)
"""The first from nothing; the others on from it, with fewer refusals: what is worded strangely was refused too often."""


def plan(sitting: Sitting, *, base: str, processes: int = 0, threads: int = 0, compiled: bool = True) -> Plan:
    """What the run is told. How many `processes` write the text does not change it; 0 = the trainer's own."""
    options = {"chunks": sitting.chunks, "batch_tokens": sitting.batch_tokens, "processes": processes}
    return Plan(
        source="scripts.starter.rows:Conversations",
        source_path=str(ROOT),
        options=options | asdict(sitting.mixture),
        base=base,
        shape=None if base else SIZES["mini"],
        look_back=not base,
        context=1024,
        batch=sitting.batch_tokens // 256,  # rows are 256 tokens on average: for the estimate of memory
        optimizer="muon",
        matrix_rate=sitting.matrix_rate,
        rate=sitting.rate,
        weight_decay=0.02,
        clip=0.0,
        schedule="flat",
        decay_from=sitting.decay_from,
        floor=0.0,
        warmup=sitting.warmup,
        seed=sitting.seed,
        eval_every=sitting.every,
        save_every=sitting.every,
        log_every=sitting.every // 20,
        samples=0,
        threads=threads,
        compile=compiled,
    )
