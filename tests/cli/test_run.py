"""What `botcore run` says of its engine in the terminal; the log says the rest."""

import errno
from dataclasses import replace

import pytest
import typer

from botcore.cli import run
from botcore.cli.run import _Lines
from botcore.ports import EngineStatus

AWAY = EngineStatus(stage="failed", detail="the engine cannot be reached: Connection refused; next look in 1 s")


@pytest.mark.parametrize("live", [True, False])
def test_an_engine_that_stays_away_is_told_once(live: bool, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines(as_json=False)
    lines._live = live
    for pause in (1, 2, 4):
        lines.engine(replace(AWAY, detail=AWAY.detail.replace("1 s", f"{pause} s")))
    assert capsys.readouterr().out.count("Connection refused") == 1


@pytest.mark.parametrize("live", [True, False])
def test_an_encoder_is_told_when_it_is_ready_and_when_it_fails(live: bool, capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines(as_json=False)
    lines._live = live
    for status in (
        EngineStatus(stage="off"),
        EngineStatus(stage="model", detail="loading the weights"),
        EngineStatus(stage="ready", model="bert"),
        EngineStatus(stage="failed", detail="no such model; next look in 1 s"),
        EngineStatus(stage="failed", detail="no such model; next look in 2 s"),
    ):
        lines.encoder(status)
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert said == ["✓ encoder    ready: bert", "! encoder    no such model; next look in 1 s"]


def test_an_engine_that_is_gone_again_is_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    lines = _Lines(as_json=False)
    for status in (AWAY, EngineStatus(stage="ready", model="m", window=4096), AWAY):
        lines.engine(status)
    assert [line[0] for line in capsys.readouterr().out.splitlines()] == ["!", "✓", "!"]


@pytest.mark.parametrize(("window", "said"), [(4096, "ready: m, 4096 tokens of context"), (0, "ready: m")])
def test_a_context_that_the_server_does_not_tell_is_not_said_to_be_0(
    window: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _Lines(as_json=False).engine(EngineStatus(stage="ready", model="m", window=window))
    assert capsys.readouterr().out == f"✓ engine     {said}\n"


@pytest.mark.parametrize("as_json", [True, False])
def test_a_bot_whose_output_nobody_takes_goes_on(as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    told = list[str]()
    monkeypatch.setattr(typer, "echo", full)
    monkeypatch.setattr(run, "nobody_reads", lambda: told.append("nothing from now on"))
    lines = run._Lines(as_json)
    lines.header()
    lines.say("web page", "http://127.0.0.1:8080")
    lines.engine(AWAY)
    lines.encoder(AWAY)
    assert told == ["nothing from now on"] * 4
