"""Moments as people write them."""

import pytest

from botcore import SettingsError, moment


def test_a_moment_is_a_date_or_an_age() -> None:
    assert moment("7d", 1_000_000.0) == 1_000_000.0 - 7 * 86_400
    assert moment("1970-01-02", 0.0) == 86_400.0
    assert moment("1970-01-02T00:00+01:00", 0.0) == 82_800.0


@pytest.mark.parametrize("text", ["7x", "", "yesterday"])
def test_what_is_no_moment_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(SettingsError, match=r"no time; write 2026-11-25, .* 7d or 4w"):
        moment(text, 0.0)
