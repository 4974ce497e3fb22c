"""What an evaluation asks and how it judges, without a model."""

import json
from pathlib import Path
from typing import Any

import pytest

from botcore.errors import TrainingError
from botcore.training.questions import (
    BUNDLED,
    SYSTEM,
    Question,
    figures,
    hash_of,
    kept_questions,
    messages_of,
    read_questions,
    right,
    texts_as_questions,
    variety,
    write_questions,
)
from botcore_qa.plugin import SYSTEM as ASKED_BY_QA

PASSAGES = ("The shop opens at nine. It is red.", "Dogs stay outside.")
QUOTE = Question(kind="quote", ask="When?", passages=PASSAGES, sentence="The shop opens at nine.", number=1)


def asked(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "mine.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return file


@pytest.mark.parametrize(
    ("answer", "good"),
    [
        ('"The shop opens at nine." [1]', True),
        ("Look here:\n“The shop opens at\nnine.” [1]", True),
        ('"The shop opens at nine." [2]', False),
        ('"The shop opens at nine." [1] [2]', False),
        ('"The shop opens at nine."', False),
        ('"The shop opens at ten." [1]', False),
        ('The passages do not say. "The shop opens at nine." [1]', False),
    ],
)
def test_a_quote_is_right_with_its_sentence_and_its_number_alone(answer: str, *, good: bool) -> None:
    assert right(QUOTE, answer) is good


@pytest.mark.parametrize(
    ("answer", "good"),
    [("The passages do not say.", True), ("The documents do not mention it.", True), ("No.", False),
     ("The passages do not say. [1]", False)],
)  # fmt: skip
def test_a_refusal_says_that_the_passages_do_not_say(answer: str, *, good: bool) -> None:
    assert right(Question(kind="refusal", ask="Who?", passages=PASSAGES), answer) is good


def test_an_instruction_holds_what_was_asked_and_nothing_that_was_not() -> None:
    first = Question(kind="instruction", ask="First of: a pea, a bean?", accept=("pea",), forbid=("bean",))
    assert right(first, "It is: pea")
    assert not right(first, "pea, bean")
    assert not right(first, "Pea")


def test_stories_are_varied_or_say_everything_again() -> None:
    told = variety(["one two three four five one two three four", "six"])
    assert told == {"distinct_1": 0.6, "distinct_2": 0.625, "repeated_4": 0.1667, "words": 5.0}
    assert variety([""])["repeated_4"] == 0


def test_figures_count_each_kind_that_was_asked() -> None:
    refusal = Question(kind="refusal", ask="Who?", passages=PASSAGES)
    found = figures([QUOTE, QUOTE, refusal], ['"The shop opens at nine." [1]', "The passages do not say.", "Bob"])
    assert found == {
        "quote": {"right": 1, "of": 2, "share": 0.5},
        "refusal": {"right": 0, "of": 1, "share": 0.0},
        "false_refusal": {"right": 1, "of": 2, "share": 0.5},
    }


def test_passages_are_put_as_the_qa_plugin_puts_them() -> None:
    assert SYSTEM == ASKED_BY_QA
    system, question = messages_of(QUOTE)
    assert (system["role"], system["content"]) == ("system", SYSTEM)
    assert question["content"] == f"Passages:\n[1] {PASSAGES[0]}\n[2] {PASSAGES[1]}\nQuestion: When?"


def test_questions_are_read_as_they_were_written(tmp_path: Path) -> None:
    questions = read_questions(BUNDLED)
    write_questions(tmp_path / "again.jsonl", questions)
    assert read_questions(tmp_path / "again.jsonl") == questions
    assert hash_of(questions) == hash_of(read_questions(BUNDLED))
    assert hash_of(questions) != hash_of(questions[1:])


def test_half_a_sign_which_json_may_hold_is_asked_as_a_question_mark(tmp_path: Path) -> None:
    (question,) = read_questions(asked(tmp_path, {"kind": "instruction", "ask": "\ud83d?", "accept": ["a\ud83d"]}))
    assert (question.ask, question.accept) == ("??", ("a?",))
    write_questions(tmp_path / "again.jsonl", [question])
    assert read_questions(tmp_path / "again.jsonl") == [question]


def test_the_set_that_comes_with_botcore_asks_everything() -> None:
    kinds = [question.kind for question in read_questions(BUNDLED)]
    least = {"instruction": 20, "quote": 16, "refusal": 10, "story": 8, "text": 8}
    assert {kind: kinds.count(kind) for kind in set(kinds)} == least  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ([1], '"kind" is none of text, instruction, quote, refusal, story'),
        ({"kind": "riddle"}, '"kind" is none of'),
        ({"kind": "story"}, 'a story needs "ask"'),
        ({"kind": "quote", "ask": "a", "passages": ["b"], "sentence": "b"}, 'a quote needs "number"'),
        ({"kind": "quote", "ask": "a", "passages": ["b"], "sentence": "c", "number": 1}, "is not in the passage"),
        ({"kind": "quote", "ask": "a", "passages": ["b"], "sentence": "b", "number": 2}, "is not in the passage"),
        ({"kind": "refusal", "ask": "a", "passages": "b"}, '"passages" is a list of texts'),
        ({"kind": "instruction", "ask": "a", "accept": ["b"], "not": [5]}, '"not" is a list of texts'),
        ({"kind": "text", "text": 5}, '"text" is a text'),
    ],
)
def test_a_line_that_is_no_question_is_named(tmp_path: Path, line: Any, said: str) -> None:
    file = asked(tmp_path, {"kind": "story", "ask": "Tell me one."}, "", line)
    with pytest.raises(TrainingError, match=r"mine\.jsonl:3: ") as error:
        read_questions(file)
    assert said in str(error.value)


def test_an_empty_file_and_none_are_one_line_each(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="is empty"):
        read_questions(asked(tmp_path, ""))
    with pytest.raises(TrainingError, match="there is no file"):
        read_questions(tmp_path / "none.jsonl")


def test_texts_of_a_folder_are_questions_of_perplexity(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("One day.")
    (tmp_path / "b.md").write_text("Another day.")
    assert [(one.kind, one.text) for one in texts_as_questions([str(tmp_path)])] == [
        ("text", "One day."),
        ("text", "Another day."),
    ]


def test_more_text_than_can_be_asked_names_the_folder_and_no_file_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botcore.training.questions.FILE_LIMIT", 10)
    (tmp_path / "a.txt").write_text("One day.")
    (tmp_path / "b.md").write_text("Another day.")
    with pytest.raises(TrainingError) as error:
        texts_as_questions([str(tmp_path)])
    assert str(error.value) == f"{tmp_path}: more text than 64 MiB; name less of it"


def test_what_an_evaluation_keeps_is_read_again_however_much_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [Question(kind="story", ask="Tell me one."), Question(kind="text", text="One day.")]
    write_questions(tmp_path / "kept.jsonl", kept)
    monkeypatch.setattr("botcore.training.questions.MOST", 1)
    monkeypatch.setattr("botcore.training.questions.FILE_LIMIT", 10)
    assert kept_questions(tmp_path / "kept.jsonl") == kept
