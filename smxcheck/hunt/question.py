"""One function's rows as a call, as a question to the oracle, and in hexadecimal.

A batch has rows ``x`` of shape (m, n) in the dtype hunted, and ``beside`` them what the function takes besides: labels
(m,), a cotangent (m, n), or nothing. Functions of one number have rows of one entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import FUNCTIONS
from smxcheck.hunt.model import NUMBERS
from smxcheck.oracle import Enclosure, enclose
from smxcheck.targets.protocol import Call

Array = npt.NDArray[Any]

#: Rows of one call of a function that divides by their number: a power of two, so that it rounds only subnormal results.
MEAN_ROWS = 8

#: So many bits only smxref gives, arbitrary precision with a proven bound.
REFERENCE_BITS = 96

LABELS, COTANGENT = "labels", "g"


@dataclass(frozen=True)
class Batch:
    """Rows, and what goes with them."""

    x: Array
    beside: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Any) -> Batch:
        return Batch(self.x[rows], None if self.beside is None else self.beside[rows])

    def repeated(self, row: int, copies: int) -> Batch:
        """One row, ``copies`` times."""
        return self.take(np.full(copies, row))


def joined(one: Batch, other: Batch) -> Batch:
    """The rows of both."""
    if one.beside is None or other.beside is None:
        return Batch(np.concatenate([one.x, other.x]))
    return Batch(np.concatenate([one.x, other.x]), np.concatenate([one.beside, other.beside]))


def beside(function: str) -> str:
    """The name of the second argument, "" without one."""
    return next(iter(FUNCTIONS[function].arguments[1:]), "")


def rows_of_a_call(function: str, rows: int) -> int:
    """How many of ``rows`` go into one call."""
    return MEAN_ROWS if function == "cross_entropy_grad" else rows


def keywords(function: str) -> dict[str, Any]:
    return {"reduction": "none"} if function == "cross_entropy" else {}


def arguments(function: str, batch: Batch) -> tuple[Array, ...]:
    """The arrays in the catalog's order."""
    if function in NUMBERS:
        return (batch.x.reshape(-1),)
    return (batch.x,) if batch.beside is None else (batch.x, batch.beside)


def calls(function: str, batch: Batch) -> Iterator[Call]:
    """What the target is asked, in one call or several."""
    size = rows_of_a_call(function, len(batch))
    for start in range(0, len(batch), size):
        part = batch.take(slice(start, start + size))
        yield Call(function, arguments(function, part), keywords(function))


def exact(function: str, batch: Batch, bits: int | None = None) -> Enclosure:
    """The exact values, (m, n) or (m,), for calls of as many rows as `calls` has."""
    value = enclose(function, *arguments(function, batch), bits=bits, **keywords(function))
    m = len(batch)
    if function == "cross_entropy_grad" and m != (size := rows_of_a_call(function, m)):
        # (p - y) / m for m rows, a power of two times those of a call.
        value = replace(value, exponent=value.exponent + (m // size).bit_length() - 1)
    return value


def hexadecimal(function: str, batch: Batch, row: int = 0) -> dict[str, tuple[str, ...]]:
    """The arguments of one row, exactly."""
    found = {FUNCTIONS[function].arguments[0]: tuple(float(v).hex() for v in batch.x[row])}
    if batch.beside is None:
        return found
    part = np.atleast_1d(batch.beside[row])
    is_label = beside(function) == LABELS
    return {**found, beside(function): tuple(str(int(v)) if is_label else float(v).hex() for v in part)}


def from_hexadecimal(inputs: dict[str, tuple[str, ...]], dtype: Any) -> Batch:
    """The batch of one row that `hexadecimal` wrote."""
    first, *others = inputs.items()
    x = np.array([[float.fromhex(t) for t in first[1]]]).astype(dtype)
    if not others:
        return Batch(x)
    name, texts = others[0]
    if name == LABELS:
        return Batch(x, np.array([int(t) for t in texts]))
    return Batch(x, np.array([[float.fromhex(t) for t in texts]]).astype(dtype))


def hex_of(value: Enclosure, index: Any) -> str:
    """The leading 53 bits of an exact value, whatever its exponent."""
    part = value.take(index)
    mantissa, _, power = float(part.hi).hex().partition("p")
    return f"{mantissa}p{int(power) + int(part.exponent):+d}" if part.hi else "0x0.0p+0"
