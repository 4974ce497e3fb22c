"""The `finetune` plugin: judged replies become examples, and what `botcore train feedback` learns from."""

from botcore_finetune.examples import Example, Tally
from botcore_finetune.plugin import FineTune
from botcore_finetune.settings import FineTuneSettings

__all__ = ["Example", "FineTune", "FineTuneSettings", "Tally"]
