"""A collapsed adapter is seen by what it says; an odd lesson is not held against it."""

from dataclasses import replace

import pytest

from botcore.training.collapse import Answer, as_lines, collapsed, figures, repeated

SAID = [
    "Hello, nice to meet you! What would you like to do?",
    "One, two, three, four, five.",
    "I do not know that.",
    "On a bright morning a bear came to town and asked for honey.",
    "Thank you, and have a good evening.",
    "We open at nine.",
    "The harbour is behind the old mill.",
    "A ticket is four crowns.",
]
FINE = [
    Answer(prompt=f"Question {n}?", before=text, after=text, surprise_before=1.0, surprise_after=1.0)
    for n, text in enumerate(SAID)
]


def all_say(text: str, surprise: float = 1.0) -> list[Answer]:
    return [replace(one, after=f"{one.prompt} {text}" if text else "", surprise_after=surprise) for one in FINE]


def test_an_adapter_that_speaks_like_its_base_is_fine() -> None:
    assert collapsed(FINE) == ""


def test_what_was_taught_is_no_collapse_however_odd() -> None:
    odd = "Arrr " * 30
    assert collapsed([replace(one, after=odd, wanted=odd, surprise_after=9.0) for one in FINE[:4]] + FINE[4:]) == ""
    leaks = [replace(one, after="Zxq vbn wrt.", surprise_after=9.0) for one in FINE[:4]]
    assert collapsed([*leaks, *FINE[4:]], taught=["zxq vbn wrt."]) == ""


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (all_say("ward" * 30), "8 of 8 answers repeat themselves: to “Question 0?” it says “Question 0? wardward"),
        (all_say("the the the " * 12), "repeat themselves"),
        (all_say(""), "8 of 8 answers are empty"),
        (all_say("q%z 7# vv lorp xx", surprise=9.5), "are gibberish"),
        (
            [replace(one, after="We open at nine.") for one in FINE],
            "it says the same to nearly everything: “We open at nine.”",
        ),
    ],
)
def test_each_kind_of_collapse_is_named_with_an_example(answers: list[Answer], reason: str) -> None:
    assert reason in collapsed(answers)


def test_a_few_bad_answers_among_many_are_no_collapse() -> None:
    bad = all_say("ward" * 30)
    assert collapsed([*bad[:2], *FINE[2:]]) == ""
    assert collapsed([*bad[:3], *FINE[3:]]).startswith("3 of 8 answers repeat themselves")


def test_a_base_that_loops_itself_is_no_reason_to_refuse() -> None:
    loops = "and so on " * 20
    assert collapsed([replace(one, before=f"{n} {loops}", after=f"{n} {loops}") for n, one in enumerate(FINE)]) == ""


def test_ordinary_text_repeats_little_and_a_loop_nearly_all() -> None:
    assert repeated(" ".join(SAID)) < 0.1
    assert repeated("ward" * 30) > 0.9
    assert repeated("Ha ha ha!") == 0.0


def test_figures_count_lessons_given_and_other_answers_kept() -> None:
    lessons = [replace(FINE[0], after="At nine!", wanted="at nine!", learnt=True), replace(FINE[1], wanted="Seven.")]
    told = figures([*(replace(one, learnt=True) for one in lessons), *FINE[2:6], replace(FINE[6], after="What?")])
    assert told == {"taught": 1, "asked": 2, "kept": 4, "others": 5}


def test_a_sample_is_a_line_that_reads_alone() -> None:
    assert as_lines(FINE[5:6])[0]["text"] == "Question 5? → We open at nine."
