"""What a call of `smxcheck.oracle.enclose` may be: its mistakes are told in one line, and nothing is answered by guessing."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.oracle.tiers import MOST_BITS

Array = npt.NDArray[Any]



def checked(
    function: str, arguments: Sequence[Any], keywords: Mapping[str, Any], bits: int | None
) -> tuple[Array, ...]:
    """The arguments as arrays. Raises LookupError, TypeError or ValueError, each with the remedy."""
    if function not in FUNCTIONS:
        near = difflib.get_close_matches(function, FUNCTIONS, 1)
        raise LookupError(f"no function {function!r}" + (f"; did you mean {near[0]}?" if near else ""))
    entry = FUNCTIONS[function]
    if len(arguments) != len(entry.arguments):
        raise TypeError(f"{function} takes {len(entry.arguments)} arguments ({', '.join(entry.arguments)}), not {len(arguments)}")
    unknown = [name for name in keywords if name not in entry.keywords]
    if unknown:
        raise TypeError(f"{function} takes no keyword {unknown[0]!r}; it takes {', '.join(entry.keywords) or 'none'}")
    if bits is not None and not 1 <= operator.index(bits) <= MOST_BITS:
        raise ValueError(f"bits is {bits}; pass 1 to {MOST_BITS}")
    arrays = tuple(_real(a, name) for a, name in zip(arguments, entry.arguments, strict=True))
    _check_axis(keywords.get("axis", -1), arrays[0].ndim)
    return arrays


def _real(values: Any, name: str) -> Array:
    array = np.asarray(values)
    if array.dtype.kind not in "biu" and array.dtype not in [f.numpy() for f in FORMATS.values()]:
        raise TypeError(f"{name} has dtype {array.dtype}; pass {', '.join(FORMATS)} or integers, whose values are exact")
    return array


def _check_axis(axis: Any, ndim: int) -> None:
    named = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for one in named:
        if not -max(ndim, 1) <= operator.index(one) < max(ndim, 1):
            raise ValueError(f"axis {one} is out of range for an array with {ndim} axes")
