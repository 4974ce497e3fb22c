"""Stories, poems, news items and continuations, composed from the sentences of phrases/tales.toml."""

from scripts.starter.dialogue import Pair, typed
from scripts.starter.grammar import Grammar, capital
from scripts.starter.phrases import load
from scripts.starter.words import WORDS

__all__ = ["ask_for", "telling"]

_WORDING = load("tales")
_GOALS: list[str] = load("added")["goals"]
"""In few words, for what a story seeks is named twice."""
_GO_ON = (
    "Continue this text: ",
    "Continue this text: ",
    "Continue this text:\n",
    "Continue: ",
    "Continue the story: ",
    "Go on with this text: ",
    "Please continue: ",
    "Finish this text: ",
    "Write the next sentences: ",
    "How does this go on? ",
    "Complete this story: ",
)
_ADJECTIVES = (
    "small big brave shy lonely clever young old hungry curious kind sleepy red blue white lost happy sad"
).split()


def telling(g: Grammar) -> list[Pair]:
    """Return one to two pieces of one sort."""
    if g.chance(0.18):
        return [_continued(g)]
    sort = g.pick(("story", "story", "story", "poem", "poem", "news"))
    pairs = [_piece(g, sort)]
    if g.chance(0.2):
        pairs.append((typed(g, g.say(g.pick(_WORDING["again"]))), _text(g, sort, *_topic(g))))
    return pairs


def _piece(g: Grammar, sort: str) -> Pair:
    kind, topic = _topic(g)
    second = _second(g, kind) if sort == "story" and g.chance(0.6) else ""
    if sort != "news" and g.chance(0.12):
        return typed(g, g.say(g.pick(_WORDING["bare_asks"]), k=sort)), _text(g, sort, kind, topic)
    ask = g.say(g.pick(_WORDING["asks"][sort]), x=f"{topic} and {second}" if second else topic)
    if ask == ask.lower() and kind != "name":
        topic, second = topic.lower(), second.lower()
    return (ask.lower() if g.chance(0.1) else ask), _text(g, sort, kind, topic, second)


def _second(g: Grammar, kind: str) -> str:
    """Return what else a story about such a hero is about: a place or a thing, or another hero."""
    if kind not in ("animal", "job", "name"):
        return ""
    if kind == "name":
        return g.say(g.pick(("$name", "a(n) $place", "a(n) $thing")))
    adjective = g.pick(_ADJECTIVES) + " " if g.chance(0.2) else ""
    word = g.odd() if g.chance(0.15) else g.word(g.pick(("place", "place", "thing", kind)))
    return g.say(f"{g.pick(('a(n)', 'a(n)', 'a(n)', 'the'))} {adjective}{word}")


def _topic(g: Grammar) -> tuple[str, str]:
    """Return the kind of topic and its words as the user writes them."""
    kind = g.pick(("animal", "animal", "animal", "job", "name", "thing", "thing", "idea", "idea"))
    adjective = g.pick(_ADJECTIVES) + " " if g.chance(0.3) else ""
    if kind in ("animal", "job"):
        return kind, g.say(f"a(n) {adjective}{g.odd() if g.chance(0.15) else '$' + kind}")
    if kind == "name":
        return kind, g.say("$name")
    if kind == "thing":
        plain = f"a(n) {adjective}$thing"
        return kind, g.say(
            g.pick((plain, plain, "the $adj $thing", "a(n) $adj $place", "a(n) {old|new|broken} bridge"))
        )
    return kind, g.say(g.pick(("$topic", "$topic", "$noun", "$hobby", "$food", "$city")))


def _text(g: Grammar, sort: str, kind: str, topic: str, second: str = "") -> str:
    if sort == "poem":
        return _poem(g, topic)
    return _news(g, topic) if sort == "news" else " ".join(_story(g, kind, topic, second))


def _definite(topic: str) -> str:
    head, _, rest = topic.partition(" ")
    return f"the {rest}" if head.lower() in ("a", "an") else topic


