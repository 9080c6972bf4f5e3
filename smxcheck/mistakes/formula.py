"""The formula of softmax, log_softmax or logsumexp is another one, or is put together in a way that loses digits."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.mistakes.model import SIXTEEN_BIT, WIDE, Mistake, ex
from smxcheck.mistakes.rows import (
    Rows,
    divide_by_sum,
    finite_top,
    number,
    reduced,
    right_log_softmax,
    right_logsumexp,
    right_softmax,
    same,
    top,
    total,
)
from smxcheck.mistakes.shift import SHIFTED_LOG_SOFTMAX, SHIFTED_LOGSUMEXP, SHIFTED_SOFTMAX


def mean_in_denominator(x: Rows) -> Rows:
    return right_softmax(x) * number(x, x.shape[1])


def denominator_plus_1e_8(x: Rows) -> Rows:
    """Σ >= 1, so that 1e-8 is below u in float32 and narrower formats: there it cannot be told."""
    e = np.exp(x - top(x))
    return e / (total(e) + number(x, 1e-8))


def denominator_plus_1e_6(x: Rows) -> Rows:
    """17 u in float32, more than a short row allows; nothing in 16 bit."""
    e = np.exp(x - top(x))
    return e / (total(e) + number(x, 1e-6))


def base_two(x: Rows) -> Rows:
    return divide_by_sum(np.exp2(x - top(x)))


def from_logsumexp(x: Rows) -> Rows:
    """x - lse cancels: u·|lse| absolute, 1e-3 of the result at an offset of 1e4 in float32."""
    return np.exp(x - right_logsumexp(x))


def straight_line_exp(x: Rows) -> Rows:
    """2^(i + f) as 2^i (1 + f), the exponent trick; up to 6 % off."""
    scaled = (x - top(x)) * number(x, math.log2(math.e))
    whole = np.floor(scaled)
    return divide_by_sum(np.exp2(whole) * (number(x, 1.0) + np.where(np.isfinite(scaled), scaled - whole, 0 * whole)))


def exp_by_squaring(x: Rows) -> Rows:
    """(1 + d/1024)^1024 for exp d: off by d²/2048, and wrong beyond d = -2048 where the base turns negative."""
    base = number(x, 1.0) + (x - top(x)) / number(x, 1024.0)
    for _ in range(10):
        base = base * base
    return divide_by_sum(base)


def normalised_twice(x: Rows) -> Rows:
    return right_softmax(right_softmax(x))


def normalised_without_exp(x: Rows) -> Rows:
    return divide_by_sum(x)


def softmin(x: Rows) -> Rows:
    return right_softmax(-x)


def log_of_softmax(x: Rows) -> Rows:
    """-inf where softmax underflows, and the last bits of p near 1 are all that is left of log p."""
    return np.log(right_softmax(x))


def log_of_unshifted_softmax(x: Rows) -> Rows:
    return np.log(divide_by_sum(np.exp(x)))


def log_of_softmax_plus_eps(x: Rows) -> Rows:
    return np.log(right_softmax(x) + number(x, 1e-8))


def log_of_clipped_softmax(x: Rows) -> Rows:
    p, eps = right_softmax(x), number(x, 1e-7)
    return np.log(np.minimum(np.maximum(p, eps), number(x, 1.0) - eps))


def minus_logsumexp(x: Rows) -> Rows:
    """The sum max + log Σ is rounded to the ulp of the maximum before x is taken from it."""
    return x - right_logsumexp(x)


def log_of_sum(x: Rows) -> Rows:
    """log Σ with the maximum's own 1 in Σ: 0 for the winner once the rest is below u. ``standard`` accepts it (the
    bound of that level grants u·Σ absolute), ``tight`` asks for log1p of the rest. In float16 the float32 sum holds every
    rest that the result can hold."""
    return right_log_softmax(x)


def without_log(x: Rows) -> Rows:
    d = x - top(x)
    return d - total(np.exp(d))


def only_shifted(x: Rows) -> Rows:
    return x - top(x)


def log1p_of_whole_sum(x: Rows) -> Rows:
    """log1p is for the sum without the maximum's 1."""
    d = x - top(x)
    return d - np.log1p(total(np.exp(d)))


def log_base_two(x: Rows) -> Rows:
    d = x - top(x)
    return d - np.log2(total(np.exp(d)))


def softmax_without_log(x: Rows) -> Rows:
    return right_softmax(x)


def lse_without_maximum(x: Rows) -> Rows:
    return np.log(total(np.exp(x - finite_top(x))))


