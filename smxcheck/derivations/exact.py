"""Exact values of the catalog's functions, as numbers and as text, and whether a float is right beside one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.formula.evaluate import context
from smxcheck.oracle import Expected, Kind, enclose, expect

Array = npt.NDArray[Any]

#: Bits to which values are enclosed: what an enclosure can hold, 31 digits.
BITS = 105

#: Units in the last place within which a float counts as right: a sum of a few terms, each rounded a few times, keeps
#: within it, and what is shown as wrong here is off by far more.
RIGHT_ULP = 8

#: Digits of what a program gives and of the exact value beside it.
SHOWN = 6

_WORDS = {
    Kind.PLUS_INFINITY: "inf", Kind.MINUS_INFINITY: "-inf", Kind.NAN: "nan", Kind.VALUE_OR_NAN: "nan",
    Kind.MINUS_INFINITY_OR_NAN: "-inf", Kind.PLUS_INFINITY_OR_NAN: "inf", Kind.FREE: "no limit",
}  # fmt: skip


def values(function: str, arguments: tuple[Array, ...], keywords: Mapping[str, Any], digits: int = 40) -> list[Any]:
    """The exact values, flattened, as numbers of `smxcheck.formula.evaluate.context`; each right to 2^-105 relative."""
    found = enclose(function, *arguments, bits=BITS, **keywords)
    return [_number(*entry, digits) for entry in zip(found.hi.flat, found.lo.flat, found.exponent.flat, strict=True)]


def _number(hi: float, lo: float, exponent: int, digits: int) -> Any:
    own = context(digits)
    return own.ldexp(own.mpf(float(hi)) + own.mpf(float(lo)), int(exponent))


def shown(array: Array) -> str:
    """A number as 0.731059, a vector with commas, a matrix with its rows separated by semicolons."""
    if array.ndim == 2:
        return "; ".join(map(shown, array))
    return ", ".join(f"{float(value) + 0.0:.{SHOWN}g}" for value in np.atleast_1d(array))


def beside(function: str, arguments: tuple[Array, ...], got: Array) -> tuple[str, bool]:
    """The exact value in SHOWN digits, laid out as ``got`` is, and whether ``got`` is right: see RIGHT_ULP."""
    expected = expect(function, arguments)
    if expected.must_raise:
        return "none: the label is no class", False
    exact = _texts(expected)
    right = all(_right(g, e) for g, e in zip(np.ravel(got), _floats(expected, got.dtype), strict=True))
    if got.ndim == 2:
        return "; ".join(", ".join(row) for row in np.reshape(np.array(exact), got.shape)), right
    return ", ".join(exact), right


def _texts(expected: Expected) -> list[str]:
    entries = zip(expected.kind.flat, expected.enclosure.hi.flat, expected.enclosure.lo.flat, expected.enclosure.exponent.flat, strict=True)
    return [_WORDS.get(Kind(kind)) or _text(_number(hi, lo, exponent, 20)) for kind, hi, lo, exponent in entries]


def _text(value: Any) -> str:
    """As Python's %g prints it, beyond the range of floats too."""
    if value == 0 or 1e-300 < abs(value) < 1e300:
        return f"{float(value):.{SHOWN}g}"
    text = str(value.context.nstr(value, SHOWN, strip_zeros=True))
    return text.replace(".0e", "e")


def _floats(expected: Expected, dtype: np.dtype[Any]) -> Array:
    """The exact values rounded to a dtype, which is all that a program could give."""
    with np.errstate(over="ignore", under="ignore"):
        rounded: Array = expected.enclosure.float64().astype(dtype).ravel()
    return rounded


def _right(got: Any, exact: Any) -> bool:
    return bool(np.isfinite(got) and abs(got - exact) <= RIGHT_ULP * np.spacing(abs(exact)))
