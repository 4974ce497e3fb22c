"""Whether the documents answer a question, pure: one number between 0 and 1 and two thresholds.

    score = share of the question's meaning that the passage (with its headings) contains,
            averaged with the share that its best paragraph or row of a table (with its headings, and with the head
            of the table; no JSON, no Python) contains;
            where an encoder knows both, more for a passage that is near the question, and less for one that is not

Words are weighed by how rare they are in the documents, and a word they do not know weighs most: that is what tells
"How do I install the bot?" from "How do I install a dishwasher?". What a question is put with ("cost", "allowed") is
hardly missed where it is not said. Words that may stand in a passage by chance bring
none (`_grounded`). The thresholds come from the table of questions in
`tests/plugins/qa_questions.py`; its test fails when they stop holding.
"""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Literal

from botcore_qa.markdown import blocks, is_example, sentences, table
from botcore_qa.words import question_stems, stems

__all__ = ["Hit", "Mood", "Question", "Scored", "Term", "answers", "asides", "follows", "mood", "ranked", "share"]

Mood = Literal["question", "address", "keywords", "statement", "talk"]
"""``question``: wants to be told something. ``address``: the same, put to "you", be that the bot or whoever
runs it. ``keywords``: a few words as typed into a search box, with nobody in them and nothing said of anything.
``talk``: wants something made up or worked out, or is about us. Else ``statement``."""

_OPENING = r"(?:(?:hi|hello|hey|ok|okay|so|and|but|please|pls|sorry|excuse me)[,!. ]+)*"
QUESTION = re.compile(
    _OPENING + r"(?:(?:bis |ab |seit |um )?(?:wann|wie|wieviel|wo|wer|wen|wem|was|warum|wieso|weshalb|welche[rsnm]?)"
    r"|(?:darf|kann|muss) (?:ich|man|wir)|gibt es"
    r"|what|whats|how|hows|where|wheres|when|why|who|whos|whose|which|is|are|was|were|do|does|did|can|could|may"
    r"|might|should|shall|will|would|has|have|must|explain|describe|list|help me|any idea|(?:i am|i'm) looking for"
    r"|tell me (?:about|how|what|where|when|why|who|which|if|more)|show me (?:how|what|where|which|the)"
    r"|i (?:want|need|would like|wonder) (?:to know|how|what|where|which|if))\b",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"\b(?:what|how|where|when|who|which|why) (?:do|does|did|can|could|should|must|may|is|are|was|were) "
    r"|[\u0370-\u03ff\u1f00-\u1fff]\s*[;\u037e]\W*$",
    re.IGNORECASE,
)
"""A question behind a word about why it is asked: "I lost my badge, what do I do". Greek asks with a semicolon."""
WISH = re.compile(
    _OPENING + r"(?:(?:can|could|would|will) you (?:please )?|i want you to |let's |lets )?"
    r"(?:write|compose|continue|invent|imagine|pretend|sing|rhyme|translate|summari[sz]e|rephrase|rewrite|repeat|roleplay"
    r"|say(?! (?:how|what|where|when|who|which|why|if|whether)\b)|joke|make up|count (?:up |down )?(?:to|from)"
    r"|tell (?:me |us )?(?:a|an|another|some|one more)"
    r"|give me (?:a|an|another|some) (?:joke|story|poem|name|idea))\b",
    re.IGNORECASE,
)

_WHOSE = "(?:(?:full|first|last|real|own) )?(?:name|age|birthday|mother|mum|mom|father|dad|wife|husband|friend|job)"
PERSONAL = re.compile(
    rf"\b(?:your {_WHOSE}|(?:my|your) (?:favou?rite|opinion|feelings?|hobb(?:y|ies)|gender|creator|maker))\b",
    re.IGNORECASE,
)
MINE = re.compile(
    rf"\b(?:(?:remember|guess) )?my {_WHOSE}\b|\b\d[\d.,:]*\s+[-/]\s+\d[\d.,:]*",
    re.IGNORECASE,
)
"""About me, or a sum, where nothing else is asked with it: not "How do I change my name?", nor "Open 9 - 17?"."""

ADDRESS = re.compile(
    r"\b(?:are|r|do|did|can|could|will|would|have|were) (?:you|u)\b"
    r"(?! (?:please )?(?:tell|say|explain|show|help|describe|list|find|know (?:how|where|what|when|who|which|why|if)"
    r"|have|offer|sell|rent|serve|charge|ship|deliver|accept|provide|allow|support)\b)",
    re.IGNORECASE,
)
"""Put to "you", unless that is only courtesy ("can you tell me where …") or a house's doing ("do you have lockers")."""

