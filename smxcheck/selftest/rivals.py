"""What other checks find on the same mutants, measured here and now: one entry for each kind of check.

Each is made anew from the inputs and tolerances that it publishes, and asked only where it can be: of a function that it
has, in a dtype that it uses. Every right implementation is put to it too, since a check that refuses everything would
find every mutant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from smxcheck.selftest.results import Rival
from smxcheck.selftest.rivals_allclose import check_allclose
from smxcheck.selftest.rivals_gradients import check_gradients
from smxcheck.selftest.rivals_onnx import check_onnx

KINDS: tuple[Callable[[int, Collection[str]], tuple[Rival, ...]], ...] = (check_allclose, check_onnx, check_gradients)


def check_rivals(seed: int = 0, functions: Collection[str] = ()) -> tuple[Rival, ...]:
    """The score of every rival over the shipped mutants of ``functions`` (all, if none is named), the same for one
    ``seed``."""
    return tuple(rival for kind in KINDS for rival in kind(seed, functions))
