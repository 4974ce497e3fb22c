"""Questions about the natural passages: the task of passages.py, on text as people write it.

Five hundred passages would be known by heart before the end of a run. So none is shown twice alike: it is cut to a run of
its sentences, stands among others, and its names, towns and numbers change. A question whose sentence was cut away is one
that the passages do not answer.
"""

import re
from collections.abc import Callable, Sequence

from scripts.starter.dialogue import Pair
from scripts.starter.framing import ANSWERED, QUESTIONS, REFUSAL, Posed, hurried, quoted
from scripts.starter.grammar import Grammar, capital
from scripts.starter.natural import PROPER, PROPER_KINDS, Passage, training

__all__ = ["posed", "varied"]

MOST_WORDS = 260
"""Of all passages together: with the questions about 600 of 1,024 tokens."""

_WORD = re.compile(r"[a-z]{4,}")
_EMPTY = {
    word[:5]
    for word in (
        "what when where which whom whose does have with from that this there must should could would many much long "
        "often take need will your they them then make time people about into after before possible happen will"
    ).split()
}
_NUMBER = re.compile(r"(?<![\d.,:/+-])\d{1,4}(?![\d:/]|[.,]\d)")


def posed(g: Grammar, answered: float = ANSWERED) -> Posed:
    """Return one to four passages and three to seven questions about them."""
    natural = training()
    passages = _chosen(g, natural)
    answers, misses = _questions(g, passages, natural)
    pairs: list[Pair] = []
    for _ in range(g.random.randint(*QUESTIONS)):
        pool = answers if answers and g.chance(answered) else misses
        if pool:
            ask, answer = pool.pop(g.random.randrange(len(pool)))
            pairs.append((hurried(g, ask), answer))
    return Posed(passages=[passage.sentences for passage in passages], pairs=pairs)


def _chosen(g: Grammar, natural: Sequence[Passage]) -> list[Passage]:
    """Half of the time the passages share a field, so that the wrong ones look like the right one."""
    first = g.pick(natural)
    pool = [p for p in natural if p.field == first.field] if g.chance(0.5) else natural
    others = [p for p in g.random.sample(pool, g.pick((0, 1, 2, 2, 3, 4))) if p is not first]
    found: list[Passage] = []
    for passage in (first, *others):
        part = _window(g, varied(g, passage)) if g.chance(0.6) else varied(g, passage)
        if sum(len(p.text.split()) for p in (*found, part)) <= MOST_WORDS:
            found.append(part)
    g.random.shuffle(found)
    return found


def _window(g: Grammar, passage: Passage) -> Passage:
    """A run of one or more of its sentences; questions about the rest have no answer any more."""
    count = len(passage.sentences)
    start = g.random.randrange(count)
    end = g.random.randint(start + 1, count)
    moved = tuple((ask, at - start if at is not None and start <= at < end else None) for ask, at in passage.questions)
    return Passage(field=passage.field, sentences=passage.sentences[start:end], questions=moved)


def _questions(g: Grammar, passages: Sequence[Passage], natural: Sequence[Passage]) -> tuple[list[Pair], list[Pair]]:
    """Those with an answer, and those without: near misses, and one or two about something else."""
    texts = [_stems(passage.text) for passage in passages]
    answers, misses = [], []
    for number, passage in enumerate(passages, 1):
        for ask, at in passage.questions:
            if at is None:
                misses.append((ask, REFUSAL))
            elif _points_to(number - 1, ask, texts):
                answers.append((ask, quoted(passage.sentences[at], number)))
    shown = {passage.field for passage in passages}
    far = varied(g, g.pick([p for p in natural if p.field not in shown])).questions
    strange = [(ask, REFUSAL) for ask, _ in far if _is_strange(ask, set().union(*texts))]
    return answers, misses + strange[:2]


def _stems(text: str) -> set[str]:
    """What the words are known by that carry the meaning."""
    return {word[:5] for word in _WORD.findall(text.lower())} - _EMPTY


def _points_to(own: int, ask: str, texts: list[set[str]]) -> bool:
    """Whether no other passage has more of the words: "How long does it take?" may be asked of one passage only."""
    shared = [len(_stems(ask) & text) for text in texts]
    return len(texts) == 1 or (shared[own] > 0 and shared[own] == max(shared))


def _is_strange(ask: str, text: set[str]) -> bool:
    """Whether most of the words are not there, so that it is not answered by chance."""
    stems = _stems(ask)
    return len(stems & text) * 2 < len(stems)


def varied(g: Grammar, passage: Passage) -> Passage:
    """Return the passage with other names and towns, and mostly with other numbers, the same throughout."""
    changed = _Changes(g, numbers=g.chance(0.7))
    return Passage(
        field=passage.field,
        sentences=tuple(map(changed, passage.sentences)),
        questions=tuple((changed(ask), at) for ask, at in passage.questions),
    )


class _Changes:
    """What stands for which word of one passage; two words never become one."""

    def __init__(self, grammar: Grammar, *, numbers: bool) -> None:
        self.grammar, self.numbers = grammar, numbers
        self.known: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        text = PROPER.sub(lambda m: self._once(m[0], self._proper), text)
        return _NUMBER.sub(lambda m: self._once(m[0], self._number), text) if self.numbers else text

    def _once(self, word: str, change: Callable[[str], str]) -> str:
        for _ in range(20):
            if word in self.known:
                break
            new = change(word)
            if new not in self.known.values():
                self.known[word] = new
        return self.known.get(word, word)

    def _proper(self, word: str) -> str:
        odd = self.grammar.chance(0.25)
        return capital(self.grammar.odd()) if odd else self.grammar.word(PROPER_KINDS[word])

    def _number(self, digits: str) -> str:
        """As many digits; up to 31 it stays a day of the month, years stay in their century."""
        random, value = self.grammar.random, int(digits)
        if value < 2 or digits.startswith("0"):
            return digits
        if value < 10:
            return str(random.randint(2, 9))
        if value < 100:
            return str(random.randint(10, 31) if value <= 31 else random.randint(32, 99))
        return digits[:-2] + f"{random.randint(0, 99):02}"
