"""What a wrong target behaves as: the shipped wrong implementations, run on the inputs that failed.

A mistake is named when it gives the target's own answers in most of the wrong results and is not contradicted by the
right ones. No name is given where none does: a cause that was not observed is never asserted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import product

from smxcheck.judge.agreement import WEAK, Sample, Suspect, agrees, is_akin
from smxcheck.judge.result import Likened
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
class Candidate:
    """A mistake that may explain wrong samples: those that it reproduces, and how many right ones contradict it."""

    suspect: Suspect
    agreed: frozenset[int]
    count: Callable[[], int]

    @cached_property
    def contradicted(self) -> int:
        """Looked at only where it might be named."""
        return self.count()

    def at_most(self, weights: Sequence[float], left: frozenset[int]) -> float:
        """The score if no right result contradicts it."""
        return _sum(weights, self.agreed & left) / _sum(weights, left)

    def score(self, weights: Sequence[float], left: frozenset[int]) -> float:
        mine = self.agreed & left
        if self.contradicted and all(weights[i] <= WEAK for i in mine):
            return 0.0  # the same nan, for another reason
        return _sum(weights, mine) / (_sum(weights, left) + _CONTRADICTION * self.contradicted)


def _contradictions(suspect: Suspect, right: Sequence[Sample]) -> int:
    """How many right results it gets wrong."""
    return sum(suspect.applies(s.question) and not agrees(suspect, s) for s in right)


def spread(samples: Sequence[Sample]) -> list[Sample]:
    """As many right samples as are looked at, evenly over the run: simple cases and long ones."""
    return list(samples[:: max(1, len(samples) // MOST_RIGHT)][:MOST_RIGHT])


def _sum(weights: Sequence[float], positions: Iterable[int]) -> float:
    return sum(weights[i] for i in positions)


def likenesses(function: str, wrong: Sequence[Sample], right: Sequence[Sample]) -> list[Likeness]:
    """The mistakes that explain the wrong samples, one after another: each time the one that reproduces most of what
    is left and contradicts the right samples least. Where none does, those that compute in a wider format."""
    return _explained(function, wrong, right, wider=False) or _explained(function, wrong, right, wider=True)


def _explained(function: str, wrong: Sequence[Sample], right: Sequence[Sample], wider: bool) -> list[Likeness]:
    weights = [s.weight for s in wrong]
    chosen, left = choose(_candidates(function, wrong, right, wider), weights)
    return _with_akin(chosen, left, lambda suspect, i: is_akin(suspect, wrong[i]))


def choose(candidates: list[Candidate], weights: Sequence[float]) -> tuple[list[Likeness], frozenset[int]]:
    """The mistakes that are named, one after another, and the wrong samples that none of them reproduces."""
    chosen: list[Likeness] = []
    left = frozenset(range(len(weights)))
    while _sum(weights, left) and (best := _best(candidates, weights, left)) is not None:
        mine = best.agreed & left
        if _sum(weights, mine) < _LEAST:
            break
        chosen.append(Likeness(best.suspect.mistake, best.suspect.wider, mine))
        left -= mine
        candidates = [c for c in candidates if c is not best]
    return chosen, left


def _candidates(
    function: str, wrong: Sequence[Sample], right: Sequence[Sample], wider: bool
) -> list[Candidate]:
    """The mistakes that agree with a wrong sample, and with which."""
    found = []
    look = wrong[:: max(1, len(wrong) // _FIRST_LOOK)]
    for mistake in mistakes_in(function):
        suspect = Suspect(mistake, wider)
        if any(agrees(suspect, s) for s in look):
            agreed = frozenset(i for i, s in enumerate(wrong) if agrees(suspect, s))
            found.append(Candidate(suspect, agreed, partial(_contradictions, suspect, right)))
    return found


def likened(function: str, wrong: Sequence[Sample], right: Sequence[Sample]) -> list[Likened]:
    """How every mistake fares on the samples of a part of a run, for `likenesses_in` to judge all parts together."""
    found = []
    for mistake, wider in product(mistakes_in(function) if wrong else (), (False, True)):
        suspect = Suspect(mistake, wider)
        agreed = tuple(i for i, s in enumerate(wrong) if agrees(suspect, s))
        akin = tuple(i for i, s in enumerate(wrong) if i not in agreed and is_akin(suspect, s))
        contradicted = _contradictions(suspect, right)
        if agreed or akin or contradicted:
            found.append(Likened(mistake.id, wider, agreed, akin, contradicted))
    return found


def likenesses_in(function: str, found: Sequence[Likened], weights: Sequence[float]) -> list[Likeness]:
    """The same as `likenesses`, from how each mistake fared, once for each. Mistakes that there are not are passed over."""
    mistakes = {mistake.id: mistake for mistake in mistakes_in(function)}
    for wider in (False, True):
        here = {f.mistake: f for f in found if f.wider is wider and f.mistake in mistakes}
        candidates = [
            Candidate(Suspect(mistakes[name], wider), frozenset(f.agreed), partial(int, f.contradicted))
            for name, f in here.items() if f.agreed
        ]  # fmt: skip
        chosen, left = choose(candidates, weights)
        if chosen:
            akin = {name: frozenset(f.akin) | frozenset(f.agreed) for name, f in here.items()}
            return _with_akin(chosen, left, partial(_is_in, akin))
    return []


def _best(candidates: list[Candidate], weights: Sequence[float], left: frozenset[int]) -> Candidate | None:
    """The candidate with the highest score that is enough; of equals, the one that reproduces most."""
    best, reached = None, (_ENOUGH, 0)
    for c in sorted(candidates, key=lambda c: (-c.at_most(weights, left), -len(c.agreed))):
        if c.at_most(weights, left) < reached[0]:
            break
        mine = (c.score(weights, left), len(c.agreed))
        if mine > reached:
            best, reached = c, mine
    return best


def _is_in(akin: Mapping[str, frozenset[int]], suspect: Suspect, i: int) -> bool:
    return i in akin[suspect.mistake.id]


def _with_akin(
    chosen: list[Likeness], left: frozenset[int], akin_to: Callable[[Suspect, int], bool]
) -> list[Likeness]:
    """What no mistake reproduces goes with the first one that is wrong in the same places: one cause, one problem.
    Other roundings on the way, another order of summation, make such a difference."""
    out = []
    for likeness in chosen:
        suspect = Suspect(likeness.mistake, likeness.wider)
        akin = frozenset(i for i in left if akin_to(suspect, i))
        out.append(replace(likeness, akin=akin))
        left -= akin
    return out
