"""Implementations with right values on an ordinary batch, each of which breaks one property that one check is for.

What they compute with is the textbook stable form. They are tests of the checks: an implementation that passes all
the others must still be caught by the one that ``check`` names.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np

from smxcheck.mistakes.loss_parts import Loss
from smxcheck.mistakes.model import Misbehaviour
from smxcheck.mistakes.rows import (
    Axis,
    Rows,
    finite_top,
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
from smxcheck.mistakes.shapes import odd_widths

_softmax = same(right_softmax)
_log_softmax = same(right_log_softmax)
_logsumexp = reduced(right_logsumexp, -np.inf)


def _row_of_minus_infinity(x: Rows, value: float) -> Rows:
    """softmax with ``value`` in rows that hold nothing but -inf."""
    masked = np.all(np.isneginf(x.astype(np.float64)), axis=1, keepdims=True)
    return np.where(masked, number(x, value), right_softmax(x))


def tail_scaled(x: Rows) -> Rows:
    """The tail of a single row, from 40 below the maximum on, is off by 2^-14, relative: in absolute terms, by
    nothing."""
    p = right_softmax(x)
    tail = (x - top(x) < number(x, -40.0)) & (len(x) == 1)
    return np.where(tail, p + p * number(x, 2.0**-14), p)


def product_overflows(x: Rows) -> Rows:
    """exp2(x·log2 e) with the product before the shift: inf - inf from 0.69 of the largest number on."""
    product = np.abs(x) * number(x, 1.4427)
    hit = np.any(np.isinf(product) & np.isfinite(x), axis=1, keepdims=True)
    return np.where(hit, number(x, np.nan), right_softmax(x))


def infinite_replaced(x: Any, axis: Axis = -1) -> np.ndarray:
    """-65504 for -inf, along the last axis only."""
    y = np.asarray(_log_softmax(x, axis=axis))
    last = axis in (-1, np.ndim(x) - 1)
    return np.where(np.isneginf(y.astype(np.float64)) & last, number(y, -65504.0), y)


def nan_row_counts_as_masked(x: Rows) -> Rows:
    """0 where a single row holds a NaN; of a batch, the rows are right."""
    p = right_softmax(x)
    return np.where(np.any(np.not_equal(x, x)) & (len(x) == 1), number(x, 0.0), p)


def nan_spreads_to_batch(x: Rows) -> Rows:
    """One flag for the batch: a NaN anywhere makes everything NaN."""
    p = right_softmax(x)
    return np.full_like(p, number(x, np.nan)) if np.any(np.not_equal(x, x)) else p


def stops_at_2048(x: Rows) -> Rows:
    """The sum ends after 2048 entries, where a sum of ones in float16 stops growing."""
    a = finite_top(x)
    return a + np.log(total(np.exp(x - a)[:, : 2**11]))


def leaning(x: Rows) -> Rows:
    """A normaliser 18 u too small in rows of 1,000 entries and more: each element within its bound, all of them on one
    side of it."""
    p = right_softmax(x)
    return p + p * number(x, 9.0 * np.finfo(x.dtype).eps) if x.shape[1] >= 1000 else p


def keeps_dims(x: Any, axis: Axis = -1) -> np.ndarray:
    x = real(x)
    y = np.asarray(_logsumexp(x, axis=axis))
    return y if x.ndim == 0 else np.expand_dims(y, axis if axis is not None else tuple(range(x.ndim)))


def flattened(x: Any, axis: Axis = -1) -> np.ndarray:
    return np.asarray(_softmax(x, axis=axis)).ravel() if np.ndim(x) > 1 else np.asarray(_softmax(x, axis=axis))


def always_float64(x: Any, axis: Axis = -1) -> np.ndarray:
    return np.asarray(_softmax(x, axis=axis)).astype(np.float64)


def middle_axis_is_last(x: Any, axis: Axis = -1) -> np.ndarray:
    """axis = 1 of three is taken for -1; every other axis is right."""
    return np.asarray(_softmax(x, axis=-1 if axis == 1 and np.ndim(x) == 3 else axis))


def memory_order(x: Any, axis: Axis = -1) -> np.ndarray:
    """Reads its input as one block of memory from the start of the buffer, whatever strides and offset say."""
    x = np.asarray(x)
    if not x.flags.c_contiguous:
        owner = x
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        block = owner.ravel(order="K")
        x = np.resize(block, x.shape)
    return np.asarray(_softmax(x, axis=axis))


def transposed_only(x: Any, axis: Axis = -1) -> np.ndarray:
    """Fortran order is read as C order; every other layout is copied."""
    x = np.asarray(x)
    fortran = x.ndim > 1 and x.flags.f_contiguous and not x.flags.c_contiguous
    return np.asarray(_softmax(x.ravel(order="F").reshape(x.shape) if fortran else x, axis=axis))


def writes_input(x: Any, axis: Axis = -1) -> np.ndarray:
    """``x -= max`` on the caller's array, where it can be written."""
    x = np.asarray(x)
    p = np.asarray(_softmax(x, axis=axis))
    if x.flags.writeable and x.size and x.dtype.kind != "i":
        with np.errstate(all="ignore"):
            x -= np.max(x, axis=axis, keepdims=True)
    return p


