import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore_qa.words import joined, near, question_stems, stem, stems


@pytest.mark.parametrize(
    "forms",
    [
        "configure configuration configuring configured configures",
        "install installs installing installation",
        "message messages messaging",
        "answer answers answered answering",
        "run running runs",
        "stop stopped stops",
        "generate generation generating generator",
        "reply replies replied replying",
        "delete deleted deletion",
        "member members membership",
        "refuse refusal refused",
        "policy policies",
        "process processes",
        "class classes",
        "deliver delivers delivered delivery deliveries",
        "pottery potter",
        "station stations",
        "child children",
        "cancel cancelled canceled cancelling",
        "install installed installing",
        "location locations locate",
    ],
)
def test_the_forms_of_a_word_meet(forms: str) -> None:
    assert len({stem(form) for form in forms.split()}) == 1


@pytest.mark.parametrize(
    "pair",
    [
        "string str",
        "order ord",
        "reply rep",
        "user use",
        "address add",
        "plugin plug",
        "letter let",
        "battery bat",
        "summer sum",
        "station state",
        "file fill",
    ],
)
def test_different_words_stay_apart(pair: str) -> None:
    one, two = pair.split()
    assert stem(one) != stem(two)


def test_accents_and_case_do_not_matter() -> None:
    assert stems("Café ÜBER naïve Straße") == stems("cafe uber naive STRASSE")


def test_names_of_settings_are_found_by_their_words() -> None:
    assert stems("max_file_bytes") == stems("max file bytes")


def test_the_third_is_three() -> None:
    assert stems("May 3rd, the 21st, AX3rd") == ["may", "3", "the", "21", "ax3rd"]


def test_what_hyphens_join_is_also_one_word() -> None:
    assert stems("the AX-200S") == ["the", "ax", "200s", "ax200s"]
    assert stems("Wi‑Fi") == ["wi", "fi", *stems("WiFi")]
    assert stems("on-the-far-side-of-everything-that-there-is")[-1] == stem("is")


def test_a_question_keeps_its_hyphens_for_the_documents_to_decide() -> None:
    assert question_stems("How much is the AX-200S, by e-mail?") == ["ax-200s", "e-mail"]
    assert question_stems("And so on-and-on?") == []
    assert joined("multi-factors") == ("multifact", ["multi", "fact"])


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("What time do you open?", "open"),
        ("What time is it?", ""),
        ("What’s the time?", ""),
        ("What is the time limit?", "time limit"),
        ("what time zone do you use", "time zone"),
        ("Um wie viel Uhr beginnt es?", "beginnt"),
        ("À quelle heure ?", ""),
        ("¿A qué hora abre?", "abre"),
    ],
)
def test_what_time_is_a_word_for_when(text: str, about: str) -> None:
    assert [one for one in question_stems(text) if one != stem("es")] == stems(about)


def test_signs_without_spaces_become_pairs() -> None:
    assert stems("図書館") == ["図書", "書館"]
    assert stems("时间9点到18点 Wi-Fi密码") == [*stems("时间 9 点到 18 点 Wi-Fi"), "密码"]


def test_what_is_asked_with_is_no_subject_in_any_language() -> None:
    assert question_stems("图书馆几点开门？") == stems("图书馆 开门")
    assert question_stems("図書館はどこですか") == stems("図書館")
    assert question_stems("Wann öffnet die Post") == [*stems("öffnet"), "die", "post"]


@pytest.mark.parametrize("text", ["hello", "How are you?", "What can you do?", "ok thanks!", "", "?!"])
def test_small_talk_has_no_subject(text: str) -> None:
    assert question_stems(text) == []


def test_a_question_is_its_subject() -> None:
    assert question_stems("How do I add a plugin? What’s a plugin?") == ["add", "plugin"]
    assert question_stems("What is R?") == ["r"]


@pytest.mark.parametrize(
    ("word", "other", "meant"),
    [
        ("plugn", "plugin", True),
        ("tleegram", "telegram", True),
        ("conifgur", "configur", True),
        ("config", "configur", True),
        ("enviro", "environ", True),
        ("pari", "part", False),
        ("tok", "token", False),
        ("ax200", "ax201", False),
        ("12345", "12346", False),
        ("ax200", "ax200s", True),
        ("weath", "death", False),
        ("plugin", "engin", False),
    ],
)
def test_slips_are_forgiven_where_the_word_is_long_enough(word: str, other: str, *, meant: bool) -> None:
    assert near(word, other) is meant


@pytest.mark.parametrize("text", ["i'm here", "I'd say so"])
def test_what_an_apostrophe_leaves_over_is_no_subject(text: str) -> None:
    assert question_stems(text) == []


@given(st.text())
def test_any_text_has_stems_the_index_can_take(text: str) -> None:
    assert all(word and word.isalnum() for word in stems(text))


@given(st.text(alphabet="abcdeinsgtrlyo", max_size=20))
def test_a_stem_is_the_beginning_of_its_word(word: str) -> None:
    assert word[: len(stem(word)) - 1] == stem(word)[:-1]
