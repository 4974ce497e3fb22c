"""The state machine of `tests.store.machine` for longer than `make test` can wait."""

import asyncio
from pathlib import Path

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.chaos.report import Counts, scenario
from tests.store.machine import Interleavings

STEPS = 40


@scenario(size=500)
async def interleavings(folder: Path, seed: int, size: int) -> Counts:
    """Runs of the store by two processes that die at any step, in an order that hypothesis looks for."""
    said = list[int]()

    class Counted(Interleavings):
        def finish(self) -> None:
            said.append(len(self.said))
            super().finish()

    longer = settings(
        max_examples=size,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    hypothesis.seed(seed)(Counted)
    wrong = ()
    try:
        await asyncio.to_thread(run_state_machine_as_test, Counted, settings=longer)
    except Exception as error:
        (folder / "found.txt").write_text("\n".join([repr(error), *getattr(error, "__notes__", ())]))
        wrong = (f"{type(error).__name__}: {error}",)
    return Counts(sent=sum(said), wrong=wrong, note=f"{len(said)} runs")
