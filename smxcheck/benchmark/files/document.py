"""A run of ``bench`` as JSON, ``smxcheck-bench/1`` (``schema.json`` beside this file), and back, exactly.

Every time of every round is in it. What follows from the times stands beside them for other programs, under ``figures``
(`smxcheck.benchmark.files.derived`) and ``overall``, and is not read back. Each benchmark is a line. Infinities and nan are
strings, as in `smxcheck.report.as_json`. A lone surrogate in a name is written as its escape: JSON has none (RFC 8259, 8.2).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from smxcheck.benchmark.compare.ranking import base_name, overall
from smxcheck.benchmark.files import derived
from smxcheck.benchmark.results import Benchmark, Entry, Judgement, Launch, Run
from smxcheck.benchmark.shapes import LAYOUTS, Shape
from smxcheck.judge.result import Level
from smxcheck.report.as_json import plain
from smxcheck.report.decode import decoded, number
from smxcheck.report.read import parsed, read_text

SCHEMA = "smxcheck-bench/1"
#: Thirty years in seconds. Sums of larger times could overflow.
_LONGEST = 1e9
#: Of a launch: far more than are made, and as many as the intervals can be worked out for.
_MOST_ROUNDS = 1000
_REMEDY = "write one with smxcheck bench --save FILE.json"


def render(run: Run) -> str:
    """The whole run as JSON text, one field of the run a line, one benchmark a line."""
    fields = document(run)
    benchmarks = ",\n".join(map(_dumps, fields.pop("benchmarks")))
    lines = [f"{_dumps(key)}: {_dumps(value)}" for key, value in fields.items()]
    return "{\n" + ",\n".join([*lines, f'"benchmarks": [\n{benchmarks}\n]']) + "\n}\n"


def document(run: Run) -> dict[str, Any]:
    """The whole run as JSON values."""
    told: dict[str, Any] = plain(asdict(replace(run, benchmarks=())))
    summary = [asdict(of) for of in overall(run)] if run.complete else []
    benchmarks = [_benchmark(benchmark, figures) for benchmark, figures in derived.table(run)]
    return {"schema": SCHEMA, **told, "base": plain(base_name(run)), "overall": plain(summary), "benchmarks": benchmarks}


def _benchmark(benchmark: Benchmark, figures: Mapping[str, derived.Figures]) -> dict[str, Any]:
    told: dict[str, Any] = plain(asdict(benchmark))
    told["entries"] = [
        {**told_entry, "figures": plain(asdict(figures[entry.name]))}
        for entry, told_entry in zip(benchmark.entries, told["entries"], strict=True)
    ]
    return {"title": plain(benchmark.title), "elements": benchmark.shape.elements, "n": benchmark.shape.n, **told}


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def read(file: Path) -> Run:
    """The run in a file, compressed or not. Raises OSError where it cannot be read, ValueError where it is no run."""
    try:
        return load(read_text(str(file.absolute())))
    except ValueError as error:
        raise ValueError(str(error) if _REMEDY in str(error) else f"{error}; {_REMEDY}") from None


def load(text: str) -> Run:
    """The run that `render` wrote. Raises ValueError, with one line, for anything else.

    Nothing is repaired: a field that is missing, of another type, or a time that no clock tells ends it.
    """
    return rebuilt(parsed(text))


def rebuilt(data: Any) -> Run:
    """The same from JSON values."""
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"not a document of schema {SCHEMA}; {_REMEDY}")
    found = decoded(Run, data, "run")
    run = replace(found, settings=replace(found.settings, fixed=_fixed(found.settings.fixed)))
    if fault := next(_faults(run), ""):
        raise ValueError(f"not a run of schema {SCHEMA}: {fault}")
    return run


def _fixed(fixed: Mapping[str, Any]) -> dict[str, Any]:
    """Values of keywords: a keyword that takes text takes none that names an infinity or nan."""
    return {k: number(v, "") if v in ("inf", "-inf", "nan") else v for k, v in fixed.items()}


def _faults(run: Run) -> Iterator[str]:
    """What the types of the fields do not say."""
    wanted = run.settings
    if not (wanted.launches >= 1 and wanted.threads >= 1 and 0 <= wanted.margin < math.inf and wanted.seconds >= 0):
        yield "settings that no run has"
    if not 0 <= run.seconds < _LONGEST or not all(0 <= t.import_seconds < _LONGEST for t in run.targets):
        yield "a time that is none"
    if run.trust is not None and not all(map(_is_ratio, (run.trust.slowed, *run.trust.spread))):
        yield "trust: a ratio that is none"
    if run.trust is not None and not 0 <= run.trust.threshold < math.inf:
        yield "trust: a threshold that is none"
    yield from _shapes(wanted.shapes)
    yield from _repeated("target", (t.name for t in run.targets))
    yield from _shapes(b.shape for b in run.benchmarks)
    yield from _repeated("benchmark", (b.title for b in run.benchmarks))
    for place, benchmark in enumerate(run.benchmarks):
        yield from (f"benchmarks[{place}]: {fault}" for fault in _of_benchmark(benchmark))


def _of_benchmark(benchmark: Benchmark) -> Iterator[str]:
    yield from ["fewer than no bytes moved"] if benchmark.moved < 0 else []
    yield from _repeated("entry", (e.name for e in benchmark.entries))
    timed = [e for e in benchmark.entries if e.timed]
    if len({_rounds(e) for e in timed}) > 1:
        yield "entries with different numbers of launches or rounds: those of one benchmark take turns"
    for entry in benchmark.entries:
        yield from (fault for launch in entry.launches for fault in _of_launch(launch))
        yield from _of_judgement(entry.judgement) if entry.judgement is not None else ()


def _rounds(entry: Entry) -> tuple[int, ...]:
    return tuple(len(launch.seconds) for launch in entry.launches)


def _of_launch(launch: Launch) -> Iterator[str]:
    if launch.loops < 1 or not 1 <= len(launch.seconds) <= _MOST_ROUNDS:
        yield "a launch without a call, or with more than it could have"
    if not all(0 < seconds < _LONGEST for seconds in launch.seconds):
        yield "a time that is not positive and finite"
    if not (0 <= launch.first_call < _LONGEST and 0 <= launch.cpus < _LONGEST):
        yield "a first call or a number of CPUs that is none"
    if launch.peak_bytes is not None and launch.peak_bytes < 0:
        yield "memory below nothing"


def _of_judgement(judgement: Judgement) -> Iterator[str]:
    if judgement.level not in list(Level):
        yield "a judgement of no level"
    if any(value is not None and value < 0 for value in (judgement.worst, judgement.allowed)):
        yield "an error below zero"


def _shapes(shapes: Iterable[Shape]) -> Iterator[str]:
    for shape in shapes:
        axes = len(shape.shape)
        known = shape.layout in LAYOUTS and -axes <= shape.axis < axes
        if not known or any(length < 1 for length in shape.shape) or math.prod(shape.shape) >= 2**63:
            yield "a shape that there is not"


def _repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    every = list(names)
    yield from [f"a {what} is there twice"] if len(set(every)) < len(every) else []


def _is_ratio(value: float) -> bool:
    return 0 < value < math.inf
