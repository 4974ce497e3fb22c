"""What the runs have been shown: their conversations made once more, for the question whether a story is one of them."""

import json
from pathlib import Path
from typing import Any

import scripts.starter.bare  # noqa: F401  (before botcore)
from botcore.training.plan import Plan, plan_from
from scripts.starter.corpus import Corpus
from scripts.starter.dialogue import Message
from scripts.starter.rows import Conversations, Shelves

__all__ = ["plan_of", "sampled", "shown"]

SHORTEST = 80
"""Characters of an answer that is kept; no story is shorter."""


class Replayed(Conversations):
    """The source of a run that keeps what it tells."""

    def __init__(self, *told: Any) -> None:
        super().__init__(*told)
        self.answers = set[str]()

    def _shelve(self, shelves: Shelves, talks: list[list[Message]]) -> None:
        self.answers |= _long(talks)
        super()._shelve(shelves, talks)


def plan_of(run: Path) -> Plan:
    """Return what the run of this folder was told."""
    return plan_from(json.loads((run / "run.json").read_text(encoding="utf-8"))["arguments"])


def shown(plan: Plan, tokenizer: Any) -> set[str]:
    """Return all longer answers that such a run learns from; 100 s for 44 million tokens."""
    source = Replayed(plan, Path())
    source.open(tokenizer, first=False)
    for _ in source.batches(0):
        pass
    if not source.answers:
        raise RuntimeError(f"a run of seed {plan.seed} told nothing: no story could be found in it")
    return source.answers


def sampled(conversations: int) -> set[str]:
    """Return longer answers of the first so many conversations of the default seed, where no run is at hand."""
    corpus = Corpus(2)
    return _long([corpus.conversation("all") for _ in range(conversations)])


def _long(talks: list[list[Message]]) -> set[str]:
    return {m.text for talk in talks for m in talk if m.role == "assistant" and len(m.text) >= SHORTEST}
