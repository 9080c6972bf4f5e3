"""What the levels allow on one question, element by element in ulp: worked out once, held against every target.

Large results are measured in blocks, so that memory stays a small multiple of the array itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import Bound
from smxcheck.judge.errors import Scale, scale, times_power
from smxcheck.oracle.enclosure import Enclosure, Expected, Kind

Array = npt.NDArray[Any]

#: Elements per block.
BLOCK = 1 << 18
#: No bound in ulp is larger: an infinite error is beyond every bound.
MOST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Allowance:
    """What the levels allow on one call; ``one_ulp_extra`` is added to 1 ulp, in units of the value (gradients)."""

    tight: Bound
    standard: Bound
    one_ulp_extra: Any = 0.0


@dataclass(frozen=True)
class Reach:
    """Bounds in units of the value, for elements whose bound overflows when it is counted in ulp.

    Near the smallest subnormals of float64 a bound of 1e-13 is 2^1032 ulp, which is no float64. There `tight` and
    `standard` are cut to MOST/2 and MOST ulp, and an error that overflows counts as one or the other by its size.
    """

    value: Array
    tight: Array
    standard: Array

    def settle(self, size: Array, got: Array) -> Array:
        """Sizes in ulp, with those that overflowed but lie within a bound made finite."""
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.abs(got - self.value)
        within = np.where(distance <= self.tight, MOST / 2, np.where(distance <= self.standard, MOST, np.inf))
        return np.where(np.isinf(size) & np.isfinite(got), within, size)


@dataclass(frozen=True)
class Ruler:
    """One block of a question, flat: kinds, scale, and what `1ulp`, `tight` and `standard` allow in ulp."""

    offset: int
    kinds: Array
    scale: Scale
    number: Array  # a number is right here, or a number or nan
    all_numbers: bool  # nothing but VALUE
    one: Array | float
    tight: Array
    standard: Array
    may_flush: Array  # 0 is within reach of a flushed result
    tells: bool  # some element would not accept 0
    reach: Reach | None  # where a bound is too large to count in ulp
    special: bool  # there are nans or infinities that must come out


def _part(value: Any, shape: tuple[int, ...], block: slice) -> Any:
    if np.ndim(value) == 0:
        return value
    value = value if value.shape == shape else np.broadcast_to(value, shape)
    return value.reshape(-1)[block]


def bound_block(bound: Bound, shape: tuple[int, ...], block: slice) -> Bound:
    """The terms of a bound for one block of the flattened result."""
    return Bound(
        {k: _part(v, shape, block) for k, v in bound.relative.items()},
        {k: _part(v, shape, block) for k, v in bound.absolute.items()},
    )


def allowed_ulps(bound: Bound, on: Scale) -> Array:
    """The bound in ulp of the exact value."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        allowed = bound.total_relative() * np.abs(on.value)
        if bound.absolute:
            allowed = allowed + times_power(np.asarray(bound.total_absolute(), float), -on.ulp_exponent)
    return np.where(np.isnan(allowed), np.inf, allowed)


def largest_term(bound: Bound, on: Scale) -> str:
    """The name of the term that contributes most to a bound of one element."""
    sizes: dict[str, float] = {}
    with np.errstate(over="ignore", under="ignore"):
        for name, term in bound.relative.items():
            sizes[name] = float(np.reshape(term, -1)[0]) * abs(float(on.value[0]))
        for name, term in bound.absolute.items():
            ulps = float(times_power(np.reshape(np.asarray(term, float), -1)[:1], -on.ulp_exponent)[0])
            sizes[name] = sizes.get(name, 0.0) + ulps
    return max(sizes, key=lambda k: sizes[k]) if sizes else ""


_MUST_COME_OUT = (Kind.NAN, Kind.PLUS_INFINITY, Kind.MINUS_INFINITY)


def _rule(expected: Expected, allowance: Allowance, fmt: Format, block: slice) -> Ruler:
    shape, size = expected.shape, expected.kind.size
    kinds = expected.kind.reshape(-1)[block]
    enclosure = expected.enclosure.reshape((size,)).take(block)
    on = scale(enclosure, fmt)
    bounds = [bound_block(b, shape, block) for b in (allowance.tight, allowance.standard)]
    tight = allowed_ulps(bounds[0], on)
    standard = np.maximum(allowed_ulps(bounds[1], on), tight)
    reach = _reach(bounds, enclosure) if np.isinf(standard).any() else None
    tight, standard = np.minimum(tight, MOST / 2), np.minimum(standard, MOST)
    extra = _part(allowance.one_ulp_extra, shape, block)
    one: Array | float = 1.0
    if np.ndim(extra) or extra:
        one = 1.0 + times_power(np.asarray(extra, float), -on.ulp_exponent)
    all_numbers = bool((kinds == Kind.VALUE).all())
    number = (kinds == Kind.VALUE) | (kinds == Kind.VALUE_OR_NAN)
    if fmt.name == "float16":
        may_flush = np.zeros(kinds.shape, bool)
    else:
        normal = times_power(np.ones_like(on.value), fmt.e_min - on.ulp_exponent)
        may_flush = (np.abs(on.value) - standard < normal) & (enclosure.hi != 0)
    tells = number & (np.abs(on.value) > np.maximum(standard, 1.0)) & ~may_flush
    special = not all_numbers
    must = special and bool(np.isin(kinds, _MUST_COME_OUT).any())
    return Ruler(block.start, kinds, on, number, all_numbers, one, tight, standard, may_flush,
                 must or bool(tells.any()), reach, special)  # fmt: skip


def _reach(bounds: list[Bound], enclosure: Enclosure) -> Reach:
    value = enclosure.float64()
    with np.errstate(over="ignore", invalid="ignore"):
        tight, standard = (
            np.broadcast_to(b.total_relative() * np.abs(value) + b.total_absolute(), value.shape) for b in bounds
        )
    return Reach(value, tight, np.maximum(standard, tight))


def rulers(expected: Expected, allowance: Allowance, fmt: Format) -> Iterator[Ruler]:
    """The question in blocks."""
    size = expected.kind.size
    for start in range(0, size, BLOCK):
        yield _rule(expected, allowance, fmt, slice(start, min(start + BLOCK, size)))
