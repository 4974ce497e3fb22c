"""One message's whole life: in line → admit → recall → reply (or command) → revise → commit and send → remember.

The only module that knows both plugins and channels. Whatever happens, an accepted message ends here as answered,
stopped, refused or failed, and the person is told; only the death of the process or a lost lease leaves it to the
next claim.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from botcore.builtin import no_such_command
from botcore.delivery import Delivery
from botcore.dispatch import FAILED, FAILURES, Bound, Won, end_if_cancelled, guilty, travels_on
from botcore.errors import EngineError, LeaseLost, for_people
from botcore.failpoints import failpoint
from botcore.house import House
from botcore.line import Line
from botcore.live import LiveTurn
from botcore.messages import Chunk, Reply
from botcore.store import Claim, Handover
from botcore.trace import Ending, reply_of, report, turn_end

if TYPE_CHECKING:
    from botcore.clock import Deadline

__all__ = ["TurnRun"]

log: logging.Logger = logging.getLogger(__name__)

SET_ASIDE = "This message could not be worked on, so I have set it aside. Please go on with another one."
"""What the author of a dead letter hears; the operator's reason is in the letter."""
WENT_WRONG = "Something went wrong here; the operator's log says what."
LONGEST = 200_000
"""Characters of a reply, fifty messages on Telegram: more than models write in the time a turn has. What a plugin's
stream would add, which may have no end, is not taken."""
LET_OTHERS = 100
"""Chunks, after which others run: a stream that never waits would be the only one that does."""
KEPT_S = 86_400.0
"""Telegram keeps updates for a day, Slack for less; what claims to be older has a wrong clock."""


