"""Double-double arithmetic: every stated error, measured against mpmath at 400 bits on seeded inputs."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.functions import double_double as dd

MP = mpmath.mp.clone()
MP.prec = 400

moderate = st.floats(min_value=2.0**-400, max_value=2.0**400)
signed = moderate | moderate.map(lambda v: -v)


def exact(pair):
    return [MP.mpf(float(high)) + MP.mpf(float(low)) for high, low in zip(*pair, strict=True)]


def pairs(high, seed=0):
    """``high`` with low parts of up to half an ulp."""
    rng = np.random.default_rng(seed)
    return high, np.spacing(high) * rng.uniform(-0.5, 0.5, high.shape)


def worst(got, wanted, unit=abs):
    """log2 of the largest error in units of the right value, or of what ``unit`` makes of it."""
    return max(
        float(MP.log(abs(g - w) / unit(w) + MP.mpf(2) ** -300, 2)) for g, w in zip(got, wanted, strict=True)
    )


@settings(derandomize=True, deadline=None)
@given(signed, signed)
def test_sums_and_products_of_two_numbers_are_exact(a, b):
    """The transformations are error-free: hi + lo is a + b, a·b as rational numbers."""
    x, y = np.array([a]), np.array([b])
    assert exact(dd.two_sum(x, y)) == [MP.mpf(a) + MP.mpf(b)]
    assert exact(dd.two_product(x, y)) == [MP.mpf(a) * MP.mpf(b)]
    large, small = (x, y) if abs(a) >= abs(b) else (y, x)
    assert exact(dd.fast_two_sum(large, small)) == [MP.mpf(a) + MP.mpf(b)]


def test_products_near_the_largest_number_are_exact():
    """Nothing overflows on the way to a product that does not: the halves are cut from the bits."""
    assert exact(dd.two_product(np.array([1.5e308, -3.1e307]), np.array([0.7, 1e-300]))) == [
        MP.mpf(1.5e308) * MP.mpf(0.7),
        MP.mpf(-3.1e307) * MP.mpf(1e-300),
    ]


@pytest.mark.parametrize(
    ("operation", "definition", "limit"),
    [
        (dd.add, lambda a, b: a + b, -104),
        (dd.multiply, lambda a, b: a * b, -103),
        (dd.divide, lambda a, b: a / b, -100),
    ],
)
def test_arithmetic(operation, definition, limit):
    rng = np.random.default_rng(1)
    x, y = (pairs(rng.normal(size=2000) * 2.0 ** rng.integers(-60, 60, 2000), seed) for seed in (2, 3))
    wanted = [definition(a, b) for a, b in zip(exact(x), exact(y), strict=True)]
    assert worst(exact(operation(x, y)), wanted) < limit


@pytest.mark.parametrize("span", [(-1e-8, 1e-8), (-1, 1), (-20, 0), (-650, 700)])
def test_exponential(span):
    x = pairs(np.random.default_rng(4).uniform(*span, 500))
    wanted = [MP.exp(v) for v in exact(x)]
    assert worst(exact(dd.exp(x)), wanted) < -90
    mantissa, exponent = dd.exp_parts(x)
    assert ((mantissa[0] > 0.999) & (mantissa[0] < 2)).all()
    scaled = [m * MP.mpf(2) ** int(e) for m, e in zip(exact(mantissa), exponent, strict=True)]
    assert worst(scaled, wanted) < -90


def test_exponential_far_below_the_range():
    """Mantissa and exponent go on where no float64 is left, and end at 0."""
    x = np.array([-745.2, -1000.25, -1999.0, -2001.0, -1e300, -np.inf])
    mantissa, exponent = dd.exp_parts(dd.widen(x))
    wanted = [MP.exp(MP.mpf(float(v))) for v in x[:3]]
    got = [m * MP.mpf(2) ** int(e) for m, e in zip(exact(mantissa)[:3], exponent, strict=False)]
    assert worst(got, wanted) < -90
    assert not mantissa[0][3:].any()


@pytest.mark.parametrize("size", [-100, -40, -14.2, -13.8, -10, -1])
def test_expm1_and_log1p_keep_the_digits_of_small_numbers(size):
    x = pairs(np.random.default_rng(5).uniform(-1, 1, 400) * 2.0**size)
    assert worst(exact(dd.expm1(x)), [MP.expm1(v) for v in exact(x)]) < -78
    assert worst(exact(dd.log1p(x)), [MP.log1p(v) for v in exact(x)]) < -77


def test_logarithms():
    """To 2^-90 beside 1 + |log x|, and to 2^-77 of the logarithm itself, also next to 1."""
    rng = np.random.default_rng(6)
    near_1 = 1 + 2.0 ** -rng.uniform(0, 52, 300) * rng.choice([-0.5, 1], 300)
    for high in (np.exp(rng.uniform(-600, 700, 300)), near_1, rng.uniform(0.6, 1.4, 300)):
        x = pairs(high)
        wanted = [MP.log(v) for v in exact(x)]
        got = exact(dd.log(x))
        assert worst(got, wanted) < -77
        assert worst(got, wanted, lambda w: 1 + abs(w)) < -90
    x = pairs(np.concatenate([rng.uniform(-0.999999, 2, 300), rng.uniform(0, 1e6, 300)]))
    assert worst(exact(dd.log1p(x)), [MP.log1p(v) for v in exact(x)]) < -77


def test_log2_is_log_2():
    assert worst(exact(tuple(part[None] for part in dd.LOG2)), [MP.log(2)]) < -106


@pytest.mark.parametrize("size", [0, 1020])
def test_sums_of_rows(size):
    """Terms of both signs over 50 binary orders: n²·2^-104 of the largest, and no overflow on the way."""
    rng = np.random.default_rng(7)
    n = 1000
    high = rng.normal(size=(20, n)) * 2.0 ** rng.integers(-50, 1, (20, n)) * 2.0**size / n
    x = pairs(high, 8)
    wanted = [MP.fsum(exact(row)) for row in zip(*x, strict=True)]
    got = exact(tuple(part[:, 0] for part in dd.total(x)))
    largest = np.abs(high).max(axis=1)
    for value, right, unit in zip(got, wanted, largest, strict=True):
        assert abs(value - right) <= n**2 * 2.0**-104 * MP.mpf(float(unit))


def test_sums_of_rows_of_zeros_and_of_one():
    assert exact(tuple(part[:, 0] for part in dd.total(dd.widen(np.zeros((1, 5)))))) == [0]
    assert exact(tuple(part[:, 0] for part in dd.total(dd.widen(np.array([[-3.5]]))))) == [MP.mpf(-3.5)]


def test_pieces_cover_every_element():
    x = np.arange(2 * dd.PIECE + 3, dtype=np.float64).reshape(-1, 1)
    assert np.array_equal(dd.in_pieces(lambda v: v + 1, x), x + 1)
