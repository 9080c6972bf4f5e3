"""One unit of a run: one function, all its dtypes, every target that offers it. Units are independent."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smxcheck.caseset import describe_call
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.identities import identity_of, missing, put
from smxcheck.identities.model import Identity
from smxcheck.judge import behaves, problems
from smxcheck.judge.agreement import Sample
from smxcheck.judge.call import Demand, Question, Violation, ask, judge_call
from smxcheck.judge.checks import conduct, determinism
from smxcheck.judge.checks.outcome import RAISES
from smxcheck.judge.codes import code_of
from smxcheck.judge.contract import Filter, classes
from smxcheck.judge.result import Broken, Problem, Result, Seen, Status
from smxcheck.oracle import recheck, tally
from smxcheck.run import shard
from smxcheck.run.applicable import Lacking, Unoffered, keywords_in_force
from smxcheck.run.settle import GROUP, explained, properties, settled, wrong_ones
from smxcheck.targets.protocol import Call, Observation, Session

#: After so many calls in a row, or in all, that died or hung, the rest of a function and dtype is not run.
_IN_A_ROW, _IN_ALL = 3, 10
_DEAD = ("crashed", "hung", "exited", "out-of-memory")
STOPPED = "stopped at the first problem (-x)"
#: Calls made twice: the first of each function and dtype, and the largest below this many elements.
_LARGEST_REPEATED = 20_000


@dataclass(frozen=True)
class UnitResult:
    """What a unit found, ready to be merged with others in any order."""

    results: tuple[Result, ...]
    problems: tuple[Problem, ...]
    not_tested: Mapping[str, tuple[Lacking | Unoffered, ...]]  # by target
    oracle: Mapping[str, int] = field(default_factory=dict)  # elements by the tier that answered
    rechecked: Mapping[str, recheck.Checked] = field(default_factory=dict)  # by case
    seen: tuple[Seen, ...] = ()  # of a part of a run: what it hands on


@dataclass
class _Track:
    """One target on its way through a unit."""

    session: Session
    demand: Demand
    results: list[Result] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    classes: dict[str, frozenset[str]] = field(default_factory=dict)
    violations: dict[tuple[str, str], list[tuple[Violation, str, str]]] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)
    not_tested: dict[Lacking | Unoffered, None] = field(default_factory=dict)
    dead_in_a_row: dict[str, int] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.session.info.name

    def given_up(self, dtype: str) -> bool:
        return self.dead_in_a_row.get(dtype, 0) >= _IN_A_ROW or self.dead.get(dtype, 0) >= _IN_ALL

    def count(self, dtype: str, seen: Observation) -> None:
        self.calls[dtype] = self.calls.get(dtype, 0) + 1
        died = seen.outcome in _DEAD
        self.dead_in_a_row[dtype] = self.dead_in_a_row.get(dtype, 0) + 1 if died else 0
        self.dead[dtype] = self.dead.get(dtype, 0) + died


@dataclass(frozen=True)
class Limits:
    """What can end a unit early, or before it begins (``stop`` says why), and the filter of --only."""

    stop: str = ""
    deadline: float | None = None
    stop_first: bool = False
    only: Filter = field(default_factory=Filter)
    again: str = ""
    in_first_dtype: frozenset[str] = frozenset()
    first_dtype: str = ""
    rechecked: frozenset[str] = frozenset()  # ids of the cases whose enclosures are held against Arb
    seed: int = 0
    of_part: bool = False

    def leaves_out(self, target: str, case: Case) -> bool:
        return target in self.in_first_dtype and case.dtype != self.first_dtype


def run_unit(
    function: str, cases: list[Case], sessions: list[Session], demand: Demand, limits: Limits,
    step: Callable[[str], None], declared: Mapping[str, str] | None = None,
    question_of: Callable[..., Question] = ask,
) -> UnitResult:  # fmt: skip
    """Put every case to every target that offers the function.

    ``declared`` maps "target/function" to a level that replaces the demanded one for that target. ``question_of`` says what
    is right, as ``ask`` does.
    """
    tracks = [
        _Track(s, demand.at((declared or {}).get(f"{s.info.name}/{function}")))
        for s in sessions
        if function in s.info.offers
    ]
    repeated = _repeated(cases)
    rechecked: dict[str, recheck.Checked] = {}
    tally.take()  # whatever was asked before this unit
    stop = limits.stop
    for case in cases:
        if not stop and limits.deadline is not None and time.monotonic() > limits.deadline:
            stop = "the time limit was reached"
        question = _put(case, tracks, limits, case.id in repeated, stop, step, question_of)
        if question is not None and case.id in limits.rechecked:
            asked = question.arguments, question.keywords, question.expected
            rechecked[case.id] = recheck.check(function, *asked, f"{limits.seed} {case.id}")
        if limits.stop_first and not stop and any(_is_bad(t.results) for t in tracks):
            stop = STOPPED
    return replace(_settle(function, tracks, limits), oracle=tally.take(), rechecked=rechecked)


def _is_bad(results: list[Result]) -> bool:
    return bool(results) and results[-1].status in problems.BAD


def _repeated(cases: list[Case]) -> set[str]:
    """Ids of the cases that are called twice: for each dtype the first and the largest of moderate size."""
    chosen: dict[str, Case] = {}
    for case in cases:
        if case.layout == "contiguous" and case.elements <= _LARGEST_REPEATED:
            best = chosen.get(case.dtype)
            if best is None or case.elements > best.elements:
                chosen[case.dtype] = case
    return {c.id for c in chosen.values()}


def _put(
    case: Case, tracks: list[_Track], limits: Limits, twice: bool, stop: str,
    step: Callable[[str], None], question_of: Callable[..., Question],
) -> Question | None:  # fmt: skip
    """One case to all targets; what is right is worked out once for equal keywords. The first question, if any."""
    arguments: tuple[Any, ...] | None = None
    questions: dict[str, Question] = {}
    identity = identity_of(case)
    for track in tracks:
        step(f"{track.name} {case.function} {case.dtype}")
        if limits.leaves_out(track.name, case):
            continue
        if stop or track.given_up(case.dtype):
            message = stop or "not run: too many calls before it died or hung"
            track.results.append(_not_run(track.name, case, message))
            continue
        force = keywords_in_force(case, track.session.info.offers[case.function])
        if isinstance(force, Lacking):
            track.not_tested[force] = None
            continue
        if arguments is None:
            arguments = tuple(case.build().values())
        if identity is not None:
            _identity(track, case, identity, arguments, limits)
            continue
        key = repr(sorted((k, str(v)) for k, v in force.items()))
        if key not in questions:
            questions[key] = question_of(case, arguments, force, describe_call(case))
        _one(track, case, questions[key], limits, twice)
    return next(iter(questions.values()), None)


def _not_run(target: str, case: Case, message: str) -> Result:
    return Result(target, case.function, case.dtype, case.id, case.group, code_of(case.check), Status.NOT_RUN,
                  message=message)  # fmt: skip


def _one(track: _Track, case: Case, question: Question, limits: Limits, twice: bool) -> None:
    call = Call(case.function, question.arguments, _passed(case, track), case.layout)
    seen = track.session.call(call)
    track.count(case.dtype, seen)
    track.cases[case.id] = case
    track.classes[case.id] = classes(case, question.arguments)
    judged = judge_call(track.name, question, seen, track.demand)
    results = judged.results
    if seen.outcome == "raised" and limits.only.excludes(case, question.arguments[0]):
        results = tuple(replace(r, status=Status.DECLINED) for r in results)
    track.results.extend(results)
    found = list(judged.violations)
    if twice and seen.outcome == "returned" and _repeats(case, track):
        second = track.session.call(call)
        if second.outcome == "returned" and (text := determinism.complaint(seen.value, second.value)):
            found.append(Violation(determinism.CODE, text))
    for violation in found:
        track.violations.setdefault((case.dtype, violation.code), []).append((violation, case.id, question.text))
    answered = judged.values is not None or seen.outcome == "raised"
    if answered and case.elements <= behaves.MOST_ELEMENTS:
        track.samples[case.id] = Sample(question, judged.values, track.demand.require)


def _identity(
    track: _Track, case: Case, identity: Identity, arguments: tuple[Any, ...], limits: Limits
) -> None:  # fmt: skip
    """A case that is put through an identity: no exact answer is asked for, so there is no sample to liken."""
    offers = track.session.info.offers
    if lacking := missing(identity, offers):
        needs = tuple(f"{name} at its defaults" if name in offers else name for name in lacking)
        track.not_tested[Unoffered(case.function, case.check, needs)] = None
        return
    text = describe_call(case)
    done = put(identity, case, arguments, _passed(case, track), track.session, text)
    for seen in done.seen:
        track.count(case.dtype, seen)
        for code, message in conduct.complaints(seen):
            track.violations.setdefault((case.dtype, code), []).append((Violation(code, message), case.id, text))
    track.cases[case.id] = case
    track.classes[case.id] = classes(case, arguments)
    result = done.result
    if result.check == RAISES and limits.only.excludes(case, arguments[0]):
        result = replace(result, status=Status.DECLINED)
    track.results.append(result)


def _repeats(case: Case, track: _Track) -> bool:
    """Whether the same call must give the same bits: not where draws cannot be given a seed."""
    return "seed" not in FUNCTIONS[case.function].keywords or "seed" in track.session.info.offers[case.function].keywords


def _passed(case: Case, track: _Track) -> Mapping[str, Any]:
    """The keywords of the case that the callable takes; the binding adds the catalog's defaults."""
    offered = track.session.info.offers[case.function].keywords
    return {k: v for k, v in case.keywords.items() if k in offered}


