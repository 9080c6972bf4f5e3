"""Derivatives of softmax, log_softmax and logsumexp: closed forms and implementations."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import smxcheck
import smxref
from smxcheck import functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.result import Level
from smxref import Ball

from .derivative_inputs import ALL, BACKWARD, MATRICES, PRODUCTS, arguments_for, judged, sizes
from .differences import DIGITS, agrees, exact, first, second

LAW = settings(derandomize=True, deadline=None, max_examples=40)
INF = float("inf")

POINTS = {
    "one entry": [2.5],
    "two": [0.5, -1.25],
    "three": [0.0, 4.0, 5.0],
    "seven": [0.5, -1.25, 2.0, 0.75, -3.0, 1.0, 0.25],
    "ties": [1.0, 1.0, 0.0],
    "uniform": [3.0, 3.0, 3.0],
    "saturated": [60.0, 0.0, -40.0],
}
AT = pytest.mark.parametrize("x", POINTS.values(), ids=POINTS)


# The definitions, without shift or closed form


def softmax(x: list[Any]) -> list[Any]:
    e = [mpmath.exp(v) for v in x]
    return [v / mpmath.fsum(e) for v in e]


def log_softmax(x: list[Any]) -> list[Any]:
    return [mpmath.log(p) for p in softmax(x)]


def logsumexp(x: list[Any]) -> list[Any]:
    return [mpmath.log(mpmath.fsum(mpmath.exp(v) for v in x))]


def weights(n: int) -> list[float]:
    return [1.5, -0.5, 2.0, 0.25, -3.0, 1.0, 0.125][:n]


@AT
@pytest.mark.parametrize(
    ("function", "of"), [("softmax_jacobian", softmax), ("log_softmax_jacobian", log_softmax)], ids=lambda v: str(v)[:20]
)
def test_jacobians_are_the_differences_of_the_function(function: str, of: Callable[..., Any], x: list[float]) -> None:
    n = len(x)
    balls = getattr(smxref, function)(x, bits=400)
    for j in range(n):
        column = first(of, x, j)
        assert all(agrees(balls[i * n + j], column[i]) for i in range(n))


@AT
def test_second_derivatives_of_softmax_are_its_differences(x: list[float]) -> None:
    n = len(x)
    balls = smxref.softmax_hessian(x, bits=400)
    for j, k in product(range(n), repeat=2):
        if j <= k:
            slab = second(softmax, x, j, k)
            for i in range(n):
                assert agrees(balls[(i * n + j) * n + k], slab[i])
                assert agrees(balls[(i * n + k) * n + j], slab[i])


@AT
def test_gradient_and_hessian_of_logsumexp_are_its_differences(x: list[float]) -> None:
    n = len(x)
    gradient, hessian = smxref.logsumexp_grad(x, bits=400), smxref.logsumexp_hessian(x, bits=400)
    for j in range(n):
        assert agrees(gradient[j], first(logsumexp, x, j)[0])
        for k in range(n):
            assert agrees(hessian[j * n + k], second(logsumexp, x, j, k)[0])


@AT
def test_products_are_the_differences_of_the_function_times_a_vector(x: list[float]) -> None:
    n, v = len(x), weights(len(x))
    columns, log_columns = ([first(of, x, j) for j in range(n)] for of in (softmax, log_softmax))
    with mpmath.workdps(DIGITS):
        backward, log_backward = (
            [mpmath.fsum(c * a for c, a in zip(column, v, strict=True)) for column in some]
            for some in (columns, log_columns)
        )
        forward = [mpmath.fsum(columns[j][i] * v[j] for j in range(n)) for i in range(n)]
    for function, right in (("softmax_vjp", backward), ("softmax_jvp", forward), ("log_softmax_vjp", log_backward)):
        assert all(map(agrees, getattr(smxref, function)(x, v, bits=400), right)), function


def rational(value: mpmath.mpf) -> Fraction:
    sign, mantissa, exponent, _ = value._mpf_
    return (-1) ** sign * Fraction(mantissa) * Fraction(2) ** exponent


@AT
def test_backward_passes_from_an_output_take_it_as_it_is(x: list[float]) -> None:
    """Against rational arithmetic, and against exp of the output itself."""
    y, g = [float(p) for p in softmax(exact(x))], weights(len(x))
    inner = sum(Fraction(a) * Fraction(b) for a, b in zip(g, y, strict=True))
    for ball, a, b in zip(smxref.softmax_backward(g, y, bits=100), g, y, strict=True):
        right = Fraction(b) * (Fraction(a) - inner)
        assert ball.error == 0
        assert rational(ball.value) == right
    logs = [-abs(v) for v in x]
    with mpmath.workdps(DIGITS):
        right_logs = [a - mpmath.exp(mpmath.mpf(b)) * sum(map(mpmath.mpf, g)) for a, b in zip(g, logs, strict=True)]
    assert all(map(agrees, smxref.log_softmax_backward(g, logs, bits=400), right_logs))


def call_reference(function: str, x: list[float], g: list[float], bits: int) -> list[Ball]:
    arguments = (x,) if len(FUNCTIONS[function].arguments) == 1 else (g, x) if function in BACKWARD else (x, g)
    balls: list[Ball] = getattr(smxref, function)(*arguments, bits=bits)
    return balls


@pytest.mark.parametrize("function", ALL)
@given(data=st.data())
@LAW
def test_enclosures_of_two_precisions_overlap(function: str, data: st.DataObject) -> None:
    number = st.one_of(st.floats(-700, 700), st.sampled_from([0.0, 1.0, 1.0, -1e-300]))
    x = data.draw(st.lists(number, min_size=1, max_size=3 if function == "softmax_hessian" else 5))
    g = data.draw(st.lists(number, min_size=len(x), max_size=len(x)))
    with mpmath.workdps(400):
        for a, b in zip(*(call_reference(function, x, g, bits) for bits in (90, 300)), strict=True):
            assert abs(a.value - b.value) <= a.error + b.error


ZEROS = [
    ("softmax_vjp", ([0.0, 1.0, 3.0], [1.0, 1.0, 1.0])),
    ("softmax_vjp", ([-700.0, 0.1, 0.3], [0.0, 0.0, 0.0])),
    ("softmax_vjp", ([1.0, 1.0, -INF], [2.0, 2.0, 5.0])),
    ("softmax_jvp", ([0.25, 0.5], [-1e30, -1e30])),
    ("softmax_backward", ([1.0, 1.0], [0.5, 0.5])),
    ("softmax_jacobian", ([7.0],)),
    ("softmax_jacobian", ([-INF, 0.1],)),
    ("softmax_hessian", ([0.1],)),
    ("logsumexp_hessian", ([-3.0],)),
    ("log_softmax_vjp", ([0.1, 0.1], [3.0, 3.0])),
    ("log_softmax_vjp", ([0.1], [3.0])),
    ("log_softmax_jacobian", ([0.1],)),
    ("log_softmax_backward", ([3.0, 0.0], [0.0, -INF])),
]


@pytest.mark.parametrize(("function", "arguments"), ZEROS, ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_exactly_zero_comes_out_as_an_exact_zero(function: str, arguments: tuple[Any, ...]) -> None:
    for ball in getattr(smxref, function)(*arguments, bits=80):
        assert (ball.value, ball.error) == (0, 0)


def test_two_equal_entries_have_no_third_cumulant() -> None:
    assert all(b.value == 0 == b.error for b in smxref.softmax_hessian([0.1, 0.1, -INF], bits=80))
    assert smxref.softmax_hessian([0.1, 0.1, -1e9], bits=80)[0].value != 0


@pytest.mark.parametrize("function", PRODUCTS)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, -30.0, -INF]), st.sampled_from([1.0, -2.0])), min_size=1, max_size=4),
       st.lists(st.integers(1, 3), min_size=4, max_size=4))  # fmt: skip
@LAW
def test_counts_mean_repetition(function: str, pairs: list[tuple[float, float]], times: list[int]) -> None:
    if all(x == -INF for x, _ in pairs):
        return
    reference, counts = getattr(smxref, function), times[: len(pairs)]
    x, g = (list(column) for column in zip(*pairs, strict=True))
    short = reference(x, g, counts, bits=100)
    long = reference(*([v for v, c in zip(column, counts, strict=True) for _ in range(c)] for column in (x, g)), bits=100)
    place = 0
    for ball, c in zip(short, counts, strict=True):
        assert abs(ball.value - long[place].value) <= ball.error + long[place].error
        place += c


# Implementations


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("function", ALL)
def test_the_implementation_is_tight_on_hard_rows(function: str, dtype: str) -> None:
    for n in (1, *sizes(function)):
        arguments = arguments_for(function, n, dtype, seed=n + 50)
        before = [a.copy() for a in arguments]
        got = getattr(functions, function)(*arguments)
        assert got.dtype == arguments[0].dtype
        assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))
        assert judged(function, arguments, got, dtype).level in (Level.ULP1, Level.TIGHT)


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
@pytest.mark.parametrize("function", [*PRODUCTS, *BACKWARD])
def test_products_run_along_any_axis(function: str, axis: Any) -> None:
    rng = np.random.default_rng(3)
    arguments = tuple(rng.normal(size=(2, 3, 4)).astype(np.float32) for _ in range(2))
    got = getattr(functions, function)(*arguments, axis=axis)
    assert judged(function, arguments, got, "float32", axis=axis).level is Level.ULP1


@pytest.mark.parametrize("function", [*PRODUCTS, *BACKWARD])
def test_products_refuse_what_does_not_fit(function: str) -> None:
    call = getattr(functions, function)
    with pytest.raises(ValueError, match="one shape"):
        call(np.zeros((2, 3)), np.zeros(3))
    with pytest.raises(TypeError, match="pass real numbers"):
        call(np.zeros(3), np.zeros(3, complex))
    with pytest.raises(np.exceptions.AxisError):
        call(np.zeros(3), np.zeros(3), axis=1)


@pytest.mark.parametrize("function", MATRICES)
def test_matrices_of_batches_empty_rows_and_numbers(function: str) -> None:
    call, rank = getattr(functions, function), 3 if function == "softmax_hessian" else 2
    x = np.random.default_rng(1).normal(size=(2, 3, 4))
    assert call(x).shape == (2, 3) + (4,) * rank
    assert np.array_equal(call(x)[1, 2], call(x[1, 2]))
    assert call(np.zeros((2, 0))).shape == (2,) + (0,) * rank
    assert call(np.zeros((0, 3))).shape == (0,) + (3,) * rank
    assert np.array_equal(call(2.5), np.zeros((1,) * rank))
    assert call([1, 2]).dtype == np.float64


@pytest.mark.parametrize("function", ALL)
def test_rows_without_a_derivative_leave_the_others_alone(function: str) -> None:
    x = np.array([[0.0, 1.0, -0.5], [np.nan, 0.0, 1.0], [-np.inf] * 3, [np.inf, 0.0, 1.0], [0.5, 0.25, 2.0]])
    if function in BACKWARD:
        x[2] = np.nan
    arguments = (x,) if len(FUNCTIONS[function].arguments) == 1 else (x, np.ones_like(x) * [1, 2, 4])
    got = getattr(functions, function)(*arguments)
    good = getattr(functions, function)(*(a[[0, 4]] for a in arguments))
    assert np.array_equal(got[[0, 4]], good)
    assert np.isnan(got[1]).all() and np.isnan(got[2]).all()


@given(arrays.arrays(np.float64, (1, 5), elements=st.floats(-50, 50)), st.floats(-1e3, 1e3))
@LAW
def test_equal_cotangents_leave_only_second_order(x: np.ndarray, c: float) -> None:
    """Rows of the Jacobian of softmax add up to 0: what is left is of the order of u²."""
    assert (np.abs(functions.softmax_vjp(x, np.full_like(x, c))) <= 64 * 2.0**-106 * abs(c)).all()


@given(arrays.arrays(np.float64, (1, 4), elements=st.floats(-20, 20)))
@LAW
def test_second_derivatives_are_symmetric_and_add_up_to_nothing(x: np.ndarray) -> None:
    h = functions.softmax_hessian(x)[0]
    for order in ((1, 0, 2), (0, 2, 1)):
        assert np.allclose(h, h.transpose(order), rtol=2.0**-50, atol=0)
    assert (np.abs(h.sum(axis=0)) <= 2.0**-48).all()


def test_extreme_cotangents_do_not_overflow_on_the_way() -> None:
    x, g = np.zeros((1, 2)), np.array([[1.5e308, -1.5e308]])
    assert np.array_equal(functions.softmax_vjp(x, g), [[7.5e307, -7.5e307]])
    assert np.array_equal(functions.log_softmax_vjp(x, g), g)
    assert np.array_equal(functions.softmax_backward(g, np.full_like(x, 0.5)), [[7.5e307, -7.5e307]])


# -inf and NaN in a stored logarithm concern their own element


def test_a_nan_in_a_stored_logarithm_is_one_of_its_own_element() -> None:
    g, y = np.array([[1.0, 2.0, -0.5]]), np.array([[-1.0, np.nan, -np.inf]])
    got = functions.log_softmax_backward(g, y)
    assert judged("log_softmax_backward", (g, y), got, "float64").level is not Level.WRONG
    assert judged("log_softmax_backward", (g, y), np.full_like(g, np.nan), "float64").level is not Level.WRONG
    assert judged("log_softmax_backward", (g, y), np.nan_to_num(got), "float64").level is Level.WRONG
    assert judged("log_softmax_backward", (g, y), np.where(g == 1, 0, got), "float64").level is Level.WRONG


# What must be refused


def wrong_gradients() -> tuple[Callable[..., Any], ...]:
    path = Path(__file__).parent / "implementations" / "wrong_gradients.py"
    spec = importlib.util.spec_from_file_location("implementations_wrong_gradients", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    wrong: tuple[Callable[..., Any], ...] = module.WRONG
    return wrong


@pytest.mark.parametrize("call", wrong_gradients(), ids=lambda f: f.__name__)
def test_wrong_backward_passes_are_refused(call: Callable[..., Any]) -> None:
    report = smxcheck.verify(call, function="softmax_vjp", arrays="numpy")
    assert not report.passed
