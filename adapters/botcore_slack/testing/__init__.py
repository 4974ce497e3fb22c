"""A protocol-true Slack on loopback that the real SDK runs against, and people a test can let talk with the bot.

    async with FakeSlack() as slack:  # or FakeSlack(mode="events"), then slack.posts_to(f"{bot.address}/hooks/slack")
        ana = slack.dm("U1")
        await ana.says("hi")
        reply = await ana.hears("hello")
        await ana.thumbs_down(reply)
        await ana.submits(await ana.form(), reasons=("wrong",), comment="It is 42.")
        await ana.uploads("notes.pdf", content, "What does it say?")
        ben = slack.channel("C1").person("U2")
        await ben.says("@botcore and in a channel?")

``slack.table()`` is the ``[channels.slack]`` of a bot that talks to it. Faults are queued per method
(`FakeSlack.fail`), calls are held at a gate (`FakeSlack.hold`), sockets are dismissed, closed or silenced
(`FakeSlack.sockets`), posts forged or repeated (`FakeSlack.events`, `FakeSlack.again`): nothing here sleeps.
"""

from botcore_slack.testing.deliveries import Delivery
from botcore_slack.testing.errors import Fault
from botcore_slack.testing.messages import SentMessage
from botcore_slack.testing.methods import BOT_ID, BOT_USER, TEAM
from botcore_slack.testing.people import FakePerson, FakePlace, Said
from botcore_slack.testing.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Call, FakeSlack, Gate

__all__ = [
    "APP_TOKEN",
    "BOT_ID",
    "BOT_TOKEN",
    "BOT_USER",
    "SIGNING_SECRET",
    "TEAM",
    "Call",
    "Delivery",
    "FakePerson",
    "FakePlace",
    "FakeSlack",
    "Fault",
    "Gate",
    "Said",
    "SentMessage",
]
