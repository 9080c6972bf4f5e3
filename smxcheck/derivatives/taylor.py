"""The Taylor-remainder test: a right gradient leaves a remainder of second order, a wrong one of first.

r(h) = |f(x + d) - f(x) - J d|, d = the step of length h that was really made. No tolerance is needed: only the order is
looked at, over the steps whose remainder is above what rounding can do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.derivatives.noise import UNKNOWN_ULPS, Noise, ulps
from smxcheck.derivatives.stencil import longest_step, rounded_sum
from smxcheck.dtypes import FORMATS

Array = npt.NDArray[Any]

#: A remainder counts where it is so many times what rounding can do: its logarithm is then off by 0.2 at most.
_ABOVE = 8.0
#: Steps, each half of the one before, over which an order is read, and between 1 and 2 where it is no longer 2.
_WINDOW, _BETWEEN = 4, 1.5


@dataclass(frozen=True)
class Rate:
    """For each element: the ``order`` of the remainder (nan: cannot tell), read from ``longest`` to ``shortest``."""

    order: Array
    longest: Array
    shortest: Array

    @property
    def verdict(self) -> str:
        """ "wrong" where one element has order 1; "cannot tell" where no element has a range above rounding; else
        "right"."""
        known = self.order[~np.isnan(self.order)]
        if known.size == 0:
            return "cannot tell"
        return "wrong" if (known < _BETWEEN).any() else "right"


def taylor_rate(
    f: Callable[[Array], Array], product: Callable[[Array], Any], x: Array, v: Array, *,
    cotangent: Array | None = None, noise: Noise | None = None, scale: float = 1.0,
) -> Rate:  # fmt: skip
    """The order at which f(x + hv) - f(x) - J(hv) falls with h.

    ``product(d)`` is J·d for a displacement d, float64 of x's shape: ``jacobian @ d``, a JVP, or with a ``cotangent``
    g, which makes ⟨g, f⟩ of f, ``(vjp * d).sum()``. Displacements are those of the rounded points, exact. ``noise`` and
    ``scale`` as for `directional_derivative`. The order is read over the shortest four steps whose remainder is above
    rounding, since that is where a gradient that is nearly right shows; nan where there are fewer.

    Raises ValueError where v is 0, KeyError for a dtype other than the four, and what f and product raise.
    """
    fmt = FORMATS[str(x.dtype)]
    noise = noise or ulps(UNKNOWN_ULPS, fmt)
    start, wide = np.asarray(f(x)), x.astype(np.float64)
    direction = np.broadcast_to(np.asarray(v, np.float64), x.shape)
    steps = longest_step(direction, scale) * 2.0 ** -np.arange(1, fmt.precision)
    remainders, floors = [], []
    for h in steps:
        at, _ = rounded_sum(wide, h * direction, fmt)
        d = at.astype(np.float64) - wide
        value = np.asarray(f(at))
        linear = np.asarray(product(d), np.float64)
        change, doubt = _change(value, start, noise(at, value) + noise(x, start), cotangent)
        remainders.append(np.abs(change - linear))
        # J itself is a computed number: u·|J d| for each of its few roundings, and those of this very sum.
        floors.append(doubt + UNKNOWN_ULPS * 2 * fmt.u * np.abs(linear))
    return _orders(steps, np.array(remainders), np.array(floors))


def _change(value: Array, start: Array, doubt: Array, cotangent: Array | None) -> tuple[Array, Array]:
    """f(x + d) - f(x) and its error; both summed with the cotangent where there is one."""
    change = value.astype(np.float64) - start.astype(np.float64)
    if cotangent is None:
        return change, doubt
    g = np.asarray(cotangent, np.float64)
    rounding = g.size * 2.0**-53 * (np.abs(g * change)).sum()
    return np.asarray((g * change).sum()), np.asarray((np.abs(g) * doubt).sum() + rounding)


def _orders(steps: Array, remainders: Array, floors: Array) -> Rate:
    """(K, …) -> the order of each element, over the last window of steps without one below the floor."""
    count, shape = len(steps), remainders.shape[1:]
    flat, floor = remainders.reshape(count, -1), floors.reshape(count, -1)
    order, longest, shortest = (np.full(flat.shape[1], np.nan) for _ in range(3))
    for i in range(flat.shape[1]):
        clear = np.isfinite(flat[:, i]) & (flat[:, i] > _ABOVE * floor[:, i])
        for last in range(count - 1, _WINDOW - 2, -1):
            window = slice(last - _WINDOW + 1, last + 1)
            if clear[window].all():
                fit = np.polyfit(np.log2(steps[window]), np.log2(flat[window, i]), 1)
                order[i], longest[i], shortest[i] = fit[0], steps[window][0], steps[window][-1]
                break
    return Rate(order.reshape(shape), longest.reshape(shape), shortest.reshape(shape))
