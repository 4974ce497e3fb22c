"""Assembly and lifetime: one bot, one `TaskGroup`, everything started in order and stopped in the opposite one.

Start: store → plugins → HTTP port (the page is up) → lifespans → engine, router, channels.
Stop: channels take nothing more → running turns finish → engine → lifespans → HTTP port → store.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from botcore.admission import Admission
from botcore.archive import Archive
from botcore.builtin import add_commands
from botcore.clock import Clock, SystemClock
from botcore.context import Command
from botcore.delivery import Sender
from botcore.dispatch import Bound, Dispatcher
from botcore.engine import build_engine
from botcore.errors import SettingsError, StoreError, StoreUnavailable
from botcore.failpoints import failpoint
from botcore.files import clear
from botcore.forget import Forgetting
from botcore.http import Board, Http
from botcore.leader import Leadership
from botcore.live import House
from botcore.loader import Loaded, load
from botcore.loras import LoraBook, Serving
from botcore.messages import Control, Conversation, Feedback, Forgotten, Incoming, Message
from botcore.observe import Metrics
from botcore.overview import add_panels
from botcore.pace import Seldom
from botcore.ports import Channel, Engine, EngineStatus, LoraEngine, Receipt
from botcore.retention import Retention
from botcore.router import Router
from botcore.settings import Settings
from botcore.store import Accepted, Store

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Bot", "visiting"]

log: logging.Logger = logging.getLogger(__name__)

LIFESPAN_S = 30.0
"""A plugin's start may take this long before the others go on without waiting for it."""

CHANGES_KEPT = 1_000
"""Changes that wait for one reader of `Bot.changes`; beyond, it is told that it missed some."""

COUNT_S = 1.0
"""Between two looks at how many wait: ten thousand messages at most can come in meanwhile, and those are counted."""

RESTART_S = (1.0, 60.0)
"""First and longest pause before a channel that failed is run again."""


