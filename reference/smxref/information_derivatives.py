"""Derivatives of entropies, divergences and cross-entropies of distributions.

By given probabilities p, q (any numbers ≥ 0, nothing is normalised), or by the logits z of p = softmax(z). Matrices row
by row. With d_i = max z - z_i, w_i = exp(-d_i), S = Σ w and T = Σ p d, log p_i + H = T - d_i: no logarithm of a
probability is needed.
"""

from __future__ import annotations

from math import isinf

from mpmath import libmp

from smxref.arithmetic import Raw, context, exact
from smxref.ball import Ball
from smxref.exponentials import Exponentials
from smxref.real import Real, exact_difference, infinite, total, zero


def entropy_grad(p: list[float], *, bits: int) -> list[Ball]:
    """-log p_i - 1: +inf at 0, -inf at +inf. Never 0, since 1/e is irrational. Raises ValueError for p_i < 0, nan."""
    _check(p, "p")
    one = Real.of(1, bits)
    return [
        infinite(1 if not v else -1, bits) if not v or isinf(v) else (-Real.of(v, bits).log() - one).ball() for v in p
    ]


def entropy_hessian(p: list[float], *, bits: int) -> list[Ball]:
    """-δ_ij / p_i: -inf at 0 on the diagonal. Raises ValueError for p_i < 0, nan."""
    _check(p, "p")
    return _diagonal([_quotient(1.0, v, bits, -1) for v in p], bits)


def distribution_cross_entropy_grad(p: list[float], q: list[float], *, bits: int) -> list[Ball]:
    """-p_i / q_i: -inf where p_i > 0 = q_i. Where both are 0, or both infinite, there is no limit: a ball of nan.

    Raises ValueError for negative entries, nan, different lengths.
    """
    _check(p, "p")
    _check(q, "q")
    return [_quotient(a, b, bits, -1) for a, b in zip(p, q, strict=True)]


def distribution_cross_entropy_hessian(p: list[float], q: list[float], *, bits: int) -> list[Ball]:
    """δ_ij p_i / q_i², as `distribution_cross_entropy_grad` with the other sign."""
    _check(p, "p")
    _check(q, "q")
    return _diagonal([_quotient(a, b, bits, 1, 2) for a, b in zip(p, q, strict=True)], bits)


