"""The accurate algorithms round once: error-free parts against their definition, the functions in ulp, hard rows."""

from __future__ import annotations

import math
from decimal import Context, Decimal

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.functions import log_softmax, logsumexp, softmax
from smxcheck.functions.cancelled import log_sum
from smxcheck.functions.exponential import FLOOR, SHIFT, exp_in_two_parts, leading_bits
from smxcheck.functions.layout import Scratch
from smxcheck.functions.logarithm import log1p_in_two_parts

FORMATS = {"float16": (11, -14), "bfloat16": (8, -126), "float32": (24, -126), "float64": (53, -1022)}
INF = math.inf
#: 10^-650 of the largest term, squared in log1p, and digits to spare: results down to the smallest subnormal.
DIGITS = 700


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def ulps(got, exact, name):
    """|got - exact| in units in the last place of the exact value."""
    precision, e_min = FORMATS[name]
    if abs(exact) >= mpmath.mpf(2) ** (1 - e_min + 1):  # beyond every number of the format
        return 0.0 if got == mpmath.sign(exact) * INF else INF
    exponent = max(mpmath.frexp(exact)[1] - 1, e_min) if exact else e_min
    return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(2) ** (exponent - precision + 1))


def worst(row, name):
    """The largest error of each function on a row, in ulp: softmax, log_softmax, logsumexp."""
    x = np.asarray(row, np.float64).astype(dtype_of(name))
    p, log_p, y = softmax(x), log_softmax(x), logsumexp(x)
    with mpmath.workdps(DIGITS):
        wide = [mpmath.mpf(float(v)) for v in x]
        top = max(wide)
        terms = [mpmath.exp(v - top) for v in wide]
        # log1p of the rest: the logarithm of the sum would lose a rest of 10^-700.
        terms_but_one = list(terms)
        terms_but_one.remove(max(terms))
        log = mpmath.log1p(mpmath.fsum(terms_but_one))
        total = mpmath.fsum(terms)
        return (
            max(ulps(g, t / total, name) for g, t in zip(p, terms, strict=True)),
            max(ulps(g, (v - top) - log, name) for g, v in zip(log_p, wide, strict=True) if v > -INF),
            ulps(y, top + log, name),
        )


HARD = [
    [0, -40], [0, -740], [0, -720, -745], [-INF, 0, -3], [0, -1e-300], [0, -36, -36.5], [5e-324, 0],
    [-math.log(2), -math.log(2)], [-math.log(2), -math.log(2), -60], [-1e-20, -45], [-1e-5, -11.5129],
    [1e300, 1e300], [1e16, 1e16 + 2, 1e16 - 30], [2.0, 2 - 2**-51], [1.7e308, -1.7e308], [300, 299.5, -400.25],
]  # fmt: skip


@pytest.mark.parametrize("row", HARD, ids=str)
def test_hard_rows_of_float64(row):
    """Near 0, far offsets, the widest span, tails down to the smallest subnormal: one rounding, two below the normal
    numbers."""
    with np.errstate(all="raise"):
        assert max(worst(row, "float64")) <= 1.0


@pytest.mark.parametrize("name", FORMATS)
def test_random_rows_are_rounded_once(name):
    """½ ulp and 2^-3, the most that `smxcheck.functions.compensated` derives on top; where max and log Σ partly cancel,
    and where wide rows have subnormal results, 1 ulp."""
    rng = np.random.default_rng(11)
    for n in (1, 2, 3, 10, 60, 300):
        for width in (1e-3, 1, 5):
            errors = worst(rng.standard_normal(n) * width, name)
            assert max(errors[:2]) <= 0.625 and errors[2] <= 1.0, (n, width, errors)
        far = {"float16": 4, "bfloat16": 30, "float32": 30, "float64": 250}[name]
        assert max(worst(rng.standard_normal(n) * far, name)) <= 1.0


