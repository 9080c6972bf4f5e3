"""Numbers and arrays in words, for messages: what was got, what is right, at which element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import smxref
from smxcheck.judge.accuracy import Accuracy
from smxcheck.oracle.enclosure import Expected, Kind

if TYPE_CHECKING:
    from smxcheck.judge.call import Question

Array = npt.NDArray[Any]

#: Arrays up to this size are printed whole.
_WHOLE = 6

#: Why a value is wrong that has no distance from the right one.
NOT_FINITE = "not a finite number where one is right"
NOT_INFINITE = "not the infinity that is right"
NOT_NAN = "a number where only nan is right"

_KIND_TEXT = {
    Kind.PLUS_INFINITY: "inf",
    Kind.MINUS_INFINITY: "-inf",
    Kind.NAN: "nan",
    Kind.MINUS_INFINITY_OR_NAN: "-inf",
    Kind.PLUS_INFINITY_OR_NAN: "inf",
    Kind.FREE: "no single answer",
}


def number(v: float) -> str:
    """Eight significant digits, integers without a point."""
    return f"{v:.8g}"


def _nested(texts: Any) -> str:
    if isinstance(texts, list):
        return "[" + ", ".join(_nested(t) for t in texts) + "]"
    return str(texts)


def array_text(values: Array, index: tuple[int, ...] = ()) -> str:
    """A small array whole; of a larger one the element at ``index`` with its place."""
    flat = np.asarray(values)
    if flat.size <= _WHOLE and flat.ndim <= 2:
        texts = np.array([number(float(v)) for v in flat.reshape(-1)], dtype=object).reshape(flat.shape)
        return _nested(texts.tolist())
    if not index or len(index) != flat.ndim:
        return f"{flat.dtype} array of shape {flat.shape}"
    return f"{number(float(flat[index]))} at {_place(index)}"


def _place(index: tuple[int, ...]) -> str:
    return f"[{', '.join(str(i) for i in index)}]"


def got_text(values: Array, index: tuple[int, ...]) -> str:
    """What the target returned."""
    return array_text(values, index)


def hex_text(values: Array, index: tuple[int, ...]) -> str:
    """The worst element in hexadecimal, exact."""
    flat = np.asarray(values)
    if flat.size == 0 or (flat.ndim and len(index) != flat.ndim):
        return ""
    return float(flat[index] if flat.ndim else flat).hex()


def _exact_texts(expected: Expected, digits_wanted: int) -> Array:
    """Numbers in as many digits as are wanted and proven, 0 where only the size is known."""
    e = expected.enclosure
    out = np.empty(expected.kind.size, dtype=object)
    parts = (a.reshape(-1) for a in (expected.kind, e.hi, e.lo, e.exponent, e.bound))
    for i, (kind, hi, lo, exponent, bound) in enumerate(zip(*parts, strict=True)):
        known = _KIND_TEXT.get(Kind(int(kind)))
        proven = float(bound) if hi else 0.0
        out[i] = known or smxref.decimal_string((float(hi), float(lo), int(exponent), proven), digits_wanted)
    return out.reshape(expected.shape)


def right_text(question: Question, index: tuple[int, ...] = (), narrow: Expected | None = None) -> str:
    """What is right, like ``got_text``: eight digits. ``narrow``: enclosures better than those of the question."""
    expected = narrow or question.expected
    if expected.kind.size <= _WHOLE and expected.kind.ndim <= 2:
        return _nested(_exact_texts(expected, 8).tolist())
    if not index:
        return f"array of shape {expected.shape}"
    one = _element(expected, index)
    return f"{_exact_texts(one, 8)[()]} at {_place(index)}"


def _element(expected: Expected, index: tuple[int, ...]) -> Expected:
    return Expected(np.asarray(expected.kind[index]), expected.enclosure.take(index).reshape(()))


def digits(expected: Expected, index: tuple[int, ...], wanted: int = 30) -> str:
    """The exact value at ``index`` in 30 digits (an enclosure holds 106 bits), or as many as it proves."""
    if expected.kind.ndim and len(index) != expected.kind.ndim:
        return ""
    return str(_exact_texts(_element(expected, index) if index else expected, wanted)[()])


def proves(expected: Expected, index: tuple[int, ...], bits: int) -> bool:
    """Whether the value at ``index`` is enclosed to 2^-bits."""
    if expected.kind.ndim and len(index) != expected.kind.ndim:
        return True  # no element is shown
    return bool(np.max(expected.enclosure.bound[index], initial=0.0) <= 2.0**-bits)


def complaint(found: Accuracy) -> str:
    """Why the worst element is wrong."""
    match found.symptom:
        case "not-finite":
            return NOT_FINITE
        case "infinite":
            return NOT_INFINITE
        case "nan":
            return NOT_NAN
    if found.from_zero:
        off, allowed = found.from_zero
        return f"off by {off:.2g} where 0 is right and {allowed:.2g} allowed"
    return f"error {ulps(found.error)} ulp, {ulps(found.allowed)} ulp allowed"


def ulps(value: float | None) -> str:
    """Three significant digits."""
    if value is None:
        return "?"
    if 999.5 <= value < 1e6:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}" if value < 1e6 else f"{value:.1e}".replace("e+", "e")
