"""Certified entropies and divergences of distributions, and their entrywise gradients.

p, q ≥ 0 need not add up to 1, and 0·log 0 = 0. What has no number for an answer (p < 0, p > 0 = q) gets no bound.
"""

from __future__ import annotations

import numpy as np

from smxcheck.oracle.certified.ball import ball, where
from smxcheck.oracle.certified.columns import Columns
from smxcheck.oracle.certified.exact import Array
from smxcheck.oracle.certified.logarithm import integer_times_ln2, log1p, log_of_float
from smxcheck.oracle.certified.rows import Piece, Rows, weight_but_top, whole_sum
from smxcheck.oracle.certified.scaled import (
    Mask,
    Scaled,
    log1p_scaled,
    nothing,
    plain,
    scaled,
    scaled_floats,
    select,
    unknown,
    zero,
)


def negative_or_infinite(*arguments: Array) -> Mask:
    """Where one of the arguments is no weight: negative, infinite or nan."""
    return np.asarray(np.any([~((a >= 0) & (a < np.inf)) for a in arguments], axis=0))


def log_ratio(p: Array, q: Array) -> Scaled:
    """log(p/q) of positive floats, subnormal ones too: log1p((m - n)/n) + e·ln 2 with p/q = (m/n)·2^e, m/n in [0.7, 1.42].

    m - n is exact (Sterbenz); where e = 0 nothing cancels, and where it is not the sum is more than 0.34.
    """
    (m, e), (n, f) = np.frexp(p), np.frexp(q)
    with np.errstate(all="ignore"):
        quotient = m / n
        up, down = quotient < np.sqrt(0.5), quotient > np.sqrt(2.0)
        m = np.where(up, 2.0 * m, np.where(down, 0.5 * m, m))
        power = (e.astype(np.float64) - f) - up + down
        near = log1p(ball(m - n) / ball(n))
    value = plain(where(power == 0, near, near + integer_times_ln2(power)))
    return unknown(~((p > 0) & (q > 0) & (p < np.inf) & (q < np.inf)), value)


def _product(p: Array, factor: Scaled) -> Scaled:
    """p·factor, where p = 0 exactly 0 whatever the factor."""
    value = select(p == 0, zero(p.shape), scaled_floats(p) * factor)
    return unknown(negative_or_infinite(p), value)


def entropy(c: Columns) -> Scaled:
    """-Σ p log p."""
    return c.sum(lambda p: -_product(p, plain(log_of_float(np.where(p > 0, p, 1.0)))))


def distribution_cross_entropy(c: Columns) -> Scaled:
    """-Σ p log q."""

    def term(p: Array, q: Array) -> Scaled:
        log = unknown(negative_or_infinite(q) | (q == 0), plain(log_of_float(np.where(q > 0, q, 1.0))))
        return unknown(negative_or_infinite(q), -_product(p, log))

    return c.sum(term)


def kl_divergence(c: Columns) -> Scaled:
    """Σ p log(p/q); each term keeps its digits where p is near q."""

    def term(p: Array, q: Array) -> Scaled:
        ratio = log_ratio(np.asarray(np.where(p == 0, q, p)), q)
        return unknown(negative_or_infinite(q), _product(p, ratio))

    return c.sum(term)


def entropy_grad(p: Array) -> Scaled:
    """-log p - 1."""
    log = plain(log_of_float(np.where(p > 0, p, 1.0)))
    return unknown(negative_or_infinite(p) | (p == 0), -log - plain(ball(np.ones(p.shape))))


def distribution_cross_entropy_grad(p: Array, q: Array) -> Scaled:
    """-p/q."""
    quotient = -(scaled_floats(p) / scaled_floats(q))
    return unknown(negative_or_infinite(p, q) | (q == 0), quotient)


def softmax_entropy(r: Rows) -> Scaled:
    """log1p(s) + Σ p |d|: both terms are positive, and as small as the weights beside the peak."""
    rest, moment = r.sums(weight_but_top, lambda p: p.but_top(p.weight * -gap_factor(p)))
    return log1p_scaled(rest) + moment / plain(whole_sum(rest))


def gap_factor(p: Piece) -> Scaled:
    """d as a factor of its weight.

    Of a far gap only w·d is known: |d|·exp(d) falls beyond |d| = 1, so that it is less than 2^30 times the bound of w there.
    """
    gap = scaled(p.gap)
    if not p.far.any():
        return gap
    bounded = nothing(p.far.shape)
    return select(p.far, Scaled(bounded.ball, np.full(p.far.shape, 30)), gap)
