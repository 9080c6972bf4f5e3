"""Fixtures that several test files share."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable

import pytest


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
