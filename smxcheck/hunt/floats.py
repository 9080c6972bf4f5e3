"""Every float32 input of a function of one number, and of logsumexp([0, x]): the largest error there is.

**Why the maximum is right.** For an input whose result is g and whose float64 value is v (`truth`), the exact y has
|v - y| ≤ 8·2^-53·|y|. With U the ulp at |v|(1 - 2^-49), which is at most ulp(y), |y| ≤ 2^24·U·(1 + 2^-40), so

    error(g) = |g - y|/ulp(y) ≤ |g - v|/U + 2^-26·(1 + 2^-40) + rounding < (|g - v|/U)·(1 + 2^-49) + 2^-25.

Inputs whose upper bound is above the largest certified error so far are asked of smxref, the greatest bounds first, until
none is left: every other input is then proven to err by no more. Where thousands of inputs share one error, to within the
bound, they are not all asked; ``ceiling`` then holds the largest bound left (up to twice the error next to a power of two,
where U may be half an ulp).

A result that equals the rounding of v is screened by |rounding(v) - v|/U, once for all targets. In ranges where the
rounding is constant (`truth`), a result that equals it errs by at most 1/6 ulp, most at an end of the shard, and
the two ends are asked. The target itself is called for every input, 65,536 at a time.

NaN must give NaN; ±inf its limit, 0, 1 or ±inf, exactly; the sign of a zero is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from smxcheck.dtypes import FORMATS, Format
from smxcheck.hunt import truth
from smxcheck.hunt.model import NORMAL, SHARD_INPUTS, SUBNORMAL, Entry, Worst
from smxcheck.hunt.narrow import answer, domain, judged, other_dtype, question
from smxcheck.hunt.question import Array
from smxcheck.oracle import enclose
from smxcheck.targets.protocol import Session

FORMAT = FORMATS["float32"]
CHUNK = 1 << 16
#: What the bound of an error is above what was computed, in ulp.
SLACK = 2.0**-25
#: Inputs asked of smxref at a time, and the most for one chunk, target and category.
ASKED, MOST_ASKED = 32, 512
#: Inputs of a shard at which the float64 values are held against smxref.
DRAWN = 64


@dataclass
class Record:
    """The largest errors of one target so far."""

    target: str
    entry: Entry
    largest: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Screen:
    """What is known of a chunk before any target is asked.

    ``rounding``: what exact values round to, None for infinities and NaNs; ``value``: the values in float64, empty where
    the rounding is constant; ``bound``: of the error of the rounding, infinite for inputs that are asked in any case;
    ``present``: the categories of the exact values.
    """

    rounding: Array | None
    value: Array
    bound: Array
    present: tuple[str, ...]


def scan(
    function: str, shard: int, sessions: Mapping[str, Session], seed: int = 0, count: int = SHARD_INPUTS
) -> list[Entry]:
    """The entries of all targets for the first ``count`` inputs of one shard.

    Raises ArithmeticError where the float64 values of this platform are further off than `truth.GRANTED`.
    """
    records = [
        Record(name, Entry(name, function, "float32", domain(function), shards=(shard,))) for name in sessions
    ]
    _check_grant(function, shard, seed)
    for start in range(0, count, CHUNK):
        x = truth.inputs(shard, start, min(CHUNK, count - start))
        screen = _screen(function, shard, x, (start == 0, start + CHUNK >= count))
        for record in records:
            if not record.entry.reason:
                _ask(function, record, sessions[record.target], x, screen)
    return [record.entry for record in records]


def _ask(function: str, record: Record, session: Session, x: Array, screen: Screen) -> None:
    got = answer(session, function, x)
    if isinstance(got, str):
        record.entry = replace(record.entry, reason=got)
        return
    size, returned = record.entry.inputs + x.size, other_dtype(got, FORMAT)
    record.entry = replace(record.entry, inputs=size, elements=size, returned=returned)
    if screen.rounding is None:
        found, wrong, example = judged(function, x, got, FORMAT)
        for category in found:
            _take(record, category, found)
        _take_wrong(record, wrong, example)
    else:
        _settle(function, record, x, got, screen)


def _screen(function: str, shard: int, x: Array, ends: tuple[bool, bool]) -> Screen:
    nothing = np.empty(0)
    if shard % 256 == truth.SPECIAL:
        return Screen(None, nothing, nothing, ())
    rounding = truth.constant(function, shard, x)
    if rounding is not None:
        bound = np.full(x.shape, -np.inf)
        bound[[0, -1]] = np.where(ends, np.inf, -np.inf)
        return Screen(rounding, nothing, bound, (SUBNORMAL if rounding[0] == 0 else NORMAL,))
    value = truth.VALUES[function](x.astype(np.float64))
    rounding = value.astype(np.float32)
    normal = np.abs(value) >= FORMAT.smallest_normal
    present = tuple(c for c, some in ((NORMAL, normal.any()), (SUBNORMAL, not normal.all())) if some)
    return Screen(rounding, value, upper_bound(rounding, value), present)


def upper_bound(got: Array, value: Array, fmt: Format = FORMAT) -> Array:
    """What the error of ``got`` in ulp does not exceed, for exact values within `truth.GRANTED` of ``value``.

    For float32 and narrower formats, whose slack is less.
    """
    exponent = np.frexp(np.abs(value) * (1 - 2.0**-49))[1] - 1
    ulp_exponent = np.maximum(exponent, fmt.e_min) - fmt.precision + 1
    return np.asarray(
        np.ldexp(np.abs(got.astype(np.float64) - value), -ulp_exponent) * (1 + 2.0**-49) + SLACK
    )


def _settle(function: str, record: Record, x: Array, got: Array, screen: Screen) -> None:
    """Everything of one chunk that could be the largest error goes into the record."""
    least = min(record.largest.get(category, -1.0) for category in screen.present)
    at = np.flatnonzero((got != screen.rounding) | (screen.bound > least))
    if not len(at):
        return
    x, got = x[at], got[at]
    value = screen.value[at] if screen.value.size else truth.VALUES[function](x.astype(np.float64))
    with np.errstate(invalid="ignore"):
        bound = np.where(screen.bound[at] == np.inf, np.inf, upper_bound(got, value))
    normal = np.abs(value) >= FORMAT.smallest_normal
    wrong = ~np.isfinite(got) | ((got == 0) & normal)
    if wrong.any():
        _take_wrong(record, int(wrong.sum()), judged(function, x[wrong][:1], got[wrong][:1], FORMAT)[2])
    for category, mask in ((NORMAL, normal & ~wrong), (SUBNORMAL, ~normal & ~wrong)):
        _climb(function, record, category, x[mask], got[mask], bound[mask])


def _climb(function: str, record: Record, category: str, x: Array, got: Array, bound: Array) -> None:
    """Ask by falling bound until no bound is above what is certified."""
    hopeful = np.flatnonzero(bound > record.largest.get(category, -1.0))
    order = hopeful[np.argsort(-bound[hopeful])]
    most = ASKED if category in record.entry.ceiling else MOST_ASKED
    for start in range(0, len(order), ASKED):
        highest = float(bound[order[start]])
        if highest <= record.largest.get(category, -1.0):
            return
        if start >= most:
            known = record.entry.ceiling.get(category, 0.0)
            ceiling = {**record.entry.ceiling, category: max(known, highest)}
            record.entry = replace(record.entry, ceiling=ceiling)
            return
        some = order[start : start + ASKED]
        _take(record, category, judged(function, x[some], got[some], FORMAT)[0])


def _take(record: Record, category: str, found: Mapping[str, Worst]) -> None:
    worst = found.get(category)
    if worst is not None and worst.error > record.largest.get(category, -1.0):
        record.largest[category] = worst.error
        record.entry = replace(record.entry, worst={**record.entry.worst, category: worst})


def _take_wrong(record: Record, wrong: int, example: Worst | None) -> None:
    record.entry = replace(
        record.entry, wrong=record.entry.wrong + wrong, example=record.entry.example or example
    )


def _check_grant(function: str, shard: int, seed: int) -> None:
    """Raises ArithmeticError where a float64 value is further from the exact one than `truth.GRANTED`."""
    if not truth.SMALL <= shard % 256 < truth.LARGE:
        return
    places = np.random.default_rng([seed, shard]).integers(0, SHARD_INPUTS, DRAWN)
    x = np.concatenate([truth.inputs(shard, int(place), 1) for place in places])
    for point, value in _far_from_exact(function, x):
        raise ArithmeticError(
            f"float64 {function}({point!r}) = {value!r} on this platform errs by more than 8u"
        )


def _far_from_exact(function: str, x: Array) -> Iterator[tuple[float, float]]:
    value = truth.VALUES[function](x.astype(np.float64))
    call = question(function, x.astype(np.float64))
    exact = enclose(function, *call.arguments, bits=80, **call.keywords).reshape(x.shape)
    scaled = np.ldexp(value, -exact.exponent)
    off = np.abs((scaled - exact.hi) - exact.lo) > truth.GRANTED * np.abs(exact.hi)
    yield from ((float(a), float(b)) for a, b in zip(x[off], value[off], strict=True))
