"""What is judged across the cases of one function of a target: in a whole run, and again where parts are put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from smxcheck.caseset.model import Case
from smxcheck.judge import problems
from smxcheck.judge.behaves import Likeness
from smxcheck.judge.call import Demand
from smxcheck.judge.checks import consistency
from smxcheck.judge.choices import CHOICES, sentence
from smxcheck.judge.codes import CHECKS, is_identity
from smxcheck.judge.contract import settle_refusals
from smxcheck.judge.result import Broken, Level, Result, Status

#: Properties that get one result for each target, function and dtype.
PROPERTIES = ("SMX201", "SMX202", "SMX205", "SMX206", "SMX207", "SMX306")
GROUP = "properties"


def settled(results: list[Result], classes: Mapping[str, frozenset[str]], demand: Demand) -> list[Result]:
    """The results as they are once all are seen: refusals by class, choices that must be one, what is allowed."""
    mine = settle_refusals(results, dict(classes))
    mine = consistency.settle(mine, demand.expectations)
    return [_allowed(r, demand) for r in mine]


def _allowed(r: Result, demand: Demand) -> Result:
    """What --allow names is not wrong, and says so."""
    if r.status is Status.WRONG and r.check in demand.allow:
        return replace(r, status=Status.OK, message=f"allowed: {r.message}")
    return r


def properties(
    target: str, function: str, results: Sequence[Result], first: Mapping[str, str], calls: Mapping[str, int],
    broken: Mapping[tuple[str, str], Broken], demand: Demand,
) -> list[Result]:  # fmt: skip
    """One result per property and dtype: right unless a call broke it. Where every call was declined nothing was seen.

    ``first`` is the first case that was called in a dtype, ``broken`` what was broken by dtype and code.
    """
    out = []
    for dtype, number in calls.items():
        declined = all(r.status is Status.DECLINED for r in results if r.dtype == dtype)
        for code in PROPERTIES:
            found = broken.get((dtype, code))
            if dtype not in first or (declined and not found):
                continue
            if found is None:
                out.append(Result(target, function, dtype, first[dtype], GROUP, code, Status.OK, Level.ULP1))
            else:
                out.append(_broken(target, function, found, number, demand))
    return out


def _broken(target: str, function: str, found: Broken, calls: int, demand: Demand) -> Result:
    times = "" if found.count == 1 else f" (so in {found.count:,} of {calls:,} calls)"
    message = f"{found.message}{times}"
    status = Status.OK if found.code in demand.allow else Status.WRONG
    if status is Status.OK:
        message = f"allowed: {message}"
    return Result(target, function, found.dtype, found.case, GROUP, found.code, status, None, message=message,
                  input=found.input, got=found.message, right=CHECKS[found.code].page.split(". ")[0])  # fmt: skip


def choices_of(results: Sequence[Result]) -> dict[str, str]:
    """What a target answers where there is no single right answer, by question."""
    answers: dict[str, Counter[str]] = {}
    for (_, name), counts in consistency.observed(results).items():
        answers.setdefault(name, Counter()).update(counts)
    return {CHOICES[name].question: sentence(name, counts) for name, counts in answers.items()}


def wrong_ones(results: Sequence[Result], cases: Mapping[str, Case]) -> list[problems.Wrong]:
    """The bad results, the simplest input first."""
    wrong = [problems.Wrong(r, cases[r.case], i) for i, r in enumerate(results) if r.status in problems.BAD]
    return sorted(wrong, key=problems.size_order)


def explained(
    likenesses: Iterable[Likeness], looked: Sequence[problems.Wrong], wrong: Sequence[problems.Wrong]
) -> list[problems.Explained]:
    """The mistakes with the cases that they explain; ``looked`` are the wrong results that they were compared with.

    What breaks an identity is a value that is wrong: where a mistake explains wrong values, it is the cause.
    """
    broken = frozenset(w.result.case for w in wrong if is_identity(w.result.check))
    return [
        problems.Explained(
            likeness.mistake,
            likeness.wider,
            frozenset(looked[i].result.case for i in likeness.agreed),
            frozenset(looked[i].result.case for i in likeness.akin) | broken,
            len(looked),
        )
        for likeness in likenesses
    ]
