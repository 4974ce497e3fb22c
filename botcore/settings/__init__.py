"""Configuration: defaults < TOML files < `config/local.toml` < environment < flags, merged into `Settings`.

    tables.py    what can be set, table by table, with its default and why that one
    layers.py    where it is set, and what goes before what
    mistakes.py  one line for each: where it stands, what it is, and what was probably meant

The tables of plugins and channels stay raw here; `botcore.loader` validates each with that class's own ``Settings``.
"""

from botcore.settings.layers import load_settings, shipped_config
from botcore.settings.mistakes import validate
from botcore.settings.tables import (
    BotSettings,
    EncoderSettings,
    EngineSettings,
    HttpSettings,
    Settings,
    StoreSettings,
    Table,
    TurnSettings,
)

__all__ = [
    "BotSettings",
    "EncoderSettings",
    "EngineSettings",
    "HttpSettings",
    "Settings",
    "StoreSettings",
    "Table",
    "TurnSettings",
    "load_settings",
    "shipped_config",
    "validate",
]
