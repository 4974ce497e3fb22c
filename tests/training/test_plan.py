"""What a run is told: shapes add up, schedules end where they should, and all of it survives the run's folder."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.training.plan import SIZES, Plan, Style, answer_steps, plan_from, rate_share, shape_of

PLAN = Plan(texts=("a", "b"), shape=SIZES["nano"], options={"tokens": 5}, warmup=10)


def test_a_plan_comes_back_from_json_as_it_was() -> None:
    assert plan_from(json.loads(json.dumps(PLAN.as_json()))) == PLAN


def test_mini_has_as_many_parameters_as_the_model_in_the_box() -> None:
    assert SIZES["mini"].parameters == 5_836_800


@pytest.mark.parametrize("style", ["qwen3", "gpt2"])
def test_every_size_is_larger_than_the_one_before(style: Style) -> None:
    counts = [shape_of(size, style).parameters for size in SIZES]
    assert counts == sorted(counts)
    assert all(shape_of(size, "gpt2").head * shape_of(size, "gpt2").heads == SIZES[size].width for size in SIZES)


def test_the_rate_warms_up_then_falls_along_half_a_cosine_to_its_floor() -> None:
    assert rate_share(PLAN, 0, 0.0) == pytest.approx(0.1)
    assert rate_share(PLAN, 10, 0.0) == pytest.approx(1.0)
    assert rate_share(PLAN, 500, 0.5) == pytest.approx(0.55)
    assert rate_share(PLAN, 1000, 1.0) == pytest.approx(0.1)


def test_a_short_run_is_warm_after_its_first_tenth() -> None:
    assert rate_share(PLAN, 2, 0.1) > 0.95


def test_the_flat_schedule_stays_and_then_falls_in_a_straight_line() -> None:
    plan = Plan(schedule="flat", warmup=10, decay_from=0.5, floor=0.0)
    assert [rate_share(plan, 50, share) for share in (0.2, 0.5, 0.75, 1.0)] == pytest.approx([1.0, 1.0, 0.5, 0.0])


@given(step=st.integers(0, 10**6), progress=st.floats(0, 1), schedule=st.sampled_from(["cosine", "flat"]))
def test_the_rate_never_leaves_its_bounds(step: int, progress: float, schedule: str) -> None:
    share = rate_share(plan_from({**PLAN.as_json(), "schedule": schedule}), step, progress)
    assert 0 <= share <= 1


@pytest.mark.parametrize(("rows", "steps"), [(16, 16), (200, 200), (400, 200), (1_000, 375)])
def test_few_rows_of_answers_are_gone_through_more_often(rows: int, steps: int) -> None:
    assert answer_steps(Plan(epochs=0, batch=8), rows) == steps


def test_who_says_how_often_or_how_many_steps_is_heard() -> None:
    assert answer_steps(Plan(epochs=2, batch=8), 200) == 50
    assert answer_steps(Plan(epochs=2, steps=7, batch=8), 200) == 7
