"""The one HTTP port: `access` decides (pure), `guard` asks it, `port` listens, `server` serves, `board` has panels."""

from botcore.context import Route
from botcore.http.board import Board
from botcore.http.server import Http

__all__ = ["Board", "Http", "Route"]
