"""``kind = "openai"``: an encoder on somebody else's server with ``/v1/embeddings``. We watch it; we do not run it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botcore.clock import Clock
from botcore.engine.client import OpenAIClient, ServedModel
from botcore.engine.transport import Deadlines
from botcore.engine.vectors import known_by, prefixed
from botcore.engine.watched import Watched
from botcore.errors import EngineRejected, EngineUnavailable, PromptTooLong
from botcore.settings import EncoderSettings

if TYPE_CHECKING:
    from array import array

__all__ = ["RemoteEncoder"]

LOOK_EVERY = 60.0
"""Seconds between two looks at a server that is well: each is one word, and somebody may pay for it."""
LOOK_WITHIN = 60.0
"""Seconds for that word: a server may load the model on demand."""
SHORTEST = 200
"""Characters that every encoder reads."""


class RemoteEncoder(Watched):
    """An `Encoder` on a server of somebody else."""

    def __init__(self, settings: EncoderSettings, *, clock: Clock) -> None:
        client = OpenAIClient(
            settings.base_url,
            clock=clock,
            api_key=settings.api_key.get_secret_value(),
            deadlines=Deadlines(question=settings.timeout_s),
            table="encoder",
        )
        super().__init__("encoder", settings.base_url, client, model=settings.model, look_every=LOOK_EVERY, clock=clock)
        self._settings = settings

    @property
    def name(self) -> str:
        """See `Encoder.name`."""
        model, host = self.status.model, urlsplit(self._shown).netloc
        return known_by(f"{model}@{host}", self._settings) if model else ""

    async def look(self) -> str:
        """The model it encodes with, asked once and not while it runs. Raises `EngineError` with what is wrong."""
        async with self._client:
            return (await self._tried()).id

    async def _check(self) -> None:
        self._doubt.clear()
        model = await self._tried()
        self._board.show(stage="ready", detail=self._shown, model=model.id, window=model.window)

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
            raise self._not_ready("encoder")
        try:
            return await self._cut_to_fit(given)
        except EngineUnavailable:
            self._suspect()
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
