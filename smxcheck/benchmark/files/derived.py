"""What follows from the times of an entry, as numbers for programs: one table of figures for every kind of file.

Times are those of one call. With m the median of all rounds of all launches, e the elements of the first argument, and b
the bytes formula of the benchmark (every argument read once, the result written once):

- ``ns_per_element`` = 1e9 m / e, ``elements_per_second`` = e / m, ``gb_per_second`` = b / m / 1e9;
- ``times_copy`` = m over the median of a copy of the same bytes, the floor of one read and one write;
- ``ratio`` is the time over that of the base, with its interval of 95 %: above 1 is slower than the base.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from smxcheck.benchmark.compare.ranking import Standing, base_name, standings
from smxcheck.benchmark.results import EMPTY, YARDSTICKS, Benchmark, Entry, Run, rounded
from smxcheck.benchmark.show import words
from smxcheck.benchmark.show.figures import quartiles


@dataclass(frozen=True)
class Figures:
    """None is what there is not: all of it where nothing was timed, ratio and verdict where nothing is compared."""

    status: str
    median_seconds: float | None = None
    first_quartile_seconds: float | None = None
    third_quartile_seconds: float | None = None
    first_call_seconds: float | None = None
    ns_per_element: float | None = None
    elements_per_second: float | None = None
    gb_per_second: float | None = None
    times_copy: float | None = None
    peak_bytes: int | None = None
    cpus: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    verdict: str | None = None
    pareto: bool = False


#: In the order of every file.
COLUMNS = tuple(field.name for field in fields(Figures))


def table(run: Run) -> Iterator[tuple[Benchmark, dict[str, Figures]]]:
    """Each benchmark with the figures of its entries by name, yardsticks too; ratios are to `ranking.base_name`.

    A run that is not complete is not compared: it is written again after every benchmark, and comparing takes longer than
    writing.
    """
    base = base_name(run)
    for benchmark in run.benchmarks:
        alike = [b for b in run.benchmarks if (b.function, b.dtype) == (benchmark.function, benchmark.dtype)]
        compared = standings(benchmark, base, run.settings.margin, alike) if run.complete else ()
        found = {s.entry.name: s for s in compared}
        yield benchmark, {e.name: figures(benchmark, e, found.get(e.name)) for e in benchmark.entries}


def figures(benchmark: Benchmark, entry: Entry, standing: Standing | None = None) -> Figures:
    """Of one entry; to six digits, which is more than a clock tells. Without ``standing`` nothing is compared."""
    if not entry.timed:
        return Figures(status(entry))
    first, third = quartiles(entry.seconds)
    told: dict[str, float | None] = {
        "median_seconds": entry.median,
        "first_quartile_seconds": first,
        "third_quartile_seconds": third,
        "first_call_seconds": entry.first_call,
        "cpus": words.cpus(entry),
    }
    if entry.name != EMPTY:  # which has no elements
        told |= {
            "ns_per_element": words.nanoseconds(benchmark, entry),
            "elements_per_second": benchmark.shape.elements / entry.median,
            "gb_per_second": words.gigabytes(benchmark, entry),
            "times_copy": words.times_copy(benchmark, entry),
        }
    compared: dict[str, Any] = {}
    if standing is not None and standing.ratio is not None:
        ratio = standing.ratio
        told |= {"ratio": ratio.value, "ratio_low": ratio.low, "ratio_high": ratio.high}
        compared = {"verdict": str(standing.verdict) if standing.verdict else None}
    numbers: Mapping[str, Any] = {k: None if v is None else rounded(v) for k, v in told.items()}
    pareto = standing is not None and standing.pareto
    return Figures(status(entry), **numbers, **compared, peak_bytes=entry.peak_bytes, pareto=pareto)


def status(entry: Entry) -> str:
    """``right``, ``wrong`` (timed, never ranked), ``failed``, ``not-timed`` yet, or ``yardstick``."""
    if entry.name in YARDSTICKS:
        return "yardstick"
    if entry.failure:
        return "failed"
    if entry.judgement is not None and entry.judgement.wrong:
        return "wrong"
    return "right" if entry.ranked else "not-timed"
