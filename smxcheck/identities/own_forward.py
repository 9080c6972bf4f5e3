"""The target's gradient against finite differences of the target's own forward function.

Each entry of a gradient, Jacobian, Hessian or product is held against the derivative that `smxcheck.derivatives`
measures, with its error. For a Hessian the forward function is the target's own gradient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.derivatives.differences import differences
from smxcheck.derivatives.estimate import Estimate
from smxcheck.derivatives.stencil import Stencil, stencil
from smxcheck.dtypes import FORMATS
from smxcheck.identities.model import Ask, CannotAsk, Claim, Identity, inner, laid, observed
from smxcheck.judge.bounds.running import Computed

Array = npt.NDArray[Any]

CODE = "SMX615"


@dataclass(frozen=True)
class _Forward:
    """``function`` is differentiated by the argument at ``place``; ``arguments`` picks its own of the derivative's."""

    function: str
    place: int = 0
    takes: int = 1  # of the derivative's arguments, the first so many
    logarithmic: bool = False  # the argument is a probability: steps are small beside it
    one_by_one: bool = False  # a mean over rows: every point is a call of its own


def _partials(ask: Ask, forward: _Forward, arguments: tuple[Array, ...], keywords: dict[str, Any]) -> Computed:
    """∂f/∂x_j as (n, *f.shape), all points in one call where the function works row by row."""
    given = arguments[: forward.takes]
    x = given[forward.place].reshape(-1)
    fmt = FORMATS[str(x.dtype)]
    scale = float(np.min(np.abs(x.astype(np.float64)))) / 2 if forward.logarithmic else 1.0
    stencils = [stencil(x, unit, fmt, scale) for unit in np.eye(x.size)]
    if any(s.moved.any() for s in stencils):
        raise CannotAsk("the points around the input are not exact in this dtype")
    if forward.one_by_one:
        found = [_one_by_one(ask, forward, given, keywords, s) for s in stencils]
    else:
        found = _together(ask, forward, given, keywords, stencils)
    return observed(np.stack([f.value for f in found]), np.stack([f.error for f in found]))


def _together(
    ask: Ask, forward: _Forward, given: tuple[Array, ...], keywords: dict[str, Any], stencils: list[Stencil]
) -> list[Estimate]:
    points = np.concatenate([side for s in stencils for side in (s.up, s.down)])
    others = [np.broadcast_to(a.reshape(-1), points.shape).copy() for a in given]
    others[forward.place] = points
    values = ask(forward.function, *others, **keywords)
    errors = np.broadcast_to(values.error, values.value.shape)
    count = len(stencils[0].steps)
    blocks = values.value.reshape(len(stencils), 2, count, *values.value.shape[1:])
    noise = errors.reshape(blocks.shape).sum(axis=1)
    return [differences(s.steps, b[0], b[1], e) for s, b, e in zip(stencils, blocks, noise, strict=True)]


def _one_by_one(
    ask: Ask, forward: _Forward, given: tuple[Array, ...], keywords: dict[str, Any], points: Stencil
) -> Estimate:
    def at(point: Array) -> Computed:
        arguments = list(given)
        arguments[forward.place] = point.reshape(given[forward.place].shape)
        return ask(forward.function, *arguments, **keywords)

    up, down = [at(p) for p in points.up], [at(p) for p in points.down]
    noise = np.array([np.asarray(a.error) + np.asarray(b.error) for a, b in zip(up, down, strict=True)])
    return differences(points.steps, np.stack([a.value for a in up]), np.stack([b.value for b in down]), noise)


def _last(c: Computed) -> Computed:
    """(n, …) with the variable first as (…, n) with the variable last."""
    return laid(c, lambda a: np.moveaxis(a, 0, -1))


def _claim(function: str, forward: str, value: Computed, measured: Computed) -> tuple[Claim, ...]:
    shape = value.value.shape
    right = laid(measured, lambda a: a.reshape(shape))
    return (Claim(f"{function} is what differences of {forward} give", value, right),)


