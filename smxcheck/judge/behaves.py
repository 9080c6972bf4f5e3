"""What a wrong target behaves as: the shipped wrong implementations, run on the inputs that failed.

A mistake is named when it gives the target's own answers in most of the wrong results and is not contradicted by the
right ones. No name is given where none does: a cause that was not observed is never asserted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from smxcheck.judge.agreement import WEAK, Sample, Suspect, agrees, is_akin
from smxcheck.mistakes import Mistake, mistakes_in

#: A mistake is named from this score on: the weight of what it reproduces, over that of all that is wrong and of what
#: contradicts it.
_ENOUGH = 0.5
#: What a right result that the mistake gets wrong counts against it. Less than 1, since a target may make the mistake
#: in a wider format, where it shows later.
_CONTRADICTION = 0.5
#: One weak agreement, a row of nan say, is no evidence: this much weight is.
_LEAST = 0.5
#: How many wrong results, and how many right ones, are looked at.
MOST_WRONG, MOST_RIGHT = 600, 600
#: How many of the wrong ones a mistake must show a likeness on before it is run on all.
_FIRST_LOOK = 40
#: Inputs larger than this are not run again. Where 16-bit sums overflow, 65,504 entries and more, is looked at.
MOST_ELEMENTS = 70_000


@dataclass(frozen=True)
class Likeness:
    """A mistake, the wrong samples (by position) that it reproduces, and those where it is wrong in the same places.

    ``wider``: the target's answers are those of the mistake made in a wider format than its arrays have.
    """

    mistake: Mistake
    wider: bool
    agreed: frozenset[int]
    akin: frozenset[int] = frozenset()


@dataclass(frozen=True)
class _Candidate:
    suspect: Suspect
    agreed: frozenset[int]
    right: Sequence[Sample]

    @cached_property
    def contradicted(self) -> int:
        """How many right results it gets wrong; looked at only where it might be named."""
        return sum(self.suspect.applies(s.question) and not agrees(self.suspect, s) for s in self.right)

    def at_most(self, weights: Sequence[float], left: frozenset[int]) -> float:
        """The score if no right result contradicts it."""
        return _sum(weights, self.agreed & left) / _sum(weights, left)

    def score(self, weights: Sequence[float], left: frozenset[int]) -> float:
        mine = self.agreed & left
        if self.contradicted and all(weights[i] <= WEAK for i in mine):
            return 0.0  # the same nan, for another reason
        return _sum(weights, mine) / (_sum(weights, left) + _CONTRADICTION * self.contradicted)


def _sum(weights: Sequence[float], positions: Iterable[int]) -> float:
    return sum(weights[i] for i in positions)


def likenesses(function: str, wrong: Sequence[Sample], right: Sequence[Sample]) -> list[Likeness]:
    """The mistakes that explain the wrong samples, one after another: each time the one that reproduces most of what
    is left and contradicts the right samples least. Where none does, those that compute in a wider format."""
    return _explained(function, wrong, right, wider=False) or _explained(function, wrong, right, wider=True)


def _explained(function: str, wrong: Sequence[Sample], right: Sequence[Sample], wider: bool) -> list[Likeness]:
    weights = [s.weight for s in wrong]
    chosen: list[Likeness] = []
    left = frozenset(range(len(wrong)))
    candidates = _candidates(function, wrong, right, wider)
    while _sum(weights, left) and (best := _best(candidates, weights, left)) is not None:
        mine = best.agreed & left
        if _sum(weights, mine) < _LEAST:
            break
        chosen.append(Likeness(best.suspect.mistake, wider, mine))
        left -= mine
        candidates = [c for c in candidates if c is not best]
    return _with_akin(chosen, wrong, left)


def _candidates(
    function: str, wrong: Sequence[Sample], right: Sequence[Sample], wider: bool
) -> list[_Candidate]:
    """The mistakes that agree with a wrong sample, and with which."""
    found = []
    look = wrong[:: max(1, len(wrong) // _FIRST_LOOK)]
    for mistake in mistakes_in(function):
        suspect = Suspect(mistake, wider)
        if any(agrees(suspect, s) for s in look):
            agreed = frozenset(i for i, s in enumerate(wrong) if agrees(suspect, s))
            found.append(_Candidate(suspect, agreed, right))
    return found


def _best(candidates: list[_Candidate], weights: Sequence[float], left: frozenset[int]) -> _Candidate | None:
    """The candidate with the highest score that is enough; of equals, the one that reproduces most."""
    best, reached = None, (_ENOUGH, 0)
    for c in sorted(candidates, key=lambda c: (-c.at_most(weights, left), -len(c.agreed))):
        if c.at_most(weights, left) < reached[0]:
            break
        mine = (c.score(weights, left), len(c.agreed))
        if mine > reached:
            best, reached = c, mine
    return best


def _with_akin(chosen: list[Likeness], wrong: Sequence[Sample], left: frozenset[int]) -> list[Likeness]:
    """What no mistake reproduces goes with the first one that is wrong in the same places: one cause, one problem.
    Other roundings on the way, another order of summation, make such a difference."""
    out = []
    for likeness in chosen:
        suspect = Suspect(likeness.mistake, likeness.wider)
        akin = frozenset(i for i in left if is_akin(suspect, wrong[i]))
        out.append(replace(likeness, akin=akin))
        left -= akin
    return out
