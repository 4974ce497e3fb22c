"""The pytest plugin, on wherever botcore is installed. Imports nothing but pytest until a fixture is used."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from botcore.testing.chat import Chat

__all__ = ["chat", "chat_plugins", "chat_settings"]


@pytest.fixture
def chat_plugins() -> Mapping[str, object]:
    """The plugins of `chat`, name → object, asked in order and before those of `chat_settings`. Override it."""
    return {}


@pytest.fixture
def chat_settings() -> Mapping[str, Any]:
    """Configuration tables of `chat`, such as ``{"plugins": {"qa": {}}}``. Override it in your tests."""
    return {}


@pytest.fixture
async def chat(
    chat_plugins: Mapping[str, object], chat_settings: Mapping[str, Any], tmp_path: Path
) -> "AsyncIterator[Chat]":
    """A person in a chat with a whole running bot: ``await chat.says("hi"); await chat.hears("hello")``.

    The test fails where a plugin did (`Chat.faults`); to see how the bot goes on without it, use `chatting`.
    """
    from botcore.testing.chat import chatting

    async with chatting(tmp_path / "data", plugins=chat_plugins, settings=chat_settings) as talking:
        yield talking
    assert not talking.faults, f"the bot went on without a plugin: {'; '.join(talking.faults)} (see the log)"
