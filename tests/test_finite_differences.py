"""Finite differences are honest: the exact derivative lies within the error that they state, and the error is small."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smxref
from smxcheck import functions
from smxcheck.derivatives import Estimate, directional_derivative, standard_noise, taylor_rate, ulps
from smxcheck.derivatives.richardson import extrapolate
from smxcheck.derivatives.stencil import number_of_steps, stencil
from smxcheck.dtypes import FORMATS

Array = Any

#: What the error may be at a generic point, relative to the largest entry: the noise of some 40 u, over a step of
#: 1/4 to 1/16, in 16 bits of 1/2.
USEFUL = {"float64": 1e-11, "float32": 1e-3, "float16": 1.0, "bfloat16": 4.0}
#: Float64's own rounding, where exact derivatives are compared in it.
OWN = 2.0**-50


def softmax(x: Array) -> Array:
    """The textbook stable form, in the dtype of x; of complex numbers too."""
    e = np.exp(x - x[np.argmax(x.real)])
    return e / e.sum()


def log_softmax(x: Array) -> Array:
    d = x - x[np.argmax(x.real)]
    return d - np.log(np.exp(d).sum())


def logsumexp(x: Array) -> Array:
    top = x[np.argmax(x.real)]
    return top + np.log(np.exp(x - top).sum())


FORMS = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}


def exact(function: str, x: Array, v: Array) -> Array:
    """The derivative along v from the definition, in 60 digits beyond what cancels."""
    with mpmath.workdps(900):
        wide, along = [mpmath.mpf(float(t)) for t in x], [mpmath.mpf(float(t)) for t in v]
        top = max(wide)
        weights = [mpmath.exp(t - top) for t in wide]
        p = [w / mpmath.fsum(weights) for w in weights]
        mean = mpmath.fsum(a * b for a, b in zip(p, along, strict=True))
        if function == "logsumexp":
            return np.float64(mean)
        scale = p if function == "softmax" else [1] * len(p)
        return np.array([float(s * (t - mean)) for s, t in zip(scale, along, strict=True)])


def points() -> list[tuple[str, list[float], list[float]]]:
    """Name, logits and direction: generic, saturated, tied, far away, of every length."""
    random = np.random.default_rng(5)
    drawn = [
        (f"{n}-by-{width:g}", (random.normal(size=n) * width).tolist(), random.choice([-1, 0.5, 0.75, 2], n).tolist())
        for n in (1, 2, 3, 7, 12) for width in (0.25, 2.0, 12.0)
    ]  # fmt: skip
    return [
        *drawn,
        ("saturated", [20.0, 0, 0, 0], [1.0, 0, 0, 0]),
        ("saturated-tail", [20.0, 0, 0, 0], [0.0, 1, 0, 0]),
        ("ties", [1.0, 1, 0], [1.0, -1, 0.5]),
        ("uniform", [0.0] * 7, [1.0, 0, 0, 0, 0, 0, -1]),
        ("offset", [1000.25, 1000, 998], [1.0, 2, -1]),
        ("tiny-direction", [0.5, 1, -2], [2.0**-20, 0, -(2.0**-20)]),
    ]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", FORMS)
def test_the_exact_derivative_lies_within_the_stated_error(function: str, dtype: str) -> None:
    """Of smxcheck's own functions and of the textbook forms, with the noise of level standard."""
    fmt = FORMATS[dtype]
    for name, logits, direction in points():
        x, v = np.array(logits).astype(fmt.numpy()), np.array(direction)
        right = exact(function, x, v)
        for f in (getattr(functions, function), FORMS[function]):
            found = directional_derivative(f, x, v, noise=standard_noise(function, fmt))
            assert found.value.shape == np.shape(right), name
            assert (np.abs(found.value - right) <= found.error + OWN * np.abs(right)).all(), (name, f)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", FORMS)
def test_the_error_is_small_at_generic_points(function: str, dtype: str) -> None:
    fmt = FORMATS[dtype]
    for logits in ([0.5, -1.25, 2, 0.75], [1.5, 1, -0.5], [0.25, 0.375]):
        x, v = np.array(logits).astype(fmt.numpy()), np.linspace(1, -0.5, len(logits))
        found = directional_derivative(FORMS[function], x, v, noise=standard_noise(function, fmt))
        assert found.error.max() <= USEFUL[dtype] * np.abs(exact(function, x, v)).max()


