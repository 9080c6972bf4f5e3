"""Rows of numbers as Hypothesis strategies: scales mixed, ties, ladders, peaks, gaps at the thresholds of the format.

Rows are float64 until they are rounded to the format, so that every entry that is put to a target is exact. A row is drawn
as a base and a few entries that are set by hand, in a few draws whatever its length: that keeps long rows cheap, and lets
the shrinker end at a constant row with one odd entry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from smxcheck.dtypes import Format

Array = npt.NDArray[Any]
Strategy = st.SearchStrategy[Any]
Draw = Callable[[Strategy], Any]

# Strategies are made once: making one costs more than drawing from it.
integers = cache(st.integers)

#: Lengths at which blocked and vectorised loops change their course: powers of two and their neighbours, one past eights,
#: primes. Most rows are short, since what is right costs more the longer a row is.
_EDGES = (7, 8, 9, 15, 16, 17, 25, 31, 32, 33, 41, 57)
_LONG = (63, 64, 65, 101, 127, 128, 129, 191, 251, 255, 256, 257, 281, 300)
LONGEST = 300


@cache
def lengths(longest: int = LONGEST) -> Strategy:
    """From 1 to ``longest``, mostly short. In ascending order, which is the way back that the shrinker goes."""
    table = [*range(1, 9)] * 5 + [*_EDGES] * 3 + [*_LONG] + [*range(9, LONGEST + 1, 13)]
    return st.sampled_from(sorted(n for n in table if n <= longest))


@cache
def thresholds(fmt: Format) -> tuple[float, ...]:
    """Gaps d at which exp(-d) meets an edge of the format: 1/2, u, the smallest normal number, half the smallest subnormal
    one (0 beyond), and 1/largest."""
    smallest = fmt.smallest_subnormal
    return (
        math.log(2), -math.log(fmt.u), -math.log(fmt.smallest_normal), -math.log(smallest),
        -math.log(smallest) + math.log(2), math.log(fmt.largest),
    )  # fmt: skip


_WIDTHS: dict[str, Literal[16, 32, 64]] = {"float16": 16, "float64": 64}


@cache
def within(size: float, fmt: Format) -> Strategy:
    """Finite floats of the format from -size to size. bfloat16 has no width of its own: float32, rounded later."""
    width = _WIDTHS.get(fmt.name, 32)
    end = min(size, fmt.largest)
    end = end if width == 64 else float(np.float16(end) if width == 16 else np.float32(end))
    return st.floats(-end, end, width=width)


@cache
def numbers(fmt: Format, largest: float) -> Strategy:
    """One entry: of every size up to ``largest``, powers of two and their neighbours, thresholds, the ends of the format."""
    sizes = [within(size, fmt) for size in (2.0, 16.0, 128.0) if size < largest]
    exponents = range(max(fmt.e_min, -40), _exponent(largest, fmt) + 1)
    near = [sign * 2.0**e * (1 + 2 * fmt.u * k) for e in exponents for k in (0, 1, -1, 2) for sign in (1.0, -1.0)]
    steps = st.sampled_from(near)
    edges = [t for t in thresholds(fmt) if t <= largest] + [fmt.smallest_normal, fmt.smallest_subnormal]
    edges += [largest, largest / 2, largest * (1 - 2 * fmt.u)]
    ends = st.sampled_from((*edges, *(-t for t in edges)))
    return st.one_of(st.integers(-8, 8).map(float), *sizes, within(largest, fmt), steps, ends)


def _exponent(size: float, fmt: Format) -> int:
    """That of a size; log2 rounds up below a power of two."""
    return min(int(math.log2(size)), fmt.e_max)


@cache
def gaps(fmt: Format) -> Strategy:
    """A threshold, as a gap below the largest entry or (with a sign) above it."""
    return st.sampled_from((*thresholds(fmt), *(-t for t in thresholds(fmt))))


def row_of(draw: Draw, n: int, fmt: Format, largest: float, special: bool = False) -> Array:
    """One row of ``n`` entries of at most ``largest`` in size; ``special`` rows may have infinities and nan."""
    row: Array = draw(_BASES)(draw, n, fmt, largest)
    for _ in range(draw(_FEW)):
        row[_place(draw, n)] = draw(_ENTRIES)(draw, float(row.max()), fmt, largest)
    row = np.clip(row, -largest, largest)
    rare = draw(_RARELY) if special else 0
    if rare == 9:
        row[_place(draw, n)] = draw(_SPECIAL)
    elif rare == 8:  # a row that is masked, or masked but for one entry
        row[:] = np.where(np.arange(n) == _place(draw, n), draw(_LAST), -np.inf)
    return row


def _place(draw: Draw, n: int) -> int:
    """Where an odd entry stands: at the ends, or anywhere."""
    end = draw(_END)
    place: int = draw(integers(0, n - 1)) if end is None else end % n
    return place


def _own(draw: Draw, top: float, fmt: Format, largest: float) -> float:
    return float(draw(numbers(fmt, largest)))


def _gap(draw: Draw, top: float, fmt: Format, largest: float) -> float:
    """A threshold below the largest entry, or above it, but for a few ulps."""
    gap = draw(gaps(fmt)) * (1 + draw(integers(-3, 3)) * 2 * fmt.u)
    return top - float(gap)


def _near(draw: Draw, top: float, fmt: Format, largest: float) -> float:
    """A tie with the largest entry, or a neighbour of it."""
    return top * (1 + 2 * fmt.u * float(draw(integers(-4, 4))))


def _constant(draw: Draw, n: int, fmt: Format, largest: float) -> Array:
    return np.full(n, draw(numbers(fmt, largest)), np.float64)


def _written(draw: Draw, n: int, fmt: Format, largest: float) -> Array:
    """Up to eight numbers, over and over."""
    few = min(n, int(draw(integers(2, 8))))
    return np.resize(np.array([draw(numbers(fmt, largest)) for _ in range(few)], np.float64), n)


def _two(draw: Draw, n: int, fmt: Format, largest: float) -> Array:
    """Every k-th entry another one."""
    k, number = draw(integers(2, 9)), numbers(fmt, largest)
    return np.where(np.arange(n) % k == k - 1, float(draw(number)), float(draw(number)))


def _ladder(draw: Draw, n: int, fmt: Format, largest: float) -> Array:
    return np.asarray(draw(numbers(fmt, largest)) + draw(within(min(largest, 16.0), fmt)) * np.arange(n), np.float64)


def _normal(draw: Draw, n: int, fmt: Format, largest: float) -> Array:
    """Normal numbers of one scale about one centre; the numbers are NumPy's, from a seed that is drawn."""
    top = _exponent(largest, fmt)
    usual = draw(_FEW) > 0
    scale = draw(integers(0, min(5, top)) if usual else integers(max(-20, fmt.e_min), min(12, top)))
    centre = draw(numbers(fmt, largest)) if draw(_FEW) == 0 else 0.0
    return np.asarray(centre + 2.0**scale * np.random.default_rng(draw(_SEEDS)).standard_normal(n))


_FEW = st.integers(0, 3)
_END = st.sampled_from((0, -1, None))
_SEEDS = st.integers(0, 2**16)
_RARELY = st.integers(0, 9)
_LAST = st.sampled_from((-np.inf, 0.0, np.inf, 1.0))
_SPECIAL = st.sampled_from((-np.inf, np.inf, np.nan))
_ENTRIES = st.sampled_from((_own, _gap, _near))
_BASES = st.sampled_from((_constant, _written, _two, _ladder, _normal, _normal, _normal))


def rounded(values: Array, fmt: Format) -> Array:
    """To the format, what is beyond its largest number cut to that; infinities and nan stay."""
    cut = np.where(np.isfinite(values), np.clip(values, -fmt.largest, fmt.largest), values)
    with np.errstate(over="ignore", under="ignore"):
        narrow: Array = np.ascontiguousarray(cut.astype(fmt.numpy()))
    return narrow
