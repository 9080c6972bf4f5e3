"""What the plots of a run show, as data: cost over the length of a row, and accuracy against time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from smxcheck.benchmark.compare.statistics import Interval, mean_ratio
from smxcheck.benchmark.results import COPY, EXP, Benchmark, Entry, Run
from smxcheck.benchmark.show.figures import quartiles
from smxcheck.benchmark.show.words import Findings, Group, nanoseconds

#: A correctly rounded result may be off by half an ulp; an error below it is drawn there.
FLOOR = 0.5
#: Yardsticks that have a curve: what one read and one write take, and what exp takes alone.
DRAWN = (COPY, EXP)
#: So many lengths of as many elements in all are a ladder.
_LADDER = 3


@dataclass(frozen=True)
class Point:
    """Nanoseconds for an element in rows of ``n``: the median over all rounds, and the quartiles."""

    n: int
    nanoseconds: float
    low: float
    high: float
    wrong: bool


@dataclass(frozen=True)
class Curve:
    """A target or a yardstick, by increasing ``n``."""

    name: str
    points: tuple[Point, ...]

    @property
    def wrong(self) -> bool:
        return any(point.wrong for point in self.points)


@dataclass(frozen=True)
class Mark:
    """A target: its time over that of the reference, and its worst error in ulp (None where it is wrong)."""

    name: str
    time: Interval
    error: float | None
    front: bool

    @property
    def wrong(self) -> bool:
        return self.error is None


@dataclass(frozen=True)
class Marks:
    """All targets of a panel. ``reference`` is what times are divided by, ``notes`` say who has no mark and why."""

    reference: str
    marks: tuple[Mark, ...]
    notes: tuple[str, ...] = ()


def names(run: Run) -> tuple[str, ...]:
    """Every target, in the order in which it was typed, then in that of the benchmarks."""
    return tuple(dict.fromkeys([*run.settings.targets, *(e.name for b in run.benchmarks for e in b.targets)]))


def curves(found: Findings, group: Group) -> tuple[Curve, ...]:
    """One for each target and drawn yardstick that was timed, over the shapes of `steps`; none without a target."""
    over = steps(group.benchmarks)
    drawn = []
    for name in (*names(found.run), *DRAWN):
        points = [_point(b, e) for b in over if (e := b.entry(name)) and e.timed]
        drawn += [Curve(name, tuple(points))] if points else []
    return tuple(drawn) if any(curve.name not in DRAWN for curve in drawn) else ()


def steps(benchmarks: Iterable[Benchmark]) -> tuple[Benchmark, ...]:
    """The shapes that show how cost grows, one for each length; empty where there are not two lengths.

    Of the contiguous shapes along the last axis those with as many elements in all, where there are three or more: the
    same work in rows of other lengths (a ladder). Else all of them; of two with the same length the larger one.
    """
    plain = [b for b in benchmarks if b.shape.axis == -1 and b.shape.layout == "contiguous"]
    elements, count = Counter(b.shape.elements for b in plain).most_common(1)[0] if plain else (0, 0)
    if count >= _LADDER:
        plain = [b for b in plain if b.shape.elements == elements]
    by_length = {b.shape.n: b for b in sorted(plain, key=lambda b: b.shape.elements)}
    return tuple(by_length[n] for n in sorted(by_length)) if len(by_length) > 1 else ()


def _point(benchmark: Benchmark, entry: Entry) -> Point:
    low, high = (1e9 * seconds / benchmark.shape.elements for seconds in quartiles(entry.seconds))
    return Point(benchmark.shape.n, nanoseconds(benchmark, entry), low, high, _wrong(entry))


def marks(found: Findings, group: Group) -> Marks:
    """The targets that were timed. Times are divided by those of the base; where it is right nowhere, by the copy's.

    A target that is wrong on any shape is marked as wrong; its time is the geometric mean over all shapes on which it was
    timed beside the reference.
    """
    reference = _reference(found, group)
    standing = {o.target: o for o in group.overall}
    drawn, notes = list[Mark](), list[str]()
    for name in names(found.run):
        entries = [(e, b.entry(reference)) for b in group.benchmarks if (e := b.entry(name))]
        pairs = [(e, r) for e, r in entries if e.timed and r is not None and r.timed]
        own = standing.get(name)
        if not pairs:
            notes += [f"{name}: {_why(e for e, _ in entries)}"] if entries else []
        elif any(_wrong(e) for e, _ in entries):
            drawn.append(Mark(name, mean_ratio(pairs), None, False))
        elif own is None or own.worst is None or not math.isfinite(own.worst):
            notes.append(f"{name}: no error in ulp")
        else:
            drawn.append(Mark(name, mean_ratio(pairs), own.worst, own.pareto))
    return Marks(reference, tuple(drawn), tuple(notes))


def _reference(found: Findings, group: Group) -> str:
    """The base, or the copy where the base is right on none of the shapes."""
    return found.base if any((e := b.entry(found.base)) and e.ranked for b in group.benchmarks) else COPY


def _wrong(entry: Entry) -> bool:
    return entry.judgement is not None and entry.judgement.wrong


def _why(entries: Iterable[Entry]) -> str:
    """Why a target has no time to be compared."""
    return next((e.failure for e in entries if e.failure), "not timed beside the reference")
