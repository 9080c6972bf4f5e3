"""Kernels in one working precision, for float32, float64, and narrower formats in a wider one; the ``tight`` forms.

    softmax      exp(x - a)·(1/S)            a = max x, S = Σ exp(x - a)
    log_softmax  (x - a) - log1p(s)          s = S without one largest term
    logsumexp    a + log1p(s)

(Blanchard, Higham & Higham, IMA J. Numer. Anal. 41(4), 2021, algorithm 4.1; the quotient as a product with the rounded
reciprocal, one rounding more.) All sums are trees (`trees`). A row that is longer than a strip is worked in pieces; their
sums are added in float64 and rounded once, no more roundings than the tree that they are pieces of.

A kernel takes a strip, scratch memory of the working dtype, and the length of a piece.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smxcheck.functions.arrays import Array
from smxcheck.functions.layout import Scratch, Strip, pieces, store, writable
from smxcheck.functions.trees import largest, place_of_largest, total, without_largest

_WEIGHT, _SPARE, _MORE, _GAP = range(4)


def softmax(strip: Strip, scratch: Scratch, size: int) -> None:
    parts = list(pieces(strip, size))
    if len(parts) > 1:
        _long_softmax(parts, strip.axis, scratch)
        return
    x = scratch.load(_WEIGHT, strip.source, strip.axis)
    weight = scratch.like(_WEIGHT, x.shape)
    _weights(x, largest(x, strip.axis, scratch, _SPARE), weight)
    _scaled(weight, 1 / total(weight, strip.axis, scratch, _SPARE), strip.target, strip.axis)


def _long_softmax(parts: Sequence[tuple[Array, Array]], axis: int, scratch: Scratch) -> None:
    top = _largest_of(parts, axis, scratch)
    # The weights wait for their sum where the results belong, if they fit there; else they are made twice.
    fits = all(writable(target, scratch.dtype, axis) for _, target in parts)
    sums = []
    for source, target in parts:
        x = scratch.load(_WEIGHT, source, axis)
        weight = target if fits else scratch.like(_WEIGHT, source.shape)
        _weights(x, top, weight)
        sums.append(total(weight, axis, scratch, _SPARE))
    factor = 1 / _added(sums, scratch)
    for source, target in parts:
        if fits:
            target *= factor
            continue
        weight = scratch.like(_WEIGHT, source.shape)
        _weights(scratch.load(_WEIGHT, source, axis), top, weight)
        _scaled(weight, factor, target, axis)


def log_softmax(strip: Strip, scratch: Scratch, size: int) -> None:
    parts, axis = list(pieces(strip, size)), strip.axis
    if len(parts) == 1:
        _short_log_softmax(strip, scratch)
        return
    # The gaps wait for log S where the results belong, if they fit there; else they are formed twice.
    fits = all(writable(target, scratch.dtype, axis) for _, target in parts)
    top, rest = _largest_and_rest(parts, axis, scratch, keep_gaps=fits)
    log_sum = np.log1p(rest)
    for source, target in parts:
        if fits:
            target -= log_sum
            continue
        gap = scratch.like(_WEIGHT, source.shape)
        np.subtract(scratch.load(_WEIGHT, source, axis), top, out=gap)
        gap -= log_sum
        store(gap, target)


def _short_log_softmax(strip: Strip, scratch: Scratch) -> None:
    """Gaps are formed once, where the results belong if they fit there."""
    axis, target = strip.axis, strip.target
    x = scratch.load(_WEIGHT, strip.source, axis)
    place = place_of_largest(x) if axis else None
    top = largest(x, axis, scratch, _SPARE) if place is None else x[place][:, None]
    fits = writable(target, scratch.dtype, axis)
    gap = target if fits else scratch.like(_GAP, x.shape)
    np.subtract(x, top, out=gap)
    weight = np.exp(gap, out=scratch.like(_WEIGHT, x.shape))
    if place is None:
        _, rest = without_largest(weight, axis, scratch, (_SPARE, _MORE))
    else:
        weight[place] = 0
        rest = total(weight, axis, scratch, _SPARE)
    gap -= np.log1p(rest + (top - top))
    if not fits:
        store(gap, target)


def logsumexp(strip: Strip, scratch: Scratch, size: int) -> None:
    """Into a target with one entry to a row; ±inf and nan maxima are their own answer."""
    store(log_sum_exp(strip, scratch, size)[0], strip.target)


def log_sum_exp(strip: Strip, scratch: Scratch, size: int) -> tuple[Array, Array]:
    """(a + log S, log S) in the working precision."""
    top, rest = _largest_and_rest(list(pieces(strip, size)), strip.axis, scratch)
    log = np.log1p(rest)
    return np.where(np.isfinite(top), top + log, top), log


def _largest_and_rest(
    parts: Sequence[tuple[Array, Array]], axis: int, scratch: Scratch, *, keep_gaps: bool = False
) -> tuple[Array, Array]:
    """a and s; s is nan where a is not finite. Leaves x - a in the targets if ``keep_gaps``."""
    top = _largest_of(parts, axis, scratch)
    tops, rests = [], []
    for source, target in parts:
        weight = scratch.like(_WEIGHT, source.shape)
        gap = target if keep_gaps else weight
        np.subtract(scratch.load(_WEIGHT, source, axis), top, out=gap)
        np.exp(gap, out=weight)
        high, rest = without_largest(weight, axis, scratch, (_SPARE, _MORE))
        tops.append(high)
        rests.append(rest)
    if len(parts) > 1:
        # Of the largest of each piece, all but one belong to the rest.
        ordered = np.sort(np.stack(tops), axis=0)
        rests.extend(ordered[:-1])
    return top, _added(rests, scratch) + (top - top)


def _largest_of(parts: Sequence[tuple[Array, Array]], axis: int, scratch: Scratch) -> Array:
    tops = [largest(scratch.load(_WEIGHT, source, axis), axis, scratch, _SPARE) for source, _ in parts]
    return tops[0] if len(tops) == 1 else np.asarray(np.stack(tops).max(axis=0))


def _weights(x: Array, top: Array, out: Array) -> None:
    """exp(x - a); ``out`` may be x."""
    np.subtract(x, top, out=out)
    np.exp(out, out=out)


def _added(sums: Sequence[Array], scratch: Scratch) -> Array:
    """The sum of sums of pieces: in float64, rounded once."""
    if len(sums) == 1:
        return sums[0]
    return np.asarray(np.stack(sums).astype(np.float64).sum(axis=0).astype(scratch.dtype))


def _scaled(weight: Array, factor: Array, target: Array, axis: int) -> None:
    if writable(target, weight.dtype, axis):
        np.multiply(weight, factor, out=target)
        return
    weight *= factor
    store(weight, target)
