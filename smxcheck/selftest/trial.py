"""Wrong and right implementations put through a real run, many in one, so that every question is asked once."""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.judge.call import Demand
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Level, Problem, Report, Result, Status
from smxcheck.run.execute import run_with
from smxcheck.run.options import RunOptions
from smxcheck.targets.inprocess import InProcessSession
from smxcheck.targets.load import in_process
from smxcheck.targets.options import WorkerOptions
from smxcheck.targets.protocol import Session, TargetInfo
from smxcheck.targets.resolve import Loaded
from smxcheck.targets.signature import bind


def with_contract(function: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """The callable with the catalog's own signature: its arguments, and every keyword at its default."""
    entry = FUNCTIONS[function]
    parameters = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in entry.arguments]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=KEYWORD_DEFAULTS[name]) for name in entry.keywords
    ]

    def target(*arguments: Any, **keywords: Any) -> Any:
        return call(*arguments, **keywords)

    target.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return target


def session(function: str, name: str, call: Callable[..., Any], arrays: str = "") -> Session:
    """A callable as a session. Without ``arrays`` it takes NumPy arrays and every keyword of the catalog; with it, its
    own signature says what it takes."""
    if arrays:
        return in_process(call, function, name, WorkerOptions(arrays=arrays, isolate=False))
    target = with_contract(function, call)
    return in_process(target, function, name, WorkerOptions(arrays="numpy", isolate=False))


def session_of(calls: Mapping[str, Callable[..., Any]], name: str) -> Session:
    """Several functions of one target, each with the catalog's own signature and NumPy arrays."""
    bindings = {f: bind(f, with_contract(f, call), f"{name}:{f}", "numpy") for f, call in calls.items()}
    info = TargetInfo(name, {}, "numpy", {f: b.offer for f, b in bindings.items()})
    return InProcessSession(Loaded(info, bindings), WorkerOptions(arrays="numpy", isolate=False))


def run(
    sessions: Sequence[Session], function: str, dtypes: tuple[str, ...], require: Level = Level.STANDARD, **options: Any
) -> Report:
    """All sessions over the quick cases of one function, or of all that ``functions`` names.

    ``expectations`` are the choices that are demanded; the other ``options`` are fields of `RunOptions`.
    """
    names = tuple(s.info.name for s in sessions)
    demand = Demand(require=require, expectations=options.pop("expectations", {}))
    functions = options.pop("functions", (function,))
    return run_with(
        sessions, RunOptions(targets=names, functions=functions, dtypes=dtypes, demand=demand, **options)
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

    def codes_by_count(self, target: str) -> tuple[str, ...]:
        """The checks that found something, the one that found most first."""
        counts = Counter(r.check for r in self.bad(target))
        return tuple(sorted(counts, key=lambda code: (-counts[code], code)))

    def undecided(self, target: str) -> list[str]:
        return [r.case for r in self.results[target] if r.status is Status.UNDECIDED]

    def problems(self, target: str) -> list[Problem]:
        return [p for p in self.report.problems if p.target == target]


def named(problem: Problem) -> str:
    """The formula that a problem names, "" without one."""
    return problem.behaves_as.rpartition(", in ")[0]
