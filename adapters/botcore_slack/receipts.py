"""Whether a part arrived: what was sent where, and what Slack says of it.

A placeholder and the reply that takes its place are one part, so the last call decides which of the two is meant.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botcore import Bot, Clock, Conversation, Part, Rejected, Retry, Unknown
from botcore_slack.recent import Recent
from botcore_slack.wire import platform_id

if TYPE_CHECKING:
    from botcore_slack.api import Api

__all__ = ["Receipts"]

TRIES, LONGEST_WAIT_S = 3, 60.0
LONGEST_REPLY_S = 3600.0
"""The placeholder of a reply is older than the reply's end by less."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """The last call for a part."""

    place: Conversation
    placeholder: bool = False
    posted: float = float("inf")
    """When the message it is about was posted, where that was before."""


class Receipts:
    """The calls of this process, by part id."""

    def __init__(self) -> None:
        self._sent = Recent[_Sent]()

    def posting(self, part: Part, *, placeholder: bool) -> None:
        """This part is being posted."""
        self._sent.put(part.id, _Sent(part.conversation, placeholder))

    def editing(self, part: Part, ts: str) -> None:
        """The message posted at ``ts`` is becoming this part."""
        self._sent.put(part.id, _Sent(part.conversation, posted=float(ts)))

    async def find(self, part_id: str, since: float, api: "Api", clock: Clock, bot: Bot | None) -> str | None:
        """The platform id of the message that carries this part, None where there is none. Raises `Unknown`."""
        sent = self._sent.get(part_id) or await _committed(part_id, since, bot)
        place, since = sent.place, min(since, sent.posted)
        for _ in range(TRIES):
            try:
                ts = await api.find(place.chat, place.thread, part_id, since, placeholder=sent.placeholder)
            except Retry as refused:
                await clock.sleep(min(refused.after, LONGEST_WAIT_S))
            except Rejected as refused:
                raise Unknown(f"Slack does not say what was sent: {refused}") from refused
            else:
                return platform_id(place.chat, ts) if ts else None
        raise Unknown("Slack does not say in time what was sent")


async def _committed(part_id: str, since: float, bot: Bot | None) -> _Sent:
    """Of an earlier process only committed replies are known."""
    reply = await bot.reply(part_id.rpartition(".")[0]) if bot else None
    if reply is None:
        raise Unknown(f"nobody knows where {part_id} was sent")
    return _Sent(reply.conversation, posted=since - LONGEST_REPLY_S)
