"""``kind = "vllm"``: vLLM's own server as a child of the bot. Nothing of vLLM is imported here.

VllmEngine ── which model serves, and the change from one to the next
Lane     ── one model's server, kept up            (lane.py)
Child  ── one guarded process                    (child.py, guard.py)
OpenAIClient ── the way to it                    (client.py)
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.engine.board import Board
from botcore.engine.client import Deadlines
from botcore.engine.command import LORA_LOADS, ServerPlan
from botcore.engine.environment import EnginePython, find_engine
from botcore.engine.home import CURRENT, engine_home
from botcore.engine.inside import install_inside
from botcore.engine.install import ensure_engine_environment
from botcore.engine.known import STARTER_LABEL, better_command
from botcore.engine.lane import Lane
from botcore.engine.lending import Lending
from botcore.engine.machine import has_room_for_two
from botcore.engine.model import Model, find_model
from botcore.engine.room import room
from botcore.errors import EngineRejected, EngineUnavailable
from botcore.messages import PromptMessage, Sampling
from botcore.models.adapter import slot_rank, what_is_wrong
from botcore.ports import Delta, EngineStatus, Prompt
from botcore.settings import EngineSettings
from botcore.versions import LoraFiles

__all__ = ["VllmEngine"]

logger: logging.Logger = logging.getLogger(__name__)

LOOK_AGAIN = 30.0
"""Seconds between two looks for an engine that could not be installed: somebody may have done it by hand."""
DRAIN = 300.0
"""Seconds a change of model waits for streams on the old one: as long as a turn may take."""


class VllmEngine:
    """An `Engine` that owns its server."""

    def __init__(self, settings: EngineSettings, *, data_dir: Path, clock: Clock) -> None:
        self._settings = settings
        self._data_dir = data_dir.resolve()
        self._clock = clock
        self._board = Board(EngineStatus(stage="off", model=settings.model))
        self._deadlines = Deadlines(first_token=settings.first_token_timeout_s, token_gap=settings.token_gap_timeout_s)
        # A key of the settings' lets other processes use the socket; else nobody needs to know it.
        self._key = settings.api_key.get_secret_value() or secrets.token_urlsafe(24)
        self._lane: Lane | None = None
        self._keepers: dict[Lane, asyncio.Task[None]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._home = self._inside = Path()
        self._python = EnginePython(path=Path(), build="cpu", version="")
        self._started = 0
        self._switching = asyncio.Lock()
        self._lending = Lending()
        self._leaving: asyncio.Task[None] | None = None
        self._first: LoraFiles | None = None
        self._wish = ""
        """The version that new turns are to get from the serving lane, where that has it."""
        self.lora_slots: int = LORA_LOADS + 1
        """See `ServerPlan.lora_slots`; a test takes the spare one away."""

    @property
    def status(self) -> EngineStatus:
        """See `Engine.status`."""
        return self._board.status

    async def changed(self) -> None:
        """See `Engine.changed`."""
        await self._board.changed()

    @property
    def socket(self) -> Path:
        """Where the serving engine listens, whichever it is; the directory is for this user only."""
        return self._home / CURRENT

    # ------------------------------------------------------------------ keeping it up

    async def run(self) -> None:
        """See `Engine.run`: install where needed, then serve until cancelled."""
        try:
            with engine_home(self._data_dir) as self._home:
                self._inside = install_inside(self._home / "inside")
                self._python = await self._install()
                await self._serve()
        except EngineUnavailable as error:
            self._fail(error)
            await asyncio.Event().wait()
        finally:
            self._lane = None
            self._board.show(stage="off", detail="", progress=None)

    async def _install(self) -> EnginePython:
        """The Python that has vLLM; where it cannot be installed, wait until somebody has."""
        try:
            path = await ensure_engine_environment(
                self._settings, self._data_dir, self._board_install, clock=self._clock
            )
        except EngineUnavailable as error:
            self._fail(error)
        else:
            return await find_engine(self._settings, self._data_dir, python=path)
        while True:
            await self._clock.sleep(LOOK_AGAIN)
            with contextlib.suppress(EngineUnavailable):
                return await find_engine(self._settings, self._data_dir)

    def _board_install(self, detail: str, progress: float | None) -> None:
        self._board.show(stage="install", detail=detail, progress=progress)

    def _fail(self, error: EngineUnavailable) -> None:
        logger.error("engine: %s", error)
        self._board.show(stage="failed", detail=str(error), progress=None)

    async def _serve(self) -> None:
        self._lane = self._new_lane(await self._model(self._settings.model), version=self._first)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._keep(self._lane)
                await asyncio.Event().wait()
        finally:
            self._tasks = None

    def _keep(self, lane: Lane) -> None:
        assert self._tasks is not None
        self._keepers[lane] = self._tasks.create_task(lane.keep(), name=f"engine {lane.plan.model.name}")

    async def _retire(self, lane: Lane) -> None:
        """Stop a lane's server and wait until it is gone."""
        keeper = self._keepers.pop(lane)
        keeper.cancel()
        await asyncio.wait([keeper])

    async def _model(self, setting: str) -> Model:
        model = find_model(setting, data_dir=self._data_dir)
        if setting != "starter":
            return model
        better = better_command(await asyncio.to_thread(room), self._settings)  # asks the GPU's driver
        return replace(model, note=f"{STARTER_LABEL}. A better one: {better}")

    def _new_lane(self, model: Model, args: Sequence[str] = (), version: LoraFiles | None = None) -> Lane:
        """A server of its own for this model, in LoRA mode with this version loaded where there is one."""
        settings = self._settings
        plan = ServerPlan(
            python=self._python.path,
            model=model,
            socket=Path(),
            key=self._key,
            inside=self._inside,
            gpu=self._python.build == "cuda",
            window=settings.window,
            kv_cache_gib=settings.kv_cache_gib,
            dtype=settings.dtype,
            args=(*settings.args, *args),
            lora_rank=slot_rank(version.rank) if version else 0,
            lora_slots=self.lora_slots,
        )
        return self._lane_of(plan, [version] if version else [])

    def _lane_of(self, plan: ServerPlan, adapters: Iterable[LoraFiles]) -> Lane:
        self._started += 1
        plan = replace(plan, socket=self._home / f"engine-{self._started}.sock")
        return Lane(
            plan,
            data_dir=self._data_dir,
            clock=self._clock,
            deadlines=self._deadlines,
            report=lambda **changes: self._hear(plan, changes),
            adapters=adapters,
        )

    def _hear(self, plan: ServerPlan, changes: dict[str, Any]) -> None:
        """A lane's news: the serving lane's is the engine's, the next one's is a remark."""
        if self._lane and self._lane.plan is plan:
            self._board.show(**changes, lora=self._served_by(self._lane))
            if changes.get("stage") == "ready":
                self._point_at(plan.socket)
        elif self.status.stage == "ready":
            what = f"next model {plan.model.name}" + (" with LoRA" if plan.lora_rank else "")
            self._board.show(detail=f"{what}: {changes.get('detail', '')}")

    def _point_at(self, socket: Path) -> None:
        """Lead `socket` to this one, in one step."""
        link = socket.with_suffix(".link")
        link.unlink(missing_ok=True)
        link.symlink_to(socket.name)
        link.replace(self.socket)

    # ------------------------------------------------------------------ changing the model

    async def switch(self, model: str, *, args: Sequence[str] = ()) -> None:
        """Serve another model (or the same with other vLLM arguments): returns when it serves and the old one is gone.

        The new server starts beside the old one, which serves until then and finishes its streams; where memory does
        not allow two, there is a pause, which `status` announces. Raises `EngineUnavailable` with the reason when the
        new one does not come up: the old one then serves on.
        """
        async with self._switching:
            self._running_lane()
            await self._change(self._new_lane(await self._model(model), args))
            await self._left()

    def _running_lane(self) -> Lane:
        if self._lane is None or self._tasks is None:
            raise EngineUnavailable(f"the engine is not running: {self.status.detail or self.status.stage}")
        return self._lane

    async def _change(self, new: Lane) -> None:
        """Return when the new lane serves; the old one goes when it has drained. One change at a time."""
        await self._left()
        old = self._running_lane()
        gpu = self._python.build == "cuda"
        beside = not gpu and await asyncio.to_thread(has_room_for_two, old.group)
        await (self._switch_beside(old, new) if beside else self._switch_with_a_pause(old, new))

    async def _switch_beside(self, old: Lane, new: Lane) -> None:
        await self._start(new)
        self._serve_with(new)
        self._leave(self._drain(old), f"engine {old.plan.model.name} leaves")

    async def _drain(self, lane: Lane) -> None:
        """Stop a lane when nobody works with it any more, at the latest when no turn can."""
        try:
            with contextlib.suppress(TimeoutError):
                async with self._clock.timeout(DRAIN):
                    await self._lending.free(lane.adapters)
                    await lane.drained()
        finally:
            await self._retire(lane)

    def _leave(self, leaving: Coroutine[Any, Any, None], name: str) -> None:
        assert self._tasks is not None
        self._leaving = self._tasks.create_task(leaving, name=name)

    async def _left(self) -> None:
        """What was changed last has ended: only then is there room, in memory and in slots, for another change."""
        if self._leaving:
            await asyncio.wait([self._leaving])

    async def _switch_with_a_pause(self, old: Lane, new: Lane) -> None:
        self._lane = new
        detail = f"changing to {new.plan.model.name}: not enough memory for two engines, so there is a pause"
        self._board.show(stage="model", detail=detail, progress=None)
        await self._drain(old)
        try:
            await self._start(new)
        except BaseException:
            self._lane = again = self._lane_of(old.plan, old.adapters.values())
            self._keep(again)
            raise

    async def _start(self, lane: Lane) -> None:
        """Return when it is ready. Raises `EngineUnavailable` with why it is not, and stops it."""
        self._keep(lane)
        try:
            await lane.settled.wait()
            if lane.failure:
                raise EngineUnavailable(f"{lane.plan.model.name} does not start: {lane.failure}")
        except BaseException:
            await self._retire(lane)
            if self._lane is not lane and self._lane and self._lane.client:
                self._serve_with(self._lane)
            raise

    def _serve_with(self, lane: Lane) -> None:
        self._lane = lane
        self._board.show(
            stage="ready",
            detail=lane.shape,
            progress=None,
            model=lane.plan.model.name,
            window=lane.window,
            lora=self._served_by(lane),
        )
        self._point_at(lane.plan.socket)

    # ------------------------------------------------------------------ LoRA versions

    @property
    def owns(self) -> bool:
        """See `LoraEngine.owns`."""
        return True

    async def serve(self, version: LoraFiles | None) -> None:
        """See `LoraEngine.serve`. The first version needs a server in LoRA mode, which starts beside the plain one."""
        if self._lane is None:
            self._first, self._wish = version, version.name if version else ""
            return
        async with self._switching:
            await (self._serve_version(version) if version else self._serve_base())

    async def _serve_base(self) -> None:
        """New turns get the base at once; then the server without LoRA mode comes, which is faster."""
        lane = self._running_lane()
        self._wish = ""
        self._board.show(lora="")
        if lane.plan.lora_rank:
            await self._change(self._new_lane(lane.plan.model, self._args_of(lane)))

    async def _serve_version(self, version: LoraFiles) -> None:
        await self._left()
        lane, before = self._running_lane(), self._wish
        if self._served_by(lane) == version.name:
            return
        if wrong := await asyncio.to_thread(what_is_wrong, version.folder, version.files_hash):
            raise EngineRejected(f"{version.name} cannot be served: {wrong}")
        if lane.takes(version):
            await lane.adopt(version)
            self._wish = version.name
            self._board.show(lora=version.name)
            if before:
                self._leave(self._unload(lane, before), f"engine unloads {before}")
            return
        self._wish = version.name
        try:
            await self._change(self._new_lane(lane.plan.model, self._args_of(lane), version))
        except BaseException:
            self._wish = before
            raise

    async def _unload(self, lane: Lane, name: str) -> None:
        with contextlib.suppress(TimeoutError):
            async with self._clock.timeout(DRAIN):
                await self._lending.free([name])
        await lane.drop(name)

    def _args_of(self, lane: Lane) -> Sequence[str]:
        return lane.plan.args[len(self._settings.args) :]

    def _served_by(self, lane: Lane) -> str:
        """The version that new turns get of this lane."""
        return self._wish if self._wish in lane.adapters else ""

    def settled(self, name: str) -> bool:
        """See `LoraEngine.settled`."""
        lane = self._lane
        if lane is None:
            return self._wish == name
        return self.status.lora == name and (bool(name) or not lane.plan.lora_rank)

    def has(self, name: str) -> bool:
        """See `LoraEngine.has`."""
        return not name or self._lane_with(name) is not None

    def _lane_with(self, name: str) -> Lane | None:
        """The serving lane where it has it, else one that is leaving and still does."""
        lanes = [self._lane] if self._lane else []
        return next((lane for lane in (*lanes, *self._keepers) if name in lane.adapters), None)

    def lend(self) -> str:
        """See `LoraEngine.lend`."""
        return self._lending.lend(self.status.lora)

    def give_back(self, name: str) -> None:
        """See `LoraEngine.give_back`."""
        self._lending.give_back(name)

    # ------------------------------------------------------------------ using it

    async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        """See `Engine.generate`."""
        lane = self._lane_with(model) if model else self._lane
        if model and lane is None:
            raise EngineUnavailable(f"{model} is in service no more")
        if lane is None or lane.client is None:
            raise EngineUnavailable(f"the engine is not ready: {self.status.detail or self.status.stage}")
        async with aclosing(lane.generate(prompt, sampling, model=model)) as deltas:
            async for delta in deltas:
                yield delta

    async def count(self, messages: Sequence[PromptMessage]) -> int | None:
        """See `Engine.count`."""
        lane = self._lane
        if lane is None or lane.client is None:
            return None
        return await lane.client.count(messages, model=lane.plan.model.name)
