"""The web as a channel: the contract every channel keeps, and what loading it costs."""

import subprocess
import sys
from collections.abc import Sequence
from uuid import NAMESPACE_OID, uuid5

from botcore.testing import check_channel
from botcore.testing.checks_channel import Trouble
from botcore_web import Web, wire
from tests.adapters.web.core import CHAT, House, Visitor, serving


class Browser:
    """A visitor's browser as `check_channel` needs it."""

    def __init__(self, visitor: Visitor) -> None:
        self._visitor = visitor
        self.conversation = wire.conversation("web", wire.person(visitor.cookie), CHAT)

    async def delivers(self, event: str, text: str) -> bool:
        status, _, _ = await self._visitor.says(text, id=str(uuid5(NAMESPACE_OID, event)))
        assert status in (202, 503), status
        return status == 202

    def shows(self) -> Sequence[str]:
        return []

    def prepares(self, trouble: Trouble) -> None:
        raise AssertionError("a pull channel is never sent through")


async def test_it_keeps_the_contract_of_a_channel() -> None:
    async with serving(receives=False) as house:
        await check_channel(house.web, Browser(await house.visitor()))


def test_registering_it_loads_no_http_library() -> None:
    """`botcore --help` registers every plugin, for their commands."""
    code = (
        "import sys; from botcore_web import Web; from types import SimpleNamespace as N; done = lambda *a, **k: None;"
        "Web().register(N(name='web', channel=done, route=done));"
        "sys.exit(any(name in sys.modules for name in ('aiohttp', 'openai', 'sqlalchemy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_after_the_way_in_is_closed_running_turns_are_still_shown(house: House, ana: Visitor) -> None:
    stream = await ana.follows()
    await ana.says("hi")
    house.web._desk.open = None  # what the end of `run` leaves
    assert (await ana.says("too late"))[0] == 503
    await house.answers("One.")
    assert (await stream.until("entry")).id


def test_it_can_be_had_twice_under_two_names() -> None:
    one, two = Web(), Web()
    one.name = "support"
    assert (one.name, two.name) == ("support", "web")
