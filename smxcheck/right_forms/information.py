"""Entropies and divergences."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right, rows, wide

#: The forms below.
TABLE: list[RightForm] = []


def _x_log_y(x: Array, log_y: Array) -> Array:
    return np.where(x == 0, 0, x * log_y)


@right(TABLE, "entropy", "-Σ p log p, 0 where p is 0")
@quiet
def entropy_of_terms(p: Array, axis: int = -1) -> Array:
    return -_x_log_y(p, np.log(p)).sum(axis=axis)


@right(TABLE, "entropy", "-Σ p log p with Python's floats and math.fsum")
@rows
def entropy_fsum(p: Array) -> Array:
    if np.isnan(p).any():
        return p.dtype.type(np.nan)
    return p.dtype.type(math.fsum(-v * math.log(v) for v in p.tolist() if v > 0))


@right(TABLE, "softmax_entropy", "log Σ e^d - Σ e^d d / Σ e^d, d = z - max")
@quiet
def softmax_entropy_shifted(z: Array, axis: int = -1) -> Array:
    d = z - np.max(z, axis=axis, keepdims=True)
    e = np.exp(d)
    total = e.sum(axis=axis)
    return np.log(total) - _x_log_y(e, d).sum(axis=axis) / total


@right(TABLE, "kl_divergence", "Σ p (log p - log q), 0 where p is 0")
@quiet
def kl_divergence_of_logs(p: Array, q: Array, axis: int = -1) -> Array:
    return _x_log_y(p, np.log(p) - np.log(wide(q))).sum(axis=axis)


@right(TABLE, "distribution_cross_entropy", "-Σ p log q, 0 where p is 0")
@quiet
def distribution_cross_entropy_of_terms(p: Array, q: Array, axis: int = -1) -> Array:
    return -_x_log_y(p, np.log(wide(q))).sum(axis=axis)
