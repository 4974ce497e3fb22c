"""``kind = "openai"``: an encoder on somebody else's server with ``/v1/embeddings``. We watch it; we do not run it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botcore.clock import Clock, wait_at_most
from botcore.engine.board import Board
from botcore.engine.client import Deadlines, OpenAIClient, ServedModel, shown
from botcore.engine.vectors import known_by, prefixed
from botcore.errors import EngineError, EngineRejected, EngineUnavailable, PromptTooLong
from botcore.ports import EngineStatus
from botcore.settings import EncoderSettings

if TYPE_CHECKING:
    from array import array

__all__ = ["RemoteEncoder"]

logger: logging.Logger = logging.getLogger(__name__)

LOOK_EVERY = 60.0
"""Seconds between two looks at a server that is well: each is one word, and somebody may pay for it."""
LONGEST_PAUSE = 60.0
LOOK_WITHIN = 60.0
"""Seconds for that word: a server may load the model on demand."""
SHORTEST = 200
"""Characters that every encoder reads."""


class RemoteEncoder:
    """An `Encoder` on a server of somebody else."""

    def __init__(self, settings: EncoderSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._shown = shown(settings.base_url)
        self._who = f"the encoder at {self._shown}"
        self._clock = clock
        self._board = Board(EngineStatus(stage="off", model=settings.model))
        self._doubt = asyncio.Event()
        self._client = OpenAIClient(
            settings.base_url,
            clock=clock,
            api_key=settings.api_key.get_secret_value(),
            deadlines=Deadlines(question=settings.timeout_s),
            table="encoder",
        )

    @property
    def status(self) -> EngineStatus:
        """See `Encoder.status`."""
        return self._board.status

    @property
    def name(self) -> str:
        """See `Encoder.name`."""
        model, host = self.status.model, urlsplit(self._shown).netloc
        return known_by(f"{model}@{host}", self._settings) if model else ""

    async def changed(self) -> None:
        """See `Encoder.changed`."""
        await self._board.changed()

    async def look(self) -> str:
        """The model it encodes with, asked once and not while it runs. Raises `EngineError` with what is wrong."""
        async with self._client:
            return (await self._tried()).id

    async def run(self) -> None:
        """Look at the server until cancelled: each minute while it is well, after 1, 2, 4 … 60 s while it is not."""
        async with self._client:
            self._board.show(stage="model", detail=f"connecting to {self._shown}")
            pause = 1.0
            try:
                while True:
                    pause = await self._look(pause)
            finally:
                self._board.show(stage="off", detail="")

    async def _look(self, pause: float) -> float:
        """One look and the wait after it; the pause to take after the next failure."""
        self._doubt.clear()
        try:
            model = await self._tried()
        except EngineError as error:
            self._board.show(stage="failed", detail=f"{error}; next look in {pause:g} s")
            logger.warning("encoder: %s; next look in %g s", error, pause)
            await self._clock.sleep(pause)
            return min(pause * 2, LONGEST_PAUSE)
        self._board.show(stage="ready", detail=self._shown, model=model.id, window=model.window)
        await wait_at_most(LOOK_EVERY, self._doubt, self._clock)  # or until a request fails
        return 1.0

    async def _tried(self) -> ServedModel:
        """The model, once it has made a vector. Raises what is wrong."""
        model = self._choose(await self._client.models(named=self._settings.model))
        await self._client.probe_vector(model=model.id, seconds=LOOK_WITHIN)
        return model

    def _choose(self, served: Sequence[ServedModel]) -> ServedModel:
        """The one of the settings, which a list may have under another spelling; else the only one."""
        named = self._settings.model
        for model in served:
            if model.id == named or (not named and len(served) == 1):
                return model
        if named:
            return ServedModel(id=named)
        names = ", ".join(model.id for model in served[:5])
        of = f"serves {len(served)} models; set encoder.model to one of: {names}"
        raise EngineRejected(f"{self._who} {of if served else 'names no model; set encoder.model'}")

    async def encode(self, texts: Sequence[str], *, question: bool = False) -> list["array[float]"]:
        """See `Encoder.encode`."""
        given = prefixed(texts, self._settings, question=question)
        if self.status.stage != "ready":
            raise EngineUnavailable(f"the encoder is not ready: {self.status.detail or self.status.stage}")
        try:
            return await self._cut_to_fit(given)
        except EngineUnavailable:
            self._doubt.set()
            if self.status.stage == "ready":  # at once: the next one does not wait for a server that is gone
                self._board.show(stage="warmup", detail="looking whether the server still answers")
            raise

    async def _cut_to_fit(self, texts: Sequence[str]) -> list["array[float]"]:
        """Half of the longest, and half of that, where the server does not cut by itself what is too long."""
        while True:
            try:
                return await self._client.embed(texts, model=self.status.model)
            except PromptTooLong:
                longest = max(map(len, texts))
                if longest <= SHORTEST:
                    raise
                texts = [text[: longest // 2] for text in texts]
