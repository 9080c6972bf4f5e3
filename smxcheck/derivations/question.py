"""A reader's own claim: true, true if, false with a counterexample, or undecided. Nothing but evaluation decides.

The claim is evaluated at every point for every choice of its indices. Where it is false somewhere, conditions from a small
table (`question_cases`) are laid over the same evaluations: one of them, or two together, under which no failure is left
and enough points are. The weakest, which leaves the most evaluations, is named.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from smxcheck.derivations.execute import Outcome, Witness
from smxcheck.derivations.question_cases import (
    Case,
    changed_points,
    equal_logits,
    joined,
    points_of,
    scalar_cases,
    single_cases,
)
from smxcheck.derivations.question_known import Known, known, published
from smxcheck.derivations.question_search import nearest_to_failure
from smxcheck.derivations.question_table import BUDGET, Entry, Table, enough, satisfied, table, true_at
from smxcheck.formula.grammar import FormulaError
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.tree import Claim, Diff, Integral, order_of, walk

#: Nested derivatives that are evaluated exactly enough to decide, and inside or around an integral.
MOST_DERIVATIVES, MOST_WITH_INTEGRAL = 3, 1


class Verdict(StrEnum):
    """What is answered."""

    TRUE = "true"
    TRUE_IF = "true if"
    FALSE = "false"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Answer:
    """What the evaluation of a claim said.

    ``digits``, ``points`` and ``undefined`` as in `execute.Finding`, of the claim under ``case`` where the verdict is
    true if. ``witness`` is the plainest failure of the claim as it stands, ``right`` what the topics know of its left side,
    ``published`` the id of a published statement that makes the same error.
    ``hidden`` says that equal logits hide the error; ``why`` in words why nothing was decided, or
    how a remainder falls that falls too slowly.
    """

    claim: Claim
    verdict: Verdict
    digits: int = 0
    points: int = 0
    undefined: int = 0
    case: Case | None = None
    witness: Witness | None = None
    right: Known | None = None
    published: str = ""
    hidden: bool = False
    why: str = ""


def answer(text: str, lexicon: Lexicon = COMMON) -> Answer:
    """Judges a claim written in the grammar of `smxcheck.formula.grammar`.

    Raises FormulaError, with the position of the character at fault, for a text that is no claim or nests more
    derivatives than can be evaluated. Ends within seconds whatever the text.
    """
    claim = lexicon.claim(text)
    _refuse_deep(claim)
    found = _searched(claim, lexicon, table(claim, lexicon, points_of(claim, lexicon)))
    failure = next((e for e in found.entries if e.outcome is Outcome.FALSE), None)
    if failure is None:
        return _without_failure(claim, found)
    right = known(claim.relation, lexicon)
    if not claim.conditions:
        case, chosen = _needed(claim, lexicon, found)
        if case is not None:
            return replace(
                _true(claim, found, chosen), verdict=Verdict.TRUE_IF, case=case, witness=failure.witness, right=right
            )
    return Answer(
        claim,
        Verdict.FALSE,
        witness=failure.witness,
        why=failure.why,
        right=right,
        published=published(claim, lexicon),
        hidden=claim.relation.operator == "==" and not claim.conditions and _true_at_equal_logits(claim, lexicon),
    )


def _searched(claim: Claim, lexicon: Lexicon, found: Table) -> Table:
    """The table, and where no evaluation is a failure those that a search for one leads to."""
    if any(e.outcome is Outcome.FALSE for e in found.entries):
        return found
    there = table(claim, lexicon, [(p, False) for p in nearest_to_failure(claim, lexicon, found.entries)], BUDGET // 4)
    last = max((e.number for e in found.entries), default=0) + 1
    more = [replace(e, number=last + e.number) for e in there.entries if e.outcome is Outcome.FALSE]
    return replace(found, entries=(*found.entries, *more))


def _refuse_deep(claim: Claim) -> None:
    integrals = any(isinstance(part, Integral) for part in walk(claim))
    most = MOST_WITH_INTEGRAL if integrals else MOST_DERIVATIVES
    if order_of(claim) > most:
        where = next(part.position for part in walk(claim) if isinstance(part, Diff))
        what = "with an integral, one derivative is" if integrals else f"derivatives up to order {most} are"
        raise FormulaError(f"{what} evaluated, here {order_of(claim)} stand in one another", where)


def _without_failure(claim: Claim, found: Table) -> Answer:
    doubt = next((e for e in found.entries if e.outcome is Outcome.UNDECIDED), None)
    if _may_be_equal(claim, found.entries):
        why = "the left side is the smaller one at some points and the larger one at others: in between they may be equal"
        return Answer(claim, Verdict.UNDECIDED, undefined=found.undefined, why=why)
    if true_at(found.entries):
        return _true(claim, found, found.entries)
    if doubt is not None:
        why = doubt.why or "the two sides agree in too many digits to differ and in too few to be equal"
        return Answer(claim, Verdict.UNDECIDED, undefined=found.undefined, witness=doubt.witness, why=why)
    return replace(_true(claim, found, found.entries), verdict=Verdict.UNDECIDED, why=_why_too_few(claim, found))


def _may_be_equal(claim: Claim, entries: Iterable[Entry]) -> bool:
    """Whether sides said to differ do so both ways for the same choice of classes: L != 2 fails between two points."""
    if claim.relation.operator != "!=":
        return False
    signs: dict[object, set[bool]] = {}
    for e in entries:
        case = (e.witness.point.classes, *sorted(e.witness.indices.items()))
        signs.setdefault(case, set()).add(bool(e.witness.left < e.witness.right))
    return any(len(found) > 1 for found in signs.values())


def _why_too_few(claim: Claim, found: Table) -> str:
    points = len({e.number for e in found.entries})
    if not found.complete:
        return found.why
    if points:
        return f"it was evaluated at {points} point{'s' * (points > 1)}, and is true there; that is too few to tell"
    if found.why:
        return f"it has no value at any point: {found.why}"
    return "no point that was tried satisfies the conditions"


def _true(claim: Claim, found: Table, chosen: Iterable[Entry]) -> Answer:
    chosen = list(chosen)
    return Answer(
        claim,
        Verdict.TRUE,
        digits=min((e.digits for e in chosen), default=0),
        points=len({e.number for e in chosen}),
        undefined=found.undefined,
    )


def _needed(claim: Claim, lexicon: Lexicon, found: Table) -> tuple[Case | None, tuple[Entry, ...]]:
    """The weakest case under which no failure is left, and the evaluations that it leaves."""
    singles = [(case, satisfied(case.conditions, found.entries, lexicon)) for case in single_cases(claim, lexicon)]
    for tried in (singles, _pairs(singles)):
        true = [(case, chosen) for case, chosen in tried if true_at(chosen) and not _may_be_equal(claim, chosen)]
        if true:
            case, chosen = max(true, key=lambda pair: len(pair[1]))
            limited = Claim(claim.relation, case.conditions)
            searched = _searched(limited, lexicon, replace(found, entries=chosen))
            return (None, ()) if len(searched.entries) > len(chosen) else (case, chosen)
    for case in scalar_cases(claim, lexicon):
        limited = Claim(claim.relation, case.conditions)
        there = table(limited, lexicon, changed_points(claim, lexicon, case.conditions), BUDGET // 4)
        if true_at(there.entries):
            return case, there.entries
    return None, ()


def _pairs(singles: list[tuple[Case, tuple[Entry, ...]]]) -> Iterator[tuple[Case, tuple[Entry, ...]]]:
    """Two cases at once, with the entries that satisfy both."""
    known_by = [(case, entries, {id(entry) for entry in entries}) for case, entries in singles]
    for (one, entries, _), (other, _, kept) in itertools.combinations(known_by, 2):
        case = joined(one, other)
        if case is not None:
            yield case, tuple(entry for entry in entries if id(entry) in kept)


def _true_at_equal_logits(claim: Claim, lexicon: Lexicon) -> bool:
    """Whether the claim is true wherever all logits are equal, for some two classes and more: symmetric points hide it."""
    if "z" not in lexicon.given([claim]):
        return False
    there = table(claim, lexicon, [(p, g) for p, g in equal_logits(claim, lexicon) if p.classes > 1], BUDGET // 4)
    return there.complete and enough(there.entries) and all(e.outcome is Outcome.TRUE for e in there.entries)
