"""Which turn works with which LoRA version: one that somebody holds stays loaded until it is given back."""

import asyncio
from collections import Counter
from collections.abc import Iterable

__all__ = ["Lending"]


class Lending:
    """Counts holders by version."""

    def __init__(self) -> None:
        self._held = Counter[str]()
        self._returned = asyncio.Event()

    def lend(self, name: str) -> str:
        """One more holder."""
        self._held[name] += 1
        return name

    def give_back(self, name: str) -> None:
        """One less."""
        self._held[name] -= 1
        self._returned.set()

    async def free(self, names: Iterable[str]) -> None:
        """Return when nobody holds any of these."""
        names = list(names)
        while any(self._held[name] for name in names):
            self._returned.clear()
            await self._returned.wait()
