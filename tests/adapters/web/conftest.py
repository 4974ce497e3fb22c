"""What the web channel's tests share."""

from collections.abc import AsyncIterator

import pytest

from tests.adapters.web.core import House, Visitor, serving


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """The web channel on a real port, with a core in memory."""
    async with serving() as house:
        yield house


@pytest.fixture
async def ana(house: House) -> Visitor:
    """A visitor of the page."""
    return await house.visitor()
