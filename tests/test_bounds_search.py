"""No right implementation exceeds the bound of its level, and none of the bounds is far too wide.

A search climbs towards the largest ratio of error to bound for every function, level, form and dtype; the row that it
ends at is judged by the judge itself.
"""

from __future__ import annotations

import functools

import pytest

from smxcheck.dtypes import FORMATS
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.selftest import adversary
from smxcheck.selftest.adversary_forms import FORMS, Form, all_forms
from smxcheck.selftest.bounds import LENGTHS, LONGEST_16_BIT, NOISE, judged

#: A bound that nothing fills to this share is too wide.
FILLED = 0.3


@functools.cache
def search(form: Form, dtype: str, n: int) -> adversary.Found:
    return adversary.climb(form, dtype, n, seed=n)


def ids(value: object) -> str:
    return f"{value.function}-{value.level}-{value.name}" if isinstance(value, Form) else str(value)


@pytest.mark.parametrize(("form", "dtype"), list(all_forms()), ids=ids)
def test_no_right_form_exceeds_the_bound_of_its_level(form, dtype):
    for n in LENGTHS:
        found = search(form, dtype, n)
        assert found.ratio <= 1 + NOISE, found
        if form.function != "cross_entropy_grad" or n == 2:  # one row more is enough for the slowest reference
            assert LEVEL_ORDER[judged(form, dtype, found.arguments)] <= LEVEL_ORDER[form.level], found


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize(("function", "level"), sorted({(f.function, f.level) for f in FORMS}))
def test_a_right_form_comes_near_the_bound(function, level, dtype):
    forms = [f for f in FORMS if (f.function, f.level) == (function, level) and dtype in f.dtypes]
    assert max(search(f, dtype, n).ratio for f in forms for n in LENGTHS) >= FILLED


@pytest.mark.slow
@pytest.mark.parametrize(("form", "dtype"), list(all_forms()), ids=ids)
def test_no_right_form_exceeds_its_bound_in_a_longer_search(form, dtype):
    short = FORMATS[dtype].is_16_bit and form.level is Level.STANDARD
    for n in (3, 8, LONGEST_16_BIT) if short else (3, 8, 15, 31, 127, 1000):
        found = adversary.climb(form, dtype, n, seed=1000 + n, count=300, rounds=15 if n < 100 else 5)
        assert found.ratio <= 1 + NOISE, found
        if n < 100:
            assert LEVEL_ORDER[judged(form, dtype, found.arguments)] <= LEVEL_ORDER[form.level], found
