"""Whole training conversations: a system prompt, then a few segments from the families of this package."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scripts.starter import apart, finding, passages, reading
from scripts.starter.apart import TOLD
from scripts.starter.chat import Chat
from scripts.starter.dialogue import Message, Pair
from scripts.starter.framing import ANSWERED, Posed, framed, pointed
from scripts.starter.grammar import Grammar
from scripts.starter.instruct import copying, drills, instruction
from scripts.starter.memory import remembering
from scripts.starter.tales import telling

__all__ = ["SHARES", "Corpus", "Mixture", "digest", "fingerprint"]

SHARES = {"passages": 57, "instruct": 17, "chat": 12, "copying": 2, "tales": 8, "memory": 5}
"""Conversations of 101. Passages are most: finding, copying and numbering a sentence take the most learning."""
NATURAL, FINDING = 0.4, 0.15
"""Shares of the passages that are natural ones, and whose sentences are about nothing; the others come from the grammar."""
SAMPLED = 5_000
"""Conversations that a fingerprint covers."""
LONG_ENOUGH = 2_200
"""Characters after which a long row grows no more; most of what is longer would pass 1,024 tokens and be dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """What the conversations are about: how many of which family, and how many questions about passages are answered."""

    shares: Mapping[str, int] = field(default_factory=lambda: SHARES)
    answered: float = ANSWERED
    told: float = TOLD
    """Of the questions in sets about one subject, so many are answered."""
    added: bool = False
    """Whether wording is used that the first sittings did not have."""
    further: bool = False
    """Whether natural passages have further questions that they do not answer."""
    long_from: float = 0.80
    """The share of the tokens after which long rows begin."""
    pointed: float = 0.0
    """Of the questions about passages, so many ask for the number alone."""
    many: int = 12
    """Questions to a set of facts, at most; at least half as many. Reading the set costs the most."""


class Corpus:
    """Conversations without end; one seed and mixture, one corpus."""

    def __init__(self, seed: int, mixture: Mixture = Mixture(), *, held: bool = False) -> None:
        self.grammar = Grammar(seed, held=held, added=mixture.added)
        self._mixture = mixture

    def texts(self, conversations: int) -> Iterator[str]:
        """Yield the texts of so many conversations, for the tokenizer."""
        for _ in range(conversations):
            for message in self.conversation("all"):
                yield message.text

    def conversation(self, stage: str) -> list[Message]:
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

    def _passages(self, family: str, stage: str) -> list[Message]:
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
        posed = self._posed(chat, family)
        if self._mixture.pointed:
            posed = pointed(self.grammar, posed, self._mixture.pointed)
        return framed(self.grammar, chat, posed, inside_system=inside_system)

    def _posed(self, chat: Chat, family: str) -> Posed:
        if family == "apart":
            return apart.posed(self.grammar, self._mixture.told)
        if family == "facts":
            most = self._mixture.many
            return passages.posed(self.grammar, chat, self._mixture.answered, (most // 2, most))
        share = 0.0 if family == "natural" else self.grammar.random.random()
        if share < NATURAL:
            return reading.posed(self.grammar, self._mixture.answered, further=self._mixture.further)
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


def digest(seed: int, conversations: int, mixture: Mixture = Mixture()) -> str:
    """Return the SHA-256 of so many conversations of a seed: equal on every machine with the same files."""
    corpus, total = Corpus(seed, mixture), hashlib.sha256()
    for _ in range(conversations):
        for message in corpus.conversation("all"):
            total.update(f"{message.role}\0{message.text}\0".encode())
    return total.hexdigest()


def fingerprint(seed: int, mixture: Mixture) -> str:
    """Return the SHA-256 of the first conversations of a run with this seed: the one that the model card names."""
    return digest(seed + 2, SAMPLED, mixture)
