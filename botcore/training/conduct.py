"""Conducts a run: the trainer as a guarded child in the engine's environment, heard, and the record kept true."""

import asyncio
import dataclasses
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.engine.child import Child, Launch, without_secrets
from botcore.engine.room import cores
from botcore.errors import StoreError
from botcore.training import start
from botcore.training.forgotten import note_whose
from botcore.training.plan import Plan
from botcore.training.progress import Event, decode
from botcore.training.runs import Record, Run

__all__ = ["Hearing", "conduct", "environment"]

LAST_WORDS = 300
"""Characters of a child's last line, told when it ended without a word of its own."""
KEPT: dict[str, tuple[str, ...]] = {
    "step": ("step", "tokens", "loss", "speed"),
    "look": ("perplexity",),
    "model": ("parameters",),
    "looked": ("taught", "asked", "kept", "others"),
    "data": ("documents", "skipped"),
}
"""What of each event stays in the record; all of it stays in metrics.jsonl."""


async def conduct(
    run: Run, python: Path, *, clock: Clock, heard: Callable[[Event], None], stop: asyncio.Event
) -> Record:
    """The record after the run has ended, one way or another.

    ``stop`` asks the trainer to save and end. Cancelling this kills it; the next `conduct` goes on from the last state
    that was saved. Raises `TrainingError` where somebody conducts the run already.
    """
    with run.alone():
        run.stop_note.unlink(missing_ok=True)
        hearing = _Noting(run, heard)
        launch = _launch(run, hearing.record.plan, python)
        async with Child(launch, clock=clock, on_line=hearing.line) as child, asyncio.TaskGroup() as group:
            asking = group.create_task(_ask(stop, run), name=f"stop {run.id}")
            code = await child.ended()
            asking.cancel()
        return hearing.ended(code, at=clock.now())


async def _ask(stop: asyncio.Event, run: Run) -> None:
    """A file and not a signal: every process of a run over several GPUs sees it, and none dies of it."""
    await stop.wait()
    run.stop_note.touch()


def _launch(run: Run, plan: Plan, python: Path) -> Launch:
    launcher = ["-m", "accelerate.commands.launch", "--config_file", plan.accelerate] if plan.accelerate else []
    return Launch(
        python=python,
        command=[str(python), *launcher, start.__file__, str(run.folder)],
        environment=environment(plan, os.environ),
        log=run.folder / "log",
        notes=run.folder,
    )


def environment(plan: Plan, inherited: Mapping[str, str]) -> dict[str, str]:
    """What the bot has, without its secrets; no hub is asked for anything."""
    environment = without_secrets(inherited)
    environment |= {
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_DEACTIVATE_ASYNC_LOAD": "1",  # threads that read one small file gain nothing
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # `start.py` lies among modules whose names must not hide others
    }
    if plan.threads:
        environment["OMP_NUM_THREADS"] = str(plan.threads)
    else:
        environment.setdefault("OMP_NUM_THREADS", str(max(1, cores() - 1)))
    return environment


class Hearing:
    """Hears a child: hands its events on, and keeps how it says that it ended."""

    def __init__(self, heard: Callable[[Event], None]) -> None:
        self._heard = heard
        self.end: Event = {}
        """Empty for one that ended without a word."""
        self.last: str = ""
        """Of the last line that was no event: what a library said when it fell."""

    def line(self, line: str) -> None:
        """Take a line of its output."""
        event = decode(line)
        if event is None:
            self.last = line[-LAST_WORDS:]
        else:
            self._take(event)

    def without_a_word(self, who: str, code: int) -> str:
        """Why it ended, where it has not said so itself."""
        if code == 137:
            return f"{who} was killed (signal 9), by hand or because memory ran out"
        return f"{who} ended with {code}: {self.last}"

    def _take(self, event: Event) -> None:
        if event["event"] == "end":
            self.end = event
        self._heard(event)


class _Noting(Hearing):
    """Hears the trainer, and keeps the run's record true."""

    def __init__(self, run: Run, heard: Callable[[Event], None]) -> None:
        super().__init__(heard)
        self._run = run
        self.record = run.change(state="running", reason="", ended=0.0)

    def _take(self, event: Event) -> None:
        self._keep(event)
        super()._take(event)

    def _keep(self, event: Event) -> None:
        name = event["event"]
        metrics: dict[str, Any] = {key: event[key] for key in KEPT.get(name, ()) if key in event}
        self.record = dataclasses.replace(self.record, metrics={**self.record.metrics, **metrics})
        if name == "data":
            self.record = dataclasses.replace(self.record, data=event["hash"])
        if name in ("data", "look", "saved"):
            with suppress(StoreError):  # a full disk: the next time tells all of it
                self._run.write(self.record)

    def ended(self, code: int, *, at: float) -> Record:
        told = self.end or {"state": "failed", "reason": self._silent_end(code)}
        changes = {"state": told["state"], "reason": told.get("reason", ""), "outputs": told.get("outputs", {})}
        self.record = dataclasses.replace(self.record, ended=at, **changes)
        learnt = self.record.state in ("done", "refused")
        try:
            if learnt:
                note_whose(self._run)
            self._run.write(self.record)
        except StoreError as error:
            return self._unwritten(error)
        if learnt:
            self._run.drop_lessons()
        return self.record

    def _unwritten(self, error: StoreError) -> Record:
        """What is told where the record cannot be: the run then counts as interrupted, and can be gone on with."""
        if self.record.state == "failed":
            return self.record
        reason = f"{error}; nothing that was saved is lost: botcore train resume {self._run.id}"
        return dataclasses.replace(self.record, state="failed", reason=reason, outputs={})

    def _silent_end(self, code: int) -> str:
        said, log = self.without_a_word("the trainer", code), self._run.folder / "log"
        saved = (self._run.folder / "checkpoint").is_dir()
        again = f"; botcore train resume {self._run.id} goes on from the last state saved" if saved else ""
        return f"{said}; all of it: {log}{again}"
