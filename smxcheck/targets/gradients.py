"""``--gradient``: which derivative of the target's functions a callable is, named by the user or by its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, match_function
from smxcheck.targets.protocol import TargetError
from smxcheck.targets.roles import is_output, role
from smxcheck.targets.signature import ALIASES, signature_of
from smxcheck.targets.spec import TargetSpec, parse_target

#: In the place of a callable: every derivative that the target's array library gives.
AUTO = "auto"

_PLAIN = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def parse_gradient(text: str) -> TargetSpec:
    """``FILE.py:NAME`` or ``PACKAGE.MODULE:NAME``, each also as ``FUNCTION=...``.

    Raises :class:`TargetError` for anything else, and where FUNCTION is no derivative.
    """
    try:
        spec = parse_target(text)
    except TargetError as error:
        raise TargetError(f"--gradient {text}: {error}") from error
    if not spec.attribute:
        raise TargetError(f"--gradient {text}: name a callable, as in FILE.py:NAME, or say auto")
    if spec.function and not FUNCTIONS[spec.function].derivative_of:
        raise TargetError(
            f"--gradient {text}: {spec.function} is no derivative; smxcheck list functions shows all"
        )
    return spec


def which_derivative(
    spelled: str, name: str, call: Callable[..., Any], offered: Collection[str], said: str = ""
) -> str:
    """The function of the catalog that ``call`` is, among the derivatives of the ``offered`` functions.

    What the user ``said`` decides; else the callable's name, where it is that of a derivative; else its parameters.
    Raises :class:`TargetError` where several remain, or none.
    """
    derivatives = [f for f, entry in FUNCTIONS.items() if entry.derivative_of in offered]
    meant = said or match_function(name) or ""
    if meant in derivatives and (said or _agrees(call, meant)):
        return meant
    if meant not in derivatives and (said or (meant and FUNCTIONS[meant].derivative_of)):
        of = FUNCTIONS[meant].derivative_of
        raise TargetError(
            f"--gradient {spelled} is {meant}, but the target has no {of}; it has {', '.join(offered)}"
        )
    fitting = _fitting(call, derivatives)
    if not said and not meant:
        _check_not_of_the_output(spelled, call, fitting)
    if len(fitting) == 1:
        return fitting[0]
    if not derivatives:
        raise TargetError(
            f"--gradient {spelled}: {', '.join(offered)} has no derivative; leave --gradient out"
        )
    could = (
        f"could be {' or '.join(fitting)}"
        if fitting
        else f"has the parameters of none of {', '.join(derivatives)}"
    )
    example = (fitting or derivatives)[0]
    raise TargetError(f"--gradient {spelled} {could}: say which it is, as in --gradient {example}={spelled}")


def _check_not_of_the_output(spelled: str, call: Callable[..., Any], fitting: list[str]) -> None:
    """Refuse ``f(probs, dout)``: by the order of its arrays a product by the logits, by their names a backward pass.

    Raises :class:`TargetError`.
    """
    product = next((f for f in fitting if f.endswith("_vjp")), None)
    own = _arrays_of(call)
    if product is None or not is_output(own[0]):
        return
    backward = f"{product.removesuffix('_vjp')}_backward"
    raise TargetError(
        f"--gradient {spelled} takes {', '.join(own)}: if {own[0]} is the stored output, wrap it in a function of"
        f" ({', '.join(FUNCTIONS[backward].arguments)}); if it is the logits, say --gradient {product}={spelled}"
    )


def _agrees(call: Callable[..., Any], derivative: str) -> bool:
    """Whether the parameters do not speak against the name, as those of ``softmax_backward(x, g)`` do."""
    roles = _roles(call)
    return set(roles) <= {"value"} or roles == _arguments(derivative)


def _fitting(call: Callable[..., Any], derivatives: list[str]) -> list[str]:
    """Derivatives with the parameters of ``call``; second ones only where no first one fits."""
    roles = _roles(call)
    found = [f for f in derivatives if _arguments(f) == roles]
    return [f for f in found if not f.endswith("_hessian")] or found


def _arguments(derivative: str) -> list[str]:
    return [role(name) for name in FUNCTIONS[derivative].arguments]


def _roles(call: Callable[..., Any]) -> list[str]:
    """What each array is that the callable must get."""
    return [role(name) for name in _arrays_of(call)]


def _arrays_of(call: Callable[..., Any]) -> list[str]:
    """The names of the arrays that the callable must get."""
    signature = signature_of(call)
    parameters = signature.parameters.values() if signature is not None else ()
    arrays = (p for p in parameters if p.kind in _PLAIN and p.default is inspect.Parameter.empty)
    return [p.name for p in arrays if ALIASES.get(p.name, p.name) not in KEYWORD_DEFAULTS]
