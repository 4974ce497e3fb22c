"""Where settings come from: files, environment and flags, laid over each other into `Settings`."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botcore.errors import SettingsError
from botcore.local import LOCAL
from botcore.settings.mistakes import PREFIX, origin_of, refuse_unknown, validate
from botcore.settings.tables import CORE, Settings, Table

__all__ = ["load_settings", "shipped_config"]

SECTIONS = (*CORE, "plugins", "channels")
Given = tuple[Sequence[str], Any, str]
"""A key, its value, and where it comes from."""


def shipped_config() -> Path:
    """The default configuration: the checkout's ``config/bot.toml``, or the one inside the installed package."""
    package = Path(__file__).parents[1]
    checkout = package.parent / "config" / "bot.toml"
    return checkout if checkout.exists() else package / "config" / "bot.toml"


def load_settings(
    files: Sequence[Path] = (),
    *,
    environ: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    local: Path | None = LOCAL,
) -> Settings:
    """The settings of these layers; ``flags`` are dotted keys.

    Raises `SettingsError` with one line on the first mistake.
    """
    layers = _Layers()
    for path in files or (shipped_config(),):
        layers.add(_file(path))
    if local and local.exists():
        layers.add(_file(local))
    layers.add(_environment(os.environ if environ is None else environ))
    layers.add((dotted.split("."), value, "command line") for dotted, value in (flags or {}).items())
    tables, origins = layers.tables, layers.origins
    refuse_unknown(tables, SECTIONS, "", origins)
    core = {name: validate(model, tables.get(name, {}), name, origins) for name, model in CORE.items()}
    return Settings(
        **core,  # type: ignore[arg-type]
        plugins=_enabled(tables.get("plugins", {}), "plugins", origins),
        channels=_enabled(tables.get("channels", {}), "channels", origins),
        origins=origins,
    )


class _Layers:
    """What was given so far, the later over the earlier, and where each value came from."""

    def __init__(self) -> None:
        self.tables: dict[str, Any] = {}
        self.origins: dict[str, str] = {}

    def add(self, layer: Iterable[Given]) -> None:
        """Lay this over what there is. Plugins that are new come first: the last one of before answers everything."""
        known = set(self._plugins())
        for given in layer:
            self._put(*given)
        if plugins := self._plugins():
            self.tables["plugins"] = dict(sorted(plugins.items(), key=lambda item: item[0] in known))

    def _plugins(self) -> Mapping[str, Any]:
        given = self.tables.get("plugins")
        return given if isinstance(given, dict) else {}

    def _put(self, path: Sequence[str], value: Any, origin: str) -> None:
        table = self.tables
        for name in path[:-1]:
            below = table.setdefault(name, {})
            if not isinstance(below, dict):
                raise SettingsError(f"{origin}: {'.'.join(path)}: {name} is a value, not a table")
            table = below
        if value == {} and isinstance(table.get(path[-1], {}), dict):
            table.setdefault(path[-1], {})
        else:
            table[path[-1]] = value
        self.origins[".".join(path)] = origin


def _file(path: Path) -> Iterator[Given]:
    return ((key, value, str(path)) for key, value in _leaves(_toml(path)))


def _leaves(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tables.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; give an existing one with --config") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def _environment(environ: Mapping[str, str]) -> Iterator[Given]:
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        path = name.removeprefix(PREFIX).lower().split("__")
        if len(path) == 1:
            _reject_single_underscore(name)
            continue
        value: Any = environ[name]
        if path[-1].endswith("_file") and path[0] != "plugins":
            path[-1] = path[-1].removesuffix("_file")
            value = _secret_file(name, value)
        yield path, _parsed(value), name


def _reject_single_underscore(name: str) -> None:
    section, _, key = name.removeprefix(PREFIX).lower().partition("_")
    if section in CORE and key in CORE[section].model_fields:
        raise SettingsError(
            f"{name}: write two underscores between table and key: {PREFIX}{section.upper()}__{key.upper()}"
        )


def _secret_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: cannot read {path}: {error}") from None


def _parsed(value: str) -> Any:
    """Lists and tables are written as in TOML; everything else is left to the model's own conversion."""
    if not value.startswith(("[", "{")):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def _enabled(tables: Any, section: str, origins: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    if not isinstance(tables, Mapping):
        raise SettingsError(f"{origin_of(section, origins)}: [{section}] must hold tables, such as [{section}.name]")
    enabled = dict[str, Mapping[str, Any]]()
    for name, table in tables.items():
        if not isinstance(table, Mapping):
            raise SettingsError(
                f"{origin_of(f'{section}.{name}', origins)}: {section}.{name} must be a table, [{section}.{name}]"
            )
        on = validate(_Switch, {"enabled": table.get("enabled", True)}, f"{section}.{name}", origins).enabled
        if on:
            enabled[name] = {key: value for key, value in table.items() if key != "enabled"}
    return enabled


class _Switch(Table):
    enabled: bool = True
