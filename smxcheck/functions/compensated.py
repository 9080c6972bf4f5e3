"""Kernels of the ``accurate`` algorithms for float64: one rounding at the end and little else.

    x_i = a + g_i + r_i     g_i = fl(x_i - a), r_i what that lost (TwoSum)
    w_i = h_i + l_i         exp(g_i + r_i) to 2^-60, h_i of 26 bits (`exponential`)
    S = Σ h_i + Σ l_i       parts of h_i on a common grid add up exactly; what is left is small (`_sums`)
    1/S = v + v'            v of 26 bits, so that h_i·v is exact

    softmax      h_i·v + (h_i·v' + l_i·(v + v')): one rounding, beside 2^-59 relative
    log_softmax  g_i - λ + (what that lost + r_i - λ'), log S = λ + λ' (`logarithm`): one rounding, beside 2^-56
    logsumexp    a + λ + (what that lost + λ'): the same, but in rows where it is near 0 (`cancelled`)

Results below the normal numbers are rounded a second time: at most 1 ulp together. A row longer than a piece is worked
twice, exponentials and all, since the parts of its weights would not stay in cache.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smxcheck.functions import plain
from smxcheck.functions.arrays import Array
from smxcheck.functions.cancelled import with_cancelled_rows
from smxcheck.functions.exponential import SCALE, SHIFT, UNSCALE, exp_in_two_parts, leading_bits
from smxcheck.functions.layout import Scratch, Strip, pieces, store
from smxcheck.functions.logarithm import fast_two_sum, log1p_in_two_parts, two_sum
from smxcheck.functions.trees import largest, total

_X, _GAP, _RESIDUAL, _HIGH, _LOW, _A, _B, _C = range(8)
_EXP = (_HIGH, _LOW, _A, _B, _C)

Parts = Sequence[tuple[Array, Array]]


def softmax(strip: Strip, scratch: Scratch, size: int) -> None:
    parts, axis = list(pieces(strip, size)), strip.axis
    top, grid, low = _sums(parts, axis, strip.source.shape[axis], scratch)
    v, v_low = _reciprocal(*fast_two_sum(grid * UNSCALE + (top - top), low * UNSCALE))
    whole = v + v_low
    for source, target in parts:
        if len(parts) > 1:
            _weights(source, top, axis, scratch)
        high, low, result = (scratch.like(slot, source.shape) for slot in (_HIGH, _LOW, _A))
        np.multiply(high, v, out=result)
        high *= v_low
        low *= whole
        low += high
        result += low
        result *= UNSCALE
        np.copyto(target, result)


def log_softmax(strip: Strip, scratch: Scratch, size: int) -> None:
    parts, axis = list(pieces(strip, size)), strip.axis
    top, high, low = _largest_and_rest(strip, parts, scratch)
    log, log_low = log1p_in_two_parts(high, low)
    for source, target in parts:
        if len(parts) > 1:
            _shift(source, top, axis, scratch)
        gap, residual = scratch.like(_GAP, source.shape), scratch.like(_RESIDUAL, source.shape)
        result, part, error = (scratch.like(slot, source.shape) for slot in (_A, _B, _C))
        np.subtract(gap, log, out=result)
        np.subtract(result, gap, out=part)
        np.subtract(result, part, out=error)
        np.subtract(gap, error, out=error)
        part += log
        error -= part
        residual -= log_low
        error += residual
        if not gap.min() > -np.inf:
            # An absent entry has no rounding errors; nan stays nan by way of the sum.
            error[np.isneginf(gap)] = 0.0
        result += error
        np.copyto(target, result)


def logsumexp(strip: Strip, scratch: Scratch, size: int) -> None:
    """Into a target with one entry to a row; ±inf and nan maxima are their own answer."""
    strip.target[...] = _log_sum_exp(strip, scratch, size, 2.0**-3)


def narrow_logsumexp(strip: Strip, scratch: Scratch, size: int) -> None:
    """For results of at most 24 bits: float64 without compensation, but for rows where a and log S cancel.

    Without it log S errs by less than 2^-47 of it, 2^-27 of a result of 2^-20 log S.
    """
    result, log = plain.log_sum_exp(strip, scratch, size)
    near_zero = np.abs(result) < log * 2.0**-20
    if near_zero.any():
        chosen = near_zero.squeeze(strip.axis)
        rows = np.moveaxis(strip.source, strip.axis, -1)[chosen].astype(np.float64)
        anew = _log_sum_exp(Strip(rows, rows, 1), Scratch(rows.dtype), size, 2.0**-27)
        np.moveaxis(result, strip.axis, -1)[chosen] = anew
    store(result, strip.target)


def _log_sum_exp(strip: Strip, scratch: Scratch, size: int, cancelled: float) -> Array:
    """a + log S; where that is below ``cancelled``·min(log S, ½), in decimal arithmetic.

    log S errs by 2^-60 relative to S and in its own logarithm: less than 2^-59, and 2^-56 of it. A result above 2^-3 of
    the lesser of log S and ½ has lost no more than 2^-53 of it to that.
    """
    top, high, low = _largest_and_rest(strip, list(pieces(strip, size)), scratch)
    log, log_low = log1p_in_two_parts(high, low)
    result, error = two_sum(top, log)
    result = np.where(np.isfinite(top), result + (error + log_low), top)
    near_zero = np.abs(result) < np.minimum(log, 0.5) * cancelled
    return with_cancelled_rows(strip.source, strip.axis, near_zero, result)


def _largest_and_rest(strip: Strip, parts: Parts, scratch: Scratch) -> tuple[Array, Array, Array]:
    """(a, s in two parts), s = S without one largest term; nan where a is not finite.

    Where s is so small that parts of it which are off the grid are most of it, it is summed anew relative to the largest
    of its own terms.
    """
    axis, n = strip.axis, strip.source.shape[strip.axis]
    top, grid, low = _sums(parts, axis, n, scratch)
    high, low = fast_two_sum((grid - SCALE) * UNSCALE + (top - top), low * UNSCALE)
    peaked = high < 2.0 ** (n.bit_length() - 25)
    if n > 1 and peaked.any():
        chosen = peaked.squeeze(axis)
        rows = np.array(np.moveaxis(strip.source, axis, -1)[chosen])
        anew = _rest_anew(rows)
        for values, new in zip((high, low), anew, strict=True):
            np.moveaxis(values, axis, -1)[chosen] = new
    return top, high, low


def _rest_anew(rows: Array) -> tuple[Array, Array]:
    """s in two parts, (b, 1) each: exp(b - a)·Σ exp(x_i - b), b the second largest entry. Overwrites the largest."""
    scratch = Scratch(rows.dtype)
    place = np.arange(len(rows)), rows.argmax(axis=1)
    first = rows[place][:, None]
    rows[place] = -np.inf
    parts = list(pieces(Strip(rows, rows, 1), 1 << 15))
    second, grid, low = _sums(parts, 1, rows.shape[1], scratch)
    s, s_low = fast_two_sum(grid * UNSCALE, low * UNSCALE)
    gap, residual = two_sum(second, -first)
    factor, factor_low = exp_in_two_parts(gap, residual, scratch, _EXP)
    head = leading_bits(s)
    high, low = fast_two_sum(factor * head, factor * (s - head) + (factor * s_low + factor_low * s))
    alone = np.isneginf(second)
    return np.where(alone, 0.0, high * UNSCALE), np.where(alone, 0.0, low * UNSCALE)


def _sums(parts: Parts, axis: int, n: int, scratch: Scratch) -> tuple[Array, Array, Array]:
    """(a, two sums whose sum is 2^SHIFT·S); leaves the weights of the last piece in their slots.

    Of h ≤ 2^SHIFT the multiples of 2^(SHIFT - 52)·2^k, 2^k > n, add up exactly in any order (Rump, Ogita & Oishi,
    "Accurate floating-point summation I", SIAM J. Sci. Comput. 31(1), 2008). What is left of h, below that grid, and l,
    below 2^-9 h, are added as a tree: an error of log2 n · 2^-53 relative to that sum.
    """
    tops = [largest(scratch.load(_X, source, axis), axis, scratch, _A) for source, _ in parts]
    top = tops[0] if len(tops) == 1 else np.asarray(np.stack(tops).max(axis=0))
    sigma = 1.5 * 2.0 ** (SHIFT + n.bit_length())
    grid, left = [], []
    for source, _ in parts:
        high, low = _weights(source, top, axis, scratch)
        head, rest = scratch.like(_A, source.shape), scratch.like(_B, source.shape)
        np.add(high, sigma, out=head)
        head -= sigma
        np.subtract(high, head, out=rest)
        rest += low
        grid.append(head.sum(axis=axis, keepdims=True))
        left.append(total(rest, axis, scratch, _C))
    return top, np.stack(grid).sum(axis=0), np.stack(left).sum(axis=0)


def _weights(source: Array, top: Array, axis: int, scratch: Scratch) -> tuple[Array, Array]:
    return exp_in_two_parts(*_shift(source, top, axis, scratch), scratch, _EXP)


def _shift(source: Array, top: Array, axis: int, scratch: Scratch) -> tuple[Array, Array]:
    """g and r; r is nan where g is infinite."""
    x = scratch.load(_X, source, axis)
    gap, residual, part = (scratch.like(slot, x.shape) for slot in (_GAP, _RESIDUAL, _A))
    np.subtract(x, top, out=gap)
    np.subtract(gap, x, out=part)
    np.subtract(gap, part, out=residual)
    np.subtract(x, residual, out=residual)
    part += top
    residual -= part
    return gap, residual


def _reciprocal(high: Array, low: Array) -> tuple[Array, Array]:
    """1/(high + low) in two parts, the first of 26 bits, to 2^-75."""
    v = leading_bits(1.0 / high)
    head = leading_bits(high)
    return v, ((1.0 - v * head) - v * (high - head) - v * low) / high
