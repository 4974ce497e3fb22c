"""Which model ``engine.model`` means: the one in the box, a directory, or a hub name. No server is started here."""

import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botcore.clock import Clock
from botcore.errors import EngineUnavailable

__all__ = ["Model", "find_model", "window_of"]

HUB_WITHIN = 60.0
_HUB = (
    "import sys, huggingface_hub as hub; "
    "sys.stdout.write(open(hub.hf_hub_download(sys.argv[1], 'config.json'), encoding='utf-8').read())"
)
STARTER = Path(__file__).parent.parent / "starter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the server is told to load, and how people call it."""

    source: str
    """A directory, or a hub name."""
    name: str
    local: bool
    window: int = 0
    """Tokens it was made for; 0 = not known before it is loaded."""


def find_model(setting: str, *, starter: Path = STARTER) -> Model:
    """The model of ``engine.model``. Raises `EngineUnavailable` where a directory holds none."""
    path = starter if setting == "starter" else Path(setting).expanduser()
    if setting == "starter" or path.is_dir() or setting.startswith(("/", "./", "../", "~")):
        return _local(path, "starter" if setting == "starter" else path.resolve().name)
    return Model(source=setting, name=setting, local=False)


def _local(path: Path, name: str) -> Model:
    try:
        config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise EngineUnavailable(
            f"{path} holds no model (no readable config.json); set engine.model to one that does, or to a hub name"
        ) from None
    return Model(source=str(path.resolve()), name=name, local=True, window=window_of(config))


async def ask_hub(model: Model, *, python: Path, clock: Clock) -> Model:
    """The hub model with its window, read from its config.json by the engine's own hub client; as it was if that fails.

    The server will then say itself what is wrong, in its own words.
    """
    command = (str(python), "-I", "-c", _HUB, model.source)
    hub = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with clock.timeout(HUB_WITHIN):
            output, _ = await hub.communicate()
        return replace(model, window=window_of(json.loads(output)))
    except (TimeoutError, ValueError):
        return model
    finally:
        if hub.returncode is None:
            hub.kill()
            await hub.wait()


def window_of(config: Any) -> int:
    """``max_position_embeddings`` of a model's config.json, 0 where it does not say."""
    inner = config.get("text_config") if isinstance(config, dict) else None
    for table in (config, inner):
        found = table.get("max_position_embeddings") if isinstance(table, dict) else None
        if isinstance(found, int):
            return found
    return 0
