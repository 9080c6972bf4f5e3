"""Figures of times as text, the same in every table and sentence: three significant digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import quantiles
from typing import Protocol

from smxcheck.report.numbers import at_least, in_ulp, seconds

#: From the best level to none at all; "" is a right value that has no level.
LEVELS = ("", "1ulp", "tight", "standard", "wrong")
_LEVEL_WORDS = {"1ulp": "1 ulp", "wrong": "WRONG"}
#: Units and what they hold of the basic one, the largest first.
_TIMES = (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9))
_BYTES = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("bytes", 1.0))
_COUNTS = (("G", 1e9), ("M", 1e6), ("k", 1e3), ("", 1.0))
#: Below this a time is told in seconds with three digits, from here on in minutes.
_MINUTES = 99.95
#: Figures outside are told as 1.23e-07.
_LEAST, _MOST = 1e-3, 1e9


class Estimate(Protocol):
    """A value and its interval of 95 % confidence."""

    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


def figure(value: float) -> str:
    """Three significant digits, whole numbers with thousands: ``0.462``, ``12.3``, ``11,204``."""
    if value and math.isfinite(value) and not _LEAST <= abs(value) < _MOST:
        return f"{value:.2e}"
    if value >= 99.95 or math.isnan(value):
        return f"{value:,.0f}"
    if value <= 0:
        return "0"
    exponent = int(f"{value:.2e}".partition("e")[2])  # of the rounded value: 9.996 is 10.0, not 10.00
    return f"{value:.{2 - exponent}f}"


def known(value: float | None) -> str:
    """Three significant digits, ``-`` where it is not known."""
    return "-" if value is None else figure(value)


def interval(found: Estimate | None) -> str:
    """``2.41 (2.35–2.48)``, the estimate and its interval of 95 %; ``-`` where there is none."""
    if found is None:
        return "-"
    if found.low == found.high:
        return figure(found.value)
    return f"{figure(found.value)} ({figure(found.low)}–{figure(found.high)})"


def percent(share: float) -> str:
    """``23 %``, ``2.5 %``: two digits, whole from ten on. A share of 0.23 is 23 %."""
    points = 100 * share
    return f"{points:.0f} %" if abs(points) >= 9.95 else f"{points:.2g} %"


def seconds_text(value: float) -> str:
    """``45.0 ns``, ``3.10 µs``, ``18.2 ms``, ``12.3 s``, ``2 min 5 s``: the unit in which the figure is 1 or more."""
    return seconds(value) if value >= _MINUTES else _scaled(value, _TIMES)


def range_text(low: float, high: float) -> str:
    """``2.68–2.75 ms``: both ends in the unit of the lower one."""
    unit, size = _unit(low, _TIMES)
    return f"{figure(low / size)}–{figure(high / size)} {unit}"


def bytes_text(count: int | None) -> str:
    """``31.2 MB``, of 10^6 bytes each; ``-`` where it is not known."""
    return "-" if count is None else _scaled(count, _BYTES) if count else "0 bytes"


def rate_text(each_second: float) -> str:
    """``1.32 G``: how many in a second."""
    return _scaled(each_second, _COUNTS).strip()


def accuracy(worst: float | None, level: str) -> str:
    """``≥ 63.1 ulp, standard``: the largest error that was met, and the level that it earns."""
    told = [] if worst is None else [in_ulp(at_least(worst))]
    return ", ".join([*told, *([_LEVEL_WORDS.get(level, level)] if level else [])]) or "-"


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """The first and the third, by linear interpolation between the values."""
    if len(values) == 1:
        return values[0], values[0]
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third


def _scaled(value: float, units: Sequence[tuple[str, float]]) -> str:
    unit, size = _unit(value, units)
    return f"{figure(value / size)} {unit}"


def _unit(value: float, units: Sequence[tuple[str, float]]) -> tuple[str, float]:
    """The largest unit of which there is one, to three digits; else the smallest."""
    return next((u for u in units if value >= 0.9995 * u[1]), units[-1])