SAYS = re.compile(
    r"\b(?:i|im|we|you|u|he|she|they|it|this|that|me|am|is|are|was|were|be|been|has|have|had|do|did|does|will|would"
    r"|can|no|not|nothing|so|too|thanks?|thx|hi|hello|hey|bye|please|ok|okay|yes|good|great|nice|happy|see|next|last|only"
    r"|both|another|back|half|finally|later|now|soon|today|tonight|tomorrow|yesterday)\b"
    r"|^(?:my|our|your)\b|[.!…]$",
    re.IGNORECASE,
)
"""What nobody types into a search box: somebody, a verb that says something of something, a word for the other."""
KEYWORDS = 6
"""Words of such a search at most…"""
SEARCHED = 3
"""…and those that say something, at least."""

SUM = re.compile(r"\d(?:\s*[+*×÷^]\s*|\s*%\s*of\s+|\s+(?:times|plus|minus|divided by|percent of)\s+)\d", re.I)
"""Worked out, not looked up: there are documents enough in which both numbers happen to stand."""

FOLLOWS = re.compile(
    r"^(?:and|or|but|what about|how about|und|et|y|e|а|и|και)\b|^那"
    r"|\b(?:it|its|they|them|their|that|those|these|he|his|him|she|her|ones?)\b"
    r"|(?<!is )(?<!are )(?<!was )\bthere\b(?! (?:is|are|was))",
    re.IGNORECASE,
)
"""Says of what only together with what was asked before: "and for students?", "what does it cost there"."""

KNOWN_BEFORE = 0.5
"""Share of what was asked before that speaks for a passage."""
ASIDES = 3
"""Questions of one message that are tried alone."""
GUESS = 0.8
"""What a guessed word counts for: enough for one slip in a question, not for a question of slips."""
MISSED = 0.25
"""What a light word counts for where it is missing."""
NAMED = 0.2
SAID = 0.1
BEFORE = 0.5
"""How much headings, one paragraph alone, and what was asked before weigh in the order. They do not decide whether
there is an answer."""
CHANCE = 0.3
"""How near a question is to passages that do not answer it: being nearer counts for a passage, and less against it."""
STANDS = 0.9
"""Of the passages for a question that goes on with an earlier one, those that come this near to the best remain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A passage that contains words of the question."""

    id: int
    document: int
    heading: str
    body: str
    heading_stems: str
    body_stems: str
    title: str
    source: str
    page: int = 0
    """0 = the document has no pages."""
    near: float | None = None
    """How near its vector is to the question's (`botcore_qa.vectors`); None where one of them has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A word of the question, and the words of the documents that stand for it (none: they do not know it)."""

    weight: float
    forms: tuple[str, ...]
    sure: bool = True
    """False where ``forms`` are guesses: slips of the pen, or longer words."""
    common: bool = False
    """Whether it stands in so many passages that it tells none of them from the others."""
    light: bool = False
    """Whether it is what the question is put with, more than what it is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the index knows about a question."""

    terms: tuple[Term, ...]
    hits: tuple[Hit, ...]
    before: tuple[Term, ...] = ()
    """What was asked before, of a question that goes on with it: it tells which of the passages is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A passage and how well it answers the question, 0 to 1."""

    hit: Hit
    score: float
    named: bool = False
    """Whether its headings name something of what was asked."""
    together: int = 0
    """Words of the question that its headings and one paragraph hold together, at most."""
    before: float = 0.0
    """How much it contains of what was asked before, 0 to 1."""
    order: float = 0.0
    """What decides between passages: the score, and more for one whose headings or one paragraph name the subject."""


def mood(text: str) -> Mood:
    """What kind of message this is, by its form alone."""
    if WISH.match(text.strip()) or PERSONAL.search(text) or SUM.search(text) or _only_mine(text):
        return "talk"
    asks = QUESTION.match(text.strip()) or text.rstrip(" \"'”)»」").endswith(("?", "？", "؟")) or ASKS.search(text)
    if not asks:
        searched = len(text.split()) <= KEYWORDS and not SAYS.search(text.strip())
        return "keywords" if searched else "statement"
    return "address" if ADDRESS.search(text) else "question"


def _only_mine(text: str) -> bool:
    return MINE.search(text) is not None and not question_stems(MINE.sub(" ", text))


def follows(text: str) -> bool:
    """Whether this goes on with what was asked before, by its form alone."""
    return FOLLOWS.search(text.strip()) is not None


def asides(text: str) -> list[tuple[str, list[str]]]:
    """Questions of a message that tells something, too, each with the rest where it goes on with that.

    "I came with my mother. Is there a lift?", "I have a card. What does it cost?".
    """
    parts = [text[start:end] for start, end in sentences(text)]
    asked = [at for at, part in enumerate(parts) if part.endswith(("?", "？", "؟")) and question_stems(part)]
    rest = {at: [" ".join(parts[:at] + parts[at + 1 :])] if follows(parts[at]) else [] for at in asked}
    return [(parts[at], rest[at]) for at in asked[:ASIDES] if len(parts) > 1]


