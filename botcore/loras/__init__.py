"""LoRA versions of the model: `book` keeps files and rows together, `serving` brings about what the rows want."""

from botcore.loras.book import LORAS, LoraBook
from botcore.loras.serving import Serving

__all__ = ["LORAS", "LoraBook", "Serving"]
