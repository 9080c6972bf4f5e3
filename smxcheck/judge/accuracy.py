"""Values against what is right: the level that each element earns, and with it the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.errors import Errors, measure
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.judge.ruler import Ruler
from smxcheck.oracle.enclosure import Kind

Array = npt.NDArray[Any]

_ULP1, _TIGHT, _STANDARD, _WRONG = (LEVEL_ORDER[level] for level in Level)
_LEVELS = tuple(Level)


@dataclass
class Accuracy:
    """What the values of one call earned. ``index`` is flat; errors in ulp."""

    level: Level = Level.ULP1
    judged: int = 0  # elements with a right answer
    index: int | None = None  # the worst element
    symptom: str = ""  # name of the check that the worst element fails, "" where none
    error: float | None = None
    allowed: float | None = None
    from_zero: tuple[float, float] | None = None  # the same in units of the value, where the exact value is 0
    largest: float | None = None
    allowed_at_largest: float | None = None
    signed_sum: float = 0.0
    measured: int = 0
    flushed: int = 0
    blind: int = 0
    histogram: Counter[int | None] = field(default_factory=Counter)
    undecided: bool = False
    error_slack: float = 0.0  # how far ``error`` and ``largest`` may be off, by the enclosures
    largest_slack: float = 0.0
    tells: bool = False  # some element's bound would not accept 0
    _severity: float = -1.0

    @property
    def vague(self) -> bool:
        """Whether a figure that is shown is known to fewer digits than are shown."""
        figures = ((self.error, self.error_slack), (self.largest, self.largest_slack))
        return any(size is not None and slack > _VAGUE * max(size, 1.0) for size, slack in figures)


def judge_values(got: Array, blocks: Iterable[Ruler], fmt: Format) -> Accuracy:
    """The level of every element of ``got``, whose shape is that of the question, and the worst one."""
    out = Accuracy()
    flat = np.asarray(got).reshape(-1)
    for ruler in blocks:
        _judge_block(out, flat[ruler.offset : ruler.offset + ruler.kinds.size], ruler, fmt)
    return out


#: A doubt of so little of an ulp about whether an error is 1 ulp is never worth a verdict.
_NO_DOUBT = 2.0**-20
#: Errors of at most so many ulp count and print as 0, and so do those within their enclosure: 2^-40 of a float32, which is
#: below 2^24 ulp. Narrower enclosures would show more, and figures must not depend on which arithmetic enclosed.
_NOTHING = 2.0**-16
#: A figure of 1 ulp or less is shown where it is known to this, a larger one where it is known to this of itself.
_VAGUE = 2.0**-14
#: Errors that differ by this share or less are equal, and the first is told.
_EQUAL = 2.0**-16


def _levels(size: Array, slack: Array, r: Ruler, flushed: Array) -> tuple[Array, Array]:
    """Levels when every doubt goes against the target, and when it goes for it.

    Errors of exactly 1 ulp are common and no precision decides them: that doubt goes for the target in both, but only
    where the enclosure is narrow.
    """
    perhaps = size - slack <= r.one
    surely = (size + slack <= r.one) | (perhaps & (slack <= _NO_DOUBT))

    def level(of: Array, one: Array) -> Array:
        worst = np.where((of <= r.standard) | flushed, _STANDARD, _WRONG)
        return np.where(one, _ULP1, np.where(of <= r.tight, _TIGHT, worst))

    return level(size + slack, surely), level(size - slack, perhaps)


def _judge_block(out: Accuracy, got: Array, r: Ruler, fmt: Format) -> None:
    got64 = got.astype(np.float64)
    nan = np.isnan(got64)
    number = r.number
    out.tells |= r.tells
    if r.special:
        number = number & ~((r.kinds == Kind.VALUE_OR_NAN) & nan)
        out.judged += int((r.kinds != Kind.FREE).sum())
    else:
        out.judged += r.kinds.size
    _judge_special(out, got64, nan, r)
    if not number.any():
        return
    e = measure(got64, r.scale, fmt)
    size = np.where(nan, np.inf, e.size)
    if r.reach is not None:
        size = r.reach.settle(size, got64)
    flushed = r.may_flush & (got64 == 0) & (size > np.maximum(r.standard, 1.0))
    against, favour = _levels(size, e.slack, r, flushed)
    if r.special:
        against, favour = np.where(number, against, _ULP1), np.where(number, favour, _ULP1)
    out.undecided |= bool((against != favour).any())
    worst = int(against.max(initial=_ULP1))
    if worst > LEVEL_ORDER[out.level]:
        out.level = _LEVELS[worst]
    counted = number & ~flushed
    size = np.where(size <= np.maximum(e.slack, _NOTHING), 0.0, size)
    if r.scale.doubt is not None:
        out.undecided |= bool((r.scale.doubt & counted & (size > 0)).any())
    _record_worst(out, against, size, e, r, got64, counted)
    out.flushed += int((flushed & number).sum())
    _record_statistics(out, size, e, counted & np.isfinite(size), r)


def _judge_special(out: Accuracy, got: Array, nan: Array, r: Ruler) -> None:
    """NaN and infinities that are right, and nan where a number is."""
    kinds = r.kinds
    tests: list[tuple[str, Array]] = [("not-finite", (kinds == Kind.VALUE) & nan)]
    if r.special:
        tests += [
            ("infinite", (kinds == Kind.PLUS_INFINITY) & (got != np.inf)),
            ("infinite", (kinds == Kind.MINUS_INFINITY) & (got != -np.inf)),
            ("infinite", (kinds == Kind.PLUS_INFINITY_OR_NAN) & (got != np.inf) & ~nan),
            ("infinite", (kinds == Kind.MINUS_INFINITY_OR_NAN) & (got != -np.inf) & ~nan),
            ("nan", (kinds == Kind.NAN) & ~nan),
        ]
    for symptom, bad in tests:
        if out._severity < np.inf and bad.any():
            out._severity, out.level, out.symptom = np.inf, Level.WRONG, symptom
            out.index = r.offset + int(np.argmax(bad))
            out.error = out.allowed = None


def _record_worst(
    out: Accuracy, levels: Array, size: Array, e: Errors, r: Ruler, got: Array, counted: Array
) -> None:  # fmt: skip
    """The worst element: of the worst level, the one that exceeds its bound most."""
    if out._severity == np.inf:
        return
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(counted, size / np.maximum(r.standard, 1.0), -1.0)
    ratio = np.where(levels == _WRONG, ratio + 1e6, ratio)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    top = float(ratio.max())
    i = int(np.argmax(ratio >= _nearly(top, 1e6)))
    if _nearly(top, 1e6) <= out._severity:
        return
    out._severity = top
    out.index, out.error, out.allowed = r.offset + i, float(size[i]), float(r.standard[i])
    out.error_slack = float(e.slack[i])
    smallest = 2.0 ** float(r.scale.ulp_exponent[i])
    out.from_zero = (abs(float(got[i])), out.allowed * smallest) if _is_zero(r)[i] and size[i] > 1 else None
    if levels[i] == _WRONG:
        beyond = bool(r.scale.beyond[i])
        out.symptom = "infinite" if beyond else ("accuracy" if np.isfinite(got[i]) else "not-finite")


def _nearly(top: float, offset: float = 0.0) -> float:
    """What counts as equal to ``top``: which of two equal errors is told must not hang on the last bits of enclosures."""
    beyond = top - offset if top >= offset else top
    return top - abs(beyond) * _EQUAL if np.isfinite(top) else top


def _is_zero(r: Ruler) -> Array:
    """Where the exact value is 0: an error there is a multiple of the smallest subnormal, which tells nothing."""
    return np.asarray((r.scale.value == 0) & (r.scale.width == 0))


def _record_statistics(out: Accuracy, size: Array, e: Errors, use: Array, r: Ruler) -> None:
    """Largest error, signed sum and histogram over the elements that are finite and not flushed.

    Where more than 1 ulp off and the bound would admit 0 as well, the error says nothing: those are counted apart. Nor
    does a number of ulp where the exact value is 0: those are left out.
    """
    use = use & ~(_is_zero(r) & (size > 1))
    blind = use & (size > 1) & (size <= r.standard) & (np.abs(r.scale.value) <= r.standard)
    if blind.any():
        out.blind += int(blind.sum())
        use = use & ~blind
    if not use.any():
        return
    picked = size[use]
    used = np.where(use, size, -1.0)
    largest = float(used.max())
    i = int(np.argmax(used >= _nearly(largest)))
    if out.largest is None or _nearly(largest) > out.largest:
        out.allowed_at_largest, out.largest_slack = float(r.standard[i]), float(e.slack[i])
    out.largest = max(largest, out.largest or 0.0)
    out.signed_sum += float(e.signed[use & (size > 0)].sum())
    out.measured += int(picked.size)
    positive = picked[picked > 0]
    if positive.size < picked.size:
        out.histogram[None] += int(picked.size - positive.size)
    if positive.size:
        bins = np.ceil(8 * np.log2(np.maximum(positive, 2.0**-1000))).astype(np.int64)
        lowest = int(bins.min())
        counts = np.bincount(bins - lowest)
        out.histogram.update({lowest + int(k): int(counts[k]) for k in np.flatnonzero(counts)})


def histogram_mapping(h: Mapping[int | None, int]) -> dict[int | None, int]:
    """Without empty bins."""
    return {k: v for k, v in h.items() if v}
