"""Train the starter model: `python -m scripts.starter.train`, runs like any other of `botcore train`.

What the runs are told is in `sittings.py`; the trainer is the product's own, the conversations come from `rows.py`. After each
sitting but the first the model is the mean of what there was before and what came of it (`blend.py`). Ctrl-C saves,
`botcore train resume starter-1` goes on. `--into botcore/starter` puts the finished model there. A GPU is used where there is one.
"""

import argparse
import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from botcore.cli.train import begin
from botcore.engine.environment import PROJECT, find_engine
from botcore.settings import Settings, load_settings
from scripts.starter.corpus import fingerprint
from scripts.starter.sittings import SITTINGS, Sitting, plan

FILES = (
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


def train(chosen: argparse.Namespace, sittings: Sequence[Sitting]) -> None:
    """One sitting after the other, each on from the model before it."""
    settings, base = load_settings(), str(Path(chosen.base).resolve()) if chosen.base else ""
    for sitting in sittings:
        told = plan(
            sitting, base=base, processes=chosen.processes, threads=chosen.threads, compiled=not chosen.no_compile
        )
        record = begin(settings, "starter", told, json=False)
        if record.state != "done":
            raise SystemExit(1)
        base = mean(settings, base, record.outputs["model"]) if base else record.outputs["model"]
    if chosen.into:
        chosen.into.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copy(Path(base) / name, chosen.into / name)


def mean(settings: Settings, before: str, after: str) -> str:
    """The folder of the mean of both, beside the second; made in the engine's environment, which has torch."""
    into = str(Path(after).with_name("mean"))
    python = asyncio.run(find_engine(settings.engine, settings.bot.data_dir)).path
    subprocess.run([python, "-m", "scripts.starter.blend", before, after, into], cwd=PROJECT, check=True)
    return into


def _told() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument(
        "--sittings", type=int, nargs="+", choices=range(1, len(SITTINGS) + 1), help="only these; all, as a rule"
    )
    arguments.add_argument("--base", default="", help="the folder of a model to go on from")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument(
        "--processes",
        type=int,
        default=0,
        help="that write the text, for a GPU reads faster than one can; 12 for one H200",
    )
    arguments.add_argument("--no-compile", action="store_true")
    arguments.add_argument("--into", type=Path, help="where to put the finished model")
    arguments.add_argument("--data", action="store_true", help="say the hash of what each sitting reads, and no more")
    return arguments.parse_args()


if __name__ == "__main__":
    chosen = _told()
    sittings = [SITTINGS[number - 1] for number in chosen.sittings] if chosen.sittings else SITTINGS
    if chosen.data:
        print(*(fingerprint(sitting.seed, sitting.mixture) for sitting in sittings), sep="\n")
    else:
        train(chosen, sittings)
