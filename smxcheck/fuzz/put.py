"""One drawn call put to a target and judged: how near it came to what is allowed, and whether it failed, and in which way."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smxcheck.caseset import describe_call
from smxcheck.caseset.found import found_case
from smxcheck.caseset.model import Case
from smxcheck.fuzz.inputs import Drawn
from smxcheck.judge.call import Demand, Judged, Question, ask, judge_call
from smxcheck.judge.contract import Filter, classes, settle_refusals
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Result, Status
from smxcheck.run.applicable import Lacking, keywords_in_force
from smxcheck.targets.protocol import Call, Observation, Offer, Session

_DEAD = ("crashed", "hung", "exited", "out-of-memory")
WHY = "drawn by --fuzz"


@dataclass(frozen=True)
class Answer:
    """What came of one call. ``ratio`` is the error over what is allowed, of the worst element; ``failure`` the check and
    the kind of answer that failed, None where nothing did."""

    case: Case
    text: str
    results: tuple[Result, ...]
    ratio: float | None
    failure: tuple[str, str] | None
    dead: bool
    hung: bool

    @property
    def size(self) -> tuple[int, bool, int, int]:
        """The simpler of two calls has the less: elements, plain layout, keywords, length as text."""
        return (self.case.elements, self.case.layout != "contiguous", len(self.case.keywords), len(self.text))


@dataclass(frozen=True)
class Put:
    """Puts calls of one function in one dtype to one target."""

    session: Session
    function: str
    dtype: str
    demand: Demand
    only: Filter

    @property
    def _offer(self) -> Offer:
        return self.session.info.offers[self.function]

    @property
    def offered(self) -> tuple[str, ...]:
        """The keywords that the target takes, in an order that draws can rely on."""
        return tuple(sorted(self._offer.keywords))

    def __call__(self, drawn: Drawn) -> Answer | None:
        """None where the call cannot be put: the target lacks a keyword for it, or declines it."""
        case = found_case(self.function, self.dtype, drawn.arguments, drawn.keywords, drawn.layout, WHY)
        force = keywords_in_force(case, self._offer)
        if isinstance(force, Lacking):
            return None
        question = ask(case, tuple(case.build().values()), force, describe_call(case))
        passed = {k: v for k, v in case.keywords.items() if k in self._offer.keywords}
        seen = self.session.call(Call(self.function, question.arguments, passed, case.layout))
        judged = judge_call(self.session.info.name, question, seen, self.demand)
        results = tuple(self._settled(judged, question, seen))
        if all(r.status is Status.DECLINED for r in results):
            return None
        failure = self._failure(results, judged, seen)
        return Answer(case, question.text, results, _ratio(results[0]), failure, seen.outcome in _DEAD, seen.outcome == "hung")

    def _settled(self, judged: Judged, question: Question, seen: Observation) -> list[Result]:
        """Refusals as the contract has them, and what --allow names."""
        case = question.case
        results = settle_refusals(list(judged.results), {case.id: classes(case, question.arguments)})
        if seen.outcome == "raised" and self.only.excludes(case, question.arguments[0]):
            results = [replace(r, status=Status.DECLINED) for r in results]
        return [
            replace(r, status=Status.OK) if r.status is Status.WRONG and r.check in self.demand.allow else r for r in results
        ]

    def _failure(self, results: tuple[Result, ...], judged: Judged, seen: Observation) -> tuple[str, str] | None:
        for r in results:
            if r.status in BAD or r.status is Status.UNDECIDED:
                return r.check, _kind(r, judged, seen)
        broken = [v.code for v in judged.violations if v.code not in self.demand.allow]
        return (broken[0], "property") if broken else None


def _ratio(r: Result) -> float | None:
    """Error over what the level `standard` allows; up to 1 ulp is always right."""
    if r.error_ulp is None or r.allowed_ulp is None:
        return None
    return r.error_ulp / max(r.allowed_ulp, 1.0)


def _kind(r: Result, judged: Judged, seen: Observation) -> str:
    """What was returned in the place that is wrong: failures of two kinds are seldom of one cause."""
    if seen.outcome != "returned":
        return seen.error_type or seen.outcome
    if judged.values is None or judged.values.size == 0:
        return "shape"
    value = float(np.asarray(judged.values[r.index]).flat[0])
    if np.isnan(value):
        return "nan"
    return "inf" if np.isinf(value) else "0" if value == 0 else "a number"
