"""Train the starter model: `python -m scripts.starter.train`, a run like any other of `botcore train`.

This is only what the run is told; the trainer is the product's own, the conversations come from `rows.py`. Ctrl-C saves,
`botcore train resume starter-1` goes on. `--into botcore/starter` puts the finished model there.
"""

import argparse
import shutil
from pathlib import Path

from botcore.cli.train import begin
from botcore.settings import load_settings
from botcore.training.plan import SIZES, Plan

ROOT = Path(__file__).parents[2]
FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def plan(tokens: int, *, size: str, seed: int, base: str, threads: int, compiled: bool) -> Plan:
    """What the run is told. On from a `base` the rates are lower, and the short course in copying is left out."""
    return Plan(
        source="scripts.starter.rows:Conversations",
        source_path=str(ROOT),
        options={"tokens": tokens},
        base=base,
        shape=None if base else SIZES[size],
        look_back=not base,
        context=1024,
        batch=16,  # of 256 tokens, as the rows are on average: for the estimate of memory
        optimizer="muon",
        matrix_rate=0.012 if base else 0.02,
        rate=1.6e-3 if base else 3e-3,
        weight_decay=0.0,
        clip=0.0,
        schedule="flat",
        decay_from=0.3 if base else 0.45,
        floor=0.01,
        warmup=60,
        seed=seed,
        eval_every=500,
        save_every=250,
        log_every=50,
        samples=0,
        threads=threads,
        compile=compiled,
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tokens", type=float, default=22.5, help="millions")
    arguments.add_argument("--size", default="mini", choices=sorted(SIZES))
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--base", default="", help="the folder of a model to go on from")
    arguments.add_argument("--no-compile", action="store_true")
    arguments.add_argument("--into", type=Path, help="where to put the finished model")
    chosen = arguments.parse_args()
    told = plan(
        int(chosen.tokens * 1e6),
        size=chosen.size,
        seed=chosen.seed,
        base=str(Path(chosen.base).resolve()) if chosen.base else "",
        threads=chosen.threads,
        compiled=not chosen.no_compile,
    )
    record = begin(load_settings(), "starter", told, json=False)
    if record.state != "done":
        raise SystemExit(1)
    for name in FILES if chosen.into else ():
        shutil.copy(Path(record.outputs["model"]) / name, chosen.into / name)
