"""What an identity is: two sides made of a target's values, with the errors that both may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import FORMATS
from smxcheck.judge.bounds.running import Computed, exact
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

#: Identities are formed in float64, and their own roundings counted.
_OWN = FORMATS["float64"]

#: ``ask(function, *arguments, **keywords)``: the target's value, with what `standard` allows it to be off.
Ask = Callable[..., Computed]


@dataclass(frozen=True)
class Claim:
    """left = right, or left ≤ right where ``at_most``; ``size`` is that of the terms, where both sides may be 0."""

    text: str
    left: Computed
    right: Computed
    at_most: bool = False
    size: Array | None = None

    @property
    def excess(self) -> Array:
        """By how much the sides are apart, or the left one is too large."""
        apart: Array = self.left.value - self.right.value
        return apart if self.at_most else np.abs(apart)

    @property
    def allowed(self) -> Array:
        return np.asarray((self.left - self.right).error)

    @property
    def tells(self) -> bool:
        """Whether something of the size of the terms would be refused at some element."""
        size = self.size if self.size is not None else np.maximum(np.abs(self.left.value), np.abs(self.right.value))
        return bool((self.allowed < size).any())


@dataclass(frozen=True)
class Identity:
    """An identity of one function. ``claims(ask, *arguments, **keywords)`` asks for values at the case's arguments and
    at others made of them; ``needs`` are the other functions that it asks."""

    check: str  # code
    function: str
    claims: Callable[..., tuple[Claim, ...]]
    needs: tuple[str, ...] = ()


class CannotAsk(Exception):
    """The inputs that an identity needs are no numbers of the dtype: a fault of the case."""


def known(value: Any) -> Computed:
    """An exact number."""
    return exact(value, _OWN, Level.STANDARD)


def observed(value: Array, error: Array) -> Computed:
    """A target's value with what it may be off."""
    return Computed(np.asarray(value).astype(np.float64), {"the values": np.asarray(error)}, _OWN, Level.STANDARD)


def laid(c: Computed, change: Callable[[Array], Array]) -> Computed:
    """The same numbers in another order or shape."""
    errors: Mapping[str, Array] = {k: change(np.broadcast_to(e, c.value.shape)) for k, e in c.errors.items()}
    return replace(c, value=change(c.value), errors=errors)


def magnitude(c: Computed) -> Computed:
    """|c|, whose error is the same."""
    return replace(c, value=np.abs(c.value))


def inner(c: Computed, weights: Array) -> Computed:
    """Σ weights·c along the last axis."""
    return laid((c * known(weights)).total(), lambda a: a[..., 0])


def moved(x: Array, by: Any) -> Array:
    """x + by in the dtype of x. Raises CannotAsk where that rounds."""
    out: Array = (x.astype(np.float64) + by).astype(x.dtype)
    if (out.astype(np.float64) - x.astype(np.float64) != by).any():
        raise CannotAsk("the shifted input is not exact in this dtype")
    return out
