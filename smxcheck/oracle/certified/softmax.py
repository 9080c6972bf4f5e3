"""softmax in blocks, certified a priori: one bound holds for every element of a call, and none is computed.

What the tool asks most, and the largest inputs, go this way. Two widths: `double` in double-double for any gap,
`single` in float64 for gaps up to `SINGLE`. README.md has the sums of their rounding errors.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from smxcheck.oracle.certified.exact import SPLITTER, Array, U, fast_two_sum, split, two_sum
from smxcheck.oracle.certified.exponential import (
    FARTHEST,
    SINGLE,
    exp_double,
    exp_single,
    relative_error_double,
    relative_error_single,
)
from smxcheck.oracle.enclosure import Enclosure

Exponents = npt.NDArray[np.int32]

#: Elements of a block: in double-double some thirty temporaries of it stay in the second-level cache.
BLOCK = 4096
#: Elements of a block in float64: four temporaries stay in the second-level cache, and NumPy's cost of a call is spread.
BLOCK_SINGLE = 1 << 15
#: Rows up to this length are summed across, many at a time.
_SHORT = 64
#: Rows longer than this are summed in columns of 64 first, so that no sum has many terms whatever NumPy's order.
_LONG = 2048
_COLUMNS = 64
#: What lies below 2^-500 adds less than that to a sum that is at least 1.
_LOWEST = -500


def _row_blocks(count: int, n: int, block: int) -> Iterator[slice]:
    step = max(1, block // max(n, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def single_error(n: int) -> float:
    """Of `single`: a weight, the weights' share in the sum, its roundings, the quotient (README, "softmax in float64")."""
    additions = n - 1 if n <= _LONG else (_COLUMNS - 1) + (BLOCK_SINGLE // _COLUMNS - 1) + 1
    mean_gap = 0.5 + math.log(max(n, 1))
    return relative_error_single(SINGLE) + relative_error_single(mean_gap) + (additions + 3) * U


def double_error(n: int, largest: float) -> float:
    """Of `double` for rows of n entries with gaps up to ``largest`` (README, "softmax in double-double")."""
    mean_gap = 0.5 + math.log(max(n, 1))
    sums = (min(n, BLOCK) + 8) * U * U + n * 2.0**-118
    return relative_error_double(largest) + relative_error_double(mean_gap) + sums + 2.0**-101


def single(rows: Array) -> tuple[Enclosure, npt.NDArray[np.bool_]]:
    """Enclosures of softmax of finite rows (R, n), and which rows they hold for: those whose gaps are at most `SINGLE`.

    ``rows`` may be float32 or float64.
    """
    count, n = rows.shape
    hi, exponent = np.empty((count, n)), np.empty((count, n), np.int32)
    covered = np.empty(count, bool)
    with np.errstate(all="ignore"):
        if n > _LONG:
            for i in range(count):
                covered[i] = _single_long(rows[i], hi[i], exponent[i])
        elif n <= _SHORT:
            _single_short(rows, hi, exponent, covered)
        else:
            _single_rows(rows, hi, exponent, covered)
    lo, bound = (np.broadcast_to(v, (count, n)) for v in (0.0, single_error(n)))
    return Enclosure(hi, lo, exponent, bound), covered


class _Scratch:
    """Memory for a block, made once, and what `exp_single` needs beside it."""

    def __init__(self, size: int) -> None:
        self._memory = [np.empty(size) for _ in range(4)]

    def block(self, shape: tuple[int, ...]) -> Array:
        return self._memory[3][: math.prod(shape)].reshape(shape)

    def exp(self, d: Array) -> None:
        """`exp_single` of a block."""
        shifted, multiple, table = (m[: d.size].reshape(d.shape) for m in self._memory[:3])
        exp_single(d, shifted, multiple, table.view(np.int64))


def _narrow(x: Array) -> bool:
    """Whether no two entries of a block are further apart than `SINGLE`: then none of a row are. False where one is nan."""
    return bool(float(x.max()) - float(x.min()) <= SINGLE)


def _single_short(rows: Array, hi: Array, exponent: Exponents, covered: npt.NDArray[np.bool_]) -> None:
    """Short rows as columns of a block: reductions over the first axis add whole vectors."""
    count, n = rows.shape
    step = max(1, BLOCK_SINGLE // n)
    scratch = _Scratch(n * min(step, count))
    for some in _row_blocks(count, n, BLOCK_SINGLE):
        x = rows[some]
        d = scratch.block((n, len(x)))
        np.copyto(d, x.T)
        d -= d.max(axis=0)
        covered[some] = True if _narrow(x) else d.min(axis=0) >= -SINGLE
        scratch.exp(d)
        d *= 1.0 / d.sum(axis=0)
        np.copyto(hi[some], d.T)
        np.frexp(hi[some], out=(hi[some], exponent[some]))


def _single_rows(rows: Array, hi: Array, exponent: Exponents, covered: npt.NDArray[np.bool_]) -> None:
    count, n = rows.shape
    scratch = _Scratch(min(max(1, BLOCK_SINGLE // n), count) * n)
    for some in _row_blocks(count, n, BLOCK_SINGLE):
        x = rows[some]
        d = scratch.block(x.shape)
        np.copyto(d, x)
        # argmax is quicker than max below some hundred entries, and as quick above.
        largest = x[np.arange(len(x)), x.argmax(axis=1)].astype(np.float64)[:, None]
        covered[some] = True if _narrow(x) else (x.min(axis=1, keepdims=True) - largest >= -SINGLE)[:, 0]
        d -= largest
        scratch.exp(d)
        d *= 1.0 / d.sum(axis=1, keepdims=True)
        np.frexp(d, out=(hi[some], exponent[some]))


def _single_long(row: Array, hi: Array, exponent: Exponents) -> bool:
    """One long row, its weights kept in ``hi`` until the sum is known."""
    largest, smallest = float(row.max()), float(row.min())
    if not smallest - largest >= -SINGLE:
        return False
    scratch = _Scratch(min(BLOCK_SINGLE, len(row)))
    parts: list[float] = []
    for start in range(0, len(row), BLOCK_SINGLE):
        d = hi[start : start + BLOCK_SINGLE]
        np.copyto(d, row[start : start + BLOCK_SINGLE])
        d -= largest
        scratch.exp(d)
        whole = len(d) // _COLUMNS * _COLUMNS
        parts.append(float(d[:whole].reshape(_COLUMNS, -1).sum(axis=0).sum()))
        parts += d[whole:].tolist()
    inverse = 1.0 / math.fsum(parts)
    for start in range(0, len(row), BLOCK_SINGLE):
        d = hi[start : start + BLOCK_SINGLE]
        d *= inverse
        np.frexp(d, out=(d, exponent[start : start + BLOCK_SINGLE]))
    return True


def double(rows: Array) -> Enclosure:
    """Enclosures of softmax of float64 rows (R, n) whose entries are finite or -inf, at least one of each row finite."""
    count, n = rows.shape
    hi, lo, exponent = np.empty((count, n)), np.empty((count, n)), np.empty((count, n), np.int32)
    bound = np.empty(count)
    with np.errstate(all="ignore"):
        for some in _row_blocks(count, n, BLOCK):
            _double_rows(rows[some], hi[some], lo[some], exponent[some], bound[some])
    unknown = hi == -1.0
    if not unknown.any():
        return Enclosure(hi, lo, exponent, np.where(hi == 0, 0.0, bound[:, None]))
    hi[unknown] = 0.0
    return Enclosure(hi, lo, exponent, np.where(unknown, 1.0, np.where(hi == 0, 0.0, bound[:, None])))


def extractors(n: int) -> tuple[float, float]:
    """Adding and subtracting the first leaves the leading bits of a weight, the second those of what is left.

    With m ≤ 2^L entries in a piece, L = ⌈log2(m + 2)⌉, sums of leading bits are exact in any order (Rump, Ogita & Oishi,
    SIAM J. Sci. Comput. 31, 2008), and less than 2^(2L - 103) of a weight is left in the end.
    """
    bits = math.ceil(math.log2(min(n, BLOCK) + 2))
    return 1.5 * 2.0 ** (bits + 1), 1.5 * 2.0 ** (2 * bits - 50)


def _add_up(parts: list[tuple[Array, Array, Array]]) -> tuple[Array, Array]:
    """The sums of rows in two parts, from the three sums of each piece; more than one piece is of a single row."""
    if len(parts) == 1:
        first, second, rest = parts[0]
        total, low = two_sum(first, second)
        return fast_two_sum(total, low + rest)
    numbers = [float(part[0]) for piece in parts for part in piece]
    whole = math.fsum(numbers)  # rounded once, like the next
    return np.array([whole]), np.array([math.fsum([*numbers, -whole])])


def _double_rows(rows: Array, hi: Array, lo: Array, exponent: Exponents, bound: Array) -> None:
    """A block of rows, or one long row in pieces; weights stand in the result until the sums are known.

    An exact 0 is hi = 0; what is only known to be below 2^-(2^30) is marked by hi = -1.
    """
    n = rows.shape[1]
    largest = rows.max(axis=1, keepdims=True)
    head, tail = extractors(n)
    parts: list[tuple[Array, Array, Array]] = []
    farthest = 0.0
    pieces = [slice(k, k + BLOCK) for k in range(0, n, BLOCK)]
    for piece in pieces:
        x = rows[:, piece]
        d, e = two_sum(x, -largest)
        dead = ~(d >= -FARTHEST)
        any_dead = bool(dead.any())
        if any_dead:
            d, e = np.where(dead, 0.0, d), np.where(dead, 0.0, e)
        farthest = max(farthest, -float(d.min(initial=0.0)))
        h, low, power = exp_double(d, e)
        if any_dead:
            h = np.where(dead, np.where(x == -np.inf, 0.0, -1.0), h)
            low, power = np.where(dead, 0.0, low), np.where(dead, np.where(x == -np.inf, 0, -(2**30)), power)
        hi[:, piece], lo[:, piece], exponent[:, piece] = h, low, power
        unit = np.ldexp(1.0, np.maximum(power, _LOWEST))
        if any_dead:
            unit = np.where(dead, 0.0, unit)
        w, w_low = h * unit, low * unit
        first = (head + w) - head
        w -= first
        second = (tail + w) - tail
        w -= second
        w += w_low
        parts.append((first.sum(axis=1), second.sum(axis=1), w.sum(axis=1)))
    total, total_low = _add_up(parts)
    for piece in pieces:
        _divide(hi[:, piece], lo[:, piece], exponent[:, piece], total[:, None], total_low[:, None])
    bound[:] = double_error(n, farthest)


def _divide(h: Array, low: Array, power: Exponents, total: Array, total_low: Array) -> None:
    """(h + low)/(total + total_low), one step of Newton, normalised to hi in [1/2, 1); marked elements stay."""
    unknown = h == -1.0
    high, rest = split(total)
    inverse = 1.0 / total
    q = h * inverse
    product = q * total
    t = SPLITTER * q
    q_high = t - (t - q)
    q_low = q - q_high
    product_low = ((q_high * high - product) + q_high * rest + q_low * high) + q_low * rest
    q2 = (((h - product) - product_low) + low - q * total_low) * inverse
    value, value_low = fast_two_sum(q, q2)
    mantissa, shift = np.frexp(value)
    if unknown.any():
        mantissa, value_low = np.where(unknown, -1.0, mantissa), np.where(unknown, 0.0, value_low)
        shift = np.where(unknown, 0, shift)
    h[...], low[...] = mantissa, np.ldexp(value_low, -shift)
    power += shift
