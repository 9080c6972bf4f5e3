"""Wrong derivatives with the faults of kernels are refused, right ones in unusual forms are not."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from smxcheck.dtypes import FORMATS
from smxcheck.selftest.trial import Found, run, session

from .implementations.foreign_gradients import ALL, RIGHT, UNSPOILT, WRONG

#: Run every time; the other dtypes are slow.
USUAL = "float32"
DTYPES = [pytest.param(d, marks=() if d == USUAL else pytest.mark.slow) for d in FORMATS]

#: Every function with the dtypes in which one of its faults must show.
WHERE = [
    pytest.param(f, d, marks=() if d == USUAL else pytest.mark.slow)
    for f, d in sorted({(f, d) for f, _, dtypes in WRONG for d in dtypes})
]


@functools.cache
def judged(function: str, dtype: str) -> Found:
    """All of a function in one run: what is wrong in that dtype, what is right, and ``unspoilt`` where there is one."""
    calls = [(c.__name__, c) for f, c, dtypes in WRONG if f == function and dtype in dtypes]
    calls += [(c.__name__, c) for f, c in RIGHT if f == function]
    if function in UNSPOILT and dtype in ALL:
        calls.append(("unspoilt", UNSPOILT[function]))
    with np.errstate(all="ignore"):
        return Found(run([session(function, name, call) for name, call in calls], function, (dtype,)))


@pytest.mark.slow
@pytest.mark.parametrize(("function", "dtype"), WHERE)
def test_faults_of_kernels_are_found(function: str, dtype: str) -> None:
    found = judged(function, dtype)
    names = [c.__name__ for f, c, dtypes in WRONG if f == function and dtype in dtypes]
    assert [name for name in names if not found.bad(name)] == []


@pytest.mark.parametrize("dtype", [d for d in DTYPES if d.values[0] in ALL])
@pytest.mark.parametrize("function", sorted(UNSPOILT))
def test_without_its_fault_each_is_right(function: str, dtype: str) -> None:
    assert judged(function, dtype).bad("unspoilt") == []


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", sorted({f for f, _ in RIGHT}))
def test_unusual_forms_are_right(function: str, dtype: str) -> None:
    found = judged(function, dtype)
    bad = {c.__name__: [r.case for r in found.bad(c.__name__)] for f, c in RIGHT if f == function}
    assert {name: cases for name, cases in bad.items() if cases} == {}
