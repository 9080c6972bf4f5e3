"""The result of every function of this package: a value and a proven bound on its error."""

from __future__ import annotations

from dataclasses import dataclass

from mpmath import mpf


@dataclass(frozen=True, slots=True)
class Ball:
    """All y with ``|y - value| <= error``; the exact answer is one of them.

    Both are mpf numbers. ``error`` is rounded up wherever it is formed. An infinite value has error 0: it is the
    exact answer, not one that was too large to hold (exponents here have no limit).
    """

    value: mpf
    error: mpf
