"""Who leads: one of several, by the database's clock."""

import asyncio
from contextlib import aclosing

import pytest

from botcore.store import Store
from botcore.testing.clock import ManualClock
from tests.store.test_postgres import next_of

pytestmark = [pytest.mark.postgres, pytest.mark.parametrize("url", ["postgresql"], indirect=True)]


async def take(store: Store, name: str = "polls", lease_s: float = 30) -> bool:
    return await store.take_lead(name, lease_s=lease_s)


async def test_one_of_two_leads_until_it_gives_up(store: Store, other: Store) -> None:
    assert await take(store)
    assert not await take(other)
    await store.give_up_lead("polls")
    assert await take(other)
    assert not await take(store)


async def test_of_many_who_ask_at_once_one_leads(store: Store, other: Store) -> None:
    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(take(who)) for who in (store, other) * 8]
    assert sum(task.result() for task in asked) == 1


async def test_two_things_may_be_led_by_two_processes(store: Store, other: Store) -> None:
    assert await take(store, "one")
    assert await take(other, "two")


async def test_a_term_that_ran_out_is_anybodys(store: Store, other: Store) -> None:
    assert await take(store, lease_s=0)
    assert await take(other)
    assert not await store.keep_lead("polls", lease_s=30)


async def test_a_term_that_ran_out_and_nobody_took_goes_on(store: Store, other: Store) -> None:
    assert await take(store, lease_s=0)
    assert await store.keep_lead("polls", lease_s=30)
    assert not await take(other)


async def test_the_clocks_of_processes_have_no_say(store: Store, other: Store, clock: ManualClock) -> None:
    assert await take(store)
    await clock.advance(1_000_000)
    assert not await take(other)


async def test_who_does_not_lead_gives_up_nothing(store: Store, other: Store) -> None:
    assert await take(store)
    await other.give_up_lead("polls")
    assert await store.keep_lead("polls", lease_s=30)


async def test_the_others_hear_that_the_lead_is_free(store: Store, other: Store) -> None:
    assert await take(store)
    async with aclosing(other.notices()) as notices:
        await next_of(notices, "lost")
        await store.give_up_lead("polls")
        assert await next_of(notices, "lead") == ("lead", "polls")


async def test_where_the_databases_clock_was_set_back_a_dead_leaders_term_is_no_longer_than_any(
    store: Store, other: Store
) -> None:
    assert await take(store, lease_s=1_000_000)
    assert not await take(other, lease_s=0)
    assert await take(other)
