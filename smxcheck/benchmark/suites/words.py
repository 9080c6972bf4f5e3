"""The figures of a benchmark in words, for every way to show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from smxcheck.benchmark.show.figures import LEVELS, figure, interval, seconds_text
from smxcheck.benchmark.suites.model import Accuracy, Comparison, Goal, Mean, Outcome, Speed, Timing
from smxcheck.report.numbers import at_least, in_ulp, plural, seconds
from smxcheck.version import __version__

#: Suite → the rival that its ratios are told by, or "" where each rival's own is told.
TOLD_BY = {"functions": "scipy", "oracle": ""}
OWN = "smxcheck"
#: What stands in the column of ratios.
RATIO_HEADINGS = {"functions": "× SciPy's speed", "oracle": "× the oracle's time"}
#: What a reader needs to know of the columns, on the screen itself.
LEGENDS = {
    "functions": (
        "fast and accurate are smxcheck.functions; × copy: times as long as copying the array; (…–…): interval of 95 %;"
        " worst error: on a sample of rows, and the level that it earns (explain ulp, explain tight)"
    ),
    "oracle": (
        "smxcheck is the oracle that verify judges by; (…–…): interval of 95 %; worst error: relative to the exact value,"
        " of smxcheck and Arb what they prove, of mpmath what was measured"
    ),
}
YARDSTICKS = ("copy", "exp")


def accuracy(found: Accuracy | None) -> str:
    """``≥ 0.5 ulp, tight``, or ``2^-93.1`` where it is relative."""
    if found is None:
        return ""
    level = f", {'WRONG' if found.wrong else found.level}" if found.level else ""
    if found.unit == "ulp":
        return in_ulp(at_least(found.worst)) + level
    exponent = f"2^{math.log2(found.worst):.1f}" if 0 < found.worst < math.inf else figure(found.worst)
    return exponent + level


def overall(comparisons: Iterable[Comparison], name: str) -> Accuracy | None:
    """The largest error of a contender over all comparisons, and the lowest level that it earns in any."""
    found = [t.accuracy for c in comparisons if (t := c.timing(name)) and t.accuracy]
    if not found:
        return None
    lowest = max((a.level for a in found), key=LEVELS.index)
    return Accuracy(max(a.worst for a in found), found[0].unit, lowest)


def told_pair(suite: str, name: str) -> tuple[str, str]:
    """Whose ratio stands beside a contender, the fast one first: the suite's rival over it, or it over the oracle."""
    rival = TOLD_BY[suite]
    return (name, rival) if rival else (OWN, name)


def told_means(outcome: Outcome, function: str, dtype: str) -> list[tuple[str, Mean]]:
    """The geometric means that are told, by the contender beside which they stand."""
    told = []
    for mean in outcome.means:
        name = mean.fast if TOLD_BY[outcome.suite] else mean.slow
        if (mean.function, mean.dtype) == (function, dtype):
            told += [(name, mean)] if told_pair(outcome.suite, name) == (mean.fast, mean.slow) else []
    return told


def times_copy(comparison: Comparison, timing: Timing) -> str:
    """How many times as long as a copy of the same bytes."""
    copy = comparison.timing("copy")
    return figure(timing.nanoseconds / copy.nanoseconds) if copy else ""


def yardsticks(comparison: Comparison) -> str:
    """``copy 0.46 ns, exp 0.71 ns``; empty where neither was timed."""
    told = [f"{name} {figure(t.nanoseconds)} ns" for name in YARDSTICKS if (t := comparison.timing(name))]
    return ", ".join(told)


def goal_verdict(goal: Goal) -> str:
    """``reached``, ``NOT REACHED`` or ``not measured``."""
    return "not measured" if goal.reached is None else "reached" if goal.reached else "NOT REACHED"


def goal_text(goal: Goal) -> str:
    """``softmax, fast: ≥ 2 × SciPy in geometric mean: 2.31 (2.25–2.38), over 14 workloads``."""
    measured = f"{interval(goal.measured)} {goal.unit}".rstrip() if goal.measured else ""
    return f"{goal.text}: " + ", ".join(filter(None, (measured, goal.detail)))


def figures(outcome: Outcome) -> list[str]:
    """The further figures of a suite, one sentence each, and its remarks."""
    found = outcome.figures
    told = [
        f"{name.removeprefix('flatness_')}: an element costs at most {figure(value)} times as much at one length as at another"
        for name, value in found.items() if name.startswith("flatness_")
    ]  # fmt: skip
    if "overhead_share" in found:
        empty, share = seconds_text(found["empty_call_seconds"]), found["overhead_share"]
        told.append(f"timing an empty call takes {empty}, at most {100 * share:.2g} % of any call timed here")
    if "spread_median" in found:
        told.append(
            f"the upper quartile of a contender's times is {found['spread_median']:.2f} times the lower one in the median,"
            f" {found['spread_largest']:.2f} times at most: where that is far from 1, trust the ratios, not the times"
        )
    return [*told, *outcome.notes]


def machine(speed: Speed) -> str:
    """``smxcheck 0.1.0 | AMD EPYC, 2 CPUs, NumPy takes AVX512_SPR | one thread each | numpy 2.4.6, …``."""
    known: Mapping[str, Any] = speed.machine
    names = ("python", "numpy", "scipy", "torch", "mpmath", "python-flint", "gmpy2")
    versions = ", ".join(f"{name} {known[name]}" for name in names if name in known)
    cpu = f"{known['cpu']}, {plural(known['cpus'], 'CPU')}, NumPy takes {known['numpy_simd']}"
    return f"smxcheck {__version__} | {cpu} | one thread each unless said | {versions}"


def took(speed: Speed) -> str:
    """``Measured in 20.1 s: 1 of 3 goals reached.``"""
    goals = [goal for outcome in speed.outcomes for goal in outcome.goals]
    reached = sum(goal.reached is True for goal in goals)
    told = f": {reached} of {plural(len(goals), 'goal')} reached" if goals else ""
    return f"Measured in {seconds(speed.seconds)}{told}."


def command(speed: Speed) -> str:
    """The command that measures the same again."""
    wanted = speed.settings
    typed = [*wanted.suites]
    if "functions" in wanted.suites:
        typed += [f"--function {name}" for name in wanted.functions]
    typed += [f"--dtype {name}" for name in wanted.dtypes]
    typed += [f"--{name}" for name in ("ladder", "quick") if getattr(wanted, name)]
    typed += [f"--threads {wanted.threads}"] if wanted.threads > 1 else []
    return " ".join(["smxcheck bench", *typed])


def reading(speed: Speed) -> str:
    """How a page of figures came about and how it is read, as Markdown."""
    return (
        f"```\n{command(speed)}\n```\n\n"
        "measured this; every time of every round stands in the JSON file of the same run. Contenders take turns in one\n"
        "process, with one thread each unless a number of threads is named; `ns/entry` is the median. A ratio is the median\n"
        "over the rounds of the ratio of the times, with its interval of 95 %: `× SciPy's speed` is SciPy's time over the\n"
        "contender's, above 1 where it is faster than SciPy; `× the oracle's time` is its time over the oracle's, above 1\n"
        "where the oracle is faster. `× copy` is the time over that of copying the same bytes once. Values are judged before anything is timed, on a sample of rows: errors in\n"
        "ulp of the exact value with the level that they earn, or relative errors."
    )
