"""Search for inputs on which right implementations come closest to the bound of a level.

The errors are measured in extended precision (64 bits), which is enough to climb; what is found is judged again by the
judge itself, with certified enclosures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.result import Level

LONG = np.longdouble
Arrays = tuple[np.ndarray, ...]


def two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    h = a + b
    z = h - a
    return h, (a - (h - z)) + (b - z)


# What is right, in extended precision ------------------------------------------------------------


def _row(x: np.ndarray) -> tuple[np.ndarray, ...]:
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


def right_softmax(x: np.ndarray) -> np.ndarray:
    _, _, w, s, _ = _row(x)
    return w / (1 + s)


def right_log_softmax(x: np.ndarray) -> np.ndarray:
    h, low, _, _, log_sum = _row(x)
    return (h - log_sum) + low


def right_logsumexp(x: np.ndarray) -> np.ndarray:
    return x.astype(LONG).max(axis=-1) + _row(x)[4][:, 0]


def right_softmax_entropy(x: np.ndarray) -> np.ndarray:
    h, _, w, s, log_sum = _row(x)
    return log_sum[:, 0] - (w * h).sum(axis=-1) / (1 + s[:, 0])


def right_sigmoid(x: np.ndarray) -> np.ndarray:
    t = np.exp(-np.abs(x.astype(LONG)))
    return np.where(x >= 0, 1, t) / (1 + t)


def right_log_sigmoid(x: np.ndarray) -> np.ndarray:
    wide = x.astype(LONG)
    return np.minimum(wide, 0) - np.log1p(np.exp(-np.abs(wide)))


def right_bce(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    wide, target = x.astype(LONG), y.astype(LONG)
    c = np.log1p(np.exp(-np.abs(wide)))
    return target * (np.maximum(-wide, 0) + c) + (1 - target) * (np.maximum(wide, 0) + c)


def _xlogy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return np.where(p > 0, p * np.log(np.where(p > 0, q, 1)), 0)


def right_entropy(p: np.ndarray) -> np.ndarray:
    wide = p.astype(LONG)
    return -_xlogy(wide, wide).sum(axis=-1)


def right_cross_entropy_of(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return -_xlogy(p.astype(LONG), q.astype(LONG)).sum(axis=-1)


def right_kl(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    a, b = p.astype(LONG), q.astype(LONG)
    near = np.where(a > 0, np.log1p(np.where(a > 0, (a - b) / np.where(b > 0, b, 1), 0)), 0)
    far = np.where(a > 0, np.log(np.where(a > 0, a, 1)) - np.log(np.where(b > 0, b, 1)), 0)
    return (a * np.where(np.abs(a - b) < b / 2, near, far)).sum(axis=-1)


def right_loss(x: np.ndarray, label: np.ndarray) -> np.ndarray:
    return -np.take_along_axis(right_log_softmax(x), label[:, None], -1)[:, 0]


def right_gradient(x: np.ndarray, label: np.ndarray) -> np.ndarray:
    _, _, w, s, _ = _row(x)
    at = np.arange(len(x))
    others = w.copy()
    others[at, label] = 0
    w[at, label] = -others.sum(axis=-1)  # p_k - 1 without cancellation
    top = x.argmax(axis=-1)
    hit = label != top
    w[at[hit], label[hit]] = -((others.sum(axis=-1))[hit])
    return w / (1 + s) / len(x)


RIGHT: dict[str, Callable[..., np.ndarray]] = {
    "softmax": right_softmax, "log_softmax": right_log_softmax, "logsumexp": right_logsumexp,
    "softmax_entropy": right_softmax_entropy, "sigmoid": right_sigmoid, "log_sigmoid": right_log_sigmoid,
    "binary_cross_entropy_with_logits": right_bce, "entropy": right_entropy, "kl_divergence": right_kl,
    "distribution_cross_entropy": right_cross_entropy_of, "cross_entropy": right_loss,
    "cross_entropy_grad": right_gradient,
}  # fmt: skip


# The forms whose roundings the bounds count, in the dtype of their argument ----------------------


def tree(w: np.ndarray) -> np.ndarray:
    """Pairwise sums, halves of halves; what NumPy does in blocks."""
    if w.dtype.itemsize > 2:
        return w.sum(axis=-1, keepdims=True)
    while w.shape[-1] > 1:
        half = w.shape[-1] // 2
        odd = w[..., 2 * half :]
        w = np.concatenate([w[..., :half] + w[..., half : 2 * half], odd], axis=-1)
    return w


def one_after_another(w: np.ndarray) -> np.ndarray:
    return np.add.accumulate(w, axis=-1, dtype=w.dtype)[..., -1:]


Sum = Callable[[np.ndarray], np.ndarray]


def one(x: np.ndarray) -> Any:
    return x.dtype.type(1)


def parts(x: np.ndarray, add: Sum) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gap = x - x.max(axis=-1, keepdims=True)
    w = np.exp(gap)
    return gap, w, add(w)


def rest_of(x: np.ndarray, add: Sum) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gap = x - x.max(axis=-1, keepdims=True)
    w = np.exp(gap)
    others = w.copy()
    others[np.arange(len(x)), x.argmax(axis=-1)] = 0
    return gap, w, add(others)


def softmax_divided(add: Sum) -> Callable[[np.ndarray], np.ndarray]:
    def f(x: np.ndarray) -> np.ndarray:
        _, w, s = parts(x, add)
        return w / s

    return f


def softmax_reciprocal(add: Sum) -> Callable[[np.ndarray], np.ndarray]:
    def f(x: np.ndarray) -> np.ndarray:
        _, w, s = parts(x, add)
        return w * (one(x) / s)

    return f


def softmax_log1p(x: np.ndarray) -> np.ndarray:
    _, w, s = rest_of(x, tree)
    return w / (one(x) + s)


def softmax_by_log(x: np.ndarray) -> np.ndarray:
    gap, _, s = parts(x, one_after_another)
    return np.exp(gap - np.log(s))


def _log2e(x: np.ndarray) -> Any:
    return x.dtype.type(1.4426950408889634)


def _ln2(x: np.ndarray) -> Any:
    return x.dtype.type(0.6931471805599453)


def softmax_base2(x: np.ndarray) -> np.ndarray:
    w = np.exp2((x - x.max(axis=-1, keepdims=True)) * _log2e(x))
    return w / one_after_another(w)


def log_softmax_log1p(x: np.ndarray) -> np.ndarray:
    gap, _, s = rest_of(x, tree)
    return gap - np.log1p(s)


def log_softmax_plain(x: np.ndarray) -> np.ndarray:
    gap, _, s = parts(x, one_after_another)
    return gap - np.log(s)


def log_softmax_base2_sum(x: np.ndarray) -> np.ndarray:
    gap = x - x.max(axis=-1, keepdims=True)
    return gap - np.log2(one_after_another(np.exp2(gap * _log2e(x)))) * _ln2(x)


def log_softmax_base2(x: np.ndarray) -> np.ndarray:
    scaled = (x - x.max(axis=-1, keepdims=True)) * _log2e(x)
    return (scaled - np.log2(one_after_another(np.exp2(scaled)))) * _ln2(x)


def logsumexp_log1p(x: np.ndarray) -> np.ndarray:
    return x.max(axis=-1) + np.log1p(rest_of(x, tree)[2])[:, 0]


def logsumexp_plain(x: np.ndarray) -> np.ndarray:
    return x.max(axis=-1) + np.log(parts(x, one_after_another)[2])[:, 0]


def logsumexp_base2(x: np.ndarray) -> np.ndarray:
    w = np.exp2((x - x.max(axis=-1, keepdims=True)) * _log2e(x))
    return x.max(axis=-1) + (np.log2(one_after_another(w)) * _ln2(x))[:, 0]


def softmax_entropy_split(x: np.ndarray) -> np.ndarray:
    """log S + Σ w·d / S, with log1p of the rest."""
    gap, w, s = rest_of(x, tree)
    return (np.log1p(s) + tree(w * -gap) / (one(x) + s))[:, 0]


def softmax_entropy_plain(x: np.ndarray) -> np.ndarray:
    gap, w, s = parts(x, one_after_another)
    return -one_after_another((w / s) * (gap - np.log(s)))[:, 0]


def softmax_entropy_exp(x: np.ndarray) -> np.ndarray:
    gap, _, s = parts(x, one_after_another)
    log_p = gap - np.log(s)
    return -one_after_another(np.exp(log_p) * log_p)[:, 0]


def sigmoid_two_sided(x: np.ndarray) -> np.ndarray:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, one(x), t) / (one(x) + t)


def sigmoid_plain(x: np.ndarray) -> np.ndarray:
    return one(x) / (one(x) + np.exp(-x))


def sigmoid_base2(x: np.ndarray) -> np.ndarray:
    return one(x) / (one(x) + np.exp2(-x * _log2e(x)))


def log_sigmoid_log1p(x: np.ndarray) -> np.ndarray:
    return np.minimum(x, x.dtype.type(0)) - np.log1p(np.exp(-np.abs(x)))


def log_sigmoid_log(x: np.ndarray) -> np.ndarray:
    return np.minimum(x, x.dtype.type(0)) - np.log(one(x) + np.exp(-np.abs(x)))


def bce_log1p(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.maximum(x, x.dtype.type(0)) - x * y) + np.log1p(np.exp(-np.abs(x)))


def bce_weighted(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    softplus = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, x.dtype.type(0))
    return (one(x) - y) * x + softplus


def bce_log(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (np.maximum(x, x.dtype.type(0)) - x * y) + np.log(one(x) + np.exp(-np.abs(x)))


def _log(p: np.ndarray) -> np.ndarray:
    return np.log(np.where(p > 0, p, one(p)))


def entropy_of(add: Sum) -> Callable[[np.ndarray], np.ndarray]:
    return lambda p: -add(p * _log(p))[:, 0]


def cross_entropy_of(add: Sum) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda p, q: -add(p * _log(q))[:, 0]


def kl_quotient(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return tree(p * _log(p / np.where(q > 0, q, one(q))))[:, 0]


def kl_difference(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return one_after_another(p * (_log(p) - _log(q)))[:, 0]


def kl_two_products(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    return one_after_another(p * _log(p) - p * _log(q))[:, 0]


def picked(log_softmax: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda x, label: -np.take_along_axis(log_softmax(x), label[:, None], -1)[:, 0]


def gradient_of(softmax: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    def f(x: np.ndarray, label: np.ndarray) -> np.ndarray:
        p = softmax(x).copy()
        p[np.arange(len(x)), label] -= one(x)
        return p / x.dtype.type(len(x))

    return f


def _not_base2(name: str) -> tuple[str, ...]:
    return ("float32", "float64") if "base2" in name else tuple(FORMATS)


@dataclass(frozen=True)
class Form:
    """A right implementation, the level whose algorithm it is, and the dtypes in which it is meant."""

    function: str
    level: Level
    name: str
    call: Callable[..., np.ndarray]

    @property
    def dtypes(self) -> tuple[str, ...]:
        return _not_base2(self.name)


T, S = Level.TIGHT, Level.STANDARD
FORMS: tuple[Form, ...] = (
    Form("softmax", T, "divided", softmax_divided(tree)),
    Form("softmax", T, "reciprocal", softmax_reciprocal(tree)),
    Form("softmax", T, "log1p", softmax_log1p),
    Form("softmax", S, "divided", softmax_divided(one_after_another)),
    Form("softmax", S, "reciprocal", softmax_reciprocal(one_after_another)),
    Form("softmax", S, "by log", softmax_by_log),
    Form("softmax", S, "base2", softmax_base2),
    Form("log_softmax", T, "log1p", log_softmax_log1p),
    Form("log_softmax", S, "plain", log_softmax_plain),
    Form("log_softmax", S, "base2 of the sum", log_softmax_base2_sum),
    Form("log_softmax", S, "base2", log_softmax_base2),
    Form("logsumexp", T, "log1p", logsumexp_log1p),
    Form("logsumexp", S, "plain", logsumexp_plain),
    Form("logsumexp", S, "base2", logsumexp_base2),
    Form("softmax_entropy", T, "split", softmax_entropy_split),
    Form("softmax_entropy", S, "plain", softmax_entropy_plain),
    Form("softmax_entropy", S, "exp of log", softmax_entropy_exp),
    Form("sigmoid", T, "two-sided", sigmoid_two_sided),
    Form("sigmoid", S, "plain", sigmoid_plain),
    Form("sigmoid", S, "base2", sigmoid_base2),
    Form("log_sigmoid", T, "log1p", log_sigmoid_log1p),
    Form("log_sigmoid", S, "log", log_sigmoid_log),
    Form("binary_cross_entropy_with_logits", T, "log1p", bce_log1p),
    Form("binary_cross_entropy_with_logits", S, "weighted", bce_weighted),
    Form("binary_cross_entropy_with_logits", S, "log", bce_log),
    Form("entropy", T, "tree", entropy_of(tree)),
    Form("entropy", S, "one after another", entropy_of(one_after_another)),
    Form("distribution_cross_entropy", T, "tree", cross_entropy_of(tree)),
    Form("distribution_cross_entropy", S, "one after another", cross_entropy_of(one_after_another)),
    Form("kl_divergence", T, "quotient", kl_quotient),
    Form("kl_divergence", S, "difference", kl_difference),
    Form("kl_divergence", S, "two products", kl_two_products),
    Form("cross_entropy", T, "log1p", picked(log_softmax_log1p)),
    Form("cross_entropy", S, "plain", picked(log_softmax_plain)),
    Form("cross_entropy_grad", T, "divided", gradient_of(softmax_divided(tree))),
    Form("cross_entropy_grad", S, "divided", gradient_of(softmax_divided(one_after_another))),
    Form("cross_entropy_grad", S, "by log", gradient_of(softmax_by_log)),
)  # fmt: skip

KEYWORDS = {"cross_entropy": {"reduction": "none"}}
ELEMENTWISE = ("sigmoid", "log_sigmoid", "binary_cross_entropy_with_logits")
DISTRIBUTIONS = ("entropy", "kl_divergence", "distribution_cross_entropy")


# Inputs ------------------------------------------------------------------------------------------


def _logits(rng: np.random.Generator, count: int, n: int, fmt: Format) -> np.ndarray:
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


def _distribution(rng: np.random.Generator, count: int, n: int, fmt: Format) -> np.ndarray:
    w = np.exp(rng.normal(size=(count, n)) * 2.0 ** rng.uniform(-6, 4, (count, 1)))
    return (w / w.sum(axis=-1, keepdims=True)).astype(fmt.numpy())


def start(function: str, rng: np.random.Generator, count: int, n: int, fmt: Format) -> Arrays:
    if function in ("cross_entropy", "cross_entropy_grad"):
        return _logits(rng, count, n, fmt), rng.integers(0, n, count)
    if function in DISTRIBUTIONS:
        p = _distribution(rng, count, n, fmt)
        if function == "entropy":
            return (p,)
        q = _distribution(rng, count, n, fmt)
        close = rng.integers(0, 2, (count, 1)) == 1
        nudged = p.astype(np.float64) * (1 + 2.0**-4 * rng.normal(size=p.shape))
        return p, np.where(close, nudged, q.astype(np.float64)).astype(fmt.numpy())
    x = _logits(rng, count, n, fmt)
    if function == "binary_cross_entropy_with_logits":
        return x, rng.uniform(0, 1, x.shape).astype(fmt.numpy())
    return (x,)


def _nudged(a: np.ndarray, rng: np.random.Generator, fmt: Format) -> np.ndarray:
    """Some entries moved: by a few ulp, by a power of two, or by a little; labels stay."""
    if a.dtype.kind in "iu":
        return a
    x = a.astype(np.float64)
    step = 2.0 ** rng.integers(1 - fmt.precision, 0, a.shape[:1] + (1,) * (a.ndim - 1))
    factor = 1 + step * rng.normal(size=a.shape)
    moved = np.where(rng.uniform(size=a.shape) < max(0.2, 1 / a.shape[-1]), x * factor, x)
    with np.errstate(over="ignore"):
        out = moved.astype(fmt.numpy())
    return np.where(np.isfinite(out.astype(np.float64)), out, a)


# The climb ---------------------------------------------------------------------------------------


def ratios(form: Form, arguments: Arrays, fmt: Format) -> np.ndarray:
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
        # an error of less than half the spacing at y is the rounding that any format makes
        ratio = np.where(error == 0, 0, error / allowed)
        ratio = np.where(np.isfinite(y) & (np.abs(y) <= fmt.largest) & np.isfinite(got), ratio, -1)
    return np.asarray(ratio, np.float64).reshape(len(arguments[0]), -1)


@dataclass
class Found:
    """The largest error over bound that was met, and where."""

    ratio: float
    arguments: Arrays


def rows_of(arguments: Arrays, index: Any) -> Arrays:
    return tuple(a[index] for a in arguments)


def climb(form: Form, dtype: str, n: int, seed: int, count: int = 400, rounds: int = 12, keep: int = 25) -> Found:
    """The best of ``count`` random rows, improved ``rounds`` times from the ``keep`` best."""
    fmt, rng = FORMATS[dtype], np.random.default_rng(seed)
    pool = start(form.function, rng, count, n, fmt)
    worst = ratios(form, pool, fmt).max(axis=1)
    for _ in range(rounds):
        best = np.argsort(-worst)[:keep]
        parents = rows_of(pool, np.repeat(best, count // keep))
        children = tuple(_nudged(a, rng, fmt) for a in parents)
        merged = tuple(np.concatenate([a[best], b]) for a, b in zip(pool, children, strict=True))
        pool, worst = merged, ratios(form, merged, fmt).max(axis=1)
    i = int(np.argmax(worst))
    return Found(float(worst[i]), rows_of(pool, slice(i, i + 1)))


def all_forms() -> Iterator[tuple[Form, str]]:
    for form in FORMS:
        for dtype in form.dtypes:
            yield form, dtype
