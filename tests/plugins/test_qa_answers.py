"""Whether the thresholds keep what they promise: the table of questions, asked over real documents."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from botcore.store import Store
from botcore_qa import QASettings
from botcore_qa.extracts import answer
from botcore_qa.score import Mood, answers, follows, mood, ranked
from botcore_qa.search import look_up
from botcore_qa.words import question_stems
from tests.plugins.conftest import HANDBOOK as HANDBOOK_FOLDER
from tests.plugins.conftest import Ingest
from tests.plugins.qa_questions import ELSEWHERE, HANDBOOK, HANDBOOK_OFF, MANUAL, OFF, OWN

SETTINGS = QASettings()


async def sources(store: Store, text: str) -> list[str] | None:
    """Where the shown extracts come from; None where the message passes on."""
    words, kind = question_stems(text), mood(text)
    question = await store.read(lambda connection: look_up(connection, words))
    best = ranked(question)
    if not answers(kind, question, best, threshold=SETTINGS.threshold, strong=SETTINGS.strong):
        return None
    shown = answer(best, question.terms, passages=SETTINGS.passages, lead="")
    return [citation.source for citation in shown.citations]


async def answered(store: Store, table: Sequence[tuple[str, str]]) -> float:
    """The share of questions with an answer from the right document."""
    right = [expected in (await sources(store, question) or []) for question, expected in table]
    return sum(right) / len(right)


async def test_questions_about_botcore_are_answered_from_the_right_document(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    assert await answered(store, OWN) >= 0.9


BEGINS = {
    "How do I write a plugin?": "To write a plugin is to write one Python class",
    "What happens to my message if the bot crashes?": "- **The bot crashes or is killed**: your message is not",
    "How do I use another model?": "`starter`, the model in the box,",
    "How do I back it up?": "To back up the bot with all its data, also while it runs:\n\n```bash",
    "How do I make a backup?": "To back up the bot with all its data, also while it runs:\n\n```bash",
    "How do I restore a backup?": "To restore a backup, stop the bot first and then run:\n\n```bash",
}
"""What the empty page offers to ask, and what people ask next."""


async def test_what_people_ask_first_is_answered_first_thing(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    for question, begins in BEGINS.items():
        words = question_stems(question)
        looked_up = await store.read(lambda connection, words=words: look_up(connection, words))
        shown = answer(ranked(looked_up), looked_up.terms, passages=SETTINGS.passages, lead="")
        assert shown.citations[0].snippet[: len(begins)] == begins


async def test_everything_else_passes_on(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    assert [text for text in OFF if await sources(store, text) is not None] == []


async def test_words_that_came_together_by_chance_are_no_answer(ingest: Ingest, store: Store) -> None:
    await ingest(store, ["self"])
    told = [text for text in MANUAL if await sources(store, text) is not None]
    assert len(told) >= 0.85 * len(MANUAL)  # 108 of 122 when written; the manual goes on changing
    by_chance = [text for text in ELSEWHERE if await sources(store, text) is not None]
    assert len(by_chance) <= 0.13 * len(ELSEWHERE)  # 14 of 141; 29 without the bar
    assert not {"what time do you open", "What are the opening hours?", "What time is it?"} & {*by_chance}


CAMP = """Lake camp, information for guests

