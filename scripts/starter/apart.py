"""Questions about one subject or two of whom much is told: which of the facts is asked for, and whether it is told at all.

Where a set of passages speaks of five subjects, whoever finds the subject is mostly right. Here that decides nothing.
"""

from collections.abc import Iterator

from scripts.starter.dialogue import Pair
from scripts.starter.framing import Posed
from scripts.starter.grammar import Grammar
from scripts.starter.passages import RELATIONS, SUBJECTS, Fact, near_miss, question, stated, subjects

__all__ = ["TOLD", "posed"]

TOLD = 0.6
"""Share of the questions that a sentence answers, as a rule; the others ask for what is not told about the same subject."""
QUESTIONS = (5, 10)
FACTS = (2, 6)
"""About all subjects together, at least and at most."""


def posed(g: Grammar, told: float = TOLD) -> Posed:
    """Return one to four passages about one to three subjects of a kind, and five to ten questions about them."""
    facts = _facts(g)
    passages: list[list[str]] = [[] for _ in range(facts[-1].number)]
    for fact in facts:
        passages[fact.number - 1].append(fact.sentence)
    pairs: dict[str, str] = {}
    for ask, answer in _pairs(g, facts, told):
        pairs.setdefault(ask, answer)
    return Posed(passages=passages, pairs=list(pairs.items()))


def _facts(g: Grammar) -> list[Fact]:
    """Facts in the order of their passages; of several subjects mostly the same is told."""
    kind = g.pick(tuple(SUBJECTS))
    spoken_of = [subject for _, subject in subjects(g, (kind,), g.pick((1, 1, 2, 2, 3)))]
    relations = g.random.sample(tuple(RELATIONS[kind]), g.random.randint(2, 5))
    told = [(subject, relation) for subject in spoken_of for relation in relations]
    told = g.random.sample(told, min(len(told), g.random.randint(*FACTS)))
    number, facts = 1, list[Fact]()
    for subject, relation in told:
        facts.append(stated(g, number, kind, relation, subject))
        number += g.chance(0.5) and number < 4
    return facts


def _pairs(g: Grammar, facts: list[Fact], told: float) -> Iterator[Pair]:
    for _ in range(g.random.randint(*QUESTIONS)):
        pair = question(g, g.pick(facts)) if g.chance(told) else near_miss(g, facts)
        if pair:
            yield pair
