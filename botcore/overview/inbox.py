"""What waits, what runs, and what could not be answered, with the command that tries again."""

from collections.abc import Sequence

from botcore.panels import Cell, Figure, Rows, Widget
from botcore.store import DeadLetter, Store

__all__ = ["read"]

LETTERS = 20


async def read(store: Store) -> Sequence[Widget]:
    """How many of each, and the newest dead letters."""
    counts = await store.counts()
    dead = counts["dead"]
    letters = await store.dead_letters(LETTERS) if dead else []
    unsure = counts["uncertain"]
    return [
        Figure(name="Waiting", value=counts["waiting"], note="messages behind others"),
        Figure(name="Running", value=counts["running"], note="replies being made"),
        Figure(name="On their way out", value=counts["pending"] + counts["sending"], note="parts of replies"),
        Figure(name="Uncertain", value=unsure, note="sent, not confirmed", tone="warn" if unsure else ""),
        Figure(name="Dead letters", value=dead, note="could not be answered", tone="bad" if dead else ""),
        Rows(
            title="Dead letters",
            columns={
                "Number": "number",
                "Came": "time",
                "Channel": "text",
                "Why": "text",
                "What to do": "code",
            },
            rows=[_row(letter) for letter in letters],
            empty="There are no dead letters: every message that came was answered, or its author was told why not.",
        ),
    ]


def _row(letter: DeadLetter) -> Sequence[Cell]:
    """A message can run again; a delivery that nobody understands can only be looked at."""
    do = f"botcore dlq {'retry' if letter.kind == 'message' else 'show'} {letter.id}"
    return letter.id, letter.at, letter.channel, letter.reason, do
