"""A plugin that ends its process where somebody says the word; everybody else's reply waits for the last time.

Nobody's reply is being sent when the process dies, so each must arrive exactly once.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

from botcore import Chunk, Turn, hookimpl

__all__ = ["EXIT_STATUS", "SLOW", "WAYS", "Deadly", "install"]

EXIT_STATUS = 7
WAYS: Mapping[str, Callable[[], object]] = {"abort": os.abort, "exit": lambda: os._exit(EXIT_STATUS)}
SLOW = "Think"
"""Who begins so waits for the first word as well."""
DEATHS = "DEADLY_DEATHS"
"""The file that has one letter for every death."""
TIMES = "DEADLY_TIMES"
"""How often the word is deadly."""
OTHERS = "DEADLY_OTHERS"
"""The first death waits for so many others in work."""


class Deadly:
    """Answers everything."""

    def __init__(self, _: object = None) -> None:
        self._deaths = Path(os.environ[DEATHS])
        self._times = int(os.environ[TIMES])
        self._others = int(os.environ[OTHERS])
        self._in_work = 0

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk]:
        """Says the message back, or dies of it."""
        return self._answer(turn.message.text)

    async def _answer(self, text: str) -> AsyncIterator[Chunk]:
        if text in WAYS and self._died() < self._times:
            await self._die(WAYS[text])
        self._in_work += 1
        if not text.startswith(SLOW):
            yield Chunk(text="You said: ")
        while self._died() < self._times:
            await _moment()
        yield Chunk(text=f"You said: {text}" if text.startswith(SLOW) else text)

    def _died(self) -> int:
        return self._deaths.stat().st_size

    async def _die(self, how: Callable[[], object]) -> None:
        while not self._died() and self._in_work < self._others:
            await _moment()
        with self._deaths.open("a") as file:
            file.write("x")
        how()


async def _moment() -> None:
    await asyncio.sleep(0.01)  # what happens meanwhile happens in a file


def install(folder: Path, *, others: int, times: int) -> dict[str, str]:
    """Make the plugin one that is installed; the environment of a process that has it."""
    info = folder / "site" / "deadly-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[botcore]\ndeadly = tests.chaos.deadly:Deadly\n")
    (folder / "deaths").touch()
    root = Path(__file__).parents[2]
    return {
        "PYTHONPATH": f"{root}{os.pathsep}{info.parent}",
        "BOTCORE_PLUGINS__TEXTGEN__ENABLED": "false",
        "BOTCORE_PLUGINS__DEADLY__ENABLED": "true",
        "BOTCORE_TURN__CONCURRENT": str(2 * others),
        DEATHS: str(folder / "deaths"),
        TIMES: str(times),
        OTHERS: str(others),
    }
