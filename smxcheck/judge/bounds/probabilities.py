"""The probabilities that derivatives of softmax start from, with the error of the forward algorithm of a level."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import core
from smxcheck.judge.bounds.model import summation
from smxcheck.judge.bounds.rows import RowQuantities, row_quantities
from smxcheck.judge.bounds.running import SUBNORMAL, SUMMATION, Computed, from_bound, lost
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]


def probabilities(x: Array, fmt: Format, level: Level) -> Computed:
    """softmax of rows (R, n), stored in the format: the bound of softmax, and for ``standard`` a flushed result."""
    return of_row(row_quantities(x, fmt), fmt, level)


def of_row(r: RowQuantities, fmt: Format, level: Level) -> Computed:
    """The same from quantities that are there already."""
    p = from_bound(r.p, core.softmax(r, fmt, level), fmt, level)
    flushed = lost(r.p, fmt, level)
    return Computed(p.value, {**p.errors, SUBNORMAL: p.errors.get(SUBNORMAL, 0.0) + flushed}, fmt, level)


def complements(r: RowQuantities, fmt: Format, level: Level) -> Computed:
    """1 - p_i without cancellation, as `tight` forms it: the sum of the other probabilities.

    (1 - p_i) = Σ_{j≠i} p_j. Every p_j has its own error; the sum of n - 1 terms rounds as a sum does.
    """
    p = of_row(r, fmt, level)
    n = p.value.shape[-1]
    others = 1.0 - p.value
    top = r.p.argmax(axis=-1)
    rows = np.arange(len(r.p))
    others[rows, top] = np.where(r.q[:, 0] < 0.5, r.q[:, 0], others[rows, top])
    errors = {}
    for cause, e in p.errors.items():
        whole = np.broadcast_to(e, p.value.shape)
        errors[cause] = np.maximum(whole.sum(axis=-1, keepdims=True) - whole, 0.0)
    errors[SUMMATION] = errors.get(SUMMATION, 0.0) + summation(n, fmt, level) * others
    return Computed(others, errors, fmt, level)
