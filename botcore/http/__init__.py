"""The one HTTP port: `access` decides (pure), `guard` asks it, `port` listens, `server` serves, `board` has panels."""

from botcore.http.board import Board
from botcore.http.server import Http
from botcore.registry import Route

__all__ = ["Board", "Http", "Route"]
