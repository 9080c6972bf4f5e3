"""Enclosures held against Arb: a second arithmetic, written by others, that shares nothing with what made them.

An enclosure says |y - v| ≤ b·|y|. Arb gives a ball that holds y, whatever its precision; the enclosure holds where every
number of the ball fulfils the inequality, and misses where none does. Between the two the precision is raised.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import FUNCTIONS
from smxcheck.oracle.enclosure import Enclosure, Expected, Kind

Array = npt.NDArray[Any]
Index = tuple[int, ...]

#: Elements of one answer that are looked at.
ELEMENTS = 10
#: Larger questions are not put to Arb, which takes microseconds for an entry and starts anew at each precision.
MOST_ELEMENTS = 1 << 20
#: The precision at first, a step more than the 106 bits that an enclosure holds, and how often it is raised at most. Two
#: numbers of one row may stand 2^2100 apart; their exact difference is reached at the fifth.
FIRST_BITS, RAISES = 160, 6
#: Bits times terms of one precision: beyond it a long row is given up.
_MOST_WORK = 1 << 29


@dataclass(frozen=True)
class Miss:
    """An element whose enclosure does not hold the exact value: a fault of smxcheck."""

    index: Index
    enclosure: str
    arb: str


@dataclass(frozen=True)
class Checked:
    """What Arb says of some elements of one answer."""

    held: int = 0
    undecided: int = 0
    misses: tuple[Miss, ...] = ()


@dataclass(frozen=True)
class _Part:
    """Elements of one answer that read the same rows: ``compute(places)`` gives a ball for each of some of them."""

    indices: list[Index]
    places: list[Any]
    compute: Callable[[list[Any]], list[Any]]
    terms: int


def version() -> str:
    """The version of FLINT. Raises ImportError where python-flint is not installed."""
    import flint

    return str(flint.__FLINT_VERSION__)


def covered() -> frozenset[str]:
    """The functions that have a formula in Arb. Raises ImportError where python-flint is not installed."""
    from smxcheck.oracle.arb_formulas import TABLE

    return frozenset(TABLE)


def check(
    function: str, arguments: Sequence[Any], keywords: Mapping[str, Any], expected: Expected, seed: str
) -> Checked:
    """Compare at most `ELEMENTS` elements of ``expected``, drawn by ``seed``, with Arb.

    Raises LookupError for a function without a formula, ImportError where python-flint is not installed.
    """
    chosen = _drawn(expected, random.Random(seed))
    found = Checked()
    for part in _parts(function, [np.asarray(a) for a in arguments], keywords, expected.shape, chosen):
        found = _plus(found, _compare(part, expected.enclosure))
    return found


def _plus(a: Checked, b: Checked) -> Checked:
    return Checked(a.held + b.held, a.undecided + b.undecided, a.misses + b.misses)


def _drawn(expected: Expected, of: random.Random) -> list[Index]:
    """Some of the elements at which a number is right, and no limit of one."""
    if expected.must_raise:
        return []
    numbers = np.flatnonzero(expected.kind == Kind.VALUE)
    some = of.sample(range(len(numbers)), min(ELEMENTS, len(numbers)))
    return [tuple(int(i) for i in np.unravel_index(numbers[k], expected.shape)) for k in sorted(some)]


def _compare(part: _Part, enclosure: Enclosure) -> Checked:
    from flint import ctx

    open_, found = list(range(len(part.places))), Checked()
    bits = FIRST_BITS
    for _ in range(RAISES):
        if not open_ or bits * part.terms > _MOST_WORK:
            break
        with ctx.workprec(bits):
            balls = part.compute([part.places[k] for k in open_])
            verdicts = [_holds(enclosure.take(part.indices[k]), y) for k, y in zip(open_, balls, strict=True)]
        misses = tuple(
            Miss(part.indices[k], *_in_words(enclosure.take(part.indices[k]), y))
            for k, y, holds in zip(open_, balls, verdicts, strict=True)
            if holds is False
        )
        found = _plus(found, Checked(held=verdicts.count(True), misses=misses))
        open_ = [k for k, holds in zip(open_, verdicts, strict=True) if holds is None]
        bits *= 2
    return _plus(found, Checked(undecided=len(open_)))


def _holds(e: Enclosure, y: Any) -> bool | None:
    """Whether |y - v| ≤ b·|y| for every y of the ball, for none (False), or for some (None)."""
    from flint import arb

    value, bound = _value(e), float(e.bound)
    distance, allowed = abs(y - value), arb(bound) * abs(y)
    if float(e.hi) == 0 and bound == 1:  # only |y| ≤ 2^exponent is said
        distance, allowed = abs(y), arb(2) ** int(e.exponent)
    if distance <= allowed:
        return True
    return False if distance > allowed else None


def _value(e: Enclosure) -> Any:
    """(hi + lo)·2^exponent; the sum is exact but for numbers that lie further apart than the precision."""
    from flint import arb

    return (arb(float(e.hi)) + arb(float(e.lo))) * arb(2) ** int(e.exponent)


def _in_words(e: Enclosure, y: Any) -> tuple[str, str]:
    from flint import ctx

    with ctx.workprec(FIRST_BITS):
        return f"{_value(e).str(40, radius=False)} to {float(e.bound):.2g} of it", y.str(40)


# ---- from elements of the result to the entries that they are made of


def _parts(
    function: str,
    arguments: list[Array],
    keywords: Mapping[str, Any],
    shape: tuple[int, ...],
    chosen: list[Index],
) -> Iterator[_Part]:
    from smxcheck.oracle.arb_formulas import TABLE

    if function not in TABLE:
        raise LookupError(f"no formula in Arb for {function}")
    formula = TABLE[function]
    match formula.kind:
        case "entries":
            together = np.broadcast_arrays(*arguments)
            for index in chosen:
                entries = _balls([a[index] for a in together])
                yield _Part([index], [()], partial(_single, formula.compute, entries), 1)
        case "loss":
            yield from _losses(formula.compute, arguments, keywords, chosen)
        case "batch":
            yield from _batch(formula.compute, arguments, chosen)
        case _:
            axis = keywords.get("axis", -1) if "axis" in FUNCTIONS[function].keywords else -1
            lines = [_Lines(a, axis) for a in np.broadcast_arrays(*arguments)]
            for line, members in _by_line(lines[0], formula.kind, chosen):
                rows = [_balls(of.entries(line)) for of in lines]
                call = _single if formula.kind == "row" else _several
                indices, places = [i for i, _ in members], [p for _, p in members]
                yield _Part(indices, places, partial(call, formula.compute, rows), len(rows[0]))


def _single(compute: Callable[..., Any], rows: list[Any], places: list[Any]) -> list[Any]:
    return [compute(*rows)]


def _several(compute: Callable[..., Any], rows: list[Any], places: list[Any]) -> list[Any]:
    balls: list[Any] = compute(places, *rows)
    return balls


def _balls(entries: Any) -> list[Any]:
    """Floats as they are: every format converts to float64 exactly."""
    from flint import arb

    return [arb(float(v)) for v in entries]


class _Lines:
    """An array seen along some of its axes."""

    def __init__(self, array: Array, axis: Any) -> None:
        axes = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        self.array = array
        self.axes = tuple(sorted(a % array.ndim for a in axes)) if array.ndim else ()
        self.outer = tuple(k for k in range(array.ndim) if k not in self.axes)

    def entries(self, line: Index) -> Any:
        place: list[Any] = [slice(None)] * self.array.ndim
        for k, i in zip(self.outer, line, strict=True):
            place[k] = i
        return self.array[tuple(place)].reshape(-1)

    def line_of(self, index: Index) -> Index:
        return tuple(index[k] for k in self.outer)

    def place_of(self, index: Index) -> int:
        """The number of an element in its line."""
        place = 0
        for k in self.axes:
            place = place * self.array.shape[k] + index[k]
        return place


def _by_line(
    lines: _Lines, kind: str, chosen: list[Index]
) -> Iterator[tuple[Index, list[tuple[Index, Any]]]]:
    """The chosen elements by the row that they read, each with its place there."""
    found: dict[Index, list[tuple[Index, Any]]] = {}
    for index in chosen:
        if kind == "row":
            found.setdefault(index, []).append((index, 0))
        elif kind == "matrix":
            found.setdefault(index[:-2], []).append((index, index[-2:]))
        else:
            found.setdefault(lines.line_of(index), []).append((index, lines.place_of(index)))
    yield from found.items()


# ---- losses: classes along an axis, labels as class numbers or as weights


def _rows_and_labels(logits: Array, labels: Array, axis: int) -> tuple[Array, Array, tuple[int, ...]]:
    """Logits (m, K), labels (m,) or (m, K), and the shape of the m rows."""
    z = np.moveaxis(logits, axis, -1)
    outer = z.shape[:-1]
    soft = labels.dtype.kind not in "iu"
    y = np.moveaxis(labels, axis, -1).reshape((-1, z.shape[-1])) if soft else labels.reshape(-1)
    return z.reshape((-1, z.shape[-1])), y, outer


def _label(y: Any) -> Any:
    return int(y) if np.ndim(y) == 0 else _balls(y)


def _losses(
    compute: Callable[..., Any], arguments: list[Array], keywords: Mapping[str, Any], chosen: list[Index]
) -> Iterator[_Part]:
    z, y, outer = _rows_and_labels(arguments[0], arguments[1], keywords.get("axis", -1))
    apart = keywords.get("reduction", "mean") == "none"
    for index in chosen:
        use = [int(np.ravel_multi_index(index, outer))] if apart and outer else range(len(z))
        rows, labels = [_balls(z[i]) for i in use], [_label(y[i]) for i in use]
        given = [rows, labels, keywords]
        yield _Part([index], [()], partial(_single, compute, given), sum(map(len, rows)))


def _batch(compute: Callable[..., Any], arguments: list[Array], chosen: list[Index]) -> Iterator[_Part]:
    from flint import arb

    z, y, outer = _rows_and_labels(arguments[0], arguments[1], -1)
    for index in chosen:
        i = int(np.ravel_multi_index(index[:-1], outer)) if outer else 0
        label = _label(y[i])
        target = [arb(int(c == label)) for c in range(z.shape[1])] if isinstance(label, int) else label
        given = [_balls(z[i]), target, len(z)]
        yield _Part([index], [index[-1]], partial(_several, compute, given), z.shape[1])
