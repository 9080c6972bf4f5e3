"""The same values, laid out otherwise in memory.

Where a layout leaves gaps, the gaps hold NaN (the largest number, for integers): a kernel that ignores the
strides reads them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Bound here: a target that replaces attributes of numpy changes its own calls, not these.
from numpy import array, asarray, full, iinfo, ndarray, uint8

Array = ndarray[Any, Any]


class NotPassed(Exception):
    """The arrays, the layout or the keyword cannot be given to this target."""


@dataclass(frozen=True)
class Laid:
    """``view`` has the values; ``base`` is the memory that it lies in, gaps included."""

    view: Array
    base: Array


def lay_out(values: Array, layout: str) -> Laid:
    """A copy of ``values`` in the named layout (keys of ``smxcheck.caseset.model.LAYOUTS``).

    Raises :class:`NotPassed` where these values have no such layout: a 0-d array has one layout only, a
    transposed or broadcast array needs two axes, and rows that differ are not one row.
    """
    if layout == "contiguous":
        copy = values.copy()
        return Laid(copy, copy)
    if layout not in _LAYOUTS:
        raise NotPassed(f"no layout {layout!r}")
    if values.ndim < (2 if layout in ("transposed", "broadcast") else 1):
        raise NotPassed(f"a {values.ndim}-d array has no {layout} layout")
    return _LAYOUTS[layout](values)


def _transposed(values: Array) -> Laid:
    base = array(values.T, order="C", copy=True)
    return Laid(base.T, base)


def _every_other(values: Array) -> Laid:
    base = _gaps((*values.shape[:-1], 2 * values.shape[-1]), values.dtype)
    view = base[..., ::2]
    view[...] = values
    return Laid(view, base)


def _reversed(values: Array) -> Laid:
    base = array(values[..., ::-1], order="C", copy=True)
    return Laid(base[..., ::-1], base)


def _offset(values: Array) -> Laid:
    # Three elements: in no format does the view start where a vector load wants it to.
    base = _gaps((values.size + 8,), values.dtype)
    view = base[3 : 3 + values.size].reshape(values.shape)
    view[...] = values
    return Laid(view, base)


def _broadcast(values: Array) -> Laid:
    if values.size == 0:
        raise NotPassed("an empty array has no broadcast layout")
    row = array(values[(0,) * (values.ndim - 1)], copy=True)
    strides = (0,) * (values.ndim - 1) + row.strides
    view = np.lib.stride_tricks.as_strided(row, shape=values.shape, strides=strides)
    if not same_bytes(array(view, order="C"), values):
        raise NotPassed("rows that differ are not one row")
    return Laid(view, row)


def _read_only(values: Array) -> Laid:
    copy = values.copy()
    copy.flags.writeable = False
    return Laid(copy, copy)


_LAYOUTS = {
    "transposed": _transposed,
    "every-other": _every_other,
    "reversed": _reversed,
    "offset": _offset,
    "broadcast": _broadcast,
    "read-only": _read_only,
}


def same_bytes(a: Array, b: Array) -> bool:
    """Whether two arrays agree bit for bit: NaN equals itself, and -0 differs from 0."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return bool((_bits(a) == _bits(b)).all())


def _bits(values: Array) -> Array:
    flat = asarray(values, order="C").reshape(-1)
    size = values.dtype.itemsize
    return flat.view(f"u{size}") if size in (1, 2, 4, 8) else flat.view(uint8)


def _gaps(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    fill: Any = np.nan if dtype.name == "bfloat16" or dtype.kind in "fc" else True
    if dtype.kind in "iu":
        fill = iinfo(dtype).max
    return full(shape, fill, dtype)
