"""What a run keeps of its failures: of every open problem the smallest input, and the smaller one that it shrinks to."""

from __future__ import annotations

import datetime
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from smxcheck.caseset import describe_call
from smxcheck.caseset.model import Case
from smxcheck.judge.call import Demand
from smxcheck.judge.checks.consistency import INCONSISTENT, UNEXPECTED
from smxcheck.judge.checks.sampler import FUNCTION as DRAWN
from smxcheck.judge.codes import is_identity
from smxcheck.judge.contract import Filter, parse_filter
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Kept, Problem, Report, Result, Status
from smxcheck.judge.verdict import open_problems
from smxcheck.run.options import RunOptions
from smxcheck.store import again, files
from smxcheck.store.call import Input, of_case
from smxcheck.store.entry import Entry
from smxcheck.store.shrink import MOST_ELEMENTS, Limits, Shrunk, Spent, shrink
from smxcheck.targets.protocol import Session
from smxcheck.version import CASE_SET_VERSION, JUDGE_VERSION, __version__

#: Seconds for shrinking, of one problem and of a whole run.
_SECONDS, _SECONDS_OF_RUN = 2.0, 10.0
#: Every call that kills the target costs a restart of its process.
_CALLS_THAT_CRASH = 8


def keep(
    report: Report, cases: Sequence[Case], sessions: Sequence[Session], options: RunOptions, deadline: float | None = None
) -> Report:
    """The report with the shrunk inputs in its problems, and what was kept in ``options.store``.

    A run without an open problem only removes what killed runs left half-written there.
    """
    if options.store is None or report.interrupted:
        return report
    store = Path(options.store)
    files.sweep(store)
    found = open_problems(report)
    if not found:
        return report
    ends = time.monotonic() + _SECONDS_OF_RUN
    run = _Run(report, {c.id: c for c in cases}, {s.info.name: s for s in sessions}, options,
               ends if deadline is None else min(ends, deadline), _where(store), _shrunk_earlier(store))  # fmt: skip
    entries: list[Entry] = []
    problems: dict[int, Problem] = {}
    for problem in found:
        of_problem, shown = _of_problem(problem, run)
        entries += of_problem
        problems[id(problem)] = shown
    written, told = files.put(store, entries)
    kept = Kept(files.shown(store), written, tuple(told))
    return replace(report, problems=tuple(problems.get(id(p), p) for p in report.problems), kept=kept)


@dataclass(frozen=True)
class _Run:
    """What all problems of a run share."""

    report: Report
    cases: Mapping[str, Case]
    sessions: Mapping[str, Session]
    options: RunOptions
    ends: float
    where: str
    earlier: Mapping[tuple[str, str], Entry]

    def demand(self, target: str, function: str) -> Demand:
        """What the run demanded of a target; a shipped algorithm declares a level of its own."""
        return self.options.demand.at(self.options.declared.get(f"{target}/{function}"))


def _shrunk_earlier(store: Path) -> dict[tuple[str, str], Entry]:
    """What earlier runs shrank and kept, by target and case."""
    return {(e.target, e.case.id): e for _, e in files.entries(store)[0] if e.shrunk_from}


def _of_problem(problem: Problem, run: _Run) -> tuple[list[Entry], Problem]:
    """The entries of one problem, the shrunk one last, and the problem with it."""
    case, session = run.cases.get(problem.smallest), run.sessions.get(problem.target)
    if case is None or session is None:
        return [], problem
    entry = _entry(problem, case, session, run)
    earlier = run.earlier.get((problem.target, case.id))
    if earlier is not None:  # shrinking its values again could end at another that is no simpler
        return [replace(entry, shrunk_from=earlier.shrunk_from, tried=earlier.tried)], problem
    note = _unshrinkable(problem, case, run)
    if note:
        return [replace(entry, note=note)], problem
    shrunk = _shrink(problem, case, session, entry.demand, parse_filter(run.options.only), run.ends)
    if isinstance(shrunk, str):
        return [replace(entry, note=shrunk)], problem
    result, found = shrunk
    small = found.input.case(f"{problem.smallest}, shrunk in {found.tried} calls")
    tried = replace(entry, tried=found.tried)
    if small.id == case.id or found.input.digest == of_case(case).digest:
        return [replace(tried, note="no smaller input fails so")], problem
    told = replace(tried, case=small, shrunk_from=case.id, check=result.check, message=result.message,
                   input=result.input, got=result.got, right=result.right)  # fmt: skip
    if not _is_smaller(small, case):
        return [tried, told], problem
    repeat = problem.again.removesuffix(f"--case {problem.smallest}") + f"--case {small.id}"
    return [tried, told], replace(problem, shrunk=f"{describe_call(small)}, {small.dtype}", shrunk_again=repeat)


