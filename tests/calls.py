"""``botcore …`` as a process of its own, forked from one that has everything imported: a fifth of what a start costs.

What is about standard streams, signals or imports starts a process in the ordinary way.
"""

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["botcore"]

SERVER = """
import json, os, sys
import alembic.operations, alembic.runtime.migration, alembic.script, prometheus_client
import botcore.bot, botcore.cli, botcore.engine.client, botcore.http.server, botcore.overview
import botcore_finetune.plugin, botcore_memory.plugin, botcore_qa.plugin, botcore_textgen.plugin, botcore_web.channel

for line in sys.stdin:
    if os.fork() == 0:
        break
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
else:
    sys.exit()

told = json.loads(line)
os.chdir(told["here"])
os.environ.clear()
os.environ.update(told["environ"])
sys.path += [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in sys.path]
for stream, (name, flags) in enumerate((("in", os.O_RDONLY), ("out", os.O_WRONLY), ("err", os.O_WRONLY))):
    os.dup2(os.open(os.path.join(told["streams"], name), flags), stream)
sys.stdin = open(0)
sys.argv = ["botcore", *told["arguments"]]
botcore.cli.main()
"""


def botcore(*arguments: str, here: Path, typed: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
    """Call the command in the folder ``here``, with ``typed`` on its standard input and no settings of ours."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BOTCORE_")}
    with tempfile.TemporaryDirectory() as streams:
        said = {name: Path(streams, name) for name in ("in", "out", "err")}
        for name, file in said.items():
            file.write_text(typed if name == "in" else "")
        told = {"arguments": arguments, "here": str(here), "environ": clean | environ, "streams": streams}
        status = _status(json.dumps(told))
        return subprocess.CompletedProcess(arguments, status, said["out"].read_text(), said["err"].read_text())


def _status(told: str) -> int:
    server = _server()
    assert server.stdin
    assert server.stdout
    try:
        server.stdin.write(f"{told}\n")
        server.stdin.flush()
        return int(server.stdout.readline())
    except BaseException:  # the test's time is over: what is answered now would be taken for the next call's
        server.kill()
        _server.cache_clear()
        raise


@cache
def _server() -> "subprocess.Popen[str]":
    """One for each process of tests; it ends when that closes its standard input."""
    return subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
