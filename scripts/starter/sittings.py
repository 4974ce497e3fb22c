"""The runs that made the model in the box: what each reads, and what the trainer is told."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from botcore.training.plan import SIZES, Plan
from scripts.starter.corpus import SHARES, Mixture

__all__ = ["SITTINGS", "Sitting", "plan"]

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One run: its seed, what it reads how much of, and its rates. All but the first go on from the model before."""

    seed: int
    tokens: float
    """Millions."""
    mixture: Mixture = field(default_factory=Mixture)
    matrix_rate: float = 0.012
    rate: float = 1.6e-3
    decay_from: float = 0.15


SITTINGS = (
    Sitting(seed=0, tokens=22.5, matrix_rate=0.02, rate=3e-3, decay_from=0.45),
    Sitting(
        seed=1,
        tokens=26,
        mixture=Mixture(shares={**SHARES, "instruct": 30, "chat": 24}),
        matrix_rate=0.015,
        rate=2e-3,
        decay_from=0.35,
    ),
    Sitting(
        seed=2,
        tokens=50,
        mixture=Mixture(
            shares=SHARES | {"passages": 44, "apart": 24, "instruct": 22, "chat": 20, "wider": 16, "drills": 6},
            answered=0.64,
        ),
        matrix_rate=0.015,
        rate=2e-3,
        decay_from=0.3,
    ),
    Sitting(
        seed=3,
        tokens=40,
        mixture=Mixture(
            shares=SHARES
            | {"passages": 46, "natural": 14, "apart": 18, "instruct": 18, "chat": 20, "wider": 20, "drills": 5},
            answered=0.64,
            told=0.72,
            added=True,
        ),
    ),
    Sitting(
        seed=4,
        tokens=36,
        mixture=Mixture(
            shares=SHARES
            | {"passages": 50, "natural": 14, "apart": 22, "instruct": 14, "chat": 18, "wider": 20, "drills": 4},
            answered=0.64,
            told=0.64,
            added=True,
            further=True,
        ),
    ),
    Sitting(
        seed=5,
        tokens=28,
        mixture=Mixture(
            shares=SHARES
            | {"passages": 40, "natural": 16, "apart": 42, "instruct": 14, "chat": 18, "wider": 22, "drills": 4},
            answered=0.66,
            told=0.64,
            added=True,
            further=True,
        ),
    ),
    Sitting(
        seed=6,
        tokens=24,
        mixture=Mixture(
            shares=SHARES
            | {
                "passages": 40,
                "natural": 28,
                "apart": 44,
                "instruct": 14,
                "chat": 16,
                "wider": 24,
                "drills": 4,
                "tales": 10,
            },
            answered=0.66,
            told=0.64,
            added=True,
            further=True,
        ),
    ),
    Sitting(
        seed=7,
        tokens=13,
        mixture=Mixture(
            shares=SHARES
            | {
                "passages": 0,
                "facts": 56,
                "natural": 26,
                "apart": 34,
                "instruct": 10,
                "chat": 14,
                "wider": 30,
                "drills": 3,
            },
            answered=0.64,
            told=0.64,
            added=True,
            further=True,
            long_from=0.4,
        ),
        matrix_rate=0.007,
        rate=9e-4,
        decay_from=0.1,
    ),
    Sitting(
        seed=8,
        tokens=14,
        mixture=Mixture(
            shares=SHARES
            | {
                "passages": 0,
                "facts": 50,
                "natural": 28,
                "apart": 32,
                "instruct": 10,
                "chat": 14,
                "wider": 34,
                "drills": 3,
                "tales": 12,
            },
            answered=0.66,
            told=0.64,
            added=True,
            further=True,
            long_from=0.25,
            pointed=0.5,
            many=16,
        ),
        matrix_rate=0.007,
        rate=9e-4,
        decay_from=0.1,
    ),
)
"""How the weights shipped were made."""


def plan(sitting: Sitting, *, base: str, size: str = "mini", threads: int = 2, compiled: bool = True) -> Plan:
    """What the run is told. On from a `base` the short course in copying is left out."""
    return Plan(
        source="scripts.starter.rows:Conversations",
        source_path=str(ROOT),
        options={"tokens": int(sitting.tokens * 1e6), **asdict(sitting.mixture)},
        base=base,
        shape=None if base else SIZES[size],
        look_back=not base,
        context=1024,
        batch=16,  # of 256 tokens, as the rows are on average: for the estimate of memory
        optimizer="muon",
        matrix_rate=sitting.matrix_rate,
        rate=sitting.rate,
        weight_decay=0.0,
        clip=0.0,
        schedule="flat",
        decay_from=sitting.decay_from,
        floor=0.01,
        warmup=60,
        seed=sitting.seed,
        eval_every=500,
        save_every=250,
        log_every=50,
        samples=0,
        threads=threads,
        compile=compiled,
    )
