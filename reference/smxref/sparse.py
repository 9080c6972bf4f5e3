"""Sparsemax, 1.5-entmax and their Jacobians: projections whose support is decided by rational arithmetic.

With d_i = max z - z_i ≥ 0 (for entmax half of it) and t = max - τ, both maps are a power of (t - d_i)₊ with t such that
they add up to 1. t grows where an entry is left out, so the support holds the entries with the smallest d, and it holds
the k-th of them if and only if t > d_(k) for the support of these k entries:

    sparsemax  Σ (t - d_i) = 1:   t = (1 + Σ d_i) / k                 (Martins & Astudillo, ICML 2016, Algorithm 1)
    entmax15   Σ (t - d_i)² = 1:  t = μ + √δ, δ = (1 - Σ (d_i - μ)²)/k, μ = Σ d_i / k
                                                                     (Peters, Niculae & Martins, ACL 2019, Algorithm 2)

Floats are rational, and so are d, μ and δ; t > d_(k) means δ > (d_(k) - μ)², since d_(k) ≥ μ. No sign is left to a ball:
an entry is exactly 0 if and only if it is outside the support, and an entry of a Jacobian if and only if its row or
column is, or the support is a single entry. Entries with d ≥ 1 lie outside in any case, since t ≤ 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from math import inf, isnan

from mpmath import libmp

from smxref.ball import Ball
from smxref.real import Real, total, zero

_Gaps = list[Fraction | None]
#: (k, Σ d, Σ d², d_(k)) of the k smallest d -> whether the last of them belongs to the support.
_Holds = Callable[[int, Fraction, Fraction, Fraction], bool]


def sparsemax(z: list[float], *, bits: int) -> list[Ball]:
    """max(z_i - τ, 0) with τ such that they add up to 1: the point of the simplex nearest to z. One ball per entry.

    Raises ValueError for nan, a +inf, and where nothing is above -inf.
    """
    gaps = _gaps(z, 1)
    inside = _support(gaps, _linear)
    threshold = (1 + sum(inside)) / Fraction(len(inside))
    return [
        zero(bits) if d is None or d >= threshold else _real(threshold - d, bits).ball() for d in gaps
    ]  # fmt: skip


def sparsemax_jacobian(z: list[float], *, bits: int) -> list[Ball]:
    """s_i (δ_ij - s_j / Σ_k s_k) with s_i = [p_i > 0], row by row. Raises ValueError as `sparsemax` does.

    Where z_i = τ for some i, the two one-sided derivatives differ; this is the one with p_i = 0 outside the support.
    """
    gaps = _gaps(z, 1)
    inside = _support(gaps, _linear)
    k, last = len(inside), inside[-1]
    present = [d is not None and d <= last for d in gaps]
    entries = {
        (True, True): _real(Fraction(k - 1, k), bits).ball(),
        (True, False): _real(Fraction(-1, k), bits).ball(),
        (False, False): zero(bits),
    }
    n = range(len(z))
    return [entries[both, both and i == j] for i in n for j in n for both in (present[i] and present[j],)]


def entmax15(z: list[float], *, bits: int) -> list[Ball]:
    """max(z_i / 2 - τ, 0)² with τ such that they add up to 1, one ball per entry. Raises ValueError as `sparsemax` does."""
    return [(s * s).ball() for s in _roots(z, bits)]


def entmax15_jacobian(z: list[float], *, bits: int) -> list[Ball]:
    """s_i (δ_ij - s_j / Σ_k s_k) with s_i = √p_i, row by row. Raises ValueError as `sparsemax` does.

    It is continuous where an entry leaves the support. The diagonal is s_i Σ_{k≠i} s_k / Σ_k s_k, where nothing cancels.
    """
    s = _roots(z, bits)
    whole = total(s, bits)
    out = []
    for i, row in enumerate(s):
        for j, column in enumerate(s):
            if i == j:
                others = total((v for k, v in enumerate(s) if k != i), bits)
                out.append((row * others / whole).ball())
            else:
                out.append((-(row * column) / whole).ball())
    return out


def _roots(z: list[float], bits: int) -> list[Real]:
    """√p_i = t - d_i of entmax15 on the support, an exact 0 outside."""
    gaps = _gaps(z, 2)
    inside = _support(gaps, _quadratic)
    last = inside[-1]
    k = Fraction(len(inside))
    mean = sum(inside, Fraction(0)) / k
    square = (1 - sum(((d - mean) ** 2 for d in inside), Fraction(0))) / k
    threshold = _real(mean, bits) + _real(square, bits).sqrt()
    nothing = Real.of(0, bits)
    return [nothing if d is None or d > last else threshold - _real(d, bits) for d in gaps]


def _gaps(z: Sequence[float], divisor: int) -> _Gaps:
    """(max z - z_i) / divisor exactly; None at -inf, which is as good as absent."""
    if any(isnan(v) for v in z):
        raise ValueError("not a number: an input is nan")
    if inf in z:
        raise ValueError("no limit: a logit is +inf")
    finite = [Fraction(v) for v in z if v != -inf]
    if not finite:
        raise ValueError("no limit: no logit is above -inf")
    highest = max(finite)
    return [None if v == -inf else (highest - Fraction(v)) / divisor for v in z]


def _support(gaps: _Gaps, holds: _Holds) -> list[Fraction]:
    """The d of the support, smallest first: the longest prefix that holds its own last entry."""
    inside: list[Fraction] = []
    first = second = Fraction(0)
    for d in sorted(d for d in gaps if d is not None and d < 1):
        first, second = first + d, second + d * d
        if not holds(len(inside) + 1, first, second, d):
            break
        inside.append(d)
    return inside


def _linear(k: int, first: Fraction, second: Fraction, last: Fraction) -> bool:
    """t > d_(k) for t = (1 + Σ d) / k."""
    return 1 + first > k * last


def _quadratic(k: int, first: Fraction, second: Fraction, last: Fraction) -> bool:
    """t > d_(k) for t = μ + √δ: δ > (d_(k) - μ)², times k²."""
    return k * (1 - second) + first * first > (k * last - first) ** 2


def _real(number: Fraction, bits: int) -> Real:
    """A rational number: exact where its denominator is a power of two, as it is for floats, else rounded."""
    top, bottom = number.numerator, number.denominator
    if bottom & (bottom - 1) == 0:
        return Real.of(libmp.from_man_exp(top, 1 - bottom.bit_length()), bits)
    return Real.of(top, bits) / Real.of(bottom, bits)
