"""Exported files are what TRL's trainers read: the real SFT, KTO and DPO trainers take one step on each."""

import json
import math
import os
import subprocess
from pathlib import Path

import pytest

from botcore.engine.model import STARTER
from botcore.testing import Chat, chatting
from botcore_finetune.export import Wish, export
from botcore_finetune.shapes import FORMATS
from tests.engine_python import PYTHON, needs_engine

SCRIPT = Path(__file__).with_name("training_step.py")
OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(300),
    needs_engine,
]


async def judge(chat: Chat) -> None:
    """A conversation in which everything happens that makes lines: thumbs, corrections, another answer."""
    await chat.says("/feedback yes")
    await chat.hears("Thank you")
    for question, answer, verdict in (
        ("Hello, who are you?", "I am a bot. ☃", "/good"),
        ("When do you open?", "At ten.", "/correct At nine, “as always”.\n\nOn Sundays at ten."),
        ("What is the capital of France?", "I do not know.", "/bad wrong"),
        ("/again", "Paris.", "/good"),
        ("Write to ana@mail.example", "I cannot.", "/bad"),
    ):
        chat.engine.say(answer)
        await chat.says(question)
        await chat.hears(answer)
        await chat.says(verdict)
        await chat.hears("Thank you")


async def test_trls_trainers_take_a_step_on_every_export(tmp_path: Path) -> None:
    tables = {"plugins": {"memory": {}, "finetune": {}, "textgen": {"persona": "Be kind."}}}
    files = {format: tmp_path / f"{format}.jsonl" for format in FORMATS}
    async with chatting(tmp_path / "data", settings=tables) as chat:
        await judge(chat)
        for format, file in files.items():
            wish = Wish(format=format, good=format == "sft")
            await export(chat.bot.database, wish, file, who="operator", at=1.0)
    pairs = [word for format, file in files.items() for word in (format, str(file))]
    done = train(str(STARTER), *pairs)
    assert done.returncode == 0, done.stderr[-4000:]
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"format"')]
    told = {line["format"]: line for line in lines}
    assert {format: line["rows"] for format, line in told.items()} == {"sft": 3, "kto": 6, "dpo": 2}
    assert all(line["steps"] == 1 and math.isfinite(line["loss"]) for line in told.values())


def train(*arguments: str) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith("BOTCORE_")}
    command = [str(PYTHON), str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=clean | OFFLINE, timeout=280, check=False)