def _story(g: Grammar, kind: str, topic: str, second: str = "") -> list[str]:
    """Return the sentences; hero, friend, place and goal stay the same from the first to the last."""
    person = g.pick(("she", "he"))
    hero = _definite(topic) if kind in ("animal", "job") else topic if kind == "name" else g.word(person)
    if kind == "name":
        person = _pronoun(topic, person)
    other = _role(kind, second)
    bound = {
        "topic": topic,
        "who": topic,
        "hero": hero,
        "it": "it" if kind == "animal" else person,
        "its": {"she": "her", "he": "his"}[person] if kind != "animal" else "its",
        "friend": _definite(second) if other == "friend" else g.word(g.pick(("she", "he"))),
        "spot": _definite(second).removeprefix("the ") if other == "spot" else g.word("place"),
        "second": second,
        "city": g.word("city"),
        "goal": g.say(g.pick(_GOALS if g.added else _WORDING["goals"])),
    }
    opening = _WORDING["openings"].get(kind, _WORDING["openings"]["hero"])
    more = ("troubles", "helps") if g.chance(0.25) else ()
    pools = ("wants", "troubles", "helps", *more, "turns", "ends")
    used: list[str] = []
    if other in ("spot", "thing"):
        pools = ("seconds", *pools)
    for pool in (opening, *(_WORDING[name] for name in pools)):
        template = g.pick([sentence for sentence in pool if sentence not in used])
        if pool is _WORDING["helps"] and not any("$friend" in sentence for sentence in used):
            used.append(g.pick(_WORDING["meetings"]))
        used.append(template)
    return [capital(g.say(template, **bound)) for template in used]


def _role(kind: str, second: str) -> str:
    """What the second topic of a story is in it: the friend, the spot, or a thing."""
    if not second:
        return ""
    word = second.split()[-1]
    if not second.startswith(("a", "an", "the")) or word in (*WORDS["animal"], *WORDS["job"]):
        return "friend"
    return "spot" if word in WORDS["place"] else "thing"


def _pronoun(name: str, otherwise: str) -> str:
    return "she" if name in WORDS["she"] else "he" if name in WORDS["he"] else otherwise


def _poem(g: Grammar, topic: str) -> str:
    """Two or four couplets' worth of lines; the first names the topic."""
    named = _definite(topic)
    lines: list[str] = []
    for index, family in enumerate(g.random.sample(_WORDING["rhymes"], g.pick((2, 2, 3)))):
        first = family[0] if index == 0 else g.pick(family[1:-1])
        second = g.pick([line for line in family[1:] if line != first])
        lines += [first, second]
    text = "\n".join(capital(g.say(line, topic=named)) for line in lines)
    return text[:-1] + "."


def _news(g: Grammar, topic: str) -> str:
    bound = {"topic": topic, "city": g.word("city")}
    parts = [g.say(g.pick(pool), **bound) for pool in _WORDING["news"]]
    if g.chance(0.3):
        parts.pop(1)
    parts[0] = ". ".join(capital(half) for half in parts[0].split(". "))
    return " ".join(capital(part) for part in parts)


def _continued(g: Grammar) -> Pair:
    """The user gives a beginning, a strange one, or our own cut at some place; the answer goes on."""
    if g.chance(0.35):
        hero = g.say("$name")
        newcomer = g.say(g.pick(_WORDING["newcomers"]), hero=hero)
        rest = " ".join([newcomer, *_story(g, "name", hero)[1:]])
        return g.pick(_GO_ON) + g.say(g.pick(_WORDING["beginnings"])), rest
    sentences = _story(g, *_topic(g))
    count = g.pick((1, 1, 1, 2))
    start, rest = " ".join(sentences[:count]), " ".join(sentences[count:])
    if g.chance(0.3):
        words = start.split()
        cut = g.random.randint(min(4, len(words) - 1), len(words) - 1)
        start, rest = " ".join(words[:cut]), " ".join([*words[cut:], rest])
    return g.pick(_GO_ON) + start, rest


def ask_for(g: Grammar, sort: str) -> tuple[str, str]:
    """Return a request of the sort and its topic, for evaluation."""
    _, topic = _topic(g)
    return f"Write a short {'news report' if sort == 'news' else sort} about {topic}.", topic
