"""A run as a file of pyperf, so that ``python -m pyperf compare_to``, ``check``, ``stats`` and ``hist`` read it.

A benchmark is a target on one of the run's benchmarks, ``softmax float32 4096x1000 [torch]``: the name says all that
decides what was measured, and is the same in every run. A *run* of pyperf is a launch: its values are seconds of one call,
its warm-up is the first call. What pyperf knows no unit for is metadata: ``smx_ns_per_element``, ``smx_gbps``,
``smx_worst_ulp`` and ``smx_level``. Metadata are numbers and lines of text, never empty (https://pyperf.readthedocs.io,
JSON format 1.0).

Every round is in the file. pyperf's own test of significance takes two files with equal numbers of values alone, and says
"ERROR when testing if values are significant" of others, which short time limits give; its ratios stand all the same.

Wrong targets are not in the file: ``compare_to`` would rank them. ``smx_left_out`` names them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from smxcheck.benchmark.files import derived
from smxcheck.benchmark.results import Benchmark, Entry, Launch, Run
from smxcheck.benchmark.shapes import LAYOUTS, Shape
from smxcheck.report.escape import one_line
from smxcheck.version import __version__

_VERSION = "1.0"


def render(run: Run) -> str:
    """The file, one benchmark a line. Raises ValueError where no target is right: pyperf reads no file without a benchmark."""
    ranked = list(compared(run))
    if not ranked:
        raise ValueError("nothing for pyperf: no target was timed and is right")
    head = {"version": _VERSION, "metadata": metadata({**_machine(run), **_left_out(run)})}
    lines = [f"{_dumps(key)}: {_dumps(value)}" for key, value in head.items()]
    benchmarks = ",\n".join(_dumps(_benchmark(benchmark, entry)) for benchmark, entry in ranked)
    return "{\n" + ",\n".join([*lines, f'"benchmarks": [\n{benchmarks}\n]']) + "\n}\n"


def compared(run: Run) -> Iterator[tuple[Benchmark, Entry]]:
    """What other programs may compare: what was timed and is right."""
    return ((b, e) for b in run.benchmarks for e in b.targets if e.ranked)


def name(benchmark: Benchmark, target: str) -> str:
    """``softmax float32 1000x4096 axis=0 [torch]``: unique in a run, and the same in every run that measures it."""
    return one_line(f"{benchmark.function} {benchmark.dtype} {_shape(benchmark.shape)} [{target}]")


def left_out(run: Run) -> list[str]:
    """The names of what was timed and is wrong."""
    return [name(b, e.name) for b in run.benchmarks for e in b.targets if derived.status(e) == "wrong"]


def metadata(fields: Mapping[str, Any]) -> dict[str, str | int | float]:
    """The fields that pyperf takes: lines of text that are not empty, and finite numbers. Truth values become words."""
    told: dict[str, str | int | float] = {}
    for key, value in fields.items():
        if isinstance(value, bool):
            told[key] = "yes" if value else "no"
        elif isinstance(value, float) and not math.isfinite(value):
            told[key] = str(value)  # JSON has no infinity
        elif isinstance(value, int | float):
            told[key] = value
        elif isinstance(value, str) and (text := one_line(value)):
            told[key] = text
    return told


def _machine(run: Run) -> dict[str, Any]:
    """pyperf's own names where it has them."""
    known = {"python": "python_version", "cpu": "cpu_model_name", "cpus": "cpu_count", "governor": "cpu_governor"}
    facts = {known.get(key, f"smx_{key}"): value for key, value in run.machine.items()}
    versions = {f"smx_{package}": v for target in run.targets for package, v in target.versions.items()}
    return {**versions, **facts, "perf_version": f"smxcheck {__version__}", "smx_command": run.command, "smx_date": run.date, "unit": "second"}


def _left_out(run: Run) -> dict[str, str]:
    wrong = left_out(run)
    return {"smx_left_out": f"timed, but wrong: {'; '.join(wrong)}"} if wrong else {}


def _benchmark(benchmark: Benchmark, entry: Entry) -> dict[str, Any]:
    told, judged = derived.figures(benchmark, entry), entry.judgement
    fields = {
        "name": name(benchmark, entry.name),
        "smx_ns_per_element": told.ns_per_element,
        "smx_gbps": told.gb_per_second,
        "smx_times_copy": told.times_copy,
        "smx_peak_bytes": told.peak_bytes,
        "smx_worst_ulp": judged.worst if judged else None,
        "smx_level": judged.level if judged else None,
        "smx_called": entry.spelled,
    }
    return {"metadata": metadata(fields), "runs": list(map(_run, entry.launches))}


def _run(launch: Launch) -> dict[str, Any]:
    """One process. A warm-up is (loops, seconds): pyperf tells apart what one call took."""
    return {
        "metadata": {"loops": launch.loops},
        "warmups": [[1, launch.first_call]],
        "values": list(launch.seconds),
    }


def _shape(shape: Shape) -> str:
    axis = f" axis={shape.axis}" if shape.axis != -1 else ""
    layout = f" {LAYOUTS[shape.layout]}" if shape.layout != "contiguous" else ""
    return "x".join(map(str, shape.shape)) + axis + layout


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
