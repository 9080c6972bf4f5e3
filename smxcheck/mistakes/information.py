"""Entropies and divergences: 0·log 0, the order of the arguments, the base, a small number inside the logarithm."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from smxcheck.mistakes.model import ALL_DTYPES, Mistake, ex
from smxcheck.mistakes.rows import (
    Rows,
    divide_by_sum,
    number,
    reduced,
    right_log_softmax,
    right_logsumexp,
    right_softmax,
    top,
    total,
)

ENTROPY = "-sum(where(p > 0, p*log(p), 0))"
OF_LOGITS = "log(sum(w)) + sum(w*d)/sum(w) with d = max(z) - z, w = exp(-d)"
KL = "sum(where(p > 0, p*(log(p) - log(q)), 0))"
CROSS = "-sum(where(p > 0, p*log(q), 0))"


def _product(p: Rows, log_q: Rows) -> Rows:
    """p·log q, 0 where p is 0."""
    return np.where(p == 0, number(p, 0.0), p * log_q)


def right_entropy(p: Rows) -> Rows:
    return -total(_product(p, np.log(p)))


def entropy_unguarded(p: Rows) -> Rows:
    """0·log 0 = 0·(-inf) is NaN, its limit is 0."""
    return -total(p * np.log(p))


def entropy_plus_eps(p: Rows) -> Rows:
    """log(p + 1e-8) is off by 1e-8 for a certain p, whose entropy is exactly 0, and below 0."""
    return -total(p * np.log(p + number(p, 1e-8)))


def entropy_clipped(p: Rows) -> Rows:
    """In 16 bit 1 - 1e-7 is 1, and in float16 1e-7 is subnormal: what is left of the clipping is too small to see."""
    eps = number(p, 1e-7)
    q = np.minimum(np.maximum(p, eps), number(p, 1.0) - eps)
    return -total(q * np.log(q))


def entropy_base_two(p: Rows) -> Rows:
    return right_entropy(p) * number(p, math.log2(math.e))


def entropy_sign(p: Rows) -> Rows:
    return -right_entropy(p)


def entropy_mean(p: Rows) -> Rows:
    return right_entropy(p) / number(p, p.shape[1])


def entropy_normalised(p: Rows) -> Rows:
    """p/Σp first: right for a p that sums to 1 exactly."""
    return right_entropy(divide_by_sum(p))


def entropy_over_log_n(p: Rows) -> Rows:
    return right_entropy(p) / number(p, math.log(max(p.shape[1], 2)))


def softmax_entropy_unguarded(z: Rows) -> Rows:
    """p·log p is 0·(-inf) where softmax underflows: NaN at a gap of 104 in float32."""
    p = right_softmax(z)
    return -total(p * np.log(p))


def softmax_entropy_infinity(z: Rows) -> Rows:
    """p·log p with a right log_softmax, but unguarded at a masked class: 0·(-inf)."""
    return -total(right_softmax(z) * right_log_softmax(z))


def softmax_entropy_from_logsumexp(z: Rows) -> Rows:
    """lse - Σ p z cancels at an offset: log 2 becomes 0 at 1e8 in float32."""
    return right_logsumexp(z) - total(_product(right_softmax(z), z))


def softmax_entropy_plus_eps(z: Rows) -> Rows:
    """n classes of probability 1e-8 miscount by n·1e-8: below the n·u that ``standard`` grants to sequential summation
    in float32 and bfloat16. In float16 1e-8 is 0, and log 0 is left."""
    p = right_softmax(z)
    return -total(p * np.log(p + number(z, 1e-8)))


def softmax_entropy_unshifted(z: Rows) -> Rows:
    e = np.exp(z)
    s = total(e)
    return np.log(s) - total(_product(e, z)) / s


def softmax_entropy_base_two(z: Rows) -> Rows:
    return right_softmax_entropy(z) * number(z, math.log2(math.e))


def softmax_entropy_of_given(z: Rows) -> Rows:
    """The logits are taken for probabilities."""
    return right_entropy(np.abs(z))


def softmax_entropy_log_n(z: Rows) -> Rows:
    return np.full((z.shape[0], 1), number(z, math.log(z.shape[1])))


def softmax_entropy_without_spread(z: Rows) -> Rows:
    """log Σ exp(z - max) alone: the term Σ p (max - z) is missing."""
    return np.log(total(np.exp(z - top(z))))


def right_softmax_entropy(z: Rows) -> Rows:
    d = z - top(z)
    w = np.exp(d)
    s = total(w)
    return np.log(s) - total(_product(w, d)) / s


def kl_swapped(p: Rows, q: Rows) -> Rows:
    return right_divergence(q, p)


def kl_unguarded(p: Rows, q: Rows) -> Rows:
    """0·(log 0 - log q) is NaN, its limit is 0."""
    return total(p * (np.log(p) - np.log(q)))


def kl_plus_eps(p: Rows, q: Rows) -> Rows:
    """p > 0 where q = 0 costs +inf; with 1e-8 in both logarithms it costs about 18 p."""
    eps = number(p, 1e-8)
    return total(p * np.log((p + eps) / (q + eps)))


def kl_without_log(p: Rows, q: Rows) -> Rows:
    """Σ p (log p - q): a kl_div that takes log q, called with q."""
    return total(_product(p, np.log(p) - q))


def kl_mean(p: Rows, q: Rows) -> Rows:
    return right_divergence(p, q) / number(p, p.shape[1])


def kl_normalised(p: Rows, q: Rows) -> Rows:
    """Both divided by their sums: 0 for p = (.5, .5) and q = (.3, .3)."""
    return right_divergence(divide_by_sum(p), divide_by_sum(q))


def kl_base_two(p: Rows, q: Rows) -> Rows:
    return right_divergence(p, q) * number(p, math.log2(math.e))


def kl_ratio(p: Rows, q: Rows) -> Rows:
    """p/q overflows for a tiny q, though its logarithm is small."""
    return total(_product(p, np.log(p / q)))


def kl_absolute(p: Rows, q: Rows) -> Rows:
    """Σ |p log(p/q)|: the terms below 0 are what makes it small near p = q."""
    return total(np.abs(_product(p, np.log(p) - np.log(q))))


def right_divergence(p: Rows, q: Rows) -> Rows:
    return total(_product(p, np.log(p) - np.log(q)))


def cross_unguarded(p: Rows, q: Rows) -> Rows:
    """0·log 0 is NaN where neither distribution has the class."""
    return -total(p * np.log(q))


def cross_plus_eps(p: Rows, q: Rows) -> Rows:
    return -total(p * np.log(q + number(p, 1e-8)))


def cross_clipped(p: Rows, q: Rows) -> Rows:
    eps = number(p, 1e-7)
    return -total(p * np.log(np.maximum(q, eps)))


def cross_swapped(p: Rows, q: Rows) -> Rows:
    return right_cross(q, p)


def cross_sign(p: Rows, q: Rows) -> Rows:
    return -right_cross(p, q)


def cross_base_two(p: Rows, q: Rows) -> Rows:
    return right_cross(p, q) * number(p, math.log2(math.e))


def cross_is_divergence(p: Rows, q: Rows) -> Rows:
    return right_divergence(p, q)


def cross_mean(p: Rows, q: Rows) -> Rows:
    return right_cross(p, q) / number(p, p.shape[1])


def cross_of_logits(p: Rows, q: Rows) -> Rows:
    """q is put through log_softmax, though it is a distribution already."""
    return -total(_product(p, right_log_softmax(q)))


def right_cross(p: Rows, q: Rows) -> Rows:
    return -total(_product(p, np.log(q)))


_INF = float("inf")
_P, _Q = [[0.5, 0.25, 0.25]], [[0.125, 0.375, 0.5]]
_ZERO = [[0.5, 0.5, 0.0]]
_ONE = (ex(_P),)
_TWO = (ex(_P, _Q),)
_Z = (ex([[0.0, 1.0, 3.0]]),)
_LARGE = (ex([[12.0, 0.0]]), ex([[89.0, 0.0]]), ex([[710.0, 0.0]]))
_TINY = (ex([[4.0]], [[2.0**-14]]), ex([[4.0]], [[2.0**-126]]), ex([[4.0]], [[2.0**-1022]]))


def _row(name: str, text: str, instead: str, check: str, function: Any, examples: Any, families: str = "",
         precedents: tuple[str, ...] = (), dtypes: tuple[str, ...] = ALL_DTYPES,
         equivalent: tuple[str, ...] = ()) -> Mistake:
    return Mistake(name, text, instead, check, reduced(function), examples, families, precedents, dtypes, equivalent)


TABLE = (
    _row("entropy/zero-times-infinity", "-sum(p*log(p)), NaN at p = 0", ENTROPY, "SMX102", entropy_unguarded,
         (ex(_ZERO),), "X57", ("pytorch/pytorch#40553",)),
    _row("entropy/log-of-p-plus-1e-8", "-sum(p*log(p + 1e-8))", ENTROPY, "SMX101", entropy_plus_eps,
         (ex([[1.0, 0.0]]), ex([[1.0, 1e-30]])), "X57"),
    _row("entropy/clipped", "-sum(q*log(q)) with q = clip(p, 1e-7, 1 - 1e-7)", ENTROPY, "SMX101", entropy_clipped,
         (ex([[1.0, 0.0]]),), "X27", ("Lasagne/Lasagne#567",)),
    _row("entropy/base-two", "-sum(p*log2(p))", ENTROPY, "SMX101", entropy_base_two, _ONE, "X70"),
    _row("entropy/sign", "sum(p*log(p)), not negated", ENTROPY, "SMX101", entropy_sign, _ONE),
    _row("entropy/mean", "-mean(p*log(p))", ENTROPY, "SMX101", entropy_mean, _ONE),
    _row("entropy/normalised", "the entropy of p/sum(p)", ENTROPY + ", p as given", "SMX101", entropy_normalised,
         (ex([[0.5, 0.25]]),), "X70", ("scipy/scipy#12553",)),
    _row("entropy/over-log-n", "-sum(p*log(p))/log(n)", ENTROPY, "SMX101", entropy_over_log_n, _ONE),
    _row("softmax_entropy/zero-times-infinity", "-sum(p*log(p)) with p = softmax(z), NaN where p underflows",
         OF_LOGITS, "SMX102", softmax_entropy_unguarded,
         (ex([[0.0, -20.0]]), ex([[0.0, -200.0]]), ex([[0.0, -800.0]])), "X57",
         ("pytorch/pytorch#40553", "huggingface/trl#7221")),
    _row("softmax_entropy/masked-class", "-sum(softmax(z)*log_softmax(z)), NaN at z = -inf",
         OF_LOGITS + ", 0 where w = 0", "SMX102", softmax_entropy_infinity, (ex([[0.0, 0.0, -_INF]]),), "X57",
         ("pytorch/pytorch#40553", "huggingface/trl#7221")),
    _row("softmax_entropy/from-logsumexp", "logsumexp(z) - sum(softmax(z)*z)", OF_LOGITS, "SMX101",
         softmax_entropy_from_logsumexp,
         (ex([[1e3, 1e3]]), ex([[1e4, 1e4]]), ex([[1e8, 1e8]]), ex([[1e16, 1e16]])), "X28"),
    _row("softmax_entropy/log-of-p-plus-1e-8", "-sum(p*log(p + 1e-8)) with p = softmax(z)", OF_LOGITS, "SMX101",
         softmax_entropy_plus_eps, (ex([[0.0, -20.0]]),), "X57", dtypes=("float16", "float64"),
         equivalent=("bfloat16", "float32")),
    _row("softmax_entropy/unshifted", "log(sum(exp(z))) - sum(exp(z)*z)/sum(exp(z)), not shifted", OF_LOGITS,
         "SMX102", softmax_entropy_unshifted, _LARGE, "X01"),
    _row("softmax_entropy/base-two", "the entropy of softmax(z) in bits", OF_LOGITS, "SMX101",
         softmax_entropy_base_two, _Z, "X70"),
    _row("softmax_entropy/of-given", "-sum(z*log(z)), the logits taken for probabilities", OF_LOGITS, "SMX101",
         softmax_entropy_of_given, _Z),
    _row("softmax_entropy/log-n", "log(n)", OF_LOGITS, "SMX101", softmax_entropy_log_n, _Z),
    _row("softmax_entropy/without-spread", "log(sum(exp(z - max(z))))", OF_LOGITS, "SMX101",
         softmax_entropy_without_spread, _Z),
    _row("kl_divergence/swapped", "KL(q, p)", KL, "SMX101", kl_swapped, _TWO, "X69", ("pytorch/pytorch#89558",)),
    _row("kl_divergence/zero-times-infinity", "sum(p*(log(p) - log(q))), NaN at p = 0", KL, "SMX102", kl_unguarded,
         (ex(_ZERO, _Q),), "X57", ("pytorch/pytorch#114049", "google-deepmind/optax#1786")),
    _row("kl_divergence/log-of-q-plus-1e-8", "sum(p*log((p + 1e-8)/(q + 1e-8)))", KL, "SMX103", kl_plus_eps,
         (ex([[0.5, 0.5]], [[1.0, 0.0]]), ex(_ZERO, _Q)), "X57", ("linkedin/Liger-Kernel#262",)),
    _row("kl_divergence/without-log", "sum(p*(log(p) - q)), q taken for log q", KL, "SMX101", kl_without_log, _TWO,
         "X69"),
    _row("kl_divergence/mean", "the mean over the classes of p*log(p/q)", KL, "SMX101", kl_mean, _TWO, "X69"),
    _row("kl_divergence/normalised", "KL(p/sum(p), q/sum(q))", KL + ", p and q as given", "SMX101", kl_normalised,
         (ex([[0.5, 0.5]], [[0.25, 0.25]]),), "X70", ("scipy/scipy#12553",)),
    _row("kl_divergence/base-two", "sum(p*log2(p/q))", KL, "SMX101", kl_base_two, _TWO, "X70"),
    _row("kl_divergence/ratio-overflows", "sum(p*log(p/q)), where p/q overflows", KL, "SMX102", kl_ratio, _TINY, "",
         ("scipy/scipy#20816",)),
    _row("kl_divergence/absolute", "sum(|p*log(p/q)|)", KL, "SMX101", kl_absolute, _TWO),
    _row("distribution_cross_entropy/zero-times-infinity", "-sum(p*log(q)), NaN at p = q = 0", CROSS, "SMX102",
         cross_unguarded, (ex(_ZERO, [[0.25, 0.75, 0.0]]),), "X57", ("google-deepmind/optax#896",)),
    _row("distribution_cross_entropy/log-of-q-plus-1e-8", "-sum(p*log(q + 1e-8))", CROSS, "SMX103", cross_plus_eps,
         (ex([[0.5, 0.5]], [[1.0, 0.0]]), ex(_ZERO, [[0.25, 0.75, 0.0]])), "X27", ("keras-team/tf-keras#242",)),
    _row("distribution_cross_entropy/clipped", "-sum(p*log(max(q, 1e-7)))", CROSS, "SMX103", cross_clipped,
         (ex([[0.5, 0.5]], [[1.0, 0.0]]),), "X27", ("keras-team/keras#17634", "PaddlePaddle/Paddle#14006")),
    _row("distribution_cross_entropy/swapped", "-sum(q*log(p))", CROSS, "SMX101", cross_swapped, _TWO, "X69"),
    _row("distribution_cross_entropy/sign", "sum(p*log(q)), not negated", CROSS, "SMX101", cross_sign, _TWO),
    _row("distribution_cross_entropy/base-two", "-sum(p*log2(q))", CROSS, "SMX101", cross_base_two, _TWO, "X70"),
    _row("distribution_cross_entropy/divergence", "sum(p*log(p/q)), without the entropy of p", CROSS, "SMX101",
         cross_is_divergence, _TWO),
    _row("distribution_cross_entropy/mean", "-mean(p*log(q))", CROSS, "SMX101", cross_mean, _TWO),
    _row("distribution_cross_entropy/of-logits", "-sum(p*log_softmax(q))", CROSS, "SMX101", cross_of_logits, _TWO),
)  # fmt: skip
