"""Engines: whatever generates text speaks OpenAI's protocol over HTTP, and `client` is the one that speaks with them.

    kind = "vllm"      vllm.py      starts vLLM's own server as a child, watches it, restarts it, never orphans it
    kind = "openai"    remote.py    somebody else's server
    kind = "scripted"  scripted.py  says what it was told to; for tests and demos

Encoders, which turn texts into vectors, are the same three: `vllm_encoder`, `remote_encoder`, `scripted_encoder`.

torch and vllm are never imported here: they live in another process.
"""

from botcore.engine.build import build_encoder, build_engine
from botcore.engine.scripted import ScriptedEngine

__all__ = ["ScriptedEngine", "build_encoder", "build_engine"]
