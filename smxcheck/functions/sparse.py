"""Sparsemax, 1.5-entmax and their Jacobians, in float64, rounded once.

Both are projections whose small entries are exactly 0. Rows are seen from their maximum, so that nothing is lost at a large
offset: with gaps d_i = max z - z_i (half of it for entmax) and t = max - τ ≤ 1, the answer is (t - d_i)₊ or its square, and
only entries with d_i < t count. The sums over them are compensated. An entry of -inf is outside; a row with nan, with +inf
or of nothing but -inf has no answer: all of it is nan.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, Axis, as_real, rounded
from smxcheck.functions.rows import blocks, map_rows, quiet
from smxcheck.functions.shift import sum_in_two_parts

#: No gap beyond this reaches the support, since t ≤ 1; cut here, a gap of inf does no harm in a sum.
_FAR = 2.0


def sparsemax(z: ArrayLike, axis: Axis = -1) -> Array:
    """max(z_i - τ, 0) with τ such that they add up to 1: the Euclidean projection onto the simplex.

    τ = (Σ z - 1)/k over the k largest entries, k the largest number with 1 + k z_(k) > Σ_{j≤k} z_(j). Shape and dtype of
    z. Raises TypeError for what is not real, AxisError for the axis. Source: Martins & Astudillo, "From softmax to
    sparsemax", ICML 2016, Algorithm 1.
    """
    return _sparsemax(z, axis)


def entmax15(z: ArrayLike, axis: Axis = -1) -> Array:
    """max(z_i / 2 - τ, 0)² with τ such that they add up to 1: α-entmax with α = 1.5, between softmax and sparsemax.

    Over the k largest entries of z/2 with mean μ, τ = μ - √((1 - Σ (z/2 - μ)²)/k), k the largest number with
    τ < z_(k)/2. Shape and dtype of z. Raises TypeError for what is not real, AxisError for the axis. Source: Peters,
    Niculae & Martins, "Sparse sequence-to-sequence models", ACL 2019, Algorithm 2.
    """
    return _entmax15(z, axis)


def sparsemax_jacobian(z: ArrayLike) -> Array:
    """∂p_i/∂z_j = s_i (δ_ij - s_j / Σ_k s_k) with s_i = [p_i > 0], along the last axis.

    z of shape (…, n) gives (…, n, n), the last axis holding the variable; dtype of z. A number counts as a row of one.
    Where z_i = τ for some i, this is the derivative from the side on which p_i stays 0. Raises TypeError for what is not
    real.
    """
    return _expanded(_sparsemax_jacobian, z)


def entmax15_jacobian(z: ArrayLike) -> Array:
    """∂p_i/∂z_j = s_i (δ_ij - s_j / Σ_k s_k) with s_i = √p_i, along the last axis; shapes, dtype and errors as for
    `sparsemax_jacobian`."""
    return _expanded(_entmax15_jacobian, z)


@map_rows
def _sparsemax(rows: Array) -> Array:
    gaps, inside, k = _support(rows, 1, _linear)
    total, low = _sum(gaps, inside)
    return np.where(inside, ((1.0 + total) + low) / k - gaps, gaps * 0.0)


@map_rows
def _entmax15(rows: Array) -> Array:
    return np.square(_roots(rows)[0])


def _roots(rows: Array) -> tuple[Array, Array]:
    """√p = (t - d)₊, and the support."""
    gaps, inside, k = _support(rows, 2, _quadratic)
    mean = _sum(gaps, inside)[0] / k
    total, low = _sum(np.square(gaps - mean), inside)
    threshold = mean + np.sqrt(((1.0 - total) - low) / k)
    return np.where(inside, threshold - gaps, gaps * 0.0), inside


def _sparsemax_jacobian(rows: Array) -> Array:
    gaps, inside, k = _support(rows, 1, _linear)
    both = inside[:, :, None] & inside[:, None, :]
    k = k[:, :, None]
    centring = np.where(np.eye(rows.shape[1], dtype=bool), (k - 1.0) / k, -1.0 / k)
    return np.asarray(np.where(both, centring, 0.0) + gaps.max(axis=-1)[:, None, None] * 0.0)


def _entmax15_jacobian(rows: Array) -> Array:
    """The diagonal as s_i Σ_{k≠i} s_k / Σ s: nothing cancels."""
    s, _ = _roots(rows)
    eye = np.eye(rows.shape[1], dtype=bool)
    others = np.where(eye, 0.0, s[:, None, :]).sum(axis=-1)
    out = np.where(eye, (s * others)[:, :, None], -(s[:, :, None] * s[:, None, :]))
    return np.asarray(out / s.sum(axis=-1)[:, None, None])


def _support(rows: Array, divisor: int, holds: Callable[[Array, Array], Array]) -> tuple[Array, Array, Array]:
    """The gaps, which of them belong to the support, and how many, (b, 1). ``holds`` gets the gaps in ascending order and
    their number from the first on, and says which prefixes hold their own last entry: all up to the support, none after."""
    wide = rows.astype(np.float64)
    top = wide.max(axis=-1, keepdims=True)
    gaps = np.minimum((top - wide) / divisor, _FAR) + (top - top)  # nan for a row without an answer
    ordered = np.sort(gaps, axis=-1)
    k = np.maximum(holds(ordered, np.arange(1.0, rows.shape[1] + 1)).sum(axis=-1, keepdims=True), 1)
    return gaps, gaps <= np.take_along_axis(ordered, k - 1, axis=-1), k.astype(np.float64)


def _linear(ordered: Array, k: Array) -> Array:
    """t > d_(k) with t = (1 + Σ d)/k."""
    return np.asarray(1.0 + np.cumsum(ordered, axis=-1) > k * ordered)


def _quadratic(ordered: Array, k: Array) -> Array:
    """t > d_(k) with t = μ + √((1 - Σ (d - μ)²)/k), the sum from the moments."""
    mean = np.cumsum(ordered, axis=-1) / k
    rest = 1.0 - (np.cumsum(np.square(ordered), axis=-1) - k * np.square(mean))
    return np.asarray(rest > k * np.square(ordered - mean))


def _sum(values: Array, inside: Array) -> tuple[Array, Array]:
    return sum_in_two_parts(np.where(inside, values, 0.0))


def _expanded(kernel: Callable[[Array], Array], z: ArrayLike) -> Array:
    """A kernel (b, n) → (b, n, n) as a function of z of shape (…, n)."""
    array = np.atleast_1d(as_real(z, "z"))
    n = array.shape[-1]
    rows = np.ascontiguousarray(array).reshape(-1, n) if array.size else np.empty((0, n), array.dtype)
    result = np.empty((len(rows), n, n), array.dtype)
    silent = quiet(kernel)
    for some in blocks(len(rows), n * n):
        result[some] = rounded(silent(rows[some]), array.dtype)
    return result.reshape((*array.shape, n))


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


TABLE: dict[str, dict[str, Algorithm]] = {
    "sparsemax": _only(sparsemax, "sorted gaps to the maximum, compensated sum"),
    "sparsemax_jacobian": _only(sparsemax_jacobian, "δ - 1/k on the support"),
    "entmax15": _only(entmax15, "sorted gaps to the maximum, two passes for the variance"),
    "entmax15_jacobian": _only(entmax15_jacobian, "-s sᵀ/Σ s, on the diagonal s times the sum of the others"),
}
