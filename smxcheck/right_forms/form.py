"""What a right form is, and what surrounds its formula: a dtype to compute in, no warnings, the input's dtype outside.

Every form takes NumPy arrays of float16, bfloat16, float32 or float64; integers count as float64. 16-bit input is computed
in float32 and rounded once. None of them warns.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: An array, or a number of its dtype. NumPy's stubs give the result of every ufunc the type Any.
Array = Any
Call = Callable[..., Array]

DTYPES = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class RightForm:
    """One way to write a function that is right. ``id`` is the callable's name, which contains that of the ``function``;
    ``formula`` says in words what it computes; ``module`` is where ``smxcheck verify MODULE:ID`` finds it. ``level`` is
    the best that it must earn in each of ``dtypes``: a form is here to be accepted, so that is "standard" unless it is
    the very algorithm that a stricter bound counts.
    """

    id: str
    function: str
    formula: str
    call: Call = field(repr=False)
    module: str
    dtypes: tuple[str, ...] = DTYPES
    level: str = "standard"


def right(table: list[RightForm], function: str, formula: str) -> Callable[[Call], Call]:
    """Enters a callable into the table of its module."""

    def enter(call: Call) -> Call:
        table.append(RightForm(call.__name__, function, formula, call, call.__module__))
        return call

    return enter


def wide(x: Array) -> Array:
    """Wide enough to compute in; labels and other integers stay as they are."""
    x = np.asarray(x)
    return x.astype(np.float32) if x.dtype.kind not in "iub" and x.dtype.itemsize < 4 else x


def real(x: Array) -> Array:
    """``x`` as an array of floating-point numbers."""
    x = np.asarray(x)
    return x.astype(np.float64) if x.dtype.kind in "iub" else x


def quiet(function: Call) -> Call:
    """Wide arithmetic inside, the first argument's dtype outside (indices stay indices), no warnings."""

    @functools.wraps(function)
    def call(x: Array, *rest: Array, **keywords: Any) -> Array:
        x = real(x)
        with np.errstate(all="ignore"):
            y = np.asarray(function(wide(x), *(wide(a) for a in rest), **keywords))
        return y if y.dtype.kind == "i" else y.astype(x.dtype)

    return call


def same(function: Call) -> Call:
    """``quiet`` for results of the input's shape: an array without entries is its own answer."""
    inner = quiet(function)

    @functools.wraps(function)
    def call(x: Array, axis: int = -1) -> Array:
        x = np.asarray(x)
        return inner(x, axis=axis) if x.size else np.array(x)

    return call


def rows(function: Call) -> Call:
    """A function of one row, row by row, along one axis of an array that has entries."""

    @functools.wraps(function)
    def call(x: Array, axis: int = -1) -> Array:
        x = real(x)
        if x.size == 0 or x.ndim == 0 or not isinstance(axis, int):
            raise NotImplementedError("one axis, at least one entry")
        with np.errstate(all="ignore"):
            return np.asarray(np.apply_along_axis(function, axis, wide(x))).astype(x.dtype)

    return call
