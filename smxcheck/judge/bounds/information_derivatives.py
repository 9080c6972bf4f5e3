"""Bounds of the derivatives of entropies, divergences and cross-entropies of distributions.

Matrices are (R, n, n); c is what centres a gradient by the logits: d_i - T for the entropy, r_i - D for KL.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds import core
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.loss_derivatives import matrix, outer
from smxcheck.judge.bounds.probabilities import complements, of_row
from smxcheck.judge.bounds.rows import RowQuantities, row_quantities
from smxcheck.judge.bounds.running import Computed, exact, from_bound, larger
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: The quantities of a row themselves depend on no format.
_ANY = FORMATS["float64"]
#: No quotient is formed above this: one beyond float64 would make its bound infinite, and admit everything.
_LARGEST_QUOTIENT = 2.0**1023
#: exp of a gap so far below the smallest subnormal, in units of it, is 0: that loses p and no more.
_VANISHING = 2.0**-20


# By given probabilities


def entropy_grad(p: Array, *, fmt: Format, level: Level) -> Computed:
    """-log p - 1: a logarithm and a subtraction."""
    return -exact(np.where(p > 0, p, 1.0), fmt, level).log() - exact(1.0, fmt, level)


def entropy_grad_terms(p: Array) -> Array:
    """|log p| + 1."""
    return np.asarray(np.abs(np.log(np.where(p > 0, p, 1.0))) + 1.0)


def entropy_hessian(p: Array, *, fmt: Format, level: Level) -> Computed:
    """-1/p on the diagonal: one division."""
    return _diagonal(-_quotient(exact(np.ones_like(p), fmt, level), p))


def distribution_cross_entropy_grad(p: Array, q: Array, *, fmt: Format, level: Level) -> Computed:
    """-p/q: one division; ``standard`` also admits p·(1/q), which rounds twice."""
    quotient = -_quotient(exact(p, fmt, level), q)
    return quotient if level is Level.TIGHT else quotient.rounded()


def distribution_cross_entropy_hessian(p: Array, q: Array, *, fmt: Format, level: Level) -> Computed:
    """(p/q)/q on the diagonal; ``standard`` also admits p/(q·q) where q² is a normal number, and reciprocals."""
    twice = _quotient(_quotient(exact(p, fmt, level), q), q)
    if level is Level.TIGHT:
        return _diagonal(twice)
    square = np.where((q**2 >= 2 * fmt.smallest_normal) & (q**2 <= fmt.largest / 2), q, 1.0)
    at_once = exact(p, fmt, level) / (exact(square, fmt, level) * exact(square, fmt, level))
    return _diagonal(larger(twice, at_once.where(square == q, twice)).rounded())


def _quotient(a: Computed, b: Array) -> Computed:
    """a/b for b > 0, at most `_LARGEST_QUOTIENT`; a where b is 0, which nothing reads."""
    divisor = np.maximum(np.where(b > 0, b, 1.0), np.abs(a.value) / _LARGEST_QUOTIENT)
    with np.errstate(over="ignore"):  # the reciprocal of a subnormal divisor, which only multiplies its errors
        return a / exact(divisor, a.fmt, a.level)


def _diagonal(entries: Computed) -> Computed:
    zeros = exact(np.zeros((*entries.value.shape, entries.value.shape[1])), entries.fmt, entries.level)
    return matrix(zeros, entries)


# By logits: the entropy


def softmax_entropy_grad(z: Array, *, fmt: Format, level: Level) -> Computed:
    """p·(d - T) with d = max z - z, T = Σ p·d; ``standard`` also admits -p·(log p + H) and the same with log p + 1, as
    the chain rule through p has it."""
    r = row_quantities(z, fmt)
    p, c = _probabilities(r, fmt, level), _centred_gaps(r, fmt, level)
    if level is Level.TIGHT:
        return p * c
    return larger(p * c, _centred_products(p, _log_probabilities(r, fmt, level)))


def _centred_gaps(r: RowQuantities, fmt: Format, level: Level) -> Computed:
    """d - T."""
    d = Computed(np.where(r.p > 0, r.d, 0.0), {core.SHIFT: np.where(r.p > 0, r.rho, 0.0)}, fmt, level)
    return d - (_probabilities(r, fmt, level) * d).total()


def _centred_products(p: Computed, v: Computed) -> Computed:
    """p·(v - Σ p·v), or the same with v + 1."""
    more = v + exact(1.0, p.fmt, p.level)
    return larger(p * (v - (p * v).total()), p * (more - (p * more).total()))


def softmax_entropy_grad_terms(z: Array) -> Array:
    """p·(d + T)."""
    r = row_quantities(z, _ANY)
    return np.asarray(r.p * (r.d + r.T))


def softmax_entropy_hessian(z: Array, *, fmt: Format, level: Level) -> Computed:
    """p_i p_j (1 - c_i - c_j) beside the diagonal, p (c (1 - p - p) - (1 - p)) on it, 1 - p as the sum of the others.

    ``standard`` also admits p_i p_j (log p_i + log p_j + 2H + 1) - δ_ij p_i (log p_i + H + 1), whose diagonal cancels
    in a peaked row.
    """
    r = row_quantities(z, fmt)
    p, c, one = _probabilities(r, fmt, level), _centred_gaps(r, fmt, level), exact(1.0, fmt, level)
    others = complements(r, fmt, level)
    (left, right), (c_left, c_right) = outer(p, p), outer(c, c)
    best = matrix(left * right * (one - c_left - c_right), p * (c * (others - p) - others))
    if level is Level.TIGHT or r.n == 1:
        return best
    log_p = _log_probabilities(r, fmt, level)
    entropy = -(p * log_p).total()
    l_left, l_right = outer(log_p, log_p)
    twice = entropy.scaled(2.0).at((slice(None), slice(None), None))
    product = left * right * (l_left + l_right + twice + one)
    own = p.at((slice(None), slice(None), None)) * (l_left + entropy.at((slice(None), slice(None), None)) + one)
    return larger(best, (product - own).where(np.eye(r.n, dtype=bool)[None], product))


def softmax_entropy_hessian_terms(z: Array) -> Array:
    """p_i p_j (1 + d_i + d_j + 2T) + δ_ij p_i (1 + d_i + T)."""
    r = row_quantities(z, _ANY)
    return _hessian_terms(r.p, r.d + r.T)


# By logits: the divergence


def kl_divergence_grad(z: Array, q: Array, *, fmt: Format, level: Level) -> Computed:
    """p·(s - Σ p·s), s = r - r_k for the largest entry k, so that nothing cancels there in a peaked row; r = log(p/q)
    where p and q are within a factor of two, else log p - log q.

    ``standard`` also admits p·(r - D) with D = Σ p·r, log p - log q throughout, and the same with r + 1, as the chain
    rule through p has it.
    """
    p, r = _log_ratios(z, q, fmt, level)
    best = p * _centred_log_ratios(p, r)
    return best if level is Level.TIGHT else larger(best, _centred_products(p, r))


def _centred_log_ratios(p: Computed, r: Computed) -> Computed:
    """r - D as s - Σ p·s, s = r - r_k."""
    k = p.value.argmax(axis=1)[:, None]
    at_k = r.at((np.arange(len(k))[:, None], k))
    own = np.arange(p.value.shape[1]) == k
    s = exact(np.zeros_like(r.value), r.fmt, r.level).where(own, r - at_k)
    return s - (p * s).total()


def kl_divergence_grad_terms(z: Array, q: Array) -> Array:
    """p·(a + Σ p·a), a = |log p| + |log q|."""
    p, size = _log_sizes(z, q)
    return np.asarray(p * (size + (p * size).sum(axis=1, keepdims=True)))


def kl_divergence_hessian(z: Array, q: Array, *, fmt: Format, level: Level) -> Computed:
    """-p_i p_j (c_i + c_j + 1) beside the diagonal, p (1 - p + c (1 - p - p)) on it, 1 - p as the sum of the others.

    ``standard`` also admits δ_ij p_i (r_i - D + 1) - p_i p_j (r_i + r_j - 2D + 1), whose diagonal cancels in a peaked
    row.
    """
    (p, r), one = _log_ratios(z, q, fmt, level), exact(1.0, fmt, level)
    others = complements(row_quantities(z, fmt), fmt, level)
    c = _centred_log_ratios(p, r)
    (left, right), (c_left, c_right) = outer(p, p), outer(c, c)
    best = matrix(-(left * right * (c_left + c_right + one)), p * (others + c * (others - p)))
    if level is Level.TIGHT or z.shape[1] == 1:
        return best
    r_left, r_right = outer(r, r)
    divergence = (p * r).total()
    twice = divergence.scaled(2.0).at((slice(None), slice(None), None))
    product = left * right * (r_left + r_right - twice + one)
    own = left * (r_left - divergence.at((slice(None), slice(None), None)) + one)
    return larger(best, (own - product).where(np.eye(z.shape[1], dtype=bool)[None], -product))


def kl_divergence_hessian_terms(z: Array, q: Array) -> Array:
    """As for the entropy, with |log p| + |log q| and their mean in place of d and T."""
    p, size = _log_sizes(z, q)
    return _hessian_terms(p, size + (p * size).sum(axis=1, keepdims=True))


def _log_ratios(z: Array, q: Array, fmt: Format, level: Level) -> tuple[Computed, Computed]:
    """p and r."""
    row = row_quantities(z, fmt)
    p, given = _probabilities(row, fmt, level), np.where(q > 0, q, 1.0)
    r = _log_probabilities(row, fmt, level) - exact(given, fmt, level).log()
    near = (row.p <= 2 * given) & (given <= 2 * row.p)
    one = exact(np.ones_like(given), fmt, level)
    ratio = p.where(near, one) / exact(np.where(near, given, 1.0), fmt, level)
    best = ratio.log().where(near, r)
    return p, best if level is Level.TIGHT else larger(best, r)


# What both share


def _probabilities(r: RowQuantities, fmt: Format, level: Level) -> Computed:
    """softmax, stored in the format; what vanishes is 0, which matters where it is multiplied with a large gap."""
    p = of_row(r, fmt, level)
    vanishes = r.p < _VANISHING * fmt.smallest_subnormal
    return p.where(~vanishes, Computed(r.p, {core.SUBNORMAL: r.p}, fmt, level))


def _log_probabilities(r: RowQuantities, fmt: Format, level: Level) -> Computed:
    """log_softmax, stored in the format, 0 where p is; ``standard`` also admits the logarithm of a normal p."""
    value = np.where(r.p > 0, r.log_p, 0.0)
    log_p = from_bound(value, core.log_softmax(r, fmt, level), fmt, level)
    if level is Level.TIGHT or r.n == 1:
        return log_p
    normal = r.p >= 2 * fmt.smallest_normal
    of_p = of_row(r, fmt, level).where(normal, exact(np.ones_like(r.p), fmt, level)).log()
    return larger(log_p, of_p.where(normal, log_p))


def _log_sizes(z: Array, q: Array) -> tuple[Array, Array]:
    """p and |log p| + |log q|."""
    r = row_quantities(z, _ANY)
    return r.p, np.abs(r.log_p) + np.abs(np.log(np.where(q > 0, q, 1.0)))


def _hessian_terms(p: Array, size: Array) -> Array:
    left, right = size[:, :, None], size[:, None, :]
    product = p[:, :, None] * p[:, None, :] * (1.0 + left + right)
    return np.asarray(product + np.eye(p.shape[1]) * (p * (1.0 + size))[:, :, None])


TABLE: dict[str, RowsBound] = {
    "entropy_grad": RowsBound(entropy_grad, entropy_grad_terms),
    "entropy_hessian": RowsBound(entropy_hessian),
    "softmax_entropy_grad": RowsBound(softmax_entropy_grad, softmax_entropy_grad_terms),
    "softmax_entropy_hessian": RowsBound(softmax_entropy_hessian, softmax_entropy_hessian_terms),
    "kl_divergence_grad": RowsBound(kl_divergence_grad, kl_divergence_grad_terms),
    "kl_divergence_hessian": RowsBound(kl_divergence_hessian, kl_divergence_hessian_terms),
    "distribution_cross_entropy_grad": RowsBound(distribution_cross_entropy_grad),
    "distribution_cross_entropy_hessian": RowsBound(distribution_cross_entropy_hessian),
}
