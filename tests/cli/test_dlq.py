"""Dead letters as an operator meets them."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from botcore.cli import app
from botcore.clock import SystemClock
from botcore.errors import BotcoreError
from botcore.messages import Conversation, Message, Person
from botcore.store import Store
from botcore.store.seat import Former


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "bot.toml"
    file.write_text(f'[bot]\ndata_dir = "{tmp_path}"\n[store]\nurl = "sqlite:///{tmp_path}/botcore.db"\n')
    return file


@pytest.fixture
def letters(tmp_path: Path, config: Path) -> tuple[int, int]:
    """A message whose process died twice, and a delivery nobody could read."""
    return asyncio.run(_letters(tmp_path))


async def _letters(data_dir: Path) -> tuple[int, int]:
    async with _store(data_dir) as store:
        where = Conversation(channel="web", chat="c1")
        await store.accept([Message(event_id="e1", conversation=where, person=Person(id="ann"), text="boom")])
        for _ in range(2):
            await store.write(lambda connection: connection.exec_driver_sql("UPDATE conversation SET lease_until = 0"))
            store.former, store.owner = Former(store.owner, faulted=True), store.owner + "a"  # another process
            claim = await store.claim_next()
            if claim and claim.suspect:
                await store.begin_trial(claim)
        await store.dead_letter(channel="slack", account="", event_id="x", payload='{"odd": 1}', reason="no text")
        raw, message = await store.dead_letters()
        return message.id, raw.id


def _store(data_dir: Path) -> Store:
    return Store(f"sqlite:///{data_dir}/botcore.db", clock=SystemClock(), data_dir=data_dir)


def dlq(config: Path, *arguments: object) -> Result:
    return CliRunner().invoke(app, ["dlq", *map(str, arguments), "--config", str(config)])


def test_they_are_listed_newest_first(config: Path, letters: tuple[int, int]) -> None:
    message, raw = letters
    rows = json.loads(dlq(config, "list", "--json").stdout)
    assert [(row["id"], row["kind"], row["reason"]) for row in rows] == [
        (raw, "raw", "no text"),
        (message, "message", "the process died twice while working on this"),
    ]
    assert dlq(config, "list", "--limit", 1).stdout.split()[-2:] == ["no", "text"]


def test_one_is_shown_with_what_came(config: Path, letters: tuple[int, int]) -> None:
    shown = dlq(config, "show", letters[1]).stdout
    assert "reason       no text" in shown
    assert '"odd": 1' in shown
    row = json.loads(dlq(config, "show", letters[0], "--json").stdout)
    assert (row["conversation"], row["attempts"], row["deaths"]) == ("web//c1/", 2, 2)


def test_the_trace_says_what_is_known_of_each_attempt(config: Path, letters: tuple[int, int]) -> None:
    shown = dlq(config, "show", letters[0]).stdout
    assert re.search(r"^trace\n  20\d\d-.*Z attempt 1: process \w+ was gone\n  .* attempt 2: ", shown, re.MULTILINE)


def test_a_message_runs_again_and_a_raw_delivery_cannot(config: Path, letters: tuple[int, int]) -> None:
    message, raw = letters
    done = dlq(config, "retry", message, raw, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"retried": [message], "left": [raw]})
    assert f"{message}: no dead message of that number" in dlq(config, "retry", message).stderr


def test_a_dropped_one_is_gone(config: Path, letters: tuple[int, int]) -> None:
    assert dlq(config, "drop", *letters).stdout.splitlines() == [f"{number} dropped" for number in letters]
    assert dlq(config, "list").stdout == "There are no dead letters.\n"


def test_one_that_is_not_there_is_an_error_with_the_next_step(config: Path, letters: tuple[int, int]) -> None:
    error = dlq(config, "show", 999).exception
    assert isinstance(error, BotcoreError)
    assert str(error) == "there is no dead letter 999; `botcore dlq list` says which there are"


@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_a_number_no_letter_can_have_is_one_line(command: str, config: Path, letters: tuple[int, int]) -> None:
    said = dlq(config, command, 2**63)
    assert said.exit_code == 2
    assert "less than or equal to" in said.output
