"""Which proxy leads to an address."""

import pytest

from botcore import proxy_to


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://ann:secret@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "straight.example")
    monkeypatch.delenv("http_proxy", raising=False)


@pytest.mark.parametrize("url", ["https://api.telegram.org", "https://slack.com/api/", "https://[2001:db8::1]:8443/v1"])
def test_what_is_elsewhere_is_reached_through_the_proxy_of_its_scheme(url: str) -> None:
    assert proxy_to(url) == "http://ann:secret@proxy.example:3128"


@pytest.mark.parametrize("url", ["http://engine.example/v1", "https://straight.example", "https://a.straight.example"])
def test_where_the_environment_names_none_the_way_is_straight(url: str) -> None:
    assert proxy_to(url) is None


@pytest.mark.parametrize("url", ["https://localhost:8443", "https://127.0.0.1:1", "https://[::1]:1/v1"])
def test_no_proxy_leads_to_this_machine(url: str) -> None:
    assert proxy_to(url) is None
