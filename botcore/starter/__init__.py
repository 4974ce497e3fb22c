"""The model in the box: a small Qwen3 checkpoint that vLLM loads like any other; nothing here runs."""

from pathlib import Path

__all__ = ["PATH"]

PATH = Path(__file__).parent
