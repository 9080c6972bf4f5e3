"""The tiers that enclose finite rows: certified arithmetic in NumPy for a whole batch, then mpmath through smxref for
every row in which that leaves an element undecided, for small batches, and for more than 80 bits.

``SMXCHECK_ORACLE=mpmath`` in the environment leaves the certified tiers out: every verdict must be the same.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

import smxref
from smxcheck.oracle import certified, tally
from smxcheck.oracle.enclosure import Enclosure, from_packed

Array = npt.NDArray[Any]

#: Relative width 2^-RELATIVE_BITS that an enclosure has at first; a verdict that it does not decide asks for more.
RELATIVE_BITS = 80
#: The same for results in float32 and the 16-bit formats, whose unit roundoff is 2^-24 and more.
NARROW_BITS = 40
#: No verdict asks for more than this: beyond it the result is undecided, which is an error of the tool.
MOST_BITS = 2560

#: Below this length sorting a row to find equal entries costs more than it saves.
_DISTINCT_FROM = 24


def first_bits(dtype: Any) -> int:
    """The relative width to ask for first, for a result of that dtype; integers become float64."""
    wide = np.dtype(dtype).kind in "iub" or np.dtype(dtype) == np.float64
    return RELATIVE_BITS if wide else NARROW_BITS


def certified_tiers(function: str, bits: int, elements: int) -> bool:
    """Whether the certified tiers are to be asked: they cover it, it is worth it, they are not switched off, and this
    thread computes as their proofs suppose (the reference computes with integers and needs nothing of the kind)."""
    wanted = certified.covers(function, bits, elements) and os.environ.get("SMXCHECK_ORACLE") != "mpmath"
    return wanted and not certified.complaint()


def answered(
    function: str, columns: tuple[Array, ...], bits: int, keywords: Mapping[str, Any] | None = None
) -> certified.Answer | None:
    """The certified tiers' enclosure and the elements that it decides; None where they are not to be asked."""
    if not certified_tiers(function, bits, columns[0].size):
        return None
    return certified.answer(function, columns, bits, keywords)


def counted(answer: certified.Answer, left: int) -> None:
    """Count what the certified tiers answered, ``left`` elements being left to the reference."""
    tally.count(tally.SINGLE, answer.single)
    tally.count(tally.DOUBLE, answer.decided.size - left - answer.single)


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


def enclose_rows(function: str, rows: tuple[Array, ...], bits: int) -> Enclosure:
    """Enclosures for rows (R, n) that are finite or -inf, or for elements where the function is one of elements."""
    asked = tuple(c.reshape(-1) for c in rows) if function in _ELEMENTWISE else rows
    found = answered(function, asked, bits)
    if found is None:
        return _by_reference(function, rows, bits)
    enclosure = settle(found, lambda some: _by_reference(function, tuple(c[some] for c in asked), bits))
    return enclosure.reshape(rows[0].shape) if function in _ELEMENTWISE else enclosure


def settle(answer: certified.Answer, reference: Callable[[Array], Enclosure]) -> Enclosure:
    """The answer with the reference's enclosures in the rows that hold an undecided element."""
    rows = np.zeros(0, np.int64)
    if answer.open:
        rows = np.flatnonzero(~answer.decided.reshape(len(answer.decided), -1).all(axis=1))
    counted(answer, len(rows) * answer.decided[:1].size)
    if len(rows):
        exact = reference(rows)
        for name in _FIELDS:
            getattr(answer.enclosure, name)[rows] = getattr(exact, name)
    return answer.enclosure


def _by_reference(function: str, rows: tuple[Array, ...], bits: int) -> Enclosure:
    enclosure = mpmath_tier(function, rows, max(bits, RELATIVE_BITS))
    if enclosure is None:
        raise LookupError(f"no reference for {function}")
    tally.count(tally.REFERENCE, enclosure.hi.size)
    return enclosure
