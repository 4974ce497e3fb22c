"""From ``[engine]`` to an engine, from ``[encoder]`` to an encoder. Imported late: aiohttp alone costs 0.2 s."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.clock import Clock
from botcore.engine.scripted import ScriptedEngine
from botcore.errors import BotcoreError, SettingsError, in_a_line
from botcore.ports import Encoder, Engine
from botcore.registry import BuildEngine
from botcore.settings import EncoderSettings, EngineSettings

if TYPE_CHECKING:
    from botcore.engine.remote import RemoteEngine

__all__ = ["build_encoder", "build_engine", "build_remote"]


PARTS = [name for name in vars(Engine) if not name.startswith("_")]


def build_engine(
    settings: EngineSettings,
    *,
    data_dir: Path,
    clock: Clock,
    offered: Mapping[str, BuildEngine] | None = None,
) -> Engine:
    """The engine of this configuration, not started; those that plugins have ``offered`` go first.

    Raises `SettingsError` for a kind there is not, and for one that cannot be built.
    """
    offered = offered or {}
    if settings.kind in offered:
        return _from_plugin(offered[settings.kind], settings, data_dir, clock)
    match settings.kind:
        case "vllm":
            from botcore.engine.vllm import VllmEngine

            return VllmEngine(settings, data_dir=data_dir, clock=clock)
        case "openai":
            return build_remote(settings, clock)
        case "scripted":
            return ScriptedEngine()
    there = ", ".join(["vllm", "openai", *offered])
    raise SettingsError(
        f'engine.kind = "{settings.kind}": there are {there} and scripted; a plugin\'s is known where its table is'
    )


def _from_plugin(build: BuildEngine, settings: EngineSettings, data_dir: Path, clock: Clock) -> Engine:
    try:
        engine = build(settings, data_dir=data_dir, clock=clock)
        missing = [part for part in PARTS if not hasattr(engine, part)]
    except BotcoreError:
        raise
    except (Exception, SystemExit) as error:
        raise SettingsError(f'engine.kind = "{settings.kind}" cannot be built: {in_a_line(error)}') from error
    if missing:
        told = f"{type(engine).__name__} is no engine: it has no {', '.join(missing)}"
        raise SettingsError(f'engine.kind = "{settings.kind}": {told}')
    return engine


def build_remote(settings: EngineSettings, clock: Clock) -> "RemoteEngine":
    """Somebody else's server. Raises `SettingsError` where it has no address."""
    from botcore.engine.remote import Remote, RemoteEngine
    from botcore.engine.transport import Deadlines

    if not settings.base_url:
        raise SettingsError('engine.kind = "openai" needs engine.base_url, such as http://localhost:8000/v1')
    # "starter" is the default of the field: nobody serves our box's model under that name.
    model = "" if settings.model == "starter" else settings.model
    key = settings.api_key.get_secret_value()
    patience = Deadlines(first_token=settings.first_token_timeout_s, token_gap=settings.token_gap_timeout_s)
    remote = Remote(base_url=settings.base_url, model=model, window=settings.window, api_key=key, deadlines=patience)
    return RemoteEngine(remote, clock=clock)


def build_encoder(settings: EncoderSettings, *, engine: EngineSettings, data_dir: Path, clock: Clock) -> Encoder | None:
    """The encoder of this configuration, not started; None where there is to be none. ``engine``: see `VllmEncoder`."""
    match settings.kind:
        case "off":
            return None
        case "vllm":
            from botcore.engine.vllm_encoder import VllmEncoder

            return VllmEncoder(settings, engine=engine, data_dir=data_dir, clock=clock)
        case "openai":
            from botcore.engine.remote_encoder import RemoteEncoder

            return RemoteEncoder(settings, clock=clock)
