"""Enclosures: exact values with a bound on their own error, and the kinds of right answer beside plain numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Kind(IntEnum):
    """What is right at one element of a result."""

    VALUE = 0  # the enclosed number, correctly rounded or near it
    PLUS_INFINITY = 1
    MINUS_INFINITY = 2
    NAN = 3  # nothing but nan: nan came in
    VALUE_OR_NAN = 4  # the enclosed limit, or nan as IEEE arithmetic gives it (a choice)
    MINUS_INFINITY_OR_NAN = 5
    PLUS_INFINITY_OR_NAN = 6
    FREE = 7  # no limit exists: a choice, never wrong by itself


@dataclass(frozen=True)
class Enclosure:
    """Arrays of one shape with |y - (hi + lo)·2^exponent| ≤ bound·|y| for the exact values y.

    hi is 0 or ½ ≤ |hi| < 1, lo holds the next 53 bits, so that values far below the smallest double keep their full
    relative precision. hi = lo = 0 with bound = 1 says only |y| ≤ 2^exponent.
    """

    hi: Array
    lo: Array
    exponent: Array
    bound: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.hi.shape)

    def take(self, index: Any) -> Enclosure:
        return Enclosure(self.hi[index], self.lo[index], self.exponent[index], self.bound[index])

    def reshape(self, shape: tuple[int, ...]) -> Enclosure:
        return Enclosure(*(a.reshape(shape) for a in (self.hi, self.lo, self.exponent, self.bound)))

    def float64(self) -> Array:
        """The values as float64: rounded, subnormal or infinite where they lie outside its range."""
        with np.errstate(over="ignore", under="ignore"):
            values: Array = np.ldexp(self.hi + self.lo, np.clip(self.exponent, -5000, 5000))
        return values


@dataclass(frozen=True)
class Expected:
    """What is right for one call: a kind for each element, an enclosure where it is a number, the choices by name.

    ``choices`` maps the name of a choice to a mask of the elements that it decides. ``must_raise`` is a sentence
    where only an error (or nan, where that is declared) is right.
    """

    kind: Array
    enclosure: Enclosure
    choices: Mapping[str, Array] = field(default_factory=dict)
    must_raise: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.kind.shape)


def zeros(shape: tuple[int, ...]) -> Enclosure:
    """Exact zeros: the place holder wherever the kind is not a number, and right where 0 is exact."""
    return Enclosure(np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int32), np.zeros(shape))


def from_packed(packed: list[tuple[float, float, int, float]]) -> Enclosure:
    """An enclosure of shape (len,) from the reference's packed values."""
    if not packed:
        return zeros((0,))
    hi, lo, exponent, bound = zip(*packed, strict=True)
    return Enclosure(
        np.array(hi, float), np.array(lo, float), np.array(exponent, np.int32), np.array(bound, float)
    )
