"""Named places where a test may end this process or break its work, to see that nothing is lost there.

``BOTCORE_FAILPOINTS=turn.committed=kill@2,outbox.called=raise`` kills the process when the place is reached for the
second time, and raises at the other. Nothing is armed without the variable: a place then costs one look at an empty
dictionary. The idea is FreeBSD's fail(9), https://man.freebsd.org/fail.
"""

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass

from botcore.errors import BotcoreError, SettingsError

__all__ = ["PLACES", "VARIABLE", "Broken", "arm", "failpoint"]

VARIABLE = "BOTCORE_FAILPOINTS"
PLACES: Mapping[str, str] = {
    "migration.in_commit": "the tables are changed, the transaction is open",
    "accept.begin": "a delivery has come in, nothing is stored",
    "accept.in_commit": "stored and claimed, the transaction is open",
    "accept.committed": "stored and claimed, the platform is not told",
    "claim.in_commit": "a waiting message is taken, the transaction is open",
    "claim.committed": "a waiting message is taken, the work has not begun",
    "recovery.begin": "what an earlier owner left is about to be settled",
    "recovery.settled": "what an earlier owner left is settled, the message is not begun",
    "turn.begin": "the turn has begun, no plugin was asked",
    "turn.recalled": "the plugins have recalled, nobody was asked to reply",
    "turn.first_text": "the first piece of the reply is there",
    "turn.written": "the reply is complete, nothing of it is stored",
    "turn.in_commit": "reply, outbox and outcome are written, the transaction is open",
    "turn.committed": "the reply is stored, nothing is sent",
    "anchor.sending": "the placeholder is about to be posted",
    "anchor.sent": "the placeholder is there and known",
    "outbox.pending": "a part waits, its send is not begun",
    "outbox.sending": "the send is announced in the outbox, the platform was not called",
    "outbox.called": "the platform has answered, the outbox does not know",
    "outbox.in_sent_commit": "the part is marked as sent, the transaction is open",
    "outbox.sent": "the part is sent and known",
    "outbox.refused": "the platform asks to wait, the outbox does not know",
    "outbox.unsent": "the platform asks to wait, and the outbox knows",
    "outbox.uncertain": "the outcome of a send is noted as unknown",
    "outbox.resending": "an uncertain part is about to be sent once more",
    "remember.begin": "the reply is out, the plugins are not told",
    "release.begin": "a conversation is about to be given back",
    "requeue.begin": "an aborted message is about to go back to the inbox",
    "drain.begin": "the stop has begun, channels take nothing more",
    "drain.end": "the running turns have ended or go back",
}
"""Every place, and what has happened there."""

ORDER = re.compile(r"(?P<place>[\w.]+)=(?P<action>kill|raise)(?:@(?P<at>[1-9]\d*))?")


class Broken(BotcoreError):
    """A failpoint was reached."""


@dataclass(slots=True)
class _Order:
    action: str
    left: int
    """Visits until it acts; a raising one then acts every time, a killing one only once."""


_armed: dict[str, _Order] = {}
"""Of the process, as the signal that ends it is; filled by `arm` alone."""


def arm(environ: Mapping[str, str] = os.environ) -> None:
    """Take the orders in the environment. Raises `SettingsError` for a place or an action that does not exist."""
    _armed.clear()
    places = ", ".join(PLACES)
    for text in filter(None, environ.get(VARIABLE, "").split(",")):
        order = ORDER.fullmatch(text.strip())
        if order is None or order["place"] not in PLACES:
            raise SettingsError(f"{VARIABLE}: {text!r} is no <place>=kill, =raise or =kill@<visit>; places: {places}")
        _armed[order["place"]] = _Order(order["action"], int(order["at"] or 1))


def failpoint(place: str) -> None:
    """Nothing, unless this place is armed."""
    if _armed:
        _reach(place)


def _reach(place: str) -> None:
    order = _armed.get(place)
    if order is None:
        return
    order.left -= 1
    if order.left > 0:
        return
    if order.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise Broken(f"failpoint {place}")
