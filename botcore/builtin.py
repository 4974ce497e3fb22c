"""The core's own chat commands; a plugin that has one of the same name goes before."""

from collections.abc import AsyncIterator, MutableMapping

from botcore.context import Turn, say
from botcore.messages import Chunk
from botcore.registry import Command

__all__ = ["add_commands", "no_such_command"]


def add_commands(commands: MutableMapping[str, Command], name: str) -> None:
    """Add ``/start``, ``/help``, ``/stop`` and ``/again`` of a bot of this name."""

    async def start(turn: Turn) -> AsyncIterator[Chunk]:
        return say(f"Hello, I am {name}. Write to me, or see /help.")

    async def help(turn: Turn) -> AsyncIterator[Chunk]:
        return say("\n".join(f"- `/{command.name}` {command.help}" for command in commands.values()))

    own = {
        "start": ("Say hello", start),
        "help": ("What I can do", help),
        "stop": ("Stop the reply", _idle),
        "again": ("Answer the last question again", _nothing_again),
    }
    for command, (about, handler) in own.items():
        commands.setdefault(command, Command(name=command, help=about, handler=handler, plugin="botcore"))


def no_such_command(turn: Turn) -> AsyncIterator[Chunk]:
    """What is said where no plugin wants an unknown one."""
    return say(f"There is no command /{turn.command}; /help lists them.")


async def _idle(turn: Turn) -> AsyncIterator[Chunk]:
    return say("Nothing is running.")


async def _nothing_again(turn: Turn) -> AsyncIterator[Chunk]:
    """Where there is something, the turn has taken its question over."""
    return say("There is no reply here that I could give again.")
