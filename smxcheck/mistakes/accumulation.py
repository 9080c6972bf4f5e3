"""The sum, or the precision, is lost on the way: narrow accumulators, narrow arithmetic, online updates."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes.model import SIXTEEN_BIT, Mistake, ex
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

_WIDE_SUM = "keep the sum in float32 until the division or the logarithm is done"


def _sequential_sum(e: Rows) -> Rows:
    """Left to right, rounded to the dtype at every step: 16-bit sums stop at 2^p equal terms."""
    return np.add.accumulate(e, axis=1, dtype=e.dtype)[:, -1:]


def accumulator_of_16_bits(x: Rows) -> Rows:
    """The sum stops growing at 2^p terms of 1. In float32 and float64 this is plain sequential summation, which
    ``standard`` grants."""
    e = np.exp(x - top(x))
    return e / _sequential_sum(e)


def log_accumulator_of_16_bits(x: Rows) -> Rows:
    d = x - top(x)
    return d - np.log(_sequential_sum(np.exp(d)))


def lse_accumulator_of_16_bits(x: Rows) -> Rows:
    a = finite_top(x)
    return a + np.log(_sequential_sum(np.exp(x - a)))


def sum_narrowed(x: Rows) -> Rows:
    """A float32 sum, stored in float16 before it is used: beyond 65,504 terms it is inf. Only float16 has a range
    short enough for that."""
    e = np.exp(x - top(x))
    return e / total(e).astype(x.dtype)


def log_sum_narrowed(x: Rows) -> Rows:
    d = x - top(x)
    return d - np.log(total(np.exp(d)).astype(x.dtype))


def lse_sum_narrowed(x: Rows) -> Rows:
    a = finite_top(x)
    return a + np.log(total(np.exp(x - a)).astype(x.dtype))


def flushed(x: Rows) -> Rows:
    """Everything below 1e-30 is set to 0: not the flushing of subnormals, that every level but the best grants.
    float16 has no numbers that small."""
    p = right_softmax(x)
    return np.where(p < number(x, 1e-30), number(x, 0.0), p)


def in_float32(x: Rows) -> Rows:
    """Nine digits of a float64 input are lost, and its range."""
    return right_softmax(x.astype(np.float32)).astype(x.dtype)


def log_in_float32(x: Rows) -> Rows:
    return right_log_softmax(x.astype(np.float32)).astype(x.dtype)


def lse_in_float32(x: Rows) -> Rows:
    return right_logsumexp(x.astype(np.float32)).astype(x.dtype)


def exp_in_float16(x: Rows) -> Rows:
    """exp in float16, the rest in the input's dtype: entries 17 below the maximum vanish."""
    return divide_by_sum(np.exp((x - top(x)).astype(np.float16)).astype(x.dtype))


def shift_in_bfloat16(x: Rows) -> Rows:
    """The logits are rounded to 8 bits on the way in (a tensor core's input), the rest is right."""
    import ml_dtypes

    return right_softmax(x.astype(ml_dtypes.bfloat16).astype(x.dtype))


def online_not_rescaled(x: Rows) -> Rows:
    """One pass, a running maximum a_j and a running sum: exp(x_j - a_j) is added, but the sum so far, which belongs to
    the old maximum, is not multiplied by exp(a_{j-1} - a_j). Every ascending row is wrong."""
    return np.exp(x - top(x)) / total(np.exp(x - np.maximum.accumulate(x, axis=1)))


def _first_block_masked(x: Rows) -> Rows:
    """Whether a pass in blocks of 4 meets a whole block of -inf before anything else."""
    return np.all(np.isneginf(x[:, :4].astype(np.float64)), axis=1, keepdims=True)


def online_maximum_stored_as_zero(x: Rows) -> Rows:
    """The maximum of a first block of -inf is replaced by 0, to keep NaN away, and stored: the rest is shifted by
    max(0, max x)."""
    a = np.where(_first_block_masked(x), np.maximum(top(x), number(x, 0.0)), top(x))
    return divide_by_sum(np.exp(x - a))


def online_unguarded(x: Rows) -> Rows:
    """-inf - (-inf) in the first block is NaN, and NaN stays in the sum."""
    return np.where(_first_block_masked(x), number(x, np.nan), right_softmax(x))


_INF = float("inf")
_LONG = (ex([[0.0] * 512]), ex([[0.0] * 4096]))
_LONGER = (ex([[0.0] * 65536]),)
_FLOAT64 = (ex([[0.0, -1e-9]]), ex([[0.0, -500.0]]))

