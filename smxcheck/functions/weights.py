"""Weights w_i = φ(t_i) of rows in float64, each with an exponent of its own, so that none overflows or underflows.

    φ(t_i) = weight_i · 2^exponent_i,    φ'(t_i) = slope_i · 2^slope_exponent_i,    up to one factor in each row

All that is asked of the weights is invariant under a common factor, and a power of two rounds nothing.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from smxcheck.functions import shift
from smxcheck.functions.arrays import Array

#: Exponent of a weight that is 0: below every other.
_NOTHING = -(2**20)
_SPLIT = 2.0**27 + 1


@dataclass(frozen=True)
class Weights:
    """Shapes (b, n). ``log`` is log of the weight without its exponent where it is known better than from the
    weight."""

    weight: Array
    slope: Array
    exponent: Array
    slope_exponent: Array
    log: Array | None = None


def _same_unit(weight: Array, slope: Array, log: Array | None = None) -> Weights:
    none = np.zeros(weight.shape, np.int64)
    return Weights(weight, slope, none, none, log)


def exponential(rows: Array) -> Weights:
    """exp(t - max t)."""
    x = shift.shifted(rows)
    return _same_unit(x.weight, x.weight, x.gap + x.residual)


def less_margin(rows: Array, label: Array, margin: float) -> Weights:
    """exp of z - μ e_y: max z is taken off first, so that differences are rounded and not logits."""
    gap = rows.astype(np.float64) - rows.max(axis=-1, keepdims=True).astype(np.float64)
    gap[np.arange(len(rows)), label] -= margin
    gap -= gap.max(axis=-1, keepdims=True)
    weight = np.exp(gap)
    return _same_unit(weight, weight, gap)


def softplus(rows: Array) -> Weights:
    """log(1 + e^t) as t + log1p(e^-t) for t ≥ 0, else e^(t - b)·log1p(e^t)/e^t with b = min(max t, 0)."""
    t = rows.astype(np.float64)
    small = np.exp(-np.abs(t))
    gap = t - np.minimum(t.max(axis=-1, keepdims=True), 0.0)
    below = np.exp(np.minimum(gap, 0.0))
    ratio = np.divide(np.log1p(small), small, out=np.ones_like(small), where=small > 0)
    above = np.maximum(t, 0.0) + np.log1p(small)
    negative = t < 0
    # A sum of numbers near the largest must not overflow.
    unit = np.where(t.max(axis=-1, keepdims=True) > 2.0**1000, 2.0**-100, 1.0)
    return _same_unit(
        np.where(negative, below * ratio, above) * unit,
        np.where(negative, below, 1.0) / (1.0 + small) * unit,
        np.where(negative, gap + np.log(ratio), np.log(above)) + np.log(unit),
    )


def power(rows: Array, exponent: int) -> Weights:
    """t^k, t > 0."""
    mantissa, own = np.frexp(rows.astype(np.float64))
    lower = functools.reduce(np.multiply, [mantissa] * (exponent - 1), np.ones_like(mantissa))
    own = own.astype(np.int64)
    return Weights(lower * mantissa, exponent * lower, exponent * own, (exponent - 1) * own)


def squares(rows: Array, eps: float) -> Weights:
    """t² + ε, in units of a power of 4 near max(t², ε)."""
    t = rows.astype(np.float64)
    size = np.maximum(np.abs(t), math.sqrt(eps))
    own = np.frexp(size)[1].astype(np.int64)
    v = np.ldexp(t, -own)
    return Weights(v * v + np.ldexp(eps, -2 * own), 2.0 * v, np.where(size > 0, 2 * own, _NOTHING), own)


def taylor(rows: Array, order: int) -> Weights:
    """n!·f(t) = Σ_m (n!/m!) t^m and n!·f'(t), in units of 2^(kn) and 2^(k(n-1)), 2^k the power of two at max(1, |t|).

    The coefficients are integers, exact in float64 up to n = 18; where t is negative the terms cancel, so Horner's rule
    is compensated.
    """
    t = rows.astype(np.float64)
    own = np.maximum(np.frexp(t)[1], 0).astype(np.int64)
    v = np.ldexp(t, -own)
    whole = math.factorial(order)

    def polynomial(degree: int) -> Array:
        scaled = [
            np.ldexp(float(whole // math.factorial(m)), np.maximum(own * (m - degree), -5000))
            for m in range(degree + 1)
        ]
        return compensated_horner(scaled, v)

    return Weights(polynomial(order), polynomial(order - 1), order * own, (order - 1) * own)


def compensated_horner(coefficients: list[Array], v: Array) -> Array:
    """Σ_m c_m v^m as if in twice the working precision, rounded once; c_0 first.

    The errors of every product and sum are computed exactly and go through Horner's rule themselves (Graillat, Langlois
    & Louvet, "Compensated Horner Scheme", 2005). For |v| ≤ 1 and coefficients below 2^970, so that no part overflows.
    """
    high, low = coefficients[-1], np.zeros_like(v)
    for c in reversed(coefficients[:-1]):
        product = high * v
        error = _product_error(high, v, product)
        total = product + c
        low = low * v + (error + shift.two_sum_error(product, c, total))
        high = total
    return np.asarray(high + low)


def _product_error(a: Array, b: Array, product: Array) -> Array:
    """a·b - fl(a·b), exactly (Dekker 1971, Veltkamp's split into 26 bits)."""
    a_high, b_high = ((_SPLIT * x) - ((_SPLIT * x) - x) for x in (a, b))
    a_low, b_low = a - a_high, b - b_high
    error: Array = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
    return error
