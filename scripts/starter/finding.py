"""Questions that only the words of a sentence answer: practice in finding, copying and numbering, whatever is spoken of."""

from dataclasses import dataclass

from scripts.starter.dialogue import Pair
from scripts.starter.framing import QUESTIONS, REFUSAL, Posed, hurried, quoted
from scripts.starter.grammar import Grammar, capital
from scripts.starter.phrases import load

__all__ = ["posed"]

_WORDING = load("finding")
_KINDS = ("noun", "noun", "thing", "thing", "animal", "job", "place", "food")
TOLD = 0.85
"""Share of the questions that a sentence answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """One sentence, and with what words it is asked for."""

    number: int
    text: str
    bound: dict[str, str]


def posed(g: Grammar) -> Posed:
    """Return two to five passages and three to seven questions about them."""
    things: set[str] = set()
    passages: list[list[str]] = []
    lines: list[_Line] = []
    for number in range(1, g.pick((2, 3, 3, 4, 5)) + 1):
        made = [_line(g, number, things) for _ in range(g.pick((1, 1, 2)))]
        passages.append([line.text for line in made])
        lines += made
    pairs = list[Pair]()
    for _ in range(g.random.randint(*QUESTIONS)):
        if g.chance(TOLD):
            line = g.pick(lines)
            pairs.append((_ask(g, line.bound), quoted(line.text, line.number)))
        else:
            pairs.append((_ask(g, _bound(g, things)), REFUSAL))
    return Posed(passages=passages, pairs=pairs)


def _line(g: Grammar, number: int, things: set[str]) -> _Line:
    bound = _bound(g, things)
    text = capital(g.say(g.pick(_WORDING["states"]), c=_thing(g, things), **bound))
    return _Line(number=number, text=text, bound=bound)


def _bound(g: Grammar, things: set[str]) -> dict[str, str]:
    verb = g.pick(_WORDING["verbs"])
    return {"a": _thing(g, things), "b": _thing(g, things), "v": verb, "w": verb[:-1]}


def _ask(g: Grammar, bound: dict[str, str]) -> str:
    return hurried(g, g.say(g.pick(_WORDING["asks"]), **bound))


def _thing(g: Grammar, things: set[str]) -> str:
    """A name or a thing whose last word no other has, so that one sentence answers."""
    while True:
        share = g.random.random()
        if share < 0.2:
            thing = g.word("name")
        else:
            word = g.odd() if share < 0.6 else g.word(g.pick(_KINDS))
            like = g.say("$adj ") if g.chance(0.2) else ""
            thing = g.say(f"{g.pick(('the', 'the', 'the', 'a(n)'))} {like}{word}")
        if (last := thing.split()[-1]) not in things:
            things.add(last)
            return thing
