"""Where the exact values came from, and what a second arithmetic says of them, in sentences that all formats share."""

from __future__ import annotations

from smxcheck.judge.result import Recheck, Report
from smxcheck.report.numbers import plural, thousands

#: Each tier of the oracle as the reader meets it, after its number of elements.
_TIERS = {
    "float64": "from float64",
    "double-double": "from pairs of float64",
    "mpmath": "from mpmath",
}
_MOST_NAMES = 4


def exact_values(report: Report) -> str:
    """``exact values: 1,203,456 from float64, 3,012 from mpmath, each with a proven bound``; empty where none are counted."""
    parts = [f"{thousands(number)} {_TIERS.get(tier, tier)}" for tier, number in report.oracle.items()]
    return f"exact values: {', '.join(parts)}, each with a proven bound" if parts else ""


def rechecked(report: Report) -> str:
    """``recheck: 2,000 exact values of 33 functions compared with Arb …``; empty where there was no recheck."""
    return "" if report.recheck is None else f"recheck: {_compared(report.recheck)}{_left_out(report.recheck)}"


def wrong_enclosures(report: Report) -> list[str]:
    """A sentence for each exact value that was not one."""
    misses = () if report.recheck is None else report.recheck.misses
    return [f"WRONG EXACT VALUE, a fault of smxcheck: {text}" for text in misses]


def _compared(found: Recheck) -> str:
    """A value agrees where its bound holds all that Arb leaves possible."""
    holding = f"{thousands(found.held)} {'agrees' if found.held == 1 else 'agree'} within the bounds"
    missing = f"{thousands(len(found.misses))} {'does' if len(found.misses) == 1 else 'do'} not"
    what = f"{plural(found.compared, 'exact value')} of {plural(found.functions, 'function')}"
    return f"{what} compared with {found.library}: {holding}, {missing}, {thousands(found.undecided)} Arb could not decide"


def _left_out(found: Recheck) -> str:
    """The functions that have no formula in Arb."""
    if not found.left_out:
        return ""
    some = len(found.left_out) <= _MOST_NAMES
    return (
        f"; not rechecked: {', '.join(found.left_out) if some else plural(len(found.left_out), 'function')}"
    )
