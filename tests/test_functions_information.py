"""Entropies and divergences against their definitions in mpmath, and their laws."""

from __future__ import annotations

import math

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.exceptions import AxisError

from smxcheck.functions import (
    distribution_cross_entropy,
    entropy,
    kl_divergence,
    softmax,
    softmax_entropy,
)

INF, NAN = math.inf, math.nan
DIGITS = 400
U = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def exact(row):
    return [mpmath.mpf(float(v)) for v in row]


def define_softmax_entropy(row):
    exponentials = [mpmath.exp(v) for v in exact(row)]
    total = mpmath.fsum(exponentials)
    return -mpmath.fsum(e / total * mpmath.log(e / total) for e in exponentials)


def terms_of(function, p, q):
    """The terms of the sum that defines the function."""
    if function is entropy:
        return [-a * mpmath.log(a) if a else mpmath.mpf(0) for a in exact(p)]
    pairs = zip(exact(p), exact(q), strict=True)
    if function is kl_divergence:
        return [a * mpmath.log(a / b) if a else mpmath.mpf(0) for a, b in pairs]
    return [-a * mpmath.log(b) if a else mpmath.mpf(0) for a, b in pairs]


@pytest.mark.parametrize("name", U)
def test_entropy_of_peaked_and_flat_rows(name):
    """log S + Σ p d has no cancellation: relative error of 12 u in float64 (softmax 2 ulp, log1p 1 ulp, product and
    pairwise sums of 20 terms), one rounding in narrow formats, from log n down to the smallest numbers."""
    rng = np.random.default_rng(2)
    limit = 12 * U[name] if name == "float64" else U[name] * 1.01
    rows = [rng.normal(size=n) * s + c for n in (1, 2, 20) for s in (1, 8) for c in (0, 64)]
    rows += [np.array([0.0, -g]) for g in (5, 20, 40, 80, 200, 700)]
    for row in rows:
        x = row.astype(dtype_of(name))
        got = softmax_entropy(x)
        assert got.dtype == x.dtype
        with mpmath.workdps(DIGITS):
            want = define_softmax_entropy(x)
            smallest = float(ml_dtypes.finfo(x.dtype).smallest_subnormal)
            assert abs(mpmath.mpf(float(got)) - want) <= limit * want + smallest


@pytest.mark.parametrize("name", U)
@pytest.mark.parametrize("function", [entropy, kl_divergence, distribution_cross_entropy])
def test_sums_of_given_distributions(function, name):
    """Each term is good to 4 u (log of a quotient: also u·p absolute), the sum of n = 30 to 8 u of Σ|terms|; narrow
    formats are computed in float64 and rounded once."""
    rng = np.random.default_rng(4)
    for spread in (0.5, 5.0, 30.0):
        p, q = (softmax(rng.normal(size=30) * spread).astype(dtype_of(name)) for _ in range(2))
        q = np.where(q == 0, p + (p == 0), q)  # p > 0 against q = 0 is a test of its own
        for second in (q, p, np.nextafter(p, 1) if name in ("float32", "float64") else q):
            got = function(p) if function is entropy else function(p, second)
            assert got.dtype == p.dtype
            with mpmath.workdps(DIGITS):
                terms = terms_of(function, p, second)
                want = mpmath.fsum(terms)
                inside = 12 * (mpmath.fsum(abs(t) for t in terms) + 1) * mpmath.mpf(2) ** -53
                smallest = float(ml_dtypes.finfo(p.dtype).smallest_subnormal)
                last = 0 if name == "float64" else U[name] * 1.01 * abs(want) + smallest
                assert abs(mpmath.mpf(float(got)) - want) <= inside + last


def test_nearby_distributions_keep_the_digits_of_their_divergence():
    """q = p (1 ± 7e-7): the terms, 2e-7 each, cancel to 1e-13, and log1p((p - q)/q) leaves 6 u of them; the log of a
    rounded quotient would leave u of p, a hundred thousand times more."""
    p = np.array([0.5, 0.25, 0.25])
    q = np.array([0.5, 0.25 * (1 + 7e-7), 0.25 * (1 - 7e-7)])
    with mpmath.workdps(DIGITS):
        terms = terms_of(kl_divergence, p, q)
        want, size = mpmath.fsum(terms), mpmath.fsum(abs(t) for t in terms)
        assert abs(mpmath.mpf(float(kl_divergence(p, q))) - want) <= 6 * 2.0**-53 * size
    assert kl_divergence([4.0], [2.0**-1022]) == pytest.approx(4 * 1024 * math.log(2), rel=1e-15)
    assert kl_divergence([4.0], [2.0**-1070]) == pytest.approx(4 * 1072 * math.log(2), rel=1e-15)


