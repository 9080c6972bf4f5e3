"""What a run found, in words: the same for the screen and for every file that people read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smxcheck.benchmark.compare.ranking import Overall, Standing, base_name, overall, standings
from smxcheck.benchmark.compare.statistics import Interval
from smxcheck.benchmark.results import COPY, EMPTY, EXP, Benchmark, Entry, Judgement, Run
from smxcheck.benchmark.show.figures import (
    accuracy,
    bytes_text,
    figure,
    interval,
    percent,
    quartiles,
    range_text,
    rate_text,
    seconds_text,
)
from smxcheck.report.escape import cleaned
from smxcheck.report.numbers import listed, plural, rounded_down

#: What the signs in the tables mean.
FRONT, LEAST, WRONG_MARK = "*", "<", "!"
FRONT_MEANS = "no other right one is as fast and as accurate, and better in one of the two"
BYTES_MOVED = "every argument read once, the result written once"
BYTES_FORMULA = f"bytes moved: {BYTES_MOVED}"
PEAK_MEANS = "peak memory: the most that a call took beyond its arguments"
NOT_RANKED = "WRONG: not ranked"
NOT_COMPARED = "not compared: there is no base that is right and timed"
#: A first call is told where it is this many times the median and takes more than so many seconds.
_FIRST_CALL, _FIRST_SECONDS = 10.0, 0.02
#: Processors beyond those asked for, before it is told: the garbage collector and timers of a library use some.
_CPUS_BEYOND = 0.25
#: What the judge says of the worst element, and how it shows an element of a large array.
_ERROR = re.compile(r"error (\S+) ulp, (\S+) ulp allowed")
_ELEMENT = re.compile(r"(.+) (at \[[\d, ]+\])")


@dataclass(frozen=True)
class Group:
    """The benchmarks of one function in one dtype, and what they come to."""

    function: str
    dtype: str
    benchmarks: tuple[Benchmark, ...]
    overall: tuple[Overall, ...]

    @property
    def title(self) -> str:
        return f"{self.function} {self.dtype}"


@dataclass(frozen=True)
class Findings:
    """A run and what follows from it, worked out once. ``base`` is "" where nothing is right that could be one."""

    run: Run
    base: str
    groups: tuple[Group, ...]
    standings: Mapping[str, tuple[Standing, ...]]  # by the benchmark's title


def findings(run: Run) -> Findings:
    """Everything that tables and sentences are made of; what targets supplied is harmless text from here on."""
    run = cleaned(run)
    base, together = base_name(run), overall(run)
    groups = []
    for function, dtype in dict.fromkeys((b.function, b.dtype) for b in run.benchmarks):
        benchmarks = tuple(b for b in run.benchmarks if (b.function, b.dtype) == (function, dtype))
        own = tuple(o for o in together if (o.function, o.dtype) == (function, dtype))
        groups.append(Group(function, dtype, benchmarks, own))
    margin = run.settings.margin
    found = {b.title: standings(b, base, margin, g.benchmarks) for g in groups for b in g.benchmarks}
    return Findings(run, base, tuple(groups), found)


def speed(ratio: Interval) -> Interval:
    """How many times as fast: the inverse of the ratio of the times."""
    return Interval(1 / ratio.value, 1 / ratio.high, 1 / ratio.low if ratio.low else math.inf)


def nanoseconds(benchmark: Benchmark, entry: Entry) -> float:
    """For one element, in the median."""
    return entry.median / benchmark.shape.elements * 1e9


def gigabytes(benchmark: Benchmark, entry: Entry) -> float:
    """GB/s: the bytes formula over the median."""
    return benchmark.moved / entry.median / 1e9 if entry.median else math.inf


def times_copy(benchmark: Benchmark, entry: Entry) -> float | None:
    """The multiple of the time that reading and writing the same bytes once takes."""
    copy = benchmark.entry(COPY)
    return entry.median / copy.median if copy and copy.timed and copy.median else None


def cpus(entry: Entry) -> float:
    """Processors at work, in the launch that used most."""
    return max((launch.cpus for launch in entry.launches), default=0.0)


def compiles(entry: Entry) -> bool:
    """Whether the first call took so much longer than the others that it was another kind of work."""
    return entry.timed and entry.first_call > max(_FIRST_SECONDS, _FIRST_CALL * entry.median)


def beyond(run: Run, entry: Entry) -> bool:
    """Whether more processors were at work than ``--threads`` asks for."""
    return entry.timed and cpus(entry) > run.settings.threads + _CPUS_BEYOND


def head(found: Findings) -> list[str]:
    """Machine and versions; what ratios are to, how often was timed, what counts as the same."""
    run = found.run
    known: Mapping[str, Any] = run.machine
    cpu = [
        str(known.get("cpu", "")),
        plural(int(known["cpus"]), "CPU") if isinstance(known.get("cpus"), int) else "",
        f"NumPy uses {known['numpy_simd']}" if known.get("numpy_simd") else "",
        f"governor {known['governor']}" if known.get("governor") else "",
    ]
    versions = {name: known[name] for name in ("python", "numpy") if name in known}
    for target in run.targets:
        versions |= {name: version for name, version in target.versions.items() if name != "smxcheck"}  # it comes first
    machine = (
        f"smxcheck {known.get('smxcheck', '')}".rstrip(),
        ", ".join(filter(None, cpu)),
        plural(run.settings.threads, "thread"),
    )
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return [" | ".join(filter(None, machine)), *filter(None, [told]), " | ".join(filter(None, _method(found)))]


def _method(found: Findings) -> Iterator[str]:
    run = found.run
    yield f"ratios are to {found.base}" if found.base else "no ratios: no target is right that could be the base"
    timed = [e for b in run.benchmarks for e in b.entries if e.timed]
    launches = [len(e.launches) for e in timed]
    rounds = [len(launch.seconds) for e in timed for launch in e.launches]
    if rounds:
        yield f"{_span(launches)} {'launch' if max(launches) == 1 else 'launches'} × {_span(rounds)} rounds"
    yield f"differences below {percent(run.settings.margin)} count as the same"


def _span(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}–{high}"


def wrong_text(judgement: Judgement) -> str:
    """``at [0, 0] got nan, right 0.5: a row has a nan``: what was found in place of what."""
    got, right = judgement.got, judgement.right
    shown = (_ELEMENT.fullmatch(got), _ELEMENT.fullmatch(right))
    place = ""
    if shown[0] and shown[1] and shown[0][2] == shown[1][2]:  # said once
        got, right, place = shown[0][1], shown[1][1], f"{shown[0][2]} "
    what = ", ".join(filter(None, (f"got {got}" if got else "", f"right {right}" if right else "")))
    message = error_text(judgement.message, judgement.worst, judgement.allowed)
    return ": ".join(filter(None, (place + what, message))) or "its values are wrong"


def error_text(message: str, worst: float | None = None, allowed: float | None = None) -> str:
    """``error 3,260 ulp, 2,200 allowed``: the judge's words, with figures as they stand in the tables.

    They are those of the text where ``worst`` and ``allowed`` are not at hand.
    """

    def figures(found: re.Match[str]) -> str:
        values = [_number(text) if value is None else value for text, value in zip(found.groups(), (worst, allowed), strict=True)]
        if any(value is None for value in values):
            return found[0]
        error, most = (rounded_down(value) for value in values if value is not None)
        return f"error {error} ulp, {most} allowed"

    return _ERROR.sub(figures, message)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def not_timed(entry: Entry) -> str:
    return entry.failure or "no launch has come to it yet"


def standing_figures(found: Findings, benchmark: Benchmark, standing: Standing) -> list[str]:
    """Every figure of a target on a benchmark, one text each; what is wrong or why there is none comes first."""
    entry, judgement = standing.entry, standing.entry.judgement
    told = []
    if judgement and judgement.wrong:
        told.append(f"{NOT_RANKED}: {wrong_text(judgement)}")
    if not entry.timed:
        return [*told, f"not timed: {not_timed(entry)}"]
    if entry.name == found.base and entry.ranked:
        told.append("the base of the ratios")
    elif standing.ratio is not None:
        told.append(f"{interval(speed(standing.ratio))} times as fast as {found.base}, {standing.verdict}")
    elif not (judgement and judgement.wrong):
        told.append(NOT_COMPARED)
    told += entry_figures(benchmark, entry)
    if judgement:
        told.append(f"worst error {accuracy(judgement.worst, '' if judgement.wrong else judgement.level)}")
    told += [FRONT_MEANS] if standing.pareto else []
    told += [f"calls take {bytes_text(entry.peak_bytes)} beyond their arguments"] if entry.peak_bytes is not None else []
    return [*told, f"first call {seconds_text(entry.first_call)}, {figure(cpus(entry))} CPUs at work"]


def entry_figures(benchmark: Benchmark, entry: Entry) -> list[str]:
    """What any entry has, a yardstick too: time, and time by element and by byte, of which the empty call has none."""
    time = f"{seconds_text(entry.median)} (quartiles {range_text(*quartiles(entry.seconds))})"
    if entry.name == EMPTY:
        return [time]
    copies = times_copy(benchmark, entry)
    each = benchmark.shape.elements / entry.median if entry.median else math.inf
    return [
        time,
        f"{figure(nanoseconds(benchmark, entry))} ns per element",
        f"{rate_text(each)} elements/s",
        f"{figure(gigabytes(benchmark, entry))} GB/s",
        *([f"{figure(copies)} × copy"] if copies is not None and entry.name != COPY else []),
    ]


def overall_trouble(group: Group, of: Overall) -> str:
    """Why a target is not ranked: ``WRONG on 1 of 7``, ``WRONG: not ranked`` where it is right nowhere; "" where it is."""
    if of.wrong:
        return f"WRONG on {of.wrong} of {len(group.benchmarks)}" if of.ratio is not None else NOT_RANKED
    if not any(e.timed for b in group.benchmarks if (e := b.entry(of.target))):
        return "not timed"
    return NOT_COMPARED if of.ratio is None else ""


def overall_text(found: Findings, group: Group, of: Overall) -> str:
    """``2.41 (2.35–2.48) times as fast as scipy in the mean of 7 shapes, FASTER``."""
    error = f"; worst error {accuracy(of.worst, '' if of.wrong else of.level)}" if of.level else ""
    trouble = overall_trouble(group, of)
    if of.ratio is None:
        return trouble + error
    mean = f" in the mean of {plural(of.benchmarks, 'shape')}" if len(group.benchmarks) > 1 else ""
    ratio = f"{interval(speed(of.ratio))} times as fast as {found.base}{mean}"
    told = "the base of the ratios" if of.target == found.base else ratio
    if trouble:
        return f"{trouble} shapes: not ranked; {told}{' on which it is right' if of.target != found.base else ''}{error}"
    told += f", {of.verdict}" if of.target != found.base else ""
    return told + error + (f"; {FRONT_MEANS}" if of.pareto else "")


def partial_means(found: Findings, group: Group) -> list[str]:
    """``jax and torch: mean of 6 of 7 shapes, where each and scipy are right and timed``, for those that lack shapes."""
    total = len(group.benchmarks)
    lacking: dict[int, list[str]] = {}
    for of in group.overall:
        if of.ratio is not None and of.benchmarks < total and of.target != found.base:
            lacking.setdefault(of.benchmarks, []).append(of.target)
    return [
        f"{listed(names)}: mean of {count} of {total} shapes, where {'each' if len(names) > 1 else 'it'} and {found.base} are"
        " right and timed"
        for count, names in lacking.items()
    ]


def yardsticks(benchmark: Benchmark) -> list[Entry]:
    """Those that were timed beside it, and that a table shows: not the empty call."""
    return [e for name in (COPY, EXP) if (e := benchmark.entry(name)) and e.timed]
