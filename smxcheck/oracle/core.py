"""What is right for softmax, log_softmax, logsumexp, sigmoid and log_sigmoid, degenerate rows included.

Limits (all derived from the definition, entry by entry):

- an entry -inf has weight 0: p = 0, log p = -inf, and the other entries are as if it were absent;
- NaN in a row: NaN everywhere in that row;
- a row of -inf: no limit for softmax (a choice, ``all-masked``); logsumexp is -inf;
- one +inf among others: the limit is the one-hot row; IEEE arithmetic gives nan (a choice, ``plus-inf``);
- several +inf: no limit for them, 0 for the others (a choice, ``plus-inf-ties``); a single infinite entry alone:
  a choice (``plus-inf-alone``, ``all-masked``); logsumexp is +inf.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.enclosure import Enclosure, Expected, Kind, zeros
from smxcheck.oracle.rows import exact_float64, to_rows
from smxcheck.oracle.tiers import enclose_rows

Array = npt.NDArray[Any]


def scatter(target: Enclosure, where: Any, source: Enclosure) -> None:
    """Write ``source`` into ``target`` at ``where``."""
    for name in ("hi", "lo", "exponent", "bound"):
        getattr(target, name)[where] = getattr(source, name)


def row_classes(x: Array) -> dict[str, Array]:
    """Masks over rows: has NaN, number of +inf, all -inf; what is left is regular."""
    has_nan = np.isnan(x).any(axis=1)
    plus = np.where(has_nan, 0, (x == np.inf).sum(axis=1))
    masked = ~has_nan & (x == -np.inf).all(axis=1) & (x.shape[1] > 0)
    return {"nan": has_nan, "plus": plus, "masked": masked, "regular": ~has_nan & (plus == 0) & ~masked}


def _all_finite(x: Array) -> bool:
    """Whether there is neither infinity nor NaN; a sum that overflows gives the slower path, not a wrong answer."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(x.sum()))


def expect_rowwise(function: str, x: Array, axis: Any, bits: int) -> Expected:
    """softmax or log_softmax along ``axis``."""
    log = function == "log_softmax"
    rows = to_rows(x, axis, widen=log)
    count, n = rows.x.shape
    kind = np.zeros((count, n), np.uint8)  # Kind.VALUE
    if rows.x.size and _all_finite(rows.x):
        return Expected(rows.restore(kind), rows.restored(enclose_rows(function, (rows.x,), bits)))
    enclosure = zeros((count, n))
    classes = row_classes(rows.x)
    regular = classes["regular"]
    if n and regular.any():
        scatter(enclosure, regular, enclose_rows(function, (rows.x[regular],), bits))
    minus = rows.x == -np.inf
    if log:
        kind[regular[:, None] & minus] = Kind.MINUS_INFINITY
    kind[classes["nan"]] = Kind.NAN
    kind[classes["masked"]] = Kind.FREE
    plus = classes["plus"]
    at_infinity = rows.x == np.inf
    one, several = (plus == 1) & (n > 1), (plus > 1) | ((plus == 1) & (n == 1))
    kind[(one | several)[:, None] & ~at_infinity] = Kind.MINUS_INFINITY_OR_NAN if log else Kind.VALUE_OR_NAN
    kind[one[:, None] & at_infinity] = Kind.VALUE_OR_NAN
    kind[several[:, None] & at_infinity] = Kind.FREE
    if not log:
        scatter(enclosure, one[:, None] & at_infinity, _one())
    choices = {
        "all-masked": classes["masked"],
        "plus-inf": one,
        "plus-inf-ties": (plus > 1),
        "plus-inf-alone": (plus == 1) & (n == 1),
    }
    spread = {name: rows.restore(np.repeat(m[:, None], n, axis=1)) for name, m in choices.items() if m.any()}
    return Expected(rows.restore(kind), rows.restored(enclosure), spread)


def _one() -> Enclosure:
    return Enclosure(np.array(0.5), np.array(0.0), np.array(1, np.int32), np.array(0.0))


def expect_logsumexp(x: Array, axis: Any, bits: int) -> Expected:
    """logsumexp along ``axis``; every degenerate row has a limit."""
    rows = to_rows(x, axis)
    count, n = rows.x.shape
    kind = np.full(count, Kind.VALUE, np.uint8)
    enclosure = zeros((count,))
    if n == 0:
        kind[:] = Kind.MINUS_INFINITY  # log of an empty sum
    else:
        classes = row_classes(rows.x)
        if classes["regular"].any():
            scatter(enclosure, classes["regular"], enclose_rows("logsumexp", (rows.x[classes["regular"]],), bits))
        kind[classes["nan"]] = Kind.NAN
        kind[classes["masked"]] = Kind.MINUS_INFINITY
        kind[classes["plus"] > 0] = Kind.PLUS_INFINITY
    return Expected(rows.reduce(kind), enclosure.reshape(rows.outer))


def expect_elementwise(function: str, x: Array, bits: int) -> Expected:
    """sigmoid or log_sigmoid."""
    x64 = exact_float64(x)
    kind = np.full(x64.shape, Kind.VALUE, np.uint8)
    enclosure = zeros(x64.shape)
    finite = np.isfinite(x64)
    if finite.any():
        scatter(enclosure, finite, enclose_rows(function, (x64[finite],), bits))
    kind[np.isnan(x64)] = Kind.NAN
    if function == "sigmoid":
        scatter(enclosure, x64 == np.inf, _one())  # and 0 at -inf
    else:
        kind[x64 == -np.inf] = Kind.MINUS_INFINITY  # and 0 at +inf
    return Expected(kind, enclosure)
