"""Algorithms for the two-class functions of one number: sigmoid and log_sigmoid, shape and dtype of x.

Both are computed in the dtype of x, 16-bit formats in float32; ``accurate`` computes in float64, and float64 itself in
double-double. Rounded once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import double_double as dd
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, as_real, at_least_float32, rounded

#: Where x is beyond this, exp(-x)² is nothing beside exp(-x), and log(1 + exp(-x)) is exp(-x).
_TAIL = 200.0


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
    """The two-sided form in float64; float64 in double-double, so that a tail is rounded once, subnormal or not."""
    if x.dtype == np.float64:
        return dd.in_pieces(_sigmoid_of_float64, x)
    return _two_sided(x.astype(np.float64))


def _sigmoid_of_float64(x: Array) -> Array:
    t, mantissa, exponent = _exp_of_minus_magnitude(x)
    below = x < 0
    above = np.where(below, mantissa[0], 1.0), np.where(below, mantissa[1], 0.0)
    ratio, _ = dd.divide(above, dd.add(dd.widen(np.ones_like(x)), t))
    return np.where(np.isnan(x), x, np.ldexp(ratio, np.where(below, exponent, 0)))


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
    """The two-sided form in float64; float64 in double-double, so that a tail is rounded once, subnormal or not."""
    if x.dtype == np.float64:
        return dd.in_pieces(_log_sigmoid_of_float64, x)
    x = x.astype(np.float64)
    return np.minimum(x, 0) - softplus_of_minus_magnitude(x)


def _log_sigmoid_of_float64(x: Array) -> Array:
    t, mantissa, exponent = _exp_of_minus_magnitude(x)
    linear = np.minimum(x, 0.0)
    sum_, _ = dd.add(dd.widen(np.where(np.isfinite(x), linear, 0.0)), dd.negative(dd.log1p(t)))
    result = np.where(x > _TAIL, 0.0 - np.ldexp(mantissa[0], exponent), sum_)
    return np.where(np.isfinite(x), result, linear)


def _exp_of_minus_magnitude(x: Array) -> tuple[dd.Pair, dd.Pair, Array]:
    """t = exp(-|x|) as a pair, and as mantissa·2^exponent where a pair would underflow; anything at nan."""
    mantissa, exponent = dd.exp_parts(dd.widen(np.where(np.isnan(x), 0.0, -np.abs(x))))
    return dd.ldexp(mantissa, exponent), mantissa, exponent


def softplus_of_minus_magnitude(x: Array) -> Array:
    """log(1 + exp(-|x|)), in [0, log 2]."""
    return np.asarray(np.log1p(np.exp(-np.abs(x))))


SIGMOID = table(
    Algorithm("accurate", sigmoid_accurate, "tight", "two-sided, in float64 or double-double"),
    Algorithm("two_sided", sigmoid_two_sided, "tight", "1 / (1 + t) or t / (1 + t), t = exp(-|x|)"),
    Algorithm("textbook", sigmoid_textbook, "standard", "1 / (1 + exp(-x)): overflows inside, right outside"),
)

LOG_SIGMOID = table(
    Algorithm("accurate", log_sigmoid_accurate, "tight", "two-sided, in float64 or double-double"),
    Algorithm("two_sided", log_sigmoid_two_sided, "tight", "min(x, 0) - log1p(exp(-|x|))"),
    Algorithm("textbook", log_sigmoid_textbook, "wrong", "log(1 / (1 + exp(-x))): -inf for very negative x"),
)
