"""The quantities that bounds are made of, row by row, in float64."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format

Array = npt.NDArray[Any]

_LARGEST = float(np.finfo(np.float64).max)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """a + b = h + l exactly (Knuth), unless the sum overflows."""
    h = a + b
    z = h - a
    return h, (a - (h - z)) + (b - z)


@dataclass(frozen=True)
class RowQuantities:
    """Shapes (R, n) for d, rho, p, log_p; (R, 1) for the rest. Entries -inf have p = 0 and d = 0 here."""

    n: int
    d: Array
    rho: Array
    p: Array
    log_p: Array
    inexact: Array  # d > 0: exp is not exactly 1
    L: Array
    T: Array
    R: Array
    q: Array
    lse: Array
    granted: Array  # Σ of p over the entries with d > 0: what exp's error weighs
    lost: Array  # what the sum may lose to subnormal exponentials: Σ min(λ, w_j) over w_j below the normal numbers


def row_quantities(x: Array, fmt: Format) -> RowQuantities:
    """From rows (R, n) of finite or -inf float64 values, exact in ``fmt``; n ≥ 1, one finite entry in each row."""
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        a = x.max(axis=1, keepdims=True)
        absent = x == -np.inf
        y = np.where(absent, a, x)
        h, low = two_sum(y, np.broadcast_to(-a, y.shape))
        rounded = h.astype(fmt.numpy()).astype(np.float64)
        d = np.minimum(-h, _LARGEST)
        rho = np.abs((rounded - h) - np.where(np.isfinite(low), low, 0.0))
        rho = np.where(np.isfinite(rho), rho, fmt.u * d)
        w = np.where(absent, 0.0, np.exp(h))
        rest = w.copy()
        rest[np.arange(len(x)), np.where(absent, -np.inf, x).argmax(axis=1)] = 0.0
        s = rest.sum(axis=1, keepdims=True)
        total = 1.0 + s
        p = w / total
        L = np.log1p(s)
        pd = np.where(p > 0, p * d, 0.0)
        T = pd.sum(axis=1, keepdims=True)
        R = np.where(p > 0, p * rho, 0.0).sum(axis=1, keepdims=True)
        inexact = d > 0
        granted = np.where(inexact, p, 0.0).sum(axis=1, keepdims=True)
        below = np.where(w < 2 * fmt.smallest_normal, np.minimum(w, fmt.smallest_subnormal), 0.0)
        lost = below.sum(axis=1, keepdims=True)
    return RowQuantities(
        n=x.shape[1], d=d, rho=rho, p=p, log_p=-(d + L), inexact=inexact, L=L, T=T, R=R, q=s / total,
        lse=a + L, granted=granted, lost=lost,
    )  # fmt: skip
