"""Bounds for the entropies, the divergences and the two-class cross-entropy, operation by operation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import core
from smxcheck.judge.bounds.model import (
    EXP_ERROR,
    LOG_ERROR,
    Bound,
    extra_argument,
    log_error,
    roundings,
    summation,
)
from smxcheck.judge.bounds.rows import RowQuantities
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

TERMS = "log and product of the terms"
SUM_OF_TERMS = "sum of the terms"
PROBABILITIES = "error of the probabilities"
LOG_PROBABILITIES = "error of the log-probabilities"


def _sum(a: Array) -> Array:
    return np.asarray(a.sum(axis=1, keepdims=True))


def _deepest(fmt: Format) -> float:
    """|log λ|: no logarithm of a positive number of the format is larger."""
    return -math.log(fmt.smallest_subnormal)


def softmax_entropy(r: RowQuantities, fmt: Format, level: Level) -> Bound:
    """Entropy of softmax; shapes (R, 1).

    ``tight``: log S + T with log1p of the rest and T = Σ w_j d_j / S. Both are ≥ 0, nothing cancels. A term w_j d_j gets
    a factor whose logarithm is at most ρ_j + (c_e + 2)·u: exp, the product, and d_j itself, whose ρ_j/d_j ≤ u; the sum
    s(n)·u; the division -log(1 - η) + u; the addition u·H. ``standard``: -Σ p_j log p_j from softmax and log_softmax,
    each within its own standard bound, product and sum; exponentials that are subnormal cost λ times the logarithm they
    are multiplied with.
    """
    if r.n == 1:
        return Bound()
    u, n = fmt.u, r.n
    entropy = r.L + r.T
    if level is Level.TIGHT:
        terms = r.mean(r.d * np.expm1(r.rho + u * (EXP_ERROR[fmt.name] + 2)))
        later = -np.log1p(-core.normaliser(r, fmt, level)) + u * (roundings(n, level) + 1)
        lost = fmt.smallest_subnormal * _sum((1 + np.minimum(r.d, _deepest(fmt))) * r.counts)
        return Bound({}, {
            core.SUM: core.log_of_sum(r, fmt, level),
            core.LOG: u * log_error(fmt, level) * r.L,
            TERMS: terms,
            SUM_OF_TERMS: (r.T + terms) * np.expm1(later),
            core.RESULT: u * entropy,
            core.SUBNORMAL: lost,
        })  # fmt: skip
    beta = np.broadcast_to(core.softmax(r, fmt, level).total_relative(), r.p.shape)
    log_p_error = np.broadcast_to(core.log_softmax(r, fmt, level).total_absolute(), r.p.shape)
    a = np.minimum(np.abs(r.log_p), np.finfo(np.float64).max)
    return Bound({}, {
        PROBABILITIES: r.mean(beta * a),
        LOG_PROBABILITIES: r.mean(np.maximum(log_p_error, beta + LOG_ERROR[fmt.name] * u * a) * (1 + beta)),
        TERMS: r.mean(2 * u * a),
        SUM_OF_TERMS: summation(n, fmt, level) * entropy,
        core.SUBNORMAL: n * fmt.smallest_subnormal * (1 + _deepest(fmt)),
    })  # fmt: skip


def _log(p: Array) -> Array:
    """log p, 0 where p is 0 (the term is 0 there)."""
    return np.log(np.where(p > 0, p, 1.0))


def entropy(p: Array, fmt: Format, level: Level) -> Bound:
    """-Σ p log p for given p of shape (R, n): log c_l·u and product u in each term, their sum, the result; shapes (R, 1).

    For p ≤ 1 all terms are ≥ 0. A product may be subnormal: λ each.
    """
    terms = _sum(np.abs(p * _log(p)))
    n = p.shape[1]
    return Bound({}, {
        TERMS: (LOG_ERROR[fmt.name] + 1) * fmt.u * terms,
        SUM_OF_TERMS: summation(n, fmt, level) * terms,
        core.RESULT: fmt.u * terms,
        core.SUBNORMAL: n * fmt.smallest_subnormal,
    })  # fmt: skip


def _log_ratio(p: Array, q: Array) -> Array:
    """log(p/q) without cancellation for close p, q; 0 where p is 0."""
    use = (p > 0) & (q > 0)
    a, b = np.where(use, p, 1.0), np.where(use, q, 1.0)
    with np.errstate(over="ignore"):
        near = np.abs(a - b) < 0.5 * b
        return np.where(near, np.log1p(np.where(near, (a - b) / b, 0.0)), np.log(a) - np.log(b))


def kl_divergence(p: Array, q: Array, fmt: Format, level: Level) -> Bound:
    """Σ p log(p/q) for given p, q of shape (R, n); shapes (R, 1).

    ``tight``: the quotient rounds once, which costs u·p absolutely in its term, log and product (c_l + 1)·u relatively.
    ``standard``: p·(log p - log q) or p·log p - p·log q: each logarithm and product relative to its own size.
    Terms of both signs make the sum's error relative to Σ|terms|, not to the result.
    """
    u, n, c_l = fmt.u, p.shape[1], LOG_ERROR[fmt.name]
    terms = _sum(np.abs(p * _log_ratio(p, q)))
    quotient = u * _sum(p)
    absolute: dict[str, Any] = {
        SUM_OF_TERMS: summation(n, fmt, level) * terms,
        core.RESULT: u * terms,
        core.SUBNORMAL: n * fmt.smallest_subnormal * (1 + _deepest(fmt)),
    }
    if level is Level.TIGHT:
        absolute[TERMS] = (c_l + 1) * u * terms + quotient
        return Bound({}, absolute)
    parts = _sum(p * (np.abs(_log(p)) + np.abs(_log(q))))
    absolute[TERMS] = (c_l + 2) * u * parts + 2 * u * terms + quotient
    return Bound({}, absolute)


def distribution_cross_entropy(p: Array, q: Array, fmt: Format, level: Level) -> Bound:
    """-Σ p log q for given p, q of shape (R, n): as entropy, with the logarithm of q; shapes (R, 1)."""
    terms = _sum(np.abs(p * _log(q)))
    n = p.shape[1]
    return Bound({}, {
        TERMS: (LOG_ERROR[fmt.name] + 1) * fmt.u * terms,
        SUM_OF_TERMS: summation(n, fmt, level) * terms,
        core.RESULT: fmt.u * terms,
        core.SUBNORMAL: n * fmt.smallest_subnormal * (1 + _deepest(fmt)),
    })  # fmt: skip


def binary_cross_entropy(x: Array, y: Array, fmt: Format, level: Level) -> Bound:
    """max(x, 0) - x·y + log1p(exp(-|x|)), element by element.

    The product and the two sums round relative to M = max(x, 0) + |x·y| + c with c = log1p(exp(-|x|)): 2u·M; c itself
    (c_l + c_e + 2)·u·c; the result u·|value|. ``standard`` also admits (1 - y)·x + softplus(-x), where M = |x| + |x·y|
    + c and 1 - y rounds, u·(1 - y)·|x| unless y is 0 or 1; and log(1 + t), which costs 2u absolutely.
    """
    u = fmt.u
    with np.errstate(under="ignore"):
        c = np.log1p(np.exp(-np.abs(x)))
    value = y * (np.maximum(-x, 0) + c) + (1 - y) * (np.maximum(x, 0) + c)
    first = np.maximum(x, 0) if level is Level.TIGHT else np.abs(x)
    absolute: dict[str, Any] = {
        "x·y and the sums": 2 * u * (first + np.abs(x * y) + c),
        "exp and log": (EXP_ERROR[fmt.name] + log_error(fmt, level) + 2) * u * c,
        core.RESULT: u * np.abs(value),
        core.SUBNORMAL: 2 * fmt.smallest_subnormal,
    }
    if level is Level.STANDARD:
        absolute["rounding of 1 - y"] = u * np.where((y == 0) | (y == 1), 0.0, np.abs((1 - y) * x))
        absolute["rounding of 1 + exp"] = 2 * u + extra_argument(fmt, level) * u * np.abs(x) * -np.expm1(-c)
    return Bound({}, absolute)
