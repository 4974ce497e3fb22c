"""What deploy/ says fits the bot it starts: settings, paths, time-outs, sizes."""

import configparser
import re
from pathlib import Path

import pytest

from botcore.loader import load
from botcore.settings import Settings, load_settings
from tests.house.tree import ROOT

DEPLOY = ROOT / "deploy"
CONFIG = ROOT / "config" / "cluster.toml"
TOKEN = "123456789:AAfake-token-for-tests_0123456789abcd"


def settings(**environ: str) -> Settings:
    return load_settings([CONFIG], environ=environ, local=None)


def compose() -> dict[str, str]:
    """The bots' variables in compose.yaml; each ${…} with its default, or something where it must be set."""
    lines = re.findall(r"^    (BOTCORE_\w+): (.+)$", (DEPLOY / "compose.yaml").read_text(), re.MULTILINE)
    return {name: re.sub(r"\$\{\w+:([-?])(.*?)\}", _given, value.strip("'")) for name, value in lines}


def _given(found: re.Match[str]) -> str:
    return found[2] if found[1] == "-" else "something-long-enough"


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / "botcore@.service")
    return parser


@pytest.mark.parametrize("telegram", ["false", "true"])
def test_the_containers_settings_are_settings(telegram: str) -> None:
    environ = compose() | {"BOTCORE_CHANNELS__TELEGRAM__ENABLED": telegram}
    environ |= {"BOTCORE_CHANNELS__TELEGRAM__TOKEN": TOKEN} if telegram == "true" else {}
    found = settings(**environ)
    assert load(found, {}).problems == {}
    assert found.http.host == "0.0.0.0"
    assert found.http.allowed_hosts == ("localhost",)
    (proxy,) = re.findall(r"ipv4_address: ([\d.]+)", (DEPLOY / "compose.yaml").read_text())
    assert found.http.proxies == (f"{proxy}/32",)


def test_the_units_environment_is_settings() -> None:
    listed = re.search(r"/etc/botcore/environment <<'END'\n(.+?)END\n", (DEPLOY / "README.md").read_text(), re.DOTALL)
    assert listed
    given = dict(line.split("=", 1) for line in listed[1].splitlines())
    found = settings(**{name: value.strip("'") for name, value in given.items() if name.startswith("BOTCORE_")})
    assert load(found, {}).problems == {}
    assert found.http.key.get_secret_value()
    assert (found.http.allowed_hosts, found.http.proxies) == (("bot.example.org",), ("127.0.0.1/32",))


def test_whoever_stops_a_bot_waits_longer_than_it_drains() -> None:
    drain = settings().turn.drain_s
    grace = re.search(r"stop_grace_period: (\d+)s", (DEPLOY / "compose.yaml").read_text())
    assert grace
    assert float(grace[1]) > drain + 5
    assert float(unit()["Service"]["TimeoutStopSec"]) > drain + 5


def test_the_unit_starts_what_is_there() -> None:
    command = unit()["Service"]["ExecStart"].split()
    assert command[1:] == ["run", "--config", "config/cluster.toml", "--log-level", "info"]
    assert Path(command[0]).parts[-3:] == (".venv", "bin", "botcore")
    listed = re.search(r"CMD \[(.+)\]", (DEPLOY / "Dockerfile").read_text())
    assert listed
    assert [word.strip(' "') for word in listed[1].split(",")][1:] == command[1:]


def test_the_container_can_back_up_the_database_it_is_started_with() -> None:
    (server,) = re.findall(r"image: postgres:(\d+)", (DEPLOY / "compose.yaml").read_text())
    (client,) = re.findall(r"postgresql-client-(\d+)", (DEPLOY / "Dockerfile").read_text())
    assert int(client) >= int(server)  # pg_dump refuses a newer server


def test_the_proxy_lets_through_what_the_bot_takes() -> None:
    proxy = (DEPLOY / "nginx.conf").read_text()
    read = re.search(r"proxy_read_timeout (\d+)s; +# longer than \[turn\] timeout_s", proxy)
    assert read
    assert float(read[1]) > settings().turn.timeout_s
    assert "client_max_body_size 20m;" in proxy
    assert "$cookie_botcore_visitor" in proxy
    assert "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;" in proxy
