"""The forms whose roundings the bounds count, each computed in the dtype of its argument throughout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from smxcheck.dtypes import FORMATS
from smxcheck.judge.result import Level

#: An array of NumPy; what its operators return with a scalar of its dtype is known to a type checker as anything.
Array = Any


def tree(w: Array) -> Array:
    """Pairwise sums, halves of halves; what NumPy does in blocks."""
    if w.dtype.itemsize > 2:
        return w.sum(axis=-1, keepdims=True)
    while w.shape[-1] > 1:
        half = w.shape[-1] // 2
        odd = w[..., 2 * half :]
        w = np.concatenate([w[..., :half] + w[..., half : 2 * half], odd], axis=-1)
    return w


def one_after_another(w: Array) -> Array:
    return np.add.accumulate(w, axis=-1, dtype=w.dtype)[..., -1:]


Sum = Callable[[Array], Array]


def one(x: Array) -> Any:
    return x.dtype.type(1)


def parts(x: Array, add: Sum) -> tuple[Array, Array, Array]:
    gap = x - x.max(axis=-1, keepdims=True)
    w = np.exp(gap)
    return gap, w, add(w)


def rest_of(x: Array, add: Sum) -> tuple[Array, Array, Array]:
    gap = x - x.max(axis=-1, keepdims=True)
    w = np.exp(gap)
    others = w.copy()
    others[np.arange(len(x)), x.argmax(axis=-1)] = 0
    return gap, w, add(others)


def softmax_divided(add: Sum) -> Callable[[Array], Array]:
    def f(x: Array) -> Array:
        _, w, s = parts(x, add)
        return w / s

    return f


def softmax_reciprocal(add: Sum) -> Callable[[Array], Array]:
    def f(x: Array) -> Array:
        _, w, s = parts(x, add)
        return w * (one(x) / s)

    return f


def softmax_log1p(x: Array) -> Array:
    _, w, s = rest_of(x, tree)
    return w / (one(x) + s)


def softmax_by_log(x: Array) -> Array:
    gap, _, s = parts(x, one_after_another)
    return np.exp(gap - np.log(s))


def _log2e(x: Array) -> Any:
    return x.dtype.type(1.4426950408889634)


def _ln2(x: Array) -> Any:
    return x.dtype.type(0.6931471805599453)


def softmax_base2(x: Array) -> Array:
    w = np.exp2((x - x.max(axis=-1, keepdims=True)) * _log2e(x))
    return w / one_after_another(w)


def log_softmax_log1p(x: Array) -> Array:
    gap, _, s = rest_of(x, tree)
    return gap - np.log1p(s)


def log_softmax_plain(x: Array) -> Array:
    gap, _, s = parts(x, one_after_another)
    return gap - np.log(s)


def log_softmax_base2_sum(x: Array) -> Array:
    gap = x - x.max(axis=-1, keepdims=True)
    return gap - np.log2(one_after_another(np.exp2(gap * _log2e(x)))) * _ln2(x)


def log_softmax_base2(x: Array) -> Array:
    scaled = (x - x.max(axis=-1, keepdims=True)) * _log2e(x)
    return (scaled - np.log2(one_after_another(np.exp2(scaled)))) * _ln2(x)


def logsumexp_log1p(x: Array) -> Array:
    return x.max(axis=-1) + np.log1p(rest_of(x, tree)[2])[:, 0]


def logsumexp_plain(x: Array) -> Array:
    return x.max(axis=-1) + np.log(parts(x, one_after_another)[2])[:, 0]


def logsumexp_base2(x: Array) -> Array:
    w = np.exp2((x - x.max(axis=-1, keepdims=True)) * _log2e(x))
    return x.max(axis=-1) + (np.log2(one_after_another(w)) * _ln2(x))[:, 0]


def softmax_entropy_split(x: Array) -> Array:
    """log S + Σ w·d / S, with log1p of the rest."""
    gap, w, s = rest_of(x, tree)
    return (np.log1p(s) + tree(w * -gap) / (one(x) + s))[:, 0]


def softmax_entropy_plain(x: Array) -> Array:
    gap, w, s = parts(x, one_after_another)
    return -one_after_another((w / s) * (gap - np.log(s)))[:, 0]


def softmax_entropy_exp(x: Array) -> Array:
    gap, _, s = parts(x, one_after_another)
    log_p = gap - np.log(s)
    return -one_after_another(np.exp(log_p) * log_p)[:, 0]


def sigmoid_two_sided(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, one(x), t) / (one(x) + t)


def sigmoid_plain(x: Array) -> Array:
    return one(x) / (one(x) + np.exp(-x))


def sigmoid_base2(x: Array) -> Array:
    return one(x) / (one(x) + np.exp2(-x * _log2e(x)))


def log_sigmoid_log1p(x: Array) -> Array:
    return np.minimum(x, x.dtype.type(0)) - np.log1p(np.exp(-np.abs(x)))


def log_sigmoid_log(x: Array) -> Array:
    return np.minimum(x, x.dtype.type(0)) - np.log(one(x) + np.exp(-np.abs(x)))


def bce_log1p(x: Array, y: Array) -> Array:
    return (np.maximum(x, x.dtype.type(0)) - x * y) + np.log1p(np.exp(-np.abs(x)))


def bce_weighted(x: Array, y: Array) -> Array:
    softplus = np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, x.dtype.type(0))
    return (one(x) - y) * x + softplus


def bce_log(x: Array, y: Array) -> Array:
    return (np.maximum(x, x.dtype.type(0)) - x * y) + np.log(one(x) + np.exp(-np.abs(x)))


def _log(p: Array) -> Array:
    return np.log(np.where(p > 0, p, one(p)))


def entropy_of(add: Sum) -> Callable[[Array], Array]:
    return lambda p: -add(p * _log(p))[:, 0]


def cross_entropy_of(add: Sum) -> Callable[[Array, Array], Array]:
    return lambda p, q: -add(p * _log(q))[:, 0]


def kl_quotient(p: Array, q: Array) -> Array:
    with np.errstate(over="ignore"):
        return tree(p * _log(p / np.where(q > 0, q, one(q))))[:, 0]


def kl_difference(p: Array, q: Array) -> Array:
    return one_after_another(p * (_log(p) - _log(q)))[:, 0]


def kl_two_products(p: Array, q: Array) -> Array:
    return one_after_another(p * _log(p) - p * _log(q))[:, 0]


def picked(log_softmax: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda x, label: -np.take_along_axis(log_softmax(x), label[:, None], -1)[:, 0]


def gradient_of(softmax: Callable[[Array], Array]) -> Callable[[Array, Array], Array]:
    def f(x: Array, label: Array) -> Array:
        p = softmax(x).copy()
        p[np.arange(len(x)), label] -= one(x)
        return p / x.dtype.type(len(x))

    return f


@dataclass(frozen=True)
class Form:
    """A right implementation, the level whose algorithm it is, and the dtypes in which it is meant."""

    function: str
    level: Level
    name: str
    call: Callable[..., Array]

    @property
    def dtypes(self) -> tuple[str, ...]:
        if "base2" in self.name:
            return ("float32", "float64")
        # 1/(1 + exp(-x)) in float16 overflows where sigmoid is far from flushed
        return tuple(f for f in FORMATS if (self.function, self.name, f) != ("sigmoid", "plain", "float16"))


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
    Form("sigmoid", S, "two-sided", sigmoid_two_sided),
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


def all_forms() -> Iterator[tuple[Form, str]]:
    for form in FORMS:
        for dtype in form.dtypes:
            yield form, dtype