def share(terms: Sequence[Term], words: Set[str]) -> float:
    """How much of the question's weight ``words`` contain, 0 to 1; a guessed word counts for less.

    A light word counts where it is there, and is hardly missed where it is not.
    """
    found = total = 0.0
    for term in terms:
        there = not words.isdisjoint(term.forms)
        total += term.weight * (MISSED if term.light and not there else 1)
        found += term.weight * (1 if term.sure else GUESS) if there else 0.0
    return found / total if total else 0.0


def ranked(question: Question) -> list[Scored]:
    """Passages that may answer, best first; equal ones in the index's order, those of one section as they are read.

    Of equal ones in one document, whose sections all have its title, those come first whose own heading says more.
    """
    scored = [one for one in (_scored(question, hit) for hit in question.hits) if _grounded(question.terms, one)]
    first = dict[object, int]()
    for place, one in enumerate(scored):
        for of in (one.hit.document, _section(one)):
            first.setdefault(of, place)

    def key(one: Scored) -> tuple[float, ...]:
        document, section = first[one.hit.document], first[_section(one)]
        return -round(one.order, 2), document, -_above(question.terms, one.hit), section, one.hit.id

    ordered = sorted(scored, key=key)
    return [one for one in ordered if not question.before or one.order >= STANDS * ordered[0].order]


def _section(one: Scored) -> tuple[int, str]:
    return one.hit.document, one.hit.heading


def _grounded(terms: Sequence[Term], one: Scored) -> bool:
    """Whether more than chance has brought the words of the question here: "time" and "open" stand in every manual.

    A heading names one of them, or one paragraph holds two, or the only one is rare; or something else speaks for it.
    """
    speaks = one.named or one.before >= KNOWN_BEFORE or one.hit.near is not None
    about = [term for term in terms if not term.light]
    return speaks or one.together > 1 or (len(about) == 1 and not about[0].common)


def _scored(question: Question, hit: Hit) -> Scored:
    terms, heading = question.terms, set(hit.heading_stems.split())
    words = heading | set(hit.body_stems.split())
    whole = share(terms, words)
    parts = [set(stems(text)) for text in _said(hit.body)]
    covered = (whole + max((share(terms, heading | part) for part in parts), default=0.0)) / 2
    worth = covered if hit.near is None else covered + hit.near - CHANCE
    named, said = share(terms, heading), max((share(terms, part) for part in parts), default=0.0)
    before = share(question.before, words)
    return Scored(
        hit=hit,
        score=min(1.0, max(0.0, worth)),
        named=named > 0,
        together=max((_held(terms, heading | part) for part in parts), default=0),
        before=before,
        order=worth + NAMED * named + SAID * said + BEFORE * before,
    )


def _above(terms: Sequence[Term], hit: Hit) -> float:
    return share(terms, set(stems(_right_above(hit))))


def _held(terms: Sequence[Term], words: Set[str]) -> int:
    return sum(not words.isdisjoint(term.forms) for term in terms)


def _said(body: str) -> Iterator[str]:
    """What says something by itself: a paragraph, a list, a row of a table with its head; no example."""
    for block in (body[start:end] for start, end in blocks(body)):
        head, rows = table(block) or ("", [block])
        yield from (f"{head}\n{row}" for row in rows if not is_example(row))


def answers(kind: Mood, question: Question, best: Sequence[Scored], *, threshold: float, strong: float) -> bool:
    """Whether the documents answer the message.

    Only what is put as a question may rest on a single word of theirs; put to "you", only where a heading names it:
    "When are you open?" is for the opening hours, "Are you smart?" is small talk. Keywords
    must be several, and all known where no encoder knows better: two common words stand together somewhere ("quick
    question"); or they are a heading.
    """
    if kind == "talk" or not best:
        return False
    known = sum(bool(term.forms) for term in question.terms)
    if kind == "question" or (kind == "address" and (known > 1 or best[0].named)):
        return best[0].score >= threshold
    meant = known == len(question.terms) or best[0].hit.near is not None
    if kind == "keywords" and meant and (len(question.terms) >= SEARCHED or _titled(question.terms, best[0].hit)):
        return best[0].score >= threshold
    return known > 1 and best[0].score >= strong


def _titled(terms: Sequence[Term], hit: Hit) -> bool:
    """Whether the heading right above the passage says all of it: "opening hours"."""
    words = set(question_stems(_right_above(hit)))
    return all(not words.isdisjoint(term.forms) for term in terms)


def _right_above(hit: Hit) -> str:
    return hit.heading.rsplit(" › ", 1)[-1]
