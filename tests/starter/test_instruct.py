"""Instructions have one right answer; what is repeated comes from lists, sentences and the natural passages."""

import re

from scripts.starter.grammar import Grammar
from scripts.starter.instruct import TASKS, drills, instruction
from scripts.starter.natural import PROPER, training
from scripts.starter.words import KEPT_BACK

WORDS = {word for passage in training() for sentence in passage.sentences for word in sentence.strip(".,;:!?'").split()}
UPPER, LOWER = (next(task for task in TASKS if task.__name__ == name) for name in ("_upper", "_lower"))


def test_what_changes_its_case_is_otherwise_the_same() -> None:
    grammar = Grammar(5)
    for _ in range(200):
        ask, answer = UPPER(grammar)
        assert answer == answer.upper()
        assert ask.upper().endswith(answer)
        ask, answer = LOWER(grammar)
        assert ask.endswith(answer.upper())


def test_words_of_the_natural_passages_are_repeated_but_no_name_and_no_word_kept_back() -> None:
    grammar = Grammar(6)
    said = [UPPER(grammar)[0].partition(": ")[2] for _ in range(400)]
    natural = [text for text in said if len(text.split()) == 8 and set(text.split()) <= WORDS]
    assert natural
    for text in natural:
        assert not PROPER.search(text)
        assert not set(text.split()) & KEPT_BACK


def test_an_examination_in_words_kept_back_says_nothing_of_the_natural_passages() -> None:
    grammar = Grammar(7, held=True)
    asks = [ask for _ in range(300) for ask, _ in instruction(grammar)]
    sentences = {piece for passage in training() for piece in passage.sentences}
    assert not [ask for ask in asks if any(sentence[:20] in ask for sentence in sentences)]


def test_drills_have_one_right_answer_and_mind_how_a_sum_is_typed() -> None:
    grammar = Grammar(8)
    pairs = [pair for _ in range(300) for pair in drills(grammar)]
    sums = [(ask, answer) for ask, answer in pairs if re.search(r"\d[+-]\d", ask)]
    assert sums
    for ask, answer in sums:
        told = re.search(r"(\d+)([+-])(\d+)", ask).groups()
        result = int(told[0]) + int(told[2]) * (1 if told[1] == "+" else -1)
        assert answer == f"{' '.join(told)} = {result}"
