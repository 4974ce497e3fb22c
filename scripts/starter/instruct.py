"""Small instructions with one right answer: repeat, change case, count, list, reverse, spell, add."""

import re
from collections.abc import Callable

from scripts.starter.dialogue import Pair, lowered
from scripts.starter.grammar import Grammar, capital
from scripts.starter.natural import PROPER, training
from scripts.starter.phrases import load

__all__ = ["LISTS", "TASKS", "copying", "drills", "instruction"]

_WORDING = load("instruct")
LISTS: dict[str, str] = _WORDING["lists"]
_ASKS: dict[str, str] = _WORDING["asks"]
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()
PIECES = 0.4
"""Share of what is repeated or changed in case that is a piece of a natural sentence."""
_COUNTS = {"two": 2, "three": 3, "four": 4, "five": 5, "2": 2, "3": 3, "4": 4, "5": 5, "some": 3, "a few": 3}


def _phrase(g: Grammar) -> str:
    """Words in any order, a sentence, or a piece of one from the natural passages: more words than any list has."""
    if not g.held and g.chance(PIECES):
        return _piece(g)
    if g.chance(0.4):
        return g.say(g.pick(_WORDING["sentences"]))
    return " ".join(
        g.word(g.pick(("noun", "thing", "adj", "animal", "food", "odd", "name", "colour")))
        for _ in range(g.pick((1, 1, 2, 3, 4, 6)))
    )


def _piece(g: Grammar) -> str:
    """One to eight words that stand together somewhere; names and towns are left to the grammar."""
    while True:
        words = g.pick(g.pick(training()).sentences).split()
        start, count = g.random.randrange(len(words)), g.pick((1, 2, 3, 4, 6, 8))
        piece = " ".join(words[start : start + count]).strip(".,;:!?'")
        if piece and not PROPER.search(piece):
            return piece


def _words(g: Grammar, count: int) -> list[str]:
    kind = g.pick(("fruit", "animal", "thing", "city", "name", "colour", "noun"))
    found: list[str] = []
    while len(found) < count:
        word = g.word(kind)
        found += [word] if word not in found else []
    return found


def _repeat(g: Grammar) -> Pair:
    text = _phrase(g)
    if g.chance(0.3):
        return g.say(_ASKS["quoted"]) + text + '"' + g.pick((".", "", "!")), text
    return g.say(_ASKS["repeat"]) + text, text


def _upper(g: Grammar) -> Pair:
    text = _phrase(g)
    return g.say(_ASKS["upper"]) + text, text.upper()


def _lower(g: Grammar) -> Pair:
    text = _phrase(g).upper()
    return g.say(_ASKS["lower"]) + text, text.lower()


def _count(g: Grammar) -> Pair:
    """Counting up or down; small numbers are asked for in words as well."""
    first = 1 if g.chance(0.6) else g.random.randint(1, 20)
    last = first + g.random.randint(2, 10)
    start, end = (_NUMBERS[n] if n < len(_NUMBERS) and g.chance(0.4) else str(n) for n in (first, last))
    if first == 1 and g.chance(0.3):
        return g.say(_ASKS["down"]) + f"{end}.", ", ".join(map(str, range(last, 0, -1)))
    ask = f"from {start} to {end}" if first > 1 or g.chance(0.4) else f"{g.pick(('to', 'to', 'up to', 'until'))} {end}"
    return g.say(_ASKS["count"]) + ask + g.pick((".", "", "!")), ", ".join(map(str, range(first, last + 1)))


def _list(g: Grammar) -> Pair:
    topic, many = g.pick(tuple(LISTS)), g.pick(tuple(_COUNTS))
    items = LISTS[topic].split(", ")[: _COUNTS[many]]
    topic = topic.replace("colour", g.pick(("colour", "color")))
    if g.chance(0.35):
        return g.say(
            f"{{Make|Write|Give me|Create|I want|Show me|Can you make}} a {{bullet |bulleted |short |}}list {{of|with}} {many} {topic}{{|.|, please.}}"
        ), "\n".join(f"- {item}" for item in items)
    return g.say(
        f"{{List|Name|Tell me|Give me|Write down|Say|I need|Can you name|Mention|Think of|Come up with|Let me have|Do you know|Could you list|Find me}} {many} {topic}{{|.|, please.|!}}"
    ), ", ".join(items) + "."


