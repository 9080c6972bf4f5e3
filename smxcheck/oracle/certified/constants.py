"""ln 2 and the powers 2^(j/4096), from integer arithmetic alone: to 2^-240, then rounded to the parts that are used.

4096 entries keep the argument of the polynomial below 2^-13.5 and fit a second-level cache.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from math import isqrt

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified.exact import Array, split

LOG_TABLE = 12
TABLE = 1 << LOG_TABLE
#: Fraction bits of the integers that everything is computed in.
PRECISION = 256
#: Bits of the leading parts of ln 2 / 4096: times an integer of up to 24 bits they are exact in 53.
HEAD = 29


def ln2_fixed() -> int:
    """ln 2 · 2^PRECISION, too small by less than 2^9: 2·artanh(1/3) = Σ 2/((2k + 1)·3^(2k + 1)), each term truncated."""
    total, power, k = 0, (2 << PRECISION) // 3, 0
    while power:
        total += power // (2 * k + 1)
        power //= 9
        k += 1
    return total


def powers_fixed() -> list[int]:
    """2^(j/TABLE)·2^PRECISION for j < TABLE, too small by less than 2^15.

    LOG_TABLE truncated square roots of 2 give the ratio, too small by less than 2 units: each root halves what was lost
    before, and loses 1. A product, which is below 2, loses less than 2·2 units by the ratio and 1 by its truncation, and
    what is lost at most doubles on the way to the last: 4,095·5·2 units. (Summed exactly it is less than 22,300.)
    """
    ratio = 2 << PRECISION
    for _ in range(LOG_TABLE):
        ratio = isqrt(ratio << PRECISION)
    values = [1 << PRECISION]
    for _ in range(TABLE - 1):
        values.append(values[-1] * ratio >> PRECISION)
    return values


def leading(value: int, bits: int) -> int:
    """The first ``bits`` bits of a positive integer, the rest zero."""
    excess = max(value.bit_length() - bits, 0)
    return value >> excess << excess


def as_float(value: int, scale: int = PRECISION) -> float:
    """value / 2^scale, rounded to nearest: Python divides integers correctly rounded."""
    return value / (1 << scale)


def float_parts(value: int, count: int, bits: int = 53) -> list[float]:
    """``value``/2^PRECISION as a sum of ``count`` floats of at most ``bits`` bits, each the leading bits of what is left."""
    parts = []
    for _ in range(count):
        head = leading(abs(value), bits)
        head = head if value >= 0 else -head
        parts.append(as_float(head))
        value -= head
    return parts


@dataclass(frozen=True)
class Constants:
    """What the exponential is made from. ``step`` = ln 2/TABLE = c."""

    inverse_step: float  # 1/c, rounded
    step_heads: tuple[float, float]  # the first 29 bits of c, and the next 29
    step_tail: float  # c less the two, rounded
    step_parts: tuple[float, float, float]  # c in three parts of 53 bits
    ln2_parts: tuple[float, float, float]
    power: Array  # 2^(j/TABLE), rounded
    power_low: Array  # what that lost, rounded
    power_high_half: Array  # the two halves of ``power``
    power_low_half: Array
    half_power_bits: npt.NDArray[np.int64]  # the bits of ``power``/2, less j·2^40 (`exponential.exp_single`)


@functools.cache
def constants() -> Constants:
    """Made once, in a few milliseconds."""
    ln2 = ln2_fixed()
    step = ln2 >> LOG_TABLE
    first = leading(step, HEAD)
    second = leading(step - first, HEAD)
    table = powers_fixed()
    high = [as_float(v) for v in table]
    low = [as_float(v - (int(h * 2.0**52) << (PRECISION - 52))) for v, h in zip(table, high, strict=True)]
    power = np.array(high)
    halves = split(power)
    parts = float_parts(step, 3)
    ln2_parts = float_parts(ln2, 3)
    return Constants(
        inverse_step=(1 << PRECISION) / step,
        step_heads=(as_float(first), as_float(second)),
        step_tail=as_float(step - first - second),
        step_parts=(parts[0], parts[1], parts[2]),
        ln2_parts=(ln2_parts[0], ln2_parts[1], ln2_parts[2]),
        power=power,
        power_low=np.array(low),
        power_high_half=halves[0],
        power_low_half=halves[1],
        half_power_bits=(power * 0.5).view(np.int64) - (np.arange(TABLE) << (52 - LOG_TABLE)),
    )
