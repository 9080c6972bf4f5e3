"""Sparsemax, 1.5-entmax and their Jacobians: reference, bounds and implementations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smxref
from smxcheck import functions
from smxcheck.caseset.model import Case
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import Accuracy, judge_values
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.call import ask
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.right_forms import sparse

from .differences import DIGITS, agrees, exact, first

LAW = settings(derandomize=True, deadline=None, max_examples=60)
BOTH = pytest.mark.parametrize("name", ["sparsemax", "entmax15"])
JACOBIANS = {"sparsemax": "sparsemax_jacobian", "entmax15": "entmax15_jacobian"}
POINTS = {
    "generic": [0.5, -1.25, 0.75, 0.125, 0.9375, 0.3125, -0.0625],
    "three": [0.2, 0.7, 0.55],
    "support of one": [0.25, 3.0, -1.0],
    "ties": [1.0, 1.0, 0.25, 1.0],
    "uniform": [-0.75] * 7,
    "far": [1000.0, 1000.25, 990.0],
    "whole": [0.0625, 0.0, 0.125],
    "one": [2.5],
    "two": [0.25, -0.125],
}


def plain(name: str) -> Callable[[list[Any]], list[Any]]:
    """The map from its definition alone: the τ at which the entries add up to 1, found by bisection to 100 digits."""
    scale, power = (1, 1) if name == "sparsemax" else (2, 2)

    def entries(z: list[Any], tau: Any) -> list[Any]:
        return [max(v / scale - tau, mpmath.mpf(0)) ** power for v in z]

    def call(z: list[Any]) -> list[Any]:
        high = max(z) / scale
        low = high - 1
        for _ in range(340):
            middle = (low + high) / 2
            low, high = (middle, high) if sum(entries(z, middle)) > 1 else (low, middle)
        return entries(z, low)

    return call


@BOTH
@pytest.mark.parametrize("point", POINTS)
def test_reference_is_the_map_and_its_jacobian_the_derivative(name: str, point: str) -> None:
    z, n = POINTS[point], len(POINTS[point])
    with mpmath.workdps(DIGITS):
        values = plain(name)(exact(z))
    assert all(agrees(b, v, 1) for b, v in zip(getattr(smxref, name)(z, bits=200), values, strict=True))
    jacobian = getattr(smxref, JACOBIANS[name])(z, bits=200)
    for j in range(n):
        for i, slope in enumerate(first(plain(name), z, j)):
            assert agrees(jacobian[i * n + j], slope, 1), (i, j)


@BOTH
@pytest.mark.parametrize("point", POINTS)
def test_enclosures_of_two_precisions_overlap(name: str, point: str) -> None:
    for function in (name, JACOBIANS[name]):
        coarse, fine = (getattr(smxref, function)(POINTS[point], bits=bits) for bits in (70, 300))
        for a, b in zip(coarse, fine, strict=True):
            with mpmath.workprec(400):
                assert abs(a.value - b.value) <= a.error + b.error


@given(st.lists(st.integers(-40, 40), min_size=1, max_size=8))
@LAW
def test_reference_of_sparsemax_is_the_rational_projection(numbers: list[int]) -> None:
    """Of all supports the one whose threshold lies between its smallest entry and the largest outside."""
    z = [Fraction(v, 16) for v in numbers]
    ordered = sorted(z, reverse=True)
    taus = [(sum(ordered[:k]) - 1) / k for k in range(1, len(z) + 1)]
    fits = [t for k, t in enumerate(taus, 1) if ordered[k - 1] > t and (k == len(z) or ordered[k] <= t)]
    assert len(fits) == 1
    balls = smxref.sparsemax([float(v) for v in z], bits=200)
    for ball, v in zip(balls, z, strict=True):
        right = max(v - fits[0], Fraction(0))
        assert abs(Fraction(*map(int, mpmath.libmp.to_rational(ball.value._mpf_))) - right) < Fraction(1, 2**150)
        assert (ball.value == 0 and ball.error == 0) == (right == 0)


def test_border_entry_is_exactly_zero_and_does_not_count() -> None:
    """[1, ½, 0]: τ = ¼ of two entries. [½, ½ - 1]: the second lies on the border."""
    assert [float(b.value) for b in smxref.sparsemax([0.5, -0.5], bits=100)] == [1.0, 0.0]
    assert [float(b.value) for b in smxref.sparsemax_jacobian([0.5, -0.5], bits=100)] == [0, 0, 0, 0]
    assert smxref.entmax15([0.0, -2.0], bits=100)[1].error == 0


@pytest.mark.parametrize("z", [[float("nan"), 0.0], [float("inf"), 0.0], [float("-inf")]])
@pytest.mark.parametrize("function", [*JACOBIANS, *JACOBIANS.values()])
def test_reference_refuses_what_has_no_answer(function: str, z: list[float]) -> None:
    with pytest.raises(ValueError):
        getattr(smxref, function)(z, bits=100)


# Bounds: forms in the dtype itself --------------------------------------------------------------


def _sorted(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return -np.sort(-z, axis=-1), np.arange(1, z.shape[-1] + 1).astype(z.dtype)


def textbook_sparsemax(z: np.ndarray, shift: bool = True) -> np.ndarray:
    z = z - z.max(axis=-1, keepdims=True) if shift else z
    ordered, k = _sorted(z)
    sums = np.cumsum(ordered, axis=-1, dtype=z.dtype)
    size = (1 + k * ordered > sums).sum(axis=-1, keepdims=True)
    tau = (np.take_along_axis(sums, size - 1, -1) - 1) / size.astype(z.dtype)
    return np.maximum(z - tau, 0)


def textbook_entmax15(z: np.ndarray, two_passes: bool = False) -> np.ndarray:
    z = (z - z.max(axis=-1, keepdims=True)) / z.dtype.type(2)
    ordered, k = _sorted(z)
    mean = np.cumsum(ordered, axis=-1, dtype=z.dtype) / k
    if two_passes:
        prefix = np.tril(np.ones((z.shape[-1],) * 2, bool))
        distance = np.where(prefix, ordered[..., None, :] - mean[..., :, None], 0).astype(z.dtype)
        spread = (distance * distance).sum(axis=-1, dtype=z.dtype)
    else:
        square = np.cumsum(ordered * ordered, axis=-1, dtype=z.dtype) / k
        spread = k * (square - mean * mean)
    tau = mean - np.sqrt(np.maximum((1 - spread) / k, 0))
    size = np.maximum((tau <= ordered).sum(axis=-1, keepdims=True), 1)
    root = np.maximum(z - np.take_along_axis(tau, size - 1, -1), 0)
    return root * root


def published_bisection(z: np.ndarray, power: int, halvings: int = 80) -> np.ndarray:
    """Peters, Niculae & Martins 2019, Algorithm 1, as it is written: no shift, the last τ that was tried."""
    z = z / z.dtype.type(power)
    low, width = z.max(axis=-1, keepdims=True) - z.dtype.type(1), z.dtype.type(1)
    high = low + width
    for _ in range(halvings):
        tau = (low + high) / z.dtype.type(2)
        p = np.maximum(z - tau, 0) ** power
        total = p.sum(axis=-1, keepdims=True, dtype=z.dtype)
        low, high = np.where(total >= 1, tau, low), np.where(total >= 1, high, tau)
    return p / total


def _centred(s: np.ndarray) -> np.ndarray:
    total = s.sum(axis=-1, dtype=s.dtype)[..., None, None]
    return np.eye(s.shape[-1], dtype=s.dtype) * s[..., None] - s[..., None] * s[..., None, :] / total


FORMS: dict[str, tuple[str, Callable[..., np.ndarray], Level]] = {
    "sparsemax, shifted": ("sparsemax", textbook_sparsemax, Level.TIGHT),
    "sparsemax, as published": ("sparsemax", lambda z: textbook_sparsemax(z, shift=False), Level.STANDARD),
    "entmax, two passes": ("entmax15", lambda z: textbook_entmax15(z, two_passes=True), Level.TIGHT),
    "entmax, moments": ("entmax15", textbook_entmax15, Level.STANDARD),
    "sparsemax, bisected": ("sparsemax", sparse.sparsemax_bisected, Level.STANDARD),
    "entmax, bisected": ("entmax15", sparse.entmax15_bisected, Level.STANDARD),
    "sparsemax, bisected as published": ("sparsemax", lambda z: published_bisection(z, 1), Level.STANDARD),
    "entmax, bisected as published": ("entmax15", lambda z: published_bisection(z, 2), Level.STANDARD),
    "Jacobian of sparsemax by bisection": (
        "sparsemax_jacobian", lambda z: _centred((published_bisection(z, 1) > 0).astype(z.dtype)), Level.STANDARD),
    "Jacobian of entmax by bisection": (
        "entmax15_jacobian", lambda z: _centred(np.sqrt(published_bisection(z, 2))), Level.STANDARD),
    "Jacobian of sparsemax": (
        "sparsemax_jacobian", lambda z: _centred((textbook_sparsemax(z) > 0).astype(z.dtype)), Level.STANDARD),
    "Jacobian of entmax": ("entmax15_jacobian", lambda z: _centred(np.sqrt(textbook_entmax15(z))), Level.STANDARD),
}  # fmt: skip


def rows(dtype: str, seed: int, count: int = 60) -> np.ndarray:
    """Rows of 5 entries: supports of all sizes, ties, near-ties, entries at the border, one dominant entry."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, 5)) * 2.0 ** rng.uniform(-6, 1, (count, 1))
    z[::4] = np.round(z[::4] * 8) / 8
    z[1::4, 1] = z[1::4, 0] * (1 + 2.0 ** -rng.integers(3, 12, len(z[1::4])))
    z[2::8, 0] = z[2::8, 1:].max(axis=1) + 1
    return np.clip(z, -6, 6).astype(FORMATS[dtype].numpy())


