"""Every input of a 16-bit format, and the judging that all runs over numbers share.

Functions of one number are asked for x, functions of a row for the columns [0, x], along axis 0, the layout in which
libraries are fastest: with two entries in a row both layouts give the same results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from smxcheck.dtypes import FORMATS, Format
from smxcheck.hunt.model import ALL, NUMBERS, OF_PAIRS, TWO_CLASS, Entry, Worst
from smxcheck.hunt.question import REFERENCE_BITS, Array, hex_of
from smxcheck.hunt.score import score
from smxcheck.oracle import Expected, Kind, expect
from smxcheck.targets.protocol import Call, Session

ZERO = "0x0.0p+0"

#: Of a whole batch: enough to tell errors of float32 results to 2^-50 ulp.
BITS = 80


def question(function: str, x: Array) -> Call:
    """The function of all numbers ``x``, or of all columns [0, x]."""
    if function in NUMBERS:
        return Call(function, (x,))
    return Call(function, (np.stack([np.zeros_like(x), x]),), {"axis": 0})


def domain(function: str) -> str:
    """What all inputs are, in words."""
    return ALL if function in NUMBERS else TWO_CLASS


def every(dtype: str) -> Array:
    """All 65,536 values, NaNs and infinities too."""
    return np.arange(1 << 16, dtype=np.uint16).view(FORMATS[dtype].numpy())


def scan(function: str, dtype: str, sessions: Mapping[str, Session]) -> list[Entry]:
    """The largest error of each target over all inputs of a 16-bit format."""
    x = every(dtype)
    found = []
    for name, session in sessions.items():
        got = answer(session, function, x)
        if isinstance(got, str):
            found.append(Entry(name, function, dtype, domain(function), reason=got))
            continue
        worst, wrong, example = judged(function, x, got, FORMATS[dtype])
        found.append(Entry(
            name, function, dtype, domain(function), x.size, got.size, worst, {}, wrong, example,
            returned=other_dtype(got, FORMATS[dtype]),
        ))  # fmt: skip
    return found


def other_dtype(got: Array, fmt: Format) -> str:
    """The name of the results' dtype where it is not that of the inputs."""
    return "" if got.dtype == fmt.numpy() else str(got.dtype)


def answer(session: Session, function: str, x: Array) -> Array | str:
    """The results for the numbers ``x``, (m,) or (2, m), or why there are none."""
    seen = session.call(question(function, x))
    if seen.outcome != "returned":
        return " ".join(f"{seen.outcome}: {seen.error}".split())
    shape = (2, x.size) if function in OF_PAIRS else x.shape
    if np.shape(seen.value) != shape:
        return f"returned shape {np.shape(seen.value)} where {shape} is right"
    return np.asarray(seen.value)


def judged(function: str, x: Array, got: Array, fmt: Format) -> tuple[dict[str, Worst], int, Worst | None]:
    """The worst result of each category, how many have no digit right, and the first of those.

    NaN must give NaN, an infinity its limit; where that is a choice (softmax of an infinity) anything goes.
    """
    expected = _expected(function, x, BITS)
    scored = score(got, expected.enclosure, fmt)
    value = expected.kind == Kind.VALUE
    worst = {}
    for category, mask in scored.categories.items():
        chosen = mask & value
        if chosen.any():
            worst[category] = _alone(
                function, x, got, fmt, int(np.where(chosen, scored.error, -1.0).argmax())
            )
    wrong = np.where(value, scored.wrong, ~_special_right(got, expected.kind))
    example = None
    if wrong.any():
        example = replace(_alone(function, x, got, fmt, int(wrong.argmax())), error=float("inf"))
    return worst, int(wrong.sum()), example


def _expected(function: str, x: Array, bits: int) -> Expected:
    call = question(function, x)
    with np.errstate(invalid="ignore"):  # a signalling NaN turns quiet when it is widened
        return expect(function, call.arguments, call.keywords, bits)


def _special_right(got: Array, kind: Array) -> Array:
    """Whether a result is the NaN or the infinity that is right there, or there is no single right answer."""
    with np.errstate(invalid="ignore"):
        wide = got.astype(np.float64)
    return np.select(
        [kind == Kind.NAN, kind == Kind.PLUS_INFINITY, kind == Kind.MINUS_INFINITY],
        [np.isnan(wide), wide == np.inf, wide == -np.inf],
        default=True,
    )


def _alone(function: str, x: Array, got: Array, fmt: Format, place: int) -> Worst:
    """The result at ``place``, judged once more, by smxref."""
    element, number = divmod(place, x.size)
    expected = _expected(function, x[number : number + 1], REFERENCE_BITS)
    scored = score(got.reshape(-1, x.size)[:, number].reshape(expected.shape), expected.enclosure, fmt)
    row = (float(x[number]).hex(),) if function in NUMBERS else (ZERO, float(x[number]).hex())
    kind = expected.kind.flat[element]
    exact = hex_of(expected.enclosure.reshape((-1,)), element) if kind == Kind.VALUE else _SPECIAL[kind]
    return Worst(float(scored.error.flat[element]), {"x": row}, element, float(got.flat[place]).hex(), exact)


_SPECIAL = {Kind.NAN: "nan", Kind.PLUS_INFINITY: "inf", Kind.MINUS_INFINITY: "-inf"}
