"""Right first: what a target returns on the shape that it is timed on, all elements of it, judged as ``verify`` judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from smxcheck.benchmark.measure.inputs import judged_call
from smxcheck.benchmark.results import Judgement
from smxcheck.benchmark.shapes import Shape
from smxcheck.caseset import describe_call
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.call import Demand, Judged, Question, ask, judge_call
from smxcheck.judge.result import LEVEL_ORDER, Result, Status
from smxcheck.oracle import RELATIVE_BITS
from smxcheck.run.applicable import Lacking, keywords_in_force
from smxcheck.targets.protocol import Call, Observation, Offer, Session, TargetInfo


class Right:
    """What is right for one function, dtype and shape: made once, asked of every target, dropped before the next.

    The input is that of `smxcheck.benchmark.measure.inputs.judged_call`, what is timed with hard rows in it, or ``call``. Raises ValueError,
    one line, where the function is not timed on that shape.
    """

    def __init__(self, function: str, dtype: str, shape: Shape, call: Call | None = None) -> None:
        self._shape, self._dtype = shape, dtype
        self._call = judged_call(function, dtype, shape) if call is None else call
        self._questions: dict[str, Question] = {}

    def judge(self, session: Session) -> Judgement | str:
        """What the target's values earn; a text where there are no values to judge: it then is not timed either.

        A mean over rows hides what is wrong in few of them, so a loss is judged row by row as well, where the target takes
        the keyword.
        """
        offer = session.info.offers.get(self._call.function)
        if offer is None:
            return f"not offered: {self._call.function}"
        whole = self._judged(session, offer, self._call)
        if "reduction" not in offer.keywords or (isinstance(whole, Judgement) and whole.wrong):
            return whole
        each = replace(self._call, keywords={**self._call.keywords, "reduction": "none"})
        rows = self._judged(session, offer, each)
        return rows if isinstance(whole, str) or (isinstance(rows, Judgement) and rows.wrong) else whole

    def _judged(self, session: Session, offer: Offer, call: Call) -> Judgement | str:
        case = self._case(call)
        force = keywords_in_force(case, offer)
        if isinstance(force, Lacking):
            return f"declined: {offer.spelled} takes no {force.keyword}; it is tested at {force.value} alone"
        return self._earned(session.info.name, case, force, session.call(call))

    def of_value(self, info: TargetInfo, value: Any) -> Judgement | str:
        """What a value earns that the target returned for the call elsewhere."""
        case, offer = self._case(self._call), info.offers[self._call.function]
        force = keywords_in_force(case, offer)
        if isinstance(force, Lacking):
            return f"declined: {offer.spelled} takes no {force.keyword}"
        return self._earned(info.name, case, force, Observation("returned", value))

    def _earned(self, name: str, case: Case, force: Mapping[str, Any], seen: Observation) -> Judgement | str:
        if seen.outcome != "returned":
            return _refusal(seen)
        return _judgement(judge_call(name, self._question(case, force), seen, Demand()))

    def _case(self, call: Call) -> Case:
        names, first = FUNCTIONS[call.function].arguments, call.arguments[0]
        check = "sampler" if FUNCTIONS[call.function].shape == "drawn" else "accuracy"
        return Case(
            call.function, "bench", self._shape.title, self._dtype, check, "quick",
            lambda: dict(zip(names, call.arguments, strict=True)), call.keywords, call.layout,
            elements=first.size, shape=first.shape,
        )  # fmt: skip

    def _question(self, case: Case, force: Mapping[str, Any]) -> Question:
        """What is right at the keywords in force, which differ where a target has one fixed at a value of its own."""
        key = repr(sorted((name, str(value)) for name, value in force.items()))
        if key not in self._questions:
            self._questions[key] = ask(case, self._call.arguments, force, describe_call(case), RELATIVE_BITS)
        return self._questions[key]


def _refusal(seen: Observation) -> str:
    """Why there is nothing to judge."""
    if seen.outcome == "not-array":
        return f"not judged: {seen.error or f'returned {seen.returned_type}, not an array'}"
    said = ": ".join(part for part in (seen.error_type, seen.error) if part)
    if seen.outcome == "not-passed" or seen.error_type == "NotImplementedError":
        return f"declined: {seen.error or said}"
    return f"{seen.outcome}: {said}" if said else seen.outcome


def _judgement(judged: Judged) -> Judgement | str:
    """The worst of the results of one call, with the properties that it broke."""
    for result in judged.results:
        if result.status is Status.CANNOT_TELL:
            return f"not judged: what is allowed here would admit {result.cannot_tell} as well"
        if result.status not in (Status.OK, Status.WRONG):
            return f"not judged: {result.message or result.status}"
    worst = max(judged.results, key=_badness)
    if worst.status is Status.WRONG:
        return _of(worst, "wrong", worst.message)
    if judged.violations:
        return _of(worst, "wrong", "; ".join(v.message for v in judged.violations))
    return _of(worst, str(worst.level), "")


def _badness(result: Result) -> tuple[bool, int]:
    return result.status is Status.WRONG, -1 if result.level is None else LEVEL_ORDER[result.level]


def _of(result: Result, level: str, message: str) -> Judgement:
    """With the largest error of any element where all are right, and that of the element shown where one is not.

    What is shown of a right result is the element nearest to its bound, which need not be that of the largest error.
    """
    if result.status is Status.WRONG:
        return Judgement(level, result.error_ulp, result.allowed_ulp, message, result.got, result.right)
    got, right = (result.got, result.right) if level == "wrong" else ("", "")
    return Judgement(level, result.largest_error_ulp, result.largest_allowed_ulp, message, got, right)
