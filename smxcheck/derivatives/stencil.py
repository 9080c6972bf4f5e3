"""The points of central differences along a direction, and how far rounding moved them.

Theory: a central difference of values with relative error ε has the error ε|f|/h + h²|f'''|/6, least at
h* = (3ε|f|/|f'''|)^(1/3) (Gill, Murray, Saunders, Wright, SIAM J. Sci. Stat. Comput. 4, 1983). With f''' of the size
|f|/s³, s being the length over which f changes, h* = s·(3u)^(1/3). Extrapolation wants longer steps: the steps here
run from s down to h*, each half of the one before. Powers of two, so that h·v is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Stencil:
    """``up`` and ``down`` (K, *x.shape) in x's dtype for the ``steps`` (K,), longest first.

    ``moved`` is |x₊ - (x + hv)| + |x₋ - (x - hv)|, exactly: 0 wherever both sums have room in the dtype.
    """

    steps: Array
    up: Array
    down: Array
    moved: Array


def number_of_steps(fmt: Format) -> int:
    """How often s is halved down to s·(3u)^(1/3): 18 steps in float64, 9 in float32, 5 and 4 in 16 bits."""
    return math.ceil(-math.log2(3 * fmt.u) / 3) + 1


def longest_step(v: Array, scale: float) -> float:
    """The power of two that takes the largest entry of v to at most ``scale``. Raises ValueError for v = 0."""
    largest = float(np.max(np.abs(v), initial=0.0))
    if not (largest > 0 and math.isfinite(largest)):
        raise ValueError("the direction v must be finite and not 0")
    return 2.0 ** math.floor(math.log2(scale / largest))


def stencil(x: Array, v: Array, fmt: Format, scale: float = 1.0) -> Stencil:
    """The points x ± hv in the dtype of x. Raises ValueError for a direction that is 0 or not finite."""
    wide, direction = x.astype(np.float64), np.broadcast_to(np.asarray(v, np.float64), x.shape)
    first = longest_step(direction, scale)
    steps = first * 2.0 ** -np.arange(number_of_steps(fmt))
    along = steps.reshape(-1, *[1] * x.ndim) * direction
    up, above = rounded_sum(wide, along, fmt)
    down, below = rounded_sum(wide, -along, fmt)
    return Stencil(steps, up, down, above + below)


def rounded_sum(x: Array, d: Array, fmt: Format) -> tuple[Array, Array]:
    """x + d in the format, and by how much that differs from the exact sum (Knuth's TwoSum, then the second
    rounding, which is exact in float64)."""
    s = x + d
    back = s - x
    lost = (x - (s - back)) + (d - back)
    stored = s.astype(fmt.numpy())
    return stored, np.abs(lost + (s - stored.astype(np.float64)))
