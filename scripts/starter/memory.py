"""Remembering within a conversation: what the user said, or what the system prompt knows about the user."""

from dataclasses import dataclass

from scripts.starter.chat import Chat
from scripts.starter.dialogue import Pair, typed
from scripts.starter.grammar import Grammar
from scripts.starter.phrases import load

__all__ = ["NAME", "OTHERS", "Kind", "remembering"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of fact: `$x` is its value, drawn from `value`."""

    label: str
    value: str
    says: tuple[str, ...]
    noted: tuple[str, ...]
    asks: tuple[str, ...]
    answer: str
    unknown: str


_WORDING = load("memory")
FACTS = tuple(
    Kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})
    for table in _WORDING["facts"]
)
NAME, *OTHERS = FACTS
_LISTS = (
    ("- ", ": ", "\n"),
    ("- ", ": ", "\n"),
    ("", ": ", "\n"),
    ("", ": ", "; "),
    ("", ": ", ", "),
    ("- ", " = ", "\n"),
    ("* ", ": ", "\n"),
)
"""Ways to set a list of facts: what stands before each, between label and value, and between two facts."""


def remembering(grammar: Grammar, chat: Chat) -> tuple[str, list[Pair]]:
    """Return a system prompt and a conversation in which one to four facts are told, kept and asked for."""
    known = [NAME] if grammar.chance(0.75) else []
    known += grammar.random.sample(OTHERS, grammar.pick((0, 1, 1, 2, 3)) if known else grammar.pick((1, 2, 3)))
    grammar.random.shuffle(known)
    values = [(kind, grammar.say(kind.value)) for kind in known]
    system, pairs = chat.system(), []
    listed = grammar.chance(0.4)
    if listed:
        system = f"{system}{grammar.pick((' ', chr(10), chr(10) * 2, chr(10) * 2)) if system else ''}{_listed(grammar, values)}"
        if grammar.chance(0.35):
            pairs.append(_greeting(grammar, next((value for kind, value in values if kind is NAME), "")))
    for kind, value in () if listed else values:
        pairs.append(_pair(grammar, kind.says, kind.noted, value, chat.name))
        if grammar.chance(0.25):
            pairs += chat.segment()
    if grammar.chance(0.5):
        pairs += chat.segment()
    pairs += _recalled(grammar, chat, known, values)
    if not listed and NAME in known and grammar.chance(0.15):
        pairs += _renamed(grammar, chat)
    return system, pairs


def _greeting(grammar: Grammar, name: str) -> Pair:
    hello = grammar.say("{Hello|Hi|hi|hello|Hey|Good morning|Good evening|Hi there|Hello there}{|!|.}")
    return hello, f"Hello{name and ', '}{name}! How can I help you?"


def _recalled(grammar: Grammar, chat: Chat, known: list[Kind], values: list[tuple[Kind, str]]) -> list[Pair]:
    """Questions about what was told, and a few about what was not."""
    pairs: list[Pair] = []
    asked = [*values, *((kind, "") for kind in grammar.random.sample(FACTS, 3) if kind not in known)]
    grammar.random.shuffle(asked)
    for kind, value in asked[: grammar.random.randint(2, 5)]:
        answer = kind.answer if value else kind.unknown
        pairs.append(_pair(grammar, kind.asks, (answer,), value, chat.name))
        if grammar.chance(0.15):
            pairs += chat.segment()
    return pairs


def _renamed(grammar: Grammar, chat: Chat) -> list[Pair]:
    name = grammar.word("name")
    told = grammar.say("{Actually|No|Sorry|Wait}, {my name is|call me|I am} $x{|.}", x=name)
    asked = _pair(grammar, NAME.asks, (NAME.answer,), name, chat.name)
    return [(told, f"Nice to meet you, {name}! How can I help you?"), asked]


def _pair(grammar: Grammar, asks: tuple[str, ...], answers: tuple[str, ...], value: str, me: str) -> Pair:
    """A value must survive typing faults, so only the wording around it is touched."""
    ask = grammar.say(grammar.pick(asks), x="\0", me=me)
    ask = grammar.pick((ask, ask, ask, ask[:1].lower() + ask[1:])) if "\0" in ask else typed(grammar, ask)
    return ask.replace("\0", value), grammar.say(grammar.pick(answers), x=value)


def _listed(grammar: Grammar, values: list[tuple[Kind, str]]) -> str:
    mark, sign, gap = grammar.pick(_LISTS)
    lines = [f"{mark}{grammar.say(kind.label)}{sign}{value}" for kind, value in values]
    if grammar.chance(0.15):
        lines = [f"{mark}{_reported(kind.answer.replace('$x', value))}" for kind, value in values]
    head = grammar.say(grammar.pick(_WORDING["heads"]))
    return f"{head}{'' if head.endswith(':') else ':'}{' ' if gap != chr(10) else chr(10)}{gap.join(lines)}"


def _reported(answer: str) -> str:
    """Turn "Your name is Ana." into a sentence about the user."""
    return answer.replace("Your", "The user's").replace("You are", "The user is")
