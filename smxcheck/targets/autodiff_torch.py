"""Derivatives by torch's autograd: plain backward passes, so that a custom ``autograd.Function`` is what is tested.

An operator keeps its graph where its input already has one: that is how operators nest. A Jacobian takes one backward
pass for each entry of a row, over all rows at once; no row's result may depend on another row.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
from torch.autograd import forward_ad

Rows = Callable[[Any], Any]

SPELLED = {
    "vjp": "autograd",
    "jvp": "forward-mode autograd",
    "gradient": "autograd",
    "jacobian": "autograd",
    "hessian": "autograd of autograd",
    "hessians": "autograd of autograd",
    "curvature": "autograd of autograd",
}

#: What autograd says where it has no derivative, in errors of a type that says nothing.
_REFUSALS = (
    "does not require grad",
    "once_differentiable",
    "is not implemented",
    "not have been used in the graph",
    "floating point dtype can require gradients",
)


def _refusing(operator: Callable[..., Any]) -> Callable[..., Any]:
    """Makes NotImplementedError of what says that there is no derivative."""

    @functools.wraps(operator)
    def refused(*arguments: Any) -> Any:
        with torch.enable_grad():
            try:
                return operator(*arguments)
            except RuntimeError as error:
                if isinstance(error, NotImplementedError) or not any(
                    known in str(error) for known in _REFUSALS
                ):
                    raise
                raise NotImplementedError(
                    f"autograd cannot differentiate it: {str(error).splitlines()[0]}"
                ) from error

    return refused


def prepared(call: Callable[..., Any]) -> Callable[..., Any]:
    """As it is: torch compiles nothing unasked."""
    return call


@_refusing
def vjp(f: Rows, x: Any, g: Any) -> Any:
    variable, y = _forward(f, x)
    return _backward(y, variable, g.to(y.dtype), x.requires_grad)


@_refusing
def jvp(f: Rows, x: Any, v: Any) -> Any:
    with forward_ad.dual_level():
        y = f(forward_ad.make_dual(x, v))
        tangent = forward_ad.unpack_dual(y).tangent if isinstance(y, torch.Tensor) else None
    if tangent is None:
        raise NotImplementedError(
            "the result has no tangent: it is not made of operations that torch differentiates"
        )
    return tangent


@_refusing
def gradient(f: Rows, x: Any) -> Any:
    variable, y = _forward(f, x)
    return _backward(y, variable, torch.ones_like(y), x.requires_grad)


@_refusing
def jacobian(f: Rows, x: Any) -> Any:
    variable, y = _forward(f, x)
    columns = math.prod(y.shape[x.ndim - 1 :])
    rows = y.reshape(*x.shape[:-1], columns)
    passes = []
    for i in range(columns):
        cotangent = torch.zeros_like(rows)
        cotangent[..., i] = 1
        passes.append(
            _backward(y, variable, cotangent.reshape(y.shape), x.requires_grad, keep=i + 1 < columns)
        )
    stacked = torch.stack(passes, dim=-2) if passes else x.new_zeros((*rows.shape, x.shape[-1]))
    return stacked.reshape(*y.shape, x.shape[-1])


def hessian(f: Rows, x: Any) -> Any:
    return jacobian(lambda inner: gradient(f, inner), x)


def hessians(f: Rows, x: Any) -> Any:
    return jacobian(lambda inner: jacobian(f, inner), x)


def curvature(f: Rows, x: Any) -> Any:
    return gradient(lambda inner: gradient(f, inner), x)


def _forward(f: Rows, x: Any) -> tuple[Any, Any]:
    """The variable, and the result with its graph."""
    variable = x if x.requires_grad else x.detach().requires_grad_()
    y = f(variable)
    if not isinstance(y, torch.Tensor):
        raise TypeError(f"returned {type(y).__qualname__}, not a tensor: it has no derivative")
    if not y.requires_grad:
        raise NotImplementedError(
            "the result has no grad_fn: autograd cannot differentiate it; --gradient FILE.py:NAME names its gradient"
        )
    return variable, y


def _backward(y: Any, variable: Any, cotangent: Any, graph: bool, keep: bool = False) -> Any:
    (found,) = torch.autograd.grad(y, variable, cotangent, retain_graph=graph or keep, create_graph=graph)
    return found
