"""Operations on computed numbers beside those of `running`: sums over a part of a row, square roots."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import roundings, summation
from smxcheck.judge.bounds.running import ARITHMETIC, SUMMATION, Computed
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]


def granted(count: Array, fmt: Format, level: Level) -> Array:
    """`summation` for every number of terms in an array."""
    added = np.vectorize(lambda k: roundings(int(k), level), otypes=[float])(count)
    return np.asarray(np.minimum(added * fmt.u, math.sqrt(fmt.u)))


def sum_of(terms: Computed, count: Array) -> Computed:
    """The sum of each row (R, n), of whose terms all but ``count`` (R, 1) are exact zeros that are not added."""
    value = terms.value.sum(axis=-1, keepdims=True)
    errors = {
        c: np.broadcast_to(e, terms.value.shape).sum(axis=-1, keepdims=True) for c, e in terms.errors.items()
    }  # fmt: skip
    size = np.abs(terms.value).sum(axis=-1, keepdims=True)
    errors[SUMMATION] = errors.get(SUMMATION, 0.0) + granted(count, terms.fmt, terms.level) * size
    return replace(terms, value=value, errors=errors)


def others(terms: Computed) -> Computed:
    """Σ_{j≠i} x_j of each row of terms ≥ 0, summed without x_i: nothing cancels."""
    n = terms.value.shape[-1]
    left_out = np.where(np.eye(n, dtype=bool), 0.0, terms.value[:, None, :])
    value = left_out.sum(axis=-1)
    errors = {}
    for cause, e in terms.errors.items():
        every = np.broadcast_to(e, terms.value.shape)
        errors[cause] = np.where(np.eye(n, dtype=bool), 0.0, every[:, None, :]).sum(axis=-1)
    of_sum = summation(max(n - 1, 1), terms.fmt, terms.level)
    errors[SUMMATION] = errors.get(SUMMATION, 0.0) + of_sum * value
    return replace(terms, value=value, errors=errors)


def root(x: Computed) -> Computed:
    """√x, x ≥ 0: |√(x + a) - √x| ≤ a / (√x + √(x - a)), and √a where x < a; u·√x for its own rounding."""
    value = np.sqrt(np.maximum(x.value, 0.0))
    whole = x.error
    low = np.sqrt(np.maximum(x.value - whole, 0.0))
    moved = np.where(x.value >= whole, whole / np.where(value + low > 0, value + low, 1.0), np.sqrt(whole))
    share = moved / np.where(whole > 0, whole, 1.0)
    errors = {c: e * share for c, e in x.errors.items()}
    errors[ARITHMETIC] = errors.get(ARITHMETIC, 0.0) + x.fmt.u * value
    return replace(x, value=value, errors=errors)
