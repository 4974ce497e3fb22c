"""From lessons to rows: which method, how many are needed, and what is learnt beside them."""

import pytest

from botcore.errors import TrainingError
from botcore.training.lessons import Kind, Lesson
from botcore.training.mix import Said, chosen_method, disputed, framed, held_out, rows_of, steps_for, unused


def lesson(kind: Kind, question: str, said: str, instead_of: str = "") -> Lesson:
    prompt = ({"role": "system", "content": "Be kind."}, {"role": "user", "content": question})
    return Lesson(where=f"{kind} {question} {said}", prompt=prompt, said=said, kind=kind, instead_of=instead_of)


PAIRS = [lesson("pair", f"What is {n}?", f"It is {n}.", "No.") for n in range(3)]
THUMBS = [lesson("liked" if n else "disliked", f"Hi {n}", "Hello.") for n in range(6)]
ANSWERS = [lesson("answer", f"Who is {n}?", f"{n} is me.") for n in range(3)]
KEPT: list[Said] = [
    (({"role": "user", "content": "Hi"},), "Hello there."),
    (PAIRS[0].prompt, "No."),
    (({"role": "user", "content": "Why"},), "No."),
]


def test_pairs_are_learnt_before_thumbs_and_thumbs_before_answers() -> None:
    assert chosen_method([*PAIRS, *THUMBS, *ANSWERS]) == "dpo"
    assert chosen_method([*PAIRS[:2], *THUMBS, *ANSWERS]) == "kto"
    assert chosen_method([*THUMBS[1:], *ANSWERS]) == "sft"


def test_who_names_a_method_gets_it_from_the_same_lessons() -> None:
    assert chosen_method([*PAIRS, *THUMBS], "sft") == "sft"
    assert chosen_method(PAIRS, "kto") == "kto"


def test_too_few_lessons_say_how_many_are_needed() -> None:
    with pytest.raises(TrainingError) as error:
        chosen_method(PAIRS[:2], "dpo")
    assert str(error.value).startswith("too few lessons; needed are 3 corrections, or good answers beside bad ones")
    assert str(error.value).endswith("(dpo), there are 2")
    with pytest.raises(TrainingError, match=r"\(dpo\), there are 0, or 3 "):
        chosen_method([])


def test_thumbs_up_alone_are_good_answers_and_not_preferences() -> None:
    assert chosen_method([lesson("liked", f"Hi {n}", "Hello.") for n in range(9)]) == "sft"


def test_every_method_learns_from_a_pair_in_its_own_way() -> None:
    pair = PAIRS[0]
    (dpo,), (sft,) = rows_of("dpo", [pair]), rows_of("sft", [pair])
    assert (dpo["chosen"][0]["content"], dpo["rejected"][0]["content"]) == ("It is 0.", "No.")
    assert sft == {"prompt": list(pair.prompt), "completion": [{"role": "assistant", "content": "It is 0."}]}
    assert [(row["completion"][0]["content"], row["label"]) for row in rows_of("kto", [pair])] == [
        ("It is 0.", True),
        ("No.", False),
    ]


def test_the_same_correction_in_three_formats_is_one_answer() -> None:
    same = [PAIRS[0], lesson("liked", "What is 0?", "It is 0."), lesson("answer", "What is 0?", "It is 0.")]
    assert len(rows_of("sft", same)) == 1
    assert len(rows_of("kto", same)) == 2


def test_what_people_say_the_opposite_of_is_no_lesson() -> None:
    nine = lesson("pair", "When?", "At nine.", "At ten.")
    ten = lesson("pair", "When?", "At ten.", "At nine.")
    assert [rows_of(method, [nine, ten]) for method in ("dpo", "kto", "sft")] == [[], [], []]
    assert [disputed(method, [nine, PAIRS[0], ten]) for method in ("dpo", "kto", "sft")] == [[nine, ten]] * 3
    with pytest.raises(TrainingError, match=r"\(dpo\), there are 2"):
        chosen_method([*PAIRS[:2], nine, ten], "dpo")
    thumbs = [lesson(kind, "When?", "At nine.") for kind in ("liked", "disliked")]
    assert rows_of("kto", thumbs) == rows_of("kto", thumbs[::-1]) == []
    assert disputed("kto", [*thumbs, *THUMBS]) == thumbs
    assert len(rows_of("dpo", [*PAIRS, *thumbs])) == len(PAIRS)


def test_a_correction_that_is_corrected_teaches_the_last_one_alone() -> None:
    chain = [lesson("pair", "When?", "At ten.", "Who knows."), lesson("pair", "When?", "At nine.", "At ten.")]
    assert [row["completion"][0]["content"] for row in rows_of("sft", chain)] == ["At nine."]
    assert (len(rows_of("dpo", chain)), disputed("dpo", chain), disputed("sft", chain)) == (2, [], chain[:1])


def test_of_many_questions_some_are_only_asked_but_never_those_that_a_method_needs() -> None:
    few = [*PAIRS, *(lesson("liked", f"Hi {n}", "Hello.") for n in range(40))]
    assert [len(held_out("sft", few, seed)) for seed in range(5)] == [4] * 5
    assert held_out("sft", few[:39], 0) == set()
    for seed in range(20):
        out = held_out("dpo", few, seed)
        assert not out & {pair.question for pair in PAIRS}
        assert chosen_method([one for one in few if one.question not in out], "dpo") == "dpo"


def test_what_is_to_stay_is_preferred_to_an_answer_to_something_else() -> None:
    rows = rows_of("dpo", [*PAIRS, THUMBS[1]], KEPT)
    told = [(row["prompt"][-1]["content"], row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows]
    assert told[3:] == [("Hi", "Hello there.", "No."), ("Why", "No.", "It is 1."), ("Hi 1", "Hello.", "No.")]


def test_a_thumb_down_without_a_better_answer_is_for_kto_alone() -> None:
    better = lesson("disliked", "What is 0?", "No.")
    for method, found in (("dpo", [THUMBS[0]]), ("sft", [THUMBS[0]]), ("kto", [])):
        assert unused(method, [PAIRS[0], better, THUMBS[0]]) == found


def test_what_is_to_stay_is_asked_as_the_lessons_were_unless_one_is_about_it() -> None:
    asked = framed([*PAIRS, lesson("pair", "Who are you?", "Me.", "No.")], ("Hi", "who are you?"))
    assert asked == [({"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"})]


@pytest.mark.parametrize(("rows", "steps"), [(3, 60), (20, 100), (4_000, 1_000)])
def test_few_rows_are_learnt_often_and_many_once(rows: int, steps: int) -> None:
    assert steps_for(rows, 4) == steps
