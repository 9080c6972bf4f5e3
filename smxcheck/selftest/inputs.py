"""Arguments for any function of the catalog, drawn by their names, for checks that put questions to all functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.catalog import FUNCTIONS

Array = Any
#: (generator, shape) -> numbers along the last axis: logits, or what probabilities are made from.
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]

#: The clusters that the tail of an adaptive softmax is cut into.
SIZES = (2, 3)
#: Functions of two distributions, or of given ones: their arguments add up to 1.
_PROBABILITIES = ("p", "q")
#: Arguments that may be any number.
_FREE = ("v", "g", "grad_output", "noise")


def normals(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal numbers."""
    return rng.normal(size=shape)


def probabilities(x: Array) -> Array:
    """softmax along the last axis, in float64: good for drawing, not for judging."""
    w = np.exp(x - x.max(axis=-1, keepdims=True))
    return w / w.sum(axis=-1, keepdims=True)


def draw_call(
    function: str, rng: np.random.Generator, shape: tuple[int, ...], draw: Draw = normals
) -> tuple[tuple[Array, ...], dict[str, Any]]:
    """A call whose first argument has ``shape``: arguments in catalog order as float64 (labels as int64), and the keywords
    without which it would mean nothing."""
    arguments = tuple(_argument(function, name, rng, shape, draw) for name in FUNCTIONS[function].arguments)
    keywords: dict[str, Any] = {}
    if "sizes" in FUNCTIONS[function].keywords:
        keywords["sizes"] = SIZES
    return arguments, keywords


def _argument(function: str, name: str, rng: np.random.Generator, shape: tuple[int, ...], draw: Draw) -> Array:
    if name == "labels":
        return rng.integers(0, shape[-1], shape[:-1])
    if name == "y":
        return rng.uniform(size=shape)
    if name == "tail":
        return draw(rng, (*shape[:-1], sum(SIZES)))
    if name in _FREE:
        return rng.normal(size=shape)
    x = draw(rng, shape)
    if name in _PROBABILITIES:
        return probabilities(x)
    if name == "log_probabilities" or (name, function) == ("output", "log_softmax_backward"):
        return np.minimum(x - x.max(axis=-1, keepdims=True) - 0.5, 0.0)
    if name == "output":
        return probabilities(x)
    return x


def cast(arguments: tuple[Array, ...], dtype: Any) -> tuple[Array, ...]:
    """Floats in ``dtype``; labels as they are."""
    with np.errstate(all="ignore"):
        return tuple(a if a.dtype.kind in "iu" else a.astype(dtype) for a in arguments)

