"""The oracle's tiers against each other: what certified arithmetic encloses, and what mpmath says of the same elements.

An enclosure claims |y - v| ≤ b·|y|. Of two that are true, v₁ and v₂ are at most (b₁ + b₂)·|y| apart, and |y| ≤ |v₂|/(1 - b₂);
the distance is formed in integers, so that the comparison itself rounds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from fractions import Fraction
from time import perf_counter
from typing import Any

import numpy as np

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.oracle import Enclosure, Expected, Kind, certified, expect, first_bits, tally
from smxcheck.oracle.certified.table import TABLE
from smxcheck.selftest import adversary
from smxcheck.selftest.inputs import cast, draw_call
from smxcheck.selftest.results import Machinery

NAME = "tiers"
QUESTION = "Do the oracle's fast tiers agree with mpmath, within their proven bounds, on random hard inputs?"

#: More bits than the certified tiers give, so that mpmath alone answers.
REFERENCE_BITS = 100
#: Where the fast tiers begin to be worth asking, 64 elements in most functions; what mpmath takes is nearly all the time.
SHAPES = ((16, 5), (30, 4), (2, 40))
DTYPES = ("float32", "float64")
#: Numbers further apart than this many binades differ, whatever their bounds (at most 1/2): no need to write them out.
_APART = 4096


def check_tiers(seed: int = 0, functions: Collection[str] = ()) -> Machinery:
    """Every certified function on hard inputs of float32 and float64; a question is one element that a fast tier answered.

    What a fast tier leaves to mpmath is no question. The run's counts of answers are emptied (`smxcheck.oracle.tally`).
    """
    if why := _switched_off():
        return Machinery(NAME, QUESTION, not_run=why)
    began, rng = perf_counter(), np.random.default_rng(seed)
    asked, misses, idle = 0, [], []
    for function in (f for f in TABLE if not functions or f in functions):
        answered = 0
        for dtype in DTYPES:
            for shape in SHAPES:
                elements, wrong = _compare(function, dtype, shape, rng)
                answered += elements
                misses += wrong
        asked += answered
        if not answered:
            idle.append(function)
    left_out = (f"no fast tier answered anything of {', '.join(idle)}",) if idle else ()
    seconds = perf_counter() - began
    return Machinery(NAME, QUESTION, asked, asked - len(misses), tuple(misses), left_out, seconds=seconds)


def _switched_off() -> str:
    if os.environ.get("SMXCHECK_ORACLE") == "mpmath":
        return "SMXCHECK_ORACLE=mpmath leaves the fast tiers out: unset it"
    return certified.complaint()


def _hard(dtype: str) -> Any:
    fmt = FORMATS[dtype]

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        return adversary.logits(rng, shape[0], shape[1], fmt).astype(np.float64)

    return draw


def _compare(function: str, dtype: str, shape: tuple[int, int], rng: np.random.Generator) -> tuple[int, list[str]]:
    """How many elements a fast tier answered, and a sentence for each where it and mpmath cannot both be right."""
    arguments, keywords = draw_call(function, rng, shape, _hard(dtype))
    if "reduction" in FUNCTIONS[function].keywords:
        keywords["reduction"] = "none"
    arguments = cast(arguments, FORMATS[dtype].numpy())
    tally.take()
    fast = expect(function, arguments, keywords, first_bits(arguments[0].dtype))
    counts = tally.take()
    answered = counts.get(tally.SINGLE, 0) + counts.get(tally.DOUBLE, 0)
    if not answered:
        return 0, []
    exact = expect(function, arguments, keywords, REFERENCE_BITS)
    tally.take()
    call = f"{function}({', '.join(str(a.tolist()) for a in arguments)}) in {dtype}"
    return answered, [f"{text}, of {call}" for text in disagreements(fast, exact)]


def disagreements(fast: Expected, exact: Expected) -> Iterator[str]:
    """The elements of two answers to one call that cannot both be right, in words."""
    for index in np.ndindex(fast.shape):
        if fast.kind[index] != exact.kind[index]:
            yield f"at {list(index)} one tier has {_kind(fast, index)} and the other {_kind(exact, index)}"
        elif fast.kind[index] == Kind.VALUE and not overlap(fast.enclosure.take(index), exact.enclosure.take(index)):
            words = (f"{float(e.hi)!r}·2^{int(e.exponent)} to {float(e.bound):.2g} of it"
                     for e in (fast.enclosure.take(index), exact.enclosure.take(index)))  # fmt: skip
            yield f"at {list(index)} a fast tier says {', mpmath '.join(words)}"


def _kind(of: Expected, index: tuple[int, ...]) -> str:
    return Kind(int(of.kind[index])).name


def overlap(a: Enclosure, b: Enclosure) -> bool:
    """Whether one number can fulfil both enclosures: |a - b| ≤ (bound of a + bound of b)·|y|, |y| ≤ |b| / (1 - bound of b)."""
    if _only_size(a) or _only_size(b):
        small, other = (a, b) if _only_size(a) else (b, a)
        return _only_size(other) or not other.hi or int(other.exponent) - 1 <= int(small.exponent)
    if not a.hi or not b.hi:
        return bool(a.hi == b.hi)  # |0 - v| ≤ b·0 holds for v = 0 alone
    if abs(int(a.exponent) - int(b.exponent)) > _APART:
        return False
    scale = Fraction(2) ** (int(a.exponent) - int(b.exponent))
    first, second = _mantissa(a) * scale, _mantissa(b)
    bounds = Fraction(float(a.bound)), Fraction(float(b.bound))
    return abs(first - second) * (1 - bounds[1]) <= sum(bounds) * abs(second)


def _only_size(e: Enclosure) -> bool:
    """Whether it says no more than |y| ≤ 2^exponent."""
    return bool(e.hi == 0 and e.bound == 1)


def _mantissa(e: Enclosure) -> Fraction:
    return Fraction(float(e.hi)) + Fraction(float(e.lo))
