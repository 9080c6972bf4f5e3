"""Who is compared with whom, and how it comes out. What is wrong is timed, never ranked."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from smxcheck.benchmark.compare.statistics import Interval, mean_ratio, time_ratio, verdict, wider
from smxcheck.benchmark.results import Benchmark, Entry, Run, Verdict
from smxcheck.judge.result import LEVEL_ORDER, Level

#: How many times as wide the intervals are by which measuring stops; 1.5 · 1.96 is about the 3 of Haybittle and Peto.
STRICT = 1.5

#: The base's ratio to itself, which no noise blurs and no further launch settles.
_ITSELF = Interval(1.0, 1.0, 1.0)


@dataclass(frozen=True)
class Standing:
    """A target on one benchmark. ``ratio`` is its time over the base's, None where one of them is not ranked.

    ``pareto``: no other ranked target is as fast and as accurate, and better in one of the two.
    """

    entry: Entry
    ratio: Interval | None = None
    verdict: Verdict | None = None
    pareto: bool = False


@dataclass(frozen=True)
class Overall:
    """A target over the benchmarks of one function and dtype.

    ``ratio`` is the geometric mean over the ``benchmarks`` on which both it and the base are ranked, None where there is
    none; ``worst`` (ulp) and ``level`` are the worst that it earned anywhere, None and "" where it was not judged;
    ``wrong`` and ``failed`` count the benchmarks with wrong values, and those on which it could not be timed.
    """

    target: str
    function: str
    dtype: str
    ratio: Interval | None
    verdict: Verdict | None
    benchmarks: int
    worst: float | None
    level: str
    wrong: int
    failed: int
    pareto: bool = False


def base_name(run: Run) -> str:
    """What ratios are to: the target that was asked for, else the first of those that are ranked most often.

    "" where no target is ranked anywhere and none was asked for.
    """
    if run.settings.relative_to:
        return run.settings.relative_to
    ranked = Counter(e.name for b in run.benchmarks for e in b.targets if e.ranked)
    return max((t for t in run.settings.targets if ranked[t]), key=lambda name: ranked[name], default="")


def standings(
    benchmark: Benchmark, relative_to: str, margin: float, among: Sequence[Benchmark] = ()
) -> tuple[Standing, ...]:
    """All targets in the order of the benchmark.

    ``among`` are the benchmarks of the same function and dtype: the noise of the same two targets there is a prior for it
    here (`smxcheck.benchmark.compare.statistics`), without which intervals from two or three launches are wide.
    """

    def ratio(name: str, base: str) -> Interval | None:
        pair = _pair(benchmark, name, base)
        if pair and name == base:
            return _ITSELF
        others = [other for b in among if b.title != benchmark.title and (other := _pair(b, name, base))]
        return time_ratio(*pair, others) if pair else None

    errors = {e.name: _error(e.judgement.worst) for e in benchmark.targets if e.ranked and e.judgement}
    front = _front(errors, ratio, margin)
    found = [(entry, ratio(entry.name, relative_to)) for entry in benchmark.targets]
    return tuple(
        Standing(entry, to_base, verdict(to_base, margin) if to_base else None, entry.name in front)
        for entry, to_base in found
    )


def overall(run: Run) -> tuple[Overall, ...]:
    """Every target for each function and dtype, in the order of the run.

    A target that is wrong anywhere is off the front, and keeps nobody else off it.
    """
    base, found = base_name(run), list[Overall]()
    for benchmarks in _groups(run):

        def ratio(name: str, other: str, group: Sequence[Benchmark] = benchmarks) -> Interval | None:
            pairs = [pair for b in group if (pair := _pair(b, name, other))]
            return (_ITSELF if name == other else mean_ratio(pairs)) if pairs else None

        rows = [_row(name, benchmarks, base, ratio(name, base), run.settings.margin) for name in _names(benchmarks)]
        front = _front({r.target: _error(r.worst) for r in rows if r.level and not r.wrong}, ratio, run.settings.margin)
        found += [replace(row, pareto=row.target in front) for row in rows]
    return tuple(found)


def undecided(run: Run) -> tuple[str, ...]:
    """The titles of the benchmarks on which a ratio to the base is UNDECIDED."""
    return _open(run, 1.0)


def unsettled(run: Run) -> tuple[str, ...]:
    """The titles of those that more launches should settle: UNDECIDED by intervals that are STRICT times as wide.

    Who looks again after every launch, and stops at the first verdict, is wrong more often than an interval says. At a
    ratio of just 1 + margin, where SLOWER and SAME are wrong in 2.5 % of cases each, looks after 3, 4 ... 9 launches made
    it 4 to 5 % (3 and 7 benchmarks) and 7 to 9 % (one); with STRICT 2 to 3 % and 2 to 5 % (simulated, 1 and 3 % between
    launches, 3 % between rounds, 15 rounds). The last look is taken at its word, the early ones are strict: Haybittle
    (Br. J. Radiol. 44, 1971) and Peto et al. (Br. J. Cancer 34, 1976).
    """
    return _open(run, STRICT)


def _open(run: Run, times: float) -> tuple[str, ...]:
    base, margin = base_name(run), run.settings.margin
    return tuple(
        b.title for group in _groups(run) for b in group
        if any(s.ratio and verdict(wider(s.ratio, times), margin) is Verdict.UNDECIDED
               for s in standings(b, base, margin, group))
    )  # fmt: skip


def _row(name: str, group: Sequence[Benchmark], base: str, ratio: Interval | None, margin: float) -> Overall:
    entries = [entry for b in group if (entry := b.entry(name))]
    judged = [e.judgement for e in entries if e.judgement]
    return Overall(
        name, group[0].function, group[0].dtype, ratio, verdict(ratio, margin) if ratio else None,
        benchmarks=sum(_pair(b, name, base) is not None for b in group),
        worst=max((j.worst for j in judged if j.worst is not None), key=_error, default=None),
        level=max((j.level for j in judged), key=lambda level: LEVEL_ORDER[Level(level)], default=""),
        wrong=sum(j.wrong for j in judged),
        failed=sum(bool(e.failure) for e in entries),
    )  # fmt: skip


def _front(errors: Mapping[str, float], ratio: Callable[[str, str], Interval | None], margin: float) -> frozenset[str]:
    """The targets (with their worst errors) that no other one knocks out: as fast, as accurate, and better in one.

    Speed is what the verdict says: times that are SAME are equal, and the smaller error knocks the larger one out, not the
    smaller time. Where the verdict is UNDECIDED the estimate is taken: less than that is not known.
    """

    def knocks_out(a: str, b: str) -> bool:
        if a == b or errors[a] > errors[b] or (between := ratio(a, b)) is None:
            return False
        told = verdict(between, margin)
        same = told is Verdict.SAME or between.value == 1
        faster = told is Verdict.FASTER or (told is Verdict.UNDECIDED and between.value < 1)
        return faster or (same and errors[a] < errors[b])

    return frozenset(b for b in errors if not any(knocks_out(a, b) for a in errors))


def _pair(benchmark: Benchmark, name: str, base: str) -> tuple[Entry, Entry] | None:
    """The two, where both are ranked."""
    entry, other = benchmark.entry(name), benchmark.entry(base)
    return (entry, other) if entry and other and entry.ranked and other.ranked else None


def _error(worst: float | None) -> float:
    """An error that is not known, or that is no number, is no smaller than any other."""
    return math.inf if worst is None or math.isnan(worst) else worst


def _groups(run: Run) -> Iterable[list[Benchmark]]:
    """The benchmarks of each function and dtype."""
    groups: dict[tuple[str, str], list[Benchmark]] = {}
    for benchmark in run.benchmarks:
        groups.setdefault((benchmark.function, benchmark.dtype), []).append(benchmark)
    return groups.values()


def _names(group: Sequence[Benchmark]) -> Iterable[str]:
    """The targets of any of the benchmarks, in the order in which they appear."""
    return dict.fromkeys(e.name for b in group for e in b.targets)
