"""The `finetune` plugin: judged replies become examples for training. Training itself is not in here yet."""

from botcore_finetune.examples import Example, Tally
from botcore_finetune.plugin import FineTune
from botcore_finetune.settings import FineTuneSettings

__all__ = ["Example", "FineTune", "FineTuneSettings", "Tally"]
