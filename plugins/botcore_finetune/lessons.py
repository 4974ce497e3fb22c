"""What ``botcore train feedback`` learns from: what ``botcore feedback export`` writes, in every format."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from botcore import Bot
from botcore_finetune.export import NO_CONSENT, NO_LESSON, TWICE, Wish, account, export
from botcore_finetune.keeper import bring_up_to_date
from botcore_finetune.redact import Redactor
from botcore_finetune.settings import FineTuneSettings
from botcore_finetune.shapes import FORMATS

__all__ = ["write_lessons"]

MOST_OF_ONE = 200
"""Lines that come from one person's verdicts: nobody alone decides how a bot with many users speaks."""
SAY_YES = "not allowed by somebody in it (each may say /feedback yes in the chat)"
EXPECTED = (NO_LESSON.reason, TWICE.reason)
"""What is no lesson in one format is one in another."""


async def write_lessons(
    folder: Path, *, visit: Callable[[], AbstractAsyncContextManager[Bot]], settings: FineTuneSettings
) -> Mapping[str, int]:
    """Write ``sft.jsonl``, ``kto.jsonl`` and ``dpo.jsonl``, each where there is a line for it; what was left out, why.

    Each is noted like every export. Raises `BotcoreError` where a file cannot be written.
    """
    left_out = Counter[str]()
    async with visit() as bot:
        await bring_up_to_date(bot)
        for format in FORMATS:
            redactor = Redactor(ips=settings.redact_ips) if settings.redact else None
            wish = Wish(
                format=format, consent=settings.consent, redactor=redactor, max_per_person=MOST_OF_ONE, whose=True
            )
            file = folder / f"{format}.jsonl"
            done = await export(bot.database, wish, file, who=account(), at=bot.clock.now())
            left_out |= Counter(done.left_out)  # the same example is met in each format: the most that any says
    named = {NO_CONSENT.reason: SAY_YES}
    return {named.get(reason, reason): number for reason, number in left_out.items() if reason not in EXPECTED}
