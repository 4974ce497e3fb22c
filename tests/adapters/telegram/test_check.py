"""What `botcore doctor` says about the token."""

import pytest

from botcore import BotcoreError
from botcore.clock import SystemClock
from botcore_telegram import Telegram
from botcore_telegram.testing import PUBLIC, SECRET, FakeTelegram, Fault

MODES = ("addressed", "all")


async def test_a_right_token_names_the_bot() -> None:
    async with FakeTelegram() as telegram:
        channel = Telegram(Telegram.Settings(token=telegram.token, base_url=telegram.base_url))
        assert "@" in await channel.check(SystemClock())


async def test_in_webhook_mode_it_says_where_telegram_calls() -> None:
    async with FakeTelegram() as telegram:
        channel = Telegram(telegram.settings(**telegram.table("webhook")))
        assert (await channel.check(SystemClock())).endswith(f"called at {PUBLIC}/hooks/telegram as soon as it runs")
        telegram.webhook.register(f"{PUBLIC}/hooks/telegram", SECRET)
        assert (await channel.check(SystemClock())).endswith(f"called at {PUBLIC}/hooks/telegram")


async def test_it_says_where_privacy_mode_hides_what_is_to_be_heard() -> None:
    async with FakeTelegram() as telegram:
        told = {mode: await Telegram(telegram.settings(group_mode=mode)).check(SystemClock()) for mode in MODES}
        telegram.api.me |= {"can_read_all_group_messages": True}
        told["shown"] = await Telegram(telegram.settings(group_mode="all")).check(SystemClock())
    assert {mode: "/setprivacy" in text for mode, text in told.items()} == {
        "addressed": False,
        "all": True,
        "shown": False,
    }


@pytest.mark.parametrize(
    ("fault", "told"),
    [(Fault(status=404, html=True), "is base_url right"), (Fault(status=200, description="hi"), "not Telegram's")],
    ids=["HTML", "JSON"],
)
async def test_a_server_that_is_not_telegrams_is_no_wrong_token(fault: Fault, told: str) -> None:
    async with FakeTelegram() as telegram:
        telegram.fail("getMe", fault)
        with pytest.raises(BotcoreError, match=told) as raised:
            await Telegram(telegram.settings()).check(SystemClock())
        assert "token" not in str(raised.value)


async def test_a_wrong_token_is_one_line_without_the_token() -> None:
    async with FakeTelegram() as telegram:
        wrong = "123456:" + "a" * 35
        channel = Telegram(Telegram.Settings(token=wrong, base_url=telegram.base_url))
        with pytest.raises(BotcoreError, match="401") as raised:
            await channel.check(SystemClock())
        assert wrong not in str(raised.value)
