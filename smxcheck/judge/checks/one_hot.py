"""Samples that are one-hot: which of the largest entries gets the 1 is free, that exactly one gets it is not.

Where several entries of (z + g)/τ are the same number, or so close that rounding decides, a right implementation may put
the 1 at any of them. Such a row is compared with its 1 moved to where the reference has it: the first of the largest. An
entry may be chosen if the bound of the relaxed sample lets its computed value reach the largest. A row with two ones, with
none, or with other numbers is compared as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.result import Level
from smxcheck.oracle import Expected, Kind, expect

Array = npt.NDArray[Any]

FUNCTION = "gumbel_softmax"


def canonical(
    values: Array, arguments: tuple[Array, ...], keywords: Mapping[str, Any], expected: Expected, fmt: Format
) -> Array:
    """``values`` with the 1 of every admissible one-hot row where ``expected`` has it."""
    n = values.shape[-1] if values.ndim else 0
    if n < 2 or values.shape != expected.shape:
        return values
    got = values.reshape(-1, n)
    kinds = expected.kind.reshape(-1, n)
    right = expected.enclosure.hi.reshape(-1, n).argmax(axis=1)
    place = (got != 0).argmax(axis=1)
    candidates = ((got != 0).sum(axis=1) == 1) & (place != right) & (kinds == Kind.VALUE).all(axis=1)
    if not candidates.any():
        return values
    may = _may_be_largest(arguments, keywords, fmt).reshape(-1, n)
    moved = np.flatnonzero(candidates & may[np.arange(len(may)), place])
    out = got.copy()
    out[moved, right[moved]] = got[moved, place[moved]]
    out[moved, place[moved]] = 0
    return out.reshape(values.shape)


def _may_be_largest(arguments: tuple[Array, ...], keywords: Mapping[str, Any], fmt: Format) -> Array:
    """Entries of the relaxed sample whose computed value can be the largest."""
    relaxed = {**keywords, "hard": False}
    y = expect(FUNCTION, arguments, relaxed).enclosure.float64()
    bound = bounds_for(FUNCTION, arguments, relaxed, fmt, Level.STANDARD)
    reach = np.broadcast_to(bound.total_absolute(), y.shape)
    return np.asarray(y + reach >= (y - reach).max(axis=-1, keepdims=True))
