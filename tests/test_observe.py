"""No secret reaches a log, by its value or by its shape."""

import logging
from collections.abc import Iterator

import pytest

from botcore.observe import NOISY, Metrics, Redactor, configure_logging

TELEGRAM = "123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"


@pytest.mark.parametrize(
    "text",
    [
        f"https://api.telegram.org/bot{TELEGRAM}/getMe",
        "slack says xoxb-1234567890-abcdefgh",
        "Authorization: Bearer sk-abcdef",
        "the key is hunter2hunter2",
    ],
)
def test_secrets_are_replaced(text: str) -> None:
    cleaned = Redactor(["hunter2hunter2"]).clean(text)
    assert "***" in cleaned
    for secret in (TELEGRAM, "xoxb-1234567890", "sk-abcdef", "hunter2hunter2"):
        assert secret not in cleaned


def test_tracebacks_are_cleaned_too() -> None:
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed %s", (TELEGRAM,), None)
    try:
        raise RuntimeError(f"no answer from {TELEGRAM}")
    except RuntimeError as error:
        record.exc_info = (RuntimeError, error, error.__traceback__)
    assert Redactor().filter(record)
    shown = logging.Formatter().format(record)
    assert TELEGRAM not in shown
    assert "RuntimeError" in shown


def test_a_template_that_its_values_do_not_fit_is_logged_with_them_and_without_secrets() -> None:
    record = logging.LogRecord("x", logging.WARNING, __file__, 1, "got %d bytes from %s", ("many", TELEGRAM), None)
    assert Redactor().filter(record)
    assert logging.Formatter().format(record) == "got %d bytes from %s ('many', '***')"


def test_ordinary_text_stays_as_it_is() -> None:
    assert Redactor(["short"]).clean("a short note at 12:30") == "a short note at 12:30"


@pytest.fixture
def unconfigured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has not said yet what it logs and where; as it was afterwards."""
    monkeypatch.setattr(logging.root, "handlers", [])
    loggers = [logging.root, *map(logging.getLogger, NOISY)]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.usefixtures("unconfigured")
def test_a_process_logs_to_standard_error_without_secrets_and_without_each_request_of_its_libraries(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(logging.DEBUG, ["hunter2hunter2"])
    logging.getLogger("botcore.x").debug("the key is %s", "hunter2hunter2")
    logging.getLogger("httpx").info("GET /")
    assert capsys.readouterr().err[9:] == "DEBUG   botcore.x: the key is ***\n"


def test_two_bots_count_apart() -> None:
    one, other = Metrics(), Metrics()
    one.turns.labels("web", "answered").inc()
    assert b'botcore_turns_total{channel="web",outcome="answered"} 1.0' in one.render()
    assert b'outcome="answered"' not in other.render()
