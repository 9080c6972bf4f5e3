"""The verdict on a published statement, made by executing it, and whatever differs from what is on record."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from smxcheck.derivations import exact
from smxcheck.derivations.execute import AGREE, Finding, Outcome, Witness, execute
from smxcheck.derivations.points import Point, at_point, points
from smxcheck.derivations.programs import PROGRAMS
from smxcheck.derivations.run import StepResult
from smxcheck.derivations.statement import (
    ChainCheck,
    Check,
    DefinitionCheck,
    FormulaCheck,
    NumbersCheck,
    ProgramCheck,
    Statement,
    Verdict,
    combined,
)
from smxcheck.formula.evaluate import evaluate
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import Claim, Condition, Relation, free_indices

#: Generic points beside the simple ones, fewer than a derivation's: statements are many, and an error in one shows at once.
GENERIC = 3

_VERDICTS = {Outcome.TRUE: Verdict.TRUE, Outcome.FALSE: Verdict.FALSE, Outcome.UNDECIDED: Verdict.UNDECIDED}


@dataclass(frozen=True)
class FormulaResult:
    """``printed`` is the finding on the relation as printed, ``needed`` on it under the conditions that it needs."""

    relation: Relation
    printed: Finding
    needed: Finding | None
    right: tuple[tuple[Claim, Finding], ...]


@dataclass(frozen=True)
class ChainResult:
    """What the execution of a printed derivation said, step by step."""

    steps: tuple[StepResult, ...]

    @property
    def first_false(self) -> StepResult | None:
        return next((s for s in self.steps if not s.true), None)


@dataclass(frozen=True)
class DefinitionResult:
    """``finding`` has the least agreement of the formula with the reference, or the first point where they differ."""

    finding: Finding


@dataclass(frozen=True)
class NumbersResult:
    """Each printed number with its exact value in one digit more than is printed, and whether it is that value rounded."""

    rows: tuple[tuple[tuple[str, str, bool], ...], ...]


@dataclass(frozen=True)
class ProgramResult:
    """What was observed, by name."""

    facts: Mapping[str, str]


Evidence: TypeAlias = FormulaResult | ChainResult | DefinitionResult | NumbersResult | ProgramResult


@dataclass(frozen=True)
class CheckResult:
    """The verdict on one check, what it rests on, and in sentences what is not as recorded."""

    check: Check
    verdict: Verdict
    evidence: Evidence = field(repr=False)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatementResult:
    """The verdict on a statement; ``problems`` is empty where it and all that it rests on are as recorded."""

    statement: Statement
    verdict: Verdict
    checks: tuple[CheckResult, ...]
    problems: tuple[str, ...]

    @property
    def matches_record(self) -> bool:
        return not self.problems


def judge(statement: Statement) -> StatementResult:
    """Executes every check of a statement."""
    results = tuple(_judged(check, statement.lexicon) for check in statement.checks)
    verdict = combined(statement.kind, (r.verdict for r in results if not r.check.aside))
    problems = [] if verdict is statement.verdict else [f"recorded {statement.verdict}, found {verdict}"]
    several = len(results) > 1
    for number, result in enumerate(results, 1):
        where = f"check {number}: " if several else ""
        problems += [where + text for text in result.problems if where + text not in problems]
    return StatementResult(statement, verdict, results, tuple(problems))


def _judged(check: Check, lexicon: Lexicon) -> CheckResult:
    verdict, evidence, problems = _execute(check, lexicon)
    if verdict is not check.verdict:
        problems = [f"recorded {check.verdict}, found {verdict}", *problems]
    return CheckResult(check, verdict, evidence, tuple(problems))


def _execute(check: Check, lexicon: Lexicon) -> tuple[Verdict, Evidence, list[str]]:
    match check:
        case FormulaCheck():
            return _formula(check, lexicon)
        case ChainCheck():
            return _chain(check, lexicon)
        case DefinitionCheck():
            return _definition(check, lexicon)
        case NumbersCheck():
            return _numbers(check, lexicon)
        case ProgramCheck():
            return _program(check)


# ---- formulas and chains


def _formula(check: FormulaCheck, lexicon: Lexicon) -> tuple[Verdict, FormulaResult, list[str]]:
    def run(claim: Claim, *needs: Condition) -> Finding:
        return _executed(claim.relation, (*claim.conditions, *needs), lexicon, check.points)

    printed = run(check.claim)
    needed = run(check.claim, *check.needs) if check.needs else None
    right = tuple((claim, run(claim)) for claim in check.right)
    verdict = _VERDICTS[printed.outcome]
    if verdict is Verdict.FALSE and needed is not None:
        verdict = Verdict.TRUE_IF if needed.outcome is Outcome.TRUE else _VERDICTS[needed.outcome]
    untrue = [n for n, (_, finding) in enumerate(right, 1) if finding.outcome is not Outcome.TRUE]
    return verdict, FormulaResult(check.claim.relation, printed, needed, right), [f"right formula {n} is not found true" for n in untrue]


def _executed(
    relation: Relation, conditions: Sequence[Condition], lexicon: Lexicon, most: int | None = None
) -> Finding:
    where = points(lexicon, [relation, *conditions], GENERIC, every_variant=False)
    return execute(relation, conditions, lexicon, itertools.islice(where, most))


def _chain(check: ChainCheck, lexicon: Lexicon) -> tuple[Verdict, ChainResult, list[str]]:
    steps: list[StepResult] = []
    for part in check.parts:
        for step, relation, conditions in part.relations():
            steps.append(StepResult(len(steps) + 1, part, step, relation, _executed(relation, conditions, lexicon)))
    result = ChainResult(tuple(steps))
    first = result.first_false
    number = first.number if first else 0
    problems = []
    if number != check.first_false:
        problems = [f"first false step recorded: {check.first_false or 'none'}, found: {number or 'none'}"]
    return _VERDICTS[first.finding.outcome] if first else Verdict.TRUE, result, problems


# ---- definitions


def _definition(check: DefinitionCheck, lexicon: Lexicon) -> tuple[Verdict, DefinitionResult, list[str]]:
    """The formula beside the reference at points whose numbers are floats, which the reference takes as exact."""
    least, decided = AGREE, 0
    for point in _float_points(check, lexicon):
        for indices, mine, right in _entries(check, point, lexicon):
            difference, scale = abs(mine - right), max(abs(mine), abs(right))
            digits = AGREE if difference == 0 else int(-mine.context.log10(difference / scale))
            if digits < AGREE:
                finding = Finding(Outcome.FALSE, digits, decided, 0, Witness(point, indices, mine, right))
                return Verdict.FALSE, DefinitionResult(finding), []
            least = min(least, digits)
        decided += 1
    outcome = Outcome.TRUE if decided else Outcome.UNDECIDED
    return _VERDICTS[outcome], DefinitionResult(Finding(outcome, least, decided)), []


#: What the catalog calls the choices of φ that it has.
_PHI = {"exp(x)": "exp", "log(1 + exp(x))": "softplus"}

#: Logits beyond this are left out: a function of the family may overflow there in its own terms, as a power does.
_LARGEST_LOGIT = 50


def _float_points(check: DefinitionCheck, lexicon: Lexicon) -> Iterator[Point]:
    for point in points(lexicon, [check.formula], GENERIC, every_variant=False):
        given = {name: _as_floats(value) for name, value in point.given.items()}
        if "phi" in check.keywords.values() and point.phi.text not in _PHI:
            continue
        if all(abs(v) <= _LARGEST_LOGIT for value in given.values() for v in (value if isinstance(value, tuple) else (value,))):
            yield Point(point.classes, given, point.phi)


def _as_floats(value: Any) -> Any:
    return tuple(map(_as_floats, value)) if isinstance(value, tuple) else Fraction(float(value))


def _entries(check: DefinitionCheck, point: Point, lexicon: Lexicon) -> Iterator[tuple[Mapping[str, int], Any, Any]]:
    """Indices, the value of the formula and that of the reference, entry by entry."""
    at = point.environment(lexicon, 0)
    arguments = tuple(np.array([float(v) for v in point.given[name]]) for name in check.arguments)  # type: ignore[union-attr]
    label = check.keywords.get("label")
    if label is not None:
        arguments = (*arguments, np.array(label - 1))
    keywords = {k: _keyword(v, point) for k, v in check.keywords.items() if k != "label"}
    right = exact.values(check.function, arguments, keywords)
    letters = free_indices(check.formula)
    for index, value in enumerate(right, 1):
        indices = dict.fromkeys(letters, index)
        yield indices, evaluate(check.formula, at, indices), at.context.mpf(value)


def _keyword(value: Any, point: Point) -> Any:
    """A letter stands for its number at the point, phi for the name of the function there; anything else for itself."""
    if value == "phi":
        return _PHI[point.phi.text]
    if isinstance(value, str) and value in point.given:
        number = point.given[value]
        assert isinstance(number, Fraction)
        return int(number) if number.denominator == 1 and value == "N" else float(number)
    return value


# ---- printed numbers


def _numbers(check: NumbersCheck, lexicon: Lexicon) -> tuple[Verdict, NumbersResult, list[str]]:
    point = at_point(lexicon, [check.formula], check.at)
    at = point.environment(lexicon, 1)
    letters = free_indices(check.formula)
    rows = []
    for r, row in enumerate(check.printed, 1):
        scopes = [dict(zip(letters, (r, c) if len(letters) == 2 else (c,), strict=False)) for c in range(1, len(row) + 1)]
        rows.append(tuple(_printed(text, evaluate(check.formula, at, s), check.places) for text, s in zip(row, scopes, strict=True)))
    right = all(ok for row in rows for _, _, ok in row)
    return (Verdict.TRUE if right else Verdict.FALSE), NumbersResult(tuple(rows)), []


def _printed(text: str, value: Any, places: int | None) -> tuple[str, str, bool]:
    """A printed number, the exact value, and whether they differ by half a unit of the last printed place at most."""
    own = value.context
    unit = own.mpf(10) ** _last_place(text, places)
    digits = max(1, int(own.floor(own.log10(abs(value) / unit))) + 2) if value else 1
    return text, str(own.nstr(value, digits + 1)), bool(abs(value - own.mpf(text)) <= unit / 2)


def _last_place(text: str, places: int | None) -> int:
    """The power of ten of the last place: -2 of 0.71, -13 of -2.40265555e-05."""
    digits, _, exponent = text.partition("e")
    after = len(digits.partition(".")[2])
    return int(exponent) - after if exponent else -(after if places is None else places)


# ---- programs


def _program(check: ProgramCheck) -> tuple[Verdict, ProgramResult, list[str]]:
    facts = PROGRAMS[check.program].run(check.given)
    names = dict.fromkeys([*check.gives, *facts])
    problems = [
        f"{name}: recorded {check.gives.get(name, 'nothing')}, found {facts.get(name, 'nothing')}"
        for name in names
        if check.gives.get(name) != facts.get(name)
    ]
    if not check.expected:
        return Verdict.PROGRAM, ProgramResult(facts), problems
    met = all(facts.get(name) == text for name, text in check.expected.items())
    return (Verdict.TRUE if met else Verdict.FALSE), ProgramResult(facts), problems

