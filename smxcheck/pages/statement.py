"""The page of a published statement: what a document says, the verdict made now, what it rests on, and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.execute import Finding, Outcome
from smxcheck.derivations.judgement import (
    ChainResult,
    CheckResult,
    DefinitionResult,
    FormulaResult,
    NumbersResult,
    ProgramResult,
    StatementResult,
    judge,
)
from smxcheck.derivations.programs import PROGRAMS
from smxcheck.derivations.run import StepResult
from smxcheck.derivations.statement import (
    ChainCheck,
    DefinitionCheck,
    FormulaCheck,
    NumbersCheck,
    ProgramCheck,
    Statement,
    Verdict,
)
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.prose import prose
from smxcheck.formula.tree import Condition, Node, Relation
from smxcheck.pages.chain import chain, failure, number_text
from smxcheck.pages.document import cited
from smxcheck.pages.model import Block, Code, Display, Facts, Heading, Letters, Page, Prose, Table, Text
from smxcheck.pages.topic import assigned, letter

#: What a program observes of what is proposed in its place.
_INSTEAD = "instead"

#: How what is proposed instead fared, in words.
_CAME = {"right": "right", "refused": "an error where the label is no class", "WRONG": "WRONG"}


def statement_page(statement: Statement) -> Page:
    """A statement, judged now. The exit code is 1 where what was found is not what is on record."""
    result = judge(statement)
    blocks = (
        Facts(tuple(_citation(statement))),
        *_why(result),
        *(Text(("NOT AS RECORDED: ", problem)) for problem in result.problems),
        *_letters(statement),
        *_checks(result),
        *_instead(result),
        *_closing(statement),
    )
    return Page(
        kind="statement",
        id=statement.id,
        title=(f"{statement.id}: ", *_verdict(result)),
        blocks=blocks,
        lexicon=statement.lexicon,
        data=_data(result),
        exit_code=0 if result.matches_record else 1,
    )


# ---- what is said, and the verdict


def _citation(statement: Statement) -> Iterator[tuple[str, Prose]]:
    document = statement.document
    yield "document", (cited(document),)
    if statement.where:
        yield "place", prose(statement.where, statement.lexicon)
    yield "it says", prose(statement.says, statement.lexicon)
    if document.lacks:
        yield "not given", (document.lacks,)


def _verdict(result: StatementResult) -> Prose:
    """The verdict, with its condition where it has one."""
    if result.verdict is Verdict.TRUE_IF:
        return (f"{Verdict.TRUE_IF} ", *_listed(result.statement.needs))
    return (str(result.verdict),)


def _lead(result: StatementResult) -> Prose:
    """The verdict, and where it is false what shows it: a counterexample, a step, an observation."""
    shown = _first_false(result)
    if result.verdict is not Verdict.FALSE or shown is None:
        return _verdict(result)
    match shown.evidence:
        case FormulaResult(relation, printed):
            return _counterexample(printed, relation, result.statement.lexicon)
        case ChainResult(first_false=StepResult(number=number)):
            return (f"false: step {number} below does not follow",)
        case ProgramResult(facts) if isinstance(shown.check, ProgramCheck):
            missed = [f"{name} {facts.get(name)}, not {claimed}" for name, claimed in shown.check.expected.items()]
            return (f"false: {', '.join(missed)}",)
    return _verdict(result)


def _first_false(result: StatementResult) -> CheckResult | None:
    return next((r for r in result.checks if r.verdict is Verdict.FALSE and not r.check.aside), None)


def _listed(conditions: tuple[Condition, ...]) -> Prose:
    found: list[str | Node] = []
    for number, condition in enumerate(conditions):
        found += [*([", "] if number else []), condition]
    return tuple(found)


def _why(result: StatementResult) -> Iterator[Block]:
    """What shows that it is false, and the reason; the verdict by itself stands in the title."""
    reason = prose(result.statement.why, result.statement.lexicon)
    shown = _lead(result)
    if shown != _verdict(result):
        yield Text((*shown, ". ", *reason))
    elif reason:
        yield Text(reason)


def _letters(statement: Statement) -> tuple[Block, ...]:
    rows = tuple(letter(symbol.name, statement.lexicon) for symbol in statement.lexicon.own)
    return (Letters(rows),) if rows else ()


def _programs(statement: Statement) -> tuple[str, ...]:
    """The programs that a statement runs, each once."""
    return tuple(dict.fromkeys(c.program for c in statement.checks if isinstance(c, ProgramCheck)))


def _instead(result: StatementResult) -> Iterator[Block]:
    """What to write in the place of a program that goes wrong, and what came of it on the same inputs."""
    for name in _programs(result.statement):
        if not PROGRAMS[name].instead:
            continue
        came = dict.fromkeys(
            r.evidence.facts[_INSTEAD]
            for r in result.checks
            if isinstance(r.check, ProgramCheck) and r.check.program == name and isinstance(r.evidence, ProgramResult)
        )
        yield Heading((f"instead; on the same inputs {', '.join(_CAME[fared] for fared in came)}",))
        yield Code(PROGRAMS[name].instead)


def _closing(statement: Statement) -> Iterator[Block]:
    rows: list[tuple[str, Prose]] = []
    if statement.in_floats:
        rows.append(("in floats", prose(statement.in_floats, statement.lexicon)))
    if statement.topic:
        rows.append(("derivation", (f"smxcheck explain {statement.topic}",)))
    if rows:
        yield Facts(tuple(rows))


# ---- what the verdict rests on


def _checks(result: StatementResult) -> Iterator[Block]:
    """Every check; a program stands before the first that runs it."""
    shown: set[str] = set()
    for found in result.checks:
        if isinstance(found.check, ProgramCheck) and found.check.program not in shown:
            shown.add(found.check.program)
            yield Code(PROGRAMS[found.check.program].text)
        yield from _check(found, result)


def _check(result: CheckResult, of: StatementResult) -> Iterator[Block]:
    check, lexicon = result.check, of.statement.lexicon
    if check.says or (len(of.checks) > 1 and not isinstance(check, ProgramCheck)):
        says = prose(check.says, lexicon) or ("as printed",)
        yield Heading((*says, *(() if not check.aside else (" (aside: not part of the verdict)",))))
    match check, result.evidence:
        case FormulaCheck(), FormulaResult() as evidence:
            yield from _formula(check, result.verdict, evidence, lexicon, of)
        case ChainCheck(), ChainResult() as evidence:
            yield from _chain(check, evidence, lexicon)
        case DefinitionCheck(), DefinitionResult() as evidence:
            yield from _definition(check, evidence, lexicon)
        case NumbersCheck(), NumbersResult() as evidence:
            yield from _numbers(check, evidence)
        case ProgramCheck(), ProgramResult() as evidence:
            yield from _program(check, result.verdict, evidence)


def _formula(
    check: FormulaCheck, verdict: Verdict, evidence: FormulaResult, lexicon: Lexicon, of: StatementResult
) -> Iterator[Block]:
    yield Display(check.claim)
    relation = check.claim.relation
    if verdict is Verdict.TRUE:
        yield Text((f"true, {_agreement(evidence.printed, relation)}",))
    if verdict is Verdict.TRUE_IF and evidence.needed:
        yield Text(("true if ", *_listed(check.needs), f", {_agreement(evidence.needed, relation)}; otherwise false",))
    first = _first_false(of)
    if evidence.printed.outcome is not Outcome.TRUE and (first is None or first.evidence is not evidence):
        yield Text(_counterexample(evidence.printed, relation, lexicon))
    if check.right:
        yield Text(("right:",))
    for claim, finding in evidence.right:
        yield Display(claim)
        if finding.outcome is not Outcome.TRUE:
            yield Text((f"NOT FOUND TRUE: {finding.outcome}",))


def _agreement(finding: Finding, relation: Relation) -> str:
    if relation.operator == "==" and relation.order is None:
        return f"both sides equal in {finding.digits} digits at {finding.points} points"
    return f"at {finding.points} points"


def _counterexample(finding: Finding, relation: Relation, lexicon: Lexicon) -> Prose:
    """Where a relation is false: the right side is what is printed, the left side what it is said to be."""
    if finding.witness is None:
        return (f"{finding.outcome}: {finding.why}",)
    found = failure(finding.witness, relation, lexicon)
    left, right = (side.replace("-", "−", 1) if side.startswith("-") else side for side in (found.left, found.right))
    where = assigned((*found.point, *((index, str(number)) for index, number in found.indices)))
    at = ("false: at ", *where) if where else ("false:",)
    if relation.operator == "==" and relation.order is None:
        return (*at, f" it gives {right} instead of {left}")
    why = f" ({finding.why})" if finding.why else ""
    return (*at, f" the left side is {left}, the right side {right}{why}")


def _chain(check: ChainCheck, evidence: ChainResult, lexicon: Lexicon) -> Iterator[Block]:
    for part in check.parts:
        yield chain(part, evidence.steps, lexicon)
    if evidence.first_false is not None:
        yield Text((f"Step {evidence.first_false.number} is the first that does not follow from the line before it.",))


def _definition(check: DefinitionCheck, evidence: DefinitionResult, lexicon: Lexicon) -> Iterator[Block]:
    yield Display(check.formula)
    finding = evidence.finding
    if finding.outcome is Outcome.TRUE:
        yield Text((f"equal to the exact {check.function} in {finding.digits} digits at {finding.points} points",))
    elif finding.witness is not None:
        found = failure(finding.witness, None, lexicon)
        yield Text(("false: at ", *assigned(found.point), f" it gives {found.left}, {check.function} is {found.right}"))


def _numbers(check: NumbersCheck, evidence: NumbersResult) -> Iterator[Block]:
    yield Display(check.formula)
    rows = [
        ((printed,), (exact,), ("yes" if right else "NO",)) for row in evidence.rows for printed, exact, right in row
    ]
    where = assigned(tuple((name, number_text(values)) for name, values in check.at.items()))
    yield Table((("printed",), ("exact",), ("rounds to it",)), tuple(rows), True, ("at ", *where))


def _program(check: ProgramCheck, verdict: Verdict, evidence: ProgramResult) -> Iterator[Block]:
    rows: list[tuple[str, Prose]] = [(name, (_plain(value),)) for name, value in check.given.items()]
    for name, observed in evidence.facts.items():
        if name == _INSTEAD:
            continue
        said = check.expected.get(name)
        rows.append((name, (observed if said in (None, observed) else f"{observed}, not {said}",)))
    if verdict is not Verdict.PROGRAM:
        rows.append(("verdict", (str(verdict),)))
    yield Facts(tuple(rows))


def _plain(value: Any) -> str:
    """An input as it would be typed: [0, 1], whole numbers without a point."""
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _data(result: StatementResult) -> Mapping[str, object]:
    statement = result.statement
    return MappingProxyType({
        "document": statement.document.key,
        "verdict": str(result.verdict),
        "recorded": str(statement.verdict),
        "as_recorded": result.matches_record,
        "problems": list(result.problems),
        "checks": [{"says": r.check.says, "verdict": str(r.verdict), "aside": r.check.aside} for r in result.checks],
        "letters": dict(statement.letters),
    })  # fmt: skip
