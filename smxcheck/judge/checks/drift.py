"""SMX108: the errors of a long softmax row all lean one way.

The error of the normaliser is common to the whole row, so the mean signed error measures it. A tree summation of n
terms in any order costs at most ⌈log2 n⌉ roundings on a path, the division and the last rounding are unbiased over a
row, and exp may lean by half of what it is granted:

    |mean relative error| ≤ (⌈log2 n⌉ + c_e/2 + 2)·u        (level ``tight``)

A sequential sum exceeds it by a bias that grows with n; it stays `standard`, for whose normaliser √u is granted. Where
no element is more than 1 ulp off, none is more than 2u, and neither is the mean: `1ulp`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import EXP_ERROR
from smxcheck.judge.errors import times_power
from smxcheck.judge.result import Level
from smxcheck.oracle.enclosure import Expected, Kind
from smxcheck.oracle.rows import to_rows

CODE = "SMX108"

Array = npt.NDArray[Any]

#: Rows shorter than this have too few terms for a bias to stand out from the bound of a single element.
SHORTEST = 1000


def mean_relative_errors(got: Array, expected: Expected, axis: Any, fmt: Format) -> Array:
    """Mean signed relative error of each row, in u, over its normal results; nan for rows without any."""
    y = expected.enclosure
    with np.errstate(divide="ignore", invalid="ignore", over="ignore", under="ignore"):
        # In units of 2^exponent, where y is hi + lo: exact but for the quotient.
        relative = ((times_power(got.astype(np.float64), -y.exponent.astype(np.int64)) - y.hi) - y.lo) / y.hi / fmt.u
        normal = y.exponent > fmt.e_min
        use = normal & (expected.kind == Kind.VALUE) & np.isfinite(relative)
        rows = to_rows(np.where(use, relative, np.nan), axis).x
        counts = (~np.isnan(rows)).sum(axis=1)
        sums = np.where(np.isnan(rows), 0.0, rows).sum(axis=1)
        return np.where(counts >= SHORTEST // 2, sums / np.maximum(counts, 1), np.nan)


def allowed(n: int, fmt: Format, level: Level) -> float:
    """The bias that a level allows over a row of n, in u."""
    if level is Level.ULP1:
        return 2.0
    if level is Level.TIGHT:
        return math.ceil(math.log2(n)) + EXP_ERROR[fmt.name] / 2 + 2
    return 1 / math.sqrt(fmt.u)


def level_of(bias: float, n: int, fmt: Format) -> Level:
    """The level that a mean signed error of ``bias`` (in u) earns over a row of n."""
    for level in (Level.ULP1, Level.TIGHT, Level.STANDARD):
        if abs(bias) <= allowed(n, fmt, level):
            return level
    return Level.WRONG
