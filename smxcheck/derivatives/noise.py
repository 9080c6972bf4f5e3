"""How far a computed value may be from the exact one: what a finite difference divides by its step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: ``noise(x, y)``: a bound on the error of each element of y = f(x) as computed.
Noise = Callable[[Array, Array], Array]

#: What is granted to a function of which nothing is known, in ulp of its value.
UNKNOWN_ULPS = 4.0


def ulps(count: float, fmt: Format) -> Noise:
    """``count`` ulp of the computed value: at most 2·u·|y| each, and never less than the smallest subnormal."""

    def noise(x: Array, y: Array) -> Array:
        size: Array = count * np.maximum(2 * fmt.u * np.abs(y), fmt.smallest_subnormal)
        return size

    return noise


def standard_noise(function: str, fmt: Format, *others: Any, **keywords: Any) -> Noise:
    """What level ``standard`` allows a function of the catalog; ``others`` are its arguments after the first.

    Raises KeyError for a function without a bound.
    """

    def noise(x: Array, y: Array) -> Array:
        return standard_error(function, (x, *others), keywords, y, fmt)

    return noise


def standard_error(
    function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], computed: Array, fmt: Format
) -> Array:
    """What level ``standard`` allows each element of a result to be off, from the result alone.

    A relative bound r is one of the exact value y; |ŷ - y| ≤ r·|y| + a gives |y| ≤ (|ŷ| + a)/(1 - r). As everywhere, 1
    ulp ≤ 2u·|y| is never too much, and a subnormal result may be flushed, but for float16.
    """
    bound = bounds_for(function, arguments, keywords, fmt, Level.STANDARD)
    relative, absolute = np.asarray(bound.total_relative()), np.asarray(bound.total_absolute())
    size = np.abs(np.asarray(computed).astype(np.float64))
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        exact = np.where(relative < 1, (size + absolute) / (1 - np.minimum(relative, 1.0)), np.inf)
        allowed = np.where(relative > 0, relative * exact, 0.0) + absolute
    ulp = 2 * fmt.u / (1 - 2 * fmt.u) * size
    flushed = fmt.smallest_subnormal if fmt.name == "float16" else fmt.smallest_normal
    return np.asarray(np.maximum(allowed, ulp) + flushed)
