"""The checks beside the mutants: other checks on the same mutants, and smxcheck's own machinery. One entry per part."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from smxcheck.selftest.results import Machinery, Rival


@dataclass(frozen=True)
class Part:
    """``call`` of ``module`` takes a seed and the functions that are asked about (none: all), and returns one record or
    several. ``seconds`` is about what it takes on one core: parts that take long begin first."""

    name: str
    module: str
    call: str
    seconds: float
    rival: bool = False

    @property
    def where(self) -> str:
        return self.name

    def run(self, seed: int, functions: Collection[str]) -> tuple[Rival | Machinery, ...]:
        found: Any = getattr(import_module(self.module), self.call)(seed=seed, functions=functions)
        return tuple(found) if isinstance(found, tuple | list) else (found,)


PARTS: tuple[Part, ...] = (
    Part("reference", "smxcheck.selftest.reference", "check_definitions", 10.0),
    Part("Arb", "smxcheck.selftest.reference_arb", "check_arb", 5.0),
    Part("bounds", "smxcheck.selftest.bounds", "check_bounds", 10.0),
    Part("tiers", "smxcheck.selftest.tiers", "check_tiers", 5.0),
    Part("allclose", "smxcheck.selftest.rivals_allclose", "check_allclose", 5.0, rival=True),
    Part("onnx", "smxcheck.selftest.rivals_onnx", "check_onnx", 5.0, rival=True),
    Part("gradients", "smxcheck.selftest.rivals_gradients", "check_gradients", 15.0, rival=True),
)