def _is_smaller(small: Case, than: Case) -> bool:
    """Whether a reader has less to read: fewer elements, or as many in a shorter text."""
    if small.elements != than.elements:
        return small.elements < than.elements
    return len(describe_call(small)) < len(describe_call(than))


def _unshrinkable(problem: Problem, case: Case, run: _Run) -> str:
    """Why an input stays as it is, "" where it can be shrunk."""
    result = _result(problem, run.report)
    if result is None or result.group == "properties":
        return "not shrunk: a property of the target, not of one input"
    if is_identity(problem.check) or problem.check in (INCONSISTENT, UNEXPECTED):
        return "not shrunk: its verdict is about several calls"
    if case.function == DRAWN:
        return "not shrunk: its verdict is about how often each class is drawn"
    if result.status is Status.HUNG:
        return "not shrunk: every try would take the time limit of a call"
    if case.elements > MOST_ELEMENTS:
        return f"not shrunk: more than {MOST_ELEMENTS:,} elements"
    if not run.options.worker.get("isolate", True):
        return "not shrunk: the target is called in this process"
    if time.monotonic() > run.ends:
        return "not shrunk: no time was left"
    return ""


def _result(problem: Problem, report: Report) -> Result | None:
    """The result that a problem shows."""
    same = (r for r in report.results if r.case == problem.smallest and r.target == problem.target)
    return next((r for r in same if r.check == problem.check and r.status in BAD), None)


def _shrink(
    problem: Problem, case: Case, session: Session, demand: Demand, only: Filter, ends: float
) -> tuple[Result, Shrunk] | str:
    """The shrunk input with its result, or why there is none."""
    start = of_case(case)
    first = again.put(session, start.case(), demand, only).failure(problem.check)
    if first is None:
        return "not shrunk: the call alone does not fail again"
    last = first.result
    died = last.status is Status.CRASHED

    def fails(candidate: Input) -> bool:
        nonlocal last
        try:
            outcome = again.put(session, candidate.case(), demand, only)
        except (ValueError, ArithmeticError, LookupError):  # no question that the reference answers
            return False
        if outcome.seen is not None and outcome.seen.outcome == "hung":
            raise Spent
        same = next((f for f in outcome.failures if f.reason == first.reason), None)
        if same is None:
            return False
        last = same.result
        return True

    limits = Limits(seconds=min(_SECONDS, ends - time.monotonic()))
    found = shrink(start, fails, replace(limits, calls=_CALLS_THAT_CRASH) if died else limits)
    return last, found


def _entry(problem: Problem, case: Case, session: Session, run: _Run) -> Entry:
    options = run.options
    worker = {k: v for k, v in options.worker.items() if k in ("arrays", "device", "fixed")}
    versions = {
        "smxcheck": __version__, "judge": str(JUDGE_VERSION), "case set": str(CASE_SET_VERSION),
        "python": platform.python_version(), "numpy": np.__version__, **session.info.versions,
    }  # fmt: skip
    return Entry(
        target=problem.target, case=replace(case, keywords=_plain(case.keywords)),
        demand=run.demand(problem.target, problem.function), worker=worker,
        gradients=options.gradients if problem.target in options.targets else (), only=options.only, where=run.where,
        check=problem.check, message=problem.message, input=problem.input, got=problem.got, right=problem.right,
        command=options.command, versions=versions,
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )  # fmt: skip


def _plain(keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords as Python's own values, which JSON gives back as they are; arrays stay arrays."""
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in keywords.items()}


def _where(store: Path) -> str:
    """The current folder, from that which holds the store: the store moves with its project."""
    try:
        return Path(os.path.relpath(Path.cwd(), store.parent)).as_posix()
    except ValueError:  # another drive of Windows
        return "."
