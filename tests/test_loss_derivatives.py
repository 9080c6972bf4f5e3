"""Derivatives of the losses, the two-class functions, entropies and divergences: definitions, exact zeros, arrays.

What the bounds allow is in test_loss_derivative_bounds.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smxref
from smxcheck import functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.oracle import Kind, expect

from .differences import agrees, exact, first, second

INF, NAN = math.inf, math.nan
BITS = 400
LAW = settings(derandomize=True, deadline=None, max_examples=40)

LOGITS = {
    "generic": [0.5, -1.25, 2.0],
    "saturated": [40.0, 0.0, -30.0],
    "ties": [1.0, 0.0, 1.0],
    "uniform": [2.0, 2.0, 2.0],
    "one": [1.5],
    "two": [0.0, -1.0],
    "seven": [0.1, -2.0, 3.5, 0.0, 1.25, -0.75, 3.25],
}
WEIGHTS = [0.5, 0.25, 0.75, 0.125, 1.5, 0.0625, 0.375]

# Definitions, in plain mpmath


def log_p(z):
    total = mpmath.fsum(mpmath.exp(v) for v in z)
    return [v - mpmath.log(total) for v in z]


def softmax_entropy(z):
    return [-mpmath.fsum(mpmath.exp(v) * v for v in log_p(z))]


def entropy(p):
    return [-mpmath.fsum(v * mpmath.log(v) for v in p)]


def divergence_from(q):
    q = exact(q)
    return lambda z: [mpmath.fsum(mpmath.exp(v) * (v - mpmath.log(w)) for v, w in zip(log_p(z), q, strict=True))]


def cross_entropy_of(p):
    return lambda q: [-mpmath.fsum(a * mpmath.log(b) for a, b in zip(exact(p), q, strict=True))]


def mean_loss(y, m):
    return lambda z: [-mpmath.fsum(a * b for a, b in zip(exact(y), log_p(z), strict=True)) / m]


def mean_nll(y, m):
    return lambda scores: [-mpmath.fsum(a * b for a, b in zip(exact(y), scores, strict=True)) / m]


def sigmoid(x):
    return [1 / (1 + mpmath.exp(-x[0]))]


def log_sigmoid(x):
    return [-mpmath.log(1 + mpmath.exp(-x[0]))]


def two_class_loss(y):
    return lambda x: [mpmath.log(1 + mpmath.exp(x[0])) - mpmath.mpf(y) * x[0]]


def gradient(f, x):
    return [first(f, x, i)[0] for i in range(len(x))]


def hessian(f, x):
    return [second(f, x, i, j)[0] for i in range(len(x)) for j in range(len(x))]


def same(balls, wanted):
    assert len(balls) == len(wanted)
    for ball, value in zip(balls, wanted, strict=True):
        assert agrees(ball, value)


@pytest.mark.parametrize("z", LOGITS.values(), ids=LOGITS)
def test_derivatives_by_logits_are_those_of_the_definition(z: list[float]) -> None:
    q, y = WEIGHTS[: len(z)], WEIGHTS[: len(z)]
    same(smxref.softmax_entropy_grad(z, bits=BITS), gradient(softmax_entropy, z))
    same(smxref.softmax_entropy_hessian(z, bits=BITS), hessian(softmax_entropy, z))
    same(smxref.kl_divergence_grad(z, q, bits=BITS), gradient(divergence_from(q), z))
    same(smxref.kl_divergence_hessian(z, q, bits=BITS), hessian(divergence_from(q), z))
    same(smxref.cross_entropy_hessian(z, y, rows=3, bits=BITS), hessian(mean_loss(y, 3), z))
    same(smxref.nll_loss_grad(z, y, rows=3, bits=BITS), gradient(mean_nll(y, 3), z))
    label = len(z) - 1
    one_hot = [float(i == label) for i in range(len(z))]
    same(smxref.cross_entropy_hessian(z, label, rows=7, bits=BITS), hessian(mean_loss(one_hot, 7), z))
    same(smxref.nll_loss_grad(z, label, rows=7, bits=BITS), gradient(mean_nll(one_hot, 7), z))


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_derivatives_by_probabilities_are_those_of_the_definition(n: int) -> None:
    p, q = WEIGHTS[:n], WEIGHTS[::-1][:n]
    same(smxref.entropy_grad(p, bits=BITS), gradient(entropy, p))
    same(smxref.entropy_hessian(p, bits=BITS), hessian(entropy, p))
    same(smxref.distribution_cross_entropy_grad(p, q, bits=BITS), gradient(cross_entropy_of(p), q))
    same(smxref.distribution_cross_entropy_hessian(p, q, bits=BITS), hessian(cross_entropy_of(p), q))


@pytest.mark.parametrize("x", [0.0, 0.5, -0.5, 3.0, -3.0, 30.0, -30.0, 2.0**-40])
def test_two_class_derivatives_are_those_of_the_definition(x: float) -> None:
    same(smxref.sigmoid_grad([x], bits=BITS), gradient(sigmoid, [x]))
    same(smxref.log_sigmoid_grad([x], bits=BITS), gradient(log_sigmoid, [x]))
    for y in (0.0, 1.0, 0.25, 0.5, -0.5, 3.0):
        loss = two_class_loss(y)
        same(smxref.binary_cross_entropy_with_logits_grad([x], [y], bits=BITS), gradient(loss, [x]))
        same(smxref.binary_cross_entropy_with_logits_hessian([x], [y], bits=BITS), hessian(loss, [x]))


_NUMBER = st.floats(-50, 50, width=32)
_POSITIVE = st.floats(2.0**-20, 2, width=32)


@given(data=st.data(), n=st.integers(1, 5))
@LAW
def test_enclosures_of_two_precisions_overlap(data: st.DataObject, n: int) -> None:
    z, x = (data.draw(st.lists(_NUMBER, min_size=n, max_size=n)) for _ in range(2))
    p, q = (data.draw(st.lists(_POSITIVE, min_size=n, max_size=n)) for _ in range(2))
    calls: dict[str, tuple[Any, ...]] = {
        "sigmoid_grad": (z,), "log_sigmoid_grad": (z,), "binary_cross_entropy_with_logits_grad": (z, x),
        "entropy_grad": (p,), "entropy_hessian": (p,), "softmax_entropy_grad": (z,), "softmax_entropy_hessian": (z,),
        "kl_divergence_grad": (z, q), "kl_divergence_hessian": (z, q), "distribution_cross_entropy_grad": (p, q),
        "distribution_cross_entropy_hessian": (p, q),
    }  # fmt: skip
    for name, arguments in calls.items():
        reference = getattr(smxref, name)
        for low, high in zip(reference(*arguments, bits=100), reference(*arguments, bits=300), strict=True):
            with mpmath.workprec(600):
                assert abs(low.value - high.value) <= low.error + high.error


# Exact answers

_ZEROS = {
    "ties": ("softmax_entropy_grad", [[2.0, 2.0, 2.0]], [0, 1, 2]),
    "one entry left": ("softmax_entropy_grad", [[1.0, -INF]], [0, 1]),
    "a row of one": ("softmax_entropy_hessian", [[3.0]], [0]),
    "absent": ("softmax_entropy_hessian", [[-INF, 0.0, 1.0]], [0, 1, 2, 3, 6]),
    "uniform q": ("kl_divergence_grad", [[1.0, 1.0], [0.5, 0.5]], [0, 1]),
    "geometric mean": ("kl_divergence_grad", [[0.0, 0.0, 0.0], [0.5, 0.25, 0.125]], [1]),
    "one class": ("kl_divergence_hessian", [[4.0], [0.5]], [0]),
    "no weight": ("cross_entropy_hessian", [[[0.0, 1.0]], [[0.5, -0.5]]], [0, 1, 2, 3]),
    "half at 0": ("binary_cross_entropy_with_logits_grad", [[0.0], [0.5]], [0]),
    "beside the diagonal": ("distribution_cross_entropy_hessian", [[0.5, 0.5], [0.25, 0.75]], [1, 2]),
}


@pytest.mark.parametrize(("function", "arguments", "places"), _ZEROS.values(), ids=_ZEROS)
def test_what_is_exactly_zero_is_so_and_nothing_else(function: str, arguments: list[Any], places: list[int]) -> None:
    """A zero that is not recognised would be raised to the last precision, and stay a ball around 0."""
    enclosure = expect(function, tuple(np.array(a) for a in arguments)).enclosure
    zero = (enclosure.hi == 0) & (enclosure.bound == 0)
    assert np.flatnonzero(zero).tolist() == places
    assert (enclosure.hi.reshape(-1)[[i for i in range(zero.size) if i not in places]] != 0).all()


_LIMITS: dict[str, tuple[tuple[list[float], ...], list[float]]] = {
    "sigmoid_grad": (([INF, -INF, 0.0, NAN],), [0, 0, 0.25, NAN]),
    "log_sigmoid_grad": (([INF, -INF, 0.0, NAN],), [0, 1, 0.5, NAN]),
    "binary_cross_entropy_with_logits_grad": (
        ([INF, -INF, 0.0, NAN, 1.0, -INF], [0.25, 0.25, 1.0, 0.0, INF, INF]), [0.75, -0.25, -0.5, NAN, -INF, -INF]
    ),
    "binary_cross_entropy_with_logits_hessian": (([INF, 0.0, 0.0], [1.0, 0.5, NAN]), [0, 0.25, NAN]),
    "entropy_grad": (([0.0, 1.0, INF, NAN],), [INF, -1, -INF, NAN]),
    "distribution_cross_entropy_grad": (([0.5, 0.0, 0.0, 1.0], [0.0, 0.5, 0.0, INF]), [-INF, 0, NAN, 0]),
}  # fmt: skip


@pytest.mark.parametrize("function", _LIMITS)
def test_limits_are_answered_entry_by_entry(function: str) -> None:
    """By the reference and by the implementation; NaN also stands where no limit exists."""
    arguments, wanted = _LIMITS[function]
    arrays = tuple(np.array(a) for a in arguments)
    expected = expect(function, arrays)
    kinds = {Kind.VALUE: None, Kind.PLUS_INFINITY: INF, Kind.MINUS_INFINITY: -INF, Kind.NAN: NAN, Kind.FREE: NAN}
    read = [v if (k := kinds[Kind(kind)]) is None else k
            for kind, v in zip(expected.kind.tolist(), expected.enclosure.float64().tolist(), strict=True)]  # fmt: skip
    assert np.array_equal(read, wanted, equal_nan=True)
    assert np.array_equal(getattr(functions, function)(*arrays), wanted, equal_nan=True)


def test_a_ratio_without_a_limit_is_a_choice_of_its_own_element() -> None:
    expected = expect("distribution_cross_entropy_hessian", (np.array([0.0, 0.5]), np.array([0.0, 0.0])))
    assert expected.kind.tolist() == [[Kind.FREE, Kind.VALUE], [Kind.VALUE, Kind.PLUS_INFINITY]]
    assert expected.choices["zero-over-zero"].tolist() == [[True, False], [False, False]]


def test_an_infinite_divergence_has_no_gradient() -> None:
    """Unless it is the weight of a masked class."""
    z = np.array([[0.0, 1.0, -INF], [0.0, -INF, 1.0]])
    q = np.array([[0.5, 0.25, 0.0], [0.5, 0.25, 0.0]])
    for function in ("kl_divergence_grad", "kl_divergence_hessian"):
        kinds = expect(function, (z, q)).kind
        assert (kinds[0] == Kind.VALUE).all() and (kinds[1] == Kind.FREE).all()
        got = getattr(functions, function)(z, q)
        assert np.isfinite(got[0]).all() and np.isnan(got[1]).all()


@pytest.mark.parametrize("function", ["cross_entropy_hessian", "nll_loss_grad"])
@pytest.mark.parametrize("label", [-1, 3])
def test_a_label_out_of_range_is_refused(function: str, label: int) -> None:
    arguments = np.zeros((2, 3)), np.array([0, label])
    assert f"label {label} of row 1" in expect(function, arguments).must_raise
    with pytest.raises(ValueError, match=f"label {label} at \\[1\\]"):
        getattr(functions, function)(*arguments)


# Implementations

RNG = np.random.default_rng(11)
_Z = np.round(RNG.normal(size=(2, 3, 4)) * 3, 2)
_SHARES = RNG.dirichlet(np.ones(4), size=(2, 3))
_OTHERS = RNG.dirichlet(np.ones(4), size=(2, 3))
_LABELS = RNG.integers(0, 4, (2, 3))

BATCHES: dict[str, tuple[np.ndarray, ...]] = {
    "sigmoid_grad": (_Z,),
    "log_sigmoid_grad": (_Z,),
    "binary_cross_entropy_with_logits_grad": (_Z, _SHARES),
    "binary_cross_entropy_with_logits_hessian": (_Z, _SHARES),
    "cross_entropy_hessian": (_Z, _LABELS),
    "nll_loss_grad": (_Z, _LABELS),
    "entropy_grad": (_SHARES,),
    "entropy_hessian": (_SHARES,),
    "softmax_entropy_grad": (_Z,),
    "softmax_entropy_hessian": (_Z,),
    "kl_divergence_grad": (_Z, _SHARES),
    "kl_divergence_hessian": (_Z, _SHARES),
    "distribution_cross_entropy_grad": (_SHARES, _OTHERS),
    "distribution_cross_entropy_hessian": (_SHARES, _OTHERS),
}


def cast(arguments: tuple[np.ndarray, ...], dtype: str) -> tuple[np.ndarray, ...]:
    return tuple(a if a.dtype.kind == "i" else a.astype(FORMATS[dtype].numpy()) for a in arguments)


def near(got: np.ndarray, function: str, arguments: tuple[np.ndarray, ...], dtype: str, **keywords: Any) -> bool:
    """Within half an ulp for formats that float64 computes, 2^-40 of the largest element in float64."""
    right = expect(function, arguments, keywords).enclosure.float64()
    unit = 2.0**-40 if dtype == "float64" else float(ml_dtypes.finfo(got.dtype).eps) * 0.502
    room = float(ml_dtypes.finfo(got.dtype).smallest_subnormal)
    scale = np.abs(right).max() if dtype == "float64" else np.abs(right)
    return bool((np.abs(got.astype(float) - right) <= unit * scale + room).all())


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("function", BATCHES)
def test_batches_come_out_right_in_every_dtype_and_inputs_are_kept(function: str, dtype: str) -> None:
    arguments = cast(BATCHES[function], dtype)
    before = [a.copy() for a in arguments]
    got = getattr(functions, function)(*arguments)
    assert got.dtype == arguments[0].dtype
    assert got.shape == (2, 3, 4, 4)[: 4 if FUNCTIONS[function].shape == "jacobian" else 3]
    assert near(got, function, arguments, dtype)
    assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))


@pytest.mark.parametrize("function", ["cross_entropy_hessian", "nll_loss_grad"])
def test_soft_labels_count_with_their_sum(function: str) -> None:
    soft = np.where(_SHARES > 0.1, _SHARES * 1.5, 0.0)
    assert near(getattr(functions, function)(_Z, soft), function, (_Z, soft), "float64")
    one_hot = (np.arange(4) == _LABELS[..., None]) * 1.0
    whole = getattr(functions, function)(_Z, one_hot)
    assert np.array_equal(whole, getattr(functions, function)(_Z, _LABELS))


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 2), None])
@pytest.mark.parametrize("function", ["softmax_entropy_grad", "kl_divergence_grad"])
def test_gradients_by_logits_run_along_any_axis(function: str, axis: Any) -> None:
    arguments = BATCHES[function]
    assert near(getattr(functions, function)(*arguments, axis=axis), function, arguments, "float64", axis=axis)


@pytest.mark.parametrize("function", [f for f in BATCHES if "axis" not in FUNCTIONS[f].keywords])
def test_integers_numbers_and_empty_arrays(function: str) -> None:
    call: Callable[..., Any] = getattr(functions, function)
    labels = "labels" in FUNCTIONS[function].arguments
    count = len(FUNCTIONS[function].arguments)
    matrix = FUNCTIONS[function].shape == "jacobian"
    integers = [[1, 2, 1]], ([1] if labels else [[1, 1, 2]])
    floats = [[1.0, 2.0, 1.0]], ([1] if labels else [[1.0, 1.0, 2.0]])
    got = call(*integers[:count])
    assert got.dtype == np.float64 and np.array_equal(got, call(*floats[:count]))
    empty = np.zeros((0, 3)), np.zeros((0,), int) if labels else np.zeros((0, 3))
    assert call(*empty[:count]).shape == ((0, 3, 3) if matrix else (0, 3))
    if not labels:
        assert np.shape(call(*(0.5, 0.25)[:count])) == ((1, 1) if matrix else ())


@pytest.mark.parametrize("function", [f for f in BATCHES if "q" in FUNCTIONS[f].arguments])
def test_two_shapes_are_refused(function: str) -> None:
    with pytest.raises(ValueError, match="two arrays of one shape"):
        getattr(functions, function)(np.ones((2, 3)), np.ones((3, 2)))


@pytest.mark.parametrize("function", BATCHES)
def test_what_is_not_real_is_refused(function: str) -> None:
    with pytest.raises(TypeError):
        getattr(functions, function)(BATCHES[function][0] * 1j, *BATCHES[function][1:])


@pytest.mark.parametrize("function", ["softmax_entropy_grad", "softmax_entropy_hessian", "kl_divergence_grad"])
def test_rows_without_a_derivative_are_nan_and_touch_no_other(function: str) -> None:
    z = np.array([[INF, 0.0], [-INF, -INF], [NAN, 0.0], [1.7e308, -1.7e308], [0.0, 1.0]])
    got = getattr(functions, function)(*(z, np.full(z.shape, 0.5))[: len(FUNCTIONS[function].arguments)])
    assert np.isnan(got[:3]).all() and np.isfinite(got[3:]).all()
    assert (got[3] == 0).all() and (got[4] != 0).all()
