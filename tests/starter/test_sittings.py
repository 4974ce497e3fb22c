"""What the runs are told that make the model in the box."""

import json
from dataclasses import asdict

from botcore.training.plan import plan_from
from scripts.starter.corpus import Mixture, digest
from scripts.starter.framing import REFUSAL, Posed, pointed, quoted
from scripts.starter.grammar import Grammar
from scripts.starter.sittings import SITTINGS, plan


def test_every_sitting_reads_a_text_of_its_own() -> None:
    assert len({sitting.seed for sitting in SITTINGS}) == len(SITTINGS)


def test_the_first_sitting_begins_from_nothing_and_the_next_go_on_from_its_model() -> None:
    first = plan(SITTINGS[0], base="")
    later = plan(SITTINGS[1], base="/models/before")

    assert (first.shape is not None, first.look_back) == (True, True)
    assert (later.base, later.shape, later.look_back) == ("/models/before", None, False)


def test_a_run_remembers_which_families_it_reads_and_how_much_is_answered() -> None:
    told = plan(SITTINGS[2], base="/models/before")

    remembered = plan_from(json.loads(json.dumps(asdict(told)))).options
    assert Mixture(**{name: remembered[name] for name in remembered if name != "tokens"}) == SITTINGS[2].mixture


def test_what_a_later_sitting_adds_leaves_the_text_of_the_first_as_it_was() -> None:
    """The card names the hash of the first 5,000 conversations; these are the first 50 of them."""
    found = [digest(sitting.seed + 2, 50, sitting.mixture)[:12] for sitting in SITTINGS]
    assert found[:4] == ["0fb201b3e51c", "71ba4a0e97c1", "d157ee49c6d3", "7861b9730e2a"]
    assert found[4:] == ["b101cc460615", "58d6151a7e07", "35bf1cb53e59", "f4211b829432", "6e2dbe555843"]


def test_a_pointed_question_is_answered_by_the_number_alone_and_refused_as_ever() -> None:
    pairs = [("Is it?", quoted("Tea is hot.", 1)), ("Who?", REFUSAL), ("Hi", "Hello!")]

    (told, told_number), (missed, refused), talk = pointed(Grammar(0), Posed(passages=[], pairs=pairs), 1.0).pairs

    assert (told_number, refused, talk) == ("[1]", REFUSAL, ("Hi", "Hello!"))
    assert told.startswith("Is it? ")
    assert missed.startswith("Who? ")
