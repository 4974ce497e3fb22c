"""The core's own panels, read from a whole bot; only the engine is scripted."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest

from botcore import Chunk, EngineStatus, Figure, Registry, StoreUnavailable, Turn, hookimpl, say
from botcore.observe import Ended, Metrics
from botcore.overview import health, lora, training, turns
from botcore.panels import Rows, Series, Widget, as_json
from botcore.testing import Chat, ManualClock, ScriptedEncoder, chatting
from botcore.testing.chat import until
from botcore.training.jsonl import lines_of, some_lines
from botcore.training.plan import Plan
from botcore.training.runs import Run, new_run, newest_runs
from botcore.versions import Lora


class Dice:
    """Answers, and has a panel of its own."""

    @hookimpl
    def register(self, registry: Registry) -> None:
        registry.panel("dice", "Dice", self.read)

    async def read(self) -> Sequence[Widget]:
        return [Figure(name="Last throw", value=6)]

    @hookimpl
    async def reply(self, turn: Turn) -> AsyncIterator[Chunk]:
        return say("Six.")


async def ask(chat: Chat, path: str) -> Any:
    async with aiohttp.request("GET", chat.bot.address + path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


def figures(widgets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {one["figure"]: one["value"] for one in widgets if "figure" in one}


async def test_the_core_has_its_panels_and_plugins_add_theirs(tmp_path: Path) -> None:
    async with chatting(tmp_path / "data", plugins={"dice": Dice()}) as chat:
        listed = await ask(chat, "/api/panels")
        assert [one["id"] for one in listed["panels"]] == ["health", "inbox", "turns", "training", "lora", "dice"]
        for panel in listed["panels"]:
            assert (await ask(chat, f"/api/panels/{panel['id']}"))["widgets"]


async def test_health_says_how_each_part_is(tmp_path: Path) -> None:
    async with chatting(tmp_path / "data", plugins={"dice": Dice()}) as chat:
        found = (await ask(chat, "/api/panels/health"))["widgets"]
        assert figures(found) == {"Engine": "ready", "Database": "ok", "Channels and plugins": "all 2 ok"}
        assert [row[:2] for row in found[-1]["rows"]] == [["engine", "ok"], ["dice", "ok"], ["loopback", "ok"]]


async def test_a_plugin_that_failed_and_a_database_out_of_reach_are_told() -> None:
    class Bot:
        engine = EngineStatus(stage="model", progress=0.4, detail="weights")
        encoder = ScriptedEncoder()

        def health(self) -> Mapping[str, str]:
            return {"dice": "ok", "cards": "RuntimeError: the table is gone", "encoder": "no such model"}

    class Store:
        async def counts(self) -> Mapping[str, int]:
            raise StoreUnavailable("the disk is full")

    Bot.encoder.set_status(stage="failed", detail="no such model")
    found = as_json(await health.read(cast("Any", Bot()), cast("Any", Store())))
    assert figures(found) == {
        "Engine": "loading the model 40%",
        "Database": "out of reach",
        "Channels and plugins": "1 of 2 not well",
    }
    assert found[1]["note"] == "the disk is full"
    assert found[-1]["rows"][:3] == [
        ["engine", "waiting", "weights"],
        ["encoder", "not well", "no such model"],
        ["cards", "not well", "RuntimeError: the table is gone"],
    ]


async def test_turns_are_counted_and_timed(tmp_path: Path) -> None:
    async with chatting(tmp_path / "data", plugins={"dice": Dice()}) as chat:
        await chat.says("Throw")
        await chat.hears("Six")
        await until(lambda: chat.bot.metrics.recent)
        found = (await ask(chat, "/api/panels/turns"))["widgets"]
        assert figures(found)["Turns"] == 1
        assert found[4]["lines"][0][1][-1][1] == 1


async def test_a_dead_letter_stands_with_the_command_that_tries_again(tmp_path: Path) -> None:
    async with chatting(tmp_path / "data", plugins={"dice": Dice()}) as chat:
        found = (await ask(chat, "/api/panels/inbox"))["widgets"]
        assert figures(found)["Dead letters"] == 0
        assert "no dead letters" in found[-1]["empty"]
    async with chatting(tmp_path / "data", plugins={"dice": Dice()}) as chat:
        await chat.channel.inbox.dead_letter(
            channel="loopback", account="", event_id="e", payload="secret", reason="no message"
        )
        found = (await ask(chat, "/api/panels/inbox"))["widgets"]
        assert figures(found)["Dead letters"] == 1
        [[number, _, channel, why, do]] = found[-1]["rows"]
        assert (channel, why, do) == ("loopback", "no message", f"botcore dlq show {number}")
        assert "secret" not in json.dumps(found)


# ------------------------------------------------------------------ turns


async def test_turns_of_the_last_hour_alone_are_told() -> None:
    clock, metrics = ManualClock(), Metrics()
    now = clock.monotonic()
    metrics.recent.extend([Ended(now - 4_000, 9.0, 9.0), Ended(now - 70, 0.2, 1.0), Ended(now - 5, 0.4, 2.0)])
    metrics.recent.append(Ended(now - 1, 0.0, 3.0))  # without a text
    found = await turns.read(metrics, clock)
    told = {one.name: one.value for one in found if isinstance(one, Figure)}
    assert list(told.values()) == [3, "0.20 s", "0.40 s", "2.00 s"]
    [counts, texts] = [one for one in found if isinstance(one, Series)]
    assert [count for _, count in counts.lines["turns"]] == [1]  # the minute that runs is not over
    assert [text for _, text in texts.lines["95 % within"]] == [0.2]


async def test_without_a_turn_the_panel_says_what_to_do() -> None:
    found = await turns.read(Metrics(), ManualClock())
    [line] = [one for one in found if isinstance(one, Series)]
    assert line.lines == {"turns": []}
    assert "botcore chat" in line.empty


@pytest.mark.parametrize(("share", "expected"), [(0.5, 5.0), (0.95, 10.0), (0.1, 1.0), (1.0, 10.0)])
def test_a_quantile_is_one_of_the_values(share: float, expected: float) -> None:
    assert turns.quantile([float(n) for n in range(10, 0, -1)], share) == expected


# ------------------------------------------------------------------ versions


class Versions:
    """A bot of which only its LoRA versions are asked for."""

    def __init__(self, *versions: Lora) -> None:
        self.loras = self
        self.versions = versions

    async def list(self) -> Sequence[Lora]:
        return self.versions


def a_version(name: str, **more: Any) -> Lora:
    return Lora(name=name, base="starter", base_hash="b", path=f"loras/{name}", files_hash="f", method="kto", **more)


async def test_versions_stand_with_what_can_be_done_about_each() -> None:
    bot = Versions(
        a_version("feedback-1", made_at=1.0, figures={"loss": 0.51234, "checks": {"ok": True}}, state="off"),
        a_version("feedback-2", made_at=2.0, run="feedback-2", reason="its samples repeat", state="refused"),
        a_version("feedback-3", made_at=3.0, state="serving", live=True),
        a_version("feedback-4", made_at=4.0, state="serving", progress="loading"),
    )
    found = as_json(await lora.read(cast("Any", bot)))
    assert figures(found) == {"New turns get": "feedback-3", "On its way": "feedback-4"}
    rows = found[-1]["rows"]
    assert [row[0] for row in rows] == ["feedback-4", "feedback-3", "feedback-2", "feedback-1"]
    assert [row[-1] for row in rows[1:]] == [
        "botcore lora off",
        "botcore train show feedback-2",
        "botcore lora use feedback-1",
    ]
    assert (rows[2][6], rows[3][5]) == ("its samples repeat", "loss 0.5123")


# ------------------------------------------------------------------ training


def a_run(data_dir: Path, steps: int, **record: Any) -> Run:
    """A run as the trainer leaves it."""
    run = new_run(data_dir, "sft", Plan(rows="rows.jsonl", base="/models/starter", steps=40), at=1_000.0)
    with (run.folder / "metrics.jsonl").open("w", encoding="utf-8") as file:
        for step in range(1, steps + 1):
            more = {"speed": 1_234.5, "left": 75.0, "progress": step / 40}
            file.write(json.dumps({"kind": "step", "step": step, "loss": 4.0 / step, **more}) + "\n")
            if step % 10 == 0:
                file.write(json.dumps({"kind": "look", "step": step, "loss": 4.5 / step, "perplexity": 9.5}) + "\n")
        file.write('{"kind": "step", "st')  # as it is written just now
    run.change(**{"state": "stopped", **record})
    return run


def test_a_run_shows_its_curve_its_progress_and_what_it_writes(tmp_path: Path) -> None:
    run = a_run(tmp_path, 30, state="running")
    (run.folder / "samples.jsonl").write_text('{"step": 30, "text": "Once\\n<b>upon</b> a time"}\n')
    with run.alone():
        found = training.read(tmp_path)
    told = {one.name: one for one in found if isinstance(one, Figure)}
    assert (told["sft-1"].value, told["sft-1"].note) == ("running", "on starter")
    assert (told["Progress"].value, told["Progress"].note) == (0.75, "about 75 s left")
    assert (told["Perplexity"].value, told["Speed"].value) == (9.5, 1234)
    [curve] = [one for one in found if isinstance(one, Series)]
    assert len(curve.lines["training"]) == 30
    assert curve.lines["held out"] == [(10, 0.45), (20, 0.225), (30, 0.15)]
    [samples, runs] = [one for one in found if isinstance(one, Rows)]
    assert samples.rows == [(30, "Once <b>upon</b> a time")]
    assert runs.rows[0][-1] == "botcore train show sft-1"


def test_a_run_whose_process_is_gone_says_how_to_go_on(tmp_path: Path) -> None:
    a_run(tmp_path, 5, state="running")
    [runs] = [one for one in training.read(tmp_path) if isinstance(one, Rows)]
    assert (runs.rows[0][1], runs.rows[0][-1]) == ("interrupted", "botcore train resume sft-1")


def test_without_a_run_the_panel_says_how_to_begin_one(tmp_path: Path) -> None:
    [runs] = training.read(tmp_path)
    assert isinstance(runs, Rows)
    assert not runs.rows
    assert "botcore train sft" in runs.empty


def test_of_many_runs_the_newest_are_read_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    for _ in range(3):
        a_run(tmp_path, 1)
    (tmp_path / "training" / "sft-2" / "run.json").write_text("{")
    assert {record.id for record in newest_runs(tmp_path, 20)} == {"sft-1", "sft-3"}
    assert len(newest_runs(tmp_path, 1)) <= 1


def test_of_a_long_file_lines_from_all_over_it_are_read(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    with file.open("w", encoding="utf-8") as lines:
        for step in range(40_000):
            lines.write(json.dumps({"kind": "step", "step": step, "loss": 1.25, "tokens": step * 512}) + "\n")
    steps = [line["step"] for line in some_lines(file)]
    assert 500 < len(steps) < 2_500
    assert (steps[0], steps[-1]) == (0, 39_999)
    assert steps == sorted(set(steps))
    assert max(b - a for a, b in pairwise(steps)) < 1_000


def test_a_short_file_is_read_whole_and_odd_lines_are_left_out(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    file.write_text('{"a": "\u2028"}\n[1]\nno json\n{"b": 2}\n{"c"', encoding="utf-8")
    assert some_lines(file) == [{"a": "\u2028"}, {"b": 2}]
    assert some_lines(tmp_path / "none") == []
    assert lines_of(tmp_path / "none") == []
