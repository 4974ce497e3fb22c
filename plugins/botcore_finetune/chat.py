"""The chat commands, the same on every channel: /good, /bad, /correct judge a reply, /feedback says what became of it.

They judge the reply that is quoted, else the newest one worth a verdict, and answer with what was kept and what it may
be used for.
"""

from collections.abc import AsyncIterator

from botcore import REASONS, Bot, Chunk, Registry, Reply, Turn, say
from botcore_finetune import examples, ledger
from botcore_finetune.settings import FineTuneSettings

__all__ = ["Commands"]

NOT_OPEN = "The examples are not open yet; please say it again in a moment."
NOTHING = "There is no reply of mine here that you could judge. Ask me something first, or quote the reply you mean."
NO_TEXT = "Write what I should have said behind it: /correct The shop opens at nine."
NOT_MINE = "I keep no verdict on that message: no model wrote it and it quotes no documents."
UNDONE = "Done: I keep no verdict of yours on that reply."
HOW = (
    "Quote a reply, or judge my last one: /good, /bad (with a word why: {reasons}), /correct and what I should have "
    "said, /feedback undo."
)
USED = "Training may use them; /feedback no ends that."
UNUSED = "Training does not use them; /feedback yes allows it."
YES = "Thank you. Training may use what you judged and what you will judge. /feedback no ends that, for all of it."
NO = "Understood. Training uses nothing you judged, now or later. /feedback yes allows it again."


class Commands:
    """What people may say about replies. `bot` is set while the plugin is open."""

    def __init__(self, settings: FineTuneSettings) -> None:
        self.bot: Bot | None = None
        self._settings = settings

    def register(self, registry: Registry) -> None:
        """Adds the commands."""
        registry.command("good", "My last reply was good, or the one you quote: /good that helped", self._good)
        registry.command("bad", "It was not: /bad wrong", self._bad)
        registry.command("correct", "What I should have said: /correct The shop opens at nine", self._correct)
        registry.command("feedback", "What you judged, and whether training may use it: yes, no, undo", self._feedback)

    async def _good(self, turn: Turn) -> AsyncIterator[Chunk]:
        return await self._thanks(turn, "good", await turn.judge(1, comment=turn.argument))

    async def _bad(self, turn: Turn) -> AsyncIterator[Chunk]:
        reason = _reason(turn.argument)
        judged = turn.judge(-1, reasons=[reason]) if reason else turn.judge(-1, comment=turn.argument)
        return await self._thanks(turn, "bad", await judged)

    async def _correct(self, turn: Turn) -> AsyncIterator[Chunk]:
        if not turn.argument:
            return say(NO_TEXT)
        return await self._thanks(turn, "corrected", await turn.judge(-1, correction=turn.argument))

    async def _thanks(self, turn: Turn, verdict: str, reply: Reply | None) -> AsyncIterator[Chunk]:
        """What was kept, and what it may be used for."""
        if reply is None or not reply.judgeable:
            return say(NOTHING if reply is None else NOT_MINE)
        kept = f"Thank you: I keep that reply as {verdict}."
        if not reply.model:
            return say(f"{kept} It quotes documents, so it counts in reports; training learns nothing from it.")
        return say(f"{kept} {await self._use(turn)}")

    async def _use(self, turn: Turn) -> str:
        if await self._allowed(turn):
            return "With your question and my reply, training may use it; /feedback no ends that."
        return "Training does not use it; /feedback yes allows it."

    async def _allowed(self, turn: Turn) -> bool:
        if self.bot is None:
            return False
        channel, person = _who(turn)
        said = await self.bot.database.read(ledger.choice, channel=channel, person=person)
        return self._settings.consent if said is None else said

    async def _feedback(self, turn: Turn) -> AsyncIterator[Chunk]:
        if self.bot is None:
            return say(NOT_OPEN)
        word = turn.argument.strip().lower()
        if word in ("yes", "no"):
            await self._choose(self.bot, turn, allowed=word == "yes")
            return say(YES if word == "yes" else NO)
        if word == "undo":
            return say(UNDONE if await turn.judge(0) else NOTHING)
        return say(await self._count(self.bot, turn))

    async def _choose(self, bot: Bot, turn: Turn, *, allowed: bool) -> None:
        channel, person = _who(turn)
        now = bot.clock.now()
        await bot.database.write(ledger.choose, channel=channel, person=person, allowed=allowed, at=now)

    async def _count(self, bot: Bot, turn: Turn) -> str:
        channel, person = _who(turn)
        tally = await bot.database.read(examples.tally, channel=channel, person=person)
        used = USED if await self._allowed(turn) else UNUSED
        judged = f"You judged my replies: {tally.good} good, {tally.bad} bad, {tally.corrected} corrected. {used}"
        if not (tally.good or tally.bad or tally.corrected):
            judged = "You have not judged any of my replies yet."
        return f"{judged}\n\n{HOW.format(reasons=', '.join(REASONS))}"


def _reason(argument: str) -> str:
    """The reason that is named by its word or its label, "" for other words."""
    said = argument.strip().casefold().rstrip(".!")
    return next((word for word, label in REASONS.items() if said in (word, label.casefold())), "")


def _who(turn: Turn) -> ledger.Person:
    return turn.conversation.channel, turn.message.person.id
