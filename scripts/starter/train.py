"""Train the starter model: `python -m scripts.starter.train --tokens 12` writes weights and tokenizer to build/starter.

The schedule follows the tokens seen, so that a busy machine makes it later and not worse: a short course in copying, the
whole mixture, then long rows while the learning rate falls to nothing.
"""

import argparse
import random
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor

from scripts.starter.corpus import Corpus
from scripts.starter.network import Network, Shape, answer_loss
from scripts.starter.optimizer import optimizers, set_rate
from scripts.starter.vocabulary import encode
from scripts.starter.vocabulary import train as train_vocabulary

Row = tuple[list[int], list[int]]
Batch = tuple[Tensor, Tensor]

LENGTHS = (64, 96, 128, 192, 256, 384, 640, 1024)
"""Rows are padded to the next of these; unlike plain padding to the longest row, it keeps batches dense."""
BATCH_TOKENS = 4096
COPYING_TOKENS = 500_000
WARM_UP_STEPS = 60
SAVE_STEPS = 500
LONG_FROM, DECAY_FROM = 0.80, 0.45
"""Shares of the tokens at which long rows begin and at which the learning rate starts to fall."""


def batches(corpus: Corpus, core: Tokenizer, stage: "Stage") -> Iterator[Batch]:
    """Yield ids and answer masks, `[rows, length + 1]`, for ever."""
    shuffle = random.Random(7).shuffle
    while True:
        talks = [corpus.conversation(stage.name) for _ in range(1000)]
        shelves: dict[int, list[Row]] = defaultdict(list)
        for row in encode(core, talks):
            if len(row[0]) <= LENGTHS[-1]:
                shelves[next(size for size in LENGTHS if len(row[0]) <= size)].append(row)
        ready = [batch for size, rows in shelves.items() for batch in _padded(rows, size)]
        shuffle(ready)
        yield from ready


def _padded(rows: list[Row], size: int) -> Iterator[Batch]:
    count = BATCH_TOKENS // size
    for start in range(0, len(rows) - count + 1, count):
        ids = torch.zeros(count, size + 1, dtype=torch.long)
        mask = torch.zeros(count, size + 1, dtype=torch.long)
        for index, (tokens, answer) in enumerate(rows[start : start + count]):
            ids[index, : len(tokens)] = torch.tensor(tokens)
            mask[index, : len(answer)] = torch.tensor(answer)
        yield ids, mask


class Stage:
    """Which part of the course the run is in; read by the batch source, moved by the loop."""

    name = "copying"

    def move(self, tokens: int, progress: float) -> None:
        """Choose the stage after `tokens` tokens and `progress` (0 to 1) of the run."""
        self.name = "long" if progress >= LONG_FROM else "all" if tokens >= COPYING_TOKENS else "copying"


def rate(step: int, progress: float) -> float:
    """Return the share of the peak learning rate: warm-up, flat, then a straight line to zero."""
    return min(1.0, (step + 1) / WARM_UP_STEPS, max(0.01, (1 - progress) / (1 - DECAY_FROM)))


def run(budget: int, out: Path, seed: int, start: Path | None) -> None:
    """Train on `budget` tokens and write `weights.safetensors` (float32) and the tokenizer to `out`.

    With `start`, the weights of an earlier run with the same `out`, the copying course is left out and the rates are
    lower; the tokenizer of `out` stays as it is.
    """
    torch.manual_seed(seed)
    shape = Shape()
    network = Network(shape)
    if start:
        core = Tokenizer.from_file(str(out / "tokenizer.json"))
        network.load_state_dict(load_file(start))
    else:
        tokenizer = train_vocabulary(Corpus(seed + 1).texts(12_000), shape.vocab, shape.context)
        tokenizer.save_pretrained(out)
        core = tokenizer.backend_tokenizer
    both = optimizers(network, matrix_rate=0.008 if start else 0.02, other_rate=1e-3 if start else 3e-3)
    hidden = torch.compile(network, dynamic=True)
    torch._dynamo.config.cache_size_limit = 32
    stage, tokens, losses, began = Stage(), 0, [], time.monotonic()
    for step, (ids, mask) in enumerate(batches(Corpus(seed + 2), core, stage)):
        progress = tokens / budget
        if progress >= 1:
            break
        stage.move(tokens + (COPYING_TOKENS if start else 0), progress)
        set_rate(both, rate(step, progress))
        with torch.autocast("cpu", torch.bfloat16):
            loss = answer_loss(network, hidden(ids[:, :-1]), ids, mask)
        loss.backward()
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        tokens += ids.numel()
        losses.append(loss.item())
        if step % 50 == 49:
            speed = tokens / (time.monotonic() - began)
            mean = sum(losses[-50:]) / 50
            print(
                f"{progress:.0%} {stage.name} {tokens / 1e6:.2f} M tokens, loss {mean:.3f}, {speed:.0f} tok/s",
                flush=True,
            )
        if step % SAVE_STEPS == SAVE_STEPS - 1:
            save_file(network.state_dict(), out / "weights.safetensors")
    save_file(network.state_dict(), out / "weights.safetensors")
    print(f"{tokens} tokens, {step} steps, {sum(p.numel() for p in network.parameters())} parameters")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tokens", type=float, default=12, help="millions")
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--start", type=Path, help="weights of an earlier run to go on from")
    arguments.add_argument("--out", type=Path, default=Path("build/starter"))
    chosen = arguments.parse_args()
    torch.set_num_threads(chosen.threads)
    run(int(chosen.tokens * 1e6), chosen.out, chosen.seed, chosen.start)
