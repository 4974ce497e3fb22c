"""What holds for every test: where nothing may be skipped, a skip is a failure; what starts an engine may take long.

A migration of ours is worked out once in each process of tests.
"""

import os
from collections.abc import Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parents[1]
ENGINE_TIMEOUT_S = 300
NO_SKIP = os.environ.get("BOTCORE_NO_SKIP") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("engine") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(ENGINE_TIMEOUT_S))


@pytest.fixture(scope="session", autouse=True)
def said_again() -> Iterator[None]:
    """What alembic says to an empty SQLite database is always the same: to work it out takes 40 ms, to say it 2."""
    from botcore.store import schema

    known: dict[tuple[str, Path], list[tuple[str, Any]]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "_upgrade", partial(_upgrade, schema._upgrade, known))
        yield


def _upgrade(work_out: Any, known: Any, connection: Any, table: str, scripts: Path, to: str = "head") -> None:
    import sqlalchemy as sa

    ours = HERE in scripts.parents and connection.dialect.name == "sqlite"
    if not ours or sa.inspect(connection).has_table(table):
        return work_out(connection, table, scripts, to)
    if (table, scripts) in known:
        for statement, values in known[table, scripts]:
            connection.exec_driver_sql(statement, values)
        return None
    said: list[tuple[str, Any]] = []

    def hear(*told: Any) -> None:
        _, _, statement, values, *_ = told
        if not statement.lstrip().startswith(("SELECT", "PRAGMA")):
            said.append((statement, values))

    sa.event.listen(connection, "before_cursor_execute", hear)
    work_out(connection, table, scripts)
    sa.event.remove(connection, "before_cursor_execute", hear)
    known[table, scripts] = said
    return None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _no_skip((yield))


def _no_skip(report: Any) -> Any:
    if NO_SKIP and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and BOTCORE_NO_SKIP=1 allows none: {report.longrepr}"
    return report