class Bot(Archive):
    """A running bot; also `ports.Inbox` for its channels and `ports.Bot` for its plugins."""

    database: Store

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        engine: Engine | None = None,
        plugins: Mapping[str, object] | None = None,
    ) -> None:
        """``engine`` and ``plugins`` (name → object, after the configured ones) are for embedding and tests."""
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
        self._more = plugins or {}
        self._health: dict[str, str] = {}
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._waiting: set[asyncio.Queue[str]] = set()
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
            await asyncio.to_thread(clear, house.files, before=self._unread_since())
            panels = self.loaded.registered.panels
            add_panels(panels, self, self.database, self.metrics)
            http = Http(
                self.settings.http,
                clock=self.clock,
                routes=[*self.loaded.registered.routes, *Board(panels, self.clock).routes()],
                ready=self._ready,
                metrics=self.metrics.render,
            )
            async with http:
                self.address = http.address
                self.database.note_address(http.address)
                self.listening.set()
                async with asyncio.TaskGroup() as group:
                    await self._live(group, house)

    async def _live(self, group: asyncio.TaskGroup, house: House) -> None:
        self._group, self._house, self._router = group, house, Router(house)
        self._leadership = Leadership(self.database, clock=self.clock, group=group)
        lifespans = await self._enter_lifespans(group, house)
        serving = Serving(self.loras, house.engine, self.database, clock=self.clock, metrics=self.metrics)
        self._serving = serving
        await serving.prepare()
        engine = group.create_task(house.engine.run(), name="engine")
        tuning = group.create_task(serving.tend(), name="which LoRA version serves")
        router = group.create_task(self._router.run(), name="router")
        counting = group.create_task(self._count(), name="how many wait")
        hearing = group.create_task(self._hear(serving), name="notices of other processes")
        forgetting = group.create_task(self._forgetting().tend(self.clock), name="what is not forgotten by all")
        retention = group.create_task(self._retain(), name="what is old")
        channels = [
            group.create_task(self._keep(channel), name=f"channel {name}") for name, channel in house.channels.items()
        ]
        await self._router.started.wait()
        self.started.set()
        await self._stopping.wait()
        self.started.clear()
        for channel in channels:
            channel.cancel()
        failpoint("drain.begin")
        await self._router.drain(self.settings.turn.drain_s)
        failpoint("drain.end")
        ending = (router, tuning, engine, hearing, counting, forgetting, retention)
        for task in ending:
            task.cancel()
        await asyncio.wait(ending)
        self._ended.set()
        if lifespans:
            await asyncio.wait(lifespans)

    async def _retain(self) -> None:
        """Let go of what is old, in one process at a time."""
        retention = Retention(store=self.database, settings=self.settings.store, clock=self.clock)
        while True:
            async with self._leadership.lead("retention"):
                await retention.tend()

    async def _hear(self, serving: Serving) -> None:
        """What other processes have committed, for whoever waits: router, leadership, engine, readers of `changes`."""
        async with aclosing(self.database.notices()) as notices:
            async for notice in notices:
                if notice.kind == "stop":
                    self._router.heard(notice.key)
                    continue
                if notice.kind in ("lead", "lost"):
                    self._leadership.heard()
                if notice.kind in ("lora", "lost"):
                    serving.heard()
                if notice.kind in ("lead", "lora"):
                    continue
                for waiting in self._waiting:
                    _tell(waiting, notice.key)

    async def _count(self) -> None:
        """Look once a second how many wait: the store knows what other processes take, and what was deleted."""
        most = self.settings.turn.waiting_total + 1
        while True:
            with suppress(StoreError):  # the channels hear of it, too
                self._admission.counted(await self.database.waiting(most))
            await self.clock.sleep(COUNT_S)

    async def _enter_lifespans(self, group: asyncio.TaskGroup, house: House) -> list[asyncio.Task[None]]:
        entered = list[asyncio.Event]()
        tasks = list[asyncio.Task[None]]()
        for bound in house.hooks.implementations("lifespan"):
            entered.append(asyncio.Event())
            tasks.append(group.create_task(self._lifespan(bound, entered[-1]), name=f"lifespan of {bound.plugin}"))
        try:
            async with self.clock.timeout(LIFESPAN_S):
                for event in entered:
                    await event.wait()
        except TimeoutError:
            log.warning("some plugins are still starting after %g s; the bot goes on", LIFESPAN_S)
        return tasks

    async def _lifespan(self, bound: Bound, entered: asyncio.Event) -> None:
        try:
            async with bound.call(self):
                entered.set()
                await self._ended.wait()
        except Exception as error:
            self._health[bound.plugin] = f"{type(error).__name__}: {error}"
            log.exception("plugin %s: its lifespan failed; the bot goes on", bound.plugin)
        finally:
            entered.set()

    async def _keep(self, channel: Channel) -> None:
        """Run a channel, again after a pause where it fails: the others never notice."""
        pause, longest = RESTART_S
        while True:
            self._health.pop(channel.name, None)
            try:
                return await channel.run(self)
            except Exception as error:
                self._health[channel.name] = str(error) or type(error).__name__
                log.error("channel %s failed, next try in %g s: %s", channel.name, pause, error)
                log.debug("channel %s", channel.name, exc_info=True)
            await self.clock.sleep(pause)
            pause = min(2 * pause, longest)

    def _assemble(self) -> House:
        settings, registered = self.settings, self.loaded.registered
        self._engine = self._engine or self._build_engine()
        return House(
            settings=settings.turn,
            store=self.database,
            engine=self._engine,
            loras=self._engine if isinstance(self._engine, LoraEngine) else None,
            hooks=Dispatcher(self.loaded.hooks, clock=self.clock, metrics=self.metrics),
            commands=registered.commands,
            channels=registered.channels,
            sender=Sender(self.database, clock=self.clock, metrics=self.metrics, matched=self._tell_feedback),
            accept=self._accept,
            files=self.data_dir / "incoming",
            excuses=Seldom(self.clock, settings.turn.queue_notice_s),
            clock=self.clock,
            metrics=self.metrics,
        )

    def _unread_since(self) -> float:
        """Attachments older than this belong to nobody: to a process that is gone, or to a turn that has timed out."""
        alone = self.database.dialect == "sqlite"
        return float("inf") if alone else self.clock.now() - self.settings.turn.timeout_s

    def _build_engine(self) -> Engine:
        kind = self.settings.engine.kind
        offered = self.loaded.registered.engines
        if kind in offered:
            return offered[kind](self.settings.engine, data_dir=self.data_dir, clock=self.clock)
        return build_engine(self.settings.engine, data_dir=self.data_dir, clock=self.clock)

    # ------------------------------------------------------------------ Inbox

    async def accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        """See `ports.Inbox`. Shielded: a caller that goes away must not leave a claim nobody works on."""
        if self._stopping.is_set() or not self.started.is_set():
            raise StoreUnavailable("the bot is starting or stopping; send it again in a moment")
        records = [_order(record) for record in records]
        if self.full and any(isinstance(record, Message) for record in records):
            raise StoreUnavailable(self.full)
        outcome = await asyncio.shield(self._group.create_task(self._accepted(records), name="accept"))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    @property
    def full(self) -> str:
        """See `ports.Inbox`."""
        return self._admission.full

    async def room(self) -> None:
        """See `ports.Inbox`."""
        await self._admission.room()

    async def dead_letter(self, *, channel: str, account: str, event_id: str, payload: str, reason: str) -> None:
        """See `ports.Inbox`."""
        await self.database.dead_letter(
            channel=channel, account=account, event_id=event_id, payload=payload, reason=reason
        )

    def lead(self, name: str) -> AbstractAsyncContextManager[None]:
        """See `ports.Inbox`."""
        return self._leadership.lead(name)

    async def _accepted(self, records: Sequence[Incoming]) -> list[Receipt] | Exception:
        try:
            return await self._accept(records)
        except Exception as error:  # raised in the group it would end the bot; it is the caller's to handle
            self._router.leases.doubt()
            return error

    async def _accept(self, records: Sequence[Incoming]) -> list[Receipt]:
        failpoint("accept.begin")
        limits = self.settings.turn
        accepted = await self.database.accept(
            records,
            lease_s=limits.lease_s,
            waiting_per_chat=limits.waiting_per_chat,
            waiting_per_person=limits.waiting_per_person,
            held=self._router.held,
        )
        failpoint("accept.committed")
        for one in accepted:
            await self._act_on(one)
        return [self._admission.receipt(one) for one in accepted]

    async def _act_on(self, one: Accepted) -> None:
        if one.stops:
            self._router.stop(one.stops)
        if one.claim:
            self._router.submit(one.claim)
        elif isinstance(one.record, Message | Control):
            self._router.waits(one.record.conversation.key)
        if one.feedback:
            await self._tell_feedback([one.feedback])

    async def _tell_feedback(self, matched: Sequence[Feedback]) -> None:
        for one in matched:
            await self._house.hooks.each("feedback", one, budget_s=self.settings.turn.observe_budget_s)

    # ------------------------------------------------------------------ ports.Bot

    @property
    def engine(self) -> EngineStatus:
        """See `ports.Bot`."""
        return self._engine.status if self._engine else EngineStatus(stage="off")

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

    async def changes(self) -> AsyncGenerator[str, None]:
        """See `ports.Bot`."""
        queue = asyncio.Queue[str](CHANGES_KEPT)
        self._waiting.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._waiting.discard(queue)

    async def forget(self, conversation: Conversation) -> None:
        """See `ports.Bot`."""
        await self._forgetting().forget(Forgotten(channel=conversation.channel, conversation=conversation))

    async def forget_person(self, channel: str, person: str) -> list[str]:
        """See `ports.Bot`."""
        return await self._forgetting().forget(Forgotten(channel=channel, person=person))

    def _forgetting(self) -> Forgetting:
        hooks = Dispatcher(self.loaded.hooks, clock=self.clock, metrics=self.metrics)
        return Forgetting(self, self.database, hooks)

    @property
    def commands(self) -> Sequence[Command]:
        """Every chat command there is."""
        return list(self.loaded.registered.commands.values())

    def health(self) -> Mapping[str, str]:
        """See `ports.Bot`."""
        channels = self.loaded.registered.channels.items()
        told = {name: health for name, channel in channels if (health := getattr(channel, "health", ""))}
        told |= {"inbox": self.full} if self.started.is_set() and self.full else {}
        told |= {"lora": self._serving.problem} if self._serving and self._serving.problem else {}
        return dict.fromkeys(self.loaded.plugins, "ok") | told | self._health

    async def _ready(self) -> Mapping[str, str]:
        """What a load balancer asks; what is wrong with a plugin is the operator's business (`health`)."""
        status = self.engine
        engine = "ok" if status.stage == "ready" else f"{status.stage} {status.detail}".strip()
        return {"store": await self.database.check(), "engine": engine}


@asynccontextmanager
async def visiting(settings: Settings, *, plugins: bool = False) -> AsyncIterator[Bot]:
    """A bot that does not run, with its database open: for commands that work beside a running one.

    ``plugins``: those of the configuration are loaded, too; the ones that cannot be are in ``bot.loaded.problems``.
    """
    bot = Bot(settings)
    if plugins:
        bot.loaded = load(settings)
    async with Store(settings.store_url, clock=bot.clock, data_dir=bot.data_dir, alone=False) as bot.database:
        yield bot


def _tell(waiting: asyncio.Queue[str], key: str) -> None:
    if waiting.full():
        while not waiting.empty():
            waiting.get_nowait()
        key = ""
    waiting.put_nowait(key)


def _order(record: Incoming) -> Incoming:
    """The text ``/stop`` is an order, not a message: it must not wait behind what it stops."""
    if isinstance(record, Message) and record.sampling is None and record.text.strip().lower() == "/stop":
        return Control(event_id=record.event_id, conversation=record.conversation, person=record.person, kind="stop")
    return record
