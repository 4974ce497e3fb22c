"""What the evaluation asks, and how it judges; no model is needed for either."""

import random
import re

import pytest

from botcore.training.questions import BUNDLED, read_questions
from botcore_qa.plugin import SYSTEM
from scripts.starter import cells, tales
from scripts.starter.chat import TALK
from scripts.starter.choice import Choice, pieces
from scripts.starter.corpus import Corpus
from scripts.starter.framing import REFUSAL
from scripts.starter.grammar import Grammar
from scripts.starter.judge import cites, consistent, intents, repeated, sensible, wilson
from scripts.starter.natural import training
from scripts.starter.sheet import Sheet

VOCABULARY = {token: id for id, token in enumerate(["<|end|>", *"abcdr.", "Ġ", "ab", "abra", "Ġc", "cad"])}
END = 0


def ids(*tokens: str) -> list[int]:
    return [VOCABULARY[token] for token in tokens]


def choice(*texts: str) -> Choice:
    return Choice(texts, pieces(VOCABULARY), END)


def test_every_token_that_goes_on_with_a_text_may_come_however_it_cuts_it() -> None:
    assert choice("abra c", "cad").allowed([]) == ids("a", "c", "ab", "abra", "cad")
    assert choice("abra c", "abra.").allowed(ids("ab", "r", "a")) == ids(".", "Ġ", "Ġc")


def test_where_one_text_is_left_the_answer_is_decided() -> None:
    assert choice("abra", "cad").allowed(ids("c")) == [END]
    assert choice("abra", "cad").whole(ids("c")) == "cad"
    assert choice("abra", "cad").whole([*ids("ab"), END, END]) == "abra"


def test_a_text_that_begins_another_may_end_or_go_on() -> None:
    assert choice("ab", "abra").allowed(ids("ab")) == [END, *ids("r")]
    assert choice("ab", "abra").whole([*ids("ab"), END]) == "ab"


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert wilson(90, 100) == pytest.approx((0.8256, 0.9448), abs=1e-4)
    assert wilson(0, 40)[0] == 0
    assert wilson(40, 40)[1] == 1


def test_a_passage_is_cited_by_its_number_alone() -> None:
    assert cites('"It is wet." [2]', '"It is blue." [2]')
    assert not cites('"It is blue." [1] [2]', '"It is blue." [2]')


def test_runs_of_four_words_that_come_again_are_counted() -> None:
    assert repeated("one two three four five one two three four six") == (1, 7)


def test_the_grammars_own_stories_keep_their_names() -> None:
    grammar = Grammar(5)
    told = [tales._topic(grammar) for _ in range(300)]
    kept = [consistent(" ".join(tales._story(grammar, kind, topic)), topic) for kind, topic in told]
    assert sum(kept) >= 0.98 * len(kept)


def test_a_third_person_or_a_name_spelt_anew_is_noticed() -> None:
    story = "Far away Nora met a fox. The fox liked Nora, and Omar waved. At night {} came back with Nora."
    assert consistent(story.format("Omar"), "a fox")
    assert not consistent(story.format("Pedro"), "a fox")
    assert not consistent(story.format("they and Noro and Omarr"), "a fox")
    assert not consistent(story.format("Omar"), "a wolf")


def test_small_talk_is_right_if_it_answers_what_was_meant() -> None:
    assert intents("How are you?") == {"how"}
    assert intents("alright there botcore?") == {"how"}
    assert sensible("Hi there! How can I help?", ["greeting"])
    assert not sensible("Goodbye!", ["greeting"])


def test_a_bot_that_takes_another_name_for_its_own_is_wrong() -> None:
    grammar = Grammar(2)
    forms = [form for form in TALK["who"].answers if "$me" in form]
    assert forms
    for form in forms:
        answer = grammar.say(form, me="Borik")
        assert sensible(answer, ["who"], "Borik")
        assert not sensible(answer, ["who"], "botcore")


