"""logsumexp of rows in which max x and log S cancel: in double-double, and in decimal arithmetic where that loses too
much, with as many digits as it takes.

The result may be as near 0 as one likes, since the terms may make up for any difference (rows of log-probabilities add up
to 1 as nearly as their roundings let them): no fixed precision is enough. It is 0 only where one entry is 0 and all others
are absent, since powers of e with different algebraic exponents are linearly independent (Lindemann & Weierstrass); such a
row has log S = 0, which cancels nothing, and every other comes to an end.
"""

from __future__ import annotations

import math
from decimal import Context, Decimal

import numpy as np

from smxcheck.functions import double_double as dd
from smxcheck.functions.arrays import Array
from smxcheck.functions.extended import by_small_blocks, extended

#: Digits to begin with: enough for a result of 1e-20.
_DIGITS = 45
#: log S in double-double errs by 2^-77 of it: what is left of it above this share is good to 2^-57.
_KEPT = 2.0**-20


def with_cancelled_rows(source: Array, axis: int, chosen: Array, result: Array) -> Array:
    """``result``, (1 along ``axis``), with the rows of ``source`` that are ``chosen`` computed anew."""
    if chosen.any():
        rows = np.moveaxis(source, axis, -1)[chosen.squeeze(axis)]
        np.moveaxis(result, axis, -1)[chosen.squeeze(axis)] = by_small_blocks(lambda b: _anew(rows[b]), rows.shape)
    return result


def _anew(rows: Array) -> Array:
    """(b, n) → (b, 1)."""
    x = extended(rows)
    log = x.log_sum()
    largest = rows[np.arange(len(rows)), x.index][:, None].astype(np.float64)
    value = dd.add(dd.widen(largest), log)[0]
    lost = (np.abs(value) < _KEPT * log[0]) | (x.scale > 0)
    for i in np.flatnonzero(lost):
        value[i] = log_sum(rows[i])
    return np.asarray(value)


def log_sum(row: Array) -> float:
    """log Σ exp(x) of finite entries and -inf, rounded once.

    An exponential errs by less than 10^(1-d) relative, a sum of n by n times that, and so does log Σ absolutely where
    Σ is near 1; the logarithm is right to d digits. Until the result has 20 digits right, d is raised.
    """
    digits = _DIGITS
    while True:
        context = Context(prec=digits, Emin=-(10**9), Emax=10**9)
        # Of the terms below 10^-(d+10) even 10^9 together are nothing beside the error.
        kept = row[row > -math.log(10) * (digits + 10)].astype(float).tolist()
        total = Decimal(0)
        for x in kept:
            total = context.add(total, context.exp(Decimal(x)))
        log = context.ln(total)
        if log and log.adjusted() > 21 + len(str(len(row))) - digits:
            return float(log)
        digits *= 2
