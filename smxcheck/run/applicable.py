"""Whether a case can be put to a callable, and with which keywords in force."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.targets.protocol import Offer


@dataclass(frozen=True)
class Lacking:
    """A keyword that a callable lacks: it is tested at one value."""

    function: str
    keyword: str
    value: str


def sentences(lacking: Iterable[Lacking]) -> tuple[str, ...]:
    """``axis of softmax, log_softmax: tested at -1 alone``, one for each keyword and value."""
    functions: dict[tuple[str, str], dict[str, None]] = {}
    for entry in lacking:
        functions.setdefault((entry.keyword, entry.value), {})[entry.function] = None
    return tuple(f"{k} of {', '.join(names)}: tested at {value} alone" for (k, value), names in functions.items())


def keywords_in_force(case: Case, offer: Offer) -> Mapping[str, Any] | Lacking:
    """The keywords that the reference must use, or the one for which the case cannot be asked.

    A keyword that the callable lacks is tested at its one value: a case that wants another is not asked, and one that
    does not name it is judged at the callable's value.
    """
    force = dict(case.keywords)
    for name in FUNCTIONS[case.function].keywords:
        if name in offer.keywords:
            continue
        fixed = offer.fixed.get(name, KEYWORD_DEFAULTS[name])
        wanted = case.keywords.get(name, KEYWORD_DEFAULTS[name])
        if _same(name, wanted, fixed, len(case.shape)):
            continue
        if name in case.keywords or name == "axis":
            return Lacking(case.function, name, str(fixed))
        force[name] = fixed
    return force


def _same(name: str, wanted: Any, fixed: Any, ndim: int) -> bool:
    if name == "axis" and isinstance(wanted, int) and isinstance(fixed, int):
        return ndim == 0 or wanted % ndim == min(fixed, ndim - 1) % ndim
    if wanted is None or fixed is None or hasattr(wanted, "shape"):
        return wanted is fixed
    return bool(wanted == fixed)
