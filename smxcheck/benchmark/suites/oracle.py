"""The suite ``oracle``: enclosures of softmax against plain mpmath and Arb at the same proven error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath
import numpy as np
import numpy.typing as npt

from smxcheck.benchmark.suites import memory
from smxcheck.benchmark.suites import oracle_contenders as oracle
from smxcheck.benchmark.suites.goals import least_goal, limit_goal
from smxcheck.benchmark.suites.model import Accuracy, Comparison, Goal, Outcome, Progress, Settings
from smxcheck.benchmark.suites.ranking import compared, means, overhead, spread
from smxcheck.benchmark.suites.timer import Contender, Plan, empty, measure
from smxcheck.oracle import Enclosure

Array = npt.NDArray[Any]

#: Row lengths.
LENGTHS = (10, 100, 1000, 10_000, 100_000, 1_000_000)
#: Bits of the enclosures that ``verify`` starts from.
BITS = {"float64": 80, "float32": 40}
#: Standard normals times this: rows whose smallest probabilities are far below the unit roundoff.
_SPREAD = 5.0
#: mpmath's default precision: what somebody who sets nothing gets.
_DEFAULT_BITS = 53
_GIBIBYTE = 2.0**30

#: Times the speed of the rival at every length: (dtype, rival, wanted).
WANTED = (("float64", "mpmath", 50.0), ("float64", "arb", 5.0), ("float32", "mpmath", 1000.0))
#: Gibibytes of the process that encloses one row of 10^7 entries.
MEMORY_LIMIT = 2.0

_PLAN = Plan(seconds=4.0, least_rounds=5, most_rounds=20)


@dataclass(frozen=True)
class Size:
    """How much is measured: elements for the oracle, for mpmath and for Arb; the long row; seconds of rounds."""

    elements: int = 1_000_000
    mpmath: int = 6_000
    arb: int = 20_000
    row: int = 10_000_000
    plan: Plan = _PLAN


_QUICK = Size(100_000, 1000, 5000, 1_000_000, Plan(seconds=0.5, least_rounds=3, most_rounds=6))


def run(
    settings: Settings, progress: Progress, lengths: Sequence[int] = LENGTHS, size: Size | None = None
) -> Outcome:
    """Every dtype and length, how the cost depends on the length, and the memory that one long row takes."""
    size = size or (_QUICK if settings.quick else Size())
    lengths = [n for n in lengths if n <= size.elements]
    total = len(settings.dtypes) * (len(lengths) + 1) + 1
    found, goals, figures = [], [], {}
    for done, dtype in enumerate(settings.dtypes):
        first = done * (len(lengths) + 1)
        for number, n in enumerate(lengths):
            progress(first + number, total, f"softmax {dtype} n = {n:,}")
            found.append(compare(dtype, n, size))
        progress(first + len(lengths), total, f"softmax {dtype}, all lengths")
        figures[f"flatness_{dtype}"] = flatness(dtype, lengths, size)
        goals += [_goal(found, *wanted) for wanted in WANTED if wanted[0] == dtype]
    progress(total - 1, total, f"memory of a row of {size.row:,}")
    goals.append(_memory_goal(size.row))
    figures |= {**overhead(found), **spread(found)}
    return Outcome("oracle", tuple(found), means(found), tuple(goals), figures, tuple(_notes(size)))


def normals(dtype: str, n: int, elements: int) -> Array:
    """Rows of ``n``, the same numbers in every run."""
    values = np.random.default_rng(n).standard_normal((elements // n, n))
    return (_SPREAD * values).astype(dtype)


def compare(dtype: str, n: int, size: Size) -> Comparison:
    """The contenders on rows of ``n`` normals: judged on a sample, then timed, each on as much as it can bear."""
    bits, x = BITS[dtype], normals(dtype, n, size.elements)
    plain, longer = _sampled(x, size.mpmath), _sampled(x, size.arb)
    exact = oracle.truth(plain.tolist(), bits)
    own = partial(oracle.own_softmax, x, bits)
    found = [Contender(oracle.OWN, own, x.size)]
    accuracies = {oracle.OWN: _accuracy(_own_error(own(), plain, exact, bits), 2.0**-bits)}
    for name, precision, allowed in _mpmath_precisions(dtype, bits):
        call = partial(oracle.mpmath_softmax, plain.tolist(), precision)
        found.append(Contender(name, call, plain.size))
        accuracies[name] = _accuracy(oracle.mpmath_error(call(), exact), allowed)
    if oracle.has_arb():
        balls = partial(oracle.arb_softmax, longer.tolist(), oracle.arb_bits(bits, n))
        found.append(Contender(oracle.ARB, balls, longer.size))
        accuracies[oracle.ARB] = _accuracy(oracle.arb_error(balls()), 2.0**-bits)
    timings = measure((*found, empty()), size.plan)
    return compared("softmax", dtype, f"n = {n:,}", n, timings, accuracies, tuple(accuracies))


def flatness(dtype: str, lengths: Sequence[int], size: Size) -> float:
    """The largest over the smallest cost of an element over the lengths, timed in the same rounds."""
    calls = {n: partial(oracle.own_softmax, normals(dtype, n, size.elements), BITS[dtype]) for n in lengths}
    timings = measure([Contender(f"n = {n}", call, size.elements) for n, call in calls.items()], size.plan)
    costs = [t.nanoseconds for t in timings]
    return max(costs) / min(costs)


def _accuracy(error: float, allowed: float) -> Accuracy:
    return Accuracy(error, "relative", "" if error <= allowed else "wrong")


def _mpmath_precisions(dtype: str, bits: int) -> list[tuple[str, int, float]]:
    """Name, precision and allowed error: at the oracle's own error, and where that is less at the default precision."""
    chosen = [(oracle.MPMATH, oracle.mpmath_bits(bits), 2.0**-bits)]
    if dtype != "float64":
        chosen.append((f"{oracle.MPMATH}, {_DEFAULT_BITS} bits", _DEFAULT_BITS, 2.0 ** (3 - _DEFAULT_BITS)))
    return chosen


