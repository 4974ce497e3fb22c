"""The one HTTP port: `access` decides (pure), `guard` asks it, `port` listens, `server` serves."""

from botcore.context import Route
from botcore.http.server import Http

__all__ = ["Http", "Route"]
