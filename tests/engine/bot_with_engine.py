"""The smallest bot process there is: an engine, and a line on standard output when it is ready. Ends by SIGTERM.

usage: bot_with_engine.py PYTHON MODEL DATA_DIR
"""

import asyncio
import signal
import sys
from pathlib import Path

from botcore.clock import SystemClock
from botcore.engine import build_engine
from botcore.settings import EngineSettings


async def main() -> None:
    python, model, data_dir = sys.argv[1:]
    engine = build_engine(EngineSettings(python=python, model=model), data_dir=Path(data_dir), clock=SystemClock())
    run = asyncio.create_task(engine.run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, run.cancel)
    while engine.status.stage != "ready":
        await engine.changed()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.wait([run])


asyncio.run(main())
