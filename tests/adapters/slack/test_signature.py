"""The signature, against whatever a stranger sends."""

import hashlib
import hmac

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botcore_slack.signature import signed

SECRET, NOW = "8f742231b10e8888abcd99yyyzzz85a5", 1_700_000_000.0
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def sign(body: bytes, at: str = "1700000000", secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{at}:".encode() + body, hashlib.sha256).hexdigest()


def test_slacks_own_signature_is_accepted_for_five_minutes_either_way() -> None:
    body = b'{"a": "\xff"}'
    for seconds, accepted in ((0, True), (300, True), (-300, True), (301, False), (-301, False)):
        assert signed(SECRET, timestamp="1700000000", signature=sign(body), body=body, now=NOW + seconds) is accepted


@pytest.mark.parametrize(
    ("secret", "timestamp", "signature", "body"),
    [
        (SECRET, "1700000000", sign(b"other"), b"body"),
        (SECRET, "1700000001", sign(b"body"), b"body"),
        (SECRET, "1700000000", sign(b"body", secret="wrong"), b"body"),
        (SECRET, "1700000000", sign(b"body").upper(), b"body"),
        (SECRET, "1700000000", sign(b"body")[3:], b"body"),
        (SECRET, "1700000000", "", b"body"),
        (SECRET, "1700000000", "v0=é\udcff", b"body"),
        (SECRET, "", sign(b"body", ""), b"body"),
        (SECRET, "abc", sign(b"body", "abc"), b"body"),
        (SECRET, "1.5", sign(b"body", "1.5"), b"body"),
        (SECRET, " 1700000000", sign(b"body", " 1700000000"), b"body"),
        (SECRET, "١٧٠٠٠٠٠٠٠٠", sign(b"body", "١٧٠٠٠٠٠٠٠٠"), b"body"),
        (SECRET, "9" * 400, sign(b"body", "9" * 400), b"body"),
        (SECRET, "9" * 5000, sign(b"body", "9" * 5000), b"body"),
        ("", "1700000000", sign(b"body", secret=""), b"body"),
    ],
)
def test_a_forged_signature_is_refused(secret: str, timestamp: str, signature: str, body: bytes) -> None:
    assert not signed(secret, timestamp=timestamp, signature=signature, body=body, now=NOW)


ANY_TEXT = st.text(st.characters(), max_size=80) | st.text(st.characters(categories=["Cs"]), max_size=5)


@UNHURRIED
@given(timestamp=ANY_TEXT | st.just("1700000000"), signature=ANY_TEXT, body=st.binary(max_size=200))
def test_the_check_never_raises_and_accepts_no_stranger(timestamp: str, signature: str, body: bytes) -> None:
    assert signed(SECRET, timestamp=timestamp, signature=signature, body=body, now=NOW) is False


@UNHURRIED
@given(body=st.binary(max_size=200), seconds=st.integers(-300, 300))
def test_the_check_accepts_slack(body: bytes, seconds: int) -> None:
    at = str(int(NOW) + seconds)
    assert signed(SECRET, timestamp=at, signature=sign(body, at), body=body, now=NOW)
