"""Values before times: the worst error on a sample of rows, judged against the oracle as ``verify`` judges."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.benchmark.suites.model import Accuracy
from smxcheck.benchmark.suites.timer import Contender
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import judge_values
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.result import Level
from smxcheck.judge.ruler import Allowance, rulers
from smxcheck.oracle import expect

Array = npt.NDArray[Any]

#: About so many elements are judged, and one row at least.
_SAMPLE = 1 << 15


def sampled_rows(x: Array, axis: int) -> tuple[Array, Array]:
    """Rows of ``x`` along ``axis``, evenly spread, and their numbers."""
    rows = np.moveaxis(x, axis, -1)
    count, length = rows.shape
    wanted = min(count, max(1, _SAMPLE // length))
    chosen = np.linspace(0, count - 1, wanted).astype(np.int64)
    return np.ascontiguousarray(rows[chosen]), chosen


def judged(function: str, x: Array, axis: int, contenders: Iterable[Contender]) -> dict[str, Accuracy]:
    """What each contender's values earn on the sampled rows; its result is of the whole array, as it will be timed."""
    rows, chosen = sampled_rows(x, axis)
    expected = expect(function, (rows,))
    fmt = FORMATS[x.dtype.name]
    bounds = [bounds_for(function, (rows,), {}, fmt, level) for level in (Level.TIGHT, Level.STANDARD)]
    blocks = list(rulers(expected, Allowance(*bounds), fmt))
    found = {}
    for contender in contenders:
        got = np.asarray(contender.call())
        part = got[chosen] if function == "logsumexp" else np.moveaxis(got, axis, -1)[chosen]
        verdict = judge_values(part, blocks, fmt)
        worst = math.inf if verdict.largest is None else verdict.largest
        found[contender.name] = Accuracy(worst, "ulp", str(verdict.level.value))
    return found
