"""The shift is left out, or is not the maximum of the row: exp overflows, or a whole row underflows to 0/0."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes.model import WIDE, Mistake, ex
from smxcheck.mistakes.rows import (
    Rows,
    divide_by_sum,
    finite_top,
    number,
    reduced,
    right_softmax,
    same,
    top,
    total,
)

SHIFTED_SOFTMAX = "e = exp(x - max(x)); e / sum(e)"
SHIFTED_LOG_SOFTMAX = "x - max(x) - log(sum(exp(x - max(x))))"
SHIFTED_LOGSUMEXP = "max(x) + log(sum(exp(x - max(x))))"


def unshifted(x: Rows) -> Rows:
    """inf/inf above the overflow threshold of exp, 0/0 below that of underflow (89 and -104 in float32)."""
    return divide_by_sum(np.exp(x))


def global_maximum(x: Rows) -> Rows:
    """One maximum for the whole batch: a row far below it underflows to 0/0."""
    return divide_by_sum(np.exp(x - np.max(x)))


def maximum_from_zero(x: Rows) -> Rows:
    """The running maximum starts at 0 (or at FLT_MIN, the smallest positive number), not at -inf."""
    return divide_by_sum(np.exp(x - np.maximum(top(x), number(x, 0.0))))


def minus_mean(x: Rows) -> Rows:
    """The mean lies below the maximum, so that one large entry overflows."""
    mean = x.astype(np.float64).mean(axis=1, keepdims=True).astype(x.dtype)
    return divide_by_sum(np.exp(x - mean))


def minus_first(x: Rows) -> Rows:
    return divide_by_sum(np.exp(x - x[:, :1]))


def minus_minimum(x: Rows) -> Rows:
    return divide_by_sum(np.exp(x - np.min(x, axis=1, keepdims=True)))


def minus_largest_magnitude(x: Rows) -> Rows:
    """max |x| is the maximum only if that is positive: [-200, 0] is shifted by 200."""
    return divide_by_sum(np.exp(x - np.max(np.abs(x), axis=1, keepdims=True)))


def clamped_logits(x: Rows) -> Rows:
    """Clipping the logits in place of shifting them: everything above 50 becomes a tie."""
    low, high = number(x, -50.0), number(x, 50.0)
    clipped = np.where(x > high, high, np.where(x < low, low, x))
    return right_softmax(clipped)


def clamped_exponent(x: Rows) -> Rows:
    """exp(max(x - max, -80)): entries further than 80 below the maximum are all exp(-80)."""
    d, floor = x - top(x), number(x, -80.0)
    return divide_by_sum(np.exp(np.where(d < floor, floor, d)))


def log_unshifted(x: Rows) -> Rows:
    return x - np.log(total(np.exp(x)))


def log_global_maximum(x: Rows) -> Rows:
    d = x - np.max(x)
    return d - np.log(total(np.exp(d)))


def log_maximum_from_zero(x: Rows) -> Rows:
    d = x - np.maximum(top(x), number(x, 0.0))
    return d - np.log(total(np.exp(d)))


def lse_unshifted(x: Rows) -> Rows:
    return np.log(total(np.exp(x)))


def lse_global_maximum(x: Rows) -> Rows:
    a = np.max(finite_top(x))
    return a + np.log(total(np.exp(x - a)))


def lse_maximum_from_zero(x: Rows) -> Rows:
    a = np.maximum(finite_top(x), number(x, 0.0))
    return a + np.log(total(np.exp(x - a)))


def lse_pairwise_unguarded(x: Rows) -> Rows:
    """log(exp a + exp b) = a + log(1 + exp(b - a)), folded over the row without putting the larger one in front."""
    y = x[:, :1]
    for j in range(1, x.shape[1]):
        y = y + np.log1p(np.exp(x[:, j : j + 1] - y))
    return y


#: One pair overflows exp in each format.
_LARGE = (ex([[12.0, 0.0]]), ex([[89.0, 0.0]]), ex([[710.0, 0.0]]))
_VERY_NEGATIVE = (ex([[-30.0, -31.0]]), ex([[-200.0, -201.0]]), ex([[-10000.0, -10000.0]]))
_TWO_LEVELS = (ex([[0.0, 1.0], [-120.0, -121.0]]), ex([[0.0, 1.0], [-1000.0, -1001.0]]))

TABLE = (
    Mistake("softmax/unshifted", "exp(x)/sum(exp(x)), without subtracting the maximum", SHIFTED_SOFTMAX, "SMX102",
            same(unshifted), _LARGE + _VERY_NEGATIVE, "X01",
            ("tracel-ai/burn#315", "dwavesystems/dwave-optimization#555", "Tencent/ncnn#1588")),
    Mistake("softmax/global-maximum", "exp(x - a)/sum(exp(x - a)) with a the maximum of the whole batch",
            SHIFTED_SOFTMAX + ", with the maximum of each row", "SMX105", same(global_maximum), _TWO_LEVELS, "X02",
            ("pyg-team/pytorch_geometric#2013", "manassharma07/crysx_nn#7")),
    Mistake("softmax/maximum-from-zero", "exp(x - a)/sum(exp(x - a)) with a = max(0, max(x))",
            "start the maximum at -inf (or at the first entry)", "SMX102", same(maximum_from_zero),
            _VERY_NEGATIVE, "X03", ("FluxML/NNlib.jl#43", "pytorch/pytorch#65390", "mit-han-lab/tinyengine#107")),
    Mistake("softmax/minus-mean", "exp(x - mean(x))/sum(exp(x - mean(x)))", SHIFTED_SOFTMAX, "SMX102",
            same(minus_mean), (ex([[0.0] * 99 + [100.0]]), ex([[0.0] * 99 + [1000.0]])), "X04"),
    Mistake("softmax/minus-first", "exp(x - x[0])/sum(exp(x - x[0]))", SHIFTED_SOFTMAX, "SMX102",
            same(minus_first), (ex([[0.0, 100.0]]), ex([[0.0, 1000.0]])), "X04"),
    Mistake("softmax/minus-minimum", "exp(x - min(x))/sum(exp(x - min(x)))", SHIFTED_SOFTMAX, "SMX102",
            same(minus_minimum), (ex([[0.0, 100.0]]), ex([[0.0, 1000.0]])), "X05"),
    Mistake("softmax/minus-largest-magnitude", "exp(x - max|x|)/sum(exp(x - max|x|))", SHIFTED_SOFTMAX, "SMX102",
            same(minus_largest_magnitude), _VERY_NEGATIVE, "X05"),
    Mistake("softmax/clamped-logits", "softmax of x clipped to [-50, 50]", SHIFTED_SOFTMAX + ", without clipping",
            "SMX101", same(clamped_logits), (ex([[51.0, 50.0]]),), "X09"),
    Mistake("softmax/clamped-exponent", "e = exp(max(x - max(x), -80)); e/sum(e)", SHIFTED_SOFTMAX, "SMX101",
            same(clamped_exponent), (ex([[0.0, -84.0]]), ex([[0.0, -100.0]])), "X09",
            ("NVIDIA/apex#1444",), dtypes=("bfloat16", *WIDE), equivalent=("float16",)),
    Mistake("log_softmax/unshifted", "x - log(sum(exp(x))), without subtracting the maximum", SHIFTED_LOG_SOFTMAX,
            "SMX102", same(log_unshifted), _LARGE + _VERY_NEGATIVE, "X01",
            ("pytorch/pytorch#795", "apple/coremltools#2690", "tracel-ai/burn#315")),
    Mistake("log_softmax/global-maximum", "d - log(sum(exp(d))) with d = x - the maximum of the whole batch",
            SHIFTED_LOG_SOFTMAX + ", with the maximum of each row", "SMX105", same(log_global_maximum),
            _TWO_LEVELS, "X02", ("pyg-team/pytorch_geometric#2013",)),
    Mistake("log_softmax/maximum-from-zero", "d - log(sum(exp(d))) with d = x - max(0, max(x))",
            "start the maximum at -inf (or at the first entry)", "SMX102", same(log_maximum_from_zero),
            _VERY_NEGATIVE, "X03", ("FluxML/NNlib.jl#43", "microsoft/onnxruntime#2786")),
    Mistake("logsumexp/unshifted", "log(sum(exp(x))), without subtracting the maximum", SHIFTED_LOGSUMEXP, "SMX103",
            reduced(lse_unshifted, -np.inf), _LARGE + _VERY_NEGATIVE, "X01", ("apple/coremltools#2690",)),
    Mistake("logsumexp/global-maximum", "a + log(sum(exp(x - a))) with a the maximum of the whole batch",
            SHIFTED_LOGSUMEXP + ", with the maximum of each row", "SMX105",
            reduced(lse_global_maximum, -np.inf), _TWO_LEVELS, "X02"),
    Mistake("logsumexp/maximum-from-zero", "a + log(sum(exp(x - a))) with a = max(0, max(x))",
            "start the maximum at -inf (or at the first entry)", "SMX102",
            reduced(lse_maximum_from_zero, -np.inf), _VERY_NEGATIVE, "X03", ("microsoft/onnxruntime#2786",)),
    Mistake("logsumexp/pairwise-unguarded", "a + log1p(exp(b - a)) over the row, whichever is larger",
            "max(a, b) + log1p(exp(-|a - b|))", "SMX102", reduced(lse_pairwise_unguarded, -np.inf),
            (ex([[0.0, 12.0]]), ex([[0.0, 100.0]]), ex([[0.0, 1000.0]])), "X32", ("jzhang38/EasyContext#14",)),
)  # fmt: skip
