"""The gate put to the test on this machine: the same code against itself, and against itself slowed down.

Each repetition measures twice, in processes started anew, and goes through the gate as ``--against`` does, second
measurement included. In the first run nothing has changed: a SLOWER is a false alarm. In the second every call of one
target is held up until it has taken ``SLOWED`` times as long: it must be found, and the other target must not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from smxcheck.benchmark.compare import gate
from smxcheck.benchmark.compare.against import Comparison
from smxcheck.benchmark.measure import execute
from smxcheck.benchmark.measure.execute import Progress, Step
from smxcheck.benchmark.results import Run, Settings, Trust
from smxcheck.benchmark.shapes import NAMED

#: How many times as long the slowed target takes.
SLOWED = 1.2
#: Seconds of rounds in each of the runs.
_SECONDS = 14.0
_SHAPES = ("ten", "hundred")


def put_to_test(of: Run, repetitions: int, threshold: float, progress: Progress) -> Trust:
    """False alarms and slowdowns found in so many repetitions, with two targets of a run.

    Raises TargetError where a target cannot be loaded any more, ValueError for no repetitions, KeyboardInterrupt.
    """
    if repetitions < 1:
        raise ValueError("the gate is put to the test once at least")
    settings = tested(of)
    base = execute.run(settings, _told(progress, 0, repetitions))
    false_alarms, found, spread, comparisons = 0, 0, list[float](), 0
    for done in range(repetitions):
        step = _told(progress, done, repetitions)
        same = _gated(base, settings, threshold, step, {})
        slow = settings.targets[done % len(settings.targets)]
        slowed = _gated(base, settings, threshold, step, {slow: SLOWED})
        false_alarms += bool(same.slower)
        false_alarms += any(change.target != slow for change in slowed.slower)
        found += any(change.target == slow for change in slowed.slower)
        spread += [change.ratio.value for change in same.changes]
        comparisons = len(same.changes)
    return Trust(repetitions, comparisons, false_alarms, found, SLOWED, threshold, tuple(spread), targets=settings.targets,
                 titles=tuple(b.title for b in base.benchmarks))  # fmt: skip


def tested(of: Run) -> Settings:
    """What the gate is tried on: the first benchmark with a right target gives function and dtype, two shapes beside it.

    Of the right targets there, since no other is compared, the two that load fastest. Raises ValueError where none is right.
    """
    first = next((b for b in of.benchmarks if any(e.ranked for e in b.targets)), None)
    if first is None:
        raise ValueError("the gate cannot be put to the test: no target is right")
    right = {e.name for e in first.targets if e.ranked}
    quickest = sorted(of.targets, key=lambda target: target.import_seconds)
    having = [target.name for target in quickest if target.name in right][:2]
    shapes = of.settings.shapes[:2] or tuple(NAMED[name][0] for name in _SHAPES)
    return replace(
        of.settings, targets=tuple(having), functions=(first.function,), dtypes=(first.dtype,), shapes=shapes, ladder=False,
        relative_to="", seconds=_SECONDS,
    )  # fmt: skip


def _gated(base: Run, settings: Settings, threshold: float, progress: Progress, slowed: Mapping[str, float]) -> Comparison:
    judged = _judged(base)
    new = execute.run(settings, progress, before=judged, slowed=slowed)
    return gate.judge(base, new, threshold, lambda titles: execute.run(settings, progress, before=judged, only=titles, slowed=slowed))


def _judged(run: Run) -> Run:
    """The judgements of a run without its times: the same code need not be judged forty times."""
    benchmarks = tuple(replace(b, entries=tuple(replace(e, launches=()) for e in b.entries)) for b in run.benchmarks)
    return replace(run, benchmarks=benchmarks, seconds=0.0, complete=False, notes=())


def _told(progress: Progress, done: int, total: int) -> Callable[[Step], None]:
    return lambda step: progress(Step((done + step.done) / (total + 1), None, f"the gate put to the test: {step.where}"))
