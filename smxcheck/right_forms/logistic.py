"""sigmoid and its logarithm."""

from __future__ import annotations

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right

#: The forms below.
TABLE: list[RightForm] = []


@right(TABLE, "sigmoid", "1 / (1 + exp(-|x|)), times exp(-|x|) for x < 0")
@quiet
def sigmoid_two_branches(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, t) / (1 + t) + 0 * np.where(np.isnan(x), x, 0)


@right(TABLE, "sigmoid", "1 / (1 + exp(-x)) in float64")
@quiet
def sigmoid_float64(x: Array) -> Array:
    return 1 / (1 + np.exp(-x.astype(np.float64)))


@right(TABLE, "log_sigmoid", "min(x, 0) - log1p(exp(-|x|))")
@quiet
def log_sigmoid_log1p(x: Array) -> Array:
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@right(TABLE, "log_sigmoid", "-log(e^0 + e^-x) by logaddexp")
@quiet
def log_sigmoid_logaddexp(x: Array) -> Array:
    return -np.logaddexp(0, -x)
