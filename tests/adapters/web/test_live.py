"""What is kept of running turns, and how much of it at most."""

import pytest

from botcore import Conversation, Draft
from botcore.testing import ManualClock
from botcore_web.live import TABS_S, Live, News
from botcore_web.problem import Problem


def draft(chat: str, text: str = "", **more: object) -> Draft:
    return Draft(conversation=Conversation(channel="web", chat=chat), turn=f"t-{chat}", message=1, text=text, **more)  # type: ignore[arg-type]


def live_of(**bounds: int) -> Live:
    return Live(**{"drafts": 2, "watches": 9, "each": 9} | bounds)


def test_only_the_newest_drafts_are_kept() -> None:
    live = live_of()
    for chat in ("a", "b", "a", "c"):
        live.show(draft(chat))
    kept = [chat for chat in "abc" if live.draft(draft(chat).conversation.key)]
    assert kept == ["a", "c"]


def test_a_committed_reply_ends_its_draft() -> None:
    live = live_of()
    live.show(draft("a", "one"))
    live.show(draft("a", "one.", phase="final"))
    assert live.draft(draft("a").conversation.key) is None


def test_the_draft_of_another_turn_is_not_ended() -> None:
    live, key = live_of(), draft("a").conversation.key
    live.show(draft("a", "one"))
    live.ended(key, "another")
    assert live.draft(key)


async def test_a_watch_hears_all_that_happened_since_it_last_listened_as_one() -> None:
    live, clock, key = live_of(), ManualClock(), draft("a").conversation.key
    with live.watch(key) as watch:
        for text in ("one", "one two"):
            live.show(draft("a", text))
        live.tell_all(News.ENGINE)
        assert await watch.news(clock, 1) == News.DRAFT | News.ENGINE
    assert live.count == 0


def test_one_watch_too_many_is_refused() -> None:
    live = live_of(watches=1)
    with live.watch("a"), pytest.raises(Problem) as refused, live.watch("b"):
        pass
    assert (refused.value.status, refused.value.retry_after) == (503, 5)


def test_pages_and_requests_do_not_take_each_other_s_room() -> None:
    live = live_of(watches=1)
    with live.watch("a", visitor="ana"), live.watch("b"):
        for visitor in ("ben", ""):
            with pytest.raises(Problem), live.watch("c", visitor=visitor):
                pass
    assert live.count == 0


def test_one_visitor_does_not_take_the_room_of_all() -> None:
    live = live_of(each=2)
    with live.watch("a", visitor="ana"), live.watch("b", visitor="ana"):
        with pytest.raises(Problem) as refused, live.watch("c", visitor="ana"):
            pass
        with live.watch("c", visitor="ben"), live.watch("d"), live.watch("e"), live.watch("f"):
            pass
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (429, "tabs", TABS_S)


async def test_a_tab_that_was_closed_unheard_takes_no_room_and_notices_it() -> None:
    live, clock, closed = live_of(each=1), ManualClock(), [False]
    with live.watch("a", visitor="ana", gone=lambda: closed[0]) as watch:
        closed[0] = True
        with live.watch("b", visitor="ana"):
            assert await watch.news(clock, 1)
