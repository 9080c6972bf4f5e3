"""Known wrong implementations: what a failing target is compared with, and what every check must catch.

``MISTAKES`` get values wrong; ``MISBEHAVIOURS`` give right values and break another property of a softmax. A third
table, `smxcheck.mistakes.fatal`, holds those that end or block the process; it is imported by name only.
"""

from __future__ import annotations

from smxcheck.mistakes import (
    accumulation,
    constant,
    derivatives,
    divergence_derivatives,
    formula,
    generalised,
    gradient,
    identities,
    information,
    information_derivatives,
    loss,
    loss_derivatives,
    sampling,
    shapes,
    shift,
    special,
    two_class,
)
from smxcheck.mistakes.misbehaviours import MISBEHAVIOURS as _OF_ONE_FUNCTION
from smxcheck.mistakes.model import Example, Misbehaviour, Mistake

_MODULES = (
    shift, formula, accumulation, special, shapes, constant, two_class, loss, gradient, information, derivatives,
    loss_derivatives, information_derivatives, divergence_derivatives, generalised, sampling,
)  # fmt: skip

#: Every misbehaviour: of one function, then those that break an identity.
MISBEHAVIOURS: tuple[Misbehaviour, ...] = (*_OF_ONE_FUNCTION, *identities.TABLE)

#: Every mistake, by function and id.
MISTAKES: tuple[Mistake, ...] = tuple(
    sorted((m for module in _MODULES for m in module.TABLE), key=lambda m: m.id)
)


def mistakes_in(function: str) -> tuple[Mistake, ...]:
    """The mistakes of one function of the catalog."""
    return tuple(m for m in MISTAKES if m.function == function)


__all__ = ["MISBEHAVIOURS", "MISTAKES", "Example", "Misbehaviour", "Mistake", "mistakes_in"]
