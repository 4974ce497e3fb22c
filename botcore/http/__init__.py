"""The one HTTP port: `access` decides (pure), `guard` asks it, `port` listens, `server` serves.

What is shown there is found out by `panels` (the operator's page) and `probe` (`/readyz`).
"""

from botcore.http.panels import Panels
from botcore.http.probe import Probe
from botcore.http.server import Http

__all__ = ["Http", "Panels", "Probe"]
