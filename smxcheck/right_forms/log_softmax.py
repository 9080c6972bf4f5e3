"""log_softmax and logsumexp."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right, rows, same

#: The forms below.
TABLE: list[RightForm] = []

# log_softmax


@right(TABLE, "log_softmax", "(x - max) - log Σ exp(x - max)")
@same
def log_softmax_textbook(x: Array, axis: int = -1) -> Array:
    d = x - np.max(x, axis=axis, keepdims=True)
    return d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True))


@right(TABLE, "log_softmax", "(x - max) - log1p(Σ of the others' exp(x - max))")
@rows
def log_softmax_log1p(row: Array) -> Array:
    d = row - row.max()
    e = np.exp(d)
    e[np.argmax(row)] = 0
    return d - np.log1p(e.sum())


@right(TABLE, "log_softmax", "(x - max) - log2(Σ 2^((x - max) log2 e)) log 2")
@same
def log_softmax_base_two(x: Array, axis: int = -1) -> Array:
    d = x - np.max(x, axis=axis, keepdims=True)
    log_two = x.dtype.type(math.log(2))
    e = np.exp2(d * x.dtype.type(math.log2(math.e)))
    return d - np.log2(np.sum(e, axis=axis, keepdims=True)) * log_two


@right(TABLE, "log_softmax", "(x - max) - log Σ exp(x - max) in float64")
@same
def log_softmax_float64(x: Array, axis: int = -1) -> Array:
    return np.asarray(log_softmax_textbook(x.astype(np.float64), axis=axis))


# logsumexp


def _guard(top: Array) -> Array:
    return np.where(np.isfinite(top), top, 0).astype(top.dtype)


@right(TABLE, "logsumexp", "max + log Σ exp(x - max)")
@quiet
def logsumexp_textbook(x: Array, axis: int = -1) -> Array:
    shift = _guard(np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    total = np.sum(np.exp(x - shift), axis=axis)
    return np.squeeze(shift, axis=axis) + np.log(total)


@right(TABLE, "logsumexp", "max + log1p(Σ of the others' exp(x - max))")
@rows
def logsumexp_log1p(row: Array) -> Array:
    k = np.argmax(row)
    if not np.isfinite(row[k]):
        return row[k]
    e = np.exp(row - row[k])
    e[k] = 0
    return row[k] + np.log1p(e.sum())


@right(TABLE, "logsumexp", "max + a fold of log(e^a + e^b) over x - max, in float64")
@quiet
def logsumexp_logaddexp(x: Array, axis: int = -1) -> Array:
    """A fold of log(exp a + exp b) in float64, of shifted numbers: unshifted, each step rounds to the ulp of the
    offset, which is more than the textbook form does."""
    wide = x.astype(np.float64)
    shift = _guard(np.max(wide, axis=axis, keepdims=True, initial=-np.inf))
    return np.squeeze(shift, axis=axis) + np.logaddexp.reduce(wide - shift, axis=axis)
