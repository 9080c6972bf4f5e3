"""Every pair of 16-bit logits, for functions whose result depends on the difference of the two alone.

smxcheck's softmax and log_softmax of narrow formats widen a row to float64, subtract its largest entry, and go on with
the gaps only. Where the difference d of two logits is exact in float64 a pair therefore gives the results of every other
pair that is d apart, in either order, and one pair for each d stands for all of them. Differences are exact for

    float16    all finite numbers: multiples of 2^-24 below 2^17. Gone through: every pair at most 17.5 apart; beyond, the
               smaller share is below half of the smallest number, 2^-25
    bfloat16   0 and the numbers of magnitude 2^-8 up to 128: multiples of 2^-15 below 2^9. Gone through: every pair of
               these at most 93 apart; beyond, the smaller share is below 2^-134

The shares of a pair are σ(d) and σ(-d), their logarithms log_sigmoid at ±d: the float64 values of `truth`, screened as
in `floats`, certified by smxref.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from smxcheck.dtypes import FORMATS, Format
from smxcheck.hunt import truth
from smxcheck.hunt.floats import ASKED, upper_bound
from smxcheck.hunt.model import NORMAL, PAIRS, SUBNORMAL, Entry, Worst
from smxcheck.hunt.narrow import every
from smxcheck.hunt.question import REFERENCE_BITS, Array, Batch, exact, hex_of, hexadecimal
from smxcheck.hunt.score import Mask, score
from smxcheck.targets.protocol import Call, Session

#: Function → the function of ±d that its two results are.
HALVES = {"softmax": "sigmoid", "log_softmax": "log_sigmoid"}

#: Differences that are looked at together, and rows of one call.
WINDOW, ROWS = 1 << 23, 1 << 16


@dataclass(frozen=True)
class Grid:
    """Numbers that are multiples of 2^exponent, by increasing size, and the largest difference gone through."""

    exponent: int
    values: Array
    farthest: float

    @property
    def steps(self) -> int:
        return int(self.farthest * 2.0**-self.exponent)


def grid(dtype: str) -> Grid:
    """The numbers of a format whose pairs are gone through."""
    x = every(dtype)
    size = np.abs(x.astype(np.float32))
    if dtype == "float16":
        return Grid(-24, _increasing(x[np.isfinite(size)]), 17.5)
    return Grid(-15, _increasing(x[(size == 0) | ((size >= 2.0**-8) & (size < 128))]), 93.0)


def _increasing(x: Array) -> Array:
    """Distinct numbers; one zero."""
    return np.unique(x.astype(np.float64)).astype(x.dtype)


def scan(
    function: str, dtype: str, sessions: Mapping[str, Session], among: Grid | None = None
) -> list[Entry]:
    """The largest error of each target over the pairs of a format, or of a grid of its numbers."""
    return [
        _scanned(name, function, dtype, session, among or grid(dtype)) for name, session in sessions.items()
    ]


def _scanned(target: str, function: str, dtype: str, session: Session, among: Grid) -> Entry:
    fmt = FORMATS[dtype]
    pairs = elements = wrong = 0
    worst: dict[str, Worst] = {}
    example: Worst | None = None
    for count, rows in representatives(among):
        pairs += count
        for start in range(0, len(rows), ROWS):
            part = rows[start : start + ROWS]
            seen = session.call(Call(function, (part,)))
            if seen.outcome != "returned" or np.shape(seen.value) != part.shape:
                reason = " ".join(f"{seen.outcome} {seen.error}".split())
                return Entry(
                    target, function, dtype, PAIRS, pairs, elements, worst, {}, wrong, example, reason=reason
                )
            elements += part.size
            got = np.asarray(seen.value)
            mask = _settle(function, fmt, part, got, worst)
            wrong += int(mask.sum())
            if mask.any() and example is None:
                row, element = np.unravel_index(int(mask.argmax()), mask.shape)
                example = replace(
                    _alone(function, fmt, part, got, int(row), int(element)), error=float("inf")
                )
    return Entry(target, function, dtype, PAIRS, pairs, elements, worst, {}, wrong, example)


def representatives(among: Grid) -> Iterator[tuple[int, Array]]:
    """How many pairs, and a pair (x, x - d) for each of their differences, window by window."""
    steps = np.rint(np.ldexp(among.values.astype(np.float64), -among.exponent)).astype(np.int64)
    for low in range(0, among.steps + 1, WINDOW):
        high = min(low + WINDOW, among.steps + 1)
        first = np.searchsorted(steps, steps - high, side="right")
        last = np.searchsorted(steps, steps - low, side="right")
        larger = np.full(high - low, -1, np.int32)
        for place in np.flatnonzero(last > first).tolist():
            larger[steps[place] - steps[first[place] : last[place]] - low] = place
        found = np.flatnonzero(larger >= 0)
        top = larger[found]
        bottom = np.searchsorted(steps, steps[top] - found - low)
        yield int((last - first).sum()), np.stack([among.values[top], among.values[bottom]], axis=1)


def _settle(function: str, fmt: Format, x: Array, got: Array, worst: dict[str, Worst]) -> Mask:
    """Raise ``worst`` to the worst of these rows; which results have no digit right."""
    gap = x[:, :1].astype(np.float64) - x[:, 1:].astype(np.float64)
    value = truth.VALUES[HALVES[function]](np.concatenate([gap, -gap], axis=1))
    normal = np.abs(value) >= fmt.smallest_normal
    wide = got.astype(np.float64)
    wrong = ~np.isfinite(wide) | ((wide == 0) & normal)
    bound = np.where(wrong, -np.inf, upper_bound(wide, value, fmt))
    for category, mask in ((NORMAL, normal), (SUBNORMAL, ~normal)):
        _climb(function, fmt, category, x, got, np.where(mask, bound, -np.inf), worst)
    return np.asarray(wrong)


def _climb(
    function: str, fmt: Format, category: str, x: Array, got: Array, bound: Array, worst: dict[str, Worst]
) -> None:
    """Ask by falling bound until no row's bound is above what is certified."""
    of_row = bound.max(axis=1)
    hopeful = np.flatnonzero(of_row > _largest(worst, category))
    order = hopeful[np.argsort(-of_row[hopeful])]
    for start in range(0, len(order), ASKED):
        some = order[start : start + ASKED]
        if of_row[some[0]] <= _largest(worst, category):
            return
        scored = score(got[some], exact(function, Batch(x[some]), REFERENCE_BITS), fmt)
        errors = np.where(scored.categories[category], scored.error, -1.0)
        row, element = np.unravel_index(int(errors.argmax()), errors.shape)
        if errors[row, element] > _largest(worst, category):
            worst[category] = _alone(function, fmt, x, got, int(some[row]), int(element))


def _alone(function: str, fmt: Format, x: Array, got: Array, row: int, element: int) -> Worst:
    """One result, judged by smxref."""
    batch = Batch(x[row : row + 1])
    y = exact(function, batch, REFERENCE_BITS)
    error = float(score(got[row : row + 1], y, fmt).error[0, element])
    return Worst(
        error, hexadecimal(function, batch), element, float(got[row, element]).hex(), hex_of(y, (0, element))
    )


def _largest(worst: Mapping[str, Worst], category: str) -> float:
    return worst[category].error if category in worst else -1.0
