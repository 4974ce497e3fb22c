"""The trainer's first file: ``python start.py RUN_FOLDER`` in the engine's environment.

That environment has torch and none of the bot's libraries, so `botcore` itself cannot be imported there; and were its
folder on the path, so would be everything beside it. A bare package of that name, whose only knowledge is where its
files lie, lets `botcore.training` and what it needs (errors, clock: the standard library alone) be imported as usual.
"""

import sys
from pathlib import Path
from types import ModuleType

__all__ = ["main"]


def main(folder: str, part: str = "main") -> int:
    """Train, or run another ``part`` of `_inside`; the exit code."""
    bare = ModuleType("botcore")
    bare.__path__ = [str(Path(__file__).parents[1])]
    sys.modules["botcore"] = bare
    from importlib import import_module

    return int(import_module(f"botcore.training._inside.{part}").main(Path(folder)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