def test_zeros_infinities_and_nan():
    """0·log 0 = 0 wherever it stands, p > 0 against q = 0 costs +inf, a negative entry or nan gives nan; no warning."""
    with np.errstate(all="raise"):
        assert entropy([0.0, 0.5, 0.5]) == math.log(2)
        assert entropy([1.0, 0.0]) == 0.0 and not np.signbit(entropy([1.0, 0.0]))
        assert kl_divergence([0.0, 1.0], [0.0, 1.0]) == 0.0
        assert kl_divergence([0.0, 1.0], [0.5, 0.5]) == math.log(2)
        assert distribution_cross_entropy([0.0, 1.0], [0.0, 0.5]) == math.log(2)
        for function in (kl_divergence, distribution_cross_entropy):
            assert function([0.5, 0.5], [0.0, 1.0]) == INF
            for p, q in (([NAN, 1], [1, 1]), ([0, 1], [NAN, 1]), ([-0.5, 1.5], [1, 1]), ([0, 1], [-1, 1])):
                assert np.isnan(function(np.array(p, float), np.array(q, float)))
        assert np.isnan(entropy([NAN, 1.0])) and np.isnan(entropy([-0.5, 1.5]))


def test_softmax_entropy_of_absent_and_undefined_rows():
    """-inf counts as absent; the widest span has entropy 0 (0·∞ = 0); no limit gives nan, in that row alone."""
    big = np.finfo(np.float64).max
    with np.errstate(all="raise"):
        got = softmax_entropy([[0, 0, -INF], [big, -big, 0], [-INF] * 3, [INF, 0, 0], [NAN, 0, 1], [3, 3, 3]])
        narrow = softmax_entropy(np.float32([[3.4e38, -3.4e38]]))
    assert np.array_equal(got, [math.log(2), 0, NAN, NAN, NAN, math.log(3)], equal_nan=True)
    assert narrow.tolist() == [0.0]


def test_axes_shapes_and_empty_rows():
    """Axes as for logsumexp; no entries have entropy 0; two shapes are refused."""
    rng = np.random.default_rng(9)
    p, q = rng.uniform(size=(2, 3, 4)), rng.uniform(size=(2, 3, 4))
    for axis in (0, 1, -1):
        moved = [np.ascontiguousarray(np.moveaxis(a, axis, -1)) for a in (p, q)]
        assert np.array_equal(entropy(p, axis), entropy(moved[0]))
        assert np.array_equal(softmax_entropy(p, axis), softmax_entropy(moved[0]))
        assert np.array_equal(kl_divergence(p, q, axis), kl_divergence(*moved))
        assert np.array_equal(distribution_cross_entropy(p, q, axis), distribution_cross_entropy(*moved))
    assert entropy(p, None) == entropy(p.ravel()) and entropy(p, (0, 2)).shape == (3,)
    for function in (entropy, softmax_entropy):
        assert function(np.zeros((2, 0))).tolist() == [0.0, 0.0]
        with pytest.raises(AxisError):
            function(p, 3)
        with pytest.raises(TypeError, match="dtype complex"):
            function([1j])
    for function in (kl_divergence, distribution_cross_entropy):
        with pytest.raises(ValueError, match="one shape"):
            function(p, p[0])
        mixed = function(np.ones(2, np.float16), np.ones(2, np.float32))
        assert mixed.dtype == np.float32


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 12))
def test_gibbs_and_the_bounds_of_entropy(seed, n):
    """KL ≥ 0 and 0 ≤ H ≤ log n, and cross-entropy = entropy + KL, each within 16 u of the sizes involved."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, n)) * rng.choice([0.1, 1, 10])
    p, q = softmax(x), softmax(y)
    h, kl, ce = entropy(p), kl_divergence(p, q), distribution_cross_entropy(p, q)
    size = 1 + (p * (np.abs(np.log(p)) + np.abs(np.log(q)))).sum()
    slack = 16 * 2.0**-53 * size
    assert kl >= -slack and -slack <= h <= math.log(n) + slack
    assert abs(ce - (h + kl)) <= slack
    assert abs(softmax_entropy(x) - h) <= slack
