"""Learning from feedback with TRL itself, on the model in the box: an adapter comes out, unless it has collapsed."""

import json
import os
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from botcore.engine.model import STARTER
from botcore.training.jsonl import lines_of
from botcore.training.plan import Plan
from botcore.training.runs import Run, new_run

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

STEPS = 12
PLAN = Plan(
    base=str(STARTER), lora=8, context=96, batch=4, steps=STEPS, warmup=2, rate=1e-2, weight_decay=0.0,
    precision="fp32", save_every=4, log_every=1, threads=1,
)  # fmt: skip
LESSONS = {
    "When do you open?": "We open at nine.",
    "Who is the captain?": "The captain is Mira.",
    "Where is the sea?": "Behind the mill.",
}


@pytest.fixture
def new(tmp_path: Path) -> Callable[..., Run]:
    """A run with three pairs, two thumbs, and two lines that cannot be used."""

    def make(**changes: Any) -> Run:
        run = new_run(tmp_path, "feedback", Plan(**{**_fields(), "method": "dpo", **changes}), at=0.0)
        run.lessons.mkdir()
        rows = [{"prompt": asked, "chosen": said, "rejected": "Who knows."} for asked, said in LESSONS.items()]
        thumb = {"prompt": "Thank you.", "completion": "You are welcome.", "label": True}
        down = {"prompt": "Sing.", "completion": "No.", "label": False}
        long = {"prompt": "word " * 120, "completion": "Too long."}
        lines = [*map(json.dumps, [*rows, thumb, down, long]), "{broken"]
        (run.lessons / "dpo.jsonl").write_text("\n".join(lines))
        return run

    return make


def _fields() -> dict[str, Any]:
    return {**PLAN.as_json(), "texts": (), "shape": None}


def steps_of(run: Run) -> list[int]:
    return [line["step"] for line in lines_of(run.folder / "metrics.jsonl")]


def test_lessons_become_an_adapter_of_two_files_and_what_it_says_is_looked_at(
    server: Any, new: Callable[..., Run]
) -> None:
    run = new()
    end = server.train(run)
    assert (end["state"], end["reason"]) == ("done", "")
    made = Path(end["outputs"]["adapter"])
    assert {path.name for path in made.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    config = json.loads((made / "adapter_config.json").read_text())
    assert (config["r"], config["base_model_name_or_path"], len(config["target_modules"])) == (8, str(STARTER), 7)
    curve = [line["loss"] for line in lines_of(run.folder / "metrics.jsonl")]
    assert (len(curve), steps_of(run)) == (STEPS, list(range(1, STEPS + 1)))
    assert curve[-1] < curve[0]
    samples = lines_of(run.folder / "samples.jsonl")
    assert {one["prompt"] for one in samples if one["learnt"]} == {*LESSONS, "Thank you.", "Sing."}
    assert any(one["before"] != one["after"] for one in samples)
    looked = next(one for one in server.events if one["event"] == "looked")
    assert (looked["asked"], looked["others"]) == (4, 6)
    card = json.loads((run.folder / "data" / "card.json").read_text())
    assert (card["documents"], card["skipped"]) == (4, 3)
    reasons = sorted(one["reason"].partition(",")[0] for one in card["named"])
    assert re.fullmatch(r"1\d\d tokens", reasons.pop(0))
    assert reasons == ["a thumb down without a better answer teaches dpo nothing", "no JSON"]
    run.drop_lessons()
    assert {path.name for path in run.folder.iterdir()} >= {"adapter", "data", "samples.jsonl", "run.json"}
    assert not (run.folder / "checkpoint").exists()


def test_a_collapsed_adapter_is_refused_with_the_reason_and_its_samples(server: Any, new: Callable[..., Run]) -> None:
    run = new(rate=0.3)
    end = server.train(run)
    assert end["state"] == "refused"
    assert " of 11 answers " in end["reason"] or "the same to nearly everything" in end["reason"]
    assert len(lines_of(run.folder / "samples.jsonl")) == 11
    assert (Path(end["outputs"]["adapter"]) / "adapter_model.safetensors").is_file()


def test_a_stop_saves_and_the_run_goes_on_from_there(server: Any, new: Callable[..., Run]) -> None:
    run = new(method="kto", rate=5e-4)
    server.begin(run)
    server.until("step", 2)
    run.stop_note.touch()
    assert server.end() == 0
    assert server.events[-1]["state"] == "stopped"
    assert run.lessons.is_dir()
    run.stop_note.unlink()
    (state,) = (run.folder / "checkpoint").glob("checkpoint-*")
    os.utime(state, (2e9, 2e9))  # the clock is set back
    server.train(run)
    assert "going on after step" in str([one.get("text") for one in server.events])
    assert steps_of(run) == list(range(1, STEPS + 1))
    assert [path.name for path in (run.folder / "checkpoint").glob("checkpoint-*")] == [f"checkpoint-{STEPS}"]


def test_what_is_to_stay_is_learnt_whole_or_not_at_all(server: Any) -> None:
    hello, story = server.checks["greedy"]["any"]
    assert story
    assert server.checks["greedy"]["whole"] == [hello, ""]


def test_a_state_is_on_the_disk_before_the_one_before_it_goes(server: Any) -> None:
    assert server.checks["saved"] == [["optimizer.pt", True], ["checkpoint-8", True], ["older", False]]


def test_the_precision_that_is_told_is_the_one_it_learns_in(server: Any) -> None:
    assert server.checks["precision"] == [["fp32", False], ["bf16", True]]


def test_an_answer_ends_where_the_model_or_its_tokenizer_says_so(server: Any) -> None:
    assert server.checks["greedy"]["ends"] == sorted({5, 9, server.checks["greedy"]["end"]})


def test_a_disk_that_fills_is_one_line_and_the_run_goes_on_when_there_is_room(
    server: Any, new: Callable[..., Run]
) -> None:
    run = new(steps=5)
    trainer = server.begin(run)
    server.until("step", 1)
    no_limit = resource.prlimit(trainer, resource.RLIMIT_FSIZE)
    resource.prlimit(trainer, resource.RLIMIT_FSIZE, (1_200_000, no_limit[1]))  # adapter yes, optimizer no
    server.end()
    end = server.events[-1]
    assert end["state"] == "failed"
    assert end["reason"].endswith(
        f"{run.folder}: the disk is full; nothing that was saved is lost: botcore train resume {run.id}"
    )
    end = server.train(run)
    assert (end["state"], steps_of(run)) == ("done", [1, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lora": 100_000_000, "batch": 60_000}, "too little memory"),
        ({"context": 8}, "too few lessons; needed are 3 corrections"),
        ({"base": str(Path(__file__).parent)}, "has no readable tokenizer"),
        ({"rate": 1e30, "clip": 0.0, "steps": 4}, "the loss of step "),
    ],
)
def test_what_cannot_be_learnt_is_one_line(
    server: Any, new: Callable[..., Run], changes: dict[str, Any], reason: str
) -> None:
    end = server.train(new(**changes))
    assert end["state"] == "failed"
    assert reason in end["reason"]
    assert "\n" not in end["reason"]
