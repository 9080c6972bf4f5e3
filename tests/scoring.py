"""Wrong and right implementations put through a real run, many in one, so that every question is asked once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.call import Demand
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Level, Problem, Report, Result, Status
from smxcheck.run.execute import run_with
from smxcheck.run.options import RunOptions
from smxcheck.targets.load import in_process
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Session


def _x_axis(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=-1: call(x, axis=axis)


def _p_q_axis(call: Callable[..., Any]) -> Callable[..., Any]:
    return lambda p, q, axis=-1: call(p, q, axis=axis)


def _loss(call: Callable[..., Any]) -> Callable[..., Any]:
    def target(logits, labels, axis=-1, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"):
        return call(
            logits, labels, axis=axis, weight=weight, ignore_index=ignore_index, label_smoothing=label_smoothing,
            reduction=reduction,
        )  # fmt: skip

    return target


def _given_loss(call: Callable[..., Any]) -> Callable[..., Any]:
    def target(logits, labels, axis=-1, weight=None, ignore_index=-100, reduction="mean"):
        return call(logits, labels, axis=axis, weight=weight, ignore_index=ignore_index, reduction=reduction)

    return target


_BY_CONTRACT: dict[tuple[int, tuple[str, ...]], Callable[..., Callable[..., Any]]] = {
    (1, ("axis",)): _x_axis,
    (2, ("axis",)): _p_q_axis,
    (1, ()): lambda call: lambda x: call(x),
    (2, ()): lambda call: lambda x, y: call(x, y),
    (2, FUNCTIONS["cross_entropy"].keywords): _loss,
    (2, FUNCTIONS["nll_loss"].keywords): _given_loss,
}


def session(function: str, name: str, call: Callable[..., Any], arrays: str = "") -> Session:
    """A callable as a session. Without ``arrays`` it takes NumPy arrays and every keyword of the catalog; with it, its
    own signature says what it takes."""
    if arrays:
        return in_process(call, function, name, WorkerOptions(arrays=arrays, isolate=False))
    entry = FUNCTIONS[function]
    target = _BY_CONTRACT[len(entry.arguments), entry.keywords](call)
    return in_process(target, function, name, WorkerOptions(arrays="numpy", isolate=False))


def run(
    sessions: Sequence[Session], function: str, dtypes: tuple[str, ...], require: Level = Level.STANDARD, **options: Any
) -> Report:
    """All sessions over the quick cases of one function."""
    names = tuple(s.info.name for s in sessions)
    demand = Demand(require=require, expectations=options.pop("expectations", {}))
    return run_with(
        sessions, RunOptions(targets=names, functions=(function,), dtypes=dtypes, demand=demand, **options)
    )


class Found:
    """What a run found about each of its targets."""

    def __init__(self, report: Report) -> None:
        self.report = report

    @functools.cached_property
    def results(self) -> dict[str, list[Result]]:
        by_target: dict[str, list[Result]] = {t.name: [] for t in self.report.targets}
        for r in self.report.results:
            by_target[r.target].append(r)
        return by_target

    def bad(self, target: str) -> list[Result]:
        """What makes the exit code 1."""
        return [r for r in self.results[target] if r.status in BAD]

    def codes(self, target: str) -> set[str]:
        return {r.check for r in self.bad(target)}

    def undecided(self, target: str) -> list[str]:
        return [r.case for r in self.results[target] if r.status is Status.UNDECIDED]

    def problems(self, target: str) -> list[Problem]:
        return [p for p in self.report.problems if p.target == target]


def named(problem: Problem) -> str:
    """The formula that a problem names, "" without one."""
    return problem.behaves_as.rpartition(", in ")[0]
