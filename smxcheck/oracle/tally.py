"""How many elements each tier answered in this process, for the report."""

from __future__ import annotations

from collections import Counter

#: Tiers by the arithmetic that decided, most trusted last.
SINGLE, DOUBLE, REFERENCE = "float64", "double-double", "mpmath"
TIERS = (SINGLE, DOUBLE, REFERENCE)

_counts: Counter[str] = Counter()


def count(tier: str, elements: int) -> None:
    if elements:
        _counts[tier] += elements


def take() -> dict[str, int]:
    """What was counted since the last call, by tier."""
    taken = {tier: _counts[tier] for tier in TIERS if _counts[tier]}
    _counts.clear()
    return taken