def _own_error(found: Enclosure, sample: Array, exact: list[list[Any]], bits: int) -> float:
    """The largest bound claimed for any element; infinite where a value of the sample lies outside its own bound."""
    enclosed = oracle.own_softmax(sample, bits)
    distance = oracle.enclosure_error(enclosed, exact)
    return oracle.largest_bound(found) if distance <= oracle.largest_bound(enclosed) else math.inf


def _sampled(x: Array, limit: int) -> Array:
    """The first rows, about ``limit`` elements; of a longer row its first entries.

    Neither mpmath's nor Arb's cost for an entry depends on the length of its row: one exp, one addition, one division.
    """
    rows = x[: max(1, limit // x.shape[1]), :limit]
    return np.ascontiguousarray(rows)


def _goal(found: Sequence[Comparison], dtype: str, rival: str, wanted: float) -> Goal:
    text = f"softmax {dtype}: ≥ {wanted:,.0f} × {rival} at every length"
    return least_goal(text, [c for c in found if c.dtype == dtype], oracle.OWN, rival, wanted)


def _memory_goal(entries: int) -> Goal:
    peak = memory.peak(entries)
    text = f"a float64 row of {entries:,} entries: below {MEMORY_LIMIT:g} GiB"
    detail = "peak of the whole process" if peak else f"not enclosed within {memory.ADDRESS_SPACE >> 30} GiB"
    if peak is None:
        return Goal(text, None, "GiB", False, detail)
    return limit_goal(text, peak / _GIBIBYTE, MEMORY_LIMIT, "GiB", detail)


def _notes(size: Size) -> list[str]:
    sampled = (
        f"mpmath runs on its backend {mpmath.libmp.BACKEND}; it and Arb are timed on a sample of {size.mpmath:,} and"
        f" {size.arb:,} elements, of a longer row on its first entries"
    )
    notes = [sampled]
    if not oracle.has_arb():
        notes.append(f"arb is left out, since python-flint is not installed: {oracle.INSTALL_ARB}")
    return notes
