"""No word of anybody's document reaches anybody else: looked for in all that the index gives out, on both databases."""

import random
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import sqlalchemy as sa

import botcore_qa
from botcore.store import Store
from botcore.testing import ManualClock
from botcore_qa import catalogue, index
from botcore_qa.intake import swept
from botcore_qa.markdown import Piece
from botcore_qa.score import Question
from botcore_qa.search import look_up
from botcore_qa.words import question_stems
from tests.plugins.conftest import HANDBOOK, Ingest

SCOPES = [f"person/web//{number}" for number in range(40)] + [f"chat/web//{number}" for number in range(10)]
PROBES = (
    "What is the canary of person 7?",
    "canary",
    "canari cnaary canaries",
    "Where can I park my car?",
    "Who knows the canaryword?",
)


def canary(scope: str) -> str:
    """A word that stands in one scope's document only; those of all scopes are near each other."""
    return "canaryword" + "".join(random.Random(scope).choices("bcdfghkl", k=8))


async def keep(store: Store, scope: str, path: str, texts: Sequence[str]) -> int:
    document = index.Document(path=path, source=path, title=path, hash="h", origin="upload", scope=scope)
    rows = [index.row(Piece(heading=path, text=text)) for text in texts]
    id = await store.write(partial(index.begin, document=document))
    await store.write(partial(index.add, id=id, scope=scope, place=0, rows=rows))
    await store.write(partial(index.publish, id=id, document=document, passages=len(rows)))
    return id


async def ask(store: Store, question: str, scope: str) -> Question:
    return await store.read(partial(look_up, words=question_stems(question), scope=scope))


async def everyone_has_one(store: Store) -> None:
    for scope in SCOPES:
        await keep(store, scope, "secret.pdf", [f"The canary of {scope} is {canary(scope)}. I park my car at home."])


async def test_no_question_brings_out_a_word_of_another_scope(store: Store, ingest: Ingest) -> None:
    await ingest(store, [HANDBOOK])
    await everyone_has_one(store)
    for scope in ("", *SCOPES):
        foreign = {canary(other) for other in SCOPES if other != scope}
        for probe in (*PROBES, f"Is it {random.Random(scope).choice(sorted(foreign))}?"):
            told = repr(await ask(store, probe, scope))
            assert not any(word in told for word in foreign), (scope, probe)
        if scope:
            assert canary(scope) in repr(await ask(store, f"What is {canary(scope)}?", scope))


async def test_what_others_keep_changes_no_answer(store: Store, ingest: Ingest) -> None:
    """Not even how much a word weighs, or what a misspelt one is taken for."""
    await ingest(store, [HANDBOOK])
    await keep(store, "person/web//ben", "own.txt", ["My bicycle stands in the yard.", "My car stands in the street."])
    probes = [*PROBES, "Where is my bicylce?", "Is there a lift?", "How long may I keep a book?", "What is a liftt?"]
    before = [await ask(store, probe, "person/web//ben") for probe in probes]
    await everyone_has_one(store)
    await keep(store, "person/web//eve", "flood.txt", ["bicycle lift book car street yard liftt"] * 60)
    after = [await ask(store, probe, "person/web//ben") for probe in probes]
    assert [one.terms for one in after] == [one.terms for one in before]
    assert [set(one.hits) for one in after] == [set(one.hits) for one in before]


async def test_lists_hold_one_scope_each(store: Store) -> None:
    await everyone_has_one(store)
    for scope in SCOPES:
        total, own = await store.read(partial(catalogue.shelf, scope=scope))
        assert (total, [one.scope for one in own]) == (1, [scope])
        assert list(await store.read(partial(index.known, scope=scope))) == ["secret.pdf"]
    assert await store.read(partial(catalogue.shelf, scope="")) == (0, [])


async def test_the_same_name_in_two_scopes_is_two_documents(store: Store) -> None:
    await keep(store, "person/web//ana", "a.txt", ["Parrots eat seeds."])
    await keep(store, "person/web//ben", "a.txt", ["Parrots eat nuts."])
    [hit] = (await ask(store, "What do parrots eat?", "person/web//ana")).hits
    assert hit.body == "Parrots eat seeds."


async def test_removal_takes_every_word_of_a_scope_and_none_of_another(store: Store) -> None:
    await keep(store, "person/web//ana", "a.txt", ["Parrots eat seeds."])
    before = await words(store)
    id = await keep(store, "person/web//ben", "a.txt", ["Parrots eat nuts."] * 120)
    await store.write(partial(index.drop, id=id))
    await swept(store)
    assert await words(store) == before
    assert (await ask(store, "parrots", "person/web//ben")).hits == ()


async def words(store: Store) -> list[tuple[str, str, int]]:
    query = "SELECT scope, term, passages FROM qa_word ORDER BY scope, term"
    return await store.read(lambda connection: [tuple(row) for row in connection.exec_driver_sql(query)])  # type: ignore[misc]


async def test_an_operators_run_leaves_what_people_sent_alone(store: Store, ingest: Ingest, tmp_path: Path) -> None:
    await keep(store, "person/web//ana", str(tmp_path / "a.txt"), ["Parrots eat seeds."])
    await ingest(store, [tmp_path], origin="settings")
    await ingest(store, [], origin="settings")
    assert (await ask(store, "parrots", "person/web//ana")).hits


async def test_a_reading_that_died_is_swept_up_after_an_hour(store: Store, ingest: Ingest) -> None:
    def half(connection: sa.Connection, added: float) -> None:
        document = index.Document(
            path="a", source="a", title="a", hash="h", origin="upload", scope="person/web//ana", added=added
        )
        id = index.begin(connection, document)
        index.add(connection, id, document.scope, 0, [index.row(Piece(heading="", text="Parrots eat seeds."))])

    now = ManualClock().now()
    await store.write(partial(half, added=now - 60))
    await ingest(store, [])
    assert await words(store)
    await store.write(partial(half, added=now - 7_200))
    await ingest(store, [])
    assert await words(store) == []


async def test_an_index_of_the_first_schema_goes_on_answering(url: str, tmp_path: Path, ingest: Ingest) -> None:
    old = tmp_path / "old"
    old.mkdir()
    shutil.copy(botcore_qa.MIGRATIONS / "0001_first.py", old)
    async with Store(url, clock=ManualClock(), data_dir=tmp_path / "store") as store:
        await store.migrate("qa", old)
        await store.write(_first_schema)
        await store.migrate("qa", botcore_qa.MIGRATIONS)
        [hit] = (await ask(store, "Where does the tram stop?", "person/web//ana")).hits
        assert (hit.source, hit.page) == ("trams.md", 0)
        _, [one] = await store.read(partial(catalogue.shelf, scope=""))
        assert (one.title, one.passages, one.scope) == ("Trams", 1, "")
        await store.write(partial(index.drop, id=one.id))
        await swept(store)
        assert await words(store) == []


def _first_schema(connection: sa.Connection) -> None:
    for statement in (
        "INSERT INTO qa_document (path, source, title, hash, origin, state)"
        " VALUES ('/trams.md', 'trams.md', 'Trams', 'h', 'ingest', 'live')",
        "INSERT INTO qa_passage (document, place, heading, body, heading_stems, body_stems)"
        " SELECT id, 0, 'Trams', 'The tram stops here.', 'tram', 'tram stop' FROM qa_document",
        "INSERT INTO qa_word (term, passages) VALUES ('', 1), ('tram', 1), ('stop', 1)",
    ):
        connection.exec_driver_sql(statement)