Arrival is from 2 pm, departure until 11 am. The gate is closed between 10 pm and 7 am.
A pitch with electricity costs 31 EUR a night, a hut 58 EUR. Children under six are free.
Dogs are welcome on a lead, but not at the beach.
Fires are allowed only at the marked places. Firewood is sold in the kiosk.
"""


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Can I bring my dog to the beach?", True),
        ("What does a hut cost in July?", True),
        ("Are barbecue fires allowed on the pitch?", True),
        ("What time is departure?", True),
        ("What does a beer cost in Munich?", False),
        ("Is there a restaurant?", False),
        ("Where can I buy a car?", False),
        ("When does the train arrive?", False),
    ],
)
async def test_one_unknown_word_does_not_outweigh_a_page(
    ingest: Ingest, store: Store, tmp_path: Path, text: str, *, told: bool
) -> None:
    (tmp_path / "camp.txt").write_text(CAMP)
    await ingest(store, [tmp_path / "camp.txt"])
    assert (await sources(store, text) is not None) is told


async def test_questions_about_other_documents_are_answered_too(ingest: Ingest, store: Store) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    assert await answered(store, HANDBOOK) >= 0.8


async def test_everything_else_passes_on_there_too(ingest: Ingest, store: Store) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    assert [text for text in HANDBOOK_OFF if await sources(store, text) is not None] == []


async def test_both_tables_can_tell_good_thresholds_from_bad_ones(
    ingest: Ingest, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    monkeypatch.setattr("tests.plugins.test_qa_answers.SETTINGS", QASettings(threshold=0.99))
    assert await answered(store, HANDBOOK) < 0.85
    monkeypatch.setattr("tests.plugins.test_qa_answers.SETTINGS", QASettings(threshold=0.3))
    assert [text for text in HANDBOOK_OFF if await sources(store, text) is not None] != []


GARDENS = {
    "visit.md": "# Opening hours and how to get here\n\nThe castle gardens lie above the river.\n\n## By bus\n\n"
    "Bus 12 stops at the gate.\n\n## Opening hours\n\nThe gardens open at 8 and close at dusk.\n\n## Greenhouse\n\n"
    "The greenhouse has times of its own: 10 to 4.",
    "rules.md": "# Rules\n\nDogs are welcome on a lead.\n\nSmoking harms the orchids and is a matter for the street.",
    "prices.md": "# Tickets and prices\n\n| who | price |\n|---|---|\n| Adult | 9 EUR |\n| Child | 4 EUR |\n\n"
    "## Shop\n\n| what | price |\n|---|---|\n| Mug | 7 EUR |\n| Seeds | 2 EUR |",
    "mietvertrag.md": "# Mieten\n\nRauchen ist im Pavillon nicht gestattet.\n\nBohren: nur bis 18 Uhr.",
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("opening hours", "open at 8"),
        ("Can I bring my dog?", "on a lead"),
        ("are dogs allowed", "on a lead"),
        ("How much does a mug cost?", "Mug"),
        ("price for children", "Child"),
        ("prices", "Adult"),
        ("Darf man rauchen?", "nicht gestattet"),
        ("bis wann darf ich bohren", "18 Uhr"),
        ("Is a snack bar allowed?", None),
        ("What does a helicopter cost?", None),
    ],
)
async def test_what_a_question_is_put_with_need_not_stand_in_the_answer(
    ingest: Ingest, store: Store, tmp_path: Path, text: str, shown: str | None
) -> None:
    for name, body in GARDENS.items():
        (tmp_path / name).write_text(body)
    await ingest(store, [tmp_path])
    words = question_stems(text)
    question = await store.read(lambda connection: look_up(connection, words))
    best = ranked(question)
    told = answers(mood(text), question, best, threshold=SETTINGS.threshold, strong=SETTINGS.strong)
    assert told == (shown is not None)
    if shown:
        first, *_ = answer(best, question.terms, passages=SETTINGS.passages, lead="").text.split("[1]")
        assert shown in first


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("How do I add a plugin?", "question"),
        ("how do i add a plugin", "question"),
        ("Hi, where is the log", "question"),
        ("tell me about memory", "question"),
        ("The log?", "question"),
        ("add a plugin", "keywords"),
        ("canteen opening hours", "keywords"),
        ("I lost my badge, what do I do", "question"),
        ("What is 20% of 450?", "talk"),
        ("The plugin is broken", "statement"),
        ("See you in the canteen", "statement"),
        ("It was the plugin with the long name that broke", "statement"),
        ("My plugin is broken.", "statement"),
        ("Tell me a story about a plugin", "talk"),
        ("Could you please write a poem about what plugins do?", "talk"),
        ("What is your name?", "talk"),
        ("Translate: how do I add a plugin?", "talk"),
        ("Count to five.", "talk"),
        ("Can you count down from ten?", "talk"),
        ("What is 12 times 7?", "talk"),
        ("How much is 3+4", "talk"),
        ("What changed on 2026-11-25?", "question"),
        ("What is my name?", "talk"),
        ("Do you remember my first name?", "talk"),
        ("How do I change my name in the account?", "question"),
        ("Can my wife use the card?", "question"),
        ("What is your favourite pool?", "talk"),
        ("What is 9 - 5?", "talk"),
        ("Is the pool open 9 - 17 on Sundays?", "question"),
        ("Can you say when the pool opens?", "question"),
        ("Do you have lockers?", "question"),
        ("How many lockers do you have?", "question"),
        ("Are you open on Sundays?", "address"),
        ("Do you dream?", "address"),
        ("Πόσο κοστίζει η κάρτα;", "question"),
        ("Say hello to everybody", "talk"),
        ("Wann öffnet das Bad?", "question"),
        ("bis wann darf ich bohren", "question"),
        ("darf man hier rauchen", "question"),
        ("图书馆几点开门？", "question"),
    ],
)
def test_the_form_of_a_message_says_what_it_wants(text: str, kind: Mood) -> None:
    assert mood(text) == kind


LIBRARIES = {
    "buecherei.md": "# Bücherei\n\nDie Bücherei öffnet montags um neun Uhr.\n\n## Gebühren\n\nEin Ausweis kostet 20 €."
    "\n\n## Anfahrt\n\nDie Straßenbahn hält vor dem Haus.",
    "bibliotheque.md": "# Bibliothèque\n\nLa bibliothèque ouvre à neuf heures.\n\n## Tarifs\n\nLa carte coûte 20 €.",
    "biblioteca.md": "# Biblioteca\n\nLa biblioteca abre a las nueve.\n\n## Precios\n\nEl carné cuesta veinte euros.",
    "图书馆.md": "# 图书馆\n\n图书馆早上9点开门。\n\n## 费用\n\n借书证每年20元。",
    "図書館.md": "# 図書館\n\n図書館は九時に開きます。\n\n## 料金\n\nカードは二千円です。",
}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("Wann öffnet die Bücherei?", "buecherei.md"),
        ("Wie viel kostet ein Ausweis?", "buecherei.md"),
        ("Wie hoch sind die Gebühren?", "buecherei.md"),
        ("Hält hier eine Strassenbahn?", "buecherei.md"),
        ("Quand ouvre la bibliothèque ?", "bibliotheque.md"),
        ("Combien coûte la carte ?", "bibliotheque.md"),
        ("¿Cuándo abre la biblioteca?", "biblioteca.md"),
        ("¿Cuánto cuesta el carné?", "biblioteca.md"),
        ("图书馆几点开门？", "图书馆.md"),
        ("借书证多少钱？", "图书馆.md"),
        ("図書館はいつ開きますか？", "図書館.md"),
    ],
)
async def test_a_question_is_answered_in_the_language_of_its_document(
    ingest: Ingest, store: Store, tmp_path: Path, text: str, source: str
) -> None:
    folder = tmp_path / "libraries"
    folder.mkdir()
    for name, told in LIBRARIES.items():
        (folder / name).write_text(told)
    await ingest(store, [folder])
    assert await sources(store, text) == [f"libraries/{source}"]


@pytest.mark.parametrize(
    "text",
    [
        "Wie heißt du?",
        "Wie heißt die Hauptstadt von Frankreich?",
        "Comment ça va ?",
        "¿Quién eres?",
        "你是谁？",
        "Как дела?",
        "Τι κάνεις;",
    ],
)
async def test_small_talk_in_other_languages_passes_on(ingest: Ingest, store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "a.md").write_text("# Haus\n\nDas Haus heißt Burg. Es geht um alle.\n\n" + LIBRARIES["图书馆.md"])
    await ingest(store, [tmp_path / "a.md"])
    assert await sources(store, text) is None


DEVICES = (
    "# Devices\n\n| Article | Price |\n|---|---|\n| AX-200 | 329 EUR |\n| AX-200S | 398 EUR |\n| Wi-Fi mast | 15 EUR |"
)


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("How much is the AX-200S?", "| AX-200S | 398 EUR |"),
        ("how much is the ax200", "| AX-200 | 329 EUR |"),
        ("What is the price of the wifi mast?", "| Wi-Fi mast | 15 EUR |"),
        ("What is the price of the wi-fi mast?", "| Wi-Fi mast | 15 EUR |"),
        ("wifi mast price", "| Wi-Fi mast | 15 EUR |"),
        ("How much is the AX-201?", ""),
        ("Does the AX-200 fit the Wi-Fi mast of the AX-900?", ""),
    ],
)
async def test_a_name_is_found_however_it_is_written(
    ingest: Ingest, store: Store, tmp_path: Path, text: str, row: str
) -> None:
    (tmp_path / "devices.md").write_text(DEVICES)
    await ingest(store, [tmp_path / "devices.md"])
    words, kind = question_stems(text), mood(text)
    question = await store.read(lambda connection: look_up(connection, words))
    best = ranked(question)
    found = answers(kind, question, best, threshold=SETTINGS.threshold, strong=SETTINGS.strong)
    assert found is bool(row)
    assert not row or best[0].hit.body.find(row) >= 0


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("overdue book cost", "handbook/borrowing.md"),
        ("guide dog", "handbook/opening.md"),
        ("opening hours", "handbook/opening.md"),
        ("late returns", "handbook/borrowing.md"),
        ("wifi password spaceship", None),
        ("two weeks later", None),
        ("quick card", None),
        ("my parents live in the blue house", None),
    ],
)
async def test_keywords_are_answered_where_the_documents_know_them_all_or_they_are_a_heading(
    ingest: Ingest, store: Store, text: str, source: str | None
) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    found = await sources(store, text)
    assert found is None if source is None else source in (found or [])


async def test_words_of_two_rows_of_a_table_are_no_answer(ingest: Ingest, store: Store, tmp_path: Path) -> None:
    rows = "| Probe | 365 EUR |\n| Repair of a mast | 118 EUR |\n| Bag | 31 EUR |"
    (tmp_path / "prices.md").write_text(f"# Prices\n\n| What | Price |\n|---|---|\n{rows}")
    await ingest(store, [tmp_path / "prices.md"])
    assert await sources(store, "Is there a repair for the bag of my probe?") is None


@pytest.mark.parametrize(
    ("text", "goes_on"),
    [
        ("and for students?", True),
        ("а по воскресеньям?", True),
        ("What about Fridays?", True),
        ("What does it cost there?", True),
        ("Is there a lift?", False),
        ("What is the fee for students?", False),
    ],
)
def test_the_form_of_a_message_says_whether_it_goes_on(text: str, *, goes_on: bool) -> None:
    assert follows(text) is goes_on


@pytest.mark.parametrize(
    "text", ['" OR 1=1 --', "NEAR(plugin hook)", "plugin* AND -hook", "'); DROP TABLE qa_passage;", "ﬁx ½ ☃?"]
)
async def test_no_message_can_break_the_search(ingest: Ingest, store: Store, text: str) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    await sources(store, text)
    assert await sources(store, "Is there a lift?") == ["handbook/opening.md"]


async def test_every_extract_is_literally_in_its_document(ingest: Ingest, store: Store) -> None:
    await ingest(store, [HANDBOOK_FOLDER])
    for question, _ in HANDBOOK:
        words = question_stems(question)
        looked_up = await store.read(lambda connection, words=words: look_up(connection, words))
        best = ranked(looked_up)
        for citation in answer(best, looked_up.terms, passages=3, lead="").citations if best else ():
            assert citation.snippet in (HANDBOOK_FOLDER.parent / Path(citation.source)).read_text()