def returns_input(x: Any, axis: Axis = -1) -> np.ndarray:
    """The input itself, where it is its own log_softmax: a row of one 0, say."""
    y = np.asarray(_log_softmax(x, axis=axis))
    x = np.asarray(x)
    return x if x.dtype == y.dtype and np.array_equal(x, y) else y


def last_bits(calls: count[int]) -> Callable[..., np.ndarray]:
    """Every second call is one ulp lower."""

    def call(x: Any, axis: Axis = -1) -> np.ndarray:
        p = np.asarray(_softmax(x, axis=axis))
        if next(calls) % 2 == 0:
            return p
        with np.errstate(all="ignore"):
            return np.asarray(np.nextafter(p, number(p, 0.0)))

    return call


def nested_list(x: Any, axis: Axis = -1) -> Any:
    return np.asarray(_softmax(x, axis=axis)).tolist()


def nothing(x: Any, axis: Axis = -1) -> None:
    """Forgets to return."""
    _softmax(x, axis=axis)


def integer_division(x: Any, axis: Axis = -1) -> np.ndarray:
    """0 and 1 for integer logits, though in float64."""
    p = np.asarray(_softmax(x, axis=axis))
    return np.floor(p) if np.asarray(x).dtype.kind in "iu" else p


def empty_is_zero(x: Any, axis: Axis = -1) -> np.ndarray:
    """0 for the sum over nothing, whose logarithm is -inf."""
    y = np.asarray(_logsumexp(x, axis=axis))
    return np.zeros_like(y) if np.asarray(x).size == 0 else y


def only_matrices(x: Any, axis: Axis = -1) -> np.ndarray:
    if np.ndim(x) != 2:
        raise ValueError("not enough values to unpack")
    return np.asarray(_softmax(x, axis=axis))


def not_one_entry(x: Any, axis: Axis = -1) -> np.ndarray:
    if np.ndim(x) and np.shape(x)[-1] == 1:
        raise IndexError("index 1 is out of bounds for axis 0 with size 1")
    return np.asarray(_softmax(x, axis=axis))


def chatty(x: Any, axis: Axis = -1) -> np.ndarray:
    """Two megabytes of progress per call."""
    line = "softmax: one more row done, carrying on with the next".ljust(1023) + "\n"
    sys.stdout.write(line * 2048)
    return np.asarray(_softmax(x, axis=axis))


def sum_is_mean(logits: Any, labels: Any, *, reduction: str = "mean", **keywords: Any) -> np.ndarray:
    """The mean for reduction="sum" of a matrix, where no other keyword is given."""
    plain = keywords.get("weight") is None and not keywords.get("label_smoothing") and np.ndim(logits) == 2
    every = np.size(labels) > 0 and np.all(np.asarray(labels) != keywords.get("ignore_index", -100))
    hit = reduction == "sum" and plain and every
    return Loss()(logits, labels, reduction="mean" if hit else reduction, **keywords)


