"""Any order of accepts, claims, sends and deaths: what `tests.store.machine` holds, for a few seconds of them."""

import os
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.store.conftest import own_schema
from tests.store.machine import Interleavings, OnPostgres


def short(examples: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )


@pytest.fixture
def server() -> Iterator[str]:
    found = os.environ.get("BOTCORE_TEST_POSTGRES")
    if not found:
        pytest.skip("BOTCORE_TEST_POSTGRES names no server")
    with own_schema(sa.make_url(found)) as url:
        yield url


def test_whatever_happens_in_whatever_order_nothing_is_lost() -> None:
    run_state_machine_as_test(Interleavings, settings=short(12))


@pytest.mark.postgres
@pytest.mark.timeout(120)
def test_whatever_happens_to_two_processes_nothing_is_lost(server: str) -> None:
    machine = type("OnThisServer", (OnPostgres,), {"url": server})
    run_state_machine_as_test(machine, settings=short(8))
