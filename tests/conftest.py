"""Fixtures that several test files share, and the line that says what the checker caught."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

_SCORE = "smxcheck score"


@pytest.fixture(scope="session")
def needs() -> Callable[..., None]:
    """``needs("torch")`` skips the test where a library is missing, and fails it under ``SMXCHECK_CI=1``."""

    def need(*names: str) -> None:
        missing = [name for name in names if importlib.util.find_spec(name) is None]
        if not missing:
            return
        reason = f"{', '.join(missing)} not installed: pip install 'smxcheck[libraries]'"
        if os.environ.get("SMXCHECK_CI") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    return need


@pytest.fixture(autouse=True)
def _forget_modules_of_the_test(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files of a test that were imported in this process are not what the next test means by the same name."""
    before = set(sys.modules)
    yield
    folder = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(folder):
            del sys.modules[name]


@pytest.fixture
def score(request: pytest.FixtureRequest) -> Callable[[str, int, int], None]:
    """``score("mistakes caught", 3, 4)`` adds to the line at the end of the run, also from another process."""

    def add(kind: str, count: int, of: int) -> None:
        request.node.user_properties.append((_SCORE, (kind, count, of)))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line: how many of the wrong ones were caught, how many of the right ones pass."""
    count: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            if getattr(report, "when", "") != "call":
                continue
            for name, value in report.user_properties:
                if name == _SCORE:
                    kind, some, of = value
                    count[kind] += some
                    total[kind] += of
    if total:
        parts = ", ".join(f"{count[kind]} of {total[kind]} {kind}" for kind in total)
        terminalreporter.write_line(f"{_SCORE}: {parts}")
