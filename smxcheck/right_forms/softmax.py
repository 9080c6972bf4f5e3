"""softmax, thirteen ways: one and two passes, other bases, other sums, other places to divide."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.right_forms.form import Array, RightForm, right, rows, same

#: The forms below.
TABLE: list[RightForm] = []


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max)")
@same
def softmax_two_pass(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


@right(TABLE, "softmax", "exp(x - max) · (1 / Σ exp(x - max))")
@same
def softmax_reciprocal(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e * np.reciprocal(np.sum(e, axis=axis, keepdims=True))


@right(TABLE, "softmax", "exp((x - max) - log Σ exp(x - max))")
@same
def softmax_division_free(x: Array, axis: int = -1) -> Array:
    d = x - np.max(x, axis=axis, keepdims=True)
    return np.exp(d - np.log(np.sum(np.exp(d), axis=axis, keepdims=True)))


@right(TABLE, "softmax", "2^((x - max) log2 e) / Σ of the same")
@same
def softmax_exp2(x: Array, axis: int = -1) -> Array:
    d = (x - np.max(x, axis=axis, keepdims=True)) * x.dtype.type(math.log2(math.e))
    e = np.exp2(d)
    return e / np.sum(e, axis=axis, keepdims=True)


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max) in float64")
@same
def softmax_float64(x: Array, axis: int = -1) -> Array:
    z = x.astype(np.float64)
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@right(TABLE, "softmax", "exp(x - max) times the reciprocal of the sum, by einsum along a moved axis")
@same
def softmax_einsum(x: Array, axis: int = -1) -> Array:
    z = np.moveaxis(x, axis, -1)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    p = np.einsum("...i,...->...i", e, 1 / np.einsum("...i->...", e))
    return np.moveaxis(p, -1, axis)


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max) in one buffer")
@same
def softmax_in_place(x: Array, axis: int = -1) -> Array:
    out = np.array(x)
    out -= out.max(axis=axis, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis=axis, keepdims=True)
    return out


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max), the sum by math.fsum")
@rows
def softmax_fsum(row: Array) -> Array:
    e = np.exp(row - row.max())
    return e / row.dtype.type(math.fsum(e.tolist()))


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max), maximum and sum in one pass")
@rows
def softmax_online(row: Array) -> Array:
    """One pass for maximum and sum, entry by entry."""
    top, total = -np.inf, row.dtype.type(0)
    for v in row:
        new = np.maximum(top, v)
        total = total * (np.exp(top - new) if total else 0) + (np.exp(v - new) if v > -np.inf or np.isnan(v) else 0)
        top = new
    return np.exp(row - row.dtype.type(top)) / total


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max), blocks of 16 merged in pairs")
@rows
def softmax_blockwise(row: Array) -> Array:
    """Blocks of 16, each with its own maximum and sum, merged in pairs."""
    parts = []
    for start in range(0, row.size, 16):
        block = row[start : start + 16]
        top = block.max()
        parts.append((top, np.exp(block - (top if top > -np.inf or np.isnan(top) else 0)).sum()))
    while len(parts) > 1:
        merged = [_merge(a, b) for a, b in zip(parts[::2], parts[1::2], strict=False)]
        parts = merged + parts[len(merged) * 2 :]
    top, total = parts[0]
    return np.exp(row - top) / total


def _merge(a: Array, b: Array) -> tuple[Array, Array]:
    top = np.maximum(a[0], b[0])
    return top, sum((s * np.exp(m - top) for m, s in (a, b) if s != 0), np.zeros_like(a[1]))


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max), the sum after Kahan")
@rows
def softmax_kahan(row: Array) -> Array:
    e = np.exp(row - row.max())
    total, lost = row.dtype.type(0), row.dtype.type(0)
    for v in e:
        term = v - lost
        new = total + term
        lost = (new - total) - term
        total = new
    return e / total


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max), the smallest terms added first")
@rows
def softmax_smallest_first(row: Array) -> Array:
    e = np.exp(row - row.max())
    return e / np.add.accumulate(np.sort(e))[-1]


@right(TABLE, "softmax", "exp(x - max) / Σ exp(x - max) with Python's floats")
@rows
def softmax_plain_python(row: Array) -> Array:
    values = row.tolist()
    top = max(values)
    if any(math.isnan(v) for v in values) or math.isinf(top):
        return np.full_like(row, np.nan)
    e = [math.exp(v - top) for v in values]
    return np.array(e, row.dtype) / row.dtype.type(sum(e))
