"""The error of sparsemax and 1.5-entmax by bisection of the threshold and division by the sum.

Peters, Niculae & Martins 2019, Algorithm 1: p = w / Σ w with w_i = q_i^P, q_i = (t - d_i)₊, P = 1 or 2, where t is halved
until its two ends are neighbouring floats, between which the computed sum S^ of the w passes 1. Rounding is monotone, and
so is S^ in t. In exact numbers t is where F(t) = Σ (t - d_j)₊^P is 1.

1. A t^ off by at most δ: with top_j = (t + δ - d_j)₊, q_j is off by e_j = (error of d_j) + u·(top_j + error of d_j), and
   its power by a_j = e_j, or (2 top_j + e_j)·e_j + u·(top_j + e_j)². S^ is off by Σ a_j + s·F(t + δ), s of the k terms
   that are not 0 (`sums.granted`); entries outside the support have part where δ and e_j reach them.
2. So F ≥ 1 - E at the end where S^ ≥ 1, and F < 1 + E at its neighbour where S^ < 1, E the sum of all this. Either may
   be returned; they are ν apart, the spacing at |τ| + δ.
3. F is convex: of all t with |F(t) - 1| ≤ E the one with F(t) = 1 - E is the farthest. Its distance is the η at which
   Σ (q² - (q - η)₊²), or Σ min(q, η), is E; it is at most E, since (√F)' = Σ q/√F ≥ 1, as is the number of q > 0.
   δ = η + ν. E depends on δ: E = ½, where it is cut as every divisor is, gives a first δ, which gives a smaller E, and so on.
4. The division undoes what is common to all w. For an entry of the support (q + δ')^P - q^P·F(t + δ'), |δ'| ≤ δ, is at
   most δ·q^(P-1)·|P - q·K| (+ δ² for P = 2), K between F'(t - δ) and F'(t + δ); and of the errors of the sum it takes
   its own with 1 - p_i, the others' and the sum's with p_i. The divisor is at least 1 - 2E - ν·F'(t + δ). The quotient is
   rounded. Here F' = P Σ q^(P-1).
5. An entry outside is at most (δ + e_i - (d_i - t))₊^P, divided by the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.judge.bounds.running import ARITHMETIC, SUBNORMAL, SUMMATION, Computed, lost
from smxcheck.judge.bounds.sums import granted

Array = npt.NDArray[Any]

BISECTION = "bisected threshold"
#: Times that a bound on δ is put to use for a smaller one; the third moves nothing that is seen.
_ROUNDS = 3
#: Halvings of [0, E] in search of η, which is at least E / (2√k): off by 2^-29·√k of itself, upwards.
_HALVINGS = 30


@dataclass(frozen=True)
class _Reach:
    """What a threshold off by δ does to the entries, rows (R, n)."""

    delta: Array  # (R, 1)
    top: Array  # (t + δ - d)₊
    entry: Array  # e
    weight: Array  # a
    summed: Array  # s·F(t + δ), (R, 1)
    off: Array  # E, (R, 1)
    spacing: Array  # ν, (R, 1)


def bisected(held: Computed, gaps: Array, t: Array, power: int) -> Computed:
    """p (R, n), from what the algorithm subtracts from the threshold, the gaps d to the maximum and the exact t (R, 1)."""
    fmt, q = held.fmt, np.maximum(t - gaps, 0.0)
    p, reach = q**power, _reach(held, gaps, t, power)
    delta = reach.delta
    slopes = (_slope(np.maximum(q - delta, 0.0), power), _slope(reach.top, power))
    kept = np.maximum(*(np.abs(power - q * k) for k in slopes)) * q ** (power - 1)
    inside = gaps < t
    moved = delta * kept + (delta**2 if power == 2 else 0.0)
    others = reach.weight.sum(axis=1, keepdims=True) - reach.weight
    own = reach.weight * (1 - p) + p * others
    outside = np.maximum(t + delta + reach.entry - gaps, 0.0) ** power
    least = 1 - np.minimum(2 * reach.off + slopes[1] * reach.spacing, 0.5)
    underflow = power * lost(p, fmt, held.level)  # the square and the quotient, or the quotient alone
    errors = {
        BISECTION: np.where(inside, moved, outside) / least,
        ARITHMETIC: np.where(inside, own / least + fmt.u * p, fmt.u * outside),
        SUMMATION: p * reach.summed / least,
        SUBNORMAL: underflow,
    }
    return Computed(p, errors, fmt, held.level)


def distances(held: Computed, gaps: Array, t: Array, power: int) -> Computed:
    """(t - d)₊ before any power and division: what decides which entries are in the support."""
    reach = _reach(held, gaps, t, power)
    value = np.maximum(t - gaps, 0.0)
    return Computed(value, {BISECTION: reach.delta + reach.entry}, held.fmt, held.level)


def _reach(held: Computed, gaps: Array, t: Array, power: int) -> _Reach:
    q = np.maximum(t - gaps, 0.0)
    delta = np.minimum(_fall(q, np.full(t.shape, 0.5), power) + _spacing(held, gaps, t, 1.0), 1.0)
    for _ in range(_ROUNDS):
        reach = _at(held, gaps, t, power, delta)
        delta = np.minimum(_fall(q, reach.off, power) + reach.spacing, delta)
    return _at(held, gaps, t, power, delta)


def _spacing(held: Computed, gaps: Array, t: Array, delta: Array | float) -> Array:
    """ν: of numbers of the format about |τ| + δ, (R, 1)."""
    largest = np.take_along_axis(held.value, gaps.argmin(axis=1)[:, None], axis=1)
    exponent = np.frexp(np.abs(largest + t) + delta)[1]
    return np.asarray(np.maximum(np.ldexp(held.fmt.u, exponent), held.fmt.smallest_subnormal))


def _at(held: Computed, gaps: Array, t: Array, power: int, delta: Array) -> _Reach:
    """Steps 1 and 2 for a δ; t stays within [0, 1], and δ with it."""
    u, before = held.fmt.u, held.error
    reached = gaps < t + delta + before
    top = np.maximum(t + delta - gaps, 0.0)
    entry = before + u * (top + before)
    weight = np.where(reached, entry if power == 1 else (2 * top + entry) * entry + u * (top + entry) ** 2, 0.0)
    sum_error = granted(reached.sum(axis=1, keepdims=True), held.fmt, held.level)
    summed = sum_error * (top**power).sum(axis=1, keepdims=True)
    off = np.minimum(weight.sum(axis=1, keepdims=True) + summed, 0.5)
    return _Reach(delta, top, entry, weight, summed, off, _spacing(held, gaps, t, delta))


def _slope(q: Array, power: int) -> Array:
    """F' = P Σ q^(P-1) over the entries > 0, (R, 1)."""
    return np.asarray((q > 0).sum(axis=1, keepdims=True) if power == 1 else 2 * q.sum(axis=1, keepdims=True))


def _fall(q: Array, off: Array, power: int) -> Array:
    """The η by which t must fall for F to fall from 1 to 1 - E, from above, (R, 1)."""
    low, high = np.zeros_like(off), off
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        lower = np.minimum(q, middle)
        fallen = lower if power == 1 else lower * (2 * q - lower)  # q² - (q - δ)₊²
        enough = fallen.sum(axis=1, keepdims=True) >= off
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high
