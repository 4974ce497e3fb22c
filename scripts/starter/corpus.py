"""Whole training conversations: a system prompt, then a few segments from the families of this package."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from scripts.starter import apart, finding, passages, reading
from scripts.starter.apart import TOLD
from scripts.starter.chat import Chat
from scripts.starter.dialogue import Message, Pair
from scripts.starter.framing import ANSWERED, Posed, framed
from scripts.starter.grammar import Grammar
from scripts.starter.instruct import copying, drills, instruction
from scripts.starter.memory import remembering
from scripts.starter.tales import telling

__all__ = ["CONVERSATIONS", "COPYING", "SHARES", "Corpus", "Mixture", "Stage", "digest", "fingerprint", "written"]

Stage = Literal["copying", "all", "long"]
"""The first course, the whole mixture, and rows of up to 1,024 tokens."""
SHARES = {"passages": 57, "instruct": 17, "chat": 12, "copying": 2, "tales": 8, "memory": 5}
"""Conversations of 101. Passages are most: finding, copying and numbering a sentence take the most learning."""
NATURAL, FINDING = 0.4, 0.15
"""Shares of the passages that are natural ones, and whose sentences are about nothing; the others come from the grammar."""
CONVERSATIONS = 2000
"""Of a chunk."""
COPYING = 16
"""Chunks that a run from nothing begins with: some two million tokens."""
APART = 1_000_000
"""Between the first chunks of two seeds."""
LONG_ENOUGH = 2_000
"""Characters after which a long row grows no more; most of what is longer would pass 1,024 tokens and be dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """What the conversations are about: how many of which family, and how many questions about passages are answered."""

    shares: Mapping[str, int] = field(default_factory=lambda: SHARES)
    answered: float = ANSWERED
    told: float = TOLD
    """Of the questions in sets about one subject, so many are answered."""
    long_from: float = 0.80
    """The share of the conversations after which long rows begin."""
    many: int = 12
    """Questions to a set of facts, at most; at least half as many. Reading the set costs the most."""


class Corpus:
    """Conversations without end; one seed and mixture, one corpus."""

    def __init__(self, seed: int, mixture: Mixture = Mixture(), *, held: bool = False) -> None:
        self.grammar = Grammar(seed, held=held, added=True)
        self._mixture = mixture

    def texts(self, conversations: int) -> Iterator[str]:
        """Yield the texts of so many conversations, for the tokenizer."""
        for _ in range(conversations):
            for message in self.conversation("all"):
                yield message.text

    def conversation(self, stage: Stage) -> list[Message]:
        """Return one conversation: `copying` for the first course, `all`, or `long` with rows of up to 1,024 tokens."""
        random = self.grammar.random
        if stage == "copying":
            return _messages("", copying(self.grammar) if random.random() < 0.7 else instruction(self.grammar))
        shares = self._mixture.shares
        family = random.choices(tuple(shares), tuple(shares.values()))[0]
        if family in ("passages", "facts", "natural", "apart"):
            return self._passages(family, stage)
        if family in ("copying", "drills"):
            return _messages("", (copying if family == "copying" else drills)(self.grammar))
        chat = Chat(self.grammar)
        if family == "memory":
            system, pairs = remembering(self.grammar, chat)
            return _messages(system, pairs)
        pairs = self._mixed(chat, family)
        if stage == "long" and random.random() < 0.3:
            for _ in range(random.randint(4, 25)):
                if _length(pairs) < LONG_ENOUGH:
                    pairs += self._mixed(chat, random.choice(("chat", "tales", "instruct")))
        return _messages(chat.system(), pairs)

    def _mixed(self, chat: Chat, family: str) -> list[Pair]:
        """One to four short segments, the first of the family."""
        pairs: list[Pair] = []
        for index in range(self.grammar.pick((1, 1, 2, 3, 4))):
            kind = family if index == 0 else self.grammar.pick(("chat", "chat", "instruct", "instruct", "tales"))
            if kind in ("chat", "wider"):
                pairs += chat.segment() if kind == "chat" else chat.wider()
            else:
                pairs += telling(self.grammar) if kind == "tales" else instruction(self.grammar)
        return pairs

    def _passages(self, family: str, stage: Stage) -> list[Message]:
        chat = Chat(self.grammar)
        count = 2 + self.grammar.random.randrange(4) if stage == "long" and self.grammar.chance(0.6) else 1
        system, pairs = self._questions(chat, family, inside_system=count == 1 and self.grammar.chance(0.35))
        if self.grammar.chance(0.15):
            pairs = chat.segment() + pairs
        for _ in range(count - 1):
            if _length(pairs) < LONG_ENOUGH:
                pairs += self._questions(chat, family, inside_system=False)[1]
        return _messages(system, pairs)

    def _questions(self, chat: Chat, family: str, *, inside_system: bool) -> tuple[str, list[Pair]]:
        """A system prompt and some questions; the passages stand in the prompt or before the first question."""
        return framed(self.grammar, chat, self._posed(chat, family), inside_system=inside_system)

    def _posed(self, chat: Chat, family: str) -> Posed:
        if family == "apart":
            return apart.posed(self.grammar, self._mixture.told)
        if family == "facts":
            most = self._mixture.many
            return passages.posed(self.grammar, chat, self._mixture.answered, (most // 2, most))
        share = 0.0 if family == "natural" else self.grammar.random.random()
        if share < NATURAL:
            return reading.posed(self.grammar, self._mixture.answered)
        if share < NATURAL + FINDING:
            return finding.posed(self.grammar)
        return passages.posed(self.grammar, chat, self._mixture.answered)


def _length(pairs: list[Pair]) -> int:
    return sum(len(ask) + len(answer) for ask, answer in pairs)


def _messages(system: str, pairs: list[Pair]) -> list[Message]:
    messages = [Message(role="system", text=system)] if system else []
    for user, answer in pairs:
        messages += [Message(role="user", text=user), Message(role="assistant", text=answer)]
    return messages


def digest(talks: Iterable[Sequence[Message]]) -> str:
    """Return the SHA-256 of conversations: equal on every machine with the same files."""
    total = hashlib.sha256()
    for message in chain.from_iterable(talks):
        total.update(f"{message.role}\0{message.text}\0".encode())
    return total.hexdigest()


def written(seed: int, mixture: Mixture, number: int, stage: Stage) -> Iterator[list[Message]]:
    """Yield the conversations of one chunk."""
    corpus = Corpus((seed + 1) * APART + number, mixture)
    for _ in range(CONVERSATIONS):
        yield corpus.conversation(stage)


def fingerprint(seed: int, mixture: Mixture) -> str:
    """Return the SHA-256 of what the first chunk about everything says: the one that the model card names."""
    return digest(written(seed, mixture, COPYING, "all"))
