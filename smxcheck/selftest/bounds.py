"""Adversarial search against the bounds: no right implementation may be driven out of the bound of its level.

A bound has a derivation (`smxcheck.judge.bounds`); the search looks for inputs that contradict it. For every function,
level, form and dtype it climbs towards the largest ratio of error to bound, and the judge judges the row where it ends.
"""

from __future__ import annotations

from collections.abc import Collection
from time import perf_counter

import numpy as np

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import judge_values
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.judge.ruler import Allowance, rulers
from smxcheck.oracle import expect
from smxcheck.selftest import adversary
from smxcheck.selftest.adversary_forms import FORMS, Form, all_forms
from smxcheck.selftest.results import Machinery

#: Rows of 16-bit numbers added one after another: beyond so many terms √u caps what the normaliser may lose, and the
#: plain 16-bit sum is rightly not `standard`.
LONGEST_16_BIT = 12
#: The lengths of row that are searched.
LENGTHS = (2, 5, LONGEST_16_BIT)
#: The search's own reference has 11 bits more than float64; the judge's verdict on what is found rests on enclosures.
NOISE = 2.0**-10

NAME = "bounds"
QUESTION = "Does a search for the worst input drive no right implementation out of the bound of its level?"


def judged(form: Form, dtype: str, arguments: adversary.Arrays) -> Level:
    """The level that the judge gives a form's values at one input, from certified enclosures."""
    fmt, keywords = FORMATS[dtype], adversary.KEYWORDS.get(form.function, {})
    with np.errstate(all="ignore"):
        expected = expect(form.function, arguments, keywords)
        tight, standard = (
            bounds_for(form.function, arguments, keywords, fmt, level) for level in (Level.TIGHT, Level.STANDARD)
        )
        return judge_values(form.call(*arguments), rulers(expected, Allowance(tight, standard), fmt), fmt).level


def check_bounds(seed: int = 0, functions: Collection[str] = ()) -> Machinery:
    """A short search for every form, dtype and length, the same for one ``seed``; ``functions`` are all if none is named.

    A question is one form in one dtype at one length. It is held where nothing that was met exceeds the bound.
    """
    began = perf_counter()
    asked, misses = 0, []
    for form, dtype in all_forms():
        if functions and form.function not in functions:
            continue
        for n in LENGTHS:
            asked += 1
            misses += [m for m in [exceeded(form, dtype, n, seed)] if m]
    return Machinery(
        NAME, QUESTION, asked, asked - len(misses), tuple(misses), _left_out(functions), seconds=perf_counter() - began
    )


def exceeded(form: Form, dtype: str, n: int, seed: int) -> str:
    """The sentence on a row where the form exceeds its bound, "" where the search found none."""
    found = adversary.climb(form, dtype, n, seed=1000 * seed + n)
    level = judged(form, dtype, found.arguments)
    if found.ratio <= 1 + NOISE and LEVEL_ORDER[level] <= LEVEL_ORDER[form.level]:
        return ""
    row = ", ".join(str(a.tolist()) for a in found.arguments)
    return (
        f"{form.function} ({form.name}) in {dtype} is off by {found.ratio:.3g} times the {form.level} bound and judged"
        f" {level}, at {row}"
    )


def _left_out(functions: Collection[str]) -> tuple[str, ...]:
    searched = {f.function for f in FORMS}
    rest = [f for f in FUNCTIONS if f not in searched and (not functions or f in functions)]
    return (f"not searched here, for want of a form whose roundings are counted: {', '.join(rest)}",) if rest else ()