@pytest.mark.parametrize("shape", [(3, 70_001), (70_001, 3), (5, 2_000, 20), (300, 11)])
def test_float64_in_pieces_and_along_any_axis(shape):
    """However an array is cut into strips and pieces, float64 agrees with long double: ½ ulp, 2^-6 for the parts of
    softmax (2^-59) and 2^-3 for those of log_softmax (2^-56), and less than 2^-6 that long double loses itself."""
    if np.finfo(np.longdouble).nmant < 63:
        pytest.skip("long double is no wider than float64 here")
    x = np.random.default_rng(2).standard_normal(shape) * 3
    for axis in range(x.ndim):
        wide = np.ascontiguousarray(np.moveaxis(x, axis, -1)).astype(np.longdouble)
        gap = wide - wide.max(axis=-1, keepdims=True)
        terms = np.exp(gap)
        total = terms.sum(axis=-1, keepdims=True)
        p, log_p = terms / total, gap - np.log(total)
        got, got_log = (np.moveaxis(f(x, axis), axis, -1) for f in (softmax, log_softmax))
        assert np.abs((got - p) / np.spacing(p.astype(float))).max() <= 0.5 + 2.0**-5
        far = log_p < -(2.0**-4)  # nearer 0 the logarithm of a sum, long double or not, is no reference
        error = np.abs((got_log - log_p) / np.spacing(np.abs(log_p).astype(float)))
        assert error[far].max() <= 0.5 + 2.0**-3 + 2.0**-6


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.floats(-745, 0), min_size=1, max_size=12), st.floats(-1e-14, 1e-14))
def test_exp_in_two_parts(values, residual):
    """2^-60 relative, the first part of 26 bits."""
    x = np.array(values)
    high, low = exp_in_two_parts(x, residual, Scratch(x.dtype), (0, 1, 2, 3, 4))
    assert np.array_equal(leading_bits(high), high)
    with mpmath.workprec(200):
        for v, h, rest in zip(x.tolist(), high.tolist(), low.tolist(), strict=True):
            exact = mpmath.exp(mpmath.mpf(v) + mpmath.mpf(residual)) * mpmath.mpf(2) ** SHIFT
            assert abs(mpmath.mpf(h) + mpmath.mpf(rest) - exact) <= exact * mpmath.mpf(2) ** -60


def test_exp_in_two_parts_below_its_floor():
    """-inf, with the residual that an infinite difference leaves, is e^FLOOR: nothing beside a row's largest term."""
    x = np.array([-INF, -1e300, -2000.0, 0.0])
    with np.errstate(invalid="ignore"):
        high, _ = exp_in_two_parts(x, np.array([math.nan, 1e280, 0, 0]), Scratch(x.dtype), (0, 1, 2, 3, 4))
    assert (high[:3] < 2.0**SHIFT * math.exp(FLOOR / 2)).all() and high[3] == 2.0**SHIFT


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.one_of(st.floats(0, 1e8), st.floats(-300, 8).map(lambda k: 10.0**k)), st.floats(-1, 1))
def test_log1p_in_two_parts(high, share):
    """2^-56 relative, for either half of its range and tiny numbers."""
    low = share * math.ulp(high) / 2
    log, rest = log1p_in_two_parts(np.array([[high]]), np.array([[low]]))
    with mpmath.workdps(DIGITS):
        exact = mpmath.log1p(mpmath.mpf(high) + mpmath.mpf(low))
        assert abs(mpmath.mpf(log.item()) + mpmath.mpf(rest.item()) - exact) <= (
            exact * mpmath.mpf(2) ** -56 + mpmath.mpf(2) ** -1074
        )


def test_a_log_sum_as_near_zero_as_one_likes():
    """Three terms that make up for each other to 10^-32: the answer is rounded once."""
    first = -math.log(2) - 1e-17
    context = Context(prec=80)
    missing = context.subtract(1, context.multiply(2, context.exp(Decimal(first - 2**-53))))
    x = [first - 2**-53, first - 2**-53, float(context.ln(missing))]
    with mpmath.workdps(100):
        exact = mpmath.log(mpmath.fsum(mpmath.exp(mpmath.mpf(v)) for v in x))
        assert abs(exact) < 1e-30
        assert ulps(log_sum(np.array(x)), exact, "float64") <= 0.5 + 2.0**-10
        assert ulps(logsumexp(x), exact, "float64") <= 0.5 + 2.0**-10


@pytest.mark.parametrize("name", FORMATS)
def test_log_probabilities_add_up_to_almost_one(name):
    """logsumexp of rows of log-probabilities, where nothing is left but their roundings: still 1 ulp."""
    x = np.random.default_rng(5).standard_normal((4, 12)) * 3
    for row in log_softmax(x):
        assert worst(row, name)[2] <= 1.0
