"""Right implementations of the projections onto the simplex, the samplers and adaptive softmax, as the formulas of the
catalog are written in NumPy; also usable as a user's file:
``smxcheck verify tests/implementations/right_sparse.py:sparsemax_sorted``.

They take NumPy arrays of float16, bfloat16, float32 or float64. 16-bit input is computed in float32 and rounded once.
None of them warns.
"""

import functools

import numpy as np


def _wide(x):
    """Wide enough to compute in; labels and other integers stay as they are."""
    return x.astype(np.float32) if x.dtype.kind not in "iub" and x.dtype.itemsize < 4 else x


#: Everything below: name, function, callable, arrays.
RIGHT = []


def _right(name):
    """A form of the function ``name``: wide arithmetic inside, the first argument's dtype outside (indices stay), no warnings."""

    def enter(function):
        @functools.wraps(function)
        def call(x, *rest, **keywords):
            x = np.asarray(x)
            x = x.astype(np.float64) if x.dtype.kind in "iub" else x
            with np.errstate(all="ignore"):
                y = np.asarray(function(_wide(x), *(_wide(np.asarray(a)) for a in rest), **keywords))
            return y if y.dtype.kind == "i" else y.astype(x.dtype)

        RIGHT.append((function.__name__, name, call, "numpy"))
        return call

    return enter


def _sum(x):
    return np.sum(x, axis=-1, keepdims=True)


def _max(x):
    return np.max(x, axis=-1, keepdims=True)


def _eye(x):
    return np.eye(x.shape[-1], dtype=x.dtype)


def _softmax(z):
    e = np.exp(z - _max(z))
    return e / _sum(e)


def _log_softmax(z):
    d = z - _max(z)
    return d - np.log(_sum(np.exp(d)))


# projections onto the simplex


def _last(z, axis, project):
    return np.moveaxis(project(np.moveaxis(z, axis, -1)), -1, axis)


def _sparsemax(z):
    d = z - _max(z)
    s = -np.sort(-d, axis=-1)
    total, k = np.cumsum(s, axis=-1), np.arange(1, z.shape[-1] + 1).astype(z.dtype)
    size = _sum(1 + k * s > total)
    threshold = (np.take_along_axis(total, size - 1, -1) - 1) / size.astype(z.dtype)
    return np.maximum(d - threshold, 0)


def _entmax15(z):
    d = (z - _max(z)) / 2
    s = -np.sort(-d, axis=-1)
    k = np.arange(1, z.shape[-1] + 1).astype(z.dtype)
    mean, mean_square = np.cumsum(s, axis=-1) / k, np.cumsum(s * s, axis=-1) / k
    thresholds = mean - np.sqrt(np.maximum((1 - k * (mean_square - mean * mean)) / k, 0))
    size = _sum(thresholds <= s)
    return np.maximum(d - np.take_along_axis(thresholds, size - 1, -1), 0) ** 2


def _bisected(d, power):
    """max(d - τ, 0)^power, τ in [-1, 0] by bisection until no number is left between, then divided by its sum."""
    low, high = np.full_like(_max(d), -1), np.zeros_like(_max(d))
    for _ in range(2 * np.finfo(d.dtype).nmant):
        middle = (low + high) / 2
        enough = _sum(np.maximum(d - middle, 0) ** power) >= 1
        low, high = np.where(enough, middle, low), np.where(enough, high, middle)
    p = np.maximum(d - low, 0) ** power
    return p / _sum(p)


def _support_jacobian(s):
    return _eye(s) * s[..., None] - s[..., :, None] * s[..., None, :] / _sum(s)[..., None]


@_right("sparsemax")
def sparsemax_sorted(z, axis=-1):
    return _last(z, axis, _sparsemax)


@_right("sparsemax")
def sparsemax_bisected(z, axis=-1):
    return _last(z, axis, lambda rows: _bisected(rows - _max(rows), 1))


@_right("sparsemax_jacobian")
def sparsemax_jacobian_of_support(z):
    return _support_jacobian((_sparsemax(z) > 0).astype(z.dtype))


@_right("entmax15")
def entmax15_sorted(z, axis=-1):
    return _last(z, axis, _entmax15)


@_right("entmax15")
def entmax15_bisected(z, axis=-1):
    return _last(z, axis, lambda rows: _bisected((rows - _max(rows)) / 2, 2))


@_right("entmax15_jacobian")
def entmax15_jacobian_of_roots(z):
    return _support_jacobian(np.sqrt(_entmax15(z)))


# samples


def _relaxed(logits, noise, tau):
    d = logits + noise
    return _softmax((d - _max(d)) / tau)


@_right("gumbel_softmax")
def gumbel_softmax_relaxed(logits, noise, tau=1.0, hard=False):
    y = _relaxed(logits, noise, tau)
    return _eye(y)[np.argmax(y, axis=-1)] if hard else y


@_right("gumbel_softmax_jacobian")
def gumbel_softmax_jacobian_factored(logits, noise, tau=1.0):
    y = _relaxed(logits, noise, tau)
    return y[..., :, None] * (_eye(y) - y[..., None, :]) / tau


@_right("gumbel_max_sample")
def gumbel_max_sample_of_uniforms(logits, draws=10_000, seed=0):
    u = np.random.default_rng(seed).random((*logits.shape[:-1], draws, logits.shape[-1]))
    return np.argmax(logits[..., None, :] - np.log(-np.log(u)), axis=-1)


@_right("gumbel_max_sample")
def gumbel_max_sample_of_noise(logits, draws=10_000, seed=0):
    noise = np.random.default_rng(seed).gumbel(size=(*logits.shape[:-1], draws, logits.shape[-1]))
    return np.argmax(logits[..., None, :] + noise, axis=-1)


# large vocabularies


def _clusters(sizes):
    ends = np.cumsum(sizes, dtype=int)
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


@_right("adaptive_log_softmax")
def adaptive_log_softmax_joined(head, tail, sizes=()):
    h, short = _log_softmax(head), head.shape[-1] - len(sizes)
    clusters = [
        h[..., short + c, None] + _log_softmax(tail[..., part]) for c, part in enumerate(_clusters(sizes))
    ]
    return np.concatenate([h[..., :short], *clusters], axis=-1)


@_right("adaptive_log_softmax_jacobian")
def adaptive_log_softmax_jacobian_blocks(head, tail, sizes=()):
    h, short = head.shape[-1], head.shape[-1] - len(sizes)
    out = np.zeros((*head.shape[:-1], short + tail.shape[-1], h + tail.shape[-1]), head.dtype)
    by_head = _eye(head) - _softmax(head)[..., None, :]
    out[..., :short, :h] = by_head[..., :short, :]
    for c, part in enumerate(_clusters(sizes)):
        rows, columns = slice(short + part.start, short + part.stop), slice(h + part.start, h + part.stop)
        out[..., rows, :h] = by_head[..., short + c, None, :]
        out[..., rows, columns] = _eye(tail[..., part]) - _softmax(tail[..., part])[..., None, :]
    return out
