"""Write the Hugging Face checkpoint: `python -m scripts.starter.export build/starter botcore/starter`.

The weights are rounded to bfloat16 here and nowhere else. The copy of the output matrix is left out: it is tied.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, GenerationConfig, Qwen3Config

from scripts.starter.network import Shape

__all__ = ["export"]


def export(source: Path, target: Path) -> None:
    """Write config, generation config, weights, tokenizer and chat template to `target`."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    config(Shape(), pad=tokenizer.pad_token_id, end=tokenizer.eos_token_id).save_pretrained(target)
    GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_p=0.95,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    ).save_pretrained(target)
    weights = load_file(source / "weights.safetensors")
    rounded = {f"model.{name}": weight.to(torch.bfloat16).contiguous() for name, weight in weights.items()}
    save_file(rounded, target / "model.safetensors", metadata={"format": "pt"})
    (target / "model.safetensors").chmod(0o644)  # it is written for the owner alone
    tokenizer.save_pretrained(target)
    for path in sorted(target.iterdir()):
        print(f"{path.stat().st_size:>9} {path.name}")


def config(shape: Shape, *, pad: int, end: int) -> Qwen3Config:
    """Return the transformers configuration of the shape."""
    return Qwen3Config(
        architectures=["Qwen3ForCausalLM"],
        vocab_size=shape.vocab,
        hidden_size=shape.width,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head,
        max_position_embeddings=shape.context,
        rope_parameters={"rope_type": "default", "rope_theta": shape.theta},
        tie_word_embeddings=True,
        attention_bias=False,
        bos_token_id=None,
        eos_token_id=end,
        pad_token_id=pad,
        dtype="bfloat16",
    )


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
