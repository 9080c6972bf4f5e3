"""What is made of a row of weights: shares p = w/W with W = Σ_k w_k, their logarithms and derivatives, the entropy.

No difference is formed that could be a sum: 1 - p_i is the other weights over W, log p_i of a large share is
-log1p(others/w_i), H is a sum of -p·log p ≥ 0. Kernels take `Weights` (b, n) and return float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from smxcheck.functions.arrays import Array, as_rows, from_rows, reduced_axes, rounded
from smxcheck.functions.rows import blocks
from smxcheck.functions.weights import Weights

#: Below this a weight in units of its row has lost digits to underflow, and its logarithm comes from its own.
_SMALL = 2.0**-900

Kernel = Callable[[Weights], Array]


def apply(kernel: Kernel, weigh: Callable[..., Weights], z: Array, answer: tuple[int, ...], *beside: Array) -> Array:
    """The kernel's answers, ``answer`` elements for each row of the last axis, rounded once to the dtype of z.

    ``weigh`` takes a block of rows and of each array ``beside``, one value for each row. A row with nan or an infinity
    is nan.
    """
    axes = reduced_axes(-1, z.ndim)
    rows = as_rows(z, axes)
    outer = z.shape[:-1]
    result = np.zeros((len(rows), *answer), z.dtype)
    if rows.size:
        defined = np.asarray(np.isfinite(rows).all(axis=-1))
        result[~defined] = np.nan
        at = np.flatnonzero(defined)
        for some in blocks(len(at), max(rows.shape[1], math.prod(answer))):
            block = at[some]
            with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
                values = kernel(weigh(rows[block], *(b[block] for b in beside)))
            result[block] = rounded(values, z.dtype)
    if answer == rows.shape[1:]:
        return from_rows(result, z.shape, axes)
    shaped: Array = result.reshape(outer + answer)[()]
    return shaped


def softmax(w: Weights) -> Array:
    """p_i = w_i / W."""
    weight = _in_row(w)
    return np.asarray(weight / _sum(weight))


def jacobian(w: Weights) -> Array:
    """(s_j/W)(δ_ij - p_i), the diagonal with the sum of the others; (b, n, n)."""
    weight = _in_row(w)
    rest = _others(weight) / _sum(weight)
    out = -_times_slope(w, softmax(w)[:, :, None])
    return _with_diagonal(out, _times_slope(w, rest[:, None, :])[:, 0])


def log_softmax(w: Weights) -> Array:
    """-log1p(others/w_i) for a share of a half or more, else log(w_i/W); -inf for a weight of 0."""
    weight = _in_row(w)
    total = _sum(weight)
    large = weight >= total - weight
    near = 0.0 - np.log1p(_left_out(weight) / np.where(large, weight, 1.0))
    far = np.where(weight >= _SMALL, np.log(weight / total), _log_weight(w) - np.log(total))
    return np.where(large, near, far)


def _log_weight(w: Weights) -> Array:
    """log w in units of the row."""
    top = w.exponent.max(axis=-1, keepdims=True)
    return np.asarray((np.log(w.weight) if w.log is None else w.log) + (w.exponent - top) * math.log(2.0))


def _log_ratio(w: Weights) -> Array:
    """log(w_i/max w), exactly 0 at the maximum."""
    weight, logs = _in_row(w), _log_weight(w)
    top = weight.argmax(axis=-1)[:, None]
    apart = logs - np.take_along_axis(logs, top, axis=-1)
    if w.log is not None:
        return np.asarray(apart)
    ratio = weight / np.take_along_axis(weight, top, axis=-1)
    return np.asarray(np.where(weight >= _SMALL, np.log(ratio), apart))


def log_jacobian(w: Weights) -> Array:
    """-s_j/W, on the diagonal (s_j/w_j)·(others/W); (b, n, n)."""
    weight = _in_row(w)
    n = weight.shape[-1]
    out = -_times_slope(w, np.ones((1, n, 1)))
    rest = _others(weight) / _sum(weight)
    return _with_diagonal(out, _times_power(w.slope / w.weight * rest, w.slope_exponent - w.exponent))


def entropy(w: Weights) -> Array:
    """H = -Σ p log p, (b,); a share that underflows adds 0."""
    p = softmax(w)
    return np.asarray(0.0 - np.where(p == 0, 0.0, p * log_softmax(w)).sum(axis=-1))


def entropy_grad(w: Weights) -> Array:
    """-(s_i/W)(log p_i + H) as -(s_i/W)(r_i - Σ p r), r = log(w/max w): log W cancels, and is left out."""
    ratio = _log_ratio(w)
    p = softmax(w)
    centred = ratio - _sum(np.where(p == 0, 0.0, p * ratio))
    return np.asarray(0.0 - _times_slope(w, centred[:, None, :])[:, 0])


def _times_slope(w: Weights, factor: Array) -> Array:
    """(s_j/W)·factor for a factor (b, i, j); the power of two comes last, since s_j/W alone may overflow."""
    top = w.exponent.max(axis=-1, keepdims=True)
    share = (w.slope / _sum(_in_row(w)))[:, None, :]
    return _times_power(share * factor, (w.slope_exponent - top)[:, None, :])


def _in_row(w: Weights) -> Array:
    """The weights in units of the largest exponent of their row."""
    return _times_power(w.weight, w.exponent - w.exponent.max(axis=-1, keepdims=True))


def _times_power(values: Array, exponent: Array) -> Array:
    return np.asarray(np.ldexp(values, np.clip(exponent, -5000, 5000)))


def _sum(weight: Array) -> Array:
    return np.asarray(weight.sum(axis=-1, keepdims=True))


def _left_out(weight: Array) -> Array:
    """Σ_{k≠i} w_k: without the largest weight it is summed; a difference loses nothing at any other."""
    row, top = np.arange(len(weight)), weight.argmax(axis=-1)
    others = weight.copy()
    others[row, top] = 0.0
    rest = others.sum(axis=-1)
    out: Array = (rest + weight[row, top])[:, None] - weight
    out[row, top] = rest
    return out


def _others(weight: Array) -> Array:
    """The same with each of the n sums added up on its own: for Jacobians, which have n² elements anyway."""
    n = weight.shape[-1]
    return np.asarray(np.where(np.eye(n, dtype=bool), 0.0, weight[:, None, :]).sum(axis=-1))


def _with_diagonal(matrix: Array, diagonal: Array) -> Array:
    i = np.arange(matrix.shape[-1])
    matrix[:, i, i] = diagonal
    return matrix
