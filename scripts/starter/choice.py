"""Which tokens may come next if the answer is to be one of a few texts: what vLLM does for `structured_outputs.choice`.

Every token that goes on with one of the texts may come, however it cuts them; a text need not be cut as the tokenizer would.
"""

from collections.abc import Mapping, Sequence

__all__ = ["Choice", "pieces"]

LONGEST = 24
"""Bytes of a token that is looked for."""
_PLAIN = [*range(33, 127), *range(161, 173), *range(174, 256)]
_SHIFTED = [byte for byte in range(256) if byte not in _PLAIN]
_BYTES = {chr(byte): byte for byte in _PLAIN} | {chr(256 + at): byte for at, byte in enumerate(_SHIFTED)}
"""How byte-level BPE writes bytes as letters that can be printed."""


def pieces(vocabulary: Mapping[str, int]) -> dict[bytes, int]:
    """Return the token of each run of bytes; special tokens are none."""
    return {
        bytes(_BYTES[letter] for letter in token): id
        for token, id in vocabulary.items()
        if not token.startswith("<|") and all(letter in _BYTES for letter in token)
    }


class Choice:
    """The texts that one answer may be."""

    def __init__(self, texts: Sequence[str], pieces: Mapping[bytes, int], end: int) -> None:
        self._texts = list(dict.fromkeys(text.encode() for text in texts))
        self._pieces, self._end = pieces, end
        self._said = {id: piece for piece, id in pieces.items()}

    def allowed(self, ids: Sequence[int]) -> list[int]:
        """Return what may come after these tokens; where one text alone is left, its end, for no choice is left."""
        said = self._bytes(ids)
        rests = [text[len(said) :] for text in self._texts if text.startswith(said)]
        if len(rests) < 2:
            return [self._end]
        found = {self._pieces.get(rest[:size]) for rest in rests for size in range(1, min(len(rest), LONGEST) + 1)}
        return sorted({id for id in found if id is not None} | ({self._end} if b"" in rests else set()))

    def whole(self, ids: Sequence[int]) -> str:
        """Return the text that these tokens have chosen."""
        said = self._bytes(ids)
        left = [text for text in self._texts if text.startswith(said)]
        return min(left, key=len).decode()

    def _bytes(self, ids: Sequence[int]) -> bytes:
        """What was said before the end."""
        kept = ids[: ids.index(self._end)] if self._end in ids else ids
        return b"".join(self._said[id] for id in kept)
