"""What a wrong target behaves as: the shipped wrong implementations, run on the inputs that failed.

A mistake agrees with the target on an input when its result is much nearer to the target's than the target's is to
the right answer (an eighth of that distance), within the bound elsewhere, with the same nans and infinities. No name
is given where none agrees: a cause that was not observed is never asserted.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.judge.call import Question
from smxcheck.judge.errors import measure, times_power
from smxcheck.mistakes import Mistake, mistakes_in

Array = npt.NDArray[Any]

#: How much nearer a mistake must be to the target than the right answer is.
_NEARER = 8
#: A mistake that explains less than this share of the wrong results is not named.
_SHARE = 0.5
#: How many wrong results, and how many right ones, are looked at.
MOST_WRONG, MOST_RIGHT = 600, 40
#: How many of the wrong ones a mistake must show a likeness on before it is run on all.
_FIRST_LOOK = 30
#: Inputs larger than this are not run again.
MOST_ELEMENTS = 20_000


@dataclass(frozen=True)
class Sample:
    """What a target returned for a question, and whether that was wrong."""

    question: Question
    values: Array


@dataclass(frozen=True)
class Likeness:
    """A mistake and the wrong samples (by position) that it reproduces."""

    mistake: Mistake
    agreed: frozenset[int]


def _run(mistake: Mistake, question: Question) -> Array | None:
    """The mistake's own result; None where it raises, or in a dtype in which it is no mistake."""
    if question.case.dtype not in mistake.dtypes:
        return None
    arguments = [a.copy() for a in question.arguments]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return np.asarray(mistake.call(*arguments, **question.keywords))
        except (ValueError, TypeError, IndexError, ArithmeticError, KeyError):
            return None  # a mistake may be unable to take an input; then it does not agree


def tolerance(question: Question, values: Array) -> Array:
    """How far another result may be from ``values`` and still agree, element by element, in units of the value."""
    expected = question.expected
    wide = values.astype(np.float64).reshape(-1)
    loose = np.abs(wide) * 2.0**-6
    if expected.must_raise or not wide.size:
        return loose.reshape(values.shape)
    ruler = next(iter(question.rulers(question.format)))
    allowed = np.maximum(ruler.standard, 1.0)
    size = measure(wide, ruler.scale, question.format).size
    ulps = np.where(size > allowed, size / _NEARER, allowed)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        reach = times_power(ulps, ruler.scale.ulp_exponent)
    return np.where(ruler.number, reach, loose).reshape(values.shape)


def agrees(other: Array | None, values: Array, reach: Array) -> bool:
    """Same shape, same nans and infinities, every number within ``reach``."""
    if other is None or other.shape != values.shape:
        return False
    a, b = values.astype(np.float64), other.astype(np.float64)
    special = ~np.isfinite(a) | ~np.isfinite(b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= reach
    return bool(np.where(special, same, near).all())


def likenesses(function: str, wrong: Sequence[Sample], right: Sequence[Sample]) -> list[Likeness]:
    """The mistakes that explain the wrong samples, one after another: each time the one that reproduces most of what
    is left and contradicts the right samples least."""
    if not wrong:
        return []
    reaches = [tolerance(s.question, s.values) for s in wrong]
    right_reaches = [tolerance(s.question, s.values) for s in right]
    scored = []
    look = range(0, len(wrong), max(1, len(wrong) // _FIRST_LOOK))
    for mistake in mistakes_in(function):
        if not any(agrees(_run(mistake, wrong[i].question), wrong[i].values, reaches[i]) for i in look):
            continue
        agreed = frozenset(
            i for i, (s, reach) in enumerate(zip(wrong, reaches, strict=True))
            if agrees(_run(mistake, s.question), s.values, reach)
        )  # fmt: skip
        if agreed:
            contradicted = sum(
                s.question.case.dtype in mistake.dtypes and not agrees(_run(mistake, s.question), s.values, reach)
                for s, reach in zip(right, right_reaches, strict=True)
            )
            scored.append((mistake, agreed, contradicted))
    return _cover(scored, len(wrong), len(right))


def _cover(scored: list[tuple[Mistake, frozenset[int], int]], wrong: int, right: int) -> list[Likeness]:
    left, out = frozenset(range(wrong)), []
    while left and scored:
        mistake, agreed, contradicted = max(
            scored, key=lambda s: (len(s[1] & left) / len(left) - s[2] / max(right, 1), len(s[1]))
        )
        share = len(agreed & left) / len(left)
        if share < _SHARE or share <= contradicted / max(right, 1):
            break
        out.append(Likeness(mistake, agreed & left))
        left -= agreed
        scored = [s for s in scored if s[0] is not mistake]
    return out
