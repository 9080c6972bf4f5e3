"""Where a run took place: versions, CPU and the code path it takes, threads, flush-to-zero. Facts, no judgement."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module
from typing import Any

from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

#: Variables that change which kernels a library picks, or with how many threads; and which tiers the oracle has.
_VARIABLES = (
    "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "NPY_DISABLE_CPU_FEATURES", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS", "XLA_FLAGS", "TRITON_INTERPRET", "SMXCHECK_ORACLE",
)  # fmt: skip


def describe() -> dict[str, Any]:
    """The environment as it goes into every report."""
    import ml_dtypes
    import mpmath
    import numpy as np

    return {
        "smxcheck": __version__,
        "case_set": CASE_SET_VERSION,
        "judge": JUDGE_VERSION,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "mpmath": mpmath.__version__,
        "mpmath_backend": mpmath.libmp.BACKEND,
        "ml_dtypes": ml_dtypes.__version__,
        "platform": platform.platform(terse=True),
        "machine": platform.machine(),
        "cpu": cpu_model(),
        "numpy_simd": numpy_simd(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "flush_to_zero": flushes_to_zero(),
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def cpu_model() -> str:
    """The CPU's own name where the system tells it."""
    if sys.platform == "linux":
        try:
            with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a device file, read line by line
                for line in lines:
                    if line.startswith("model name"):
                        return line.partition(":")[2].strip()
        except OSError:
            return platform.machine()
    return platform.processor() or platform.machine()


def numpy_simd() -> str:
    """The highest CPU feature that NumPy dispatches to here, "" if it does not say."""
    try:
        umath = import_module("numpy._core._multiarray_umath")
    except ImportError:
        return ""
    found = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    return found[-1] if found else "baseline"


def flushes_to_zero() -> bool:
    """Whether this process flushes subnormal results to zero, which would make every figure about tails wrong."""
    import numpy as np

    return bool(np.float64(sys.float_info.min) / np.float64(2) == 0)
