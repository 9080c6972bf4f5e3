"""How a case file writes a number: decimal, C99 hexadecimal, or a name whose value depends on the dtype."""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from smxcheck.caseset.model import CaseError
from smxcheck.dtypes import Format

#: A number that is the same in every dtype (until it is rounded to it), or factor times a name.
Numeral: TypeAlias = "float | tuple[float, str]"

_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[+-]?0x[0-9a-f]*\.?[0-9a-f]+p[+-]?[0-9]+")
_NAMED = re.compile(r"([+-]?)(?:([0-9.]+(?:e[+-]?[0-9]+)?)\*)?(max|tiny|subnormal|eps|below-one)")
_NOT_FINITE = {
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "nan": math.nan,
}

NAMES = 'inf, -inf, nan, or a sign and "max", "tiny", "subnormal", "eps", "below-one", with a factor as in 0.5*max'


def parse(written: object) -> Numeral:
    """Read one number.

    ``max`` is the largest finite number of the dtype, ``tiny`` the smallest normal, ``subnormal`` the smallest
    subnormal, ``eps`` = 2^(1-p) the gap above 1, ``below-one`` = 1 - eps/2.

    Raises CaseError for anything else, and for a finite number that float64 cannot hold.
    """
    if isinstance(written, bool):
        raise CaseError(f"{written} is not a number")
    if isinstance(written, float):
        return written
    if isinstance(written, int):
        return _finite(written, repr(written))
    if isinstance(written, str):
        return _parse_text(written.strip().lower())
    raise CaseError(f"{written!r} is not a number; write a number, a hexadecimal float, {NAMES}")


def _parse_text(text: str) -> Numeral:
    if text in _NOT_FINITE:
        return _NOT_FINITE[text]
    if _DECIMAL.fullmatch(text):
        return _finite(text, text)
    if _HEXADECIMAL.fullmatch(text):
        try:
            return float.fromhex(text)
        except OverflowError:
            raise CaseError(f"{text} is beyond the largest float64") from None
    if found := _NAMED.fullmatch(text):
        sign, factor, name = found.groups()
        scale = _finite(factor or "1", text)
        if name == "max" and scale > 1:
            raise CaseError(f"{text} is not finite in any dtype")
        return (-scale if sign == "-" else scale, name)
    raise CaseError(f"{text!r} is not a number; write a number, a hexadecimal float, {NAMES}")


def _finite(written: int | str, text: str) -> float:
    try:
        value = float(written)
    except (OverflowError, ValueError):
        value = math.inf
    if not math.isfinite(value):
        raise CaseError(f"{text} is beyond the largest float64; write inf where an infinity is meant")
    return value


def resolve(numeral: Numeral, fmt: Format) -> float:
    """The value in ``fmt``, before it is rounded to it."""
    if isinstance(numeral, float):
        return numeral
    factor, name = numeral
    values = {
        "max": fmt.largest,
        "tiny": fmt.smallest_normal,
        "subnormal": fmt.smallest_subnormal,
        "eps": 2 * fmt.u,
        "below-one": 1 - fmt.u,
    }
    return factor * values[name]


def magnitude(numeral: Numeral) -> float:
    """|x| of a finite number; 0 where the dtype does not matter (infinities, nan, names)."""
    return abs(numeral) if isinstance(numeral, float) and math.isfinite(numeral) else 0.0


def is_finite_in(size: float, fmt: Format) -> bool:
    """Whether a number of magnitude ``size`` rounds to a finite number (IEEE 754, 4.3.1: to nearest)."""
    threshold = (2.0 - 2.0**-fmt.precision) * 2.0**fmt.e_max if fmt.name != "float64" else math.inf
    return size < threshold
