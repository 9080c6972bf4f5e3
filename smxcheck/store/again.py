"""A call put to an open session once more, and judged by the judge: how it fails, if it does."""

from __future__ import annotations

from dataclasses import dataclass

from smxcheck.caseset import describe_call
from smxcheck.caseset.model import Case
from smxcheck.judge.call import Demand, ask, judge_call
from smxcheck.judge.contract import Filter
from smxcheck.judge.problems import BAD
from smxcheck.judge.result import Result, Status
from smxcheck.judge.words import NOT_FINITE, NOT_INFINITE, NOT_NAN
from smxcheck.oracle import Kind
from smxcheck.run.applicable import Lacking, keywords_in_force
from smxcheck.targets.protocol import Call, Observation, Session

#: How a message begins that tells of values; every other one of these is an error beyond its bound.
_KINDS = (NOT_FINITE, NOT_INFINITE, NOT_NAN, "level", "an error of")


@dataclass(frozen=True)
class Failure:
    """A result that is bad, and why: the check's code, and within it the kind of wrong value, or the exception's type."""

    result: Result
    kind: str
    refusal: bool  # only an error would be right
    answered: bool  # some element has a right answer

    @property
    def reason(self) -> tuple[str, Status, str, bool, bool]:
        """What must stay the same while an input shrinks: how it fails, and what kind of question it is."""
        return self.result.check, self.result.status, self.kind, self.refusal, self.answered


@dataclass(frozen=True)
class Outcome:
    """What one call did, and its failures; ``seen`` is None where the callable lacks a keyword of the case."""

    seen: Observation | None
    failures: tuple[Failure, ...] = ()

    def failure(self, check: str) -> Failure | None:
        """That of the check, else the first."""
        return next((f for f in self.failures if f.result.check == check), next(iter(self.failures), None))


def put(session: Session, case: Case, demand: Demand, only: Filter) -> Outcome:
    """Put one case. An exception where ``only`` promises nothing is no failure."""
    offer = session.info.offers[case.function]
    force = keywords_in_force(case, offer)
    if isinstance(force, Lacking):
        return Outcome(None)
    arguments = tuple(case.build().values())
    question = ask(case, arguments, force, describe_call(case))
    passed = {k: v for k, v in case.keywords.items() if k in offer.keywords}
    seen = session.call(Call(case.function, arguments, passed, case.layout))
    if seen.outcome == "raised" and only.excludes(case, arguments[0]):
        return Outcome(seen)
    bad = [r for r in judge_call(session.info.name, question, seen, demand).results if r.status in BAD]
    refusal, answered = bool(question.expected.must_raise), bool((question.expected.kind != Kind.FREE).any())
    failures = (Failure(r, _kind(r, seen), refusal, answered) for r in bad if r.check not in demand.allow)
    return Outcome(seen, tuple(failures))


def _kind(result: Result, seen: Observation) -> str:
    if seen.outcome != "returned":
        return f"{seen.outcome} {seen.error_type}"
    return next((kind for kind in _KINDS if result.message.startswith(kind)), "error")
