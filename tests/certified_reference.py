"""Exact values of a row by smxref, at 240 bits and more, and whether an enclosure holds one."""

from __future__ import annotations

from typing import Any

import mpmath
import numpy as np

import smxref
from smxcheck.oracle.certified import answer
from smxcheck.oracle.tiers import refined

#: Bits that the reference is asked for.
REFERENCE_BITS = 240
MP = mpmath.mp.clone()
MP.prec = 600
INF = np.inf

#: One value for each element of its arguments, one at a time.
SINGLE_VALUES = ("sigmoid", "log_sigmoid", "binary_cross_entropy_with_logits")


def reference(function: str, row: list[Any], counts: list[int] | None, bits: int, **keywords: Any) -> Any:
    """The balls of one row; ``row`` holds lists of floats, or a class label."""
    call = getattr(smxref, function)
    if function in SINGLE_VALUES:
        return [call(*each, bits=bits) for each in zip(*row, strict=True)]
    if function in ("cross_entropy", "nll_loss"):
        return call(row[:1], row[1:], reduction="none", bits=bits, **keywords)
    if function == "cross_entropy_grad":
        return call(row[:1], row[1:], bits=bits, **keywords)[0]
    if counts is not None:
        keywords["counts"] = counts
    return call(*row, bits=bits, **keywords)


def exact_row(
    function: str, columns: tuple[Any, ...], counts: list[int] | None = None, **keywords: Any
) -> list[Any]:
    row = [c.tolist() for c in columns]
    flat = [v for c in row if isinstance(c, list) for v in c]
    if function in SINGLE_VALUES:
        values = []
        for each in zip(*row, strict=True):
            values += refined(
                lambda p, e=each: reference(function, [[v] for v in e], None, p), each, REFERENCE_BITS
            )
        return values
    return refined(lambda p: reference(function, row, counts, p, **keywords), flat, REFERENCE_BITS)


def value_of(hi: float, lo: float, exponent: int) -> Any:
    return MP.ldexp(MP.mpf(float(hi)) + MP.mpf(float(lo)), int(exponent))


def holds(hi: float, lo: float, exponent: int, bound: float, ball: Any) -> bool:
    """|y - value| ≤ bound·|y| for the reference's value, whose own error is counted; |y| ≤ 2^exponent where hi = 0."""
    y, error = abs(MP.mpf(ball.value)), MP.mpf(ball.error)
    if hi == 0 and bound == 1:
        return bool(y - error <= MP.ldexp(1, int(exponent)))
    return bool(abs(MP.mpf(ball.value) - value_of(hi, lo, exponent)) <= MP.mpf(bound) * (y + error) + error)


def misses(
    function: str, columns: tuple[np.ndarray, ...], **keywords: Any
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """What misses, which elements are decided, and the bounds."""
    found = answer(function, columns, 80, keywords)
    enclosure = found.enclosure
    fields = [getattr(enclosure, f).reshape((len(columns[0]), -1)) for f in ("hi", "lo", "exponent", "bound")]
    wrong = []
    for i, row in enumerate(zip(*columns, strict=True)):
        if not (fields[3][i] < INF).any():
            continue
        balls = exact_row(function, row, **keywords)
        assert len(balls) == fields[0].shape[1]
        for j, ball in enumerate(balls):
            parts = [f[i, j] for f in fields]
            if parts[3] < INF and not MP.isinf(ball.value) and not holds(*parts, ball):
                wrong.append(f"{function} row {i} element {j}: {parts} does not hold {ball.value}")
    return wrong, found.decided, enclosure.bound