def _matrix(function: str, forward: _Forward) -> Callable[..., tuple[Claim, ...]]:
    """A gradient, a Jacobian, a Hessian: every partial derivative."""

    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        value = ask(function, *arguments, **keywords)
        return _claim(function, forward.function, value, _last(_partials(ask, forward, arguments, keywords)))

    return claims


def _product(function: str, forward: _Forward, backward: bool) -> Callable[..., tuple[Claim, ...]]:
    """A product with the Jacobian: its partial derivatives, summed with the cotangent or the tangent."""

    def claims(ask: Ask, x: Array, v: Array, **keywords: Any) -> tuple[Claim, ...]:
        value = ask(function, x, v, **keywords)
        partials = _partials(ask, forward, (x,), keywords)
        weights = v.astype(np.float64).reshape(-1)
        return _claim(function, forward.function, value, inner(partials if backward else _last(partials), weights))

    return claims


def _elementwise(function: str, forward: _Forward) -> Callable[..., tuple[Claim, ...]]:
    """Element by element: one direction moves them all."""

    def claims(ask: Ask, *arguments: Array, **keywords: Any) -> tuple[Claim, ...]:
        value, x = ask(function, *arguments, **keywords), arguments[0]
        points = stencil(x, np.ones(x.shape), FORMATS[str(x.dtype)])
        if points.moved.any():
            raise CannotAsk("the points around the input are not exact in this dtype")
        found = _one_by_one(ask, forward, arguments[: forward.takes], keywords, points)
        return _claim(function, forward.function, value, observed(found.value, found.error))

    return claims


_MATRICES = {
    "softmax_jacobian": _Forward("softmax"),
    "log_softmax_jacobian": _Forward("log_softmax"),
    "softmax_hessian": _Forward("softmax_jacobian"),
    "logsumexp_grad": _Forward("logsumexp"),
    "logsumexp_hessian": _Forward("logsumexp_grad"),
    "softmax_entropy_grad": _Forward("softmax_entropy"),
    "softmax_entropy_hessian": _Forward("softmax_entropy_grad"),
    "kl_divergence_hessian": _Forward("kl_divergence_grad", takes=2),
    "cross_entropy_grad": _Forward("cross_entropy", takes=2, one_by_one=True),
    "cross_entropy_hessian": _Forward("cross_entropy_grad", takes=2, one_by_one=True),
    "entropy_grad": _Forward("entropy", logarithmic=True),
    "distribution_cross_entropy_grad": _Forward(
        "distribution_cross_entropy", place=1, takes=2, logarithmic=True
    ),
    "generalized_softmax_jacobian": _Forward("generalized_softmax"),
    "taylor_softmax_jacobian": _Forward("taylor_softmax"),
    "log_taylor_softmax_jacobian": _Forward("log_taylor_softmax"),
    "spherical_softmax_jacobian": _Forward("spherical_softmax"),
    "gumbel_softmax_jacobian": _Forward("gumbel_softmax", takes=2),
}
_ELEMENTWISE = {
    "sigmoid_grad": _Forward("sigmoid"),
    "log_sigmoid_grad": _Forward("log_sigmoid"),
    "binary_cross_entropy_with_logits_grad": _Forward("binary_cross_entropy_with_logits", takes=2),
}
_PRODUCTS = {
    "softmax_vjp": ("softmax", True),
    "softmax_jvp": ("softmax", False),
    "log_softmax_vjp": ("log_softmax", True),
}

TABLE: tuple[Identity, ...] = (
    *(Identity(CODE, f, _matrix(f, forward), (forward.function,)) for f, forward in _MATRICES.items()),
    *(Identity(CODE, f, _elementwise(f, forward), (forward.function,)) for f, forward in _ELEMENTWISE.items()),
    *(
        Identity(CODE, f, _product(f, _Forward(forward), backward), (forward,))
        for f, (forward, backward) in _PRODUCTS.items()
    ),
)