class TurnRun:
    """The work on one claimed conversation: what an earlier owner left, then its next message."""

    def __init__(
        self, house: House, claim: Claim, line: Line, *, release: Handover, released: Callable[["TurnRun"], None]
    ) -> None:
        """``released`` is called once the conversation is given back, before `remember`."""
        self.claim = claim
        self.release = release
        self._released = released
        self.in_line: bool = False
        """Whether it waits for a slot."""
        self._house = house
        self._line = line
        self._started = house.clock.now()
        self._start = house.clock.monotonic()
        self._first_text_ms = 0.0
        self._until: Deadline | None = None
        """When the work on the message has to end, while it goes on."""
        self._stopped = claim.stopped
        self._overtaken = False
        self.asking: asyncio.Event = asyncio.Event()
        """Set once nothing is before a suspect but its trial (what an earlier turn left is sent), or it has ended."""
        self.admitted: asyncio.Event = asyncio.Event()
        """Set once a suspect may begin: no other is on trial."""
        self.begun: asyncio.Event = asyncio.Event()
        """Set once it has its slot, or has ended."""
        self.proven: asyncio.Event = asyncio.Event()
        """Set once it has written something, or has ended: a suspect is acquitted then."""
        self.ended: bool = False

    def stop(self) -> None:
        """End the running message as stopped, with the text it has so far."""
        self._stopped = True
        self._cut()

    def overtaken(self) -> None:
        """Another process has taken the conversation: generate no more. What is written already, its claim fences."""
        self._overtaken = True
        self._cut()

    @property
    def _called_off(self) -> bool:
        return self._stopped or self._overtaken

    def _cut(self) -> None:
        if self._until:
            self._until.reset(0)

    def end(self) -> None:
        """Nothing more comes of it: whoever waits for it goes on."""
        self.ended = True
        for event in (self.asking, self.begun, self.proven):
            event.set()

    async def run(self) -> None:
        """Work until the claim's message has ended and is on its way.

        Raises `LeaseLost`; cancelled, nothing is committed.
        """
        channel = self._house.channels[self.claim.conversation.channel]
        failpoint("recovery.begin")
        await self._house.sender.take_over(channel, self.claim)
        failpoint("recovery.settled")
        if self.claim.message is None:
            failpoint("release.begin")
            await self._house.store.release(self.claim)
            return
        failpoint("turn.begin")
        delivery = Delivery(self._house.sender, channel, self.claim)
        turn = LiveTurn(self._house, self.claim, self.claim.message, delivery)
        try:
            reply = await self._carry_out(turn, delivery)
        except Exception:
            await delivery.take_back()
            raise
        self._released(self)
        first_text_ms, metrics = self._first_text_ms, self._house.metrics
        report(metrics, reply, start=self._start, first_text_ms=first_text_ms, seconds=self._seconds())
        if self.claim.buried:
            return
        failpoint("remember.begin")
        try:
            await self._house.hooks.each("remember", turn, reply, budget_s=self._house.settings.observe_budget_s)
        finally:
            turn.give_back()  # somebody may have let the model sum up

    async def _carry_out(self, turn: LiveTurn, delivery: Delivery) -> Reply:
        async with delivery.previews():
            ending = await self._ending(turn, delivery)
        await self._enter()  # it may have ended in the line
        if self._overtaken:  # not raised above: the previews' group would wrap it
            raise LeaseLost
        failpoint("turn.written")
        reply = reply_of(turn, delivery, ending)
        end = turn_end(
            turn,
            reply,
            started_at=self._started,
            first_text_ms=self._first_text_ms,
            total_ms=1000 * self._seconds(),
        )
        await delivery.finish(end, self.release)
        return reply

    def _seconds(self) -> float:
        return self._house.clock.monotonic() - self._start

    async def _ending(self, turn: LiveTurn, delivery: Delivery) -> Ending:
        if self.claim.buried:
            return Ending("dead", SET_ASIDE)
        try:
            if not self._called_off:
                async with self._house.clock.timeout(None) as self._until:
                    return await self._produce(turn, delivery)
        except TimeoutError:
            if not self._called_off:
                return Ending("failed", f"This took longer than {self._house.settings.timeout_s:g} s and was ended.")
        finally:
            self._until = None
        return Ending("stopped", "Stopped.")

    async def _produce(self, turn: LiveTurn, delivery: Delivery) -> Ending:
        """The reply, once this person's turn has come: that alone holds a slot, not what is sent before and after."""
        place = turn.conversation
        whose = (place.channel, place.account, turn.message.person.id)
        if self.claim.suspect:
            self.asking.set()
            await self.admitted.wait()
        self.in_line = True
        async with self._line.slot(whose, partial(_tell_place, delivery)):
            await self._enter()
            self._begin(turn, delivery)
            with self._house.metrics.running.track_inprogress():
                return await self._answer(turn, delivery)

    async def _enter(self) -> None:
        """The work begins; of a suspect that is noted, for a death before it says nothing about it."""
        if self.claim.suspect and not self.begun.is_set() and await self._house.store.begin_trial(self.claim):
            self.stop()
        self.begun.set()

    def _begin(self, turn: LiveTurn, delivery: Delivery) -> None:
        self.in_line = False
        self._started, self._start = self._house.clock.now(), self._house.clock.monotonic()
        turn.deadline = self._start + self._house.settings.timeout_s
        if self._until and not self._called_off:
            self._until.reset(self._house.settings.timeout_s)
        delivery.come_up()
        self._house.metrics.queue_seconds.observe(max(0.0, self._started - self.claim.received_at))
        waited = self._started - _since(self.claim.received_at, turn.message.sent_at)
        if waited > self._house.settings.queue_notice_s and self._house.excuses.passes(turn.conversation.key):
            delivery.excuse = f"Sorry for the wait: this message stood in line for {_long(waited)}."

    async def _answer(self, turn: LiveTurn, delivery: Delivery) -> Ending:
        try:
            return await self._stages(turn, delivery)
        except EngineError as error:
            log.warning("turn %s: %s", turn.id, error)
            return Ending("failed", for_people(error))
        except FAILURES as error:
            if travels_on(error):
                raise
            log.exception("turn %s failed", turn.id)
            return Ending("failed", WENT_WRONG)
        finally:
            turn.give_back()

    async def _stages(self, turn: LiveTurn, delivery: Delivery) -> Ending:
        hooks, settings = self._house.hooks, self._house.settings
        if turn.command == "again":
            await turn.repeat()
        if len(turn.message.text) > settings.text_limit:
            return Ending("refused", f"That is too long: {len(turn.message.text)} of {settings.text_limit} characters.")
        refused = await hooks.first("admit", turn, budget_s=settings.decide_budget_s)
        if refused:
            log.info("turn %s refused by %s: %s", turn.id, refused.plugin, refused.value.reason)
            return Ending("refused", refused.value.notice, refused.plugin)
        await hooks.each("recall", turn, budget_s=settings.decide_budget_s, wrong=turn.sift)
        failpoint("turn.recalled")
        plugin, source = await self._source(turn)
        if source is None:
            return Ending("failed", WENT_WRONG if plugin else "Nothing here knows how to answer that.", plugin)
        stages = hooks.pipe("revise", turn, Won(plugin, source))
        try:
            failed = await self._write(delivery, stages)
        finally:
            await hooks.close(stages)
        if failed:
            return Ending("failed", WENT_WRONG, failed)
        if not delivery.text.strip():
            return Ending("failed", "The reply was empty; please say it differently.", plugin)
        return Ending("answered", "", plugin)

    async def _write(self, delivery: Delivery, stages: Sequence[Won[AsyncIterator[Chunk]]]) -> str:
        """Write down what the last stage gives; the plugin whose stream failed, "" where none did."""
        came = count(1)
        try:
            async for chunk in self._house.hooks.read(stages):
                if not isinstance(chunk, Chunk):
                    return self._blame(stages[-1], TypeError(f"it yielded {type(chunk).__name__}, not Chunk(text=…)"))
                if not next(came) % LET_OTHERS:
                    await self._house.clock.sleep(0)
                if delivery.length + len(chunk.text) > LONGEST:
                    return self._blame(stages[-1], ValueError(f"it gave more than {LONGEST} characters"))
                if not chunk.text and not chunk.citations:
                    continue  # somebody holds back: what was said about waiting still holds
                self._first_text_ms = self._first_text_ms or 1000 * self._seconds()
                failpoint("turn.first_text")
                delivery.write(chunk)
                self.proven.set()
        except EngineError:
            raise
        except FAILURES as error:
            stage = guilty(error, stages)
            if stage and self._until and self._until.told > 1:
                self._house.hooks.stream_held(stage)
            if stage is None or travels_on(error):
                raise
            self._blame(stage, error)
            end_if_cancelled(error)
            return stage.plugin
        return ""

    def _blame(self, stage: Won[AsyncIterator[Chunk]], error: BaseException) -> str:
        self._house.hooks.stream_failed(stage, error)
        return stage.plugin

    async def _source(self, turn: LiveTurn) -> tuple[str, AsyncIterator[Chunk] | None]:
        """Who answers, and with what. No other answers a command that failed: it would seem to be carried out."""
        budget = self._house.settings.decide_budget_s
        command = self._house.commands.get(turn.command)
        if command:
            bound = Bound(command.plugin, command.handler)
            answer = await self._house.hooks.call(f"/{command.name}", bound, turn, budget_s=budget)
            if answer is not None:
                return command.plugin, None if answer is FAILED else answer
        won = await self._house.hooks.first("reply", turn, budget_s=budget)
        if won:
            return won.plugin, won.value
        return ("botcore", no_such_command(turn)) if turn.unknown else ("", None)


def _tell_place(delivery: Delivery, before: int) -> None:
    delivery.waiting(f"{before} before you" if before else "You are next")


def _since(received_at: float, sent_at: float) -> float:
    """Since when a message waits: while we were away, its platform has kept it; none keeps one for longer."""
    return sent_at if 0 < received_at - sent_at <= KEPT_S else received_at


def _long(seconds: float) -> str:
    """A time as people say it."""
    for unit, size in (("day", 86_400), ("hour", 3_600)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}s"
    return f"{max(seconds / 60, 2):.0f} minutes"