def test_the_reference_agrees_with_the_differences() -> None:
    """The closed form of smxref, from outside of it."""
    x, v = np.array([0.5, -1.25, 2, 0.75]), np.array([1.0, -0.5, 0.25, 2])
    found = directional_derivative(softmax, x, v, noise=standard_noise("softmax", FORMATS["float64"]))
    # The Jacobian is symmetric: its product with a tangent is that with a cotangent.
    balls = smxref.softmax_vjp(x.tolist(), v.tolist(), bits=200)
    right = np.array([float(b.value) for b in balls])
    assert (np.abs(found.value - right) <= found.error).all()


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.lists(st.floats(-30, 30, width=32), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
    st.sampled_from(["float32", "float64"]),
)
def test_no_input_has_a_derivative_outside_the_error(logits: list[float], seed: int, dtype: str) -> None:
    fmt = FORMATS[dtype]
    x = np.array(logits, dtype)
    v = np.random.default_rng(seed).choice([-1.0, -0.25, 0.5, 1.5], len(logits))
    for function, f in FORMS.items():
        found = directional_derivative(f, x, v, noise=standard_noise(function, fmt), analytic=True)
        right = exact(function, x, v)
        assert (np.abs(found.value - right) <= found.error + OWN * np.abs(right)).all()


def test_a_complex_step_that_underflows_is_told() -> None:
    """exp(-53) = 1e-23 in float32, and 2^-60 of it a subnormal number of 12 bits: the derivative loses digits."""
    x, v = np.array([28, -25], np.float32), np.array([-0.25, 0.5])
    found = directional_derivative(softmax, x, v, noise=standard_noise("softmax", FORMATS["float32"]), analytic=True)
    assert (np.abs(found.value - exact("softmax", x, v)) <= found.error).all()


@pytest.mark.parametrize("function", [np.sin, np.exp, np.arctan, np.cosh, lambda x: 1 / (1 + x * x)])
def test_functions_outside_the_catalog_with_noise_in_ulp(function: Callable[[Array], Array]) -> None:
    slope = {"sin": np.cos, "exp": np.exp, "arctan": lambda x: 1 / (1 + x * x), "cosh": np.sinh}
    right_of = slope.get(getattr(function, "__name__", ""), lambda x: -2 * x / (1 + x * x) ** 2)
    for at in (-2.3, -0.5, 0.0, 0.1, 1.0, 3.7):
        x = np.array([at])
        found = directional_derivative(function, x, np.ones(1), noise=ulps(4, FORMATS["float64"]))
        right = right_of(x)
        assert (np.abs(found.value - right) <= found.error + OWN * np.abs(right)).all()
        assert found.error.max() <= 1e-9 * max(1.0, abs(float(right[0])))


# ---- what gradient checkers with one step and one tolerance get wrong


def zeros(x: Array, v: Array) -> Array:
    return np.zeros_like(x)


def not_centred(x: Array, v: Array) -> Array:
    return softmax(x) * v


def refused(claimed: Array, found: Estimate) -> bool:
    return bool((np.abs(claimed - found.value) > found.error).any())


@pytest.mark.parametrize("function", FORMS)
def test_zeros_at_a_saturated_point_are_refused(function: str) -> None:
    x, v = np.array([20.0, 0, 0, 0]), np.array([0.0, 1, 0, 0])
    found = directional_derivative(FORMS[function], x, v, noise=standard_noise(function, FORMATS["float64"]))
    assert refused(np.zeros(found.value.shape), found)
    assert not refused(exact(function, x, v), found)


def test_zeros_where_softmax_underflows_are_right_and_those_of_log_softmax_refused() -> None:
    """At [1000, 0, -1000] the derivatives of softmax lie below the smallest float64: 0 is their rounding."""
    x, v = np.array([1000.0, 0, -1000]), np.array([0.0, 1, 0])
    fmt = FORMATS["float64"]
    of_softmax = directional_derivative(softmax, x, v, noise=standard_noise("softmax", fmt))
    of_logarithm = directional_derivative(log_softmax, x, v, noise=standard_noise("log_softmax", fmt))
    assert np.abs(exact("softmax", x, v)).max() == 0 and not refused(np.zeros(3), of_softmax)
    assert refused(np.zeros(3), of_logarithm)


