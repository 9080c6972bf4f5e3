"""Wrong derivatives of entropies, and of cross-entropies of distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes.loss_derivatives import curvature
from smxcheck.mistakes.model import SIXTEEN_BIT, WIDE, Mistake, ex
from smxcheck.mistakes.rows import (
    Axis,
    Rows,
    divide_by_sum,
    from_rows,
    number,
    real,
    right_log_softmax,
    right_softmax,
    to_rows,
    total,
)

ENTROPY_GRAD, ENTROPY_HESSIAN = "-log(p) - 1", "-diag(1/p)"
GRAD = "p*(d - sum(p*d)) with p = softmax(z), d = max(z) - z"
HESSIAN = "outer(p, p)*(1 - c_i - c_j) - diag(p*(1 - c)) with c = d - sum(p*d), d = max(z) - z"
CROSS_GRAD, CROSS_HESSIAN = "-p/q", "diag(p/q/q)"


def by_rows(formula: Callable[..., Rows], matrices: bool = False) -> Callable[..., np.ndarray]:
    """``(x, ..., axis)`` from a function of as many matrices of rows, which returns one of their shape, or with
    ``matrices`` one matrix for each row."""

    def call(*arrays: Any, axis: Axis = -1) -> np.ndarray:
        given = [real(a) for a in arrays]
        x = given[0]
        shape = (*x.shape, x.shape[-1]) if matrices else x.shape
        if x.size == 0:
            return np.zeros(shape, x.dtype)
        with np.errstate(all="ignore"):
            rows = np.asarray(formula(*(to_rows(a, axis)[0] for a in given))).astype(x.dtype, copy=False)
            return rows.reshape(shape) if matrices else from_rows(rows, x, axis)

    return call


def one(x: Rows) -> Any:
    return number(x, 1.0)


def row_sum(x: Rows) -> Rows:
    """The sum of each row, rounded to its dtype."""
    return total(x).astype(x.dtype)


def diagonal(entries: Rows) -> Rows:
    out = np.zeros((*entries.shape, entries.shape[1]), entries.dtype)
    i = np.arange(entries.shape[1])
    out[:, i, i] = entries
    return out


def outer(p: Rows) -> Rows:
    return p[:, :, None] * p[:, None, :]


def pairs(v: Rows) -> Rows:
    return v[:, :, None] + v[:, None, :]


# -- by probabilities


def entropy_sign(p: Rows) -> Rows:
    return np.log(p) + one(p)


def entropy_without_one(p: Rows) -> Rows:
    return -np.log(p)


def entropy_plus_one(p: Rows) -> Rows:
    return one(p) - np.log(p)


def entropy_base_two(p: Rows) -> Rows:
    return -np.log2(p) - number(p, 1 / math.log(2.0))


def entropy_guarded(p: Rows) -> Rows:
    """log 1 in place of log 0 gives -1 at 0, where the gradient is infinite."""
    return -np.log(np.where(p > 0, p, one(p))) - one(p)


def entropy_normalised(p: Rows) -> Rows:
    return -np.log(divide_by_sum(p)) - one(p)


def curvature_sign(p: Rows) -> Rows:
    return diagonal(one(p) / p)


def curvature_squared(p: Rows) -> Rows:
    return diagonal(-one(p) / (p * p))


def curvature_log(p: Rows) -> Rows:
    """The gradient on the diagonal."""
    return diagonal(-np.log(p) - one(p))


def curvature_everywhere(p: Rows) -> Rows:
    """-1/p in every row of the matrix: the Kronecker delta is missing."""
    return np.broadcast_to((-one(p) / p)[:, None, :], (*p.shape, p.shape[1]))


def curvature_multinomial(p: Rows) -> Rows:
    return -curvature(p)


def cross_sign(p: Rows, q: Rows) -> Rows:
    return p / q


def cross_by_p(p: Rows, q: Rows) -> Rows:
    return -np.log(q)


def cross_swapped(p: Rows, q: Rows) -> Rows:
    return -q / p


def cross_by_logits(p: Rows, q: Rows) -> Rows:
    """The gradient by the logits of q."""
    return q - p


def cross_clipped(p: Rows, q: Rows) -> Rows:
    """q clipped at 1e-7: -1e7·p where -inf is right. In float16 that overflows to -inf."""
    return -p / np.maximum(q, number(q, 1e-7))


def cross_curvature_sign(p: Rows, q: Rows) -> Rows:
    return diagonal(-p / q / q)


def cross_curvature_power(p: Rows, q: Rows) -> Rows:
    return diagonal(p / q)


def cross_curvature_without_p(p: Rows, q: Rows) -> Rows:
    return diagonal(one(q) / q / q)


def cross_curvature_outer(p: Rows, q: Rows) -> Rows:
    """g·gᵀ with g = -p/q."""
    return outer(p / q)


def cross_curvature_square(p: Rows, q: Rows) -> Rows:
    """q² underflows long before p/q² overflows. The smallest normal numbers of float16 are too large for that."""
    return diagonal(p / (q * q))


# -- the entropy by logits


def published_gradient(z: Rows) -> Rows:
    """p - 1: all steps of the derivation hold but the last."""
    return right_softmax(z) - one(z)


def entropy_uncentred(z: Rows) -> Rows:
    """-p (log p + 1): the derivative by p, times p; Σ p is taken to vary with the logits."""
    return -right_softmax(z) * (_log_p(z) + one(z))


def entropy_gradient_sign(z: Rows) -> Rows:
    return right_softmax(z) * (_log_p(z) + _entropy(z))


def entropy_by_probabilities(z: Rows) -> Rows:
    """-log p - 1, not multiplied with the Jacobian of softmax."""
    return -right_log_softmax(z) - one(z)


def entropy_of_log_softmax(z: Rows) -> Rows:
    """log of a softmax that underflowed: 0·(-inf)."""
    p = right_softmax(z)
    return -p * (np.log(p) - row_sum(p * np.log(p)))


def entropy_from_logits(z: Rows) -> Rows:
    """Σ p z and z nearly cancel at an offset. In 16 bit the offset has no digits to spare, and the sum is float32."""
    p, there = right_softmax(z), np.where(z == -np.inf, number(z, 0.0), z)
    return p * (row_sum(p * there) - there)


def _log_p(z: Rows) -> Rows:
    """log p, 0 where p is: nothing is NaN at a masked class."""
    return np.where(right_softmax(z) == 0, number(z, 0.0), right_log_softmax(z))


def _entropy(z: Rows) -> Rows:
    return -row_sum(right_softmax(z) * _log_p(z))


def published_curvature(z: Rows) -> Rows:
    return curvature(right_softmax(z))


def entropy_curvature(z: Rows) -> Rows:
    """The textbook form, whose diagonal cancels in a peaked row: ``standard`` grants that. A 16-bit softmax is float32
    here, which has digits to lose."""
    p, log_p, h = right_softmax(z), _log_p(z), _entropy(z)
    double = (number(z, 2.0) * h + one(z))[:, :, None]
    return outer(p) * (pairs(log_p) + double) - diagonal(p * (log_p + h + one(z)))


def entropy_curvature_sign(z: Rows) -> Rows:
    return -entropy_curvature(z)


def entropy_curvature_diagonal(z: Rows) -> Rows:
    return entropy_curvature(z) * np.eye(z.shape[1], dtype=z.dtype)


def entropy_curvature_one_entropy(z: Rows) -> Rows:
    """H in place of 2H."""
    return entropy_curvature(z) - outer(right_softmax(z)) * _entropy(z)[:, :, None]


def entropy_curvature_without_delta(z: Rows) -> Rows:
    p, log_p, h = right_softmax(z), _log_p(z), _entropy(z)
    return outer(p) * (pairs(log_p) + (number(z, 2.0) * h + one(z))[:, :, None])


_P, _Q, _Z = [[0.5, 0.125, 0.25]], [[0.125, 0.375, 0.5]], [[0.0, 1.0, 3.0]]
_FAR = [[0.0, -1000.0, -2.0]]
_ONE, _TWO, _LOGITS = (ex(_P),), (ex(_P, _Q),), (ex(_Z),)


def mistakes_of(instead: str, prefix: str) -> Callable[..., Mistake]:
    def make(name: str, text: str, call: Any, examples: Any, check: str = "SMX101", **more: Any) -> Mistake:
        matrices = prefix.endswith("hessian")
        return Mistake(f"{prefix}/{name}", text, instead, check, by_rows(call, matrices), examples, **more)

    return make


_eg, _eh = mistakes_of(ENTROPY_GRAD, "entropy_grad"), mistakes_of(ENTROPY_HESSIAN, "entropy_hessian")
_cg = mistakes_of(CROSS_GRAD, "distribution_cross_entropy_grad")
_ch = mistakes_of(CROSS_HESSIAN, "distribution_cross_entropy_hessian")
_sg, _sh = mistakes_of(GRAD, "softmax_entropy_grad"), mistakes_of(HESSIAN, "softmax_entropy_hessian")

TABLE = (
    _eg("sign", "log(p) + 1", entropy_sign, _ONE, families="X61"),
    _eg("without-1", "-log(p)", entropy_without_one, _ONE),
    _eg("plus-1", "1 - log(p)", entropy_plus_one, _ONE),
    _eg("base-two", "-log2(p) - 1/log(2)", entropy_base_two, _ONE, families="X70"),
    _eg("guarded", "-log(where(p > 0, p, 1)) - 1", entropy_guarded, (ex([[0.5, 0.5, 0.0]]),), "SMX103"),
    _eg("normalised", "-log(p/sum(p)) - 1", entropy_normalised, _ONE, families="X70"),
    _eh("sign", "diag(1/p)", curvature_sign, _ONE),
    _eh("squared", "-diag(1/p**2)", curvature_squared, _ONE),
    _eh("gradient", "diag(-log(p) - 1)", curvature_log, _ONE),
    _eh("without-delta", "-1/p in every row", curvature_everywhere, _ONE),
    _eh("multinomial", "outer(p, p) - diag(p)", curvature_multinomial, _ONE),
    _cg("sign", "p/q", cross_sign, _TWO, families="X61"),
    _cg("by-p", "-log(q)", cross_by_p, _TWO),
    _cg("swapped", "-q/p", cross_swapped, _TWO, families="X69"),
    _cg("by-logits", "q - p", cross_by_logits, _TWO),
    _cg("clipped", "-p/max(q, 1e-7)", cross_clipped, (ex([[0.5, 0.5]], [[1.0, 0.0]]),), "SMX103", families="X27",
        dtypes=("bfloat16", *WIDE), equivalent=("float16",)),
    _ch("sign", "-diag(p/q**2)", cross_curvature_sign, _TWO),
    _ch("power", "diag(p/q)", cross_curvature_power, _TWO),
    _ch("without-p", "diag(1/q**2)", cross_curvature_without_p, _TWO),
    _ch("outer", "outer(p/q, p/q)", cross_curvature_outer, _TWO),
    _ch("square-underflows", "diag(p/(q*q))", cross_curvature_square,
        tuple(ex([[1e-30 * e]], [[32 * 1e-30 * e]]) for e in (1.0, 1e-170)), "SMX102",
        dtypes=("bfloat16", *WIDE), equivalent=("float16",)),
    _sg("published", "p - 1", published_gradient, _LOGITS),
    _sg("uncentred", "-p*(log(p) + 1)", entropy_uncentred, _LOGITS, families="X62"),
    _sg("sign", "p*(log(p) + H)", entropy_gradient_sign, _LOGITS, families="X61"),
    _sg("by-probabilities", "-log(p) - 1", entropy_by_probabilities, _LOGITS),
    _sg("zero-times-infinity", "-p*(log(p) + H) with p = softmax(z), NaN where p is 0", entropy_of_log_softmax,
        (ex(_FAR),), "SMX102", families="X57", precedents=("pytorch/pytorch#40553", "huggingface/trl#7221")),
    _sg("from-logits", "p*(sum(p*z) - z)", entropy_from_logits, (ex([[1000.0, 999.0, 998.0]]),),
        families="X28", dtypes=WIDE, equivalent=SIXTEEN_BIT),
    _sh("published", "diag(p) - outer(p, p)", published_curvature, _LOGITS),
    _sh("textbook", "outer(p, p)*(log(p_i) + log(p_j) + 2*H + 1) - diag(p*(log(p) + H + 1))", entropy_curvature,
        (ex([[0.0, -8.0, -8.0]]),), fails="tight", dtypes=WIDE, equivalent=SIXTEEN_BIT),
    _sh("sign", "the Hessian negated", entropy_curvature_sign, _LOGITS),
    _sh("diagonal", "the diagonal alone", entropy_curvature_diagonal, _LOGITS, families="X66"),
    _sh("one-entropy", "H in place of 2*H", entropy_curvature_one_entropy, _LOGITS),
    _sh("without-delta", "outer(p, p)*(log(p_i) + log(p_j) + 2*H + 1)", entropy_curvature_without_delta, _LOGITS),
)  # fmt: skip
