"""Questions about numbered passages: quote the sentence that answers, with its number, or say that none does."""

from collections.abc import Sequence
from dataclasses import dataclass

from scripts.starter.chat import TALK, Chat
from scripts.starter.dialogue import Pair, typed
from scripts.starter.framing import ANSWERED, QUESTIONS, REFUSAL, Posed, hurried, quoted
from scripts.starter.grammar import Grammar, capital
from scripts.starter.phrases import load

__all__ = ["RELATIONS", "Fact", "near_miss", "posed", "question", "stated", "subjects"]

_WORDING = load("relations")
SUBJECTS: dict[str, list[str]] = _WORDING["subjects"]
RELATIONS: dict[str, dict[str, dict[str, list[str]]]] = _WORDING["relations"]
_ADDED: dict[str, dict[str, dict[str, list[str]]]] = load("added")["relations"]
_ALIKE: tuple[frozenset[str], ...] = tuple(
    frozenset(group.split())
    for group in (
        "lives birthplace room travel",
        "room phone",
        "inventor made founded founder repair",
        "likes eats",
        "broken repair",
        "job speaks",
        "founded founder",
    )
)
"""Relations that one question may mean: two of them about one subject would make it unclear whether it is answered."""
_TALK = ("greeting", "greeting", "thanks", "who", "can", "bye", "how")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One sentence of a passage (numbered from 1) and what it is about; `questions` are filled in already."""

    number: int
    sentence: str
    subject: str
    relation: tuple[str, str]
    questions: Sequence[str]


def posed(g: Grammar, chat: Chat, answered: float = ANSWERED, questions: tuple[int, int] = QUESTIONS) -> Posed:
    """Return passages and at least and at most so many questions about them."""
    facts, passages = _facts(g)
    name = g.word("name") if g.chance(0.12) else ""
    pairs: list[Pair] = []
    for _ in range(g.random.randint(*questions)):
        pair = _question(g, chat, facts, name, answered)
        if pair and pair[0] not in [ask for ask, _ in pairs]:
            pairs.append(pair)
    return Posed(passages=passages, pairs=pairs, name=name)


def _facts(g: Grammar) -> tuple[list[Fact], list[list[str]]]:
    kinds = g.random.sample(list(SUBJECTS), g.pick((1, 2, 2, 3)))
    spoken_of = subjects(g, kinds, g.random.randint(2, 5))
    shared = {kind: g.random.sample(list(RELATIONS[kind]), 2) for kind in kinds}
    passages: list[list[str]] = []
    facts: list[Fact] = []
    seen: set[tuple[str, str]] = set()
    for number in range(1, g.pick((1, 2, 3, 3, 4, 5)) + 1):
        passage: list[str] = []
        for _ in range(g.pick((1, 1, 2, 2, 3))):
            kind, subject = g.pick(spoken_of)
            relation = g.pick(shared[kind]) if g.chance(0.6) else g.pick(tuple(RELATIONS[kind]))
            if (subject, relation) in seen:
                continue
            seen.add((subject, relation))
            facts.append(stated(g, number, kind, relation, subject))
            passage.append(facts[-1].sentence)
        if not passage or g.chance(0.2):
            passage.insert(g.random.randint(0, len(passage)), g.say(g.pick(_WORDING["asides"])))
        passages.append(passage)
    return facts, passages


def stated(g: Grammar, number: int, kind: str, relation: str, subject: str) -> Fact:
    """Return a fact of the passage with this number in one of its wordings."""
    return Fact(
        number=number,
        sentence=capital(g.say(g.pick(_forms(g, kind, relation, "states")), s=subject)),
        subject=subject,
        relation=(kind, relation),
        questions=_forms(g, kind, relation, "asks"),
    )


def _forms(g: Grammar, kind: str, relation: str, sort: str) -> list[str]:
    """Return the wordings to train on, or those kept back for the measure of unseen phrasing."""
    forms = RELATIONS[kind][relation]
    if g.unseen:
        return forms[f"held_{sort}"]
    return [*forms[sort], *_ADDED[kind][relation][sort]] if g.added else forms[sort]


def subjects(g: Grammar, kinds: Sequence[str], count: int) -> list[tuple[str, str]]:
    """Return subjects with their kinds; none contains another, so that a question has one answer."""
    found: list[tuple[str, str]] = []
    for _ in range(count * 3):
        kind = g.pick(kinds)
        subject = g.say(g.pick(SUBJECTS[kind]))
        words = set(subject.split())
        others = [set(other.split()) for _, other in found]
        if len(found) < count and not any(words <= other or other <= words for other in others):
            found.append((kind, subject))
    return found


def _question(g: Grammar, chat: Chat, facts: list[Fact], name: str, answered: float) -> Pair | None:
    share = g.random.random()
    if name and share < 0.25:
        return g.say("{What is my name|Who am I|Do you know my name}?"), f"Your name is {name}."
    if share < 0.10:
        forms = TALK[g.pick(_TALK)]
        return typed(g, chat.say(g.pick(forms.asks))), chat.say(g.pick(forms.answers))
    return question(g, g.pick(facts)) if facts and share < answered else _unanswered(g, facts)


def question(g: Grammar, fact: Fact) -> Pair:
    """Return a question that the fact answers, and the quote."""
    ask = g.say(g.pick(fact.questions), s=fact.subject)
    return hurried(g, ask), quoted(fact.sentence, fact.number)


def _unanswered(g: Grammar, facts: list[Fact]) -> Pair | None:
    """Half of these ask for another fact about a subject that is there: the near miss."""
    if facts and g.chance(0.5):
        return near_miss(g, facts)
    kind = g.pick(facts).relation[0] if facts and g.chance(0.6) else g.pick(tuple(SUBJECTS))
    subject = g.say(g.pick(SUBJECTS[kind]))
    if any(set(subject.split()) & set(f.subject.split()) - {"the", "a", "of", "in"} for f in facts):
        return None
    return _refused(g, kind, list(RELATIONS[kind]), subject)


def near_miss(g: Grammar, facts: Sequence[Fact]) -> Pair | None:
    """Return a question for what no fact tells about the subject of one, and the refusal; None where all is told."""
    fact = g.pick(facts)
    kind, subject = fact.relation[0], fact.subject
    told = {other.relation[1] for other in facts if other.subject == subject}
    return _refused(g, kind, [r for r in RELATIONS[kind] if r not in told and not _unclear(r, told)], subject)


def _refused(g: Grammar, kind: str, free: Sequence[str], subject: str) -> Pair | None:
    if not free:
        return None
    ask = g.say(g.pick(_forms(g, kind, g.pick(free), "asks")), s=subject)
    return hurried(g, ask), REFUSAL


def _unclear(relation: str, told: set[str]) -> bool:
    return any(relation in group and told & group for group in _ALIKE)
