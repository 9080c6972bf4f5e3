"""What times are held against: a copy of the same bytes, the bare exponential, and a call that does nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.benchmark.results import COPY, EMPTY, EXP

#: What a target's `measured` is for the yardsticks.
MEASURED = (
    "NumPy, 1 thread, into memory that is there; empty is a call of the builtin callable(x), so it is the loop"
)

_CALLS: dict[str, Callable[[Any], tuple[Callable[..., Any], tuple[Any, ...]]]] = {
    COPY: lambda x: (np.copyto, (np.empty_like(x), x)),
    EXP: lambda x: (np.exp, (x, np.empty_like(x))),
    EMPTY: lambda x: (callable, (x,)),
}


def yardstick(name: str, x: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A callable and its arguments for an array in its layout; raises KeyError for a name that is none of YARDSTICKS.

    The memory that is written has no gaps and the order of the array's axes, as a result has: for a strided array the
    gaps are in what is read alone. exp of bfloat16 is that of ml_dtypes, of float16 NumPy's own.
    """
    return _CALLS[name](x)
