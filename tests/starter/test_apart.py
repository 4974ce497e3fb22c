"""Sets of passages about one subject: finding the subject does not answer, and half of what is asked is not told."""

import re

from scripts.starter.apart import posed
from scripts.starter.framing import REFUSAL, quoted
from scripts.starter.grammar import Grammar


def words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower())) - {"the", "a", "an", "of", "in", "is", "to", "it", "and"}


def test_a_question_is_answered_by_a_sentence_of_the_passage_named_or_refused() -> None:
    grammar, refused, asked = Grammar(8), 0, 0
    for one in (posed(grammar) for _ in range(200)):
        quotes = {quoted(text, number) for number, passage in enumerate(one.passages, 1) for text in passage}
        assert {answer for _, answer in one.pairs} <= {*quotes, REFUSAL}
        refused += sum(answer == REFUSAL for _, answer in one.pairs)
        asked += len(one.pairs)
    assert 0.3 < refused / asked < 0.5


def test_no_passage_is_empty_and_no_question_is_asked_twice() -> None:
    grammar = Grammar(9)
    for one in (posed(grammar) for _ in range(200)):
        assert all(one.passages)
        assert len({ask for ask, _ in one.pairs}) == len(one.pairs)


def test_what_is_not_told_is_asked_about_somebody_who_is_spoken_of() -> None:
    grammar = Grammar(10)
    for one in (posed(grammar) for _ in range(200)):
        told = words(" ".join(text for passage in one.passages for text in passage))
        assert all(words(ask) & told for ask, answer in one.pairs if answer == REFUSAL), one
