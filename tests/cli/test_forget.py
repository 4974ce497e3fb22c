"""``forget`` and ``export --user`` as an operator calls them, beside a bot that has the database open."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import botcore_qa
from botcore.cli import app
from botcore.clock import SystemClock
from botcore.errors import SettingsError
from botcore.messages import Attachment, Conversation, Feedback, Message, Person, Reply
from botcore.store import Store, TurnEnd
from botcore.training.plan import Plan
from botcore.training.runs import new_run

SECRET = "s3cr3t"
ANA, BEN = Person(id="ana", name="Ana"), Person(id="ben", name="Ben")
FILE = Attachment(name="cv.pdf", media_type="application/pdf", size=9, reference="f1")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    tables = "[plugins.finetune]\n[plugins.qa]\nsources = []\n[channels.web]\n"
    file.write_text(f'[bot]\ndata_dir = "{tmp_path}/data"\n[http]\nport = 0\n{tables}')
    return file


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Store]:
    """The database of a bot, open all the while, with what Ana and Ben have said in it."""
    data = tmp_path / "data"
    async with Store(f"sqlite:///{data}/botcore.db", clock=SystemClock(), data_dir=data) as store:
        for who in (ANA, BEN):
            where = Conversation(channel="web", chat=f"{who.id}.chat")
            said = Message(event_id=who.id, conversation=where, person=who, text=f"{who.id} says {SECRET}")
            claim = (await store.accept([said]))[0].claim
            assert claim
            reply = Reply(id=claim.turn, conversation=where, text=f"I heard {SECRET}", model="base")
            await store.commit_turn(claim, TurnEnd(reply=reply, parts=[], release=True, trace={"prompt": SECRET}))
            judged = Feedback(event_id=f"f{who.id}", conversation=where, person=who, value=1, reply=claim.turn)
            more = Message(event_id="m" + who.id, conversation=where, person=who, text="more", attachments=(FILE,))
            await store.accept([judged, more])
        yield store


async def run(config: Path, *arguments: str) -> Result:
    given = [*arguments, "--config", str(config)]
    return await asyncio.to_thread(CliRunner().invoke, app, given)  # it has a loop of its own


def switch_off(plugin: str, config: Path) -> None:
    table = f"[plugins.{plugin}]\n"
    config.write_text(config.read_text().replace(table, f"{table}enabled = false\n"))


async def test_it_shows_what_there_is_and_does_nothing_where_nobody_can_agree(config: Path, running: Store) -> None:
    shown = await run(config, "forget", "--user", "ana")
    assert shown.stdout == "ana on web: 1 conversation, 1 exchange, 1 feedback, 1 waiting\n"
    assert isinstance(shown.exception, SettingsError)
    assert "--yes" in str(shown.exception)
    assert (await running.kept_of("web", "ana"))["exchanges"] == 1


async def test_a_channel_that_there_is_not_is_named_before_anything_seems_forgotten(
    config: Path, running: Store
) -> None:
    done = await run(config, "forget", "--user", "ana", "--channel", "wbe", "--yes")
    assert isinstance(done.exception, SettingsError)
    assert str(done.exception) == "there is no channel wbe; there are: web"
    assert await running.forgotten() == []


async def test_a_channel_that_is_switched_off_may_be_named(config: Path, running: Store) -> None:
    done = await run(config, "forget", "--user", "ana", "--channel", "slack", "--yes")
    assert done.exit_code == 0
    assert (await running.kept_of("web", "ana"))["exchanges"] == 1


async def test_everything_of_a_person_goes_and_nothing_of_others(config: Path, running: Store, tmp_path: Path) -> None:
    for who in ("ana", "ben"):
        done = await run(config, "forget", "--user", who, "--channel", "web", "--yes", "--json")
        assert (done.exit_code, json.loads(done.stdout)) == (
            0,
            {
                "user": who,
                "found": {"web": {"conversations": 1, "exchanges": 1, "feedback": 1, "waiting": 1, "dead letters": 0}},
                "learnt": [],
                "failed": [],
                "unasked": [],
                "copies": [],
            },
        )
        left = await running.history(Conversation(channel="web", chat="ben.chat").key)
        assert bool(left) == (who == "ana")
    kept = [file for file in (tmp_path / "data").rglob("*") if file.is_file()]
    assert kept
    assert not any(SECRET.encode() in file.read_bytes() for file in kept)


async def test_what_learnt_from_a_person_is_named(config: Path, running: Store, tmp_path: Path) -> None:
    made = new_run(tmp_path / "data", "feedback", Plan(base="b", method="sft"), at=0.0)
    made.change(state="done", outputs={"adapter": "a"})
    made.whose.write_text('{"whose": {"people": [["web", "ana"]], "conversations": []}}\n')
    shown = await run(config, "forget", "--user", "ana")
    said = "feedback-1 learnt from them, and cannot unlearn: botcore lora off, and train again"
    assert said in shown.stdout.splitlines()
    done = await run(config, "forget", "--user", "ana", "--yes", "--json")
    assert json.loads(done.stdout)["learnt"] == ["feedback-1"]
    assert said not in (await run(config, "forget", "--user", "ana", "--yes")).stdout


async def test_backups_that_may_still_hold_them_are_named(config: Path, running: Store, tmp_path: Path) -> None:
    data = tmp_path / "data"
    copies = [
        data / "backups" / "monday.tar.gz",
        data / "botcore.db.before-restore-20260101T000000Z",
        data / "web.before-restore-20260101T000000Z",
    ]
    await asyncio.to_thread(copies[0].parent.mkdir)
    for path in (*copies, data / "backups" / ".backup-half-made"):
        await asyncio.to_thread(path.touch)
    done = await run(config, "forget", "--user", "ana", "--yes")
    named = ", ".join(map(str, copies))
    told = f"Made before, and may still hold ana: {named}. Delete them, and make a new backup."
    assert (done.exit_code, done.stdout.splitlines()[-2:]) == (0, ["Forgotten: ana.", told])
    again = await run(config, "forget", "--user", "ben", "--yes", "--json")
    assert json.loads(again.stdout)["copies"] == list(map(str, copies))


async def test_a_plugin_that_cannot_be_loaded_is_named(config: Path, running: Store) -> None:
    with config.open("a") as file:
        file.write("[plugins.nobody_has_this]\n")
    done = await run(config, "forget", "--user", "ana", "--yes")
    assert done.exit_code == 1
    assert "nobody_has_this" in done.stderr + str(done.exception)


async def test_the_tables_of_a_plugin_that_is_switched_off_are_named(config: Path, running: Store) -> None:
    await running.migrate("qa", botcore_qa.MIGRATIONS)
    assert (await run(config, "forget", "--user", "ana", "--yes")).exit_code == 0
    switch_off("qa", config)
    done = await run(config, "forget", "--user", "ben", "--yes")
    assert (done.exit_code, done.stdout.splitlines()[1:]) == (1, [])
    told = "The tables qa_… may keep something of ben, and no plugin that is switched on knows them."
    assert done.stderr == f"{told} Switch on theirs and call this again, or drop them.\n"
    again = await run(config, "forget", "--user", "ben", "--yes", "--json")
    assert (again.exit_code, json.loads(again.stdout)["unasked"]) == (1, ["qa"])


async def test_a_persons_export_holds_what_waits_and_what_they_think(
    config: Path, running: Store, tmp_path: Path
) -> None:
    file = tmp_path / "ana.jsonl"
    done = await run(config, "export", str(file), "--user", "ana", "--json")
    assert json.loads(done.stdout) == {
        "file": str(file), "conversation": 1, "exchange": 1, "message": 1, "feedback": 1,
    }  # fmt: skip
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["record"] for line in lines] == ["conversation", "exchange", "message", "feedback"]
    assert (lines[2]["state"], lines[2]["message"], lines[2]["attachments"][0]["name"]) == ("running", "more", "cv.pdf")
    assert lines[3]["value"] == 1
    assert "ben" not in file.read_text()
