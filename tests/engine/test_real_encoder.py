"""vLLM itself with a small BertModel of random weights: what an encoder promises holds there, too."""

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from botcore.clock import SystemClock
from botcore.engine.vllm_encoder import VllmEncoder
from botcore.errors import EngineUnavailable
from botcore.settings import EncoderSettings, EngineSettings
from botcore.testing import check_encoder
from botcore.testing.checks_engine import running
from tests.engine.test_real import PYTHON, READY_WITHIN, vllm_processes

if TYPE_CHECKING:
    from array import array

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not PYTHON.exists(), reason=f"no engine environment at {PYTHON}: botcore engine install"),
]

BERT = """
import json, string, sys, torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
words = [*special, *string.ascii_lowercase, *("##" + letter for letter in string.ascii_lowercase)]
tokenizer = Tokenizer(models.WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
)
named = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named).save_pretrained(sys.argv[1])
torch.manual_seed(1)
BertModel(BertConfig(
    vocab_size=len(words), hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128,
    max_position_embeddings=64, initializer_range=0.5,
)).save_pretrained(sys.argv[1])
kept = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ],
    "sentence_bert_config.json": {"max_seq_length": 32, "do_lower_case": False},
    "1_Pooling/config.json": {"word_embedding_dimension": 64, "pooling_mode_mean_tokens": True},
}
import pathlib
(pathlib.Path(sys.argv[1]) / "1_Pooling").mkdir()
for name, content in kept.items():
    (pathlib.Path(sys.argv[1]) / name).write_text(json.dumps(content))
"""


@pytest.fixture(scope="module")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "bert"
    done = subprocess.run([PYTHON, "-c", BERT, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def made(model: Path, data_dir: Path) -> VllmEncoder:
    settings = EncoderSettings(kind="vllm", model=str(model), timeout_s=60)
    return VllmEncoder(settings, engine=EngineSettings(python=str(PYTHON)), data_dir=data_dir, clock=SystemClock())


async def test_it_keeps_the_contract_of_encoders(bert: Path, tmp_path: Path) -> None:
    await check_encoder(lambda: made(bert, tmp_path), ready_within=READY_WITHIN)
    assert vllm_processes(tmp_path) == []


async def test_killed_it_comes_back_with_the_same_vectors(bert: Path, tmp_path: Path) -> None:
    texts = [f"passage {number} of the harbour master" for number in range(8)]
    async with running(made(bert, tmp_path), ready_within=READY_WITHIN) as encoder:
        assert encoder.status.window == 32  # of sentence_bert_config.json: the model has places for 64
        before = await encoder.encode(texts)
        alone = [(await encoder.encode([text]))[0] for text in texts]
        assert max(furthest(one, other) for one, other in zip(before, alone, strict=True)) < 1e-4
        assert encoder._lane
        os.killpg(encoder._lane.group, signal.SIGKILL)
        while encoder.status.stage == "ready":
            await encoder.changed()
        with pytest.raises(EngineUnavailable):
            await encoder.encode(texts)
        while encoder.status.stage != "ready":
            await encoder.changed()
        after = await encoder.encode(texts)
        assert max(furthest(one, other) for one, other in zip(before, after, strict=True)) < 1e-4


def furthest(one: "array[float]", other: "array[float]") -> float:
    return max(abs(a - b) for a, b in zip(one, other, strict=True))
