"""What is kept of running turns, and how much of it at most."""

import pytest

from botcore import Conversation, Draft
from botcore.testing import ManualClock
from botcore_web.live import Live, News
from botcore_web.problem import Problem


def draft(chat: str, text: str = "", **more: object) -> Draft:
    return Draft(conversation=Conversation(channel="web", chat=chat), turn=f"t-{chat}", message=1, text=text, **more)  # type: ignore[arg-type]


def test_only_the_newest_drafts_are_kept() -> None:
    live = Live(drafts=2, watches=9)
    for chat in ("a", "b", "a", "c"):
        live.show(draft(chat))
    kept = [chat for chat in "abc" if live.draft(draft(chat).conversation.key)]
    assert kept == ["a", "c"]


def test_a_committed_reply_ends_its_draft() -> None:
    live = Live(drafts=2, watches=9)
    live.show(draft("a", "one"))
    live.show(draft("a", "one.", phase="final"))
    assert live.draft(draft("a").conversation.key) is None


def test_the_draft_of_another_turn_is_not_ended() -> None:
    live, key = Live(drafts=2, watches=9), draft("a").conversation.key
    live.show(draft("a", "one"))
    live.ended(key, "another")
    assert live.draft(key)


async def test_a_watch_hears_all_that_happened_since_it_last_listened_as_one() -> None:
    live, clock, key = Live(drafts=2, watches=9), ManualClock(), draft("a").conversation.key
    with live.watch(key) as watch:
        for text in ("one", "one two"):
            live.show(draft("a", text))
        live.tell_all(News.ENGINE)
        assert await watch.news(clock, 1) == News.DRAFT | News.ENGINE
    assert live.count == 0


def test_one_watch_too_many_is_refused() -> None:
    live = Live(drafts=2, watches=1)
    with live.watch("a"), pytest.raises(Problem) as refused, live.watch("b"):
        pass
    assert (refused.value.status, refused.value.retry_after) == (503, 5)