def masked_by_length(x: Rows) -> Rows:
    """A row of -inf gives 0 from 128 entries on, where a vector loop takes over, and NaN below."""
    return _row_of_minus_infinity(x, 0.0 if x.shape[1] >= 128 else np.nan)


def masked_is_zero(x: Rows) -> Rows:
    """A choice that is sound, and another one than --expect may declare."""
    return _row_of_minus_infinity(x, 0.0)


MISBEHAVIOURS: tuple[Misbehaviour, ...] = (
    Misbehaviour("softmax/scaled-tail", "a relative error of 2^-14 in the far tail", "SMX101", same(tail_scaled)),
    Misbehaviour("softmax/product-overflows", "NaN near the largest numbers", "SMX102", same(product_overflows)),
    Misbehaviour("log_softmax/finite-mask", "-65504 for -inf", "SMX103", infinite_replaced),
    Misbehaviour("softmax/nan-row-is-zero", "0 for a single row with NaN", "SMX104", same(nan_row_counts_as_masked)),
    Misbehaviour("softmax/nan-spreads", "a NaN in one row makes every row NaN", "SMX105", same(nan_spreads_to_batch)),
    Misbehaviour("softmax/odd-lengths", "wrong at odd lengths between 512 and 1024", "SMX106", same(odd_widths)),
    Misbehaviour("logsumexp/stops-at-2048", "the sum ends after 2,048 entries", "SMX107",
                 reduced(stops_at_2048, -np.inf)),
    Misbehaviour("softmax/leaning", "long rows are too large by 18 u", "SMX108", same(leaning)),
    Misbehaviour("logsumexp/keeps-dims", "the reduced axis stays, with length 1", "SMX201", keeps_dims),
    Misbehaviour("softmax/flattened", "one axis, whatever the input's", "SMX201", flattened),
    Misbehaviour("softmax/always-float64", "float64, whatever the input's", "SMX202", always_float64),
    Misbehaviour("softmax/middle-axis-is-last", "axis 1 of three taken for the last", "SMX203", middle_axis_is_last),
    Misbehaviour("softmax/memory-order", "strides and offset not looked at", "SMX204", memory_order),
    Misbehaviour("softmax/fortran-order", "Fortran order read as C order", "SMX204", transposed_only),
    Misbehaviour("softmax/writes-input", "subtracts the maximum in place", "SMX205", writes_input),
    Misbehaviour("log_softmax/returns-input", "the input itself, where it is the answer", "SMX206", returns_input),
    Misbehaviour("softmax/last-bits", "every second call differs in the last bit", "SMX207", last_bits(count())),
    Misbehaviour("softmax/list", "a list", "SMX208", nested_list),
    Misbehaviour("softmax/none", "nothing", "SMX208", nothing),
    Misbehaviour("softmax/integer-division", "0 and 1 for integer logits", "SMX209", integer_division),
    Misbehaviour("logsumexp/empty-is-zero", "0 for the sum over nothing", "SMX209", empty_is_zero),
    Misbehaviour("softmax/matrices-only", "raises for one axis", "SMX301", only_matrices),
    Misbehaviour("softmax/not-one-entry", "raises for a row of one entry", "SMX301", not_one_entry),
    Misbehaviour("softmax/chatty", "prints two megabytes a call", "SMX306", chatty),
    Misbehaviour("cross_entropy/sum-is-mean", "the mean for the sum", "SMX405", sum_is_mean),
    Misbehaviour("softmax/masked-by-length", "a row of -inf is NaN up to 127 entries, 0 beyond", "SMX501",
                 same(masked_by_length)),
    Misbehaviour("softmax/masked-is-zero", "a row of -inf is 0", "SMX502", same(masked_is_zero)),
)  # fmt: skip
