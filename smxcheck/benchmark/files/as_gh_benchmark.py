"""A run for github-action-benchmark, tool ``customSmallerIsBetter``: an array of {name, unit, value, range, extra}.

``value`` is the median of one call in nanoseconds, ``range`` half of its interval of 95 %, ``extra`` the throughput and what
the values earned. Names are those of the pyperf files. Wrong targets are left out: the action would track and rank them.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

from smxcheck.benchmark.compare.statistics import Interval, time_ratio
from smxcheck.benchmark.files.as_pyperf import compared, name
from smxcheck.benchmark.results import Benchmark, Entry, Run, rounded
from smxcheck.benchmark.show import words
from smxcheck.benchmark.show.figures import accuracy, figure

UNIT = "ns"


def render(run: Run) -> str:
    """The array, one target and benchmark a line; empty where no target is right."""
    points = ",\n".join(json.dumps(_point(run, b, e), allow_nan=False) for b, e in compared(run))
    return f"[\n{points}\n]\n" if points else "[]\n"


def _point(run: Run, benchmark: Benchmark, entry: Entry) -> dict[str, Any]:
    half = half_interval(run, benchmark, entry)
    judged = entry.judgement
    error = f", worst error {accuracy(judged.worst, judged.level)}" if judged else ""
    return {
        "name": name(benchmark, entry.name),
        "unit": UNIT,
        "value": rounded(entry.median * 1e9),
        **({"range": f"± {_three_digits(half * 1e9)}"} if math.isfinite(half) else {}),
        "extra": f"{figure(words.gigabytes(benchmark, entry))} GB/s{error}",
    }


def _three_digits(value: float) -> str:
    """``57700``: never with an exponent below 10^12, never with commas, so that programs can read it too."""
    return f"{float(f'{value:.3g}'):.12g}"


def half_interval(run: Run, benchmark: Benchmark, entry: Entry) -> float:
    """Half of the interval of 95 % of the time itself, in seconds; infinite where a single time tells nothing.

    The time is a ratio to a clock that takes a second in each round, so that rounds and launches count as in every ratio.
    """
    others = [e for b in run.benchmarks if b.title != benchmark.title and (e := b.entry(entry.name)) and e.timed]
    found: Interval = time_ratio(entry, _clock(entry), [(e, _clock(e)) for e in others])
    return (found.high - found.low) / 2


def _clock(entry: Entry) -> Entry:
    return replace(entry, launches=tuple(replace(one, seconds=(1.0,) * len(one.seconds)) for one in entry.launches))
