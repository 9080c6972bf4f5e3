"""The tiers that enclose finite rows, most trusted last; today there is one, mpmath through smxref.

A tier takes a whole batch at once, so that a vectorised one can be put before mpmath without a change elsewhere. It
returns None for what it does not cover, never a value without a bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import smxref
from smxcheck.oracle.enclosure import Enclosure, from_packed

Array = npt.NDArray[Any]

#: Relative width 2^-RELATIVE_BITS that an enclosure has at first; a verdict that it does not decide asks for more.
RELATIVE_BITS = 80
#: No verdict asks for more than this: beyond it the result is undecided, which is an error of the tool.
MOST_BITS = 2560

#: Below this length sorting a row to find equal entries costs more than it saves.
_DISTINCT_FROM = 24


class Tier(Protocol):
    """Enclosures for rows whose entries are finite or -inf, at least one of them finite."""

    def __call__(self, function: str, rows: tuple[Array, ...], bits: int) -> Enclosure | None: ...


def distinct(columns: tuple[Array, ...]) -> tuple[tuple[Array, ...], Array, Array]:
    """Distinct entries of a row (or of rows taken together), where each entry stands, and how often each occurs."""
    n = columns[0].size
    if n < _DISTINCT_FROM:
        return columns, np.arange(n), np.ones(n, np.int64)
    if len(columns) == 1:
        values, inverse, counts = np.unique(columns[0], return_inverse=True, return_counts=True)
        return (values,), inverse.reshape(-1), counts
    stacked = np.stack(columns, axis=1)
    pairs, inverse, counts = np.unique(stacked, axis=0, return_inverse=True, return_counts=True)
    return tuple(pairs.T), inverse.reshape(-1), counts


_SAME_SHAPE: dict[str, Callable[..., list[Any]]] = {
    "softmax": smxref.softmax,
    "log_softmax": smxref.log_softmax,
}
_REDUCED: dict[str, Callable[..., Any]] = {
    "logsumexp": smxref.logsumexp,
    "softmax_entropy": smxref.softmax_entropy,
    "entropy": smxref.entropy,
    "kl_divergence": smxref.kl_divergence,
    "distribution_cross_entropy": smxref.distribution_cross_entropy,
}
_ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "sigmoid": smxref.sigmoid,
    "log_sigmoid": smxref.log_sigmoid,
    "binary_cross_entropy_with_logits": smxref.binary_cross_entropy_with_logits,
}


def refined(compute: Callable[[int], Any], values: Any, bits: int) -> list[Any]:
    """Balls narrow enough: |error| ≤ 2^-bits·|value|, or as narrow as the cap of the precision allows."""
    start = smxref.starting_bits(values, len(values), bits)
    balls = smxref.refine(compute, bits, start, 8 * max(start, bits))
    return balls if isinstance(balls, list) else [balls]


def _one_row(function: str, columns: tuple[Array, ...], bits: int) -> list[tuple[float, float, int, float]]:
    (values, where, counts) = distinct(columns)
    lists = [v.tolist() for v in values]
    times = counts.tolist()
    flat = [v for column in lists for v in column]
    if function in _SAME_SHAPE:
        balls = refined(lambda p: _SAME_SHAPE[function](lists[0], times, bits=p), flat, bits)
        packed = [smxref.pack(b) for b in balls]
        return [packed[i] for i in where.tolist()]
    balls = refined(lambda p: _REDUCED[function](*lists, times, bits=p), flat, bits)
    return [smxref.pack(balls[0])]


def _long_row(columns: tuple[Array, ...], function: str, bits: int) -> Enclosure:
    """A row of many equal entries: one reference value per distinct entry, spread by index, without Python lists."""
    (values, where, counts) = distinct(columns)
    lists = [v.tolist() for v in values]
    balls = refined(lambda p: _SAME_SHAPE[function](lists[0], counts.tolist(), bits=p), lists[0], bits)
    return from_packed([smxref.pack(b) for b in balls]).take(where)


def mpmath_tier(function: str, rows: tuple[Array, ...], bits: int) -> Enclosure | None:
    """Enclosures by smxref: arbitrary precision, raised until each is narrow enough."""
    if function in _ELEMENTWISE:
        return _elementwise(function, rows, bits)
    if function not in _SAME_SHAPE and function not in _REDUCED:
        return None
    count, n = rows[0].shape
    if function in _SAME_SHAPE:
        if n > 4096:
            parts = [_long_row(tuple(r[i] for r in rows), function, bits) for i in range(count)]
            return Enclosure(*(np.stack([getattr(p, f) for p in parts]) for f in _FIELDS))
        packed = [t for i in range(count) for t in _one_row(function, tuple(r[i] for r in rows), bits)]
        return from_packed(packed).reshape((count, n))
    return from_packed([t for i in range(count) for t in _one_row(function, tuple(r[i] for r in rows), bits)])


_FIELDS = ("hi", "lo", "exponent", "bound")


def _elementwise(function: str, columns: tuple[Array, ...], bits: int) -> Enclosure:
    shape = columns[0].shape
    values, where, _ = distinct(tuple(c.reshape(-1) for c in columns))
    reference = _ELEMENTWISE[function]
    balls = [_one_value(reference, each, bits) for each in zip(*(v.tolist() for v in values), strict=True)]
    return from_packed([smxref.pack(ball) for ball in balls]).take(where).reshape(shape)


def _one_value(reference: Callable[..., Any], arguments: tuple[float, ...], bits: int) -> Any:
    return refined(lambda p: reference(*arguments, bits=p), arguments, bits)[0]


#: Tried in this order; the last one covers everything that is covered at all.
TIERS: tuple[Tier, ...] = (mpmath_tier,)


def enclose_rows(function: str, rows: tuple[Array, ...], bits: int) -> Enclosure:
    """The first tier's enclosure that exists."""
    for tier in TIERS:
        enclosure = tier(function, rows, bits)
        if enclosure is not None:
            return enclosure
    raise LookupError(f"no reference for {function}")
