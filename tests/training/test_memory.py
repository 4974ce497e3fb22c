from dataclasses import replace
from typing import Any

import pytest

from botcore.training.memory import needed, refusal
from botcore.training.plan import SIZES, Plan

SMALL = SIZES["small"]
PLAN = Plan(shape=SMALL, context=1024, batch=32)


def need(plan: Plan, devices: int = 1) -> tuple[int, int]:
    return needed(plan, SMALL.parameters, layers=SMALL.layers, width=SMALL.width, vocab=SMALL.vocab, devices=devices)


def test_a_refusal_says_the_arithmetic_and_the_next_step() -> None:
    model, rows = need(PLAN)
    why = refusal(PLAN, SMALL.parameters, model=model, rows=rows, free=4 * 10**9)
    assert why.startswith("too little memory: 15.7 M parameters × 16 bytes = 0.3 GB, 32 rows of 1024 tokens = ")
    assert why.endswith("of 4.0 GB that are free; take a smaller --micro")


@pytest.mark.parametrize(
    ("changes", "option"),
    [({"micro": 1}, "--context"), ({"method": "dpo"}, "--batch"), ({"method": "dpo", "batch": 2}, "--context")],
)
def test_the_next_step_is_an_option_that_the_command_has(changes: dict[str, Any], option: str) -> None:
    why = refusal(replace(PLAN, **changes), 1, model=0, rows=10**11, free=4 * 10**9)
    assert why.endswith(f"take a smaller {option}")


def test_a_model_that_alone_is_too_large_asks_for_a_smaller_one() -> None:
    model, rows = need(PLAN)
    assert refusal(PLAN, SMALL.parameters, model=model, rows=rows, free=10**9).endswith("a smaller model")


def test_fewer_rows_at_once_or_more_devices_need_less() -> None:
    few = Plan(shape=SMALL, context=1024, batch=32, micro=4)
    assert need(few)[1] * 8 == need(PLAN)[1]
    assert need(PLAN, devices=4)[1] * 4 == need(PLAN)[1]


def test_on_a_cpu_short_rows_keep_what_every_token_weighs_for_every_other() -> None:
    short, long = Plan(shape=SMALL, context=640, batch=32), Plan(shape=SMALL, context=641, batch=32)
    sizes = {"layers": SMALL.layers, "width": SMALL.width, "vocab": SMALL.vocab}
    more = [needed(one, 1, **sizes, heads=SMALL.heads)[1] - needed(one, 1, **sizes)[1] for one in (short, long)]
    assert more == [32 * SMALL.layers * SMALL.heads * 640 * 640 * 6, 0]


def test_where_nothing_is_known_nothing_is_refused() -> None:
    assert refusal(PLAN, 1, model=10**15, rows=0, free=0) == ""
