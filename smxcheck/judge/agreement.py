"""When a known mistake agrees with a target: on one input, the same wrong answer.

A mistake agrees when its result is much nearer to the target's than the target's is to the right answer (an eighth of
that distance), within the bound where the target is right, with the same nans and infinities; or when both raise.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import FORMATS
from smxcheck.judge.call import Question
from smxcheck.judge.checks import sampler
from smxcheck.judge.errors import measure, times_power
from smxcheck.judge.result import Level
from smxcheck.judge.ruler import Ruler
from smxcheck.mistakes import Mistake
from smxcheck.oracle.enclosure import Kind

Array = npt.NDArray[Any]

#: How much nearer a mistake must be to the target than the right answer is.
_NEARER = 8
#: How near it must be where there is no number to measure from: relative.
_LOOSE = 2.0**-6
#: Larger replies are not kept for the next target.
_KEPT = 4096
#: What a wrong result without a finite wrong number counts, against 1 with one: many mistakes end in the same nan.
WEAK = 0.25
#: What careful code computes in.
WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}


@dataclass(frozen=True)
class Sample:
    """What a target returned for a question, ``None`` where it raised, and the level that is demanded of it."""

    question: Question
    values: Array | None
    require: Level = Level.STANDARD

    @cached_property
    def wide(self) -> Array:
        assert self.values is not None
        return self.values.astype(np.float64).reshape(-1)

    @cached_property
    def bad(self) -> Array:
        """Where the values are wrong, flat."""
        return wrong_elements(self.question, self.wide, self.require)

    @cached_property
    def weight(self) -> float:
        """How much agreement on this sample says: nothing where no element is wrong, as for a choice that changes."""
        if self.values is None:
            return WEAK
        if not self.bad.any():
            return 0.0
        return 1.0 if bool((self.bad & np.isfinite(self.wide)).any()) else WEAK

    @cached_property
    def reach(self) -> Array:
        """How far another result may be from the values and still agree, flat, in units of the value."""
        loose = np.abs(self.wide) * _LOOSE
        if self.question.expected.must_raise or not self.wide.size:
            return loose
        ruler = _ruler(self.question)
        allowed = _allowed(ruler, self.require)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            size = measure(self.wide, ruler.scale, self.question.format).size
            ulps = np.where(size > allowed, size / _NEARER, allowed)
            reach = times_power(ulps, ruler.scale.ulp_exponent)
        # What is beyond float64 when it is counted in ulp of 0 is as far off as the value is large.
        beyond = np.isinf(size) & np.isfinite(self.wide)
        reach = np.where(beyond, np.abs(self.wide) / _NEARER, reach)
        return np.minimum(np.where(ruler.number, reach, loose), np.finfo(np.float64).max)


def _ruler(question: Question) -> Ruler:
    return next(iter(question.rulers(question.format)))


def _allowed(ruler: Ruler, require: Level) -> Array:
    """How far a right number may be off at a level, in ulp."""
    limit = {Level.ULP1: ruler.one, Level.TIGHT: ruler.tight}.get(require, ruler.standard)
    return np.maximum(limit, 1.0)


def wrong_elements(question: Question, wide: Array, require: Level) -> Array:
    """Which elements of a float64 result, flat, are not what is right; all of them where only an error is."""
    if question.expected.must_raise:
        return np.ones(wide.shape, bool)
    if not wide.size:
        return np.zeros(wide.shape, bool)
    ruler = _ruler(question)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        size = measure(wide, ruler.scale, question.format).size
        off = ~(size <= _allowed(ruler, require)) & ~(ruler.may_flush & (wide == 0))
    nan, kinds = np.isnan(wide), ruler.kinds
    may_be_nan = np.isin(kinds, (Kind.VALUE_OR_NAN, Kind.PLUS_INFINITY_OR_NAN, Kind.MINUS_INFINITY_OR_NAN))
    bad = ruler.number & off
    bad |= np.isin(kinds, (Kind.PLUS_INFINITY, Kind.PLUS_INFINITY_OR_NAN)) & (wide != np.inf)
    bad |= np.isin(kinds, (Kind.MINUS_INFINITY, Kind.MINUS_INFINITY_OR_NAN)) & (wide != -np.inf)
    return np.asarray((bad & ~(may_be_nan & nan)) | ((kinds == Kind.NAN) & ~nan))


@dataclass(frozen=True)
class Suspect:
    """A mistake, made in the dtype of the input or in the next wider one, and then rounded."""

    mistake: Mistake
    wider: bool = False

    def dtype(self, question: Question) -> str:
        """What it computes in."""
        own = question.case.dtype
        return WIDER.get(own, own) if self.wider else own

    def applies(self, question: Question) -> bool:
        """Whether it is a mistake in that dtype; without any dtype, it is one of integers alone."""
        if not self.mistake.dtypes:
            return bool(question.arguments[0].dtype.kind in "iub")
        return self.dtype(question) in self.mistake.dtypes

    def reply(self, question: Question) -> Array | None:
        """Its own result; None where it raises. Small ones are kept: several targets may fail on a question."""
        if question.expected.kind.size > _KEPT:
            return self._run(question)
        key = f"{self.mistake.id} in {self.dtype(question)}"
        kept: Array | None = question.keep(key, lambda: self._run(question))
        return kept

    def _run(self, question: Question) -> Array | None:
        own, wide = (FORMATS[name].numpy() for name in (question.case.dtype, self.dtype(question)))

        def given(value: Any) -> Any:
            if not isinstance(value, np.ndarray):
                return value
            return value.astype(wide) if value.dtype == own else value.copy()

        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                keywords = {name: given(value) for name, value in question.keywords.items()}
                result = np.asarray(self.mistake.call(*(given(a) for a in question.arguments), **keywords))
            except (ValueError, TypeError, IndexError, ArithmeticError, KeyError):
                return None
            if question.case.function == sampler.FUNCTION:
                return sampler.frequencies(result, question.expected.shape[-1])
            return result.astype(own) if result.dtype == wide else result


def agrees(suspect: Suspect, sample: Sample) -> bool:
    """Both raise, or the same shape, the same nans and infinities, every number within reach."""
    if not suspect.applies(sample.question):
        return False
    other = suspect.reply(sample.question)
    if other is None or sample.values is None:
        return other is None and sample.values is None
    if other.shape != sample.values.shape:
        return False
    a, b = sample.wide, other.astype(np.float64).reshape(-1)
    with np.errstate(invalid="ignore", over="ignore"):
        same = (np.abs(a - b) <= sample.reach) | (a == b)
    return bool(same.all()) or bool((same | (np.isnan(a) & np.isnan(b))).all())


def is_akin(suspect: Suspect, sample: Sample) -> bool:
    """The mistake is wrong, too, wherever the target is: not the same answer, but the same places."""
    if sample.values is None or not suspect.applies(sample.question):
        return False
    other = suspect.reply(sample.question)
    if other is None or other.shape != sample.values.shape:
        return False
    bad = wrong_elements(sample.question, other.astype(np.float64).reshape(-1), sample.require)
    return bool(sample.bad.any()) and bool(bad[sample.bad].all())
