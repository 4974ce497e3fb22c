"""The wording of the corpus: every phrase can be said, and what measures unseen wording is in no other list."""

import re
from collections.abc import Iterator

import pytest

from scripts.starter import finding, passages
from scripts.starter.chat import TALK, Chat
from scripts.starter.framing import REFUSAL, quoted
from scripts.starter.grammar import Grammar
from scripts.starter.natural import training
from scripts.starter.passages import RELATIONS
from scripts.starter.phrases import load
from scripts.starter.words import WORDS

FILES = (
    "added",
    "chat",
    "finding",
    "framing",
    "instruct",
    "memory",
    "moretalk",
    "relations",
    "smalltalk",
    "tales",
    "widertalk",
)
ADDED = load("added")["relations"]
SLOT = re.compile(r"\$([a-z]+)")
BOUND = {*"abcvwsxk", "me", "topic", "who", "hero", "it", "its", "friend", "spot", "goal", "second", "city", "other"}
MADE = {"number", "year", "hour", "small", "odd"}


def phrases(table: object) -> Iterator[str]:
    if isinstance(table, str):
        yield table
    else:
        for part in table.values() if isinstance(table, dict) else table:
            yield from phrases(part)


@pytest.mark.parametrize("name", FILES)
def test_every_slot_is_a_kind_of_word_and_every_brace_is_closed(name: str) -> None:
    for phrase in phrases(load(name)):
        assert set(SLOT.findall(phrase)) <= BOUND | MADE | set(WORDS), phrase
        assert phrase.count("{") == phrase.count("}"), phrase


def test_every_relation_has_many_wordings_and_some_that_are_kept_back() -> None:
    for kind, relations in RELATIONS.items():
        for name, forms in relations.items():
            counts = [len(forms[key]) for key in ("states", "asks", "held_states", "held_asks")]
            assert all(count >= least for count, least in zip(counts, (8, 9, 3, 4), strict=True)), (kind, name, counts)
            assert min(map(len, ADDED[kind][name].values())) >= 14, (kind, name)


@pytest.mark.parametrize("sort", ["states", "asks"])
def test_a_wording_kept_back_is_never_said_in_training(sort: str) -> None:
    grammar = Grammar(1)
    bound = dict.fromkeys(BOUND | MADE | set(WORDS), "*")
    for kind, relations in RELATIONS.items():
        for name, forms in relations.items():
            said = {grammar.say(form, **bound) for form in (*forms[sort], *ADDED[kind][name][sort]) for _ in range(12)}
            kept = {grammar.say(form, **bound) for form in forms[f"held_{sort}"] for _ in range(12)}
            assert not said & kept, name


def test_what_is_to_be_found_by_its_words_stands_in_one_sentence() -> None:
    grammar, refused = Grammar(4), 0
    for posed in (finding.posed(grammar) for _ in range(200)):
        quotes = [quoted(text, at) for at, passage in enumerate(posed.passages, 1) for text in passage]
        for ask, answer in posed.pairs:
            words = set(re.findall(r"\w+", ask.lower())) & set(re.findall(r"\w+", " ".join(quotes).lower()))
            refused += answer == REFUSAL
            assert answer == REFUSAL or (quotes.count(answer) == 1 and words), ask
    assert 50 < refused < 200


def test_training_and_the_measure_of_unseen_wording_ask_differently() -> None:
    def answers(*, unseen: bool) -> set[str]:
        grammar = Grammar(2, unseen=unseen)
        posed = [passages.posed(grammar, Chat(grammar)) for _ in range(150)]
        return {answer for talk in posed for _, answer in talk.pairs if answer.startswith('"')}

    seen, unseen = answers(unseen=False), answers(unseen=True)
    assert seen
    assert unseen
    assert not seen & unseen


def test_not_told_has_one_wording_which_the_rules_name() -> None:
    grammar = Grammar(3)
    for rule in load("relations")["rules"]:
        assert REFUSAL in grammar.say(rule)


NAMES = ("she", "he", "name", "city")
"""Kinds that reading.py exchanges in natural passages, so that those kept back may stand in the files."""


def test_a_word_kept_back_for_evaluation_stands_in_no_text_of_the_corpus() -> None:
    wording = " ".join(SLOT.sub("", phrase) for name in FILES for phrase in (*phrases(load(name)), *load(name)))
    natural = " ".join((p.text + " " + " ".join(ask for ask, _ in p.questions)) for p in training())
    for kind, words in WORDS.items():
        if len(words) >= 40:
            kept = "|".join(re.escape(word) for word in words[: len(words) // 8 * 8 : 8])
            text = wording if kind in NAMES else f"{wording} {natural}"
            assert re.findall(rf"\b(?:{kept})s?\b", text) == [], kind


def test_a_name_is_kept_back_in_all_its_lists_or_in_none() -> None:
    kept = {kind: set(WORDS[kind][: len(WORDS[kind]) // 8 * 8 : 8]) for kind in ("she", "he", "name")}
    assert kept["name"] == kept["she"] | kept["he"]


def test_wider_talk_has_asks_of_its_own_for_intents_that_are_known() -> None:
    wider = load("widertalk")["asks"]
    known = {ask for forms in TALK.values() for ask in forms.asks}
    assert set(wider) <= set(TALK)
    assert not known & {ask for asks in wider.values() for ask in asks}
