"""The one HTTP port: `access` decides (pure), `guard` asks it, `port` listens, `server` serves.

What is shown there is found out by `board` (panels) and `probe` (`/readyz`).
"""

from botcore.http.board import Board
from botcore.http.probe import Probe
from botcore.http.server import Http
from botcore.registry import Route

__all__ = ["Board", "Http", "Probe", "Route"]