def lse_log_of_sum(x: Rows) -> Rows:
    """As ``log_of_sum``: max + log Σ gives 0 for (0, -40), where 4.2e-18 is right. ``standard`` cannot tell."""
    return right_logsumexp(x)


def lse_base_two(x: Rows) -> Rows:
    a = finite_top(x)
    return a + np.log2(total(np.exp(x - a)))


def lse_mean(x: Rows) -> Rows:
    return right_logsumexp(x) - number(x, math.log(x.shape[1]))


def lse_maximum(x: Rows) -> Rows:
    return top(x)


def lse_maximum_plus_log_n(x: Rows) -> Rows:
    return top(x) + number(x, math.log(x.shape[1]))


def lse_plus_eps(x: Rows) -> Rows:
    """Rounds away in 16 bit, but for a row of -inf, whose value becomes log 1e-6."""
    a = finite_top(x)
    return a + np.log(total(np.exp(x - a)) + number(x, 1e-6))


_PAIR = (ex([[0.0, 1.0]]),)
_OFFSETS = (ex([[1e3, 1e3]]), ex([[1e4, 1e4]]), ex([[1e8, 1e8]]), ex([[1e16, 1e16]]))
_FAR_TAIL = (ex([[0.0, -20.0]]), ex([[0.0, -200.0]]), ex([[0.0, -800.0]]))

