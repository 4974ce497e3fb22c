"""The shipped test kit: talk to a whole bot in a test, check a channel, an engine or an encoder against its contract.

`chat` is a pytest fixture (see `botcore.testing.plugin`); everything here is loaded on first use only.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botcore.engine.scripted import ScriptedEngine as ScriptedEngine
    from botcore.engine.scripted_encoder import ScriptedEncoder as ScriptedEncoder
    from botcore.testing.chat import Chat as Chat
    from botcore.testing.chat import chatting as chatting
    from botcore.testing.chat import until as until
    from botcore.testing.checks_channel import Platform as Platform
    from botcore.testing.checks_channel import Trouble as Trouble
    from botcore.testing.checks_channel import check_channel as check_channel
    from botcore.testing.checks_encoder import check_encoder as check_encoder
    from botcore.testing.checks_engine import check_engine as check_engine
    from botcore.testing.clock import ManualClock as ManualClock
    from botcore.testing.loopback import LoopbackChannel as LoopbackChannel

_WHERE = {
    "Chat": "botcore.testing.chat",
    "LoopbackChannel": "botcore.testing.loopback",
    "ManualClock": "botcore.testing.clock",
    "Platform": "botcore.testing.checks_channel",
    "ScriptedEncoder": "botcore.engine.scripted_encoder",
    "ScriptedEngine": "botcore.engine.scripted",
    "Trouble": "botcore.testing.checks_channel",
    "chatting": "botcore.testing.chat",
    "check_channel": "botcore.testing.checks_channel",
    "check_encoder": "botcore.testing.checks_encoder",
    "check_engine": "botcore.testing.checks_engine",
    "until": "botcore.testing.chat",
}

__all__ = [
    "Chat",
    "LoopbackChannel",
    "ManualClock",
    "Platform",
    "ScriptedEncoder",
    "ScriptedEngine",
    "Trouble",
    "chatting",
    "check_channel",
    "check_encoder",
    "check_engine",
    "until",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"botcore.testing has no {name}")
    return getattr(import_module(_WHERE[name]), name)
