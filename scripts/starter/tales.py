"""Stories, poems, news items and continuations, composed from the sentences of plots.py."""

from scripts.starter.dialogue import Pair, typed
from scripts.starter.grammar import Grammar, capital
from scripts.starter.plots import ENDS, HELPS, MEETINGS, NEWS, OPENINGS, RHYMES, TROUBLES, TURNS, WANTS
from scripts.starter.words import WORDS

__all__ = ["telling"]

_ASKS = {
    "story": ("{Write|Tell|Tell me|Write me|Give me|Make up|Invent|Compose} a {|short |little |small |nice |short }{story|story|tale|fairy tale} {about|about|about|on|with} $x{|.|, please.|!}", "{Can|Could} you {tell|write} {|me }a {|short }story about $x{?|? Thanks.}", "{I want|I would like|I'd like} {|to hear |to read }a {|short }story about $x{|.}", "{A|Short} story about $x{|, please}{|.}", "story about $x", "Write a short story about $x."),
    "poem": ("{Write|Make|Write me|Compose|Give me|Create} a {|short |little |nice |small |short }{poem|poem|poem|verse|rhyme} {about|about|about|on} $x{|.|, please.|!}", "{Can|Could} you write {|me }a {|short }poem {about|on} $x?", "{I want|I would like} a {|short }poem about $x{|.}", "{A|Short} poem about $x{|, please}{|.}", "poem about $x", "Write a short poem about $x."),
    "news": ("{Write|Make|Give me|Write me|Compose} {a |a short |a little |}{news report|news item|news article|newspaper report|press report|news story|report} {about|about|on} $x{|.|, please.|!}", "{News|Some news|The news|Headlines} about $x{|, please}{|.}", "{Can|Could} you write {a news report|a news item|the news} about $x?", "Write a short news report about $x."),
}
_BARE = ("{Tell|Write|Tell me} a {|short }$k{|.|, please.|!}", "{A $k, please|I want a $k|$k|Do you know a $k|Another $k}{|.|!|?}")
_GO_ON = ("Continue this text: ", "Continue this text: ", "Continue this text:\n", "Continue: ", "Continue the story: ", "Go on with this text: ", "Please continue: ", "Finish this text: ", "Write the next sentences: ", "How does this go on? ", "Complete this story: ")
_AGAIN = ("{Another one|One more|Again|Another|More|Tell me another one|Write another one|Once more|Next one}{|.|!|, please.}",)
_ADJECTIVES = ("small", "big", "brave", "shy", "lonely", "clever", "young", "old", "hungry", "curious", "kind", "sleepy", "red", "blue", "white", "lost", "happy", "sad")

_GOALS = ("a(n) $colour $thing", "a(n) $adj $thing", "a real friend", "a warm home", "the end of the rainbow", "a quiet place by the sea", "the best $food in the world")


def telling(g: Grammar) -> list[Pair]:
    """Return one to two pieces of one sort."""
    if g.chance(0.18):
        return [_continued(g)]
    sort = g.pick(("story", "story", "story", "poem", "poem", "news"))
    pairs = [_piece(g, sort)]
    if g.chance(0.2):
        pairs.append((typed(g, g.say(g.pick(_AGAIN))), _text(g, sort, *_topic(g))))
    return pairs


def _piece(g: Grammar, sort: str) -> Pair:
    kind, topic = _topic(g)
    if sort != "news" and g.chance(0.12):
        return typed(g, g.say(g.pick(_BARE), k=sort)), _text(g, sort, kind, topic)
    ask = g.say(g.pick(_ASKS[sort]), x=topic)
    return (ask.lower() if g.chance(0.1) else ask), _text(g, sort, kind, topic.lower() if ask == ask.lower() and kind != "name" else topic)


