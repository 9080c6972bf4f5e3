"""Bounds and known mistakes of the generalised softmax functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS, Group
from smxcheck.dtypes import FORMATS
from smxcheck.judge.result import Level
from smxcheck.mistakes import generalised as mistakes
from smxcheck.oracle import enclose

from .generalised_forms import LAW, NAMES, bounds, draw, keywords_of, level_of, textbook


@pytest.mark.parametrize("function", NAMES)
@given(data=st.data())
@LAW
def test_tight_is_nowhere_above_standard_and_every_bound_is_a_number(function: str, data: Any) -> None:
    dtype = data.draw(st.sampled_from(list(FORMATS)))
    arguments, keywords = draw(data, function, dtype)
    tight, standard = bounds(function, arguments, dtype, keywords)
    assert np.isfinite(tight).all() and np.isfinite(standard).all()
    assert (tight <= standard * (1 + 2.0**-40)).all()


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("function", NAMES)
def test_printed_forms_stay_inside_standard_which_is_not_slack(function: str, dtype: str) -> None:
    """On generic rows in the dtype itself; the largest error is within 30 times of the bound where it is nearest."""
    rng, closest = np.random.default_rng(5), 0.0
    for keywords in keywords_of(function):
        z = (rng.uniform(0.25, 3, (6, 4)) * (1 if "power" in keywords.get("phi", "") else rng.choice([-1, 1], (6, 4))))
        z = z.astype(FORMATS[dtype].numpy())
        labels = (np.full(6, 2),) if "margin" in keywords else ()
        with np.errstate(all="ignore"):
            got = textbook(function, z, 2, keywords)
        assert got.dtype == z.dtype
        y = enclose(function, z, *labels, **keywords).float64()
        _, standard = bounds(function, (z, *labels), dtype, keywords)
        error = np.abs(got.astype(np.float64) - y)
        ratio = error / np.where(standard > 0, standard, 1.0)
        assert (error <= standard).all(), (keywords, ratio.max())
        closest = max(closest, float(ratio.max()))
    assert closest >= 1 / 30


def _two_parts(f: Callable[..., Any], *operands: Any) -> tuple[Any, Any]:
    """A rounded sum or product of 16- and 32-bit numbers, and its error, rounded."""
    t = operands[0].dtype
    exact = f(*(o.astype(np.float64) for o in operands))
    rounded = exact.astype(t)
    return rounded, (exact - rounded.astype(np.float64)).astype(t)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("order", [2, 4, 6])
def test_compensated_horner_in_the_dtype_itself_is_tight(order: int, dtype: str) -> None:
    z = np.linspace(-3, 2.5, 200).reshape(50, 4).astype(FORMATS[dtype].numpy())
    t = z.dtype.type
    coefficients = [float(math.factorial(order) // math.factorial(m)) for m in range(order + 1)]
    assert all(float(t(c)) == c for c in coefficients)
    high, low = np.full_like(z, coefficients[-1]), np.zeros_like(z)
    for c in coefficients[-2::-1]:
        product, product_error = _two_parts(np.multiply, high, z)
        high, sum_error = _two_parts(np.add, product, np.full_like(z, c))
        low = low * z + (product_error + sum_error)
    w = high + low
    got = w / w.sum(axis=-1, keepdims=True, dtype=w.dtype)
    assert level_of("taylor_softmax", (z,), {"order": order}, got, dtype) in (Level.ULP1, Level.TIGHT)


@pytest.mark.parametrize("function", NAMES)
def test_a_row_off_by_2_to_the_minus_18_and_zeros_are_never_tight(function: str) -> None:
    rng = np.random.default_rng(11)
    for n in (2, 3, 8, 16):
        z = rng.uniform(0.25, 3, (20, n)).astype(np.float32)
        labels = (np.zeros(20, int),) if "labels" in FUNCTIONS[function].arguments else ()
        keywords = {k: KEYWORD_DEFAULTS[k] for k in FUNCTIONS[function].keywords}
        y = enclose(function, z, *labels, **keywords).float64().reshape(20, -1)
        tight = bounds(function, (z, *labels), "float32", keywords)[0].reshape(20, -1)
        assert (np.abs(y) * 2.0**-18 > tight).any(axis=1)[np.ptp(z, axis=1) >= 1].all()  # else the gradient cancels
        assert (np.abs(y) > tight).any(axis=1).all()


def test_the_group_is_complete_and_every_function_has_mistakes() -> None:
    group = {name for name, entry in FUNCTIONS.items() if entry.group is Group.GENERALISED}
    assert set(NAMES) <= group
    for function in NAMES:
        assert 4 <= sum(m.function == function for m in mistakes.TABLE) <= 5


@pytest.mark.parametrize("mistake", mistakes.TABLE, ids=lambda m: m.id)
def test_every_mistake_is_wrong_on_its_smallest_input_in_every_dtype(mistake: Any) -> None:
    for dtype in mistake.dtypes:
        calls = [c for e in mistake.examples if (c := e.build(mistake.function, dtype)) is not None]
        levels = [level_of(mistake.function, a, k, mistake.call(*a, **k), dtype) for a, k in calls]
        assert Level.WRONG in levels, dtype
