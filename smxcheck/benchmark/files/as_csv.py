"""A run as CSV: one line per benchmark and target or yardstick, wrong and failed ones too, with every figure."""

from __future__ import annotations

import csv
import io
from typing import Any

from smxcheck.benchmark.compare.ranking import base_name
from smxcheck.benchmark.files import derived
from smxcheck.benchmark.results import Benchmark, Entry, Run
from smxcheck.report.as_csv import cell
from smxcheck.report.escape import one_line

_BENCHMARK = ("function", "dtype", "shape", "axis", "layout", "elements", "bytes_moved")
_ENTRY = ("target", "called", "launches", "rounds", "worst_ulp", "allowed_ulp", "level", "message", "got", "right", "failure")
COLUMNS = (*_BENCHMARK, *_ENTRY, *derived.COLUMNS, "relative_to")


def render(run: Run) -> str:
    """The table (RFC 4180 quoting, lines end in a newline). Times are in seconds, ``pareto`` is 1 or 0.

    A cell that a spreadsheet would calculate has an apostrophe in front. ``status`` says who is not ranked.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    base = base_name(run)
    for benchmark, figures in derived.table(run):
        for entry in benchmark.entries:
            own = figures[entry.name]
            last = [getattr(own, name) for name in derived.COLUMNS]
            relative_to = base if own.ratio is not None else ""
            row = [*_of_benchmark(benchmark), *_of_entry(entry), *last, relative_to]
            writer.writerow([cell(_text(value)) for value in row])
    return stream.getvalue()


def _of_benchmark(benchmark: Benchmark) -> list[Any]:
    shape = benchmark.shape
    lengths = "x".join(map(str, shape.shape))
    return [benchmark.function, benchmark.dtype, lengths, shape.axis, shape.layout, shape.elements, benchmark.moved]


def _of_entry(entry: Entry) -> list[Any]:
    judged = entry.judgement
    told = [judged.worst, judged.allowed, judged.level, judged.message, judged.got, judged.right] if judged else [None] * 6
    return [entry.name, entry.spelled, len(entry.launches), len(entry.seconds), *told, entry.failure]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return one_line(value) if isinstance(value, str) else str(int(value) if isinstance(value, bool) else value)
