"""Assembly and lifetime: one bot, one `TaskGroup`, everything started in order and stopped in the opposite one.

Start: store → plugins → HTTP port (the page is up) → lifespans → engine, router, channels.
Stop: channels take nothing more → running turns finish → engine → lifespans → HTTP port → store.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from botcore.admission import Admission
from botcore.archive import Archive
from botcore.builtin import add_commands
from botcore.changes import Changes
from botcore.clock import Clock, SystemClock
from botcore.dispatch import Dispatcher
from botcore.engine import build_encoder, build_engine
from botcore.errors import SettingsError, StoreError, without_addresses
from botcore.failpoints import failpoint
from botcore.files import clear
from botcore.forget import Forgetting
from botcore.house import House
from botcore.http import Http, Panels, Probe
from botcore.intake import Intake
from botcore.kept import keep
from botcore.leader import Leadership
from botcore.lifespans import Lifespans, ended
from botcore.loader import Loaded, load
from botcore.loras import LoraBook, Serving
from botcore.messages import Conversation, Feedback, Forgotten
from botcore.observe import Metrics
from botcore.overview import add_panels
from botcore.pace import Seldom
from botcore.ports import Encoder, Engine, EngineStatus, LoraEngine
from botcore.registry import Command
from botcore.retention import Retention
from botcore.router import Router
from botcore.sender import Sender
from botcore.settings import Settings
from botcore.store import Store
from botcore.store.engines import require
from botcore.training.forgotten import forget_in_runs

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Bot", "visiting"]

log: logging.Logger = logging.getLogger(__name__)

COUNT_DEAD_S = 15.0
"""Between two looks at how many dead letters there are: Prometheus asks no more often."""
MOST_DEAD = 1_000
"""Counted no further: whoever is told of a thousand looks, and each is a row to read."""
ENDING_S = 10.0
"""For what is cancelled at the stop before it is cancelled again: a vLLM of our own is killed after five."""


class Bot(Archive):
    """A running bot, and `ports.Bot` for its plugins."""

    database: Store

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        engine: Engine | None = None,
        encoder: Encoder | None = None,
        plugins: Mapping[str, object] | None = None,
    ) -> None:
        """``engine``, ``encoder`` and ``plugins`` (name → object, after the configured ones): for embedding, tests."""
        self.settings = settings
        self.name: str = settings.bot.name
        self.data_dir: Path = settings.bot.data_dir
        self.clock: Clock = clock or SystemClock()
        self.metrics: Metrics = Metrics()
        self._admission = Admission(
            settings.turn.waiting_total,
            running=lambda: self._router.load,
            clock=self.clock,
            metrics=self.metrics,
        )
        self.started: asyncio.Event = asyncio.Event()
        """Set once messages are taken."""
        self.listening: asyncio.Event = asyncio.Event()
        """Set once the HTTP port answers."""
        self.address: str = ""
        """Where the HTTP port was bound: ``http://host:port``."""
        self.loaded: Loaded = Loaded()
        self._engine = engine
        self._encoder = encoder
        self._more = plugins or {}
        self._health: dict[str, str] = {}
        self._stopping = asyncio.Event()
        self._changes = Changes()
        self._serving: Serving | None = None

    # ------------------------------------------------------------------ life

    def stop(self) -> None:
        """Begin the graceful stop; `run` returns when it is done."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Whether `stop` was asked for."""
        return self._stopping.is_set()

    async def run(self) -> None:
        """Run until `stop`. Raises `SettingsError` and `StoreError` for what an operator must mend first.

        Cancelled, it ends at once: running messages go back to the inbox.
        """
        self.loaded = load(self.settings, self._more)
        self._health.update(self.loaded.problems)
        add_commands(self.loaded.registered.commands, self.name)
        url, directory = self.settings.store_url, self.data_dir
        async with Store(url, clock=self.clock, data_dir=directory) as self.database:
            house = self._assemble()
            await self._tell_who_waits_elsewhere()
            await asyncio.to_thread(clear, house.files, before=self._unread_since())
            panels = self.loaded.registered.panels
            add_panels(panels, self, self.database, self.metrics)
            http = Http(
                self.settings.http,
                clock=self.clock,
                routes=[*self.loaded.registered.routes, *Panels(panels, self.clock).routes()],
                ready=partial(self._ready, Probe(self.database.check, self.clock)),
                metrics=self.metrics.render,
            )
            async with http:
                self.address = http.address
                self.database.note_address(http.address)
                self.listening.set()
                async with asyncio.TaskGroup() as group:
                    await self._live(group, house)

    async def _live(self, group: asyncio.TaskGroup, house: House) -> None:
        self._router = router = Router(house)
        self._leadership = leadership = Leadership(self.database, clock=self.clock, group=group)
        self._intake = intake = Intake(house, router, self._admission, leadership, group=group, open=self._takes)
        lifespans = Lifespans(self, clock=self.clock, group=group, failed=self._health.__setitem__)
        await lifespans.enter(house.hooks.implementations("lifespan"))
        serving = Serving(self.loras, house.engine, self.database, clock=self.clock, metrics=self.metrics)
        self._serving = serving
        await serving.prepare()
        channels = {
            f"channel {name}": self._keep(partial(channel.run, intake), f"channel {name}", name=name)
            for name, channel in house.channels.items()
        }
        working, receiving = _begun(group, self._works(house, router, serving)), _begun(group, channels)
        await router.started.wait()
        self.started.set()
        try:
            await self._stopping.wait()
        finally:
            self.started.clear()
        _cancel(receiving)
        await self._drain(router, intake)
        _cancel(working)
        await ended((*working, *receiving), clock=self.clock, within_s=ENDING_S)
        await lifespans.leave()

    def _works(self, house: House, router: Router, serving: Serving) -> Mapping[str, Coroutine[Any, Any, None]]:
        """What runs beside the channels, by name, in the order in which it begins."""
        return {
            "engine": self._keep(house.engine.run, "engine"),
            **({"encoder": self._keep(self._encoder.run, "encoder")} if self._encoder else {}),
            "which LoRA version serves": serving.tend(),
            "router": router.run(),
            "how many wait": self._admission.count(self.database, tuple(house.channels)),
            "how many dead letters": self._count_dead(),
            "notices of other processes": self._hear(serving),
            "what is not forgotten by all": self._forgetting().tend(self.clock),
            "what is old": self._retain(),
        }

    def _keep(self, run: Callable[[], Awaitable[None]], what: str, *, name: str = "") -> Coroutine[Any, Any, None]:
        return keep(run, what, name=name or what, clock=self.clock, problems=self._health)

    async def _drain(self, router: Router, intake: Intake) -> None:
        """Let end what runs, and what was just accepted; not for ever."""
        seconds = self.settings.turn.drain_s
        failpoint("drain.begin")
        try:
            async with self.clock.timeout(seconds):
                await intake.settled()
                await router.drained()
        except TimeoutError:
            log.warning("%d turns did not end within %g s; they go back to the inbox", router.load, seconds)
            router.cut()
        failpoint("drain.end")

    async def _retain(self) -> None:
        """Let go of what is old, in one process at a time."""
        retention = Retention(store=self.database, settings=self.settings.store, clock=self.clock)
        while True:
            async with self._leadership.lead("retention"):
                await retention.tend()

    async def _count_dead(self) -> None:
        while True:
            with suppress(StoreError):  # the channels hear of it, too
                self.metrics.dead.set(await self.database.count_dead(MOST_DEAD))
            await self.clock.sleep(COUNT_DEAD_S)

    async def _hear(self, serving: Serving) -> None:
        """What other processes have committed, for whoever waits: router, leadership, engine, readers of `changes`."""
        async with aclosing(self.database.notices()) as notices:
            async for notice in notices:
                if notice.kind == "stop":
                    self._router.heard(notice.key)
                if notice.kind in ("left", "lost"):
                    self._router.left()
                if notice.kind in ("lead", "lost"):
                    self._leadership.heard()
                if notice.kind in ("lora", "lost"):
                    serving.heard()
                if notice.kind in ("turn", "lost"):
                    self._changes.tell(notice.key)

    async def _tell_who_waits_elsewhere(self) -> None:
        """Name the channels that are not here but have something to be answered or sent."""
        for channel, number in (await self.database.open_by_channel()).items():
            if channel not in self.loaded.registered.channels:
                told = "channel %s is not enabled or could not be loaded; its open conversations (%d) wait until it is"
                log.warning(told, channel, number)

    def _takes(self) -> bool:
        return self.started.is_set() and not self._stopping.is_set()

    def _assemble(self) -> House:
        settings, registered = self.settings, self.loaded.registered
        self._engine = self._engine or build_engine(
            settings.engine, data_dir=self.data_dir, clock=self.clock, offered=registered.engines
        )
        self._encoder = self._encoder or build_encoder(
            settings.encoder, engine=settings.engine, data_dir=self.data_dir, clock=self.clock
        )
        hooks = self._hooks()

        async def judged(judgements: Sequence[Feedback]) -> None:
            for one in judgements:
                await hooks.each("feedback", one, budget_s=settings.turn.observe_budget_s)

        return House(
            settings=settings.turn,
            store=self.database,
            engine=self._engine,
            loras=self._engine if isinstance(self._engine, LoraEngine) else None,
            hooks=hooks,
            commands=registered.commands,
            channels=registered.channels,
            sender=Sender(self.database, clock=self.clock, metrics=self.metrics, matched=judged),
            accept=lambda records: self._intake.take(records),
            judged=judged,
            files=self.data_dir / "incoming",
            excuses=Seldom(self.clock, settings.turn.queue_notice_s),
            clock=self.clock,
            metrics=self.metrics,
        )

    def _hooks(self) -> Dispatcher:
        return Dispatcher(self.loaded.hooks, clock=self.clock, metrics=self.metrics)

    def _unread_since(self) -> float:
        """Attachments older than this belong to nobody: to a process that is gone, or to a turn that has timed out."""
        alone = self.database.dialect == "sqlite"
        return float("inf") if alone else self.clock.now() - self.settings.turn.timeout_s

    # ------------------------------------------------------------------ ports.Bot

    @property
    def engine(self) -> EngineStatus:
        """See `ports.Bot`."""
        return self._engine.status if self._engine else EngineStatus(stage="off")

    @property
    def encoder(self) -> Encoder | None:
        """See `ports.Bot`."""
        return self._encoder

    @property
    def loras(self) -> LoraBook:
        """See `ports.Bot`."""
        engine = self.settings.engine
        return LoraBook(
            self.database,
            data_dir=self.data_dir,
            model=engine.model,
            clock=self.clock,
            local=engine.kind == "vllm",
            changed=self._serving.heard if self._serving else None,
        )

    async def engine_changed(self) -> None:
        """See `ports.Bot`."""
        if self._engine is None:
            raise SettingsError("the bot is not running")
        await self._engine.changed()

    def changes(self) -> AsyncGenerator[str, None]:
        """See `ports.Bot`."""
        return self._changes.follow()

    def lead(self, name: str) -> AbstractAsyncContextManager[None]:
        """See `ports.Bot`."""
        return self._leadership.lead(name)

    async def forget(self, conversation: Conversation) -> None:
        """See `ports.Bot`."""
        await self._forgetting().forget(Forgotten(channel=conversation.channel, conversation=conversation))

    async def forget_person(self, channel: str, person: str) -> list[str]:
        """See `ports.Bot`."""
        return await self._forgetting().forget(Forgotten(channel=channel, person=person))

    def _forgetting(self) -> Forgetting:
        return Forgetting(self, self.database, self._hooks(), partial(forget_in_runs, self.data_dir))

    @property
    def commands(self) -> Sequence[Command]:
        """Every chat command there is."""
        return list(self.loaded.registered.commands.values())

    def health(self) -> Mapping[str, str]:
        """See `ports.Bot`."""
        channels = self.loaded.registered.channels.items()
        encoder = self._encoder.status if self._encoder else EngineStatus(stage="off")
        said: dict[str, str] = {name: getattr(channel, "health", "") for name, channel in channels} | {
            "inbox": self._admission.full if self.started.is_set() else "",
            "encoder": encoder.detail if encoder.stage == "failed" else "",
            "lora": self._serving.problem if self._serving else "",
        }
        told = {name: what for name, what in said.items() if what}
        return dict.fromkeys(self.loaded.plugins, "ok") | told | self._health

    async def _ready(self, store: Probe) -> Mapping[str, str]:
        """What a load balancer asks, and any stranger; the rest is the operator's business (`health`, `engine`)."""
        status = self.engine
        engine = "ok" if status.stage == "ready" else f"{status.stage} {status.detail}".strip()
        return {"store": without_addresses(await store.newest()), "engine": without_addresses(engine)}


def _begun(group: asyncio.TaskGroup, works: Mapping[str, Coroutine[Any, Any, None]]) -> list[asyncio.Task[None]]:
    return [group.create_task(work, name=name) for name, work in works.items()]


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    """The one that was begun last goes first."""
    for task in reversed(tasks):
        task.cancel()


@asynccontextmanager
async def visiting(settings: Settings, *, plugins: bool = False, existing: bool = False) -> AsyncIterator[Bot]:
    """A bot that does not run, with its database open: for commands that work beside a running one.

    ``plugins``: those of the configuration are loaded, too; the ones that cannot be are in ``bot.loaded.problems``.
    ``existing``: raises `StoreError` where there is no database, in the wrong folder say, rather than make one.
    """
    bot = Bot(settings)
    if existing:
        require(settings.store_url)
    if plugins:
        bot.loaded = load(settings)
    async with Store(settings.store_url, clock=bot.clock, data_dir=bot.data_dir, alone=False) as bot.database:
        yield bot
