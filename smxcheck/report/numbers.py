"""Numbers as text. A rounded figure never claims more than was found: the direction of rounding is part of
the call.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

_DIGITS = 3
_NOTHING = "-"


def _significant(value: float, rounding: str, digits: int = _DIGITS) -> str:
    """``value`` to ``digits`` significant digits; plain notation from 0.001 to 999,999, else 1.23e7."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return decimal_text(Context(prec=digits, rounding=rounding).create_decimal(Decimal(value)))


def decimal_text(rounded: Decimal) -> str:
    """Plain notation from 0.001 to 999,999, else 1.23e7."""
    if rounded == 0:
        return "0"
    exponent = rounded.adjusted()
    if -3 <= exponent < 6:
        fixed = f"{rounded:,f}"
        return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed
    mantissa = f"{rounded.scaleb(-exponent).normalize():f}"
    return f"{mantissa}e{exponent}"


def rounded_down(value: float) -> str:
    """Three significant digits, towards -inf: the text is at most the value."""
    return _significant(value, ROUND_FLOOR)


def rounded_up(value: float) -> str:
    """Three significant digits, towards +inf: the text is at least the value."""
    return _significant(value, ROUND_CEILING)


def at_least(value: float | None) -> str:
    """A maximum found by sampling, which is a lower bound of the true one: ``≥ 63.1``; 0 stays ``0``."""
    if value is None:
        return _NOTHING
    return f"≥ {rounded_down(value)}" if value > 0 and math.isfinite(value) else rounded_down(value)


def at_most(value: float | None) -> str:
    """A quantile known by the upper edge of its bin: ``≤ 4.36``."""
    if value is None:
        return _NOTHING
    return f"≤ {rounded_up(value)}" if value > 0 and math.isfinite(value) else rounded_up(value)


def allowed(value: float | None) -> str:
    """A bound, rounded down as the error beside it is, so that an error within its bound never reads as
    larger.
    """
    return _NOTHING if value is None else rounded_down(value)


def signed(value: float | None) -> str:
    """A mean with its sign, two digits: ``+0.012``."""
    if value is None:
        return _NOTHING
    text = _significant(value, ROUND_HALF_EVEN, digits=2)
    return f"+{text}" if value > 0 else text


def in_ulp(text: str) -> str:
    """``text`` with its unit, where it is a figure."""
    return text if text in (_NOTHING, "nan") else f"{text} ulp"


def thousands(number: int) -> str:
    return f"{number:,}"


def plural(number: int, noun: str, plural_noun: str = "") -> str:
    """``1 result``, ``1,712 results``."""
    return f"{thousands(number)} {noun if number == 1 else plural_noun or noun + 's'}"


def seconds(value: float) -> str:
    """``4.2 ms``, ``18.2 s``, ``2 min 5 s``."""
    if value < 0.9995:
        return f"{value * 1000:.3g} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    whole = round(value)
    return f"{whole // 60} min {whole % 60} s"


def listed(names: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
