"""Bounds of the derivatives of softmax, log_softmax and logsumexp.

p is the softmax of `smxcheck.judge.bounds.probabilities`, 1 - p_i its complement: the sum of the other probabilities where
p_i > 1/2 (for `tight`), 1 - p_i with one rounding elsewhere. ``standard`` admits every form that is named, and takes the
largest of their errors element by element; the form of `tight` is always among them, run with the larger errors of that
level, so that no error of `tight` is above it. A row of one entry leaves no room: every operation is exact there.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.probabilities import complements, of_row, probabilities
from smxcheck.judge.bounds.rows import RowQuantities, row_quantities
from smxcheck.judge.bounds.running import Computed, exact, larger
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: The probabilities themselves depend on no format.
_ANY = FORMATS["float64"]

#: exp of this is finite in float64 and infinite in the narrower formats, beyond it infinite or nearly so in all.
_LARGEST_EXPONENT = 709.0

#: Broadcasting of rows (R, n) against the axes of a matrix or a tensor.
_ROW, _COLUMN = np.s_[:, :, None], np.s_[:, None, :]
_I, _J, _K = np.s_[:, :, None, None], np.s_[:, None, :, None], np.s_[:, None, None, :]


def softmax_vjp(x: Array, g: Array, *, fmt: Format, level: Level) -> Computed:
    """p·(g - Σ p·g); ``standard`` also admits p·g - p·Σ p·g."""
    return _alone(x, _centred(probabilities(x, fmt, level), exact(g, fmt, level)))


def softmax_vjp_terms(x: Array, g: Array) -> Array:
    """p·(|g| + Σ p·|g|)."""
    return _centred_terms(row_quantities(x, _ANY).p, g)


def softmax_backward(g: Array, y: Array, *, fmt: Format, level: Level) -> Computed:
    """y·(g - Σ y·g) for exact y; ``standard`` also admits y·g - y·Σ y·g."""
    return _centred(exact(y, fmt, level), exact(g, fmt, level))


def softmax_backward_terms(g: Array, y: Array) -> Array:
    """|y|·(|g| + Σ |y·g|)."""
    return _centred_terms(np.abs(y), g)


def _centred(p: Computed, g: Computed) -> Computed:
    mean = (p * g).total()
    centred = p * (g - mean)
    return centred if p.level is Level.TIGHT else larger(centred, p * g - p * mean)


def _centred_terms(p: Array, g: Array) -> Array:
    size = np.abs(g)
    return np.asarray(p * (size + (p * size).sum(axis=-1, keepdims=True)))


def log_softmax_vjp(x: Array, g: Array, *, fmt: Format, level: Level) -> Computed:
    """g - p·Σ g; ``standard`` also admits (1 - p_i)·g_i - p_i·Σ_{j≠i} g_j, row by row of the Jacobian.

    That p is exp(log p) as often as not: `standard` has it among the forms of softmax.
    """
    p, cotangent = probabilities(x, fmt, level), exact(g, fmt, level)
    usual = _less_share(p, cotangent)
    if level is Level.TIGHT:
        return _alone(x, usual)
    total = cotangent.total()
    others = Computed(total.value - g, {c: e + np.zeros_like(g) for c, e in total.errors.items()}, fmt, level)
    return _alone(x, larger(usual, (exact(1.0, fmt, level) - p) * cotangent - p * others))


def log_softmax_vjp_terms(x: Array, g: Array) -> Array:
    """|g| + p·Σ |g|."""
    return _share_terms(row_quantities(x, _ANY).p, g)


def log_softmax_backward(g: Array, y: Array, *, fmt: Format, level: Level) -> Computed:
    """g - exp(y)·Σ g for exact y; one so large that exp overflows in every format is cut."""
    return _less_share(exact(np.minimum(y, _LARGEST_EXPONENT), fmt, level).exp(), exact(g, fmt, level))


def log_softmax_backward_terms(g: Array, y: Array) -> Array:
    """|g| + exp(y)·Σ |g|."""
    return _share_terms(np.exp(np.minimum(y, _LARGEST_EXPONENT)), g)


def _less_share(p: Computed, g: Computed) -> Computed:
    return g - p * g.total()


def _share_terms(p: Array, g: Array) -> Array:
    size = np.abs(g)
    return np.asarray(size + p * size.sum(axis=-1, keepdims=True))


def logsumexp_grad(x: Array, *, fmt: Format, level: Level) -> Computed:
    """softmax itself. exp(x - lse), whose error grows with |lse|, is no stable form and is not granted that."""
    return _alone(x, probabilities(x, fmt, level))


def softmax_jacobian(x: Array, *, fmt: Format, level: Level) -> Computed:
    """p_i·(1 - p_i) and -(p_i·p_j); ``standard`` also admits diag(p) - p·pᵀ, and 1 - p_i as a difference."""
    r = row_quantities(x, fmt)
    p = of_row(r, fmt, level)
    product = p.at(_ROW) * p.at(_COLUMN)
    diagonal = p * _rest(r, p)
    if level is Level.STANDARD:
        one = exact(1.0, fmt, level)
        diagonal = _largest(diagonal, p * (one - p), p - p * p)
    return _alone(x, diagonal.at(_ROW).where(_identity(x), -product))


def softmax_jacobian_terms(x: Array) -> Array:
    """p_i·(δ_ij + p_j)."""
    p = row_quantities(x, _ANY).p
    return np.asarray(p[_ROW] * (_identity(x) + p[_COLUMN]))


def log_softmax_jacobian(x: Array, *, fmt: Format, level: Level) -> Computed:
    """1 - p_i and -p_j; ``standard`` also admits 1 - p_i as a difference."""
    r = row_quantities(x, fmt)
    p = of_row(r, fmt, level)
    diagonal = _rest(r, p)
    if level is Level.STANDARD:
        diagonal = larger(diagonal, exact(1.0, fmt, level) - p)
    return _alone(x, diagonal.at(_ROW).where(_identity(x), -p.at(_COLUMN)))


def log_softmax_jacobian_terms(x: Array) -> Array:
    """δ_ij + p_j."""
    return np.asarray(_identity(x) + row_quantities(x, _ANY).p[_COLUMN])


def softmax_hessian(x: Array, *, fmt: Format, level: Level) -> Computed:
    """p_i(1 - p_i)·(1 - 2p_i), -(p_r·p_s)·(1 - 2p_r) where two indices are r, 2·(p_i·p_j)·p_k.

    ``standard`` also admits p_i·[(δ_ij - p_j)·(δ_ik - p_k) - p_j·(δ_jk - p_k)], and the same multiplied out:
    δ_ij δ_ik p_i - δ_ij p_i p_k - δ_ik p_i p_j - δ_jk p_i p_j + 2 p_i p_j p_k.
    """
    r = row_quantities(x, fmt)
    p = of_row(r, fmt, level)
    cases = _by_cases(p, _rest(r, p))
    if level is Level.STANDARD:
        cases = _largest(cases, _bracket(p, _rest(r, p)), _bracket(p, exact(1.0, fmt, level) - p), _cumulant(p))
    return _alone(x, cases)


def softmax_hessian_terms(x: Array) -> Array:
    """p_i·[(δ_ij + p_j)·(δ_ik + p_k) + p_j·(δ_jk + p_k)]."""
    p = row_quantities(x, _ANY).p
    i_is_j, i_is_k, j_is_k = _equal(x.shape[-1])
    first = (i_is_j + p[_J]) * (i_is_k + p[_K])
    return np.asarray(p[_I] * (first + p[_J] * (j_is_k + p[_K])))


def _by_cases(p: Computed, rest: Computed) -> Computed:
    """The case table, by which indices are equal."""
    n = p.value.shape[-1]
    odd = exact(1.0, p.fmt, p.level) - p.scaled(2.0)
    i_is_j, i_is_k, j_is_k = _equal(n)
    repeated = odd.at(_J).where(i_is_j | j_is_k, odd.at(_I))
    other = p.at(_I).where(j_is_k, p.at(_K).where(i_is_j, p.at(_J)))
    twice = p.at(_J).where(i_is_j | j_is_k, p.at(_I))
    two = -((twice * other) * repeated)
    three = ((p * rest) * odd).at(_I)
    distinct = ((p.at(_I) * p.at(_J)) * p.at(_K)).scaled(2.0)
    return three.where(i_is_j & j_is_k, two.where(i_is_j | i_is_k | j_is_k, distinct))


def _bracket(p: Computed, rest: Computed) -> Computed:
    """p_i·[A_ij·A_ik - p_j·A_jk], A_ij = δ_ij - p_j."""
    i_is_j, i_is_k, j_is_k = _equal(p.value.shape[-1])
    a_ij = rest.at(_J).where(i_is_j, -p.at(_J))
    a_ik = rest.at(_K).where(i_is_k, -p.at(_K))
    a_jk = rest.at(_K).where(j_is_k, -p.at(_K))
    return p.at(_I) * (a_ij * a_ik - p.at(_J) * a_jk)


def _cumulant(p: Computed) -> Computed:
    """The bracket multiplied out, added from left to right."""
    i_is_j, i_is_k, j_is_k = _equal(p.value.shape[-1])
    zero = exact(np.zeros((1, 1, 1, 1)), p.fmt, p.level)
    pair_ik, pair_ij = p.at(_I) * p.at(_K), p.at(_I) * p.at(_J)
    out = p.at(_I).where(i_is_j & i_is_k, zero)
    for mask, pair in ((i_is_j, pair_ik), (i_is_k, pair_ij), (j_is_k, pair_ij)):
        out = (out - pair).where(mask, out)
    return out + (pair_ij * p.at(_K)).scaled(2.0)


def _rest(r: RowQuantities, p: Computed) -> Computed:
    """1 - p_i: the sum of the others above 1/2, a difference up to there."""
    others = complements(r, p.fmt, p.level)
    difference = exact(1.0, p.fmt, p.level) - p
    return others.where(p.value > 0.5, difference)


def _largest(*forms: Computed) -> Computed:
    return reduce(larger, forms)


def _identity(x: Array) -> Array:
    """The Kronecker symbol, shape (1, n, n)."""
    return np.eye(x.shape[-1], dtype=bool)[None]


def _equal(n: int) -> tuple[Array, Array, Array]:
    """δ_ij, δ_ik, δ_jk of a tensor (1, n, n, n)."""
    same = np.eye(n, dtype=bool)
    return same[None, :, :, None], same[None, :, None, :], same[None, None, :, :]


def _alone(x: Array, computed: Computed) -> Computed:
    """The same, without any error for rows of one entry: p = 1 and all that follows from it are exact."""
    if x.shape[-1] > 1:
        return computed
    return exact(computed.value, computed.fmt, computed.level)


TABLE: dict[str, RowsBound] = {
    "softmax_jacobian": RowsBound(softmax_jacobian, softmax_jacobian_terms),
    "softmax_jvp": RowsBound(softmax_vjp, softmax_vjp_terms),
    "softmax_vjp": RowsBound(softmax_vjp, softmax_vjp_terms),
    "softmax_backward": RowsBound(softmax_backward, softmax_backward_terms),
    "softmax_hessian": RowsBound(softmax_hessian, softmax_hessian_terms),
    "log_softmax_jacobian": RowsBound(log_softmax_jacobian, log_softmax_jacobian_terms),
    "log_softmax_vjp": RowsBound(log_softmax_vjp, log_softmax_vjp_terms),
    "log_softmax_backward": RowsBound(log_softmax_backward, log_softmax_backward_terms),
    "logsumexp_grad": RowsBound(logsumexp_grad),
    "logsumexp_hessian": RowsBound(softmax_jacobian, softmax_jacobian_terms),
}
