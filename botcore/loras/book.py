"""The bot's LoRA versions, for commands and plugins: files and rows together."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.engine.model import find_model
from botcore.errors import ModelError
from botcore.models.adapter import adapter_in, base_hash, copy_adapter, what_is_wrong
from botcore.newfile import plainly
from botcore.store import Store, loras
from botcore.versions import Lora, LoraFiles

__all__ = ["LORAS", "LoraBook"]

LORAS = "loras"
"""Below ``data_dir``: a folder per version. Nothing in it is ever written twice."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class LoraBook:
    """See `Loras`."""

    def __init__(
        self,
        store: Store,
        *,
        data_dir: Path,
        model: str,
        clock: Clock,
        local: bool = True,
        changed: Callable[[], None] | None = None,
    ) -> None:
        """``model`` is ``engine.model``; ``local``: it is loaded from here, so its weights can be compared.

        ``changed`` hears of every wish made here.
        """
        self._store = store
        self._data_dir = data_dir
        self._model = model
        self._clock = clock
        self._local = local
        self._changed = changed or (lambda: None)

    async def offer(
        self,
        folder: Path,
        *,
        name: str,
        method: str,
        base: str = "",
        run: str = "",
        dataset_hash: str = "",
        figures: Mapping[str, Any] | None = None,
        refused: str = "",
    ) -> Lora:
        """See `Loras.offer`."""
        base = base or self._model
        served = find_model(base, data_dir=self._data_dir)
        self._check_name(name, base, served.name)
        if any(name == version.name for version in await self.list()):
            raise ModelError(f"there is a LoRA version {name} already; give another name")
        files = await asyncio.to_thread(adapter_in, folder)  # threads: both read every byte
        weights = await asyncio.to_thread(self._hash, base)
        path = Path(LORAS, name)
        await asyncio.to_thread(self._copy, folder, path)
        now = self._clock.now()
        version = Lora(
            name=name,
            base=base,
            base_hash=weights,
            path=str(path),
            files_hash=files.files_hash,
            method=method,
            run=run,
            dataset_hash=dataset_hash,
            figures=dict(figures or {}),
            made_at=now,
            changed_at=now,
            state="refused" if refused else "offered",
            reason=refused,
        )
        await self._store.write(loras.add, version=version)
        return version

    def _check_name(self, name: str, *bases: str) -> None:
        """Requests name the base by what it is served as, and a version by its name."""
        if not NAME.fullmatch(name):
            raise ModelError(f"{name!r} cannot name a LoRA version: letters, digits, . _ - and at most 64 of them")
        if name in ("base", self._model, *bases):
            raise ModelError(f"{name} means the model itself; give the LoRA version another name")

    def _hash(self, base: str) -> str:
        with plainly(f"cannot read {base}"):
            return base_hash(Path(find_model(base, data_dir=self._data_dir).source))

    def _copy(self, folder: Path, path: Path) -> None:
        with plainly(f"cannot copy {folder} to {self._data_dir / path}"):
            copy_adapter(folder, self._data_dir / path)

    async def list(self) -> Sequence[Lora]:
        """See `Loras.list`."""
        return await self._store.read(loras.every)

    async def files(self, version: Lora) -> LoraFiles:
        """What the engine is told of it. Raises `ModelError` where its files or its base are not what they were."""
        folder = self._data_dir.resolve() / version.path
        if wrong := await asyncio.to_thread(what_is_wrong, folder, version.files_hash):
            raise ModelError(f"{version.name} cannot be served: {wrong}")
        if self._local and await asyncio.to_thread(self._hash, self._model) != version.base_hash:
            raise ModelError(
                f"{version.name} cannot be served: it was made for {version.base}, and engine.model = {self._model} "
                "has other weights; choose that model, or train on this one"
            )
        found = await asyncio.to_thread(adapter_in, folder)
        return LoraFiles(name=version.name, folder=folder, files_hash=version.files_hash, rank=found.rank)

    async def for_engine(self, version: Lora) -> LoraFiles:
        """As `files`; by its name alone where they lie with another process, each of which has a folder of its own."""
        folder = self._data_dir.resolve() / version.path
        if self._local or await asyncio.to_thread(folder.exists):
            return await self.files(version)
        return LoraFiles(name=version.name, folder=folder, files_hash=version.files_hash, rank=0)

    async def use(self, name: str) -> Lora:
        """See `Loras.use`."""
        named = [version for version in await self.list() if version.name == name and version.state != "refused"]
        for version in named:
            await self.files(version)
        used = await self._store.write(loras.use, name=name, now=self._clock.now())
        self._changed()
        return used

    async def off(self) -> Sequence[Lora]:
        """See `Loras.off`."""
        names = await self._store.write(loras.off, now=self._clock.now())
        self._changed()
        return [version for version in await self.list() if version.name in names]
