"""Import this first in the engine environment: `botcore` without the bot's libraries, as `botcore/training/start.py` does it."""

import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

if find_spec("pluggy") is None and "botcore" not in sys.modules:
    bare = ModuleType("botcore")
    bare.__path__ = [str(Path(__file__).parents[2] / "botcore")]
    sys.modules["botcore"] = bare
