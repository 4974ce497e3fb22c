"""The model that learns: from nothing in a shape, or from a checkpoint, and the loss of its rows."""

import math
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, Qwen3Config

from botcore.errors import TrainingError
from botcore.models.weights import tensors_of, weights_in
from botcore.training._inside.source import IGNORE
from botcore.training.plan import Plan, Shape

__all__ = ["Learner", "config_of", "make_model", "parameters_of"]

ALIKE = 256
"""The output matrix multiplies a multiple of so many rows: a CPU makes code for every number of them, and keeps it."""


class Learner(nn.Module):
    """A causal language model and its loss. Only positions with a label go through the output matrix."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._no_split_modules = model._no_split_modules  # what FSDP's automatic wrapping asks for
        model.get_input_embeddings().register_forward_hook(_narrowed)

    def forward(self, ids: Tensor, labels: Tensor, positions: Tensor | None) -> Tensor:
        """The summed cross-entropy, −Σ log P(w_t | w_<t), over all labels of ids `[rows, length]`.

        Positions that begin anew keep attention within a document: transformers makes the mask from them, as long as
        there is no attention mask and no cache.
        """
        keep = (labels != IGNORE).reshape(-1).nonzero().squeeze(1)  # first: a GPU is waited for here
        hidden = self.model.base_model(input_ids=ids, position_ids=positions, use_cache=False).last_hidden_state
        spare = -len(keep) % ALIKE
        asked = hidden.reshape(-1, hidden.size(-1)).index_select(0, F.pad(keep, (0, spare)))
        logits = self.model.get_output_embeddings()(asked)
        wanted = F.pad(labels.reshape(-1)[keep], (0, spare), value=IGNORE)
        return F.cross_entropy(logits.float(), wanted, reduction="sum", ignore_index=IGNORE)

    def tie_weights(self) -> None:
        """Make the output matrix the embedding again where it is: FSDP, version 2, parts them and asks for this."""
        self.model.tie_weights()


def _narrowed(_module: nn.Module, _inputs: object, out: Tensor) -> Tensor:
    """Under autocast the sum that runs through the layers is bfloat16 too; it would stay float32, and slow."""
    return out.to(torch.bfloat16) if torch.is_autocast_enabled(out.device.type) else out


def config_of(plan: Plan, tokenizer: Any) -> Any:
    """The configuration: the base's, or the shape's in the words of transformers."""
    if plan.base:
        try:
            config = AutoConfig.from_pretrained(plan.base, local_files_only=True)
        except (OSError, ValueError) as error:
            raise TrainingError(f"{plan.base}: {_first_line(error)}") from None
        if config.get_text_config() is not config:
            raise TrainingError(f"{plan.base} also sees or hears; training takes models of text alone")
        return config
    assert plan.shape
    known = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    make = _gpt2 if plan.shape.style == "gpt2" else _qwen3
    return make(plan.shape, len(tokenizer), {**known, "tie_word_embeddings": True})


def _qwen3(shape: Shape, vocab: int, known: dict[str, Any]) -> Any:
    return Qwen3Config(
        architectures=["Qwen3ForCausalLM"],
        vocab_size=vocab,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        max_position_embeddings=shape.context,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
        attention_bias=False,
        **known,
    )


def _gpt2(shape: Shape, vocab: int, known: dict[str, Any]) -> Any:
    return GPT2Config(
        architectures=["GPT2LMHeadModel"],
        vocab_size=vocab,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_inner=shape.inner,
        n_positions=shape.context,
        # A run from nothing sees each text a few times at most: there is nothing to forget on purpose.
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        **known,
    )


def make_model(plan: Plan, config: Any) -> Any:
    """The model in float32. Raises `TrainingError` where the base's weights cannot be read."""
    if not plan.base:
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        if config.model_type == "qwen3":
            _begin(model)
            if plan.look_back:
                _look_back(model)
        return model
    try:
        return AutoModelForCausalLM.from_pretrained(
            plan.base, config=config, dtype=torch.float32, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise TrainingError(f"{plan.base}: {_first_line(error)}") from None


def parameters_of(base: Path) -> int:
    """How many numbers a checkpoint holds, from the headers of its safetensors; `ModelError` for a broken one."""
    total = sum(tensors_of(weights_in(base)).values())
    if not total:
        raise TrainingError(f"{base} holds no weights in safetensors")
    return total


@torch.no_grad()
def _begin(model: Any) -> None:
    """First weights: each layer begins as the identity, whatever its size."""
    nn.init.normal_(model.model.embed_tokens.weight, std=0.02)
    for name, weight in model.model.layers.named_parameters():
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            nn.init.zeros_(weight)
        elif weight.dim() == 2:
            nn.init.normal_(weight, std=1 / math.sqrt(weight.size(1)))


@torch.no_grad()
def _look_back(model: Any, steps: tuple[int, ...] = (1, 2, 3), fast: int = 5) -> None:
    """Let the first heads of layer 0 begin by looking 1, 2 and 3 tokens back.

    That is the first half of an induction circuit, which copying needs; found by training it takes about half of the
    tokens of a short run. A constant component of the embedding feeds query and key, and the rotary phase of the
    `fast` quickest frequencies puts the offset in. The weights stay ordinary Qwen3 weights.
    """
    config, attention = model.config, model.model.layers[0].self_attn
    head, width = config.head_dim, config.hidden_size
    group, half = config.num_attention_heads // config.num_key_value_heads, head // 2
    frequencies = config.rope_parameters["rope_theta"] ** (-torch.arange(0, head, 2).float() / head)
    model.model.embed_tokens.weight[:, 0] = 0.1
    for kv in range(math.ceil(len(steps) / group)):
        first = kv * head
        attention.k_proj.weight[first : first + head] *= 0.02
        attention.k_proj.weight[first : first + fast, 0] = 1.0
    for index, step in enumerate(steps):
        first = index * head
        angle = -step * frequencies[:fast]
        attention.q_proj.weight[first : first + head] *= 0.02
        attention.q_proj.weight[first : first + fast, 0] = angle.cos()
        attention.q_proj.weight[first + half : first + half + fast, 0] = angle.sin()
        noise = torch.randn(width, head) / math.sqrt(width)
        attention.o_proj.weight[:, first : first + head] = noise * 0.5
    attention.q_norm.weight.fill_(1.6)
    attention.k_norm.weight.fill_(1.6)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300]