TABLE = (
    Mistake("softmax/accumulator-of-16-bits", "exp(x - max(x))/sum, the sum kept in 16 bits", _WIDE_SUM, "SMX107",
            same(accumulator_of_16_bits), _LONG, "X34",
            ("apache/mxnet#14072", "microsoft/onnxruntime#24577", "sonos/tract#2586"),
            dtypes=SIXTEEN_BIT, equivalent=("float32", "float64")),
    Mistake("log_softmax/accumulator-of-16-bits", "x - max(x) - log(sum), the sum kept in 16 bits", _WIDE_SUM,
            "SMX107", same(log_accumulator_of_16_bits), _LONG, "X34", ("ROCm/MIOpen#3427",),
            dtypes=SIXTEEN_BIT, equivalent=("float32", "float64")),
    Mistake("logsumexp/accumulator-of-16-bits", "max(x) + log(sum), the sum kept in 16 bits", _WIDE_SUM, "SMX107",
            reduced(lse_accumulator_of_16_bits, -np.inf), _LONG, "X34", ("tenstorrent/tt-metal#52045",),
            dtypes=SIXTEEN_BIT, equivalent=("float32", "float64")),
    Mistake("softmax/sum-narrowed", "exp(x - max(x))/sum, the sum rounded to float16", _WIDE_SUM, "SMX107",
            same(sum_narrowed), _LONGER, "X35", dtypes=("float16",), equivalent=("bfloat16", "float32", "float64")),
    Mistake("log_softmax/sum-narrowed", "x - max(x) - log(sum), the sum rounded to float16", _WIDE_SUM, "SMX102",
            same(log_sum_narrowed), _LONGER, "X35", dtypes=("float16",),
            equivalent=("bfloat16", "float32", "float64")),
    Mistake("logsumexp/sum-narrowed", "max(x) + log(sum), the sum rounded to float16", _WIDE_SUM, "SMX103",
            reduced(lse_sum_narrowed, -np.inf), _LONGER, "X35", dtypes=("float16",),
            equivalent=("bfloat16", "float32", "float64")),
    Mistake("softmax/flushed-below-1e-30", "softmax(x), with 0 for everything below 1e-30",
            "keep small results; at most subnormal ones may become 0", "SMX101", same(flushed),
            (ex([[0.0, -75.0]]),), "X38", ("modular/modular#7102", "tenstorrent/tt-metal#56729"),
            dtypes=("bfloat16", "float32", "float64"), equivalent=("float16",)),
    Mistake("softmax/in-float32", "softmax(float32(x)), widened again", "compute float64 input in float64", "SMX101",
            same(in_float32), _FLOAT64, "X40", ("pytorch/pytorch#30572",), dtypes=("float64",),
            equivalent=("float16", "bfloat16", "float32")),
    Mistake("log_softmax/in-float32", "log_softmax(float32(x)), widened again", "compute float64 input in float64",
            "SMX101", same(log_in_float32), _FLOAT64, "X40", ("pytorch/pytorch#30572",), dtypes=("float64",),
            equivalent=("float16", "bfloat16", "float32")),
    Mistake("logsumexp/in-float32", "logsumexp(float32(x)), widened again", "compute float64 input in float64",
            "SMX101", reduced(lse_in_float32, -np.inf), _FLOAT64, "X40", dtypes=("float64",),
            equivalent=("float16", "bfloat16", "float32")),
    Mistake("softmax/exp-in-float16", "exp(float16(x - max(x))), divided by its sum",
            "exp in the dtype of the input", "SMX101", same(exp_in_float16), (ex([[0.0, -20.0]]),), "X37",
            ("torch/nn#804",), dtypes=("bfloat16", "float32", "float64"), equivalent=("float16",)),
    Mistake("softmax/logits-in-bfloat16", "softmax(bfloat16(x)), widened again", "compute in the dtype of the input",
            "SMX101", same(shift_in_bfloat16), (ex([[100.0, 100.25]]), ex([[1.0, 1.03125]])), "X37",
            dtypes=("float16", "float32", "float64"), equivalent=("bfloat16",)),
    Mistake("softmax/online-not-rescaled", "a running sum that is not rescaled at a new maximum",
            "s = s*exp(old maximum - new maximum) + exp(x - new maximum)", "SMX101", same(online_not_rescaled),
            (ex([[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]]),), "X46"),
    Mistake("softmax/online-maximum-stored-as-zero", "a running maximum that is 0 after a block of -inf",
            "guard exp(-inf - (-inf)), but keep the maximum at -inf", "SMX102", same(online_maximum_stored_as_zero),
            (ex([[-_INF] * 4 + [-300.0, -301.0, -302.0, -303.0]]), ex([[-_INF] * 4 + [-1000.0, -1001.0]])), "X47",
            ("Dao-AILab/flash-attention#2082",)),
    Mistake("softmax/online-unguarded", "a running sum that is NaN after a block of -inf",
            "where the maximum is -inf, the sum is 0", "SMX102", same(online_unguarded),
            (ex([[-_INF] * 4 + [0.0, 1.0, 2.0, 3.0]]),), "X48", ("flashinfer-ai/flashinfer#4452",)),
)  # fmt: skip
