"""``kind = "vllm"``: vLLM's own server as a child of the bot. Nothing of vLLM is imported here.

VllmEngine ── which model and which LoRA version serve
Footing  ── where servers live, and the Python that runs them (footing.py)
Fleet    ── which server does, and how another takes over   (fleet.py)
Lane     ── one model's server, kept up                     (lane.py)
Child    ── one guarded process                             (child.py, guard.py)
OpenAIClient ── the way to it                               (client.py)
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from botcore.clock import Clock
from botcore.engine.board import Board
from botcore.engine.client import Deadlines
from botcore.engine.command import LORA_LOADS, ServerPlan
from botcore.engine.fleet import Fleet
from botcore.engine.footing import Footing
from botcore.engine.home import CURRENT
from botcore.engine.known import STARTER_LABEL, better_command
from botcore.engine.lane import Lane
from botcore.engine.model import Model, find_model
from botcore.engine.room import has_room_for_two, room
from botcore.errors import EngineRejected, EngineUnavailable, ModelError
from botcore.messages import PromptMessage, Sampling
from botcore.models.adapter import slot_rank, what_is_wrong
from botcore.ports import Delta, EngineStatus, Prompt
from botcore.settings import EngineSettings
from botcore.versions import LoraFiles

__all__ = ["VllmEngine"]

logger: logging.Logger = logging.getLogger(__name__)


class VllmEngine:
    """An `Engine` that owns its server."""

    def __init__(self, settings: EngineSettings, *, data_dir: Path, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._board = Board(EngineStatus(stage="off", model=settings.model))
        self._footing = Footing("engine", settings, self._board, data_dir=data_dir, clock=clock)
        self._deadlines = Deadlines(first_token=settings.first_token_timeout_s, token_gap=settings.token_gap_timeout_s)
        # A key of the settings' lets other processes use the socket; else nobody needs to know it.
        self._key = settings.api_key.get_secret_value() or secrets.token_urlsafe(24)
        self._fleet = Fleet(self._board, clock=clock, point_at=self._point_at)
        self._started = 0
        self._switching = asyncio.Lock()
        self._first: LoraFiles | None = None
        """What the start begins with."""
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
        return self._footing.home / CURRENT

    # ------------------------------------------------------------------ keeping it up

    async def run(self) -> None:
        """See `Engine.run`: install where needed, then serve until cancelled."""
        await self._footing.run(self._serve)

    async def _serve(self) -> None:
        await self._fleet.run(self._lane(self._plan(await self._model(self._settings.model)), self._first))

    async def _model(self, setting: str) -> Model:
        try:
            model = find_model(setting, data_dir=self._footing.data_dir)
        except ModelError as error:
            raise EngineUnavailable(f"engine.model: {error}") from None
        if setting != "starter":
            return model
        better = better_command(await asyncio.to_thread(room), self._settings)  # asks the GPU's driver
        return replace(model, note=f"{STARTER_LABEL}. A better one: {better}")

    def _plan(self, model: Model) -> ServerPlan:
        """What a server of this model is started with; `_lane` says where it listens, and whether in LoRA mode."""
        settings, footing = self._settings, self._footing
        return ServerPlan(
            python=footing.python.path,
            model=model,
            socket=Path(),
            key=self._key,
            inside=footing.inside,
            gpu=footing.python.build == "cuda",
            window=settings.window,
            kv_cache_gib=settings.kv_cache_gib,
            dtype=settings.dtype,
            args=tuple(settings.args),
            lora_slots=self.lora_slots,
        )

    def _lane(self, plan: ServerPlan, version: LoraFiles | None = None) -> Lane:
        """A server of its own, in LoRA mode with this version loaded where there is one."""
        rank = slot_rank(version.rank) if version else 0
        return self._lane_of(replace(plan, lora_rank=rank), [version] if version else [])

    def _lane_of(self, plan: ServerPlan, adapters: Iterable[LoraFiles]) -> Lane:
        self._started += 1
        plan = replace(plan, socket=self._footing.home / f"engine-{self._started}.sock")
        return Lane(
            plan,
            data_dir=self._footing.data_dir,
            clock=self._clock,
            deadlines=self._deadlines,
            report=lambda **changes: self._fleet.hear(plan, changes),
            adapters=adapters,
        )

    def _point_at(self, socket: Path) -> None:
        """Lead `socket` to this one, in one step. Where the disk does not take that, this process needs it least."""
        link = socket.with_suffix(".link")
        try:
            link.unlink(missing_ok=True)
            link.symlink_to(socket.name)
            link.replace(self.socket)
        except OSError as error:
            logger.error("engine: other processes cannot use this engine: %s", error)

    # ------------------------------------------------------------------ from one server to the next

    async def _take_over(self, new: Lane) -> None:
        old = self._fleet.running
        gpu = self._footing.python.build == "cuda"
        beside = bool(old.client) and not gpu and await asyncio.to_thread(has_room_for_two, old.group)
        await self._fleet.take_over(new, beside=beside, again=self._again)

    def _again(self, lane: Lane) -> Lane:
        """The same anew."""
        return self._lane_of(lane.plan, lane.adapters.values())

    # ------------------------------------------------------------------ LoRA versions

    @property
    def owns(self) -> bool:
        """See `LoraEngine.owns`."""
        return True

    async def serve(self, version: LoraFiles | None) -> None:
        """See `LoraEngine.serve`. The first version needs a server in LoRA mode, which starts beside the plain one."""
        if self._fleet.serving is None:
            self._first, self._fleet.wish = version, version.name if version else ""
            return
        async with self._switching:
            await (self._serve_version(version) if version else self._serve_base())

    async def _serve_base(self) -> None:
        """New turns get the base at once; then the server without LoRA mode comes, which is faster."""
        self._fleet.show_wish("")
        lane = self._fleet.running
        if lane.plan.lora_rank:
            await self._take_over(self._lane(lane.plan))

    async def _serve_version(self, version: LoraFiles) -> None:
        fleet = self._fleet
        await fleet.left()
        lane, before = fleet.running, self.status.lora
        if before == version.name:
            return
        if wrong := await asyncio.to_thread(what_is_wrong, version.folder, version.files_hash):
            raise EngineRejected(f"{version.name} cannot be served: {wrong}")
        if version.name in lane.adapters or lane.takes(version):
            await lane.adopt(version)
            fleet.show_wish(version.name)
            if before:
                fleet.leave(fleet.unload(lane, before), f"engine unloads {before}")
            return
        async with fleet.wishing(version.name):
            await self._take_over(self._lane(lane.plan, version))

    def settled(self, name: str) -> bool:
        """See `LoraEngine.settled`."""
        lane = self._fleet.serving
        if lane is None:
            return self._fleet.wish == name
        return self.status.lora == name and (bool(name) or not lane.plan.lora_rank)

    def has(self, name: str) -> bool:
        """See `LoraEngine.has`."""
        return not name or self._fleet.lane_with(name) is not None

    def lend(self) -> str:
        """See `LoraEngine.lend`."""
        return self._fleet.lending.lend(self.status.lora)

    def give_back(self, name: str) -> None:
        """See `LoraEngine.give_back`."""
        self._fleet.lending.give_back(name)

    # ------------------------------------------------------------------ using it

    async def generate(self, prompt: Prompt, sampling: Sampling, *, model: str = "") -> AsyncGenerator[Delta, None]:
        """See `Engine.generate`."""
        lane = self._fleet.lane_with(model) if model else self._fleet.serving
        if model and lane is None:
            raise EngineUnavailable(f"{model} is in service no more")
        if lane is None or lane.client is None:
            raise EngineUnavailable(f"the engine is not ready: {self.status.detail or self.status.stage}")
        async with aclosing(lane.generate(prompt, sampling, model=model)) as deltas:
            async for delta in deltas:
                yield delta

    async def count(self, messages: Sequence[PromptMessage]) -> int | None:
        """See `Engine.count`."""
        lane = self._fleet.serving
        if lane is None or lane.client is None:
            return None
        return await lane.client.count(messages, model=lane.plan.model.name)
