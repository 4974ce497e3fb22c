"""What people are told of an error: the reason and what to do, and no address."""

import pytest

from botcore.errors import EngineError, EngineRejected, EngineTimeout, EngineUnavailable, PromptTooLong, for_people
from botcore.errors import without_addresses as bare


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("the engine at http://10.0.0.3:8000/v1 refuses; next look in 8 s", "the engine refuses; next look in 8 s"),
        ("the engine at http://[fd00::7]:8000/v1 took more than 30 s", "the engine took more than 30 s"),
        ("the engine at /srv/bot/data/run/engine-1.sock made no token", "the engine made no token"),
        ("connecting to unix:///run/bot/engine.sock.", "connecting to …."),
        ("upstream gpu-3.internal:8000 (10.0.0.3) is gone", "upstream … (…) is gone"),
        ("no such file: '/srv/bot/models/tiny/config.json'", "no such file: 'config.json'"),
        ("cannot start /opt/engine/bin/python: No such file", "cannot start python: No such file"),
        ("localhost:11434 and [::1]:80 refuse", "… and … refuse"),
    ],
)
def test_an_address_is_left_out(text: str, told: str) -> None:
    assert bare(text) == told


@pytest.mark.parametrize(
    "text",
    [
        "HTTP 503; starting again in 2 s",
        "the model org/name-7b does not fit: 3.5 of 4 GiB and/or 2/3 of the cores",
        "since 12:30, vLLM 0.32.0 says: 400: bad request",
        "/help lists the commands; set engine.model to one of: llama3:8b, qwen:14b",
        "",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert bare(text) == text


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (EngineUnavailable("the engine at http://gpu:8000/v1 is gone"), "The engine is gone. Please ask again later."),
        (EngineTimeout("took too long."), "Took too long. Please ask again later."),
        (PromptTooLong("the prompt does not fit"), "The prompt does not fit. Please write less at once."),
        (EngineRejected("no such model"), "No such model. Asking again will not help; please tell the operator."),
    ],
)
def test_people_are_told_the_reason_and_what_to_do(error: EngineError, told: str) -> None:
    assert for_people(error) == told
