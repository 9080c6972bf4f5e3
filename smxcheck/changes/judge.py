"""What became of one result: right or not then and now, the bits, and whether it is less accurate.

**Less accurate** is a result that is right in both reports and whose largest error E, in ulp, grew

    by more than 1 ulp  and  to more than twice:   E_new > E_old + 1  and  E_new > 2 E_old,

or of which more elements are flushed to zero (they are in no figure in ulp). The result is still within its bound.

*1 ulp*: the last rounding of a value adds at most ½ ulp to the error e that it had before, and takes at most ½ ulp from it, so
two implementations with the same e may show errors 1 ulp apart.

*Twice*: the order of a sum is free, and another one is another draw of the same roundings. Textbook forms in float32 on
rows of normal numbers (n = 2 … 4096, standard deviation ½ … 10, 240 rows), each row in 30 orders: of the 216,000 ordered pairs of
one row, those in which the largest error grew by more than 1 ulp and by more than the factor:

    factor                            1        1.25     1.5      2        3
    softmax, NumPy's pairwise sum     5.07 %   2.02 %   0.94 %   0.18 %   0.05 %
    softmax, sum in order             18.7 %   12.4 %   8.0 %    3.4 %    0.72 %
    logsumexp, NumPy's pairwise sum   0.05 %   0.05 %   0.05 %   0.05 %   0.05 %

So a few results in a thousand are called less accurate by the order alone, in a plain loop three in a hundred; what many of
them say together is a change. (A test of ``tests/test_compare_judge.py`` measures the column of 2 again.)
"""

from __future__ import annotations

import math

from smxcheck.changes.model import Bits, Kind, Pair
from smxcheck.judge.codes import is_identity
from smxcheck.judge.result import Result, Status

#: The rule above: ulp, and factor.
MORE_ULP, MORE_TIMES = 1.0, 2.0
_RIGHT = frozenset({Status.OK, Status.CANNOT_TELL, Status.NO_SINGLE_ANSWER})
_BAD = frozenset({Status.WRONG, Status.CRASHED, Status.HUNG})
#: Code of the check under which a refusal is right, and leaves no output.
_REFUSAL = "SMX401"


def pair(old: Result, new: Result, *, bitless: bool = False) -> Pair:
    """The two results of one question. ``bitless`` says that no output belongs to them alone."""
    bits = _bits(old, new, bitless)
    if not (old.status in _RIGHT and new.status in _RIGHT):
        return Pair(old, new, _became(old.status, new.status), bits)
    changed = _choices(old, new)
    grown = growth(old.largest_error_ulp, new.largest_error_ulp) if bits is not Bits.SAME else None
    flushed = max(new.flushed - old.flushed, 0) if bits is not Bits.SAME else 0
    worse = grown is not None or flushed > 0
    return Pair(old, new, _right_kind(old, new, bits, bool(changed), worse), bits, worse, grown, flushed, changed)


def growth(old: float | None, new: float | None) -> float | None:
    """New over old largest error where a result is less accurate, inf where there was no error; else None."""
    if not (_known(old) and _known(new)):
        return None
    assert old is not None and new is not None
    if not (new > old + MORE_ULP and new > MORE_TIMES * old):
        return None
    return new / old if old > 0 else math.inf


def without_output(result: Result) -> bool:
    """Whether a result is of no output of its own: a property of the target, an identity between several values, or a call
    that refused what it must refuse."""
    refused = result.check == _REFUSAL and not result.digest
    return result.group == "properties" or is_identity(result.check) or refused


def _known(error: float | None) -> bool:
    return error is not None and not math.isnan(error)


def _bits(old: Result, new: Result, bitless: bool) -> Bits:
    if old.digest and new.digest:
        return Bits.SAME if old.digest == new.digest else Bits.MOVED
    if bitless or without_output(old) or without_output(new):
        return Bits.NONE
    answered = _RIGHT | {Status.WRONG}
    return Bits.UNKNOWN if old.status in answered and new.status in answered else Bits.NONE


def _became(old: Status, new: Status) -> Kind:
    """Of two results of which one at least is not right."""
    if new in _BAD:
        return Kind.NEWLY_WRONG if old in _RIGHT else Kind.STILL_WRONG if old in _BAD else Kind.WRONG_NOW
    if new in _RIGHT:
        return Kind.NEWLY_RIGHT if old in _BAD else Kind.NEWLY_ANSWERED
    if new is Status.DECLINED:
        return Kind.NEWLY_DECLINED if old in _RIGHT | _BAD else Kind.NOT_ANSWERED
    if old in _RIGHT:
        return Kind.NO_LONGER_RUN if new is Status.NOT_RUN else Kind.NO_LONGER_DECIDED
    return Kind.NOT_ANSWERED


def _right_kind(old: Result, new: Result, bits: Bits, choice: bool, worse: bool) -> Kind:
    """Of two right results, the worst that can be said of them."""
    if worse:
        return Kind.LESS_ACCURATE
    if choice:
        return Kind.CHOICE_CHANGED
    if bits is Bits.MOVED and not (_known(old.largest_error_ulp) and _known(new.largest_error_ulp)):
        return Kind.MOVED_UNMEASURED
    told = {Bits.MOVED: Kind.MOVED, Bits.UNKNOWN: Kind.BITS_UNKNOWN, Bits.SAME: Kind.SAME_BITS, Bits.NONE: Kind.AS_BEFORE}
    return told[bits]


def _choices(old: Result, new: Result) -> tuple[tuple[str, str, str], ...]:
    """What was observed where no single answer exists, if it is not what was observed before."""
    names = dict.fromkeys((*old.choice, *new.choice))
    was, now = ({name: r.choice.get(name, _unobserved(r)) for name in names} for r in (old, new))
    return tuple((name, was[name], now[name]) for name in names if was[name] != now[name])


def _unobserved(result: Result) -> str:
    """A refusal is an answer too; else nothing was observed."""
    return "raise" if without_output(result) else "not observed"
