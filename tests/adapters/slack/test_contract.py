"""The contract every channel keeps: over sockets and over posts, in direct messages and in a channel's thread."""

from collections.abc import Sequence

import pytest

from botcore import Conversation
from botcore.testing import check_channel
from botcore.testing.checks_channel import Trouble
from botcore_slack import Slack
from botcore_slack.testing import BOT_USER, FakeSlack, Fault, Said
from tests.adapters.slack.conftest import Desk, HurriedClock

TROUBLES = {"limit": Fault.flood(3), "refuse": Fault.refused("is_archived"), "vanish": Fault.cut(executed=True)}
ROOT = "1690000000.000200"


class FarEnd:
    """Slack, as the check needs it: "received" is an acknowledged envelope, or an answered post."""

    def __init__(self, slack: FakeSlack, place: str) -> None:
        self.slack = slack
        private = place.startswith("D")
        self.person = slack.dm("U1") if private else slack.channel(place).person("U1")
        thread = "" if private else ROOT
        self.conversation = Conversation(channel="slack", account=BOT_USER, chat=place, thread=thread, private=private)
        self._said: dict[str, Said] = {}

    async def delivers(self, event: str, text: str) -> bool:
        said = self._said.get(event)
        if said is None:
            await self._reachable()
            words = text if self.conversation.private else f"@botcore {text}"
            said = self._said[event] = await self.person.says(words, thread=self.conversation.thread)
        else:
            for delivery in said.deliveries:
                delivery.received = False
                await self.slack.again(delivery)
        return await self._received(said)

    async def _reachable(self) -> None:
        if self.slack.mode == "socket":
            await self.slack.connected()
        else:
            await self.slack.serves("auth.test")

    async def _received(self, said: Said) -> bool:
        if self.slack.mode == "events":
            return said.received
        before = len(self.slack.sockets.acknowledged)
        # A socket takes one envelope after the other: what follows is acknowledged when this one was decided.
        for connection in self.slack.sockets.open:
            await self.slack.sockets.send('{"type": "unknown", "envelope_id": "marker"}', connection)
        while self.slack.sockets.acknowledged[before:].count("marker") < len(self.slack.sockets.open):
            await self.slack.until("the markers to be acknowledged")
        return said.received

    def shows(self) -> Sequence[str]:
        return self.person.texts

    def prepares(self, trouble: Trouble) -> None:
        self.slack.fail("*", TROUBLES[trouble])


@pytest.mark.parametrize("mode", ["socket", "events"])
@pytest.mark.parametrize("place", ["D1", "C1"], ids=["private", "channel"])
async def test_slack_keeps_the_contract(mode: str, place: str) -> None:
    clock = HurriedClock()
    async with FakeSlack(mode=mode, clock=clock) as slack:  # type: ignore[arg-type]
        channel = Slack(slack.settings(), clock)
        async with Desk(channel).open() as url, channel.lifespan(None):  # type: ignore[arg-type]
            slack.posts_to(url)
            await check_channel(channel, FarEnd(slack, place))
