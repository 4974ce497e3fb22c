"""What an encoder is: texts go in, vectors come out, and what is near in meaning is near in angle."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from botcore.ports.engine import EngineStatus

if TYPE_CHECKING:
    from array import array

__all__ = ["MOST", "Encoder"]

MOST = 64
"""Texts of one call to `Encoder.encode`: a few MiB of request and a second or two of a CPU."""


class Encoder(Protocol):
    """A model that turns texts into vectors. Runs in another process; ``check_encoder`` is its contract."""

    @property
    def status(self) -> EngineStatus:
        """Where it stands now; never blocks."""
        ...

    @property
    def name(self) -> str:
        """What its vectors are known by, "" until it is known. Vectors of different names are never compared.

        ``model:`` and the beginning of its weights' SHA-256, or ``model@host`` where the weights are not ours; and the
        beginning of another SHA-256 where the settings put something before passages.
        """
        ...

    async def run(self) -> None:
        """Bring the encoder up and keep it up until cancelled; leaves no process behind.

        Never raises for a broken encoder: says so in `status`.
        """
        ...

    async def changed(self) -> None:
        """Return at the next change of `status`."""
        ...

    async def encode(self, texts: Sequence[str], *, question: bool = False) -> list["array[float]"]:
        """One vector of length 1 (``array("f")``) for each text, in order: the sum of products is the cosine.

        ``question``: the texts ask; the others are what is searched (E5 and BGE want a word before each kind, which the
        settings name). A text longer than the model reads is cut. At most `MOST` texts, 64; `ValueError` above.
        Raises `EngineUnavailable`, `EngineTimeout`, `EngineRejected`. Cancelling it closes the request.
        """
        ...
