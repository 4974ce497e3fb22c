"""Runs as folders: numbered, found again, true about whether anybody runs them."""

from pathlib import Path

import pytest

from botcore.errors import TrainingError
from botcore.training.jsonl import lines_of
from botcore.training.plan import SIZES, Plan
from botcore.training.runs import Run, all_runs, find_run, new_run

PLAN = Plan(texts=("texts",), shape=SIZES["nano"], seed=3)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return new_run(tmp_path, "pretrain", PLAN, at=100.0)


def test_a_run_has_a_name_a_plan_and_a_beginning(run: Run) -> None:
    record = run.read()
    assert (record.id, record.kind, record.seed, record.state, record.began) == (
        "pretrain-1",
        "pretrain",
        3,
        "new",
        100,
    )
    assert record.plan == PLAN


def test_runs_are_numbered_by_kind_and_listed_as_they_began(tmp_path: Path, run: Run) -> None:
    new_run(tmp_path, "sft", PLAN, at=90.0)
    new_run(tmp_path, "pretrain", PLAN, at=110.0)
    assert [record.id for record in all_runs(tmp_path)] == ["sft-1", "pretrain-1", "pretrain-2"]


def test_a_folder_that_is_no_run_is_no_run(tmp_path: Path, run: Run) -> None:
    (tmp_path / "training" / "odd").mkdir()
    (tmp_path / "training" / "odd" / "run.json").write_text('{"id": ')
    assert [record.id for record in all_runs(tmp_path)] == ["pretrain-1"]
    for name in ("pretrain-9", "../pretrain-1", "..", ""):
        with pytest.raises(TrainingError, match="there is no run"):
            find_run(tmp_path, name)
    assert find_run(tmp_path, "pretrain-1").folder == run.folder


def test_a_run_whose_process_is_gone_is_interrupted(run: Run) -> None:
    run.change(state="running")
    with run.alone():
        assert Run(run.folder).read().state == "running"
    assert run.read().state == "interrupted"


def test_two_cannot_conduct_one_run(run: Run) -> None:
    with run.alone(), pytest.raises(TrainingError, match="pretrain-1 is running already"), Run(run.folder).alone():
        pass


def test_a_last_line_cut_short_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "text": "\u2028"}\n{"st', encoding="utf-8")
    assert lines_of(tmp_path / "metrics.jsonl") == [{"step": 1, "text": "\u2028"}]
    assert lines_of(tmp_path / "gone.jsonl") == []
