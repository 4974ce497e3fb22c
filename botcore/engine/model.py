"""Which model a setting means: the one in the box, a folder, or one that was fetched. Starts nothing."""

from dataclasses import dataclass
from pathlib import Path

from botcore.errors import ModelError
from botcore.models import Shelf, config_facts
from botcore.models.facts import read_config, sentences_in
from botcore.models.shelf import checked_name
from botcore.models.weights import refuse_without_safetensors

__all__ = ["STARTER", "Model", "find_model", "is_folder"]

STARTER = Path(__file__).parent.parent / "starter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What the server is told to load, and how people call it."""

    source: str
    """The folder."""
    name: str
    window: int = 0
    """Tokens it was made for; 0 = not known before it is loaded."""
    kv_token_bytes: int = 0
    """Bytes of KV cache a token takes; 0 = not known."""
    encoder: bool = False
    """See `Facts.encoder`."""
    note: str = ""
    """What people should know about it beside its name."""


def find_model(setting: str, *, data_dir: Path, starter: Path = STARTER) -> Model:
    """The model of this setting. Raises `ModelError` where there is none, with the command that gets it."""
    if setting == "starter":
        return _in(starter, "starter")
    if is_folder(setting):
        path = Path(setting).expanduser()
        return _in(path, path.resolve().name)
    if Shelf(data_dir).record(setting):
        return _in(Shelf(data_dir).folder(setting), setting)
    raise ModelError(f"{checked_name(setting)} is not on this machine; fetch it: botcore model get {setting}")


def is_folder(setting: str) -> bool:
    """Whether it means a folder, there or not, and no name of a hub's."""
    return setting.startswith(("/", "./", "../", "~")) or Path(setting).is_dir()


def _in(path: Path, name: str) -> Model:
    config = read_config(path)
    refuse_without_safetensors(str(path), (file.name for file in path.iterdir()))
    facts = config_facts(config, tensors={}, weight_bytes=0, chat_template=False, sentences=sentences_in(path))
    return Model(
        source=str(path.resolve()),
        name=name,
        window=facts.window,
        kv_token_bytes=facts.kv_token_bytes,
        encoder=facts.encoder,
    )
