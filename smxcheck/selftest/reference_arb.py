"""smxref's values against Arb, an arithmetic written by others, on rows of the whole range of float64."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import perf_counter
from typing import Any

import numpy as np

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.oracle import expect, recheck
from smxcheck.selftest import adversary
from smxcheck.selftest.inputs import draw_call, normals
from smxcheck.selftest.results import Machinery

NAME = "reference, Arb"
QUESTION = "Do the reference's values agree with Arb, another arithmetic, on inputs of the whole range?"

#: More bits than the certified tiers give: smxref alone answers, to 2^-100.
BITS = 100
#: Rows of a call, and entries of a row.
ROWS, ENTRIES = 3, 5


def _hard(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    return adversary.logits(rng, shape[0], shape[1], FORMATS["float64"])


def _whole_range(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Numbers of every magnitude from 1e-300 to 1e300, of either sign."""
    return rng.choice([-1.0, 1.0], shape) * 10.0 ** rng.uniform(-300, 300, shape)


_DRAWS: tuple[Callable[[np.random.Generator, tuple[int, ...]], Any], ...] = (normals, _hard, _hard, _whole_range)


def check_arb(seed: int = 0, functions: Collection[str] = ()) -> Machinery:
    """Every function that has a formula in Arb; a question is one element, ten of a call. Not run without python-flint."""
    try:
        covered = recheck.covered()
    except ImportError:
        return Machinery(NAME, QUESTION, not_run="python-flint is not installed: pip install 'smxcheck[recheck]'")
    began, rng = perf_counter(), np.random.default_rng(seed)
    wanted = [f for f in FUNCTIONS if not functions or f in functions]
    held = undecided = 0
    misses: list[str] = []
    for function in (f for f in wanted if f in covered):
        for draw in _DRAWS:
            arguments, keywords = draw_call(function, rng, (ROWS, ENTRIES), draw)
            with np.errstate(all="ignore"):
                expected = expect(function, arguments, keywords, BITS)
            one = recheck.check(function, arguments, keywords, expected, f"{seed} {function}")
            held, undecided = held + one.held, undecided + one.undecided
            call = f"{function}({', '.join(str(a.tolist()) for a in arguments)})"
            misses += [f"at {list(m.index)} the reference says {m.enclosure}, Arb {m.arb}, of {call}" for m in one.misses]
    rest = [f for f in wanted if f not in covered]
    left_out = (f"no formula in Arb for {', '.join(rest)}",) if rest else ()
    asked = held + undecided + len(misses)
    return Machinery(NAME, QUESTION, asked, held, tuple(misses), left_out, undecided, perf_counter() - began)
