"""Rows seen from their maximum, as accurately as float64 allows: what every ``accurate`` algorithm starts from.

    x_i = a + g_i + r_i,   a = max x,   g_i = fl(x_i - a) ≤ 0,   r_i = what that subtraction rounded away
    S = Σ exp(x_i - a) = 1 + s,   s = the sum of all terms but one that is largest

float16, bfloat16 and float32 are computed in float64, where nothing but the last rounding matters: the relative error
of S is about 2^-53 (T + c_e + s_n), T = Σ p_i |g_i| (Blanchard, Higham & Higham, IMA J. Numer. Anal. 41(4), 2021, with
the shift's share summed instead of bounded by its largest). float64 carries r_i and the low part of the sum along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from smxcheck.functions import compensated, plain
from smxcheck.functions.arrays import Array
from smxcheck.functions.drive import Plan, mapped

#: softmax of narrow rows in float64, and of float64 rows.
PLAIN = Plan(plain.softmax, np.dtype(np.float64))
TWO_PARTS = Plan(compensated.softmax, np.dtype(np.float64), in_place=False, block=1 << 19)


@dataclass(frozen=True)
class Shifted:
    """A block of float64 rows relative to each row's maximum.

    Shapes (b, n), (b, 1) or, for ``index``, (b,). In a row whose maximum is not finite ``rest`` is nan, and with it
    everything that is made from it.
    """

    index: Array  # of one largest entry
    largest: Array  # a
    gap: Array  # g
    residual: Array  # r, or a 0 of shape (1, 1) where it cannot matter
    weight: Array  # exp(g + r)
    rest: Array  # s, rounded
    rest_low: Array  # what that rounding lost, or a 0 of shape (1, 1)

    def log_sum(self) -> Array:
        """log S = log1p(s)."""
        return np.asarray(np.log1p(self.rest) + self.rest_low / (1.0 + self.rest))

    def log_probabilities(self) -> Array:
        """log p_i = (x_i - a) - log S, never x_i - (a + log S), which loses u·|a|."""
        return np.asarray(self.gap + (self.residual - self.log_sum()))

    def log_sum_exp(self) -> Array:
        """a + log S; a itself where it is infinite or nan."""
        return np.where(np.isfinite(self.largest), self.largest + self.log_sum(), self.largest)


def shifted(rows: Array) -> Shifted:
    """The rows of any of the four formats; none may be empty."""
    return _shifted_double(rows) if rows.dtype == np.float64 else _shifted_narrow(rows.astype(np.float64))


def probabilities(rows: Array) -> Array:
    """p_i = exp(x_i - a) / S, in float64: of float64 rows rounded once, of narrower ones within 2^-45."""
    return mapped(TWO_PARTS if rows.dtype == np.float64 else PLAIN, rows.astype(np.float64, copy=False), -1)


def largest_left_out(rows: Array) -> tuple[Array, Array, Array, Array]:
    """(index, gap, weight, rest) of `Shifted` in the dtype of the rows, by plain subtraction and pairwise summation."""
    index, largest = _largest(rows)
    gap = rows - largest
    weight = np.exp(gap)
    row = np.arange(len(rows))
    top = weight[row, index]
    weight[row, index] = 0
    rest = weight.sum(axis=-1, keepdims=True) + (largest - largest)
    weight[row, index] = top
    return index, gap, weight, rest


def _shifted_narrow(wide: Array) -> Shifted:
    index, gap, weight, rest = largest_left_out(wide)
    largest = wide[np.arange(len(wide)), index][:, None]
    zero = np.zeros((1, 1))
    return Shifted(index, largest, gap, zero, weight, rest, zero)


def _shifted_double(wide: Array) -> Shifted:
    index, largest = _largest(wide)
    gap = wide - largest
    residual = two_sum_error(wide, -largest, gap)
    weight = np.exp(gap)
    weight += weight * residual
    others = weight.copy()
    others[np.arange(len(wide)), index] = 0.0
    rest, rest_low = sum_in_two_parts(others)
    return Shifted(index, largest, gap, residual, weight, rest + (largest - largest), rest_low)


def _largest(rows: Array) -> tuple[Array, Array]:
    index = rows.argmax(axis=-1)  # the first nan, where there is one
    return index, rows[np.arange(len(rows)), index][:, None]


def two_sum_error(x: Array | float, y: Array, total: Array) -> Array:
    """x + y - fl(x + y), exactly (TwoSum: Knuth, TAOCP 2, 4.2.2); 0 where the sum is not finite."""
    part = total - x
    error = (x - (total - part)) + (y - part)
    return np.where(np.isfinite(error), error, 0.0)


def sum_in_two_parts(terms: Array) -> tuple[Array, Array]:
    """The sum of each row of non-negative terms as an unevaluated high + low, good to about n²·2^-105 of the row's
    largest term (Rump, Ogita & Oishi, "Accurate floating-point summation I", SIAM J. Sci. Comput. 31(1), 2008).

    With σ = 2^k ≥ n·max, the parts fl(σ + t) - σ are multiples of 2^-52 σ that add up below 2 σ: their sum is exact in
    any order. What is left over is at most 2^-53 σ each and is added as it is.
    """
    _, exponent = np.frexp(terms.max(axis=-1, keepdims=True))
    sigma = np.ldexp(1.0, exponent + terms.shape[-1].bit_length())
    head = terms + sigma
    head -= sigma
    high = head.sum(axis=-1, keepdims=True)
    np.subtract(terms, head, out=head)
    low = head.sum(axis=-1, keepdims=True)
    total = high + low
    return total, low - (total - high)
