"""Whether a part arrived, as Slack says: the parts of a reply carry their ids where nobody sees them."""

from typing import TYPE_CHECKING

from botcore import Clock, Part, Rejected, Retry, Unknown
from botcore_slack.wire import channel_and_ts, platform_id

if TYPE_CHECKING:
    from botcore_slack.api import Api

__all__ = ["find"]

TRIES, LONGEST_WAIT_S = 3, 60.0


async def find(part: Part, since: float, api: "Api", clock: Clock) -> str | None:
    """The platform id of the message that carries this part, None where there is none. Raises `Unknown`.

    A placeholder and the reply that takes its place are one part; ``part`` says which of the two is meant.
    """
    if part.platform_id:  # an edit: the message is older than the call
        since = min(since, float(channel_and_ts(part.platform_id)[1]))
    for _ in range(TRIES):
        try:
            ts = await api.find(part, since)
        except Retry as refused:
            await clock.sleep(min(refused.after, LONGEST_WAIT_S))
        except Rejected as refused:
            raise Unknown(f"Slack does not say what was sent: {refused}") from refused
        else:
            return platform_id(part.conversation.chat, ts) if ts else None
    raise Unknown("Slack does not say in time what was sent")
