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
    """Shapes (R, k) for counts, d, rho, p, log_p, inexact; (R, 1) for the rest. Entries -inf have p = 0 and d = 0 here.

    An entry stands for ``counts`` equal ones, so that a long row of few distinct values costs little; p is that of one
    of them.
    """

    n: int  # length of the row, equal entries counted
    counts: Array
    d: Array
    rho: Array
    p: Array
    log_p: Array
    inexact: Array  # d > 0: exp is not exactly 1
    L: Array
    T: Array
    q: Array
    lse: Array
    lost: Array  # what the sum may lose to subnormal exponentials: Σ min(λ, w_j) over w_j below the normal numbers

    def mean(self, v: Array) -> Array:
        """Σ_j p_j v_j over the row, shape (R, 1); infinite v where p = 0 do not count."""
        weighted = np.where(self.p > 0, self.p * v, 0.0) * self.counts
        return np.asarray(weighted.sum(axis=1, keepdims=True))


def row_quantities(x: Array, fmt: Format, counts: Array | None = None) -> RowQuantities:
    """From rows (R, k) of finite or -inf float64 values, exact in ``fmt``; k ≥ 1, one finite entry in each row.

    ``counts`` (R, k) says how often each entry occurs: once by default.
    """
    c = np.ones((1, 1)) if counts is None else counts.astype(np.float64)
    n = x.shape[1] if counts is None else int(counts[0].sum())
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
        rest = w * c
        rest[np.arange(len(x)), np.where(absent, -np.inf, x).argmax(axis=1)] -= 1.0
        s = rest.sum(axis=1, keepdims=True)
        total = 1.0 + s
        p = w / total
        L = np.log1p(s)
        T = np.where(p > 0, p * d * c, 0.0).sum(axis=1, keepdims=True)
        below = np.where(w < 2 * fmt.smallest_normal, np.minimum(w, fmt.smallest_subnormal), 0.0)
        lost = (below * c).sum(axis=1, keepdims=True)
    return RowQuantities(
        n=n, counts=c, d=d, rho=rho, p=p, log_p=-(d + L), inexact=d > 0, L=L, T=T, q=s / total, lse=a + L, lost=lost,
    )  # fmt: skip
