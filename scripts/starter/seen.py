"""What the run has been shown: the first of its conversations made once more, for the question whether a story is one of them."""

from scripts.starter.corpus import COPYING, Mixture, written

__all__ = ["sampled"]

SHORTEST = 80
"""Characters of an answer that is kept; no story is shorter."""


def sampled(seed: int, mixture: Mixture, chunks: int) -> set[str]:
    """Return the longer answers of the first so many chunks about everything; some 5 s each."""
    talks = (talk for number in range(chunks) for talk in written(seed, mixture, COPYING + number, "all"))
    return {m.text for talk in talks for m in talk if m.role == "assistant" and len(m.text) >= SHORTEST}
