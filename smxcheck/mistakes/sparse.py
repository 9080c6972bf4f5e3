"""Wrong sparsemax, 1.5-entmax and Jacobians of them: the threshold, the power, the support."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import Rows, divide_by_sum, right_softmax, same, top

SPARSEMAX = "maximum(z - tau, 0), tau = (cumsum(sorted(z))[k-1] - 1)/k, k = sum(1 + j*sorted(z) > cumsum)"
ENTMAX = "maximum(z/2 - tau, 0)**2, tau from mean and variance of the k largest entries of z/2"
PROJECTION = "diag(s) - outer(s, s)/sum(s), s = (p > 0)"
SQUARE_ROOTS = "diag(s) - outer(s, s)/sum(s), s = sqrt(p)"


def wide(z: Rows) -> Rows:
    """16-bit numbers as float32, so that a wrong formula is wrong for its own reason."""
    return z.astype(np.float32) if z.dtype.itemsize < 4 else z


def _prefixes(z: Rows) -> tuple[Rows, Rows, Rows]:
    """Rows in descending order seen from their maximum, their cumulative sums, and 1 … n. -inf is far below."""
    x = wide(z)
    x = np.maximum(x - top(x), x.dtype.type(-64))
    ordered = -np.sort(-x, axis=1)
    return ordered, np.cumsum(ordered, axis=1), np.arange(1, z.shape[1] + 1, dtype=x.dtype)


def _at(values: Rows, k: Rows) -> Rows:
    return np.take_along_axis(values, k - 1, axis=1)


def _from_top(z: Rows) -> Rows:
    x = wide(z)
    return np.maximum(x - top(x), x.dtype.type(-64))


def _size(ordered: Rows, sums: Rows, j: Rows) -> Rows:
    return np.maximum((1 + j * ordered > sums).sum(axis=1, keepdims=True), 1)


def right_sparsemax(z: Rows) -> Rows:
    ordered, sums, j = _prefixes(z)
    k = _size(ordered, sums, j)
    return np.maximum(_from_top(z) - (_at(sums, k) - 1) / k.astype(sums.dtype), 0)


def cumulative_twice(z: Rows) -> Rows:
    """τ from the cumulative sum of the cumulative sums: right only where the support is one entry."""
    ordered, sums, j = _prefixes(z)
    k = _size(ordered, sums, j)
    return np.maximum(_from_top(z) - (_at(np.cumsum(sums, axis=1), k) - 1) / k.astype(sums.dtype), 0)


def one_too_few(z: Rows) -> Rows:
    """τ from k - 1 entries: the index of the last entry of the support taken for its size."""
    ordered, sums, j = _prefixes(z)
    k = np.maximum(_size(ordered, sums, j) - 1, 1)
    return np.maximum(_from_top(z) - (_at(sums, k) - 1) / k.astype(sums.dtype), 0)


def not_sorted(z: Rows) -> Rows:
    """Cumulative sums in the order of the input: right for descending rows."""
    x = _from_top(z)
    sums, j = np.cumsum(x, axis=1), np.arange(1, z.shape[1] + 1, dtype=x.dtype)
    k = _size(x, sums, j)
    return np.maximum(x - (_at(sums, k) - 1) / k.astype(sums.dtype), 0)


def not_clipped(z: Rows) -> Rows:
    ordered, sums, j = _prefixes(z)
    k = _size(ordered, sums, j)
    return _from_top(z) - (_at(sums, k) - 1) / k.astype(sums.dtype)


def all_entries(z: Rows) -> Rows:
    """τ = (Σ z - 1)/n over the whole row, as if every entry were in the support."""
    x = _from_top(z)
    return np.maximum(x - (x.sum(axis=1, keepdims=True) - 1) / x.dtype.type(x.shape[1]), 0)


def unshifted(z: Rows) -> Rows:
    """The algorithm as published, on the logits themselves, in the dtype: τ has lost what it is needed for."""
    largest = np.finfo(np.float32).max if z.dtype.itemsize < 4 else np.finfo(z.dtype).max
    x = np.maximum(wide(z), -np.sqrt(largest).astype(wide(z).dtype))
    ordered = -np.sort(-x, axis=1)
    sums, j = np.cumsum(ordered, axis=1), np.arange(1, z.shape[1] + 1, dtype=x.dtype)
    k = _size(ordered, sums, j)
    tau = ((_at(sums, k) - 1) / k.astype(sums.dtype)).astype(z.dtype)
    return np.maximum(z - tau, z.dtype.type(0))


def _entmax(z: Rows, halved: bool = True, moments: Callable[[Rows, Rows], Rows] | None = None) -> tuple[Rows, Rows]:
    """(z/2, τ), from the maximum."""
    x = _from_top(z) / (2 if halved else 1)
    ordered = -np.sort(-x, axis=1)
    j = np.arange(1, z.shape[1] + 1, dtype=x.dtype)
    mean, square = np.cumsum(ordered, axis=1) / j, np.cumsum(ordered * ordered, axis=1) / j
    variance = square - mean * mean if moments is None else moments(mean, square)
    tau = mean - np.sqrt(np.maximum(1 / j - variance, 0))
    return x, _at(tau, np.maximum((tau < ordered).sum(axis=1, keepdims=True), 1))


def right_entmax(z: Rows) -> Rows:
    x, tau = _entmax(z)
    return np.square(np.maximum(x - tau, 0))


def not_squared(z: Rows) -> Rows:
    x, tau = _entmax(z)
    return np.maximum(x - tau, 0)


def not_halved(z: Rows) -> Rows:
    """z for (α - 1) z: entmax of 2z."""
    x, tau = _entmax(z, halved=False)
    return np.square(np.maximum(x - tau, 0))


def mean_square_for_variance(z: Rows) -> Rows:
    """Σ z² for Σ (z - μ)²: right for ties alone."""
    x, tau = _entmax(z, moments=lambda mean, square: square)
    return np.square(np.maximum(x - tau, 0))


def unclipped_square(z: Rows) -> Rows:
    """(z/2 - τ)² without the maximum: what lies below the threshold grows again."""
    x, tau = _entmax(z)
    return np.square(x - tau)


def _jacobian(kernel: Callable[[Rows], Rows]) -> Callable[..., np.ndarray]:
    """``(z,)`` of shape (…, n) -> (…, n, n) from a function of rows -> (rows, n, n)."""

    def call(z: Any) -> np.ndarray:
        z = np.asarray(z)
        with np.errstate(all="ignore"):
            out = np.asarray(kernel(z.reshape(-1, z.shape[-1])))
        return out.astype(z.dtype).reshape(*z.shape, z.shape[-1])

    return call


def _centred(s: Rows, divisor: Any) -> Rows:
    """diag(s) - s sᵀ/divisor."""
    return np.eye(s.shape[1], dtype=s.dtype) * s[:, :, None] - s[:, :, None] * s[:, None, :] / divisor


def _inside(z: Rows) -> Rows:
    p = right_sparsemax(z)
    return (p > 0).astype(p.dtype)


def _total(s: Rows) -> Rows:
    return s.sum(axis=1)[:, None, None]


def row_length_for_support(z: Rows) -> Rows:
    """s sᵀ/n: the rows do not add up to 0."""
    s = _inside(z)
    return _centred(s, s.dtype.type(s.shape[1]))


def support_ignored(z: Rows) -> Rows:
    """I - 1/n everywhere: entries outside the support have no derivative."""
    ones = np.ones_like(_inside(z))
    return _centred(ones, _total(ones))


def diagonal_only(z: Rows) -> Rows:
    """The gradient passed through where p > 0, as for a rectifier."""
    s = _inside(z)
    return np.eye(s.shape[1], dtype=s.dtype) * s[:, :, None]


def jacobian_of_softmax(z: Rows) -> Rows:
    p = right_sparsemax(z)
    return _centred(p, 1)


def entmax_weights_p(z: Rows) -> Rows:
    """s = p, which is right for softmax (α = 1)."""
    p = right_entmax(z)
    return _centred(p, _total(p))


def entmax_not_normalised(z: Rows) -> Rows:
    """s sᵀ without the division by Σ s, which is not 1."""
    return _centred(np.sqrt(right_entmax(z)), 1)


def entmax_as_sparsemax(z: Rows) -> Rows:
    """s = [p > 0]: right for α = 2."""
    p = right_entmax(z)
    s = (p > 0).astype(p.dtype)
    return _centred(s, _total(s))


def entmax_chain_rule_halved(z: Rows) -> Rows:
    """The 2 of the square left out, the 1/2 of z/2 kept."""
    s = np.sqrt(right_entmax(z))
    return _centred(s, _total(s)) / 2


def softmax(z: Rows) -> Rows:
    """Of the same shape, positive everywhere."""
    return right_softmax(z)


def clipped_and_divided(z: Rows) -> Rows:
    """max(z, 0)/Σ max(z, 0): of the shape, and no projection."""
    return divide_by_sum(np.maximum(wide(z), 0))


TWO, THREE = ex([0.25, -0.125]), ex([0, 0.5, 1])
UNSORTED, FIVE = ex([0.75, -1.5, 1.25, 0.625, 1]), ex([0.125, 0.25, 0.375, 0.5, 0.625])
BROKEN = ("keras-team/keras#23425",)

TABLE = (
    Mistake("sparsemax/cumulative-twice", "tau = (cumsum(cumsum(sorted(z)))[k-1] - 1)/k", SPARSEMAX, "SMX101",
            same(cumulative_twice), (THREE, FIVE), families="X71", precedents=BROKEN),
    Mistake("sparsemax/all-entries", "tau = (sum(z) - 1)/n over the whole row", SPARSEMAX, "SMX101",
            same(all_entries), (THREE,), families="X71"),
    Mistake("sparsemax/not-clipped", "z - tau, without the maximum with 0", SPARSEMAX, "SMX101",
            same(not_clipped), (ex([0.25, 3, -1]),), families="X71"),
    Mistake("sparsemax/not-sorted", "tau from cumulative sums in the order of the input", SPARSEMAX, "SMX101",
            same(not_sorted), (UNSORTED,), families="X71"),
    Mistake("sparsemax/one-too-few", "tau from k - 1 entries", SPARSEMAX, "SMX101",
            same(one_too_few), (TWO,), families="X71"),
    Mistake("sparsemax/softmax", "exp(z)/sum(exp(z))", SPARSEMAX, "SMX101", same(softmax), (THREE,)),
    Mistake("sparsemax/unshifted", "tau from the logits without a shift", "z - max(z) for z first", "SMX101",
            same(unshifted), (ex([-1000, -1004, -1008]), ex([-1000.1, -1000.7, -1002.3])),
            families="X71", precedents=("tensorflow/tensorflow#15564", "tensorflow/addons#2314")),
    Mistake("entmax15/mean-square-for-variance", "tau = mean - sqrt(1/k - mean(z**2))", ENTMAX, "SMX101",
            same(mean_square_for_variance), (THREE,), families="X71"),
    Mistake("entmax15/not-clipped", "(z/2 - tau)**2, without the maximum with 0", ENTMAX, "SMX101",
            same(unclipped_square), (ex([0.25, 3, -1]),), families="X71"),
    Mistake("entmax15/not-halved", "maximum(z - tau, 0)**2", ENTMAX, "SMX101", same(not_halved), (TWO,), families="X71"),
    Mistake("entmax15/not-squared", "maximum(z/2 - tau, 0)", ENTMAX, "SMX101", same(not_squared), (TWO,), families="X71"),
    Mistake("entmax15/sparsemax", "sparsemax(z)", ENTMAX, "SMX101", same(right_sparsemax), (THREE,)),
    Mistake("sparsemax_jacobian/diagonal-only", "diag(s)", PROJECTION, "SMX101", _jacobian(diagonal_only), (TWO,)),
    Mistake("sparsemax_jacobian/row-length", "diag(s) - outer(s, s)/n", PROJECTION, "SMX101",
            _jacobian(row_length_for_support), (THREE,)),
    Mistake("sparsemax_jacobian/softmax", "diag(p) - outer(p, p)", PROJECTION, "SMX101",
            _jacobian(jacobian_of_softmax), (TWO,)),
    Mistake("sparsemax_jacobian/support-ignored", "identity - 1/n", PROJECTION, "SMX101",
            _jacobian(support_ignored), (THREE,)),
    Mistake("entmax15_jacobian/halved", "(diag(s) - outer(s, s)/sum(s))/2", SQUARE_ROOTS, "SMX101",
            _jacobian(entmax_chain_rule_halved), (TWO,)),
    Mistake("entmax15_jacobian/not-normalised", "diag(s) - outer(s, s)", SQUARE_ROOTS, "SMX101",
            _jacobian(entmax_not_normalised), (TWO,)),
    Mistake("entmax15_jacobian/sparsemax", "diag(s) - outer(s, s)/sum(s), s = (p > 0)", SQUARE_ROOTS, "SMX101",
            _jacobian(entmax_as_sparsemax), (TWO,)),
    Mistake("entmax15_jacobian/weights-p", "diag(p) - outer(p, p)", SQUARE_ROOTS, "SMX101",
            _jacobian(entmax_weights_p), (TWO,)),
)  # fmt: skip
