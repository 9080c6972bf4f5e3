"""Where the times come from: the environment of every report, and the versions of who was timed."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from smxcheck.run.environment import describe

#: Distributions whose versions the times depend on, beside those of every report.
_TIMED = ("scipy", "torch", "python-flint", "gmpy2")


def facts(threads: int) -> dict[str, Any]:
    """Machine, versions and threads; packages that are not installed are left out."""
    versions = {name: found for name in _TIMED if (found := _version(name))}
    resolution = time.get_clock_info("perf_counter").resolution
    return {**describe(), **versions, "threads": threads, "clock_resolution_seconds": resolution}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
