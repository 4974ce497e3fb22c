"""``kind = "vllm"``: an encoder on a vLLM of our own, beside the engine's and kept up like it (`lane.py`).

It has a home, a log and a key of its own: the two never meet.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from botcore.clock import Clock
from botcore.engine.board import OnBoard
from botcore.engine.command import ServerPlan
from botcore.engine.footing import Footing
from botcore.engine.lane import Lane
from botcore.engine.model import Model, find_model
from botcore.engine.transport import Deadlines
from botcore.engine.vectors import known_by, prefixed
from botcore.errors import EngineUnavailable, ModelError
from botcore.models.weights import weights_in
from botcore.ports import EngineStatus
from botcore.settings import EncoderSettings, EngineSettings

if TYPE_CHECKING:
    from array import array

__all__ = ["VllmEncoder", "encoder_model"]

SOCKET = "encoder.sock"


class VllmEncoder(OnBoard):
    """An `Encoder` that owns its server."""

    def __init__(self, settings: EncoderSettings, *, engine: EngineSettings, data_dir: Path, clock: Clock) -> None:
        """``engine`` says which Python has vLLM, and whether it may be installed."""
        super().__init__(EngineStatus(stage="off", model=settings.model))
        self._settings = settings
        self._clock = clock
        self._footing = Footing("encoder", engine, self._board, data_dir=data_dir, clock=clock)
        self._lane: Lane | None = None
        self._name = ""

    @property
    def name(self) -> str:
        """See `Encoder.name`."""
        return self._name

    async def run(self) -> None:
        """See `Encoder.run`: install where needed, then serve until cancelled."""
        await self._footing.run(self._serve)

    async def _serve(self) -> None:
        try:
            model = encoder_model(self._settings, self._footing.data_dir)
            self._name = known_by(await asyncio.to_thread(_fingerprinted, model), self._settings)
        except ModelError as error:
            raise EngineUnavailable(f"encoder.model: {error}") from None
        self._lane = self._made(model)
        try:
            await self._lane.keep()
        finally:
            self._lane = None

    def _made(self, model: Model) -> Lane:
        footing, seconds = self._footing, self._settings.timeout_s
        plan = ServerPlan(
            python=footing.python.path,
            model=model,
            socket=footing.home / SOCKET,
            key=secrets.token_urlsafe(24),
            inside=footing.inside,
            pooling=True,
            gpu=footing.python.build == "cuda",
        )
        # A call may be two requests: for so long it is busy, and not in doubt.
        deadlines = Deadlines(question=seconds, first_token=2 * seconds)
        return Lane(plan, data_dir=footing.data_dir, clock=self._clock, deadlines=deadlines, report=self._board.show)

    async def encode(self, texts: Sequence[str], *, question: bool = False) -> list["array[float]"]:
        """See `Encoder.encode`."""
        given = prefixed(texts, self._settings, question=question)
        if self._lane is None or self._lane.client is None:
            raise self._not_ready("encoder")
        return await self._lane.encode(given)


def encoder_model(settings: EncoderSettings, data_dir: Path) -> Model:
    """The model of ``encoder.model``. Raises `ModelError` where there is none, or where it is no encoder."""
    model = find_model(settings.model, data_dir=data_dir)
    if not model.encoder:
        raise ModelError(
            f"{settings.model} is no encoder: it generates text; take one that was made for vectors, "
            "such as sentence-transformers/all-MiniLM-L6-v2"
        )
    return model


def _fingerprinted(model: Model) -> str:
    """The model's name and the beginning of its weights' SHA-256; blocks about a second for each GB."""
    digest = hashlib.sha256()
    for path in weights_in(Path(model.source)):
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    return f"{model.name}:{digest.hexdigest()[:12]}"
