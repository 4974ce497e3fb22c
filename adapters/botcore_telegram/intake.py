"""What both ways in do with updates: read them, commit them, and only then let go of them.

stored               the caller may tell Telegram "received"
store unavailable    `StoreUnavailable` goes on to the caller: the same updates must come again
not to be used       kept as a dead letter, which counts as stored: it must not hold up its chat for a day
"""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence

from botcore import Conversation, Inbox, Incoming, StoreUnavailable
from botcore_telegram.albums import joined
from botcore_telegram.hearing import Identity, Json, Unusable
from botcore_telegram.moves import Moves
from botcore_telegram.wire import moved

__all__ = ["Intake"]

log = logging.getLogger(__name__)


class Intake:
    """One account's way into the inbox.

    ``tell`` is given the words for somebody whose message was turned away, ``pressed`` each button: after the commit.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        channel: str,
        moves: Moves,
        read: Callable[[Json, Identity], Incoming | None],
        tell: Callable[[Conversation, str], None],
        pressed: Callable[[Json, Incoming | None], None],
    ) -> None:
        self._inbox = inbox
        self._channel = channel
        self._moves = moves
        self._read = read
        self._tell = tell
        self._pressed = pressed

    async def room(self, report: Callable[[str], None]) -> bool:
        """Return when messages are taken; where that needs a wait, say so, and True."""
        if not self._inbox.full:
            return False
        report(f"{self._inbox.full}; Telegram keeps the others")
        await self._inbox.room()
        return True

    async def take(self, updates: Sequence[Json], me: Identity) -> None:
        """Return once all of these are committed. Raises `StoreUnavailable`."""
        records = list[Incoming]()
        presses = list[tuple[Json, Incoming | None]]()
        for update in joined(updates):
            try:
                record = await self._understood(update, me)
            except Unusable as error:
                await self._dead(me, _name(update), _payload(update), str(error))
                continue
            records.extend([record] if record else [])
            presses.extend([(update["callback_query"], record)] if "callback_query" in update else [])
        if records:
            await self._accept(records, me)
        for query, record in presses:
            self._pressed(query, record)

    async def _understood(self, update: Json, me: Identity) -> Incoming | None:
        if move := moved(update):
            await self._moves.note(*move)
        record = self._read(update, me)
        return record and await self._moves.home(record)

    async def unreadable(self, body: bytes, me: Identity, reason: str) -> None:
        """Keep a delivery that is no update at all. Raises `StoreUnavailable`."""
        name = f"body-{_digest(body)}"  # the same bytes again are the same letter
        await self._dead(me, name, body.decode("utf-8", "replace"), reason)

    async def _accept(self, records: Sequence[Incoming], me: Identity) -> None:
        try:
            receipts = await self._inbox.accept(records)
        except StoreUnavailable:
            raise
        except Exception as error:
            # One poisonous record must not hold up all others for the day that Telegram keeps them.
            reason = f"{type(error).__name__}: {error}"
            if len(records) == 1:
                await self._dead(me, records[0].event_id, repr(records[0]), reason)
                return
            log.warning("%s: a batch was not accepted, trying one by one (%s)", self._channel, type(error).__name__)
            for record in records:
                await self._accept([record], me)
        else:
            for record, receipt in zip(records, receipts, strict=True):
                if receipt.notice:
                    self._tell(record.conversation, receipt.notice)

    async def _dead(self, me: Identity, event_id: str, payload: str, reason: str) -> None:
        # The reason may quote what somebody wrote: it stays in the database.
        log.warning("%s: update %s cannot be used and is kept as a dead letter", self._channel, event_id)
        await self._inbox.dead_letter(
            channel=self._channel, account=me.account, event_id=event_id, payload=payload, reason=reason
        )


def _name(update: Json) -> str:
    number = update.get("update_id")
    whole = isinstance(number, int) and not isinstance(number, bool) and number.bit_length() <= 64
    return str(number) if whole else f"update-{_digest(_payload(update).encode('utf-8', 'replace'))}"


def _payload(update: Json) -> str:
    try:
        return json.dumps(update, ensure_ascii=False)
    except RecursionError:  # writing goes less deep than reading did
        return "nested too deeply to be written down"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
