"""One relation evaluated at every point for every choice of its indices, entry by entry, within a budget of operations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.execute import Outcome, Witness, evaluated_at, setting_of
from smxcheck.derivations.points import Point, assignments
from smxcheck.derivations.question_extremes import CHOICES
from smxcheck.derivations.question_nearness import judged
from smxcheck.formula.evaluate import TooCostly, Undefined, holds
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.tree import Claim, Condition, free_indices

#: Operations that one question may spend on its table: some three seconds.
BUDGET = 800_000

#: Points, and among them generic ones, that a relation must hold at to be called true: a formula that is wrong does not
#: agree in 17 and more digits at numbers drawn without regard to it.
ENOUGH, ENOUGH_GENERIC = 5, 3

#: Evaluations, the first ones, that are all made with more digits.
CONFIRMED = 6


@dataclass(frozen=True)
class Entry:
    """One evaluation: which point by its number, whether that is a generic one, and what came out."""

    number: int
    generic: bool
    witness: Witness
    outcome: Outcome
    digits: int
    why: str


@dataclass(frozen=True)
class Table:
    """All evaluations of one relation; ``undefined`` is how many had no value, ``why`` the reason of one of them.

    ``complete`` is False where the budget ended it.
    """

    entries: tuple[Entry, ...]
    undefined: int
    why: str
    complete: bool


def enough(entries: Sequence[Entry]) -> bool:
    """Whether evaluations are at so many points that a relation true at all of them may be called true."""
    return len({e.number for e in entries}) >= ENOUGH and len({e.number for e in entries if e.generic}) >= ENOUGH_GENERIC


def true_at(entries: Sequence[Entry]) -> bool:
    """Whether a relation is true at all of some entries, and they are enough to say so."""
    return all(e.outcome is Outcome.TRUE for e in entries) and enough(entries)


def table(
    claim: Claim, lexicon: Lexicon, where: Iterable[tuple[Point, bool]], budget: int = BUDGET
) -> Table:
    """Evaluates a relation wherever its conditions hold; ``where`` says of each point whether it is generic."""
    setting, letters = setting_of(claim), free_indices(claim)
    entries: list[Entry] = []
    undefined, why = 0, ""
    for number, (point, generic) in enumerate(where):
        at = point.environment(lexicon, setting.order, setting.digits)
        at.allow(budget)
        extreme = not generic and point.most is not None
        choices = list(assignments(letters, point.classes))
        for indices in choices[:: -(-len(choices) // CHOICES)] if extreme else choices:
            try:
                if all(holds(condition, at, indices) for condition in claim.conditions):
                    outcome, digits, sides, why_not = judged(claim.relation, at, indices, setting, _trusted(entries))
                    if extreme and outcome is Outcome.UNDECIDED:  # numbers so far apart that no digits hold them
                        continue
                    witness = Witness(evaluated_at(point, claim.relation), MappingProxyType(indices), *sides)
                    entries.append(Entry(number, generic, witness, outcome, digits, why_not))
            except Undefined as error:
                undefined, why = undefined + 1, str(error)
            except TooCostly as error:
                return Table(tuple(entries), undefined, str(error), complete=False)
        budget = at.left
    return Table(tuple(entries), undefined, why, complete=True)


def _trusted(entries: Sequence[Entry]) -> tuple[Outcome, ...]:
    """True after several evaluations with more digits that were all true; false after one, since one decides."""
    if any(e.outcome is Outcome.FALSE for e in entries):
        return (Outcome.TRUE, Outcome.FALSE)
    return (Outcome.TRUE,) if len(entries) >= CONFIRMED else ()


def satisfied(
    conditions: Sequence[Condition], entries: Sequence[Entry], lexicon: Lexicon
) -> tuple[Entry, ...]:
    """The entries at which conditions hold."""
    environments: dict[int, Any] = {}
    found = []
    for entry in entries:
        at = environments.get(entry.number)
        if at is None:
            at = environments[entry.number] = entry.witness.point.environment(lexicon, 0)
        try:
            if all(holds(condition, at, entry.witness.indices) for condition in conditions):
                found.append(entry)
        except (Undefined, TooCostly):
            continue
    return tuple(found)
