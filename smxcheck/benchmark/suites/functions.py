"""The suite ``functions``: the shipped NumPy functions against SciPy and PyTorch, one thread each."""

from __future__ import annotations

from collections.abc import Sequence

from smxcheck.benchmark.suites import contenders
from smxcheck.benchmark.suites.correctness import judged
from smxcheck.benchmark.suites.goals import least_goal, mean_goal
from smxcheck.benchmark.suites.model import Comparison, Goal, Outcome, Progress, Settings
from smxcheck.benchmark.suites.ranking import compared, means, overhead, spread
from smxcheck.benchmark.suites.timer import Plan, measure
from smxcheck.benchmark.suites.workloads import Workload, workloads

#: Seconds of rounds for one workload: with checks and calibration two thirds of what the suite may take.
_PLAN, _QUICK_PLAN = Plan(seconds=7.0), Plan(seconds=0.35, most_rounds=14)

#: Times SciPy's speed in geometric mean, and on every workload.
FAST_MEAN, FAST_LEAST, ACCURATE_MEAN = 2.0, 1.0, 0.5


def run(settings: Settings, progress: Progress, chosen: Sequence[Workload] = ()) -> Outcome:
    """Every function, dtype and workload; ``chosen`` replaces the workloads that the settings name."""
    todo = [
        (function, dtype, workload)
        for function in settings.functions for dtype in settings.dtypes
        for workload in chosen or workloads(quick=settings.quick, ladder=settings.ladder)
    ]  # fmt: skip
    plan = _QUICK_PLAN if settings.quick else _PLAN
    found = []
    for done, (function, dtype, workload) in enumerate(todo):
        progress(done, len(todo), f"{function} {dtype} {workload.name}")
        found.append(compare(function, dtype, workload, settings.threads, plan))
    notes = [f"{name} is left out, since it is not installed: {contenders.LIBRARIES[name]}"
             for name in contenders.missing()]  # fmt: skip
    if settings.quick:
        notes.append(
            "--quick: the arrays are a quarter as large, and more of them stays in caches than goals have in mind"
        )
    if settings.threads > 1:
        notes += [f"{f} has no threads" for f in settings.functions if not contenders.takes_threads(f)]
    goals = [goal for f in settings.functions for goal in _goals(f, [c for c in found if c.function == f])]
    return Outcome(
        "functions",
        tuple(found),
        means(found),
        tuple(goals),
        {**overhead(found), **spread(found)},
        tuple(notes),
    )


def compare(function: str, dtype: str, workload: Workload, threads: int, plan: Plan) -> Comparison:
    """All contenders on one workload: judged, then timed, beside the copy and the bare exp."""
    x = workload.array(dtype)
    found = contenders.implementations(function, x, workload.axis, threads)
    accuracies = judged(function, x, workload.axis, found)
    timings = measure((*found, *contenders.yardsticks(x)), plan)
    return compared(
        function, dtype, workload.name, workload.n, timings, accuracies, tuple(contenders.LIBRARIES)
    )


def _goals(function: str, found: Sequence[Comparison]) -> tuple[Goal, ...]:
    def text(algorithm: str, wanted: str) -> str:
        return f"{function}, {algorithm}: {wanted}"

    rival = contenders.SCIPY
    return (
        mean_goal(text("fast", f"≥ {FAST_MEAN:g} × SciPy in geometric mean"), found, "fast", rival, FAST_MEAN),
        least_goal(text("fast", "nowhere slower than SciPy"), found, "fast", rival, FAST_LEAST),
        mean_goal(text("accurate", f"≥ {ACCURATE_MEAN:g} × SciPy in geometric mean"), found, "accurate", rival,
                  ACCURATE_MEAN),
    )  # fmt: skip