@pytest.mark.parametrize("n", [1000, 10_000])
def test_missing_centring_is_refused_in_long_rows(n: int) -> None:
    x = np.round(np.random.default_rng(n).normal(size=n) * 16) / 16
    v = np.where(np.arange(n) % 2, 1.0, 0.5)
    found = directional_derivative(functions.softmax, x, v, noise=standard_noise("softmax", FORMATS["float64"]))
    p = softmax(x)
    assert refused(not_centred(x, v), found)
    assert not refused(p * (v - (p * v).sum()), found)


def test_a_right_gradient_at_a_large_offset_is_accepted() -> None:
    x = np.array([1e8, 1e8 - 1, 1e8 - 2.5])
    fmt = FORMATS["float64"]
    for v in np.eye(3):
        found = directional_derivative(logsumexp, x, v, noise=standard_noise("logsumexp", fmt))
        assert not refused(exact("logsumexp", x, v), found)
        assert refused(exact("logsumexp", x, v) * (1 + 1e-4), found)


# ---- parts


def test_the_points_are_where_the_stencil_says_to_the_last_bit() -> None:
    x = np.array([0.1, 1e8 + 0.3, -3e-9, 0.999999])
    v = np.array([1.0, -0.5, 0.25, 1.0])
    for dtype in ("float64", "float32"):
        fmt = FORMATS[dtype]
        given_x = x.astype(fmt.numpy())
        made = stencil(given_x, v, fmt)
        assert len(made.steps) == number_of_steps(fmt)
        for h, up, down, moved in zip(made.steps, made.up, made.down, made.moved, strict=True):
            for a, d, b, m, t in zip(given_x, v, up, moved, down, strict=True):
                exactly = Fraction(float(h)) * Fraction(float(d))
                off = abs(Fraction(float(b)) - Fraction(float(a)) - exactly)
                off += abs(Fraction(float(t)) - Fraction(float(a)) + exactly)
                assert Fraction(float(m)) == pytest.approx(off, rel=1e-15, abs=0)


def test_steps_reach_from_the_scale_to_the_best_one_of_plain_differences() -> None:
    """h* = (3ε|f|/|f'''|)^(1/3), with f and f''' of one size."""
    for fmt in FORMATS.values():
        steps = stencil(np.zeros(1, fmt.numpy()), np.ones(1), fmt).steps
        best = (3 * fmt.u) ** (1 / 3)
        assert steps[0] == 1 and best / 2 < steps[-1] <= best * 2


def test_points_outside_the_domain_are_left_out() -> None:
    x = np.array([2.0**-5])
    with np.errstate(invalid="ignore", divide="ignore"):
        found = directional_derivative(np.log, x, np.ones(1))
    assert abs(found.value[0] - 32) <= found.error[0] <= 1e-6


def test_a_kink_within_the_steps_shows_in_the_error() -> None:
    def rectified(x: Array) -> Array:
        return np.maximum(x, 0)

    for at in (2.0**-2, 2.0**-6, 2.0**-9, -(2.0**-4)):
        found = directional_derivative(rectified, np.array([at]), np.ones(1))
        assert abs(found.value[0] - (at > 0)) <= found.error[0]
    at_kink = directional_derivative(rectified, np.zeros(1), np.ones(1))
    assert at_kink.value[0] == pytest.approx(0.5)  # the mean of both slopes, as every central difference gives


def test_extrapolation_of_too_few_differences_knows_nothing() -> None:
    assert np.isinf(extrapolate(np.ones((1, 2)), np.zeros((1, 2))).error).all()
    assert np.isinf(extrapolate(np.full((6, 2), np.nan), np.zeros((6, 2))).error).all()


@pytest.mark.parametrize("v", [np.zeros(2), np.array([np.nan, 1]), np.array([np.inf, 1])])
def test_a_direction_that_is_none_is_refused(v: Array) -> None:
    with pytest.raises(ValueError, match="must be finite and not 0"):
        directional_derivative(softmax, np.ones(2), v)


