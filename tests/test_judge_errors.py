"""The error metric against exact rational arithmetic: the ulp of the exact value, overflow, what an enclosure leaves open."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smxcheck.dtypes import FORMATS
from smxcheck.judge.errors import errors
from smxcheck.oracle.enclosure import Enclosure

FLOAT64 = FORMATS["float64"]
LAW = settings(derandomize=True, deadline=None, max_examples=100)


def enclosure(hi, lo=0.0, exponent=0, bound=0.0):
    return Enclosure(*(np.array([v], t) for v, t in ((hi, float), (lo, float), (exponent, np.int32), (bound, float))))


def of(y: Fraction) -> tuple[Enclosure, Fraction]:
    """The enclosure of a rational of at most 106 bits, and the rational that it holds."""
    if y == 0:
        return enclosure(0.0), y
    e = abs(y).numerator.bit_length() - abs(y).denominator.bit_length()
    e += 1 if abs(y) >= Fraction(2) ** e else 0
    scaled = int(abs(y) / Fraction(2) ** (e - 106))
    sign = 1 if y > 0 else -1
    hi, lo = (scaled >> 53) * 2.0**-53, (scaled & (2**53 - 1)) * 2.0**-106
    kept = sign * scaled * Fraction(2) ** (e - 106)
    return enclosure(sign * hi, sign * lo, e), kept


def ulp(y: Fraction, fmt) -> Fraction:
    """From the definition: 2^(max(e, e_min) - p + 1) for 2^e ≤ |y| < 2^(e+1), e at most e_max."""
    spacings = (Fraction(2) ** (e - fmt.precision + 1) for e in range(fmt.e_max, fmt.e_min, -1))
    return next((s for s in spacings if s * 2 ** (fmt.precision - 1) <= abs(y)), Fraction(fmt.smallest_subnormal))


def measured(got: float, where: Enclosure, fmt):
    e = errors(np.array([got]), where, fmt)
    return float(e.signed[0]), float(e.slack[0])


NUMBERS = {
    name: st.builds(
        lambda m, e: m * 2.0**e,
        st.integers(-(2**f.precision) + 1, 2**f.precision - 1),
        st.integers(f.e_min - f.precision + 1, f.e_max - f.precision + 1),
    )
    for name, f in FORMATS.items()
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FORMATS))
@given(data=st.data())
@LAW
def test_the_error_is_that_of_exact_arithmetic(name, data):
    """Close results and far ones, normal and subnormal; the slack covers what float64 rounds away."""
    fmt = FORMATS[name]
    got = data.draw(NUMBERS[name])
    near = data.draw(st.booleans())
    tail = Fraction(data.draw(st.integers(-(2**60), 2**60)), 2**57)
    base = Fraction(got) if near else Fraction(data.draw(NUMBERS[name]))
    where, y = of(base + tail * ulp(base, fmt))
    exact = (Fraction(got) - y) / ulp(y, fmt)
    signed, slack = measured(got, where, fmt)
    if abs(exact) > FLOAT64.largest:
        assert signed == (np.inf if exact > 0 else -np.inf)
        return
    assert abs(Fraction(signed) - exact) <= Fraction(slack)
    assert slack <= 2.0**-49 * max(abs(signed), 2.0**-60)


@pytest.mark.parametrize("name", list(FORMATS))
def test_the_ulp_changes_at_powers_of_two_and_stops_at_subnormals(name):
    fmt = FORMATS[name]
    for e in (fmt.e_min, fmt.e_min + 1, -1, 0, 3, fmt.e_max):
        spacing = 2.0 ** (e - fmt.precision + 1)
        at, _ = of(Fraction(2) ** e)
        below, _ = of(Fraction(2) ** e - Fraction(2) ** (e - fmt.precision - 2))
        above = 2.0**e + spacing
        assert measured(above, at, fmt)[0] == 1
        expected = 1 if e == fmt.e_min else 2  # below the smallest normal number the spacing stays
        assert round(measured(above, below, fmt)[0]) == expected
    for y in (Fraction(0), Fraction(fmt.smallest_subnormal), Fraction(fmt.smallest_subnormal) / 2**40):
        signed, _ = measured(3 * fmt.smallest_subnormal, of(y)[0], fmt)
        assert signed == float(3 - y / Fraction(fmt.smallest_subnormal))


@pytest.mark.parametrize("name", list(FORMATS))
@given(k=st.integers(-400, 400), sign=st.sampled_from([-1, 1]))
@LAW
@example(k=0, sign=1)
def test_infinity_stands_for_the_next_number_after_the_largest(name, k, sign):
    """y around the place where rounding to nearest turns to infinity: infinity is off by more than half an ulp just
    below it and by less just above, the largest finite number the other way round."""
    fmt = FORMATS[name]
    spacing = Fraction(2) ** (fmt.e_max - fmt.precision + 1)
    threshold = Fraction(fmt.largest) + spacing / 2
    where, y = of(sign * (threshold + Fraction(k, 1000) * spacing))
    off, _ = measured(sign * np.inf, where, fmt)
    exact = (sign * Fraction(2) ** (fmt.e_max + 1) - y) / spacing
    assert off == pytest.approx(float(exact), abs=2.0**-40)
    largest, _ = measured(sign * fmt.largest, where, fmt)
    if k:
        assert (abs(off) < 0.5) is (k > 0)
        assert (abs(largest) < 0.5) is (k < 0)


@pytest.mark.parametrize("name", list(FORMATS))
@pytest.mark.parametrize("sign", [-1, 1])
def test_beyond_the_format_only_infinity_of_the_right_sign_is_right(name, sign):
    fmt = FORMATS[name]
    for factor in (1, Fraction(5, 4), 2, 2**40, Fraction(2) ** 60000):
        where, _ = of(sign * Fraction(2) ** (fmt.e_max + 1) * factor)
        assert measured(sign * np.inf, where, fmt) == (0, 0)
        assert abs(measured(-sign * np.inf, where, fmt)[0]) > 2**fmt.precision
        assert (abs(measured(sign * fmt.largest, where, fmt)[0]) > 1.5) is (factor > 1)


def test_an_infinity_for_a_large_number_that_the_format_holds_is_far_off():
    fmt = FORMATS["float32"]
    assert measured(-np.inf, of(Fraction(-3.4e38))[0], fmt)[0] < -1000
    assert measured(-np.inf, of(Fraction(-6.8e38))[0], fmt)[0] == pytest.approx(0, abs=1e5)
    assert measured(-np.inf, of(Fraction(-6.9e38))[0], fmt) == (0, 0)


@pytest.mark.parametrize("name", list(FORMATS))
def test_nan_has_no_size_and_leaves_nothing_to_decide(name):
    signed, slack = measured(np.nan, of(Fraction(1, 3))[0], FORMATS[name])
    assert np.isnan(signed)
    assert slack == 0


@pytest.mark.parametrize("name", list(FORMATS))
@given(exponent=st.integers(-4000, -1080), share=st.fractions(-1, 1, max_denominator=64))
@LAW
def test_where_only_the_size_is_known_the_slack_covers_every_value_of_that_size(name, exponent, share):
    fmt = FORMATS[name]
    y = share * Fraction(2) ** exponent
    for got in (0.0, fmt.smallest_subnormal, -5 * fmt.smallest_subnormal):
        signed, slack = measured(got, enclosure(0.0, 0.0, exponent, 1.0), fmt)
        exact = (Fraction(got) - y) / Fraction(fmt.smallest_subnormal)
        # a width below the smallest float64 underflows to 0, far below every threshold
        assert abs(Fraction(signed) - exact) <= Fraction(slack) + Fraction(2) ** -1000


@pytest.mark.slow
@pytest.mark.parametrize("name", list(FORMATS))
@given(shift=st.floats(-1, 1), width=st.integers(-90, -10))
@LAW
def test_the_slack_covers_the_enclosures_own_bound(name, shift, width):
    fmt = FORMATS[name]
    where, centre = of(Fraction(5, 7))
    wide = Enclosure(where.hi, where.lo, where.exponent, np.array([2.0**width]))
    y = centre / (1 + Fraction(shift) * Fraction(2) ** width)  # |y - centre| ≤ 2^width |y|
    signed, slack = measured(0.75, wide, fmt)
    exact = (Fraction(0.75) - y) / ulp(y, fmt)
    assert abs(Fraction(signed) - exact) <= Fraction(slack) * (1 + 2 * Fraction(2) ** width)


@pytest.mark.parametrize("dtype", list(FORMATS))
def test_results_of_any_dtype_are_measured_with_the_ulp_of_the_format_asked_for(dtype):
    fmt = FORMATS[dtype]
    where, _ = of(Fraction(1))
    e = errors(np.array([1 + 2.0 ** (1 - fmt.precision)]).astype(fmt.numpy()), where, fmt)
    assert e.size[0] == 1
    assert e.ulp_exponent[0] == 1 - fmt.precision
    assert e.value[0] == 2 ** (fmt.precision - 1)
