"""The right formula over the wrong entries: another axis, the whole array, a row's tail or padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import (
    Axis,
    Rows,
    axes_of,
    divide_by_sum,
    number,
    real,
    reduced,
    right_log_softmax,
    right_logsumexp,
    right_softmax,
    same,
    top,
    total,
)

LANES = 8


def whole_array(x: Rows) -> Rows:
    """Maximum and sum over the whole batch: right for one row, and each row too small for more."""
    return right_softmax(x.reshape(1, -1)).reshape(x.shape)


def whole_array_unshifted(x: Rows) -> Rows:
    """As it is often printed: overflows besides."""
    return divide_by_sum(np.exp(x.reshape(1, -1))).reshape(x.shape)


def sum_over_batch(x: Rows) -> Rows:
    e = np.exp(x - top(x))
    return e / total(e.reshape(1, -1))


def sum_over_columns(x: Rows) -> Rows:
    """The sum runs over the rows of the batch, not over the entries of the row."""
    e = np.exp(x - top(x))
    return e / total(np.ascontiguousarray(e.T)).T


def keepdims_forgotten(x: Rows) -> Rows:
    """Row sums of shape (m,) broadcast along the columns of a square batch: entry (i, j) is divided by the sum of
    row j. A batch that is not square would raise; it is computed rightly here."""
    if x.shape[0] != x.shape[1]:
        return right_softmax(x)
    e = np.exp(x - top(x))
    return e / total(e)[:, 0]


def log_whole_array(x: Rows) -> Rows:
    return right_log_softmax(x.reshape(1, -1)).reshape(x.shape)


def log_whole_array_unshifted(x: Rows) -> Rows:
    return np.log(whole_array_unshifted(x))


def log_keepdims_forgotten(x: Rows) -> Rows:
    if x.shape[0] != x.shape[1]:
        return right_log_softmax(x)
    d = x - top(x)
    return d - np.log(total(np.exp(d)))[:, 0]


def lse_whole_array(x: Rows) -> Rows:
    return np.broadcast_to(right_logsumexp(x.reshape(1, -1)), (x.shape[0], 1))


def _padded(x: Rows, value: float) -> Rows:
    """The row filled up to whole vectors of 8 lanes."""
    missing = -x.shape[1] % LANES
    return np.concatenate([x, np.full((x.shape[0], missing), number(x, value))], axis=1)


def padded_with_zero(x: Rows) -> Rows:
    """The lanes behind the row's end hold 0, not -inf, and enter the maximum and the sum."""
    return right_softmax(_padded(x, 0.0))[:, : x.shape[1]]


def lse_padded_with_zero(x: Rows) -> Rows:
    return right_logsumexp(_padded(x, 0.0))


