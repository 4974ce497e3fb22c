"""How passages and questions are put before the model: the rules, the numbered list, the questions as turns."""

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.starter.chat import Chat
from scripts.starter.dialogue import Pair, lowered
from scripts.starter.grammar import Grammar, capital
from scripts.starter.phrases import load

__all__ = ["ANSWERED", "QUESTIONS", "REFUSAL", "RULES", "Posed", "framed", "hurried", "quoted"]

REFUSAL = "The passages do not say."
"""The only wording of "not told", so that a rule can check it."""
RULES: list[str] = load("relations")["rules"]
QUESTIONS = (3, 7)
"""About one set of passages, at least and at most: the more, the more of the tokens are answers."""
ANSWERED = 0.74
"""Of a hundred questions so many are answered by the passages, unless a sitting says otherwise."""
_HELLO = ("Hello!", "Hello! How can I help you?")
_LEADS = load("framing")["leads"]
_HEADS = load("framing")["heads"]
_FILES = load("framing")["files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """Passages, sentence by sentence, and questions about them with their answers."""

    passages: Sequence[Sequence[str]]
    pairs: Sequence[Pair]
    name: str = ""
    """The user's, where the questions may ask for it."""


def quoted(sentence: str, number: int) -> str:
    """Return the answer that quotes a sentence of a passage."""
    return f'"{sentence}" [{number}]'


def framed(g: Grammar, chat: Chat, posed: Posed, *, inside_system: bool) -> tuple[str, list[Pair]]:
    """Return a system prompt and the questions; the passages stand in the prompt or before the first question."""
    text = _rendered(g, posed.passages)
    system = chat.system()
    if g.chance(0.5):
        rule = g.say(g.pick(RULES))
        system = f"{system}{g.pick((' ', chr(10)))}{rule}" if system else rule
    if posed.name:
        system = f"{system}\nFacts about the user:\n- name: {posed.name}".strip()
    first, *rest = posed.pairs or [_HELLO]
    if inside_system:
        return f"{system}\n\n{text}".strip(), [first, *rest]
    gap, label = g.pick((" ", "\n", "\n\n")), g.pick(("Question: ", "Question: ", "Question: ", ""))
    later = [(g.pick(("Question: ", "")) + ask, answer) for ask, answer in rest]
    return system, [(f"{text}{gap}{label}{first[0]}", first[1]), *later]


def _rendered(g: Grammar, passages: Sequence[Sequence[str]]) -> str:
    gap = g.pick((" ", "\n", "\n"))
    style = g.random.random()
    lines = []
    for number, passage in enumerate(passages, 1):
        source = "" if style < 0.6 else f"({g.pick(_FILES)}) " if style < 0.8 else f"{g.pick(_FILES)}: "
        lines.append(f"[{number}] {source}{' '.join(passage)}")
    return f"{g.pick(_HEADS)}{gap}{gap.join(lines)}"


def hurried(g: Grammar, ask: str) -> str:
    """Return the question as it is, or with a lead, in small letters or without its mark."""
    if g.chance(0.7):
        return capital(ask)
    lead = g.pick(_LEADS)
    text = lead + (lowered(ask) if lead else ask)
    return g.pick((text, text.rstrip("?"), text.lower(), text.rstrip("?.") + ", please?"))