def softmax_entropy_grad(x: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """-p_i (log p_i + H) = p_i (d_i - T), one ball per entry; an entry stands for ``counts`` equal ones.

    The difference is Σ_k w_k (d_i - d_k) / S with exact coefficients: 0 is recognised (ties, one entry, -inf).
    Raises ValueError for nan and rows without a limit.
    """
    row = Exponentials.of(x, counts, bits)
    return [(row.probability(i) * _spread(row, i) / row.total).ball() for i in range(row.n)]


def softmax_entropy_hessian(x: list[float], *, bits: int) -> list[Ball]:
    """p_i p_j (log p_i + log p_j + 2H + 1) - δ_ij p_i (log p_i + H + 1).

    With c_i = d_i - T: p_i p_j (1 - c_i - c_j) beside the diagonal, p_i (c_i (1 - 2 p_i) - (1 - p_i)) on it.

    S (1 - c_i - c_j) = Σ_k w_k (1 + 2 d_k - d_i - d_j) is 0 only if the coefficients of each power of e add up to 0
    (Lindemann-Weierstrass); those at k = i and k = j are opposite but for 2: there is no zero beside absent entries.

    The diagonal is 0 only where one entry is there or i is not, which is exact here. Its numerator is a sum of the powers
    -(d_k + d_l) of e. Let the largest d occur c times, and two entries be there. If i is not one of these, the power
    -2 max d has the coefficient c² (d_i - max d - 1) < 0; if it is one of c ≥ 2, -c (c - 1) < 0. If it is the only one,
    d_i > 0 is met by k entries with d = 0, and 1 has the coefficient k² (d_i - 1), which is 0 at d_i = 1 only; there
    every pair of the power -d_i has a negative one: -k (1 + d_i), or d_i - 2 from entries between.
    """
    row = Exponentials.of(x, None, bits)
    centred = [_spread(row, i) for i in range(row.n)]
    return _by_logits(row, centred, -1)


def _spread(row: Exponentials, i: int) -> Real:
    """S (d_i - T) = Σ_k w_k (d_i - d_k), an exact 0 where it is 0."""
    return row.linear([exact_difference(row.shifts[i], d) for d in row.shifts])


def kl_divergence_grad(x: list[float], q: list[float], *, bits: int) -> list[Ball]:
    """∂D/∂z_i = p_i (r_i - D) with r = log p - log q, D = Σ p r, as p_i Σ_k w_k (d_k - d_i + log(q_k / q_i)) / S.

    0 is recognised where all logits that are there tie and q_i is their geometric mean. There are no other zeros if
    Schanuel's conjecture holds: powers of e and logarithms of primes would be algebraically independent, so that the
    coefficient c (d - d_i) + log(∏ q / q_i^c) of every distinct power vanishes, and rational numbers are no logarithms
    of rational ones except 0 = log 1. Where q_k = 0 and p_k > 0, D is infinite and has no gradient: a row of nan.
    Raises ValueError for negative or infinite q, nan, logits without a limit.
    """
    row = Exponentials.of(x, None, bits)
    centred = _centred_log_ratios(row, q)
    if centred is None:
        return [_no_limit(bits)] * row.n
    return [(row.probability(i) * c / row.total).ball() for i, c in enumerate(centred)]


def kl_divergence_hessian(x: list[float], q: list[float], *, bits: int) -> list[Ball]:
    """δ_ij p_i (r_i - D + 1) - p_i p_j (r_i + r_j - 2D + 1).

    With c_i = r_i - D: -p_i p_j (1 + c_i + c_j) beside the diagonal, p_i (c_i (1 - 2 p_i) + 1 - p_i) on it. As above, a
    zero would need the parts without logarithms to vanish, and these are minus the Hessian of the entropy: beside the
    diagonal every power has the coefficient 1 + 2d_k - d_i - d_j, at k = i and k = j not both 0, so there is none.
    """
    row = Exponentials.of(x, None, bits)
    centred = _centred_log_ratios(row, q)
    return [_no_limit(bits)] * (row.n * row.n) if centred is None else _by_logits(row, centred, 1)


def _centred_log_ratios(row: Exponentials, q: list[float]) -> list[Real] | None:
    """S (r_i - D) = Σ_k w_k (d_k - d_i + log(q_k / q_i)), where equal q have exactly 0; None where D is infinite.

    An absent i, which has no weight, gets 0.
    """
    _check(q, "q")
    if len(q) != row.n or any(map(isinf, q)):
        raise ValueError(f"q must have {row.n} finite entries")
    raw = [exact(v) for v in q]
    there = [k for k in range(row.n) if row.present[k]]
    if any(not raw[k][1] for k in there):
        return None
    logs = {v: Real.of(v, row.bits).log() for v in {raw[k] for k in there}}
    tied = all(row.shifts[k] == libmp.fzero for k in there)
    centred = [Real.of(0, row.bits)] * row.n
    for i in there:
        if not (tied and _is_geometric_mean(raw[i], [raw[k] for k in there])):
            ratios = (row.weights[k] * (logs[raw[k]] - logs[raw[i]]) for k in there if raw[k] != raw[i])
            centred[i] = total(ratios, row.bits) - _spread(row, i)
    return centred


def _is_geometric_mean(q: Raw, of: list[Raw]) -> bool:
    """∏ q_k = q^n, decided without rounding."""
    product, power = libmp.fone, libmp.fone
    for v in of:
        product, power = libmp.mpf_mul(product, v), libmp.mpf_mul(power, q)
    return bool(product == power)


def _by_logits(row: Exponentials, centred: list[Real], sign: int) -> list[Ball]:
    """The Hessians above from C_i = S c_i, c_i = r_i - D for KL (``sign`` 1) and d_i - T for the entropy (-1).

    KL: -w_i w_j (S + C_i + C_j) / S³ beside the diagonal, w_i (C_i (S - 2 w_i) + (S - w_i) S) / S³ on it; the entropy is
    minus KL with constant q, where r_i - D = -(d_i - T).
    """
    cube = row.total.power(3)
    flat = row.total if sign > 0 else -row.total
    answers = []
    for i in range(row.n):
        for j in range(row.n):
            if i == j:
                bend = centred[i] * row.without({i: 2}) + row.without({i: 1}) * flat
            else:
                bend = -row.weights[j] * (flat + centred[i] + centred[j])
            answers.append((row.weights[i] * bend / cube).ball())
    return answers


def _quotient(a: float, b: float, bits: int, sign: int, power: int = 1) -> Ball:
    """±a / b^power for a, b ≥ 0, with its limits."""
    if (not a and not b) or (isinf(a) and isinf(b)):
        return _no_limit(bits)
    if not b or isinf(a):
        return infinite(sign, bits)
    if not a or isinf(b):
        return zero(bits)
    value = Real.of(a, bits) / Real.of(b, bits).power(power)
    return (value if sign > 0 else -value).ball()


def _no_limit(bits: int) -> Ball:
    """nan as an answer: no limit exists."""
    ctx = context(bits)
    return Ball(ctx.nan, ctx.zero)


def _diagonal(entries: list[Ball], bits: int) -> list[Ball]:
    n = len(entries)
    return [entries[i] if i == j else zero(bits) for i in range(n) for j in range(n)]


def _check(values: list[float], name: str) -> None:
    if any(v < 0 or v != v for v in values):
        raise ValueError(f"{name} must be numbers that are not negative")
