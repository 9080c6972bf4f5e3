"""The table of identities, and which of them can be put to a target."""

from __future__ import annotations

from collections.abc import Mapping

from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, Group
from smxcheck.identities import functions, laws, matrices, own_forward
from smxcheck.identities.model import Identity
from smxcheck.judge.codes import code_of
from smxcheck.targets.protocol import Offer

#: (code, function) -> identity
IDENTITIES: dict[tuple[str, str], Identity] = {
    (i.check, i.function): i
    for i in (*matrices.TABLE, *functions.TABLE, *laws.TABLE, *own_forward.TABLE)
}

_CHECKS = frozenset(check for check, _ in IDENTITIES)


def identity_of(case: Case) -> Identity | None:
    """The identity that a case is put through; None for a case that is judged by its exact values.

    Raises LookupError where the check of the case is an identity, but not one of its function.
    """
    code = code_of(case.check)
    if code not in _CHECKS:
        return None
    if (code, case.function) not in IDENTITIES:
        raise LookupError(f"{case.id}: {case.check} is no identity of {case.function}")
    return IDENTITIES[code, case.function]


def missing(identity: Identity, offers: Mapping[str, Offer]) -> tuple[str, ...]:
    """The functions that it needs and that are not offered with their usual keywords."""
    return tuple(name for name in identity.needs if name not in offers or not _is_usual(offers[name]))


def _is_usual(offer: Offer) -> bool:
    return all(value == KEYWORD_DEFAULTS[name] or _is_last(offer, name, value) for name, value in offer.fixed.items())


def _is_last(offer: Offer, name: str, value: object) -> bool:
    """Whether it is the class axis of torch's losses: the last axis of up to two, and no identity gives a loss more."""
    return name == "axis" and value == 1 and FUNCTIONS[offer.function].group is Group.LOSS
