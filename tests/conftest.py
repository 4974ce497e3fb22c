"""What holds for every test: where nothing may be skipped, a skip is a failure; what starts an engine may take long."""

import os
from collections.abc import Generator
from typing import Any

import pytest

ENGINE_TIMEOUT_S = 300
NO_SKIP = os.environ.get("BOTCORE_NO_SKIP") == "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("engine") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(ENGINE_TIMEOUT_S))


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
