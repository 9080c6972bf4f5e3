"""Where the times come from: the environment of every report, and what else times depend on."""

from __future__ import annotations

import os
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from smxcheck.run.environment import describe

#: Distributions whose versions the times depend on, beside those of every report.
_TIMED = ("scipy", "torch", "jax", "jaxlib", "onnxruntime", "python-flint", "gmpy2")
_GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")


def facts(threads: int) -> dict[str, Any]:
    """Machine, versions and threads; packages that are not installed and what the system does not tell are left out."""
    versions = {name: found for name in _TIMED if (found := _version(name))}
    told = {"governor": governor(), "blas": blas(), "memory_bytes": memory_bytes()}
    return {
        **describe(),
        **versions,
        "threads": threads,
        "clock_resolution_seconds": time.get_clock_info("perf_counter").resolution,
        **{name: value for name, value in told.items() if value},
        **({"load_average": round(os.getloadavg()[0], 2)} if hasattr(os, "getloadavg") else {}),
    }


def governor() -> str:
    """How the system sets the clock rate (``performance``, ``powersave``); "" where it does not say, as in most virtual machines."""
    try:
        return _GOVERNOR.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def blas() -> str:
    """The linear algebra that NumPy was built with: ``scipy-openblas 0.3.30``; "" where it does not say."""
    import numpy as np

    built = np.show_config(mode="dicts")
    found = (built or {}).get("Build Dependencies", {}).get("blas", {})
    return f"{found.get('name', '')} {found.get('version', '')}".strip()


def memory_bytes() -> int:
    """Bytes of memory of the machine; 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
