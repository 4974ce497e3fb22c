"""A small piece of the scenarios of the long form, so that its command is not found broken when it is needed."""

from pathlib import Path

import pytest

from tests.chaos.faults import broken_calls
from tests.chaos.report import Run
from tests.chaos.updates import kills_web, updates

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize(("run", "size"), [(updates, 200), (kills_web, 100), (broken_calls, 60)])
async def test_nothing_is_lost(run: Run, size: int, tmp_path: Path) -> None:
    counts = await run(tmp_path, 1, size)
    assert counts.faults == (), counts.note