def test_another_dtype_is_refused() -> None:
    with pytest.raises(KeyError):
        directional_derivative(softmax, np.ones(2, np.int64), np.ones(2))


def test_the_complex_step_is_taken_where_it_is_better() -> None:
    x, v = np.array([0.5, -1.25, 2, 0.75]), np.array([1.0, -0.5, 0.25, 2])
    noise = standard_noise("softmax", FORMATS["float64"])
    plain = directional_derivative(softmax, x, v, noise=noise)
    analytic = directional_derivative(softmax, x, v, noise=noise, analytic=True)
    right = exact("softmax", x, v)
    assert (analytic.error < plain.error / 4).all()
    assert (np.abs(analytic.value - right) <= analytic.error).all()


def test_a_function_that_is_not_analytic_keeps_its_differences() -> None:
    def squares(x: Array) -> Array:
        return np.abs(x) ** 2 + 0 * x  # complex numbers in and out, and another function of them

    x = np.array([1.5, -0.5])
    found = directional_derivative(squares, x, np.ones(2), analytic=True)
    assert (np.abs(found.value - 2 * x) <= found.error + 1e-15).all()


def test_a_function_that_takes_no_complex_numbers_keeps_its_differences() -> None:
    def real_only(x: Array) -> Array:
        return softmax(np.asarray(x, np.float64))

    x, v = np.array([0.5, -1.25]), np.array([1.0, 0])
    assert not refused(exact("softmax", x, v), directional_derivative(real_only, x, v, analytic=True))


# ---- the Taylor-remainder test

X, V, G = np.array([0.5, -1.25, 2, 0.75]), np.array([1.0, -0.5, 0.25, 2]), np.array([1.0, -0.5, 0.25, 2])


def product(d: Array) -> Array:
    p = softmax(X)
    return p * (d - (p * d).sum())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_product_leaves_a_remainder_of_second_order(dtype: str) -> None:
    noise = standard_noise("softmax", FORMATS[dtype])
    rate = taylor_rate(functions.softmax, product, X.astype(dtype), V, noise=noise)
    assert rate.verdict == "right"
    known = rate.order[~np.isnan(rate.order)]
    assert known.size and ((known > 1.7) & (known < 3.3)).all()
    assert (rate.longest > rate.shortest)[~np.isnan(rate.order)].all()


@pytest.mark.parametrize("wrong", [
    lambda d: np.zeros(4), lambda d: softmax(X) * d, lambda d: -product(d), lambda d: product(d) * 1.001,
    lambda d: softmax(X) * (d - d.mean()),
])  # fmt: skip
def test_a_wrong_product_leaves_a_remainder_of_first_order(wrong: Callable[[Array], Array]) -> None:
    rate = taylor_rate(softmax, wrong, X, V, noise=standard_noise("softmax", FORMATS["float64"]))
    assert rate.verdict == "wrong"
    assert np.nanmin(rate.order) == pytest.approx(1, abs=0.2)


def test_a_backward_product_is_tested_through_its_cotangent() -> None:
    p = softmax(X)
    right, wrong = p * (G - (p * G).sum()), p * G
    noise = standard_noise("softmax", FORMATS["float64"])
    good = taylor_rate(softmax, lambda d: (right * d).sum(), X, V, cotangent=G, noise=noise)
    bad = taylor_rate(softmax, lambda d: (wrong * d).sum(), X, V, cotangent=G, noise=noise)
    assert (good.verdict, bad.verdict) == ("right", "wrong")
    assert float(good.order) == pytest.approx(2, abs=0.2) and float(bad.order) == pytest.approx(1, abs=0.2)


def test_no_range_above_the_noise_is_said_so() -> None:
    """A linear function has no remainder, and one of few bits no range."""
    linear = taylor_rate(lambda x: 2 * x, lambda d: 2 * d, X, V)
    assert linear.verdict == "cannot tell" and np.isnan(linear.order).all()
    noisy = taylor_rate(softmax, product, X, V, noise=lambda x, y: np.full(y.shape, 0.1))
    assert noisy.verdict == "cannot tell"
