"""Richardson extrapolation of central differences, with an error estimate for every entry of the table.

D_{k,0} is the central difference of step h_k = h_0/2^k, and D_{k,m} = (4^m D_{k,m-1} - D_{k-1,m-1})/(4^m - 1), whose
truncation error is O(h^(2m+2)) for a smooth function. Each entry has two errors:

*Rounding*: those of the values, R_{k,0} = (n₊ + n₋)/(2h_k), go through the same weights, with their absolute values,
and every combination adds a few u of float64.

*Truncation*: t_{k,m} = max(|D_{k,m} - D_{k,m-1}|, |D_{k,m} - D_{k-1,m-1}|), as Ridders (Adv. Eng. Software 4, 1982) has
it. Where the series converges, this is the error of D_{k,m-1}, one order below that of D_{k,m}. It can vanish by
accident where a term changes sign, so an entry is also charged what t of the step before predicts, t_{k-1,m}/4^m; and
both are taken `SAFETY` times. The entry with the smallest sum of both errors is chosen, element by element.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.derivatives.estimate import Estimate

Array = npt.NDArray[Any]

#: Factor on the truncation estimate, which is already that of one order less.
SAFETY = 2.0
#: Columns of the table: beyond the order 12 of the last one, weights only add rounding.
_COLUMNS = 6
#: Two products, a difference and a quotient of float64.
_OWN = 4 * 2.0**-53


def extrapolate(differences: Array, rounding: Array) -> Estimate:
    """From central differences (K, …) at steps that halve, longest first, and their errors from rounding.

    Differences that are not finite (a point outside the domain) are left out.
    """
    usable = np.isfinite(differences) & np.isfinite(rounding)
    column = np.where(usable, differences, 0.0)
    errors = np.where(usable, rounding + _OWN * np.abs(column), np.inf)
    best = Estimate(np.zeros(column.shape[1:]), np.full(column.shape[1:], np.inf))
    for m in range(1, min(_COLUMNS, len(differences))):
        weight = 4.0**m
        raised = (weight * column[1:] - column[:-1]) / (weight - 1)
        rounded = (weight * errors[1:] + errors[:-1]) / (weight - 1) + _OWN * np.abs(raised)
        truncation = np.maximum(np.abs(raised - column[1:]), np.abs(raised - column[:-1]))
        # The first entry of a column has no step before it that could confirm its truncation.
        confirmed = np.maximum(truncation[1:], truncation[:-1] / weight)
        best = _best(best, raised[1:], SAFETY * confirmed + rounded[1:])
        column, errors = raised, rounded
    return best


def _best(best: Estimate, values: Array, errors: Array) -> Estimate:
    for value, error in zip(values, errors, strict=True):
        best = best.better(Estimate(value, error))
    return best
