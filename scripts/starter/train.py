"""Train the starter model: `python -m scripts.starter.train`, runs like any other of `botcore train`.

This is only what the runs are told; the trainer is the product's own, the conversations come from `rows.py`. Ctrl-C saves,
`botcore train resume starter-1` goes on. `--into botcore/starter` puts the finished model there.
"""

import argparse
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from botcore.cli.train import begin
from botcore.settings import load_settings
from botcore.training.plan import SIZES, Plan
from scripts.starter.corpus import SHARES, fingerprint
from scripts.starter.framing import ANSWERED

ROOT = Path(__file__).parents[2]
FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitting:
    """One run: its seed, what it reads how much of, and its rates. All but the first go on from the model before."""

    seed: int
    tokens: float
    """Millions."""
    shares: Mapping[str, int] = field(default_factory=lambda: SHARES)
    answered: float = ANSWERED
    matrix_rate: float
    rate: float
    decay_from: float


SITTINGS = (
    Sitting(seed=0, tokens=22.5, matrix_rate=0.02, rate=3e-3, decay_from=0.45),
    Sitting(
        seed=1,
        tokens=26,
        shares={**SHARES, "instruct": 30, "chat": 24},
        matrix_rate=0.015,
        rate=2e-3,
        decay_from=0.35,
    ),
    Sitting(
        seed=2,
        tokens=50,
        shares={**SHARES, "passages": 44, "apart": 24, "instruct": 22, "chat": 20, "wider": 16, "drills": 6},
        answered=0.64,
        matrix_rate=0.015,
        rate=2e-3,
        decay_from=0.3,
    ),
)
"""How the weights shipped were made."""


def plan(sitting: Sitting, *, size: str, base: str, threads: int, compiled: bool) -> Plan:
    """What the run is told. On from a `base` the short course in copying is left out."""
    return Plan(
        source="scripts.starter.rows:Conversations",
        source_path=str(ROOT),
        options={"tokens": int(sitting.tokens * 1e6), "shares": dict(sitting.shares), "answered": sitting.answered},
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


def train(chosen: argparse.Namespace, sittings: Sequence[Sitting]) -> None:
    """One sitting after the other, each on from the model before it."""
    base = str(Path(chosen.base).resolve()) if chosen.base else ""
    for sitting in sittings:
        told = plan(sitting, size=chosen.size, base=base, threads=chosen.threads, compiled=not chosen.no_compile)
        record = begin(load_settings(), "starter", told, json=False)
        if record.state != "done":
            raise SystemExit(1)
        base = record.outputs["model"]
    for name in FILES if chosen.into else ():
        shutil.copy(Path(base) / name, chosen.into / name)


def _told() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--sittings", type=int, nargs="+", choices=range(1, len(SITTINGS) + 1), help="only these; all, as a rule"
    )
    arguments.add_argument("--base", default="", help="the folder of a model to go on from")
    arguments.add_argument("--size", default="mini", choices=sorted(SIZES))
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--no-compile", action="store_true")
    arguments.add_argument("--into", type=Path, help="where to put the finished model")
    arguments.add_argument("--data", action="store_true", help="say the hash of what each sitting reads, and no more")
    return arguments.parse_args()


if __name__ == "__main__":
    chosen = _told()
    sittings = [SITTINGS[number - 1] for number in chosen.sittings] if chosen.sittings else SITTINGS
    if chosen.data:
        print(*(fingerprint(sitting.seed, sitting.shares, sitting.answered) for sitting in sittings), sep="\n")
    else:
        train(chosen, sittings)
