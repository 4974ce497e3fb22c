import pytest

from botcore_qa.extracts import answer, extract
from botcore_qa.score import Hit, Scored, Term
from botcore_qa.words import question_stems


def terms(question: str) -> list[Term]:
    return [Term(weight=1, forms=(word,)) for word in question_stems(question)]


def scored(text: str, score: float = 1.0, source: str = "a.md") -> Scored:
    hit = Hit(
        id=1,
        document=1,
        heading="Title",
        body=text,
        heading_stems="",
        body_stems="",
        title="Title",
        source=source,
        page=3,
    )
    return Scored(hit=hit, score=score)


def test_the_paragraph_that_says_most_is_shown() -> None:
    text = "Trams run daily.\n\nThe car park is free.\n\nBicycles stay outside."
    assert extract(text, terms("Where can I park my car?")) == "The car park is free."
    assert extract("The car park is free.\n\nSee also:", terms("car park")) == "The car park is free."


def test_code_is_shown_with_the_line_that_announces_it() -> None:
    text = "Other words.\n\nTo start the server:\n\n```sh\nmake run\n```\n\nMore."
    assert extract(text, terms("How do I start the server?")) == "To start the server:\n\n```sh\nmake run\n```"
    assert extract(text, terms("make run")) == "To start the server:\n\n```sh\nmake run\n```"


def test_the_heading_of_a_printed_page_is_shown_with_what_stands_below_it() -> None:
    text = "A note is needed.\n\n3.2 Parental leave\n\nThe birth of a child entitles each parent to 16 weeks."
    shown = "3.2 Parental leave\n\nThe birth of a child entitles each parent to 16 weeks."
    assert extract(text, terms("How long is parental leave?")) == shown
    assert extract("Leave\n\n- a week\n- a day", terms("leave")) == "Leave\n\n- a week\n- a day"
    assert extract("Leave is short.\n\nParental leave", terms("parental leave")) == "Leave is short."
    for whole in ("Leave is paid.\n\nMore.", "- leave\n\nMore.", "Leave,\nso it is\n\nMore."):
        assert extract(whole, terms("leave")) == whole.removesuffix("\n\nMore.")


def test_of_a_long_paragraph_the_best_sentences_are_shown() -> None:
    filler = "Nothing of interest is said in this long and winding sentence about the weather. "
    text = filler * 8 + "The password is written on the card. " + filler * 8
    shown = extract(text.strip(), terms("What is the password?"))
    assert shown.startswith("The password is written on the card.")
    assert len(shown) <= 400


def test_where_only_the_heading_matches_the_beginning_is_shown() -> None:
    assert extract("First words.\n\nSecond words.", terms("unknown")) == "First words."


def test_every_number_has_its_extract_and_its_citation() -> None:
    found = answer(
        [scored("One plugin.", source="a.md"), scored("Two plugins.", source="b.md")],
        terms("plugin"),
        passages=3,
        lead="From the documents:",
    )
    assert found.text == "From the documents:\n\nOne plugin. [1]\n\nTwo plugins. [2]"
    assert [(one.number, one.snippet, one.source) for one in found.citations] == [
        (1, "One plugin.", "a.md"),
        (2, "Two plugins.", "b.md"),
    ]


def test_weaker_and_repeated_passages_are_left_out() -> None:
    ranked = [scored("A plugin."), scored("A plugin."), scored("The plugin again.", score=0.5)]
    assert len(answer(ranked, terms("plugin"), passages=3, lead="").citations) == 1


def test_a_passage_that_only_stands_under_the_same_heading_is_no_second_answer() -> None:
    ranked = [scored("The canteen opens at noon."), scored("Nuts are marked with an N.", score=0.95)]
    assert len(answer(ranked, terms("When does the canteen open?"), passages=3, lead="").citations) == 1
    under = [scored("First words."), scored("Second words.")]
    assert len(answer(under, terms("canteen"), passages=3, lead="").citations) == 2


def test_the_number_stands_outside_of_code() -> None:
    found = answer([scored("```sh\nmake run\n```")], terms("make run"), passages=1, lead="L")
    assert found.text == "L\n\n```sh\nmake run\n```\n\n[1]"


def test_rows_without_the_head_of_their_table_are_a_list() -> None:
    rows = "| `make run` | starts it |\n| `make test` | a \\| b |"
    found = answer([scored(rows)], terms("make run"), passages=1, lead="L")
    assert found.text == "L\n\n- `make run` · starts it\n- `make test` · a \\| b [1]"
    assert found.citations[0].snippet == rows
    whole = f"| what | does |\n|---|:-:|\n{rows}"
    assert whole in answer([scored(whole)], terms("make run"), passages=1, lead="L").text


def test_of_a_long_table_the_rows_that_were_asked_for_are_shown_below_its_head() -> None:
    head = "| device | price |\n|---|---|"
    rows = [
        f"| {name} | {price} |" for price, name in enumerate(("probe", "mast", "cable", "bag", "card", "mast foot"))
    ]
    text = "\n".join([head, *rows])
    assert extract(text, terms("What does the cable cost?")) == f"{head}\n{rows[2]}"
    assert extract(text, terms("Which mast?")) == f"{head}\n{rows[1]}\n{rows[5]}"
    assert extract(text, terms("Which devices are there?")) == text
    assert extract("\n".join([head, *rows[:5]]), terms("cable")) == "\n".join([head, *rows[:5]])


def test_a_passage_does_not_begin_with_the_rest_of_a_sentence() -> None:
    text = "counted. What fails is tried three times.\n\nMore."
    assert extract(text, terms("How often is it tried?")) == "What fails is tried three times."
    assert extract(text, terms("Is it counted?")).startswith("counted.")
    assert extract("botcore tries three times.", terms("How often is it tried?")) == "botcore tries three times."


def test_code_that_was_divided_is_closed() -> None:
    found = answer([scored("```sh\nmake run")], terms("make run"), passages=1, lead="L")
    assert found.text == "L\n\n```sh\nmake run\n```\n\n[1]"
    middle = answer([scored("First.\n\n    make run\n    make test")], terms("make run"), passages=1, lead="L")
    assert middle.text == "L\n\n```\n    make run\n    make test\n```\n\n[1]"


@pytest.mark.parametrize(
    "example",
    ['```json\n{"role": "user", "content": "Hi"}\n```', '```python\nreturn Reply(content="Hi")\n```'],
    ids=["json", "python"],
)
def test_an_example_is_shown_with_what_announces_it_and_never_for_its_own_words(example: str) -> None:
    assert extract(f"Trams run.\n\n{example}", terms("What is the content?")) == "Trams run."
    text = f"Trams run.\n\nA message looks so:\n\n{example}"
    assert extract(text, terms("How does a message look?")) == f"A message looks so:\n\n{example}"
