"""Derivatives by ``jax.vjp`` and ``jax.jvp``, compiled whole where that can be done.

Second derivatives are reverse over reverse: ``jax.custom_vjp`` has no forward mode.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
from jax import numpy as jnp

Rows = Callable[[Any], Any]

SPELLED = {
    "vjp": "jax.vjp",
    "jvp": "jax.jvp",
    "gradient": "jax.vjp",
    "jacobian": "jax.vjp",
    "hessian": "jax.vjp of jax.vjp",
    "hessians": "jax.vjp of jax.vjp",
    "curvature": "jax.vjp of jax.vjp",
}

#: A callable that looks at the values of its input cannot be compiled with ``jax.jit``.
_NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)

#: What JAX says where there is no derivative, in errors of a type that says nothing.
_REFUSALS = (
    "can't apply forward-mode",
    "not support JVP",
    "not support reverse-mode",
    "everse-mode differentiation",
)


def prepared(call: Callable[..., Any]) -> Callable[..., Any]:
    """``jax.jit(call)`` for each set of keywords, or ``call`` where it cannot be traced without values.

    Raises NotImplementedError where ``call`` has no derivative in JAX.
    """
    ready: dict[tuple[Any, ...], Callable[..., Any]] = {}

    def run(*arrays: Any, **keywords: Any) -> Any:
        key = tuple(sorted(keywords.items()))
        plain = functools.partial(call, **keywords)
        try:
            return ready.setdefault(key, jax.jit(plain))(*arrays)
        except _NEEDS_VALUES:
            ready[key] = plain
        return plain(*arrays)

    return _refusing(run)


def _refusing(run: Callable[..., Any]) -> Callable[..., Any]:
    """Makes NotImplementedError of what says that there is no derivative."""

    def refused(*arrays: Any, **keywords: Any) -> Any:
        try:
            return run(*arrays, **keywords)
        except (TypeError, ValueError) as error:
            if not isinstance(error, _NEEDS_VALUES) and not any(known in str(error) for known in _REFUSALS):
                raise
            raise NotImplementedError(f"JAX cannot differentiate it: {str(error).splitlines()[0]}") from error

    return refused


def vjp(f: Rows, x: Any, g: Any) -> Any:
    y, pull = _forward(f, x)
    return pull(g.astype(y.dtype))[0]


def jvp(f: Rows, x: Any, v: Any) -> Any:
    return jax.jvp(f, (_floating(x),), (v,))[1]


def gradient(f: Rows, x: Any) -> Any:
    y, pull = _forward(f, x)
    return pull(jnp.ones_like(y))[0]


def jacobian(f: Rows, x: Any) -> Any:
    y, pull = _forward(f, x)
    columns = math.prod(y.shape[x.ndim - 1 :])
    if not columns:
        return jnp.zeros((*y.shape, x.shape[-1]), x.dtype)
    rows = (*x.shape[:-1], columns)
    cotangents = jnp.broadcast_to(_units(columns, x.ndim - 1, y.dtype), (columns, *rows))
    passes = jax.vmap(lambda g: pull(g.reshape(y.shape))[0], out_axes=-2)(cotangents)
    return passes.reshape(*y.shape, x.shape[-1])


def hessian(f: Rows, x: Any) -> Any:
    return jacobian(lambda inner: gradient(f, inner), x)


def hessians(f: Rows, x: Any) -> Any:
    return jacobian(lambda inner: jacobian(f, inner), x)


def curvature(f: Rows, x: Any) -> Any:
    return gradient(lambda inner: gradient(f, inner), x)


def _units(n: int, batch: int, dtype: Any) -> Any:
    """The n unit vectors, with ``batch`` axes of length 1 between their number and their entries."""
    return jnp.eye(n, dtype=dtype).reshape(n, *(1,) * batch, n)


def _forward(f: Rows, x: Any) -> tuple[Any, Callable[[Any], tuple[Any]]]:
    y, pull = jax.vjp(f, _floating(x))
    if not isinstance(y, jax.Array):
        raise TypeError(f"returned {type(y).__qualname__}, not an array: it has no derivative")
    return y, pull


def _floating(x: Any) -> Any:
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise NotImplementedError(f"JAX differentiates by floating numbers, not by {x.dtype}")
    return x