TABLE = (
    Mistake("softmax/mean-in-denominator", "exp(x)/mean(exp(x))", SHIFTED_SOFTMAX, "SMX101",
            same(mean_in_denominator), _PAIR, "X11"),
    Mistake("softmax/denominator-plus-1e-8", "exp(x - max(x))/(sum + 1e-8)",
            SHIFTED_SOFTMAX + ": the sum is at least 1", "SMX101", same(denominator_plus_1e_8), _PAIR, "X13",
            ("tracel-ai/burn#4697",), dtypes=("float64",), equivalent=("float16", "bfloat16", "float32")),
    Mistake("softmax/denominator-plus-1e-6", "exp(x - max(x))/(sum + 1e-6)",
            SHIFTED_SOFTMAX + ": the sum is at least 1", "SMX101", same(denominator_plus_1e_6), _PAIR, "X13",
            ("tracel-ai/burn#4697",), dtypes=WIDE, equivalent=SIXTEEN_BIT),
    Mistake("softmax/base-two", "2**x/sum(2**x)", "exp2((x - max(x))*log2(e)), or exp(x - max(x))", "SMX101",
            same(base_two), _PAIR, "X18"),
    Mistake("softmax/from-logsumexp", "exp(x - logsumexp(x))", SHIFTED_SOFTMAX, "SMX101", same(from_logsumexp),
            _OFFSETS, "X29", ("pytorch/pytorch#11752",)),
    Mistake("softmax/straight-line-exp", "2^i (1 + f) for 2^(i + f), an exp by its exponent bits",
            "the exp of the platform, or a polynomial of degree 5 or more", "SMX101", same(straight_line_exp),
            (ex([[0.0, -0.5]]), ex([[0.0] * 15 + [-0.40625]])), "X39",
            ("torch/nn#804", "Maratyszcza/NNPACK#174", "openvinotoolkit/openvino#37857")),
    Mistake("softmax/exp-by-squaring", "(1 + d/1024)^1024 for exp(d)", "the exp of the platform", "SMX101",
            same(exp_by_squaring), (ex([[0.0, -8.0]]), ex([[0.0, -20.0]])), "X39"),
    Mistake("softmax/normalised-twice", "softmax(softmax(x))", "softmax(x), once", "SMX101", same(normalised_twice),
            _PAIR),
    Mistake("softmax/without-exp", "x/sum(x)", SHIFTED_SOFTMAX, "SMX101", same(normalised_without_exp), _PAIR),
    Mistake("softmax/softmin", "softmax(-x)", SHIFTED_SOFTMAX, "SMX101", same(softmin), _PAIR),
    Mistake("log_softmax/log-of-softmax", "log(softmax(x))", SHIFTED_LOG_SOFTMAX, "SMX102", same(log_of_softmax),
            _FAR_TAIL, "X26", ("pytorch/pytorch#94043", "torch/nn#804", "apple/coremltools#2728")),
    Mistake("log_softmax/log-of-unshifted-softmax", "log(exp(x)/sum(exp(x)))", SHIFTED_LOG_SOFTMAX, "SMX102",
            same(log_of_unshifted_softmax), (ex([[12.0, 0.0]]), ex([[89.0, 0.0]]), ex([[710.0, 0.0]])), "X26",
            ("pytorch/pytorch#94043",)),
    Mistake("log_softmax/log-of-softmax-plus-1e-8", "log(softmax(x) + 1e-8)", SHIFTED_LOG_SOFTMAX, "SMX101",
            same(log_of_softmax_plus_eps), _FAR_TAIL, "X27", ("keras-team/tf-keras#242",)),
    Mistake("log_softmax/log-of-clipped-softmax", "log(clip(softmax(x), 1e-7, 1 - 1e-7))", SHIFTED_LOG_SOFTMAX,
            "SMX101", same(log_of_clipped_softmax), _FAR_TAIL, "X27",
            ("keras-team/keras#17634", "keras-team/keras#377", "PaddlePaddle/Paddle#14006")),
    Mistake("log_softmax/minus-logsumexp", "x - (max(x) + log(sum(exp(x - max(x)))))", SHIFTED_LOG_SOFTMAX,
            "SMX101", same(minus_logsumexp), _OFFSETS, "X28",
            ("pytorch/pytorch#11752", "pytorch/pytorch#38839", "ml-explore/mlx#4169", "stan-dev/math#2802")),
    Mistake("log_softmax/log-of-sum", "(x - max(x)) - log(sum), the maximum's 1 in the sum",
            "x - max(x) - log1p(sum of exp(x - max(x)) without the maximum)", "SMX101", same(log_of_sum),
            (ex([[0.0, -10.0]]), ex([[0.0, -17.5]]), ex([[0.0, -40.0]])), "X30",
            ("pytorch/pytorch#113708", "scipy/scipy#19521"), dtypes=("bfloat16", *WIDE), equivalent=("float16",),
            fails="tight"),
    Mistake("log_softmax/without-log", "x - max(x) - sum(exp(x - max(x)))", SHIFTED_LOG_SOFTMAX, "SMX101",
            same(without_log), _PAIR, "X31"),
    Mistake("log_softmax/only-shifted", "x - max(x)", SHIFTED_LOG_SOFTMAX, "SMX101", same(only_shifted), _PAIR, "X31"),
    Mistake("log_softmax/log1p-of-whole-sum", "x - max(x) - log1p(sum(exp(x - max(x))))",
            "log1p of the sum without the maximum's 1, or log of the whole", "SMX101", same(log1p_of_whole_sum),
            _PAIR, "X30"),
    Mistake("log_softmax/log-base-two", "x - max(x) - log2(sum(exp(x - max(x))))", SHIFTED_LOG_SOFTMAX, "SMX101",
            same(log_base_two), _PAIR, "X18"),
    Mistake("log_softmax/softmax", "softmax(x), without the logarithm", SHIFTED_LOG_SOFTMAX, "SMX101",
            same(softmax_without_log), _PAIR),
    Mistake("logsumexp/without-maximum", "log(sum(exp(x - max(x)))), the maximum not added back",
            SHIFTED_LOGSUMEXP, "SMX101", reduced(lse_without_maximum, -np.inf), _PAIR, "X31"),
    Mistake("logsumexp/log-of-sum", "max(x) + log(sum), the maximum's 1 in the sum",
            "max(x) + log1p(sum of exp(x - max(x)) without the maximum)", "SMX101",
            reduced(lse_log_of_sum, -np.inf), (ex([[0.0, -10.0]]), ex([[0.0, -17.5]]), ex([[0.0, -40.0]])), "X30",
            ("scipy/scipy#18295",), dtypes=("bfloat16", *WIDE), equivalent=("float16",), fails="tight"),
    Mistake("logsumexp/log-base-two", "max(x) + log2(sum(exp(x - max(x))))", SHIFTED_LOGSUMEXP, "SMX101",
            reduced(lse_base_two, -np.inf), _PAIR, "X18", ("Dao-AILab/flash-attention#978",)),
    Mistake("logsumexp/mean", "log(mean(exp(x)))", SHIFTED_LOGSUMEXP, "SMX101", reduced(lse_mean, -np.inf), _PAIR,
            "X11"),
    Mistake("logsumexp/maximum", "max(x)", SHIFTED_LOGSUMEXP, "SMX101", reduced(lse_maximum, -np.inf), _PAIR),
    Mistake("logsumexp/maximum-plus-log-n", "max(x) + log(n)", SHIFTED_LOGSUMEXP, "SMX101",
            reduced(lse_maximum_plus_log_n, -np.inf), _PAIR),
    Mistake("logsumexp/sum-plus-1e-6", "max(x) + log(sum + 1e-6)", SHIFTED_LOGSUMEXP, "SMX101",
            reduced(lse_plus_eps, -np.inf), (*_PAIR, ex([[-math.inf, -math.inf]])), "X13"),
)  # fmt: skip