def judged(function: str, arguments: tuple[np.ndarray, ...], got: np.ndarray, dtype: str, **keywords: Any) -> Accuracy:
    question = ask(Case(function, "t", "x", dtype, "accuracy", "quick", build=dict), arguments, keywords, "")
    return judge_values(got, question.rulers(question.format), question.format)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("form", FORMS)
def test_right_forms_stay_inside_their_bound_which_is_not_slack(form: str, dtype: str) -> None:
    function, call, level = FORMS[form]
    z = rows(dtype, seed=3)
    with np.errstate(all="ignore"):
        got = call(z)
    assert got.dtype == z.dtype
    found = judged(function, (z,), got, dtype)
    assert LEVEL_ORDER[found.level] <= LEVEL_ORDER[level], (found.error, found.allowed, z[found.index // got[0].size])
    if function != "sparsemax_jacobian":  # its forms round 1/k, or nothing
        assert found.error * 30 > found.allowed


@pytest.mark.parametrize("dtype", FORMATS)
@BOTH
def test_bisection_may_have_the_error_of_its_sum_but_not_of_halvings_left_out(name: str, dtype: str) -> None:
    """Equal entries: p is 1/k times the error of a sum of k terms. τ off by 2^-(halvings) shows where they are not."""
    power, even = (1, 2)[name == "entmax15"], np.zeros((1, 31), FORMATS[dtype].numpy())
    assert judged(name, (even,), published_bisection(even, power), dtype).level is not Level.WRONG
    z = np.array([[0.5, -0.25, 0.125, 0.4375]], FORMATS[dtype].numpy())
    assert judged(name, (z,), published_bisection(z, power), dtype).level is not Level.WRONG
    some = rows(dtype, seed=3)
    early = published_bisection(some, power, halvings=round(-np.log2(FORMATS[dtype].u)) - 5)
    assert judged(name, (some,), early, dtype).level is Level.WRONG


@BOTH
def test_published_form_is_not_admitted_far_from_the_origin(name: str) -> None:
    z = np.float32([[-1000.1, -1000.7, -1002.3]])
    assert judged("sparsemax", (z,), textbook_sparsemax(z, shift=False), "float32").level is Level.WRONG


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", [*JACOBIANS, *JACOBIANS.values()])
def test_tight_is_at_most_standard_and_nothing_is_allowed_to_a_single_entry(function: str, dtype: str) -> None:
    z, fmt = rows(dtype, seed=5), FORMATS[dtype]
    tight, standard = (bounds_for(function, (z,), {}, fmt, v).total_absolute() for v in (Level.TIGHT, Level.STANDARD))
    assert (tight <= standard).all()
    single = np.array([[1.5]], fmt.numpy())
    assert (bounds_for(function, (single,), {}, fmt, Level.TIGHT).total_absolute() == 0).all()


@BOTH
def test_row_scaled_by_one_plus_2_to_the_minus_18_is_never_tight(name: str) -> None:
    for n in (2, 5, 16):
        z = np.random.default_rng(n).normal(size=(8, n)).astype(np.float32)
        y = getattr(functions, name)(z.astype(np.float64))
        for row, answer in zip(z, y, strict=True):
            got = (answer * (1 + 2.0**-18)).astype(np.float32)[None]
            assert LEVEL_ORDER[judged(name, (row[None],), got, "float32").level] > LEVEL_ORDER[Level.TIGHT]


def test_jacobian_on_the_border_may_be_that_of_either_side() -> None:
    z = np.float32([[0.5, -0.5]])
    for got in ([[[0, 0], [0, 0]]], [[[0.5, -0.5], [-0.5, 0.5]]]):
        assert judged("sparsemax_jacobian", (z,), np.float32(got), "float32").level is not Level.WRONG
    assert judged("sparsemax_jacobian", (z,), np.float32([[[1, 0], [0, 1]]]), "float32").level is Level.WRONG


# Implementations --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", [*JACOBIANS, *JACOBIANS.values()])
def test_implementation_is_tight_and_leaves_its_input_alone(function: str, dtype: str) -> None:
    z = rows(dtype, seed=7)
    before = z.copy()
    got = getattr(functions, function)(z)
    assert got.dtype == z.dtype and (z == before).all()
    assert LEVEL_ORDER[judged(function, (z,), got, dtype).level] <= LEVEL_ORDER[Level.TIGHT]


@BOTH
def test_implementation_takes_any_axis(name: str) -> None:
    call, z = getattr(functions, name), np.random.default_rng(0).normal(size=(3, 4, 2))
    for axis in (0, 1, -1):
        assert np.array_equal(call(z, axis=axis), np.moveaxis(call(np.moveaxis(z, axis, -1)), -1, axis))
    assert np.array_equal(call(z, axis=None).ravel(), call(z.ravel()))
    assert call([3, 1]).dtype == np.float64 and call(2.0) == 1
    assert call(np.zeros((2, 0))).shape == (2, 0)


@BOTH
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30))
@LAW
def test_implementation_is_a_distribution_that_keeps_the_order(name: str, z: list[float]) -> None:
    p = getattr(functions, name)(z)
    assert (p >= 0).all() and abs(p.sum() - 1) < 1e-12
    assert (np.diff(p[np.argsort(z, kind="stable")]) >= 0).all()
    assert np.array_equal(getattr(functions, name)(z[::-1]), p[::-1])


@BOTH
def test_rows_without_an_answer_are_nan_and_absent_entries_zero(name: str) -> None:
    inf, nan = np.inf, np.nan
    got = getattr(functions, name)(np.array([[nan, 0], [inf, 0], [-inf, -inf], [-inf, 3]]))
    assert np.isnan(got[:3]).all() and got[3].tolist() == [0, 1]
    jacobian = getattr(functions, JACOBIANS[name])(np.array([[nan, 0], [-inf, 3]]))
    assert np.isnan(jacobian[0]).all() and not jacobian[1].any()


def test_bfloat16_is_rounded_once() -> None:
    z = np.array([0.5, 0.25, 0.125], ml_dtypes.bfloat16)
    wide = functions.entmax15(z.astype(np.float64)).astype(np.float32)
    assert np.array_equal(functions.entmax15(z), wide.astype(ml_dtypes.bfloat16))
