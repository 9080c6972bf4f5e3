"""Derivatives of a target by the automatic differentiation of its own array library, with no further code.

Which derivatives there are is read off the catalog: the derivative of ``softmax`` that is called ``softmax_vjp`` takes
softmax's arguments, and a cotangent. ``autodiff_torch`` and ``autodiff_jax`` differentiate.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, Function, Group
from smxcheck.targets.protocol import Call, Offer
from smxcheck.targets.signature import Binding

#: Array libraries that differentiate, and the module that does it.
_MODULES = {"torch": "smxcheck.targets.autodiff_torch", "jax": "smxcheck.targets.autodiff_jax"}

#: What the catalog's name ends in: the operator. A Hessian depends on what is differentiated.
_OPERATORS = {"vjp": "vjp", "jvp": "jvp", "grad": "gradient", "jacobian": "jacobian"}
#: The layout of a second derivative: the operator.
_SECOND = {"jacobian": "hessian", "hessian": "hessians", "same": "curvature"}

#: The argument that is the variable, where it is not the first: the catalog differentiates -Σ p log q by q.
_VARIABLE = {"distribution_cross_entropy": 1}
#: The function through which the variable goes in: the catalog differentiates KL(softmax(z) || q) by z.
_THROUGH = {"kl_divergence": "softmax"}

Rows = Callable[[Any], Any]


class Differentiator(Protocol):
    """What each of the two modules offers; ``f`` maps rows to rows, or to one number for each row or for all.

    ``jacobian`` puts the variable on a new last axis. ``gradient`` is that of the sum of f; ``hessian`` is the
    Jacobian of ``gradient``, ``hessians`` that of ``jacobian``, and ``curvature`` is f'' where f is called
    element by element. Each raises NotImplementedError where f cannot be differentiated.
    """

    SPELLED: Mapping[str, str]

    def vjp(self, f: Rows, x: Any, g: Any) -> Any: ...
    def jvp(self, f: Rows, x: Any, v: Any) -> Any: ...
    def gradient(self, f: Rows, x: Any) -> Any: ...
    def jacobian(self, f: Rows, x: Any) -> Any: ...
    def hessian(self, f: Rows, x: Any) -> Any: ...
    def hessians(self, f: Rows, x: Any) -> Any: ...
    def curvature(self, f: Rows, x: Any) -> Any: ...

    def prepared(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call as it is run: compiled, where the library is one that compiles."""
        ...


@dataclass(frozen=True)
class Recipe:
    """How a derivative of the catalog comes out of ``forward`` by its argument number ``variable``.

    ``operator`` is a method of :class:`Differentiator`; ``through`` is applied to the variable first.
    """

    operator: str
    forward: str
    variable: int
    through: str


def recipe_for(entry: Function) -> Recipe | None:
    """How ``entry`` is had by differentiation; None where it is no derivative of one array by its arguments.

    That leaves out ``…_backward``, which starts from the rounded output, and the Jacobian by two arrays.
    """
    forward = entry.derivative_of
    kind = entry.name.removeprefix(f"{forward}_")
    operator = _SECOND.get(entry.shape) if kind == "hessian" else _OPERATORS.get(kind)
    if not forward or operator is None or entry.shape == "wide":
        return None
    return Recipe(operator, forward, _VARIABLE.get(forward, 0), _THROUGH.get(forward, ""))


#: Every derivative that can be had by differentiation.
DERIVABLE: Mapping[str, Recipe] = {
    f: recipe for f, entry in FUNCTIONS.items() if (recipe := recipe_for(entry)) is not None
}


def derive(bindings: Mapping[str, Binding], wanted: Iterable[str]) -> dict[str, Binding]:
    """Those of the ``wanted`` derivatives that the bindings lack and differentiation gives, as bindings."""
    found = {}
    for function in wanted:
        recipe = DERIVABLE.get(function)
        if recipe is not None and function not in bindings and _usable(recipe, function, bindings):
            found[function] = _bound(function, recipe, bindings)
    return found


