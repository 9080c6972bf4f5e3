"""The projections onto the simplex, the samplers and adaptive softmax, as the formulas of the catalog are written in NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, quiet, right
from smxcheck.right_forms.parts import eye as _eye
from smxcheck.right_forms.parts import largest as _max
from smxcheck.right_forms.parts import softmax as _softmax
from smxcheck.right_forms.parts import total as _sum

#: The forms below.
TABLE: list[RightForm] = []


def _log_softmax(z: Array) -> Array:
    d = z - _max(z)
    return d - np.log(_sum(np.exp(d)))


# projections onto the simplex


def _last(z: Array, axis: Array, project: Callable[[Array], Array]) -> Array:
    return np.moveaxis(project(np.moveaxis(z, axis, -1)), -1, axis)


def _sparsemax(z: Array) -> Array:
    d = z - _max(z)
    s = -np.sort(-d, axis=-1)
    total, k = np.cumsum(s, axis=-1), np.arange(1, z.shape[-1] + 1).astype(z.dtype)
    size = _sum(1 + k * s > total)
    threshold = (np.take_along_axis(total, size - 1, -1) - 1) / size.astype(z.dtype)
    return np.maximum(d - threshold, 0)


def _entmax15(z: Array) -> Array:
    d = (z - _max(z)) / 2
    s = -np.sort(-d, axis=-1)
    k = np.arange(1, z.shape[-1] + 1).astype(z.dtype)
    mean, mean_square = np.cumsum(s, axis=-1) / k, np.cumsum(s * s, axis=-1) / k
    thresholds = mean - np.sqrt(np.maximum((1 - k * (mean_square - mean * mean)) / k, 0))
    size = _sum(thresholds <= s)
    return np.maximum(d - np.take_along_axis(thresholds, size - 1, -1), 0) ** 2


def _bisected(d: Array, power: int) -> Array:
    """max(d - τ, 0)^power, τ in [-1, 0] by bisection until no number is left between, then divided by its sum."""
    low, high = np.full_like(_max(d), -1), np.zeros_like(_max(d))
    for _ in range(2 * np.finfo(d.dtype).nmant):
        middle = (low + high) / 2
        enough = _sum(np.maximum(d - middle, 0) ** power) >= 1
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    p = np.maximum(d - low, 0) ** power
    return p / _sum(p)


def _support_jacobian(s: Array) -> Array:
    return _eye(s) * s[..., None] - s[..., :, None] * s[..., None, :] / _sum(s)[..., None]


@right(TABLE, "sparsemax", "max(z - τ, 0), τ from sorted prefix sums")
@quiet
def sparsemax_sorted(z: Array, axis: int = -1) -> Array:
    return _last(z, axis, _sparsemax)


@right(TABLE, "sparsemax", "max(z - τ, 0), τ by bisection")
@quiet
def sparsemax_bisected(z: Array, axis: int = -1) -> Array:
    return _last(z, axis, lambda rows: _bisected(rows - _max(rows), 1))


@right(TABLE, "sparsemax_jacobian", "diag(s) - s sᵀ / Σ s, s = [p > 0]")
@quiet
def sparsemax_jacobian_of_support(z: Array) -> Array:
    return _support_jacobian((_sparsemax(z) > 0).astype(z.dtype))


@right(TABLE, "entmax15", "max(z / 2 - τ, 0)², τ from sorted prefix moments")
@quiet
def entmax15_sorted(z: Array, axis: int = -1) -> Array:
    return _last(z, axis, _entmax15)


@right(TABLE, "entmax15", "max(z / 2 - τ, 0)², τ by bisection")
@quiet
def entmax15_bisected(z: Array, axis: int = -1) -> Array:
    return _last(z, axis, lambda rows: _bisected((rows - _max(rows)) / 2, 2))


@right(TABLE, "entmax15_jacobian", "diag(s) - s sᵀ / Σ s, s = √p")
@quiet
def entmax15_jacobian_of_roots(z: Array) -> Array:
    return _support_jacobian(np.sqrt(_entmax15(z)))


# samples


def _relaxed(logits: Array, noise: Array, tau: float) -> Array:
    d = logits + noise
    return _softmax((d - _max(d)) / tau)


@right(TABLE, "gumbel_softmax", "softmax((z + g) / τ), shifted")
@quiet
def gumbel_softmax_relaxed(logits: Array, noise: Array, tau: float = 1.0, hard: bool = False) -> Array:
    y = _relaxed(logits, noise, tau)
    return _eye(y)[np.argmax(y, axis=-1)] if hard else y


@right(TABLE, "gumbel_softmax_jacobian", "y_i (δ_ij - y_j) / τ")
@quiet
def gumbel_softmax_jacobian_factored(logits: Array, noise: Array, tau: float = 1.0) -> Array:
    y = _relaxed(logits, noise, tau)
    return y[..., :, None] * (_eye(y) - y[..., None, :]) / tau


@right(TABLE, "gumbel_max_sample", "argmax(z - log(-log u))")
@quiet
def gumbel_max_sample_of_uniforms(logits: Array, draws: int = 10_000, seed: int = 0) -> Array:
    u = np.random.default_rng(seed).random((*logits.shape[:-1], draws, logits.shape[-1]))
    return np.argmax(logits[..., None, :] - np.log(-np.log(u)), axis=-1)


@right(TABLE, "gumbel_max_sample", "argmax(z + g), g drawn as Gumbel noise")
@quiet
def gumbel_max_sample_of_noise(logits: Array, draws: int = 10_000, seed: int = 0) -> Array:
    noise = np.random.default_rng(seed).gumbel(size=(*logits.shape[:-1], draws, logits.shape[-1]))
    return np.argmax(logits[..., None, :] + noise, axis=-1)


# large vocabularies


def _clusters(sizes: Sequence[int]) -> list[slice]:
    ends = np.cumsum(sizes, dtype=int)
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


@right(TABLE, "adaptive_log_softmax", "log_softmax(head) and log p_c + log_softmax(tail_c), joined")
@quiet
def adaptive_log_softmax_joined(head: Array, tail: Array, sizes: Sequence[int] = ()) -> Array:
    h, short = _log_softmax(head), head.shape[-1] - len(sizes)
    clusters = [
        h[..., short + c, None] + _log_softmax(tail[..., part]) for c, part in enumerate(_clusters(sizes))
    ]
    return np.concatenate([h[..., :short], *clusters], axis=-1)


@right(TABLE, "adaptive_log_softmax_jacobian", "its Jacobian, block by block")
@quiet
def adaptive_log_softmax_jacobian_blocks(head: Array, tail: Array, sizes: Sequence[int] = ()) -> Array:
    h, short = head.shape[-1], head.shape[-1] - len(sizes)
    out = np.zeros((*head.shape[:-1], short + tail.shape[-1], h + tail.shape[-1]), head.dtype)
    by_head = _eye(head) - _softmax(head)[..., None, :]
    out[..., :short, :h] = by_head[..., :short, :]
    for c, part in enumerate(_clusters(sizes)):
        rows, columns = slice(short + part.start, short + part.stop), slice(h + part.start, h + part.stop)
        out[..., rows, :h] = by_head[..., short + c, None, :]
        out[..., rows, columns] = _eye(tail[..., part]) - _softmax(tail[..., part])[..., None, :]
    return out
