"""Values against enclosures: the level that each element earns, and with it the result.

Large results are judged in blocks, so that memory stays a small multiple of the array itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import Bound
from smxcheck.judge.errors import Errors, errors
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.oracle.enclosure import Enclosure, Expected, Kind

Array = npt.NDArray[Any]

_BLOCK = 1 << 18
_ULP1, _TIGHT, _STANDARD, _WRONG = (LEVEL_ORDER[level] for level in Level)
_LEVELS = tuple(Level)
_NUMBERS = (Kind.VALUE, Kind.VALUE_OR_NAN)


@dataclass(frozen=True)
class Allowance:
    """What the levels allow on one call; ``one_ulp_extra`` is added to 1 ulp, in units of the value (gradients)."""

    tight: Bound
    standard: Bound
    one_ulp_extra: Any = 0.0


@dataclass
class Accuracy:
    """What the values of one call earned. ``index`` is flat; errors in ulp."""

    level: Level = Level.ULP1
    judged: int = 0  # elements with a right answer
    index: int | None = None  # the worst element
    symptom: str = ""  # name of the check that the worst element fails, "" where none
    error: float | None = None
    allowed: float | None = None
    largest: float | None = None
    largest_at: int | None = None
    allowed_at_largest: float | None = None
    signed_sum: float = 0.0
    measured: int = 0
    flushed: int = 0
    histogram: Counter[int | None] = field(default_factory=Counter)
    undecided: bool = False
    tells: bool = False  # some element's bound would not accept 0
    _severity: float = -1.0


def _part(value: Any, shape: tuple[int, ...], block: slice) -> Any:
    if np.ndim(value) == 0:
        return value
    return np.broadcast_to(value, shape).reshape(-1)[block]


def _bound_block(bound: Bound, shape: tuple[int, ...], block: slice) -> Bound:
    return Bound(
        {k: _part(v, shape, block) for k, v in bound.relative.items()},
        {k: _part(v, shape, block) for k, v in bound.absolute.items()},
    )


def allowed_ulps(bound: Bound, e: Errors) -> Array:
    """The bound in ulp of the exact value."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scale = np.clip(-e.ulp_exponent, -4000, 4000)
        absolute = np.ldexp(np.broadcast_to(np.asarray(bound.total_absolute(), float), e.value.shape), scale)
        allowed = bound.total_relative() * np.abs(e.value) + absolute
    return np.where(np.isnan(allowed), np.inf, allowed)


def largest_term(bound: Bound, e: Errors, i: int) -> str:
    """The name of the term that contributes most at element ``i`` of a block."""
    sizes: dict[str, float] = {}
    with np.errstate(over="ignore", under="ignore"):
        for terms, scale in ((bound.relative, abs(float(e.value[i]))), (bound.absolute, None)):
            for name, term in terms.items():
                value = float(np.broadcast_to(term, e.value.shape)[i])
                shift = int(np.clip(-e.ulp_exponent[i], -4000, 4000))
                ulps = value * scale if scale is not None else float(np.ldexp(value, shift))
                sizes[name] = sizes.get(name, 0.0) + ulps
    return max(sizes, key=lambda k: sizes[k]) if sizes else ""


def _classify(size: Array, slack: Array, tight: Array, standard: Array, one: Array, flushed: Array) -> tuple[Array, Array]:
    """Levels when every doubt goes against the target, and when it goes for it.

    An error of exactly 1 ulp never decides: there the doubt always goes for it.
    """

    def level(of: Array) -> Array:
        worst = np.where((of <= standard) | flushed, _STANDARD, _WRONG)
        return np.where(size - slack <= one, _ULP1, np.where(of <= tight, _TIGHT, worst))

    return level(size + slack), level(size - slack)


def _blocks(size: int) -> Iterator[slice]:
    for start in range(0, size, _BLOCK):
        yield slice(start, min(start + _BLOCK, size))


def judge_values(got: Array, expected: Expected, allowance: Allowance, fmt: Format) -> Accuracy:
    """The level of every element of ``got`` (shape of ``expected``), and the worst one."""
    out = Accuracy()
    shape = expected.shape
    flat_got, kinds = np.asarray(got).reshape(-1), expected.kind.reshape(-1)
    enclosure = expected.enclosure.reshape((kinds.size,))
    for block in _blocks(kinds.size):
        part = enclosure.take(block)
        tight = _bound_block(allowance.tight, shape, block)
        standard = _bound_block(allowance.standard, shape, block)
        extra = _part(allowance.one_ulp_extra, shape, block)
        _judge_block(out, flat_got[block], kinds[block], part, tight, standard, extra, fmt, block.start)
    return out


