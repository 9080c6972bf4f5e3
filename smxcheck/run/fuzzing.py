"""``--fuzz``: after the fixed cases drawn ones, the seconds split over targets, functions and dtypes.

What fails is run once more as an ordinary case, so that it becomes an ordinary result and an ordinary problem.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from smxcheck.caseset.model import Case
from smxcheck.judge.call import Demand
from smxcheck.judge.codes import CHECKS
from smxcheck.judge.problems import BAD, Wrong, group
from smxcheck.judge.result import Broken, Fuzzed, Result, Status
from smxcheck.run import shard
from smxcheck.run.options import RunOptions
from smxcheck.run.pool import limits_of
from smxcheck.run.progress import Progress, Step
from smxcheck.run.settle import properties
from smxcheck.run.unit import STOPPED, Limits, UnitResult, run_unit
from smxcheck.targets.protocol import Session

if TYPE_CHECKING:
    from smxcheck.fuzz.put import Answer
    from smxcheck.fuzz.search import Search

#: A function judged by statistics; also in smxcheck.fuzz.inputs, which imports Hypothesis.
_STATISTICS = "gumbel_max_sample"
#: The time is given out in two rounds, a quarter first: whatever ends the run early, every function has had some.
_ROUNDS = (0.25, 1.0)
#: Shrinking may take this share of the seconds in addition; each failure may use half of what is left of it.
_SHRINKING = 0.25


@dataclass(frozen=True)
class Outcome:
    """Failing cases as units to be merged, the records for the report, and whether the user interrupted."""

    units: tuple[UnitResult, ...] = ()
    cases: tuple[Case, ...] = ()
    fuzzed: tuple[Fuzzed, ...] = ()
    interrupted: bool = False


@dataclass
class _Place:
    """One target, function and dtype."""

    session: Session
    function: str
    dtype: str
    left_out: str = ""
    search: Search | None = None
    units: list[UnitResult] = field(default_factory=list)

    @property
    def where(self) -> str:
        return f"{self.session.info.name} {self.function} {self.dtype}"


def check(options: RunOptions) -> None:
    """Raises ValueError where --fuzz cannot be, before anything runs."""
    if options.fuzz is None:
        return
    if options.own:
        raise ValueError("--fuzz needs a TARGET whose functions get the drawn inputs")
    if importlib.util.find_spec("hypothesis") is None:
        raise ValueError("--fuzz draws its inputs with Hypothesis, which is not installed: pip install 'smxcheck[fuzz]'")


def fuzz(
    options: RunOptions, sessions: Sequence[Session], found: Sequence[UnitResult], deadline: float | None,
    progress: Progress,
) -> Outcome:  # fmt: skip
    """Draw for ``options.fuzz`` seconds at every place whose fixed cases are right."""
    if options.fuzz is None:
        return Outcome()
    places = _places(options, sessions, found, deadline)
    interrupted = False
    try:
        _draw(options, [p for p in places if not p.left_out], deadline, progress)
        for place in places:
            place.units = _rerun(options, place)
    except KeyboardInterrupt:
        interrupted = True
    units = tuple(u for p in places for u in p.units)
    cases = tuple(a.case for p in places if p.search for a in p.search.failures)
    return Outcome(units, cases, tuple(_record(p) for p in places), interrupted)


def _places(
    options: RunOptions, sessions: Sequence[Session], found: Sequence[UnitResult], deadline: float | None
) -> list[_Place]:
    by_place: dict[tuple[str, str, str], list[Result]] = {}
    for r in (r for u in found for r in u.results):
        by_place.setdefault((r.target, r.function, r.dtype), []).append(r)
    named = {s.info.name: s for s in sessions if s.info.name != options.beside or s.info.name in options.targets}
    stopped = options.stop_first and any(r.status in BAD for mine in by_place.values() for r in mine)
    late = deadline is not None and time.monotonic() > deadline
    places = []
    for (target, function, dtype), results in by_place.items():
        if target in named:
            reason = _reason(function, results, stopped, late)
            places.append(_Place(named[target], function, dtype, reason))
    return places


def _reason(function: str, results: Sequence[Result], stopped: bool, late: bool) -> str:
    """Why nothing is drawn here, "" where something is."""
    statuses = {r.status for r in results if r.group != "properties"}
    if any(r.status in BAD for r in results):
        return "fails fixed cases"
    if function == _STATISTICS:
        return "judged by statistics, not by an error that could be allowed"
    if statuses <= {Status.DECLINED}:
        return "declines the fixed cases"
    if stopped:
        return STOPPED
    return "the time limit was reached" if late or Status.NOT_RUN in statuses else ""


def _draw(options: RunOptions, places: Sequence[_Place], deadline: float | None, progress: Progress) -> None:
    """Give out the time: in each round what is left of it, evenly over what is left to do. Ends early under -x."""
    from smxcheck.fuzz.put import Put
    from smxcheck.fuzz.search import Search, quietly

    assert options.fuzz is not None
    limits = limits_of(options, None)
    for place in places:
        demand = options.demand.at(options.declared.get(f"{place.session.info.name}/{place.function}"))
        put = Put(place.session, place.function, place.dtype, demand, limits.only)
        place.search = Search(put, _drawn_with(options))
    searches = [(p, p.search) for p in places if p.search is not None]
    spent, pool = 0.0, _SHRINKING * options.fuzz  # seconds of shrinking
    with quietly():
        began = time.monotonic()
        for share in _ROUNDS:
            for k, (place, search) in enumerate(searches):
                if search.done:
                    continue
                progress.step(Step(0, f"{place.where}, drawn inputs"))
                left = sum(not s.done for _, s in searches[k:])
                end = began + share * options.fuzz + spent
                now = time.monotonic()
                until, grace = now + max(end - now, 0.0) / left, (pool - spent) / 2
                if deadline is not None:
                    until = min(until, deadline)
                    grace = min(grace, deadline - until)
                before = len(search.failures)
                search.run(until, max(grace, 0.0))
                if len(search.failures) > before:
                    spent += max(time.monotonic() - until, 0.0)
                if options.stop_first and search.failures:
                    return


def _drawn_with(options: RunOptions) -> str:
    """What the drawn inputs depend on: the parts of a run draw different ones, or N jobs would do the work of one."""
    part = "" if options.shard is None else " part {} of {}".format(*options.shard)
    return f"{options.seed}{part}"


def _rerun(options: RunOptions, place: _Place) -> list[UnitResult]:
    """The failing cases as a unit of their own. The properties have their results from the fixed cases already: of
    those only the ones that a drawn input broke are new."""
    if place.search is None:
        return []
    units = []
    limits = limits_of(options, None)
    for answer in place.search.failures:
        unit = run_unit(place.function, [answer.case], [place.session], options.demand, limits, lambda where: None, options.declared)
        if not any(r.status in BAD or r.status is Status.UNDECIDED for r in unit.results):
            unit = _as_first_seen(answer, options.demand, limits)
        results = tuple(r for r in unit.results if r.group != "properties" or r.status in BAD)
        units.append(replace(unit, results=results, not_tested={}, oracle={}))
    return units


def _as_first_seen(answer: Answer, demand: Demand, limits: Limits) -> UnitResult:
    """A failure that did not come again is still one: the target answers one call in two ways."""
    again = "right when called again"
    results = tuple(replace(r, message=f"{r.message}; {again}") if r.status in BAD else r for r in answer.results)
    first, case = results[0], answer.case
    where = first.target, first.function
    broken: dict[tuple[str, str], Broken] = {}
    if answer.failure is not None and answer.failure[1] == "property":
        code = answer.failure[0]
        broken[case.dtype, code] = Broken(case.dtype, code, 1, 0, f"{CHECKS[code].title} once; {again}", case.id, answer.text)
    once = {case.dtype: case.id}, {case.dtype: 1}
    of_target = properties(*where, results, *once, broken, demand)
    wrong = [Wrong(r, case) for r in (*results, *of_target) if r.status in BAD]
    seen = shard.seen(*where, results, results, {case.id: case}, {}, once[1], once[0], broken, {})
    problems = group(*where, wrong, [], False, limits.again)
    return UnitResult((*results, *of_target), tuple(problems), {}, seen=(seen,) if limits.of_part else ())


def _record(place: _Place) -> Fuzzed:
    search, name = place.search, place.session.info.name
    if search is None:
        return Fuzzed(name, place.function, place.dtype, 0, left_out=place.left_out or "interrupted")
    found = tuple(a.case.id for a in search.failures)
    failed = [a.ratio for a in search.failures if a.ratio is not None]
    ratio, worst = search.worst_ratio, search.worst
    for answer in search.failures:
        if answer.ratio is not None and answer.ratio == max(failed) and (ratio is None or answer.ratio > ratio):
            ratio, worst = answer.ratio, answer.text
    left_out = "no time was left" if not search.inputs and not search.exhausted else ""
    return Fuzzed(name, place.function, place.dtype, search.inputs, ratio, worst, found, search.seconds, left_out)
