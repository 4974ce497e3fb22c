"""What the runs are told that make the model in the box."""

import json
from dataclasses import asdict
from itertools import islice

from botcore.training.plan import plan_from
from scripts.starter.corpus import COPYING, Mixture, digest, written
from scripts.starter.sittings import SITTINGS, plan


def test_every_sitting_reads_a_text_of_its_own() -> None:
    assert len({sitting.seed for sitting in SITTINGS}) == len(SITTINGS)


def test_the_first_sitting_begins_from_nothing_and_the_next_goes_on_from_its_model() -> None:
    first = plan(SITTINGS[0], base="")
    later = plan(SITTINGS[1], base="/models/before")

    assert (first.shape is not None, first.look_back) == (True, True)
    assert (later.base, later.shape, later.look_back) == ("/models/before", None, False)


def test_a_run_remembers_which_families_it_reads_and_how_much_is_answered() -> None:
    told = plan(SITTINGS[1], base="/models/before")

    remembered = dict(plan_from(json.loads(json.dumps(asdict(told)))).options)
    of_the_run = {name: remembered.pop(name) for name in ("chunks", "batch_tokens", "processes")}
    assert Mixture(**remembered) == SITTINGS[1].mixture
    assert of_the_run == {"chunks": SITTINGS[1].chunks, "batch_tokens": SITTINGS[1].batch_tokens, "processes": 0}


def test_the_text_is_the_one_that_the_model_in_the_box_has_read() -> None:
    """The card names the hash of a whole chunk; these are its first 50 conversations."""
    found = [digest(islice(written(one.seed, one.mixture, COPYING, "all"), 50))[:12] for one in SITTINGS]
    assert found == ["e0a420175b64", "4ac3fcc9fcb7", "77380efa8920"]


def test_each_chunk_has_a_seed_of_its_own_and_the_first_ones_of_two_runs_differ() -> None:
    mixture = SITTINGS[0].mixture
    texts = {digest(islice(written(seed, mixture, number, "copying"), 20)) for seed in (0, 1) for number in (0, 1)}
    assert len(texts) == 4
