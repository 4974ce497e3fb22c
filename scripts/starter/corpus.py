"""Whole training conversations: a system prompt, then a few segments from the families of this package."""

import hashlib
from collections.abc import Iterator, Mapping

from scripts.starter.chat import Chat
from scripts.starter.dialogue import Message, Pair
from scripts.starter.finding import finding
from scripts.starter.grammar import Grammar
from scripts.starter.instruct import copying, instruction
from scripts.starter.memory import remembering
from scripts.starter.passages import asking
from scripts.starter.reading import reading
from scripts.starter.tales import telling

__all__ = ["SHARES", "Corpus", "digest", "fingerprint"]

SHARES = {"passages": 57, "instruct": 17, "chat": 12, "copying": 2, "tales": 8, "memory": 5}
"""Conversations of 101. Passages are most: finding, copying and numbering a sentence take the most learning."""
NATURAL, FINDING = 0.4, 0.15
"""Shares of the passages that are natural ones, and whose sentences are about nothing; the others come from the grammar."""
SAMPLED = 5_000
"""Conversations that a fingerprint covers."""
LONG_ENOUGH = 2_200
"""Characters after which a long row grows no more; most of what is longer would pass 1,024 tokens and be dropped."""


class Corpus:
    """Conversations without end; one seed, one corpus."""

    def __init__(self, seed: int, *, held: bool = False, shares: Mapping[str, int] = SHARES) -> None:
        self.grammar = Grammar(seed, held=held)
        self._shares = shares

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
        family = random.choices(tuple(self._shares), tuple(self._shares.values()))[0]
        if family == "passages":
            return self._passages(stage)
        if family == "copying":
            return _messages("", copying(self.grammar))
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
            if kind == "chat":
                pairs += chat.segment()
            else:
                pairs += telling(self.grammar) if kind == "tales" else instruction(self.grammar)
        return pairs

    def _passages(self, stage: str) -> list[Message]:
        chat = Chat(self.grammar)
        count = 2 + self.grammar.random.randrange(4) if stage == "long" and self.grammar.chance(0.6) else 1
        system, pairs = self._questions(chat, inside_system=count == 1 and self.grammar.chance(0.35))
        if self.grammar.chance(0.15):
            pairs = chat.segment() + pairs
        for _ in range(count - 1):
            if _length(pairs) < LONG_ENOUGH:
                pairs += self._questions(chat, inside_system=False)[1]
        return _messages(system, pairs)

    def _questions(self, chat: Chat, *, inside_system: bool) -> tuple[str, list[Pair]]:
        (ask,) = self.grammar.random.choices((reading, finding, asking), (NATURAL, FINDING, 1 - NATURAL - FINDING))
        return ask(self.grammar, chat, inside_system=inside_system)


def _length(pairs: list[Pair]) -> int:
    return sum(len(ask) + len(answer) for ask, answer in pairs)


def _messages(system: str, pairs: list[Pair]) -> list[Message]:
    messages = [Message(role="system", text=system)] if system else []
    for user, answer in pairs:
        messages += [Message(role="user", text=user), Message(role="assistant", text=answer)]
    return messages


def digest(seed: int, conversations: int, shares: Mapping[str, int] = SHARES) -> str:
    """Return the SHA-256 of so many conversations of a seed: equal on every machine with the same files."""
    corpus, total = Corpus(seed, shares=shares), hashlib.sha256()
    for _ in range(conversations):
        for message in corpus.conversation("all"):
            total.update(f"{message.role}\0{message.text}\0".encode())
    return total.hexdigest()


def fingerprint(seed: int, shares: Mapping[str, int]) -> str:
    """Return the SHA-256 of the first conversations of a run with this seed: the one that the model card names."""
    return digest(seed + 2, SAMPLED, shares)
