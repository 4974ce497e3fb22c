"""What every delivery goes through, whichever way it came: understood, committed, and only then acknowledged.

stored, or nothing for us      `take` returns: tell Slack "received"
store unavailable              `take` raises: do not, and Slack sends it again
authentic, but of no use       a dead letter, and `take` returns
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine
from dataclasses import replace
from typing import Any, Literal

from botcore import Attachment, Control, Conversation, Inbox, Incoming, Message, StoreUnavailable
from botcore_slack.actions import read_action
from botcore_slack.recent import Recent
from botcore_slack.wire import Heard, Identity, Json, Unusable, read_event

__all__ = ["Askers", "Intake", "Kind"]

log = logging.getLogger(__name__)

Kind = Literal["event", "action"]
TOKEN = re.compile(r'("token"\s*:\s*)"[^"]*"')
"""Slack's old way to prove who it is: nothing to keep."""


class Askers:
    """Who wrote what lately, as (person, workspace): a stream in a channel is for somebody.

    Not kept over a restart: the reply is edited then instead of streamed.
    """

    def __init__(self) -> None:
        self._known = Recent[tuple[str, str]]()

    def note(self, heard: Heard) -> None:
        """Remember who this message is from."""
        if said := heard.message:
            for key in filter(None, (said.platform_id, said.conversation.key)):
                self._known.put(key, (said.person.id, heard.team))

    def of(self, message: str, conversation: Conversation) -> tuple[str, str]:
        """Who wrote this message, else who wrote last here; two empty texts where nobody knows."""
        return self._known.get(message) or self._known.get(conversation.key) or ("", "")


class Intake:
    """One account's way in."""

    def __init__(
        self,
        inbox: Inbox,
        me: Identity,
        *,
        commands: Callable[[], Collection[str]],
        takes_part: Callable[[Conversation], Awaitable[bool]],
        described: Callable[[Attachment], Coroutine[Any, Any, Attachment]],
        askers: Askers,
        tell: Callable[[Conversation, str], None],
        ask_why: Callable[[Heard], None],
    ) -> None:
        self.me = me
        self._inbox = inbox
        self._commands = commands
        self._takes_part = takes_part
        self._described = described
        self._askers = askers
        self._tell = tell
        self._ask_why = ask_why

    async def take(self, kind: Kind, payload: Json) -> None:
        """Returns when Slack may be told "received". Raises `StoreUnavailable`: nothing was stored."""
        try:
            heard = self._read(kind, payload)
        except Unusable as error:
            await self.keep(payload, str(error))
            return
        if heard is None or not await self._is_meant(heard):
            return
        if await self._accept(await self._complete(heard.record), payload):
            self._askers.note(heard)
            if heard.trigger:
                self._ask_why(heard)

    async def keep(self, payload: Json | str, reason: str) -> None:
        """Keep a delivery nobody can use as a dead letter."""
        event_id = "" if isinstance(payload, str) else payload.get("event_id")
        text = TOKEN.sub(r'\1""', payload if isinstance(payload, str) else _written(payload))
        if not isinstance(event_id, str) or not event_id:
            event_id = f"unread:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:32]}"
        # The reason may quote what somebody wrote: it stays in the database.
        log.warning("%s: delivery %.64r cannot be used and is kept as a dead letter", self.me.channel, event_id)
        await self._inbox.dead_letter(
            channel=self.me.channel, account=self.me.user_id, event_id=event_id, payload=text, reason=reason
        )

    async def _is_meant(self, heard: Heard) -> bool:
        if not heard.overheard:
            return True
        try:
            return await self._takes_part(heard.record.conversation)
        except StoreUnavailable:
            raise
        except Exception as error:
            raise StoreUnavailable(f"cannot read who takes part in a thread ({type(error).__name__})") from error

    async def _complete(self, record: Incoming) -> Incoming:
        """The record, with what Slack says of its files."""
        if isinstance(record, Control) and record.message:
            return replace(record, message=await self._with_files(record.message))
        return await self._with_files(record) if isinstance(record, Message) else record

    async def _with_files(self, record: Message) -> Message:
        name = f"{self.me.channel}: what file it is"
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._described(file), name=name) for file in record.attachments]
        return replace(record, attachments=tuple(task.result() for task in asked))

    def _read(self, kind: Kind, payload: Json) -> Heard | None:
        return read_event(payload, self.me, self._commands()) if kind == "event" else read_action(payload, self.me)

    async def _accept(self, record: Incoming, payload: Json) -> bool:
        try:
            [receipt] = await self._inbox.accept([record])
        except StoreUnavailable:
            raise
        except Exception as error:  # one that no database takes would come again until Slack gives up
            await self.keep(payload, f"{type(error).__name__}: {error}")
            return False
        if receipt.notice:
            self._tell(record.conversation, receipt.notice)
        return receipt.state == "accepted"


def _written(payload: Json) -> str:
    try:
        return json.dumps(payload, ensure_ascii=False)
    except RecursionError:  # writing goes less deep than reading did
        return "nested too deeply to be written down"