def _judge_block(
    out: Accuracy, got: Array, kinds: Array, enclosure: Enclosure, tight: Bound, standard: Bound,
    extra: Any, fmt: Format, offset: int,
) -> None:  # fmt: skip
    got64 = got.astype(np.float64)
    nan = np.isnan(got64)
    number = np.isin(kinds, _NUMBERS) & ~((kinds == Kind.VALUE_OR_NAN) & nan)
    out.judged += int((kinds != Kind.FREE).sum())
    _judge_special(out, got64, kinds, offset)
    if not number.any():
        return
    e = errors(got64, enclosure, fmt)
    allowed_standard = np.maximum(allowed_ulps(standard, e), allowed_ulps(tight, e))
    allowed_tight = np.minimum(allowed_ulps(tight, e), allowed_standard)
    with np.errstate(over="ignore", under="ignore"):
        normal = np.ldexp(1.0, np.clip(fmt.e_min - e.ulp_exponent, -4000, 4000))
        one = 1.0 + np.ldexp(np.broadcast_to(np.asarray(extra, float), e.value.shape), np.clip(-e.ulp_exponent, -4000, 4000))
    may_flush = (np.abs(e.value) - allowed_standard < normal) & (fmt.name != "float16") & (enclosure.hi != 0)
    size = np.where(np.isnan(e.signed), np.inf, e.size)
    flushed = may_flush & (got64 == 0) & (size > np.maximum(allowed_standard, 1.0))
    against, favour = _classify(size, e.slack, allowed_tight, allowed_standard, one, flushed)
    against, favour = np.where(number, against, _ULP1), np.where(number, favour, _ULP1)
    out.undecided |= bool((against != favour).any())
    out.tells |= bool((number & (np.abs(e.value) > np.maximum(allowed_standard, 1.0)) & ~may_flush).any())
    worst = int(against.max(initial=_ULP1))
    if worst > LEVEL_ORDER[out.level]:
        out.level = _LEVELS[worst]
    _record_worst(out, against, size, allowed_standard, e, enclosure, got64, number & ~flushed, fmt, offset)
    out.flushed += int((flushed & number).sum())
    _record_statistics(out, size, e, number & ~flushed & np.isfinite(size), allowed_standard, offset)


def _judge_special(out: Accuracy, got: Array, kinds: Array, offset: int) -> None:
    """NaN and infinities that are right, and nan where a number is."""
    nan = np.isnan(got)
    tests: tuple[tuple[str, Array], ...] = (
        ("not-finite", (kinds == Kind.VALUE) & nan),
        ("infinite", (kinds == Kind.PLUS_INFINITY) & (got != np.inf)),
        ("infinite", (kinds == Kind.MINUS_INFINITY) & (got != -np.inf)),
        ("infinite", (kinds == Kind.PLUS_INFINITY_OR_NAN) & (got != np.inf) & ~nan),
        ("infinite", (kinds == Kind.MINUS_INFINITY_OR_NAN) & (got != -np.inf) & ~nan),
        ("nan", (kinds == Kind.NAN) & ~nan),
    )
    out.tells |= bool((np.isin(kinds, (Kind.NAN, Kind.PLUS_INFINITY, Kind.MINUS_INFINITY))).any())
    for symptom, bad in tests:
        if bad.any() and out._severity < np.inf:
            out._severity, out.level, out.symptom = np.inf, Level.WRONG, symptom
            out.index = offset + int(np.argmax(bad))
            out.error = out.allowed = None


def _record_worst(
    out: Accuracy, levels: Array, size: Array, allowed: Array, e: Errors, enclosure: Enclosure,
    got: Array, number: Array, fmt: Format, offset: int,
) -> None:  # fmt: skip
    """The worst element: of the worst level, the one that exceeds its bound most."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(number, size / np.maximum(allowed, 1.0), -1.0)
    ratio = np.where(levels == _WRONG, ratio + 1e6, ratio)
    ratio = np.where(np.isnan(ratio), np.inf, ratio)
    i = int(np.argmax(ratio))
    if ratio[i] <= out._severity or out._severity == np.inf:
        return
    out._severity = float(ratio[i])
    out.index, out.error, out.allowed = offset + i, float(size[i]), float(allowed[i])
    if levels[i] != _WRONG:
        return
    beyond = int(enclosure.exponent[i]) - 1 > fmt.e_max
    finite = bool(np.isfinite(got[i]))
    out.symptom = "infinite" if beyond else ("accuracy" if finite else "not-finite")


def _record_statistics(out: Accuracy, size: Array, e: Errors, use: Array, allowed: Array, offset: int) -> None:
    """Largest error, signed sum and histogram over the elements that are finite and not flushed."""
    if not use.any():
        return
    picked = size[use]
    i = int(np.argmax(np.where(use, size, -1.0)))
    if out.largest is None or size[i] > out.largest:
        out.largest, out.largest_at, out.allowed_at_largest = float(size[i]), offset + i, float(allowed[i])
    out.signed_sum += float(e.signed[use].sum())
    out.measured += int(use.sum())
    positive = picked[picked > 0]
    out.histogram[None] += int(picked.size - positive.size)
    keys, counts = np.unique(np.ceil(8 * np.log2(np.maximum(positive, 2.0**-1000))).astype(int), return_counts=True)
    out.histogram.update(dict(zip(keys.tolist(), counts.tolist(), strict=True)))


def histogram_mapping(h: Mapping[int | None, int]) -> dict[int | None, int]:
    """Without empty bins."""
    return {k: v for k, v in h.items() if v}
