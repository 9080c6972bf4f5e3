"""How an algorithm is listed: its name, what it declares of itself, and the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from smxcheck.functions.arrays import Array

#: What an algorithm declares: within the bound of a level on every input, or wrong on some input, on purpose.
Declared = Literal["tight", "standard", "wrong"]


@dataclass(frozen=True)
class Algorithm:
    """One way to compute a function. ``call`` has the function's own signature, less ``algorithm``."""

    name: str
    call: Callable[..., Array]
    declared: Declared
    summary: str


def table(*algorithms: Algorithm) -> dict[str, Algorithm]:
    return {a.name: a for a in algorithms}


def choose(function: str, algorithms: dict[str, Algorithm], name: str) -> Callable[..., Array]:
    """The call of the algorithm ``name``; ValueError names the ones there are."""
    if name not in algorithms:
        raise ValueError(f"{function} has no algorithm {name!r}; choose one of {', '.join(algorithms)}")
    return algorithms[name].call
