"""A test sees what a plugin did wrong, though the bot goes on without it."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from botcore import Bot, Reply, Turn, hookimpl
from botcore.testing import chatting


class Forgets:
    @hookimpl
    async def remember(self, turn: Turn, reply: Reply) -> None:
        raise OSError("the diary is full")


class Ends:
    @hookimpl
    @asynccontextmanager
    async def lifespan(self, bot: Bot) -> AsyncIterator[None]:
        raise OSError("no key")
        yield


class Talks:
    @hookimpl
    async def recall(self, turn: Turn) -> None:
        turn.recalled.facts.append("It is Monday.")


async def test_what_went_wrong_with_a_plugin_is_named(tmp_path: Path) -> None:
    plugins = {"forgets": Forgets(), "ends": Ends(), "talks": Talks()}
    async with chatting(tmp_path, plugins=plugins, settings={"plugins": {"textgen": {}, "absent": {}}}) as chat:
        await chat.says("hi")
        await chat.hears("You said: hi")
    assert [fault.partition(":")[0] for fault in chat.faults] == ["absent", "ends", "forgets"]
    assert "no key" in chat.faults[1]
    assert chat.faults[2] == "forgets: remember failed"


async def test_where_nothing_went_wrong_nothing_is_named(tmp_path: Path) -> None:
    async with chatting(tmp_path, plugins={"talks": Talks()}, settings={"plugins": {"textgen": {}}}) as chat:
        await chat.says("hi")
        await chat.hears("You said: hi")
        assert chat.faults == []


@pytest.mark.slow
@pytest.mark.timeout(60)
def test_the_fixture_fails_a_test_whose_plugin_failed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from tests.conversations.test_faults import Forgets\n"
        "@pytest.fixture\ndef chat_plugins():\n    return {'forgets': Forgets()}\n"
        "@pytest.fixture\ndef chat_settings():\n    return {'plugins': {'textgen': {}}}\n"
        "async def test_it(chat):\n    await chat.says('hi')\n    await chat.hears('You said: hi')\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto", "test_it.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={"PYTHONPATH": str(Path(__file__).parents[2])}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "the bot went on without a plugin: forgets: remember failed (see the log)" in done.stdout
