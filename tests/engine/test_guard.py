"""The guard with small real processes: whoever dies, nobody is left."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from botcore.clock import SystemClock
from botcore.engine import guard
from botcore.engine.child import Child, Launch

# A server with an EngineCore of its own that ignores SIGTERM and outlives it, as vLLM's does.
CORE = "import signal, time; signal.signal(15, signal.SIG_IGN); print('core ready', flush=True); time.sleep(600)"
SERVER = f"""
import subprocess, sys, time
core = subprocess.Popen([sys.executable, "-c", {CORE!r}])
print("core is", core.pid, flush=True)
{{then}}
"""
FOREVER = SERVER.format(then="time.sleep(600)")
BOT = """
import asyncio, sys
from pathlib import Path
from botcore.clock import SystemClock
from botcore.engine.child import Child, Launch
launch = Launch(python=Path(sys.executable), command=[sys.executable, "-c", sys.argv[1]], environment={},
                log=Path(sys.argv[2]) / "log", notes=Path(sys.argv[2]))
async def main():
    async with Child(launch, clock=SystemClock(), on_line=lambda line: print(line, flush=True)):
        await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def launch(tmp_path: Path) -> Callable[[str], Launch]:
    def make(code: str) -> Launch:
        command = [sys.executable, "-c", code]
        return Launch(
            python=Path(sys.executable), command=command, environment={}, log=tmp_path / "log", notes=tmp_path
        )

    return make


class Lines:
    """What a child has said; `pids` of the server's group and of its core."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._more = asyncio.Event()

    def add(self, line: str) -> None:
        self.all.append(line)
        self._more.set()

    async def until(self, text: str) -> str:
        while True:
            for line in self.all:
                if text in line:
                    return line
            self._more.clear()
            await self._more.wait()

    async def pids(self) -> list[int]:
        await self.until("core ready")
        core = await self.until("core is ")
        return [int(self.all[0].removeprefix(guard.STARTED)), int(core.removeprefix("core is "))]


def alive(pid: int) -> bool:
    """A zombie is dead: it only waits for its parent to look."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def all_gone(pids: list[int], within: float = 5.0) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while any(map(alive, pids)):  # noqa: ASYNC110 -- a process that is not our child tells nobody of its end
                await asyncio.sleep(0.01)
    return not any(map(alive, pids))


async def test_leaving_ends_a_server_and_a_core_that_ignores_sigterm(launch: Callable[[str], Launch]) -> None:
    lines = Lines()
    async with Child(launch(FOREVER), clock=SystemClock(), on_line=lines.add):
        pids = await lines.pids()
        assert all(map(alive, pids))
    assert not any(map(alive, pids))


async def test_a_server_that_exits_takes_its_core_along_and_its_code_is_told(launch: Callable[[str], Launch]) -> None:
    lines = Lines()
    ends = SERVER.format(then="time.sleep(0.2); print('bye', flush=True); sys.exit(7)")
    async with Child(launch(ends), clock=SystemClock(), on_line=lines.add) as child:
        assert await child.ended() == 7
        pids = await lines.pids()
        assert "bye" in lines.all
        assert not any(map(alive, pids))


async def test_a_server_that_exits_takes_along_what_has_left_its_group(launch: Callable[[str], Launch]) -> None:
    lines = Lines()
    strays = SERVER.replace("])", "], start_new_session=True)", 1)
    ends = strays.format(then="time.sleep(0.2); sys.exit(7)")
    async with Child(launch(ends), clock=SystemClock(), on_line=lines.add) as child, asyncio.timeout(10):
        assert await child.ended() == 7
        assert not any(map(alive, await lines.pids()))


async def test_a_killed_server_takes_its_core_along(launch: Callable[[str], Launch]) -> None:
    lines = Lines()
    async with Child(launch(FOREVER), clock=SystemClock(), on_line=lines.add) as child:
        server, core = await lines.pids()
        os.kill(server, signal.SIGKILL)
        assert await child.ended() == 128 + signal.SIGKILL
        assert await all_gone([server, core])


async def test_a_killed_guard_leaves_nobody(launch: Callable[[str], Launch]) -> None:
    lines = Lines()
    async with Child(launch(FOREVER), clock=SystemClock(), on_line=lines.add) as child:
        pids = await lines.pids()
        os.kill(guard_of(pids[0]), signal.SIGKILL)
        await child.ended()
        assert await all_gone(pids)


async def heard(process: asyncio.subprocess.Process, lines: Lines) -> None:
    """Pass on what the process says until its server and its core are up."""
    assert process.stdout
    while "core ready" not in lines.all:
        lines.add((await process.stdout.readline()).decode().rstrip())


def guard_of(server: int) -> int:
    return int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[int]]]:
    """A bot process with a guarded child, and the pids of everything below it."""
    lines = Lines()
    command = [sys.executable, "-c", BOT, FOREVER, str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    await heard(process, lines)
    server, core = await lines.pids()
    yield process, [guard_of(server), server, core]
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def test_a_bot_killed_by_sigkill_leaves_nobody(bot: tuple[asyncio.subprocess.Process, list[int]]) -> None:
    process, below = bot
    process.kill()
    assert await all_gone(below)


async def test_a_bot_ended_by_sigterm_leaves_nobody(bot: tuple[asyncio.subprocess.Process, list[int]]) -> None:
    process, below = bot
    process.terminate()
    assert await all_gone(below)


DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER
QUICK = f"""
import sys
sys.path.insert(0, {str(Path(guard.__file__).parent)!r})
import guard
guard.GRACE = 0.2
sys.exit(guard.main([sys.executable, "-c", {DEAF!r}]))
"""


async def test_a_server_that_ignores_sigterm_gets_its_grace_and_no_more() -> None:
    lines, pipe = Lines(), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-I", "-c", QUICK, stdin=pipe, stdout=pipe)
    await heard(process, lines)
    pids = await lines.pids()
    process.terminate()
    async with asyncio.timeout(5):
        assert await process.wait() == 128 + signal.SIGKILL
    assert await all_gone(pids)


async def test_everything_said_is_in_the_log_and_the_group_is_noted_while_it_runs(
    launch: Callable[[str], Launch], tmp_path: Path
) -> None:
    lines = Lines()
    async with Child(launch(FOREVER), clock=SystemClock(), on_line=lines.add) as child:
        await lines.until("core ready")
        assert f"{child.group}.group" in os.listdir(tmp_path)
    assert "log" in os.listdir(tmp_path)
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".group")]


async def test_bytes_without_lines_and_carriage_returns_are_cut_into_lines(launch: Callable[[str], Launch]) -> None:
    lines = Lines()
    code = r"import sys; sys.stdout.write('1%\r2%\r\n' + 'x' * 40000 + '\n\nlast'); sys.stdout.flush()"
    async with Child(launch(code), clock=SystemClock(), on_line=lines.add) as child:
        assert await child.ended() == 0
    assert lines.all[1:3] == ["1%", "2%"]
    assert max(map(len, lines.all)) <= 16 << 10
    assert lines.all[-1] == "last"
