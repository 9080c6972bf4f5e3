"""Search for inputs on which right implementations come closest to the bound of a level.

The errors are measured in extended precision (64 bits), which is enough to climb; what is found is judged again by the
judge itself, with certified enclosures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.result import Level
from smxcheck.selftest.adversary_forms import Array, Form

LONG = np.longdouble
Arrays = tuple[Array, ...]


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    h = a + b
    z = h - a
    return h, (a - (h - z)) + (b - z)


# What is right, in extended precision ------------------------------------------------------------


def _row(x: Array) -> tuple[Array, ...]:
    """(shift, its low part, weights, rest, log of the sum), every part to about 2^-62 relative."""
    x64 = x.astype(np.float64)
    top = x64.argmax(axis=-1)
    a = np.take_along_axis(x64, top[:, None], -1)
    h, low = two_sum(x64, np.broadcast_to(-a, x64.shape))
    w = np.exp(h.astype(LONG)) * np.exp(low.astype(LONG))
    rest = w.copy()
    rest[np.arange(len(x)), top] = 0
    s = rest.sum(axis=-1, keepdims=True)
    return h.astype(LONG), low.astype(LONG), w, s, np.log1p(s)


def right_softmax(x: Array) -> Array:
    _, _, w, s, _ = _row(x)
    return w / (1 + s)


def right_log_softmax(x: Array) -> Array:
    h, low, _, _, log_sum = _row(x)
    return (h - log_sum) + low


def right_logsumexp(x: Array) -> Array:
    return x.astype(LONG).max(axis=-1) + _row(x)[4][:, 0]


def right_softmax_entropy(x: Array) -> Array:
    h, _, w, s, log_sum = _row(x)
    return log_sum[:, 0] - (w * h).sum(axis=-1) / (1 + s[:, 0])


def right_sigmoid(x: Array) -> Array:
    t = np.exp(-np.abs(x.astype(LONG)))
    return np.where(x >= 0, 1, t) / (1 + t)


def right_log_sigmoid(x: Array) -> Array:
    wide = x.astype(LONG)
    return np.minimum(wide, 0) - np.log1p(np.exp(-np.abs(wide)))


def right_bce(x: Array, y: Array) -> Array:
    wide, target = x.astype(LONG), y.astype(LONG)
    c = np.log1p(np.exp(-np.abs(wide)))
    return target * (np.maximum(-wide, 0) + c) + (1 - target) * (np.maximum(wide, 0) + c)


def _xlogy(p: Array, q: Array) -> Array:
    return np.where(p > 0, p * np.log(np.where(p > 0, q, 1)), 0)


def right_entropy(p: Array) -> Array:
    wide = p.astype(LONG)
    return -_xlogy(wide, wide).sum(axis=-1)


def right_cross_entropy_of(p: Array, q: Array) -> Array:
    return -_xlogy(p.astype(LONG), q.astype(LONG)).sum(axis=-1)


def right_kl(p: Array, q: Array) -> Array:
    a, b = p.astype(LONG), q.astype(LONG)
    near = np.where(a > 0, np.log1p(np.where(a > 0, (a - b) / np.where(b > 0, b, 1), 0)), 0)
    far = np.where(a > 0, np.log(np.where(a > 0, a, 1)) - np.log(np.where(b > 0, b, 1)), 0)
    return (a * np.where(np.abs(a - b) < b / 2, near, far)).sum(axis=-1)


def right_loss(x: Array, label: Array) -> Array:
    return -np.take_along_axis(right_log_softmax(x), label[:, None], -1)[:, 0]


def right_gradient(x: Array, label: Array) -> Array:
    _, _, w, s, _ = _row(x)
    at = np.arange(len(x))
    others = w.copy()
    others[at, label] = 0
    w[at, label] = -others.sum(axis=-1)  # p_k - 1 without cancellation
    top = x.argmax(axis=-1)
    hit = label != top
    w[at[hit], label[hit]] = -((others.sum(axis=-1))[hit])
    return w / (1 + s) / len(x)


RIGHT: dict[str, Callable[..., Array]] = {
    "softmax": right_softmax, "log_softmax": right_log_softmax, "logsumexp": right_logsumexp,
    "softmax_entropy": right_softmax_entropy, "sigmoid": right_sigmoid, "log_sigmoid": right_log_sigmoid,
    "binary_cross_entropy_with_logits": right_bce, "entropy": right_entropy, "kl_divergence": right_kl,
    "distribution_cross_entropy": right_cross_entropy_of, "cross_entropy": right_loss,
    "cross_entropy_grad": right_gradient,
}  # fmt: skip


KEYWORDS = {"cross_entropy": {"reduction": "none"}}
DISTRIBUTIONS = ("entropy", "kl_divergence", "distribution_cross_entropy")


# Inputs ------------------------------------------------------------------------------------------


def logits(rng: np.random.Generator, count: int, n: int, fmt: Format) -> Array:
    """Rows of several kinds: normal, far tails, one dominant entry, near ties, offsets, tied tails."""
    deepest = -np.log(fmt.smallest_subnormal)
    kind = rng.integers(0, 6, (count, 1))
    scale = 2.0 ** rng.uniform(-4, np.log2(deepest), (count, 1))
    x = rng.normal(size=(count, n)) * scale
    x = np.where(kind == 1, -rng.uniform(0, 1, (count, n)) * deepest, x)
    x = np.where(kind == 2, -scale * (1 + 2.0**-4 * rng.normal(size=(count, n))), x)
    x = np.where(kind == 3, rng.normal(size=(count, n)) * 2.0**-10, x)
    x = np.where(kind == 4, -np.where(rng.uniform(size=(count, n)) < 0.5, scale, 0), x)
    top = rng.integers(0, n, count)
    x[np.arange(count), top] = np.where(kind[:, 0] == 3, x[np.arange(count), top], 0.0)
    offset = rng.normal(size=(count, 1)) * scale * rng.integers(0, 2, (count, 1))
    return (x + offset).astype(fmt.numpy())


def distribution(rng: np.random.Generator, count: int, n: int, fmt: Format) -> Array:
    """Positive probabilities: log q of a q = 0 is another question."""
    w = np.exp(rng.normal(size=(count, n)) * 2.0 ** rng.uniform(-6, 4, (count, 1)))
    return np.maximum(w / w.sum(axis=-1, keepdims=True), fmt.smallest_normal).astype(fmt.numpy())


def start(function: str, rng: np.random.Generator, count: int, n: int, fmt: Format) -> Arrays:
    if function in ("cross_entropy", "cross_entropy_grad"):
        return logits(rng, count, n, fmt), rng.integers(0, n, count)
    if function in DISTRIBUTIONS:
        p = distribution(rng, count, n, fmt)
        if function == "entropy":
            return (p,)
        q = distribution(rng, count, n, fmt)
        close = rng.integers(0, 2, (count, 1)) == 1
        nudged = p.astype(np.float64) * (1 + 2.0**-4 * rng.normal(size=p.shape))
        return p, np.where(close, nudged, q.astype(np.float64)).astype(fmt.numpy())
    x = logits(rng, count, n, fmt)
    if function == "binary_cross_entropy_with_logits":
        return x, rng.uniform(0, 1, x.shape).astype(fmt.numpy())
    return (x,)


def nudged(a: Array, rng: np.random.Generator, fmt: Format) -> Array:
    """Some entries moved: by a few ulp, by a power of two, or by a little; labels stay."""
    if a.dtype.kind in "iu":
        return a
    x = a.astype(np.float64)
    step = 2.0 ** rng.integers(1 - fmt.precision, 0, a.shape[:1] + (1,) * (a.ndim - 1))
    factor = np.abs(1 + step * rng.normal(size=a.shape))
    moved = np.where(rng.uniform(size=a.shape) < max(0.2, 1 / a.shape[-1]), x * factor, x)
    with np.errstate(over="ignore"):
        out = moved.astype(fmt.numpy())
    kept = np.isfinite(out.astype(np.float64)) & ((np.abs(x) > 1) | (np.abs(moved) <= 1))  # probabilities stay so
    return np.where(kept, out, a)


def dtype_flushes(fmt: Format) -> bool:
    """`standard` takes 0 for a subnormal answer, but not in float16, a third of whose exponents are subnormal."""
    return fmt.name != "float16"


# The climb ---------------------------------------------------------------------------------------


def ratios(form: Form, arguments: Arrays, fmt: Format) -> Array:
    """Error over bound for each row (the largest of its elements); -1 where the form or the reference is no number.

    Elements whose exact value is beyond the format's range, and 16-bit sums that overflow, do not count.
    """
    function = form.function
    with np.errstate(all="ignore"):
        got = form.call(*arguments).astype(LONG)
        y = RIGHT[function](*arguments)
        bound = bounds_for(function, arguments, KEYWORDS.get(function, {}), fmt, form.level)
        allowed = np.asarray(bound.total_relative() * np.abs(y) + bound.total_absolute(), LONG)
        error = np.abs(got - y)
        ratio = np.where(error == 0, 0, error / allowed)
        flushed = (got == 0) & (np.abs(y) - allowed < fmt.smallest_normal) & (form.level is Level.STANDARD) & (dtype_flushes(fmt))
        ratio = np.where(flushed, -1, ratio)
        ratio = np.where(np.isfinite(y) & (np.abs(y) <= fmt.largest) & np.isfinite(got), ratio, -1)
    return np.asarray(ratio, np.float64).reshape(len(arguments[0]), -1)


@dataclass
class Found:
    """The largest error over bound that was met, and where."""

    ratio: float
    arguments: Arrays


def rows_of(arguments: Arrays, index: Any) -> Arrays:
    return tuple(a[index] for a in arguments)


def climb(form: Form, dtype: str, n: int, seed: int, count: int = 300, rounds: int = 10, keep: int = 20) -> Found:
    """The best of ``count`` random rows, improved ``rounds`` times from the ``keep`` best."""
    fmt, rng = FORMATS[dtype], np.random.default_rng(seed)
    pool = start(form.function, rng, count, n, fmt)
    worst = ratios(form, pool, fmt).max(axis=1)
    for _ in range(rounds):
        best = np.argsort(-worst)[:keep]
        parents = rows_of(pool, np.repeat(best, count // keep))
        children = tuple(nudged(a, rng, fmt) for a in parents)
        merged = tuple(np.concatenate([a[best], b]) for a, b in zip(pool, children, strict=True))
        pool, worst = merged, ratios(form, merged, fmt).max(axis=1)
    i = int(np.argmax(worst))
    return Found(float(worst[i]), rows_of(pool, slice(i, i + 1)))
