"""The `textgen` plugin, the model's own voice: chat where nobody else answered, and four writing commands."""

from botcore_textgen.plugin import TextGen
from botcore_textgen.settings import Preset, Presets, TextGenSettings

__all__ = ["Preset", "Presets", "TextGen", "TextGenSettings"]
