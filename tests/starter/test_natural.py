"""The natural passages: what a reviewer cannot count, and that nothing held out is trained on."""

import re
from collections import Counter
from pathlib import Path

import pytest

from scripts.starter.corpus import Corpus, digest
from scripts.starter.dialogue import Message
from scripts.starter.framing import REFUSAL, quoted
from scripts.starter.grammar import Grammar
from scripts.starter.natural import HELD_OUT, TRAINING, Passage, held_out, parse, read_training, training
from scripts.starter.reading import _questions, posed, varied
from scripts.starter.words import KEPT_BACK

QUOTE = re.compile(r'"([^"]+)" \[(\d)\]')


def counted(passages: tuple[Passage, ...]) -> tuple[int, int]:
    """How many questions are answered, how many are not."""
    answered = [at is not None for passage in passages for _, at in passage.questions]
    return sum(answered), len(answered) - sum(answered)


def test_there_are_enough_passages_and_questions() -> None:
    assert len(training()) >= 4_000
    assert counted(training())[0] >= 18_000
    assert counted(held_out())[0] >= 60
    assert counted(held_out())[1] >= 25


def test_a_passage_to_train_on_has_thirty_words_some_answers_and_some_questions_it_does_not_answer() -> None:
    for passage in training():
        answered, missed = counted((passage,))
        assert 30 <= len(passage.text.split()) <= 130, passage.text
        assert 2 <= answered <= 7, passage.text
        assert 1 <= missed <= 3, passage.text


@pytest.mark.parametrize("passages", [training(), held_out()], ids=["training", "held out"])
def test_every_answer_is_a_sentence_and_no_sentence_could_be_mistaken_for_a_quotation(
    passages: tuple[Passage, ...],
) -> None:
    for passage in passages:
        assert all(at is None or 0 <= at < len(passage.sentences) for _, at in passage.questions), passage.text
        for sentence in passage.sentences:
            assert sentence == sentence.strip(), sentence
            assert sentence[-1] in ".!?:'", sentence
            assert not set(sentence) & set('"[]<>{}|$'), sentence


def test_no_sentence_is_there_twice_and_no_passage_asks_twice_the_same() -> None:
    said = Counter(sentence for passage in (*training(), *held_out()) for sentence in passage.sentences)
    assert [sentence for sentence, times in said.items() if times > 1] == []
    for passage in (*training(), *held_out()):
        asks = [ask for ask, _ in passage.questions]
        assert len(set(asks)) == len(asks), passage.text


def test_nothing_held_out_is_trained_on() -> None:
    kept = {sentence for passage in held_out() for sentence in passage.sentences}
    asked = {ask for passage in held_out() for ask, _ in passage.questions}
    trained = {sentence for passage in training() for sentence in passage.sentences}
    assert not kept & trained
    assert not asked & {ask for passage in training() for ask, _ in passage.questions}
    told = "\n".join(message.text for message in conversations(seed=5, count=700))
    assert not [text for text in kept if text in told]


def test_a_held_out_file_in_the_training_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "moved.txt").write_text(HELD_OUT.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"moved\.txt is held out"):
        read_training(tmp_path)


def test_a_passage_with_a_word_kept_back_is_not_trained_on() -> None:
    files = read_training(TRAINING)
    said = {passage.sentences for passage in training()}
    left_out = [passage for passage in files if passage.sentences not in said]
    assert 0 < len(left_out) < 0.1 * len(files)
    for passage in left_out:
        words = re.findall(r"\w+", " ".join((passage.text, *(ask for ask, _ in passage.questions))))
        assert {*words, *(word.removesuffix("s") for word in words)} & KEPT_BACK, passage.text


def test_a_question_belongs_to_the_sentence_above_it() -> None:
    (passage,) = parse("One is red.\nTwo is blue.\n? Which is blue?\n- Which is green?\n-- Which is old?\n", "colours")
    assert passage.questions == (("Which is blue?", 1), ("Which is green?", None), ("Which is old?", None))


@pytest.mark.parametrize(("answered", "least", "most"), [(0.74, 0.25, 0.45), (0.5, 0.45, 0.65)])
def test_every_quotation_stands_in_the_passage_it_names(answered: float, least: float, most: float) -> None:
    grammar = Grammar(3)
    quotes = refusals = 0
    for asked in (posed(grammar, answered) for _ in range(200)):
        for _, answer in asked.pairs:
            if found := QUOTE.fullmatch(answer):
                assert found[1] in asked.passages[int(found[2]) - 1]
                quotes += 1
            else:
                assert answer == REFUSAL
                refusals += 1
    assert least < refusals / (quotes + refusals) < most


def test_among_several_passages_a_question_that_fits_another_better_is_not_asked() -> None:
    first, second = parse(
        "The ride is short.\n? How long is it?\n\nThe film is long.\n? How long is the film?\n", "any"
    )
    answers, _ = _questions(Grammar(1), [first, second], training())
    assert answers == [("How long is the film?", quoted("The film is long.", 2))]


def test_names_and_numbers_change_but_agree_throughout_a_passage() -> None:
    (passage,) = parse("Anna has 14 cats.\n? Who has 14 cats?\nAll cats like Anna.\n? Whom do they like?\n", "cats")
    for seed in range(40):
        changed = varied(Grammar(seed), passage)
        name, number = re.fullmatch(r"(\w+) has (\d\d) cats\.", changed.sentences[0]).groups()
        assert changed.sentences[1] == f"All cats like {name}."
        assert changed.questions[0] == (f"Who has {number} cats?", 0)


def talks(seed: int, count: int = 150) -> list[list[Message]]:
    corpus = Corpus(seed)
    return [corpus.conversation("all") for _ in range(count)]


def conversations(seed: int, count: int) -> list[Message]:
    return [message for talk in talks(seed, count) for message in talk]


def test_one_seed_writes_one_corpus() -> None:
    assert digest(talks(11)) == digest(talks(11))
    assert digest(talks(11)) != digest(talks(12))


@pytest.mark.parametrize(("stage", "share"), [("all", 1.0), ("long", 0.9)])
def test_conversations_fit_into_the_context(stage: str, share: float) -> None:
    """A token of the shipped vocabulary is 2.9 characters of this corpus; training drops what is over 1,024."""
    corpus = Corpus(4)
    lengths = [sum(len(message.text) for message in corpus.conversation(stage)) for _ in range(400)]
    assert sum(length < 2.9 * 1_024 for length in lengths) >= share * len(lengths)
