"""What a function costs in a dtype against the limit: geometric means over the shapes, the same shapes for all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from smxcheck.benchmark.results import Benchmark, Entry
from smxcheck.benchmark.show.figures import bytes_text, figure, rate_text
from smxcheck.benchmark.show.words import Group, gigabytes, nanoseconds, times_copy, yardsticks


@dataclass(frozen=True)
class MeanCost:
    """Of a target or yardstick: ns for an element, GB/s, multiples of the copy, and the largest peak memory in bytes.

    None is what is not known of some shape. ``wrong``: on one of the shapes at least.
    """

    name: str
    nanoseconds: float | None
    gigabytes: float | None
    copies: float | None
    peak_bytes: int | None
    wrong: bool

    @property
    def elements(self) -> float | None:
        """Each second."""
        return 1e9 / self.nanoseconds if self.nanoseconds else None


def shared(group: Group) -> list[Benchmark]:
    """The shapes on which every target was timed that was timed at all: means over others would not compare."""
    names = {e.name for b in group.benchmarks for e in b.targets if e.timed}
    return [b for b in group.benchmarks if names and names <= {e.name for e in b.targets if e.timed}]


def mean_costs(group: Group) -> list[MeanCost]:
    """Targets in the order of the run, then the yardsticks; nothing where no shape has all."""
    benchmarks = shared(group)
    if not benchmarks:
        return []
    targets = dict.fromkeys(e.name for b in benchmarks for e in b.targets if e.timed)
    beside = [e.name for e in yardsticks(benchmarks[0]) if all(e.name in {y.name for y in yardsticks(b)} for b in benchmarks)]
    return [_mean_cost(name, benchmarks) for name in (*targets, *beside)]


def means_title(group: Group) -> str:
    """``cost, geometric mean over 6 of 7 shapes, those that all were timed on``."""
    count, total = len(shared(group)), len(group.benchmarks)
    over = f"{count} of {total} shapes, those that all were timed on" if count < total else f"the {total} shapes"
    return f"cost, geometric mean over {over}"


def means_texts(group: Group) -> list[str]:
    """``torch: cost, geometric mean over the 7 shapes: 0.9 ns per element; …``, for each."""
    return [f"{cost.name}: {means_title(group)}: {'; '.join(_figures(cost))}" for cost in mean_costs(group)]


def _figures(cost: MeanCost) -> Iterator[str]:
    if cost.nanoseconds is not None and cost.elements is not None:
        yield f"{figure(cost.nanoseconds)} ns per element"
        yield f"{rate_text(cost.elements)} elements/s"
    if cost.gigabytes is not None:
        yield f"{figure(cost.gigabytes)} GB/s"
    if cost.copies is not None:
        yield f"{figure(cost.copies)} × copy"
    if cost.peak_bytes is not None:
        yield f"calls take {bytes_text(cost.peak_bytes)} beyond their arguments at most"
    if cost.wrong:
        yield "WRONG on one of the shapes at least"


def _mean_cost(name: str, benchmarks: Iterable[Benchmark]) -> MeanCost:
    timed: list[tuple[Benchmark, Entry]] = [(b, e) for b in benchmarks if (e := b.entry(name))]
    peaks = [e.peak_bytes for _, e in timed if e.peak_bytes is not None]
    return MeanCost(
        name,
        _geometric(nanoseconds(b, e) for b, e in timed),
        _geometric(gigabytes(b, e) for b, e in timed),
        _geometric(times_copy(b, e) for b, e in timed),
        max(peaks) if len(peaks) == len(timed) else None,
        any(e.judgement is not None and e.judgement.wrong for _, e in timed),
    )


def _geometric(values: Iterable[float | None]) -> float | None:
    """None where a value is missing, or too small for the clock."""
    logs = [math.log(v) if v and math.isfinite(v) else math.nan for v in values]
    mean = math.fsum(logs) / len(logs)
    return None if math.isnan(mean) else math.exp(mean)
