"""Rows of logits on which the usual wrong kernels fail, made from ordinary ones.

All entries are finite, and every function has exactly one answer on them. Where the numbers come from: exp overflows beyond
log of the largest number (88.7 in float32, 709.8 in float64) and underflows to 0 below log of the smallest subnormal one
(-103.3 and -744.4), so an offset of ±1000 and a gap of 1.2 times that defeat a kernel that takes no maximum off, or the
wrong one. A 16-bit format has few digits left at 1000 (bfloat16 counts there in steps of 4), and 100 is beyond the range of
exp in float32 as well, in which many 16-bit kernels compute.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format

Array = npt.NDArray[Any]

#: An ordinary row (n,) and the format → a hard row (n,).
Hard = Callable[[Array, Format], Array]


def offset_of(fmt: Format) -> float:
    return 100.0 if fmt.is_16_bit else 1000.0


def underflow_gap(fmt: Format) -> float:
    """1.2 · |log λ|: so far below the largest entry a probability is 0 however it is rounded."""
    return -1.2 * math.log(fmt.smallest_subnormal)


def in_parts(row: Array, fmt: Format) -> Array:
    """For a batch of one row: far from 0, its maximum twice, at both ends; a sixteenth of it 20 lower, another so far
    below that exp underflows."""
    out, n = row + offset_of(fmt), row.size
    out[[0, -1]] = out.max() + 2
    out[n // 4 : n // 4 + n // 16] -= 20
    out[n // 2 : n // 2 + n // 16] -= underflow_gap(fmt)
    return out


def far_below(row: Array, fmt: Format) -> Array:
    """All entries far below 0; the largest one comes first."""
    return largest_at(0)(row, fmt) - offset_of(fmt)


def far_above(row: Array, fmt: Format) -> Array:
    return largest_at(-1)(row, fmt) + offset_of(fmt)


def largest_at(place: int) -> Hard:
    """The largest entry in the one place: a kernel that leaves it out loses most of the sum."""

    def hard(row: Array, fmt: Format) -> Array:
        out = row.copy()
        out[place] = out.max() + 2
        return out

    return hard


def dominant(row: Array, fmt: Format) -> Array:
    """One entry 20 above the next: 1 - p is e^-20 or so, which 1 - softmax cannot tell."""
    out = row.copy()
    out[out.size // 2] = out.max() + 20
    return out


def alone(row: Array, fmt: Format) -> Array:
    """The last entry so far above the others that exp of them underflows: the logarithms are their gaps."""
    out = row.copy()
    out[-1] = out.max() + underflow_gap(fmt)
    return out


def tied(row: Array, fmt: Format) -> Array:
    """The maximum three times: at both ends and in the middle."""
    out = row.copy()
    out[[0, out.size // 2, -1]] = out.max() + 0.3125
    return out


def equal(row: Array, fmt: Format) -> Array:
    return np.full_like(row, 1.5)


def close(row: Array, fmt: Format) -> Array:
    """Nearly equal: a hundredth of the spread."""
    return row / 128


def near_zero(row: Array, fmt: Format) -> Array:
    """Down to a millionth of the spread, entry by entry smaller."""
    return row * np.exp2(np.linspace(0, -20, row.size))


def wide(row: Array, fmt: Format) -> Array:
    """Forty times the spread: exp overflows without a shift, and underflows with one."""
    return row * 40


def rising(row: Array, fmt: Format) -> Array:
    """Sorted: an online algorithm changes its maximum at every entry."""
    return np.sort(row)


def among_subnormals(row: Array, fmt: Format) -> Array:
    """Tails from the smallest normal number down to the smallest subnormal one, and a little around both."""
    low, high = math.log(fmt.smallest_subnormal) - 1, math.log(fmt.smallest_normal) + 2
    out = np.linspace(low, high, row.size)
    out[0] = 0.0
    return out


#: Of functions that a common shift of the logits does not change, the most telling first: a small batch has these only.
SHIFTABLE: tuple[Hard, ...] = (
    in_parts, far_below, alone, dominant, tied, wide, far_above, among_subnormals, equal, close, rising,
    largest_at(0), largest_at(-1), near_zero,
)  # fmt: skip
#: Of functions of polynomials, which grow slowly, and of the sparse ones, whose values depend on gaps of about 1.
UNSHIFTED: tuple[Hard, ...] = (
    tied, dominant, rising, equal, largest_at(-1), largest_at(0), close, near_zero,
)  # fmt: skip

#: One entry in so many is hard, where a function takes entries one by one.
_ENTRIES = 20


def harden_entries(rows: Array, fmt: Format) -> None:
    """Every 20th entry of ``rows`` is, in turn: far from 0 on either side, where 1 - σ vanishes, where σ is subnormal,
    where σ is 0, next to 0, and 0."""
    far, gone = offset_of(fmt), underflow_gap(fmt)
    among = 0.5 * math.log(fmt.smallest_subnormal) + 0.5 * math.log(fmt.smallest_normal)
    values = np.array([far, -far, 20.0, -20.0, gone, -gone, among, -among, fmt.smallest_normal, -fmt.u, 0.0])
    flat = rows.reshape(-1)[::_ENTRIES]
    flat[:] = np.resize(values, flat.size)


#: A batch of more rows than this keeps ordinary rows as well.
_ALL_HARD = 8
#: At most one row in so many is hard, where that makes more than _ALL_HARD.
_ONE_IN = 20


def places(rows: int, kinds: int) -> Array:
    """Which rows of a batch become hard: every one of up to eight, else eight or a twentieth, evenly, with both ends."""
    count = min(rows, kinds, max(_ALL_HARD, rows // _ONE_IN))
    return np.linspace(0, rows - 1, count).astype(np.int64)


def harden(rows: Array, fmt: Format, kinds: tuple[Hard, ...]) -> None:
    """Write hard rows into ``rows`` (R, n), each made from the row that stood there."""
    for place, kind in zip(places(len(rows), len(kinds)), kinds, strict=False):
        rows[place] = kind(rows[place], fmt)
