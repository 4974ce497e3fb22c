"""What the runs are told that make the model in the box."""

import json
from dataclasses import asdict

from botcore.training.plan import plan_from
from scripts.starter.train import SITTINGS, plan


def test_every_sitting_reads_a_text_of_its_own() -> None:
    assert len({sitting.seed for sitting in SITTINGS}) == len(SITTINGS)


def test_the_first_sitting_begins_from_nothing_and_the_next_go_on_from_its_model() -> None:
    first = plan(SITTINGS[0], size="mini", base="", threads=2, compiled=True)
    later = plan(SITTINGS[1], size="mini", base="/models/before", threads=2, compiled=True)

    assert (first.shape is not None, first.look_back) == (True, True)
    assert (later.base, later.shape, later.look_back) == ("/models/before", None, False)


def test_a_run_remembers_which_families_it_reads() -> None:
    told = plan(SITTINGS[1], size="mini", base="/models/before", threads=2, compiled=True)

    assert plan_from(json.loads(json.dumps(asdict(told)))).options["shares"] == SITTINGS[1].shares