def test_every_message_of_small_talk_has_a_meaning() -> None:
    items = cells.small_talk(Grammar(9), 200)
    assert all(item.rule for item in items)


@pytest.mark.parametrize("natural", [False, True])
def test_half_of_the_questions_are_answered_and_the_right_answer_is_among_the_choices(*, natural: bool) -> None:
    items = cells.quotes(Grammar(3), 20, natural=natural)
    assert sum(item.told for item in items) == 20
    for item in items:
        assert item.gold in item.choices
        shown = re.sub(r"\s+", " ", " ".join(message["content"] for message in item.talk))
        assert all(text[1 : text.rindex('"')] in shown for text in item.choices if text != REFUSAL)


def test_a_question_stands_behind_nine_hundred_tokens_and_is_the_same() -> None:
    def length(talk: cells.Talk) -> int:
        return sum(len(message["content"]) for message in talk) // 3

    for near, far in cells.far(Grammar(4), 3, length):
        assert length(near.talk) < 500
        assert 900 <= length(far.talk) <= 980
        assert (near.gold, near.talk[-1]) == (far.gold, far.talk[-1])


def test_natural_questions_are_put_as_the_qa_plugin_puts_them() -> None:
    items = cells.naturally(1)
    assert {item.talk[0]["content"] for item in items} == {SYSTEM}
    assert sum(item.told for item in items) >= 60


def test_instructions_have_one_right_answer() -> None:
    assert all(item.gold and item.kind for item in cells.instructions(Grammar(6), 50))


def test_a_seed_asks_the_same_twice_and_another_seed_something_else() -> None:
    assert cells.quotes(Grammar(7), 5) == cells.quotes(Grammar(7), 5)
    assert cells.quotes(Grammar(7), 5) != cells.quotes(Grammar(8), 5)


def test_a_figure_is_held_against_its_mark() -> None:
    sheet, (cell, measure) = Sheet(), ("held-out words", "exact, free")
    sheet.add(cell, measure, [True] * 84 + [False] * 16)
    (figure,) = sheet.figures()
    assert (figure["value"], figure["mark"], figure["met"]) == (0.84, ">= 0.85", False)
    sheet.add(cell, measure, [True] * 100)
    (figure,) = sheet.figures()
    assert (figure["value"], figure["n"], figure["seeds"], figure["met"]) == (0.92, 200, [0.84, 1.0], True)


def test_the_same_question_asked_by_three_seeds_makes_nothing_surer() -> None:
    draw, sheet = random.Random(1), Sheet()
    for _ in range(3):
        sheet.add("natural, never trained on", "cited, free", [draw.random() < 0.7 for _ in range(100)], distinct=100)
    (figure,) = sheet.figures()
    assert figure["n"] == 300
    assert figure["high"] - figure["low"] > 0.15


def test_what_is_lost_far_away_counts_pairs() -> None:
    sheet = Sheet()
    near, far = [True] * 80 + [False] * 20, [True] * 70 + [False] * 20 + [True] * 10
    sheet.lost("900+ tokens of context", "exact points lost, free", near, far)
    (figure,) = sheet.figures()
    assert figure["value"] == 0.0
    assert (figure["low"], figure["high"]) == pytest.approx((-0.0877, 0.0877), abs=1e-3)
    assert figure["met"]


def test_nothing_written_for_an_examination_is_said_in_training() -> None:
    corpus = Corpus(99)
    said = {message.text for _ in range(600) for message in corpus.conversation("all") if message.role == "user"}
    bundled = read_questions(BUNDLED)
    assert not said & {*(ask for ask, _ in cells.TALKS), *(question.ask for question in bundled)}
    told = "\n".join([*said, *(passage.text for passage in training())])
    kept = {text for question in bundled for text in (*question.passages, question.sentence, question.text) if text}
    assert len(kept) > 20
    assert not [text for text in kept if text in told]