def _topic(g: Grammar) -> tuple[str, str]:
    """Return the kind of topic and its words as the user writes them."""
    kind = g.pick(("animal", "animal", "animal", "job", "name", "thing", "thing", "idea"))
    adjective = g.pick(_ADJECTIVES) + " " if g.chance(0.3) else ""
    if kind == "animal" or kind == "job":
        return kind, g.say(f"a(n) {adjective}{g.odd() if g.chance(0.15) else '$' + kind}")
    if kind == "name":
        return kind, g.say("$name")
    if kind == "thing":
        return kind, g.say(g.pick((f"a(n) {adjective}$thing", f"a(n) {adjective}$thing", "the $adj $thing", "a(n) $adj $place", "a(n) {old|new|broken} bridge")))
    return kind, g.say(g.pick(("$topic", "$topic", "$noun", "$hobby", "$food", "$city")))


def _text(g: Grammar, sort: str, kind: str, topic: str) -> str:
    if sort == "poem":
        return _poem(g, topic)
    return _news(g, topic) if sort == "news" else " ".join(_story(g, kind, topic))


def _definite(topic: str) -> str:
    head, _, rest = topic.partition(" ")
    return f"the {rest}" if head.lower() in ("a", "an") else topic


def _story(g: Grammar, kind: str, topic: str) -> list[str]:
    """Return the sentences; hero, friend, place and goal stay the same from the first to the last."""
    person = g.pick(("she", "he"))
    hero = _definite(topic) if kind in ("animal", "job") else topic if kind == "name" else g.word(person)
    if kind == "name":
        person = _pronoun(topic, person)
    bound = {
        "topic": topic,
        "who": topic,
        "hero": hero,
        "it": "it" if kind == "animal" else person,
        "its": {"she": "her", "he": "his"}[person] if kind != "animal" else "its",
        "friend": g.word(g.pick(("she", "he"))),
        "spot": g.word("place"),
        "city": g.word("city"),
        "goal": g.say(g.pick(_GOALS)),
    }
    opening = OPENINGS[kind if kind in OPENINGS else "hero"]
    pools = [opening, WANTS, TROUBLES, HELPS] + ([TROUBLES, HELPS] if g.chance(0.25) else []) + [TURNS, ENDS]
    used: set[str] = set()
    sentences = []
    for pool in pools:
        template = g.pick([sentence for sentence in pool if sentence not in used])
        if pool is HELPS and not any("$friend" in sentence for sentence in used):
            sentences.append(capital(g.say(g.pick(MEETINGS), **bound)))
        used.add(template)
        sentences.append(capital(g.say(template, **bound)))
    return sentences


def _pronoun(name: str, otherwise: str) -> str:
    return "she" if name in WORDS["she"] else "he" if name in WORDS["he"] else otherwise


def _poem(g: Grammar, topic: str) -> str:
    """Two or four couplets' worth of lines; the first names the topic."""
    named = _definite(topic)
    lines: list[str] = []
    for index, (_, family) in enumerate(g.random.sample(RHYMES, g.pick((2, 2, 3)))):
        first = family[0] if index == 0 else g.pick(family[1:-1])
        second = g.pick([line for line in family[1:] if line != first])
        lines += [first, second]
    text = "\n".join(capital(g.say(line, topic=named)) for line in lines)
    return text[:-1] + "."


def _news(g: Grammar, topic: str) -> str:
    bound = {"topic": topic, "city": g.word("city")}
    parts = [g.say(g.pick(pool), **bound) for pool in NEWS]
    if g.chance(0.3):
        parts.pop(1)
    parts[0] = ". ".join(capital(half) for half in parts[0].split(". "))
    return " ".join(capital(part) for part in parts)


def _continued(g: Grammar) -> Pair:
    """The user gives a beginning, whole sentences or cut between two words; the answer is the rest."""
    sentences = _story(g, *_topic(g))
    count = g.pick((1, 1, 1, 2))
    start, rest = " ".join(sentences[:count]), " ".join(sentences[count:])
    if g.chance(0.3):
        words = start.split()
        cut = g.random.randint(min(4, len(words) - 1), len(words) - 1)
        start, rest = " ".join(words[:cut]), " ".join([*words[cut:], rest])
    return g.pick(_GO_ON) + start, rest
