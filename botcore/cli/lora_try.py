"""Base and LoRA version side by side, before anybody is served by it."""

import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.cli.common import opened

if TYPE_CHECKING:
    from botcore.ports import LoraEngine
    from botcore.settings import EngineSettings, Settings
    from botcore.versions import LoraFiles

__all__ = ["compared"]

CACHE_GIB = 0.25
"""Of KV cache: a few short answers, beside the engine of a running bot."""
MOST_TOKENS = 160


async def compared(
    settings: "Settings", name: str, prompts: Sequence[str], say: Callable[[str], None]
) -> list[tuple[str, str, str]]:
    """(prompt, the base's answer, the version's), without sampling. Raises `ModelError` or an `EngineError`."""
    from botcore.cli.lora_offer import offered

    async with opened(settings) as bot:
        version = await offered(bot, name)
        files = await bot.loras.files(version)
    async with _engine(settings, files, say) as engine:
        return [
            (prompt, await _answer(engine, prompt, "", say), await _answer(engine, prompt, name, say))
            for prompt in prompts
        ]


@asynccontextmanager
async def _engine(settings: "Settings", files: "LoraFiles", say: Callable[[str], None]) -> "AsyncIterator[LoraEngine]":
    """An engine that has the version; of its own, where the bot's is a local one."""
    import asyncio

    from botcore.clock import SystemClock
    from botcore.engine import build_engine
    from botcore.errors import EngineRejected
    from botcore.ports import LoraEngine

    with tempfile.TemporaryDirectory(prefix="botcore-try-") as own:
        engine = build_engine(await _settings_of_its_own(settings), data_dir=Path(own), clock=SystemClock())
        if not isinstance(engine, LoraEngine):
            raise EngineRejected(f'engine.kind = "{settings.engine.kind}" cannot serve LoRA versions')
        await engine.serve(files)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(engine.run(), name="engine")
            try:
                await _ready(engine, say)
                await engine.serve(files)  # what was refused at the start says why now
                yield engine
            finally:
                running.cancel()


async def _settings_of_its_own(settings: "Settings") -> "EngineSettings":
    import asyncio

    from botcore.engine.environment import find_engine
    from botcore.engine.fit import fit
    from botcore.engine.model import find_model
    from botcore.engine.room import room
    from botcore.errors import EngineUnavailable
    from botcore.models import facts_of

    if settings.engine.kind != "vllm":
        return settings.engine
    data_dir = settings.bot.data_dir
    python = (await find_engine(settings.engine, data_dir)).path
    model = find_model(settings.engine.model, data_dir=data_dir).source
    cache = min(CACHE_GIB, settings.engine.kv_cache_gib)
    own = settings.engine.model_copy(update={"python": str(python), "model": model, "kv_cache_gib": cache})
    found = fit(facts_of(Path(model)), await asyncio.to_thread(room), own)  # a driver may hang
    if found.verdict in ("no", "tight"):
        raise EngineUnavailable(f"there is no room for a second engine, to try it beside what runs: {found.why}")
    return own


async def _ready(engine: "LoraEngine", say: Callable[[str], None]) -> None:
    from botcore.errors import EngineUnavailable

    while engine.status.stage != "ready":
        if engine.status.stage == "failed":
            raise EngineUnavailable(f"the engine does not start: {engine.status.detail}")
        say(engine.status.detail or "starting an engine")
        await engine.changed()


async def _answer(engine: "LoraEngine", prompt: str, model: str, say: Callable[[str], None]) -> str:
    from botcore.messages import PromptMessage, Sampling
    from botcore.ports import Prompt

    say(f"{model or 'the base'} answers {prompt[:40]!r}")
    asked = Prompt(messages=(PromptMessage(role="user", content=prompt),))
    async with aclosing(engine.generate(asked, Sampling(temperature=0, max_tokens=MOST_TOKENS), model=model)) as deltas:
        return "".join([delta.text async for delta in deltas])