def _usable(recipe: Recipe, function: str, bindings: Mapping[str, Binding]) -> bool:
    parts = [bindings.get(name) for name in (recipe.forward, recipe.through) if name]
    arrays = {part.arrays if part is not None else "" for part in parts}
    if len(arrays) != 1 or not arrays <= _MODULES.keys():
        return False
    return all(_at_defaults(part, function) for part in parts if part is not None)


def _at_defaults(forward: Binding, function: str) -> bool:
    """Whether what the derivative has no keyword for is at the catalog's default: else it is another's derivative.

    The class axis of a loss may be any: its rows are given as a matrix.
    """
    entry = FUNCTIONS[forward.offer.function]
    free = {"axis"} if entry.group is Group.LOSS else set()
    lacking = set(entry.keywords) - set(FUNCTIONS[function].keywords) - free
    fixed = forward.offer.fixed
    return all(fixed[name] == KEYWORD_DEFAULTS[name] for name in lacking & fixed.keys())


def _bound(function: str, recipe: Recipe, bindings: Mapping[str, Binding]) -> Binding:
    forward, through = bindings[recipe.forward], bindings.get(recipe.through)
    differentiator: Any = importlib.import_module(_MODULES[forward.arrays])
    inner = f" of {through.offer.spelled}" if through is not None else ""
    spelled = f"{differentiator.SPELLED[recipe.operator]} of {forward.offer.spelled}{inner}"
    own = forward.offer.keywords if through is None else forward.offer.keywords & through.offer.keywords
    entry = FUNCTIONS[function]
    keywords = frozenset(entry.keywords) & own
    lacking = [name for name in entry.keywords if name not in own]
    fixed = {name: forward.offer.fixed.get(name, KEYWORD_DEFAULTS[name]) for name in lacking}
    call = differentiator.prepared(_call(recipe, differentiator, forward, through))
    offer = Offer(function, spelled, keywords, fixed)
    return Binding(offer, call, forward.arrays, {name: name for name in keywords})


def _call(
    recipe: Recipe, differentiator: Differentiator, forward: Binding, through: Binding | None
) -> Callable[..., Any]:
    """The derivative with the catalog's calling convention."""
    operator = getattr(differentiator, recipe.operator)
    count = len(FUNCTIONS[recipe.forward].arguments)

    def call(*arrays: Any, **keywords: Any) -> Any:
        given, directions = arrays[:count], arrays[count:]
        at = given[recipe.variable]
        given = _as_matrices(recipe.forward, given)

        def f(x: Any) -> Any:
            inner = x if through is None else _applied(through, (x,), keywords)
            placed = (*given[: recipe.variable], inner, *given[recipe.variable + 1 :])
            return _applied(forward, placed, keywords)

        found = operator(f, given[recipe.variable], *directions)
        wanted = (*at.shape, *found.shape[given[recipe.variable].ndim :])
        return found if tuple(found.shape) == wanted else found.reshape(wanted)

    return call


def _as_matrices(forward: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """The logits of a loss as rows of a matrix, so that the class axis is the last and axis 1 at once."""
    entry = FUNCTIONS[forward]
    if entry.group is not Group.LOSS or "labels" not in entry.arguments or given[0].ndim < 3:
        return given
    logits, labels = given
    soft = labels.ndim == logits.ndim
    n = logits.shape[-1]
    return logits.reshape(-1, n), labels.reshape(-1, n) if soft else labels.reshape(-1)


def _applied(binding: Binding, arrays: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """The forward with those of the derivative's keywords that it has."""
    passed = {name: value for name, value in keywords.items() if name in binding.offer.keywords}
    call = Call(binding.offer.function, arrays, passed)
    positional, named = binding.keywords_for(call, arrays[0].ndim)
    return binding.call(*arrays, *positional, **named)
