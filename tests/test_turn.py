"""What a turn says of itself; its life is told in ``conversations/``."""

import pytest

from botcore.turn import _long


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(121, "2 minutes"), (7_140, "119 minutes"), (7_200, "2 hours"), (172_799, "48 hours"), (172_800, "2 days")],
)
def test_a_wait_is_told_as_people_say_it(seconds: float, said: str) -> None:
    assert _long(seconds) == said