def _settle(function: str, tracks: list[_Track], limits: Limits) -> UnitResult:
    results: list[Result] = []
    found: list[Problem] = []
    handed: list[Seen] = []
    for track in tracks:
        mine = settled(track.results, track.classes, track.demand)
        first = _first(track)
        broken = {key: _shortest(*key, calls) for key, calls in track.violations.items()}
        if limits.of_part:
            handed.append(shard.seen(track.name, function, track.results, mine, track.cases, track.classes, track.calls,
                                     first, broken, track.samples))  # fmt: skip
        mine += properties(track.name, function, mine, first, track.calls, broken, track.demand)
        results += mine
        found += _problems(function, track, mine, limits)
    return UnitResult(tuple(results), tuple(found), {t.name: tuple(t.not_tested) for t in tracks}, seen=tuple(handed))


def _first(track: _Track) -> dict[str, str]:
    """The first case of each dtype that was called."""
    first: dict[str, str] = {}
    for case in track.cases.values():
        first.setdefault(case.dtype, case.id)
    return first


def _shortest(dtype: str, code: str, calls: list[tuple[Violation, str, str]]) -> Broken:
    """A property that calls of one dtype broke, by the shortest of them."""
    violation, case, text = min(calls, key=lambda call: len(call[2]))
    return Broken(dtype, code, len(calls), 0, violation.message, case, text)


def _passing(track: _Track, bad: set[str]) -> list[Sample]:
    """Samples of right results. A refusal is one where only a refusal is right."""
    return behaves.spread([
        s for case, s in track.samples.items()
        if case not in bad and (s.values is not None or s.question.expected.must_raise)
    ])  # fmt: skip


def _problems(function: str, track: _Track, results: list[Result], limits: Limits) -> list[Problem]:
    wrong = wrong_ones(results, track.cases)
    if not wrong:
        return []
    looked = [w for w in wrong if w.result.case in track.samples and w.result.group != GROUP][: behaves.MOST_WRONG]
    samples = [track.samples[w.result.case] for w in looked]
    passing = _passing(track, {w.result.case for w in wrong})
    found = explained(behaves.likenesses(function, samples, passing), looked, wrong)
    return problems.group(track.name, function, wrong, found, problems.mostly_wrong(results), limits.again)
