"""Whether a case can be put to a callable, and with which keywords in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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


@dataclass(frozen=True)
class Unoffered:
    """Functions that an identity of a function needs and that are not offered."""

    function: str
    check: str
    needs: tuple[str, ...]


def sentences(lacking: Iterable[Lacking | Unoffered], checked: Collection[str]) -> tuple[str, ...]:
    """``axis of softmax, log_softmax: tested at -1 alone``, one for each keyword and value; one for each function that
    is not among those ``checked``, for want of a keyword; and one for all identities that want another function:
    ``two-classes of sigmoid, since softmax is not offered``."""
    entries = list(lacking)
    functions: dict[tuple[str, str], dict[str, None]] = {}
    without: dict[str, dict[str, None]] = {}
    checks: dict[tuple[str, ...], dict[str, None]] = {}
    for entry in entries:
        if isinstance(entry, Lacking) and entry.function not in checked:
            without.setdefault(entry.function, {})[entry.keyword] = None
        elif isinstance(entry, Lacking):
            functions.setdefault((entry.keyword, entry.value), {})[entry.function] = None
        else:
            checks.setdefault(entry.needs, {})[f"{entry.check} of {entry.function}"] = None
    keywords = tuple(f"{k} of {', '.join(names)}: tested at {value} alone" for (k, value), names in functions.items())
    keywords += tuple(
        f"{f}: every case to be run gives {' or '.join(names)}, which the callable does not take; add it"
        for f, names in without.items()
    )
    return keywords + tuple(
        f"{', '.join(names)}, since {' and '.join(needs)} {'is' if len(needs) == 1 else 'are'} not offered"
        for needs, names in checks.items()
    )


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
