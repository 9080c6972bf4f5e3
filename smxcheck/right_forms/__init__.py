"""Right implementations of every function, each written another way: what the judge must accept.

They share nothing with `smxcheck.functions`. Each can be given to the command line:
``smxcheck verify smxcheck.right_forms.softmax:softmax_online``.
"""

from __future__ import annotations

from smxcheck.right_forms import (
    derivatives,
    generalised,
    information,
    log_softmax,
    logistic,
    losses,
    softmax,
    sparse,
)
from smxcheck.right_forms.form import RightForm

_MODULES = (softmax, log_softmax, logistic, losses, information, derivatives, generalised, sparse)

#: Every right form, module by module.
RIGHT: tuple[RightForm, ...] = tuple(form for module in _MODULES for form in module.TABLE)


def right_forms_of(function: str) -> tuple[RightForm, ...]:
    """The right forms of one function of the catalog."""
    return tuple(form for form in RIGHT if form.function == function)


__all__ = ["RIGHT", "RightForm", "right_forms_of"]