def _whole_vectors(x: Rows) -> Rows:
    """The row without the entries behind its last whole vector of 8 lanes; a shorter row is left as it is."""
    return x[:, : x.shape[1] // LANES * LANES] if x.shape[1] >= LANES else x


def tail_not_in_maximum(x: Rows) -> Rows:
    """The tail has no part in the maximum, and overflows where it holds it."""
    return divide_by_sum(np.exp(x - top(_whole_vectors(x))))


def tail_not_in_sum(x: Rows) -> Rows:
    e = np.exp(x - top(x))
    return e / total(_whole_vectors(e))


def last_not_in_sum(x: Rows) -> Rows:
    """A loop that ends at n - 1."""
    e = np.exp(x - top(x))
    return e / total(e[:, :-1]) if x.shape[1] > 1 else np.ones_like(e)


def last_not_in_maximum(x: Rows) -> Rows:
    return divide_by_sum(np.exp(x - top(x[:, :-1]))) if x.shape[1] > 1 else np.ones_like(x)


def log_tail_not_in_sum(x: Rows) -> Rows:
    d = x - top(x)
    return d - np.log(total(_whole_vectors(np.exp(d))))


def lse_last_not_in_sum(x: Rows) -> Rows:
    return right_logsumexp(x[:, :-1]) if x.shape[1] > 1 else x


def odd_widths(x: Rows) -> Rows:
    """Two rows and more of odd length n, 512 < n < 1024 and n % 32 ≠ 31, are summed over their first 512 entries
    only: the predicate of a block reduction whose second half is misaligned."""
    n = x.shape[1]
    e = np.exp(x - top(x))
    hit = x.shape[0] >= 2 and 512 < n < 1024 and n % 2 == 1 and n % 32 != 31
    return e / total(e[:, :512] if hit else e)


def _on(function: Any, choose: Any) -> Any:
    """``function`` along the axis that ``choose(ndim)`` names in place of the caller's."""

    def call(x: Any, axis: Axis = -1) -> np.ndarray:
        x = real(x)
        return np.asarray(function(x, axis=choose(x, axis)))

    return call


def _last(x: np.ndarray, axis: Axis) -> Axis:
    return -1


def _first(x: np.ndarray, axis: Axis) -> Axis:
    return 0


def _from_axis_on(x: np.ndarray, axis: Axis) -> Axis:
    """ONNX before opset 13: the array is a matrix, split at the axis."""
    axes = axes_of(x, axis)
    return tuple(range(min(axes), x.ndim)) if axes else None


def lse_last(x: Any, axis: Axis = -1) -> np.ndarray:
    """The result of the last axis; where its shape is not the one asked for, it is cut and repeated to fit."""
    x = real(x)
    right = reduced(right_logsumexp, -np.inf)
    wanted = right(x, axis=axis)
    found = right(x, axis=-1)
    return found if found.shape == wanted.shape else np.resize(found, wanted.shape)


def integers_truncated(x: Any, axis: Axis = -1) -> np.ndarray:
    """The result has the dtype of the input: probabilities of integers are 0 and 1."""
    x = np.asarray(x)
    p = same(right_softmax)(x, axis=axis)
    with np.errstate(all="ignore"):
        return np.asarray(p.astype(x.dtype))


_BATCH = (ex([[0.0, 1.0], [2.0, 4.0]]),)
_NOT_LAST = (ex([[0.0, 1.0], [2.0, 4.0]], axis=0),)
_CUBE = [[[0.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [0.0, 5.0]]]
_NINE = [0.0, 1.0, 2.0, 3.0, 0.0, 1.0, 2.0, 3.0]
_TAIL_LARGE = (ex([[0.0] * 8 + [20.0]]), ex([[0.0] * 8 + [100.0]]), ex([[0.0] * 8 + [1000.0]]))
_PER_ROW = "maximum and sum of each row: axis and keepdims=True in both"
_TAIL = "load -inf (for the sum: 0) behind the row's end, and loop over all of it"

TABLE = (
    Mistake("softmax/whole-array", "exp(x - max(x))/sum over the whole batch", _PER_ROW, "SMX105", same(whole_array),
            _BATCH, "X10", ("twitter-archive/torch-autograd#166",)),
    Mistake("softmax/sum-over-batch", "exp(x - max(x)) of each row, divided by the sum over the whole batch",
            _PER_ROW, "SMX105", same(sum_over_batch), _BATCH, "X10", ("twitter-archive/torch-autograd#166",)),
    Mistake("softmax/sum-over-columns", "exp(x - max(x)) of each row, divided by the sums of the columns", _PER_ROW,
            "SMX105", same(sum_over_columns), _BATCH, "X10"),
    Mistake("softmax/keepdims-forgotten", "entry (i, j) divided by the sum of row j", _PER_ROW, "SMX105",
            same(keepdims_forgotten), _BATCH, "X12", ("tinygrad/tinygrad#14268",)),
    Mistake("softmax/axis-ignored", "softmax along the last axis, whatever the axis", "reduce along the given axis",
            "SMX203", _on(same(right_softmax), _last), _NOT_LAST, "X44", ("tensorflow/tensorflow#14916",)),
    Mistake("softmax/first-axis", "softmax along the first axis, whatever the axis", "reduce along the given axis",
            "SMX105", _on(same(right_softmax), _first), _BATCH, "X44", ("opencv/opencv#24613",)),
    Mistake("softmax/flattened-from-axis", "softmax over the axis and all behind it", "reduce along the one axis",
            "SMX203", _on(same(right_softmax), _from_axis_on), (*_NOT_LAST, ex(_CUBE, axis=1)), "X44",
            ("onnx/onnx#2879", "apache/tvm#19420", "robertknight/rten#1414")),
    Mistake("softmax/padded-with-zero", "softmax of the row filled up with 0 to a multiple of 8", _TAIL, "SMX106",
            same(padded_with_zero), (ex([_NINE[:7]]), ex([[*_NINE, 1.0]])), "X19", ("vllm-project/vllm#55009",)),
    Mistake("softmax/tail-not-in-maximum", "exp(x - a)/sum with a the maximum of the first n - n % 8 entries", _TAIL,
            "SMX106", same(tail_not_in_maximum), _TAIL_LARGE, "X20", ("Maratyszcza/NNPACK#174",)),
    Mistake("softmax/tail-not-in-sum", "exp(x - max(x)), divided by the sum of the first n - n % 8 entries", _TAIL,
            "SMX106", same(tail_not_in_sum), (ex([[*_NINE, 4.0]]),), "X20", ("Maratyszcza/NNPACK#174",)),
    Mistake("softmax/last-not-in-sum", "exp(x - max(x)), divided by the sum without the last entry",
            "loop to n, not to n - 1", "SMX101", same(last_not_in_sum), (ex([[0.0, 1.0]]),), "X21"),
    Mistake("softmax/last-not-in-maximum", "exp(x - a)/sum with a the maximum without the last entry",
            "loop to n, not to n - 1", "SMX102", same(last_not_in_maximum),
            (ex([[0.0, 20.0]]), ex([[0.0, 100.0]]), ex([[0.0, 1000.0]])), "X21"),
    Mistake("softmax/odd-widths", "the sum of the first 512 entries, for odd widths between 512 and 1024",
            "align the second half of the block reduction, or read it entry by entry", "SMX106", same(odd_widths),
            (ex([[0.0] * 512 + [5.0]] * 2),), "", ("pytorch/pytorch#147284", "pytorch/pytorch#143644")),
    Mistake("softmax/integers-truncated", "softmax(x) in the integer dtype of x", "integers become float64",
            "SMX209", integers_truncated, (), "X41", ("numpy/numpy#15117",), dtypes=(),
            equivalent=("float16", "bfloat16", "float32", "float64")),
    Mistake("log_softmax/whole-array", "x - max(x) - log(sum) over the whole batch", _PER_ROW, "SMX105",
            same(log_whole_array), _BATCH, "X10"),
    Mistake("log_softmax/keepdims-forgotten", "entry (i, j) less the logarithm of the sum of row j", _PER_ROW,
            "SMX105", same(log_keepdims_forgotten), _BATCH, "X12", ("tinygrad/tinygrad#14268",)),
    Mistake("log_softmax/axis-ignored", "log_softmax along the last axis, whatever the axis",
            "reduce along the given axis", "SMX203", _on(same(right_log_softmax), _last), _NOT_LAST, "X44",
            ("tensorflow/tensorflow#14916",)),
    Mistake("log_softmax/tail-not-in-sum", "x - max(x) - log(sum of the first n - n % 8 terms)", _TAIL, "SMX106",
            same(log_tail_not_in_sum), (ex([[*_NINE, 4.0]]),), "X20"),
    Mistake("logsumexp/whole-array", "logsumexp of the whole batch, for every row", _PER_ROW, "SMX105",
            reduced(lse_whole_array, -np.inf), _BATCH, "X10"),
    Mistake("logsumexp/axis-ignored", "logsumexp along the last axis, whatever the axis",
            "reduce along the given axis", "SMX203", lse_last, _NOT_LAST, "X44"),
    Mistake("logsumexp/padded-with-zero", "logsumexp of the row filled up with 0 to a multiple of 8", _TAIL, "SMX106",
            reduced(lse_padded_with_zero, -np.inf), (ex([[-5.0] * 7]), ex([[-5.0] * 9])), "X19",
            ("vllm-project/vllm#55009",)),
    Mistake("logsumexp/last-not-in-sum", "logsumexp without the last entry", "loop to n, not to n - 1", "SMX101",
            reduced(lse_last_not_in_sum, -np.inf), (ex([[0.0, 1.0]]),), "X21"),
    Mistake("softmax/whole-array-unshifted", "exp(x)/sum(exp(x)), unshifted and over the whole batch",
            "e = exp(x - max(x)); e / sum(e), with maximum and sum of each row", "SMX105",
            same(whole_array_unshifted), _BATCH, "X10", ("twitter-archive/torch-autograd#166",)),
    Mistake("log_softmax/whole-array-unshifted", "log(exp(x)/sum(exp(x))), unshifted and over the whole batch",
            "x - max(x) - log(sum(exp(x - max(x)))), with maximum and sum of each row", "SMX105",
            same(log_whole_array_unshifted), _BATCH, "X10"),
)  # fmt: skip