def _order(g: Grammar) -> Pair:
    words = _words(g, g.random.randint(3, 5))
    text = ", ".join(words)
    how = g.random.randrange(8)
    if how <= 1:
        return g.say(_ASKS["reverse"]) + text, ", ".join(words[::-1])
    if how == 2:
        return g.say(_ASKS["first"]) + text, words[0]
    if how == 3:
        return g.say(_ASKS["last"]) + text, words[-1]
    if how == 4:
        return g.say(_ASKS["many"]) + text, str(len(words))
    if how in (5, 6):
        return g.say(_ASKS["sort"]) + text, ", ".join(sorted(words, key=str.lower))
    return g.say(_ASKS["bullets"]) + text, "\n".join(f"- {word}" for word in words)


def _spell(g: Grammar) -> Pair:
    word = g.word(g.pick(("animal", "fruit", "colour", "name", "odd"))).replace(" ", "")
    return g.say(_ASKS["spell"]) + word + g.pick(("", ".", "?")), "-".join(word.lower())


def _rephrase(g: Grammar) -> Pair:
    first, second = g.random.sample(g.pick(_WORDING["rephrasings"]), 2)
    kinds = set(re.findall(r"\$([a-z]+)", first + second))
    bound = {kind: g.word("name" if kind == "other" else kind) for kind in sorted(kinds)}
    return g.say(_ASKS["rephrase"]) + g.say(first, **bound), capital(g.say(second, **bound))


def _sum(g: Grammar) -> Pair:
    a, b = g.random.randint(0, 10), g.random.randint(0, 10)
    if g.chance(0.35) and a >= b:
        return g.say(
            f"{{What is|What's|Calculate|How much is|Tell me}} {a} {{minus|-}} {b}{{|?}}"
        ), f"{a} - {b} = {a - b}"
    return g.say(
        f"{{What is|What's|Calculate|How much is|Add|Tell me|}} {a} {{plus|+|and}} {b}{{|?}}"
    ).strip(), f"{a} + {b} = {a + b}"


TASKS: tuple[Callable[[Grammar], Pair], ...] = (
    _repeat,
    _repeat,
    _upper,
    _upper,
    _upper,
    _lower,
    _lower,
    _count,
    _list,
    _list,
    _order,
    _order,
    _rephrase,
    _spell,
    _sum,
    _sum,
)


def instruction(g: Grammar) -> list[Pair]:
    """Return one to three instructions; a quarter of them asked politely."""
    pairs = [g.pick(TASKS)(g) for _ in range(g.pick((1, 1, 2, 3)))]
    return [
        (g.say("{Please |Can you |Could you |Now |Please, }") + lowered(ask) if g.chance(0.2) else ask, answer)
        for ask, answer in pairs
    ]


def copying(g: Grammar) -> list[Pair]:
    """Return a long copy of random words, which no guess makes shorter: the course the training begins with."""
    text = g.pick((" ", " ", ", ")).join(g.pick((_phrase, Grammar.odd))(g) for _ in range(g.random.randint(3, 24)))
    return [(g.say(_ASKS["repeat"]) + text, text)] + ([("Say it again.", text)] if g.chance(0.3) else [])


def drills(g: Grammar) -> list[Pair]:
    """Return two or three tasks that hang on spelling: long texts in the other case, words letter by letter, sorted lists.

    How a token is spelt, and how it is spelt in capitals, has to be learnt for each of them.
    """
    return [g.pick((_cased, _cased, _cased, _spell, _order, _tight))(g) for _ in range(g.pick((2, 3)))]


def _cased(g: Grammar) -> Pair:
    """Mostly in lower case, which comes harder: capitals are cut into more tokens."""
    text = " ".join(_phrase(g) for _ in range(g.random.randint(1, 4)))
    if g.chance(0.3):
        return g.say(_ASKS["upper"]) + text, text.upper()
    return g.say(_ASKS["lower"]) + text.upper(), text.lower()


def _tight(g: Grammar) -> Pair:
    """A sum as it is typed: without spaces, with or without a question around it."""
    a, b = g.random.randint(0, 10), g.random.randint(0, 10)
    sign, result = ("-", a - b) if a >= b and g.chance(0.35) else ("+", a + b)
    ask = g.say(f"{{|what is |what's |whats |how much is |calc }}{a}{sign}{b}{{|=|?|=?}}")
    return ask, f"{a} {sign} {b} = {result}"
