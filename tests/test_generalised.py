"""Softmax with another function in the place of exp: the reference and the implementations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smxref
from smxcheck import functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.functions.phi import Phi
from smxcheck.functions.weights import compensated_horner
from smxcheck.judge.result import Level
from smxcheck.oracle import enclose, expect
from smxref.coprime import coprime_base

from . import differences
from .generalised_forms import LAW, MPF, NAMES, PHIS, draw, keywords_of, level_of, plain

#: Generic, saturated, tied, uniform; of 1, 2, 3 and 7 entries; positive, as a power needs them.
POINTS = (
    [0.75], [0.5, 1.25], [3.0, 0.125], [0.5, 1.25, 2.0], [40.0, 0.5, 1.0], [1.5, 1.5, 0.25], [2.0, 2.0, 2.0],
    [0.5, 0.125, 3.0, 1.75, 0.25, 2.5, 1.0],
)  # fmt: skip
SIGNED = ([-0.75, 0.5, 2.0], [-3.0, -1.5, -2.25, 1.0], [-1.0, 0.25, 1.0])


def points(keywords: dict[str, Any]) -> tuple[list[float], ...]:
    return POINTS if keywords.get("phi", "").startswith("power") else POINTS + SIGNED


def reference(function: str, z: list[float], label: int, keywords: dict[str, Any], bits: int = 200) -> list[Any]:
    labels = (label,) if "labels" in FUNCTIONS[function].arguments else ()
    balls: list[Any] = getattr(smxref, function)(z, *labels, **keywords, bits=bits)
    return balls


@pytest.mark.parametrize("function", NAMES)
def test_closed_form_agrees_with_the_definition_or_its_differences(function: str) -> None:
    for keywords in keywords_of(function):
        for z in points(keywords):
            label = len(z) - 1
            f = plain(function, keywords, label)
            balls = reference(function, z, label, keywords)
            if not FUNCTIONS[function].derivative_of:
                with mpmath.workdps(differences.DIGITS):
                    right = f(differences.exact(z))
            else:
                columns = [differences.first(f, z, j) for j in range(len(z))]
                right = [row[i] for i in range(len(columns[0])) for row in columns]
            assert len(balls) == len(right)
            assert all(differences.agrees(b, v, 2.0**20) for b, v in zip(balls, right, strict=True)), (z, keywords)


@pytest.mark.parametrize("function", NAMES)
def test_enclosures_of_two_precisions_overlap_and_are_narrow(function: str) -> None:
    for keywords in keywords_of(function)[:4]:
        for z in points(keywords):
            low, high = (reference(function, z, 0, keywords, bits) for bits in (120, 400))
            for a, b in zip(low, high, strict=True):
                with mpmath.workprec(800):
                    assert abs(a.value - b.value) <= a.error + b.error
                    assert b.error <= abs(b.value) * MPF(2) ** -300


def test_exact_zeros_are_recognised() -> None:
    zero = [b.value == 0 and b.error == 0 for b in smxref.taylor_softmax_jacobian([-1.0, 0.0, 1.0], order=2, bits=100)]
    assert zero == [True, False, False] * 3
    for phi in PHIS:
        (alone,) = smxref.generalized_softmax_jacobian([1.5], phi=phi, bits=100)
        grad = smxref.generalized_softmax_entropy_grad([1.5] * 4, phi=phi, bits=100)
        assert all(b.value == 0 and b.error == 0 for b in (alone, *grad))


def test_a_gradient_of_zero_among_unequal_weights_is_recognised() -> None:
    """16 ones below 2 and one 4 above it: Σ w log(w_i/w) = 16·log 4 - 16·log 4."""
    grad = smxref.generalized_softmax_entropy_grad([1.0] * 16 + [2.0, 4.0], phi="power-2", bits=100)
    assert [b.value == 0 and b.error == 0 for b in grad] == [False] * 16 + [True, False]
    tripled = smxref.generalized_softmax_entropy_grad([3.0] * 16 + [6.0, 12.0], phi="power-2", bits=100)
    assert tripled[16].value == 0 and tripled[16].error == 0
    near = smxref.generalized_softmax_entropy_grad([1.0] * 16 + [2.0, 4.0 + 2.0**-50], phi="power-2", bits=200)
    assert abs(near[16].value) > near[16].error


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8))
@LAW
def test_a_coprime_base_is_coprime_and_spans_its_numbers(numbers: list[int]) -> None:
    base = coprime_base(numbers)
    assert all(b > 1 for b in base)
    assert all(np.gcd(a, b) == 1 for a, b in itertools.combinations(base, 2))
    for number in numbers:
        left = number
        for b in base:
            while left % b == 0:
                left //= b
        assert left == 1


def test_far_numbers_neither_overflow_nor_take_forever() -> None:
    far = [1e300, -1e300, 1e-300]
    for function, keywords in (("log_taylor_softmax", {"order": 6}), ("spherical_softmax_jacobian", {"eps": 0.0})):
        assert np.isfinite(enclose(function, np.array(far), **keywords).hi).all()
    for far_down, has_digits in ((-1e6, True), (-1e300, False)):  # beyond 2^(-2^30) an enclosure has only a size
        tiny = enclose("generalized_softmax", np.array([far_down, 0.0]), phi="softplus")
        assert tiny.float64().tolist() == [0.0, 1.0] and (tiny.hi[0] != 0) == has_digits


def test_rows_without_an_answer_are_choices_and_labels_out_of_range_are_refused() -> None:
    zeros = np.zeros((1, 3))
    assert expect("spherical_softmax", (zeros,), {"eps": 0.0}).choices["zero-over-zero"].all()
    assert expect("log_spherical_softmax_jacobian", (np.array([[0.0, 1.0]]),), {"eps": 0.0}).choices
    assert not expect("log_spherical_softmax", (np.array([[0.0, 1.0]]),), {"eps": 0.0}).choices
    assert expect("taylor_softmax", (np.array([np.inf, 1.0]),), {}).choices["infinite-argument"].all()
    for label in (-1, 3):
        expected = expect("sm_taylor_softmax_jacobian", (zeros, np.array([label])), {})
        assert str(label) in expected.must_raise and expected.shape == (1, 3, 3)


# -- implementations


@pytest.mark.parametrize("function", NAMES)
@given(data=st.data())
@LAW
def test_implementations_are_tight_on_every_finite_row(function: str, data: Any) -> None:
    dtype = data.draw(st.sampled_from(list(FORMATS)))
    arguments, keywords = draw(data, function, dtype)
    given_bits = [a.tobytes() for a in arguments]
    got = getattr(functions, function)(*arguments, **keywords)
    assert [a.tobytes() for a in arguments] == given_bits
    assert got.dtype == arguments[0].dtype
    assert level_of(function, arguments, keywords, got, dtype) in (Level.ULP1, Level.TIGHT)


@pytest.mark.parametrize("function", NAMES)
def test_shapes_and_dtypes_of_batches_integers_and_empty_rows(function: str) -> None:
    entry, call = FUNCTIONS[function], getattr(functions, function)
    for shape in ((3,), (2, 3), (2, 2, 3), (0, 3), (2, 0)):
        if "labels" in entry.arguments and 0 in shape[-1:]:
            continue
        z = np.ones(shape, np.float32)
        labels = (np.zeros(shape[:-1], int),) if "labels" in entry.arguments else ()
        wanted = {"same": shape, "reduced": shape[:-1], "jacobian": (*shape, shape[-1])}[entry.shape]
        assert np.shape(call(z, *labels)) == wanted
        assert np.asarray(call(z.astype(int), *labels)).dtype == np.float64
        assert np.asarray(call(z.astype(ml_dtypes.bfloat16), *labels)).dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize("function", NAMES)
def test_nan_and_infinities_spoil_their_own_row_alone(function: str) -> None:
    z = np.array([[0.5, 1.0, 2.0], [np.nan, 1.0, 2.0], [np.inf, 1.0, 2.0], [1.0, 0.25, 2.0]])
    labels = (np.zeros(4, int),) if "labels" in FUNCTIONS[function].arguments else ()
    got = getattr(functions, function)(z, *labels).reshape(4, -1)
    assert np.isnan(got).all(axis=1).tolist() == [False, True, True, False]
    assert np.isfinite(got[[0, 3]]).all()


@pytest.mark.parametrize(
    ("call", "error", "remedy"),
    [
        (lambda: functions.taylor_softmax([1.0], order=3), ValueError, "even number"),
        (lambda: functions.taylor_softmax([1.0], order=20), ValueError, "even number"),
        (lambda: functions.generalized_softmax([1.0], "taylor-5"), ValueError, "even number"),
        (lambda: functions.generalized_softmax([1.0, -2.0], "power-2"), ValueError, "z > 0, and z is -2.0"),
        (lambda: functions.generalized_softmax([1.0], "cosine"), ValueError, "pass exp, softplus"),
        (lambda: functions.generalized_softmax([3.0], Phi("sin", np.sin, np.cos)), ValueError, None),
        (lambda: functions.generalized_softmax([-3.0], Phi("cube", lambda z: z**3, lambda z: 3 * z * z)), ValueError,
         "not positive at z = -3.0"),
        (lambda: functions.generalized_softmax([800.0], Phi("e", np.exp, np.exp)), ValueError,
         "not finite at z = 800.0"),
        (lambda: functions.generalized_softmax([1.0], Phi("sum", np.sum, np.sum)), ValueError, "returned shape"),
        (lambda: functions.spherical_softmax([1.0], eps=-1.0), ValueError, "at least 0"),
        (lambda: functions.soft_margin_softmax([[1.0]], [1]), ValueError, "outside the 1 classes"),
        (lambda: functions.soft_margin_softmax([[1.0]], [0], margin=np.inf), ValueError, "finite number"),
        (lambda: functions.sm_taylor_softmax([[1.0]], [[1.0]]), TypeError, "class numbers as integers"),
        (lambda: functions.spherical_softmax([1j]), TypeError, "real numbers"),
    ],
)  # fmt: skip
def test_wrong_calls_are_refused_with_a_remedy(call: Callable[[], Any], error: type, remedy: str | None) -> None:
    if remedy is None:
        assert call() == 1.0  # sin is positive at 3: the condition is on the given z
        return
    with pytest.raises(error, match=remedy) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_phi_of_ones_own_gives_what_the_same_by_name_gives() -> None:
    z = np.array([[0.5, 1.25, 3.0], [2.0, 0.125, 0.75]])
    cube = Phi("cube", lambda v: v**3, lambda v: 3 * v * v, lambda v: 3 * np.log(v))
    for name in NAMES[:4]:
        call = getattr(functions, name)
        np.testing.assert_allclose(call(z, cube), call(z, "power-3"), rtol=2.0**-48, atol=2.0**-50)


@given(st.lists(st.floats(-50, 50, width=32), min_size=2, max_size=6))
@LAW
def test_shares_add_up_to_one_and_jacobian_columns_to_zero(values: list[float]) -> None:
    z = np.array(values)
    for phi in ("exp", "softplus", "taylor-4"):
        assert abs(functions.generalized_softmax(z, phi).sum() - 1) <= 2.0**-50
        matrix = functions.generalized_softmax_jacobian(z, phi)
        assert (np.abs(matrix.sum(axis=0)) <= 2.0**-49 * np.abs(matrix).sum(axis=0)).all()


@given(st.lists(st.floats(-4, 4), min_size=1, max_size=20), st.sampled_from([2, 4, 6, 18]))
@LAW
def test_compensated_horner_rounds_once(values: list[float], order: int) -> None:
    v = np.array(values) / 4.0
    integers = [math.factorial(order) // math.factorial(m) for m in range(order + 1)]
    coefficients = [np.full_like(v, c * 4.0 ** (m - order)) for m, c in enumerate(integers)]
    for got, at in zip(compensated_horner(coefficients, v), v.tolist(), strict=True):
        with mpmath.workdps(60):
            terms = [MPF(float(c[0])) * MPF(at) ** m for m, c in enumerate(coefficients)]
            size, right = sum(abs(t) for t in terms), sum(terms)
            second_order = size * MPF(2 * order) ** 2 * MPF(2) ** -105
            assert abs(MPF(float(got)) - right) <= abs(right) * MPF(2) ** -53 + second_order
