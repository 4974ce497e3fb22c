"""``botcore …`` as a process of its own, forked from one that has everything imported: a fifth of what a start costs.

What is about standard streams, signals or imports starts a process in the ordinary way.
"""

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

__all__ = ["Forked", "botcore"]

SERVER = """
import json, os, select, signal, sys
import alembic.operations, alembic.runtime.migration, alembic.script, prometheus_client
import botcore.bot, botcore.cli, botcore.engine.client, botcore.http.server, botcore.overview
import botcore_finetune.plugin, botcore_memory.plugin, botcore_qa.plugin, botcore_textgen.plugin, botcore_web.channel

for line in sys.stdin:
    running, held = os.pipe()
    pid = os.fork()
    if pid == 0:
        break
    os.close(held)
    print(pid, flush=True)
    if running not in select.select([sys.stdin, running], [], [])[0]:
        os.kill(pid, signal.SIGKILL)  # whoever asked is gone
    os.close(running)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
else:
    sys.exit()

told = json.loads(line)
os.chdir(told["here"])
os.environ.clear()
os.environ.update(told["environ"])
sys.path += [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
for stream, path in enumerate(told["streams"]):
    os.dup2(os.open(path, os.O_APPEND | os.O_CREAT | os.O_WRONLY if stream else os.O_RDONLY, 0o600), stream)
sys.stdin = open(0)
sys.argv = ["botcore", *told["arguments"]]
botcore.cli.main()
"""


class Forked:
    """One call that runs, with as much of `asyncio.subprocess.Process` as is of use here."""

    def __init__(self, server: "subprocess.Popen[bytes]") -> None:
        self._server = server
        self.pid = int(_said(server).readline())
        self._status: int | None = None

    @classmethod
    def start(cls, arguments: Sequence[str], environ: Mapping[str, str], here: Path, streams: Sequence[Path]) -> Self:
        """Call it in the folder ``here``; it reads the first of ``streams``, and adds to the second and third."""
        told = {"arguments": arguments, "here": str(here), "environ": dict(environ), "streams": list(map(str, streams))}
        server = _idle.pop() if _idle else _new()
        assert server.stdin
        server.stdin.write(f"{json.dumps(told)}\n".encode())
        return cls(server)

    @property
    def returncode(self) -> int | None:
        """Its exit status, the negative number of the signal that ended it, or nothing while it runs."""
        if self._status is None and select.select([_said(self._server)], [], [], 0)[0]:
            self._status = int(_said(self._server).readline())
            _idle.append(self._server)
        return self._status

    async def wait(self) -> int:
        """Return its exit status once it has ended."""
        while (status := self.returncode) is None:
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(_said(self._server), ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(_said(self._server))
        return status

    def result(self) -> int:
        """As `wait`, for who has no loop."""
        try:
            while (status := self.returncode) is None:
                select.select([_said(self._server)], [], [])
        except BaseException:  # the test's time is over
            self.send_signal(signal.SIGKILL)
            raise
        return status

    def send_signal(self, signal: int, /) -> None:
        """Send it a signal, if it is still there."""
        if self.returncode is None:
            os.kill(self.pid, signal)


def botcore(*arguments: str, here: Path, typed: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    """Call the command in the folder ``here``, with ``typed`` on its standard input and no settings of ours."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BOTCORE_")}
    with tempfile.TemporaryDirectory() as folder:
        read, said, complained = (Path(folder, name) for name in ("in", "out", "err"))
        read.write_text(typed)
        status = Forked.start(arguments, clean | environ, here, (read, said, complained)).result()
        return subprocess.CompletedProcess(arguments, status, said.read_text(), complained.read_text())


_idle: "list[subprocess.Popen[bytes]]" = []
"""Servers that run no call now. Each ends, and its call with it, when the process of the tests does."""


def _new() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def _said(server: "subprocess.Popen[bytes]") -> IO[bytes]:
    """Unbuffered: what is not read can be waited for."""
    assert server.stdout
    return server.stdout
