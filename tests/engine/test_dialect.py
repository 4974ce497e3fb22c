"""What servers answer to a field they do not take, in their own words."""

import pytest

from botcore.engine.dialect import SYSTEM, pause_in, refused_fields, without

ASKED = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
FIELDS = ("model", "max_tokens", "temperature", "top_p", "repetition_penalty", "frequency_penalty", "stop")
SENT = dict.fromkeys(FIELDS, 1) | {"messages": ASKED}


@pytest.mark.parametrize(
    ("status", "answer", "refused"),
    [
        (
            400,
            {"error": {"message": "`temperature` and `top_k` cannot both be specified."}},
            "temperature",
        ),
        (
            400,
            {"error": {"message": "Unrecognized request argument supplied: repetition_penalty"}},
            "repetition_penalty",
        ),
        (
            400,
            {
                "error": {
                    "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
                    "Use 'max_completion_tokens' instead.",
                    "param": "max_tokens",
                    "code": "unsupported_parameter",
                }
            },
            "max_tokens",
        ),
        (
            400,
            {
                "error": {
                    "message": "Unsupported value: 'temperature' does not support 0.7 with this model. "
                    "Only the default (1) value is supported."
                }
            },
            "temperature",
        ),
        (
            422,
            {"detail": [{"type": "extra_forbidden", "loc": ["body", "frequency_penalty"], "msg": "Extra inputs …"}]},
            "frequency_penalty",
        ),
        (400, {"error": {"message": "property 'repetition_penalty' is unsupported"}}, "repetition_penalty"),
        (
            400,
            [{"error": {"message": 'Unknown name "frequency_penalty": Cannot find field.'}}],
            "frequency_penalty",
        ),
        (400, "Argument not supported on this model: frequencyPenalty", "frequency_penalty"),
    ],
)
def test_a_field_that_is_refused_by_its_name_is_known(status: int, answer: object, refused: str) -> None:
    assert refused_fields(status, answer, SENT) == {refused}


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (400, {"error": {"message": "max_tokens cannot be greater than 4096"}}),
        (400, {"error": {"message": "temperature must be non-negative, got -1.0."}}),
        (400, {"error": {"message": "max_tokens is too large: 9000. This model supports at most 4096 tokens"}}),
        (400, {"error": {"message": "Unknown parameter: 'stop'."}}),  # nobody else can do what was asked for
        (400, {"error": {"message": "Unknown parameter: 'top_k'."}}),  # it was not sent
        (500, {"error": {"message": "unexpected error in temperature"}}),
        (400, None),
        (422, {"detail": "x" * 3000 + " unknown: temperature"}),
    ],
)
def test_any_other_refusal_is_one(status: int, answer: object) -> None:
    assert refused_fields(status, answer, SENT) == set()


@pytest.mark.parametrize(
    "told",
    [
        "System role not supported",  # Gemma 2
        "Conversation roles must alternate user/assistant/user/assistant/...",  # Mistral 0.2
        "Only user and assistant roles are supported!",
    ],
)
def test_a_template_without_a_system_message_is_known(told: str) -> None:
    answer = {"error": {"message": told}}
    assert refused_fields(400, answer, SENT) == {SYSTEM}
    assert refused_fields(400, answer, {**SENT, "messages": ASKED[1:]}) == set()


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        (ASKED, [{"role": "user", "content": "Be kind.\n\nHi"}]),
        (ASKED[:1], [{"role": "user", "content": "Be kind."}]),
        (ASKED[1:], ASKED[1:]),
    ],
)
def test_then_the_systems_words_are_the_first_the_user_says(
    messages: list[dict[str, str]], told: list[dict[str, str]]
) -> None:
    assert without({"messages": messages}, {SYSTEM}) == {"messages": told}


def test_the_limit_of_a_reply_is_sent_under_its_newer_name() -> None:
    body = {"max_tokens": 9, "temperature": 0, "model": "m"}
    assert without(body, {"temperature"}) == {"max_tokens": 9, "model": "m"}
    assert without(body, {"max_tokens"}) == {"max_completion_tokens": 9, "temperature": 0, "model": "m"}


@pytest.mark.parametrize(
    ("status", "told", "pause"),
    [(429, "3", 3), (503, " 0.5 ", 0.5), (429, "Fri, 31 Dec 1999 23:59:59 GMT", 0), (429, "-1", 0), (500, "3", 0)],
)
def test_a_busy_server_says_when(status: int, told: str, pause: float) -> None:
    assert pause_in(status, {"Retry-After": told}) == pause
    assert pause_in(status, {}) == 0
