"""What an encoder brings to answers from documents: `python benchmarks/retrieval.py MODEL [ENGINE_PYTHON]`.

MODEL is the folder of a BERT-style encoder, such as all-MiniLM-L6-v2. Three libraries are read (our own documents, a
small handbook, the passages kept back from the training of the model in the box) and asked questions that they answer
and questions that they do not, by words alone and with the encoder: how often the first passage is the right one, how
often one of three, how often something is shown that is no answer. Then what a vector costs: seconds to ready,
milliseconds for a question, passages a second in batches.
"""

import asyncio
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botcore_qa
from botcore.clock import SystemClock
from botcore.engine.build import build_encoder
from botcore.engine.environment import PROJECT
from botcore.ports import Encoder
from botcore.settings import EncoderSettings, EngineSettings
from botcore.store import Store
from botcore.testing.checks_engine import running
from botcore_qa.meaning import AT_ONCE, Meaning
from botcore_qa.score import answers, mood, ranked
from botcore_qa.search import look_up
from botcore_qa.vectors import keep, unencoded
from botcore_qa.words import question_stems
from scripts.starter.natural import held_out
from tests.plugins.conftest import HANDBOOK as FOLDER
from tests.plugins.qa_questions import HANDBOOK, HANDBOOK_OFF, OFF, OWN

SETTINGS = botcore_qa.QASettings()
ALONE, BATCHES = 50, 10
"""Questions and batches that are timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Documents, questions with the source that answers, and questions without an answer."""

    name: str
    paths: Sequence[str | Path]
    told: Sequence[tuple[str, str]]
    untold: Sequence[str]


def libraries(folder: Path) -> list[Library]:
    told, untold = list[tuple[str, str]](), list[str]()
    folder.mkdir()
    for number, passage in enumerate(held_out()):
        (folder / f"{number:02}.md").write_text(passage.text)
        for ask, at in passage.questions:
            (untold.append(ask) if at is None else told.append((ask, f"{number:02}.md")))
    return [
        Library(name="our documents", paths=["self"], told=OWN, untold=OFF),
        Library(name="a handbook", paths=[FOLDER], told=HANDBOOK, untold=HANDBOOK_OFF),
        Library(name="natural passages", paths=[folder], told=told, untold=untold),
    ]


async def main(model: str, python: str, directory: Path) -> None:
    settings = EncoderSettings(kind="vllm", model=model)
    encoder = build_encoder(settings, engine=EngineSettings(python=python), data_dir=directory, clock=SystemClock())
    assert encoder
    began = time.perf_counter()
    async with running(encoder, ready_within=600):
        print(f"{encoder.name}, ready after {time.perf_counter() - began:.0f} s")
        for library in libraries(directory / "natural"):
            async with opened(library, encoder, directory / library.name) as (store, meaning):
                print(f"{library.name}: {len(library.told)} questions it answers, {len(library.untold)} it does not")
                print("   words alone    ", await figures(store, library, None))
                print("   and an encoder ", await figures(store, library, meaning))
        await costs(encoder)


@asynccontextmanager
async def opened(library: Library, encoder: Encoder, directory: Path) -> AsyncIterator[tuple[Store, Meaning]]:
    """The library in a store of its own, every passage with its vector."""
    clock = SystemClock()
    async with Store(f"sqlite:///{directory}/botcore.db", clock=clock, data_dir=directory) as store:
        await store.migrate("qa", botcore_qa.MIGRATIONS)
        await botcore_qa.ingest(store, library.paths, clock=clock)
        while waiting := await store.read(unencoded, encoder=encoder.name, limit=AT_ONCE):
            vectors = await encoder.encode(list(waiting.values()))
            await store.write(keep, encoder=encoder.name, vectors=dict(zip(waiting, vectors, strict=True)))
        bot: Any = SimpleNamespace(clock=clock, database=store)
        meaning = Meaning(bot, encoder)
        await meaning.learn()
        yield store, meaning


async def figures(store: Store, library: Library, meaning: Meaning | None) -> str:
    first = among = wrong = 0
    for question, source in library.told:
        shown = await sources(store, question, meaning)
        first += source in "".join(shown[:1])
        among += any(source in one for one in shown)
    for question in library.untold:
        wrong += bool(await sources(store, question, meaning))
    return f"right first {first}, among three {among}; shown without an answer {wrong}"


async def sources(store: Store, text: str, meaning: Meaning | None) -> list[str]:
    """Where the passages come from that would be shown; none where the documents do not answer."""
    question = await store.read(look_up, question_stems(text))
    question = await meaning.weighed(question, text) if meaning else question
    best, limits = ranked(question), SETTINGS
    if not answers(mood(text), question, best, threshold=limits.threshold, strong=limits.strong):
        return []
    return [one.hit.source for one in best[: limits.passages]]


async def costs(encoder: Encoder) -> None:
    text = "The harbour office opens at seven and closes at noon. " * 10
    alone, batches = list[float](), list[float]()
    for number in range(ALONE):
        began = time.perf_counter()
        await encoder.encode([f"When does office {number} open?"], question=True)
        alone.append((time.perf_counter() - began) * 1e3)
    for number in range(BATCHES):
        began = time.perf_counter()
        await encoder.encode([f"{number} {place} {text}" for place in range(AT_ONCE)])
        batches.append(AT_ONCE / (time.perf_counter() - began))
    print(
        f"a question {statistics.median(alone):.0f} ms; passages of 550 signs {statistics.median(batches):.0f} a second"
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    chosen = sys.argv[2] if len(sys.argv) > 2 else str(PROJECT / ".venv-engine" / "bin" / "python")
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {time.strftime('%Y-%m-%d')}")
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(main(sys.argv[1], chosen, Path(scratch)))
