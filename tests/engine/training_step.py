"""One step of TRL's own trainers on exported files: ``training_step.py MODEL FORMAT FILE [FORMAT FILE]…``

Runs in the engine's environment. Prints a JSON object for each format: how many rows were read, steps done, the loss.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

warnings.filterwarnings("ignore")

from datasets import Dataset  # noqa: E402
from peft import LoraConfig  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: E402
from trl import DPOConfig, DPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer  # noqa: E402

TRAINERS: dict[str, tuple[Any, Any]] = {
    "sft": (SFTConfig, SFTTrainer),
    "kto": (KTOConfig, KTOTrainer),
    "dpo": (DPOConfig, DPOTrainer),
}


def step(model: str, format: str, file: Path) -> dict[str, Any]:
    """What became of one step."""
    config, trainer = TRAINERS[format]
    rows = Dataset.from_list([json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()])
    with tempfile.TemporaryDirectory() as work:
        training = trainer(
            model=AutoModelForCausalLM.from_pretrained(model),
            args=config(
                output_dir=work,
                max_steps=1,
                per_device_train_batch_size=2,
                max_length=256,
                logging_steps=1,
                save_strategy="no",
                report_to="none",
                use_cpu=True,
                bf16=False,
                gradient_checkpointing=False,
            ),
            train_dataset=rows,
            processing_class=AutoTokenizer.from_pretrained(model),
            peft_config=LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"),
        )
        training.train()
    losses = [line["loss"] for line in training.state.log_history if "loss" in line]
    return {"format": format, "rows": len(rows), "steps": training.state.global_step, "loss": float(losses[0])}


for pair in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
    print(json.dumps(step(sys.argv[1], pair[0], Path(pair[1]))), flush=True)  # noqa: T201 - what the test reads
