"""Algorithms for the two-class functions of one number: sigmoid and log_sigmoid, shape and dtype of x.

Both are computed in the dtype of x, 16-bit formats in float32; ``accurate`` computes in float64. Rounded once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, as_real, at_least_float32, rounded


def elementwise(formula: Callable[[Array], Array]) -> Callable[[ArrayLike], Array]:
    """A formula of floating-point arrays as a function of anything array-like; underflow is ordinary and silent."""

    @functools.wraps(formula)
    def call(x: ArrayLike) -> Array:
        array = as_real(x, "x")
        with np.errstate(under="ignore"):
            result: Array = rounded(np.asarray(formula(array)), array.dtype)[()]
        return result

    return call


@elementwise
def sigmoid_textbook(x: Array) -> Array:
    """1 / (1 + exp(-x)): exp overflows for very negative x and the result is 0 where it is a subnormal number."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-at_least_float32(x)))


@elementwise
def sigmoid_two_sided(x: Array) -> Array:
    """1 / (1 + t) for x ≥ 0 and t / (1 + t) below, t = exp(-|x|) ≤ 1: nothing overflows."""
    return _two_sided(at_least_float32(x))


@elementwise
def sigmoid_accurate(x: Array) -> Array:
    """The two-sided form in float64."""
    return _two_sided(x.astype(np.float64))


def _two_sided(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    result: Array = np.where(x >= 0, 1, t).astype(x.dtype) / (1 + t)
    return result


@elementwise
def log_sigmoid_textbook(x: Array) -> Array:
    """log(1 / (1 + exp(-x))): -inf once exp overflows, 0 once the sigmoid rounds to 1; silent about it."""
    with np.errstate(all="ignore"):
        return np.asarray(np.log(1 / (1 + np.exp(-at_least_float32(x)))))


@elementwise
def log_sigmoid_two_sided(x: Array) -> Array:
    """min(x, 0) - log1p(exp(-|x|))."""
    x = at_least_float32(x)
    return np.minimum(x, 0) - softplus_of_minus_magnitude(x)


@elementwise
def log_sigmoid_accurate(x: Array) -> Array:
    """The two-sided form in float64."""
    x = x.astype(np.float64)
    return np.minimum(x, 0) - softplus_of_minus_magnitude(x)


def softplus_of_minus_magnitude(x: Array) -> Array:
    """log(1 + exp(-|x|)), in [0, log 2]."""
    return np.asarray(np.log1p(np.exp(-np.abs(x))))


SIGMOID = table(
    Algorithm("accurate", sigmoid_accurate, "tight", "two-sided, in float64"),
    Algorithm("two_sided", sigmoid_two_sided, "tight", "1 / (1 + t) or t / (1 + t), t = exp(-|x|)"),
    Algorithm("textbook", sigmoid_textbook, "standard", "1 / (1 + exp(-x)): overflows inside, right outside"),
)

LOG_SIGMOID = table(
    Algorithm("accurate", log_sigmoid_accurate, "tight", "two-sided, in float64"),
    Algorithm("two_sided", log_sigmoid_two_sided, "tight", "min(x, 0) - log1p(exp(-|x|))"),
    Algorithm("textbook", log_sigmoid_textbook, "wrong", "log(1 / (1 + exp(-x))): -inf for very negative x"),
)
