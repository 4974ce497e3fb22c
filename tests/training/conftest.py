"""Real trainers for the tests that need them, in forks of one process that has torch already."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import botcore
from botcore.training import conduct
from botcore.training.plan import Plan
from botcore.training.progress import Event, decode
from botcore.training.runs import Run
from tests.engine_python import MISSING, PYTHON

SERVER = Path(__file__).with_name("trainer_server.py")


class Server:
    """Trainers in forks of one process that has torch already."""

    def __init__(self) -> None:
        command = [str(PYTHON), "-P", str(SERVER), str(Path(botcore.__file__).parent)]
        environment = conduct.environment(Plan(threads=1), os.environ)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.events: list[Event] = []
        self.checks: Any = self._told()

    def begin(self, run: Run) -> int:
        """Start the trainer; its process id."""
        assert self._process.stdin
        run.change(state="new")
        self.events = []
        self._process.stdin.write(f"{run.folder}\n")
        self._process.stdin.flush()
        return int(self._told())

    def end(self) -> int:
        """Its exit status, once it has ended."""
        return int(self._told())

    def train(self, run: Run) -> Event:
        """Run it to its end; its last event."""
        self.begin(run)
        self.end()
        assert self.events[-1]["event"] == "end", self.events
        return self.events[-1]

    def until(self, name: str, step: int) -> None:
        """Hear it until an event of this name at this step or later."""
        while not any(one["event"] == name and one["step"] >= step for one in self.events):
            self._line()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _told(self) -> Any:
        while (told := self._line()) is None:
            pass
        return told["told"]

    def _line(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the server is gone"
        if event := decode(line.rstrip()):
            self.events.append(event)
        return json.loads(line) if line.startswith('{"told"') else None


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    if not PYTHON.exists():
        pytest.skip(MISSING)
    server = Server()
    yield server
    server.close()
