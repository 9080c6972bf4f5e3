"""softmax, log_softmax, logsumexp, sigmoid, log_sigmoid: every algorithm against the definition, and their laws."""

from __future__ import annotations

import math
import warnings

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.exceptions import AxisError

from smxcheck.catalog import FUNCTIONS as FUNCTIONS_OF_THE_CATALOG
from smxcheck.functions import ALGORITHMS, log_sigmoid, log_softmax, logsumexp, sigmoid, softmax

FUNCTIONS = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}
RIGHT = [(f, a) for f in FUNCTIONS for a, entry in ALGORITHMS[f].items() if entry.declared != "wrong"]
FORMATS = {"float16": (11, -14), "bfloat16": (8, -126), "float32": (24, -126), "float64": (53, -1022)}
INF, NAN = math.inf, math.nan

# Gaps up to 750 are resolved: 10^-326 of the largest term, and 50 digits more.
DIGITS = 380


def dtype_of(name):
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


def define(function, row):
    """The function's value or values by its definition, in mpmath, of numbers taken as exact."""
    with mpmath.workdps(DIGITS):
        x = [mpmath.mpf(float(v)) for v in row]
        exponentials = [mpmath.exp(v) for v in x]
        total = mpmath.fsum(exponentials)
        if function == "softmax":
            return [e / total for e in exponentials]
        if function == "log_softmax":
            return [v - mpmath.log(total) for v in x]
        return [mpmath.log(total)]


def error_in_ulp(got, exact, name):
    """|got - exact| in units in the last place of the exact value."""
    precision, e_min = FORMATS[name]
    with mpmath.workdps(DIGITS):
        exponent = max(mpmath.frexp(exact)[1] - 1, e_min) if exact else e_min
        return float(abs(mpmath.mpf(float(got)) - exact) / mpmath.mpf(2) ** (exponent - precision + 1))


def generic_rows(name):
    rng = np.random.default_rng(7)
    far = {"float16": 15, "bfloat16": 80, "float32": 100, "float64": 740}[name]
    for n in (1, 2, 3, 9, 40):
        yield rng.normal(size=n)
        yield rng.normal(size=n) * far / 8
        yield np.sort(rng.normal(size=n) * 3) + 100
        yield np.zeros(n)
    for gap in np.linspace(0.3, far, 12):
        yield np.array([0.0, -gap])
        yield np.array([-gap, 0.0, -gap / 2])


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_accurate_is_within_one_rounding_or_two_ulp(function, name):
    """Narrow formats: float64 inside leaves less than 2^-10 ulp to the last rounding, bfloat16 and float32 alike. float64:
    exp and log1p (1 ulp granted to each), a correction, a division or addition (1/2 each) and what the weights' errors do
    to their sum; 2 ulp is the promise."""
    limit = 2.0 if name == "float64" else 0.5 + 2.0**-10
    worst = 0.0
    for row in generic_rows(name):
        x = row.astype(dtype_of(name))
        got = np.atleast_1d(FUNCTIONS[function](x))
        exact = define(function, x)
        worst = max(worst, *(error_in_ulp(g, e, name) for g, e in zip(got, exact, strict=True)))
    assert worst <= limit


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize(("function", "algorithm"), RIGHT)
def test_right_algorithms_stay_within_the_published_bound(function, algorithm, name):
    """Blanchard, Higham & Higham (2021), theorems 4.2 and 4.3, with 3 u for each exp and log (NumPy's own limit for
    float32) and the rounding of max + log S, which theorem 4.2 leaves out: all are first order, hence the 1.01."""
    precision, e_min = FORMATS[name]
    u, smallest = 2.0**-precision, 2.0 ** (e_min - precision + 1)
    for row in generic_rows(name):
        x = row.astype(name)
        n, spread = len(x), float(x.max() - x.min())
        got = np.atleast_1d(FUNCTIONS[function](x, algorithm=algorithm))
        for g, exact in zip(got, define(function, x), strict=True):
            size = float(abs(exact))
            if function == "softmax":
                allowed = (n + 2 * spread + 12) * u * size * 1.01 + 2 * smallest
            else:
                allowed = (size + spread + n + 6 + 6 * math.log(n)) * u * 1.01 + smallest
            with mpmath.workdps(DIGITS):
                assert abs(mpmath.mpf(float(g)) - exact) <= allowed, (function, algorithm, x)


def test_the_table_has_every_function_of_the_catalog():
    """Each with its default algorithm first, none declared without a summary."""
    assert set(ALGORITHMS) == set(FUNCTIONS_OF_THE_CATALOG)
    for algorithms in ALGORITHMS.values():
        assert next(iter(algorithms)) == "accurate"
        assert all(a.summary and a.name == name for name, a in algorithms.items())


def test_wrong_algorithms_are_wrong_where_they_say_so():
    """The textbook form overflows and joins the rows of a batch; subtracting lse loses u·|lse|."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(softmax([1000.0, 1001.0], algorithm="textbook")).all()
        assert np.isnan(softmax([-1000.0, -1001.0], algorithm="textbook")).all()
        assert logsumexp([1000.0, 0.0], algorithm="textbook") == INF
        assert log_softmax([0.0, -800.0], algorithm="textbook")[1] == -INF
        assert log_sigmoid(-800.0, algorithm="textbook") == -INF
    batch = softmax([[0.0, 1.0], [0.0, 1.0]], algorithm="textbook")
    assert batch.sum() == pytest.approx(1.0) and batch[0].sum() == pytest.approx(0.5)
    x = np.float32([1e8, 1e8])
    assert log_softmax(x, algorithm="subtract_lse")[0] == 0.0
    assert log_softmax(x)[0] == np.float32(-math.log(2))
    assert softmax(x, algorithm="subtract_lse")[0] == 1.0


@pytest.mark.parametrize(("function", "algorithm"), RIGHT)
def test_special_values(function, algorithm):
    """nan makes its row nan, -inf is as absent, no limit gives nan; other rows are untouched and nothing warns."""
    x = np.array([[NAN, 0, 1], [INF, 0, 1], [INF, INF, -INF], [-INF] * 3, [0, -INF, 0], [1, 2, 3]])
    with np.errstate(all="raise"):
        got = FUNCTIONS[function](x, algorithm=algorithm)
        clean = FUNCTIONS[function](x[5], algorithm=algorithm)
        two = FUNCTIONS[function](np.zeros(2), algorithm=algorithm)
    assert np.array_equal(got[5], clean)
    if function == "logsumexp":
        assert np.array_equal(got[:5], [NAN, INF, INF, -INF, two], equal_nan=True)
        return
    assert np.isnan(got[:4]).all()
    absent = 0.0 if function == "softmax" else -INF
    assert got[4].tolist() == [two[0], absent, two[1]]


@pytest.mark.parametrize(("function", "algorithm"), RIGHT)
def test_a_masked_beginning_of_any_length(function, algorithm):
    """A run of -inf as long as a tile or longer, before the first finite entry, behind the last, and around it."""
    f = FUNCTIONS[function]
    two = np.atleast_1d(f(np.float32([1.0, 1.0]), algorithm=algorithm))
    for before, after in ((64, 0), (65, 3), (200, 200), (0, 200)):
        x = np.full(before + 2 + after, -np.inf, np.float32)
        x[before : before + 2] = 1.0
        got = np.atleast_1d(f(x, algorithm=algorithm))
        assert np.array_equal(got if function == "logsumexp" else got[before : before + 2], two)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("function", "algorithm"), RIGHT)
def test_the_widest_span_is_finite_where_it_should_be(function, algorithm, name):
    """max - (-max) overflows on the way to an answer that is [1, 0], [0, -inf] or max, without a warning."""
    largest = float(ml_dtypes.finfo(dtype_of(name)).max)
    with np.errstate(all="raise"):
        got = FUNCTIONS[function](np.array([largest, -largest], dtype_of(name)), algorithm=algorithm)
    want = {"softmax": [1.0, 0.0], "log_softmax": [0.0, -INF], "logsumexp": largest}[function]
    assert np.asarray(got, float).tolist() == want


@pytest.mark.parametrize("function", FUNCTIONS)
def test_axis_is_that_of_moved_rows(function):
    """Any axis, tuple or None gives bit for bit what contiguous rows give."""
    f = FUNCTIONS[function]
    x = np.random.default_rng(3).normal(size=(3, 4, 5)).astype(np.float32)
    for axis in (0, 1, 2, -1, -2, -3):
        want = f(np.ascontiguousarray(np.moveaxis(x, axis, -1)))
        want = want if function == "logsumexp" else np.moveaxis(want, -1, axis)
        assert np.array_equal(f(x, axis), want)
    assert np.array_equal(f(x, None).ravel(), np.atleast_1d(f(x.ravel())))
    pair = f(np.ascontiguousarray(x.transpose(1, 0, 2)).reshape(4, 15))
    assert np.array_equal(
        f(x, (0, -1)), pair if function == "logsumexp" else pair.reshape(4, 3, 5).swapaxes(0, 1)
    )
    assert np.array_equal(f(x[:, ::2, ::-1], 1), f(x[:, ::2, ::-1].copy(), 1))


def test_axis_errors():
    """Out of range is AxisError as in NumPy; an axis named twice and a fractional axis are refused."""
    for axis in (2, -3, (0, 2)):
        with pytest.raises(AxisError):
            softmax(np.zeros((2, 2)), axis)
    with pytest.raises(AxisError):
        logsumexp(1.0, 1)
    with pytest.raises(ValueError, match="twice"):
        softmax(np.zeros((2, 2)), (1, -1))
    with pytest.raises(TypeError):
        softmax(np.zeros((2, 2)), 0.5)
    with pytest.raises(ValueError, match="choose one of accurate"):
        softmax([1.0], algorithm="acurate")


@pytest.mark.parametrize(("function", "algorithm"), [(f, a) for f in FUNCTIONS for a in ALGORITHMS[f]])
def test_dtype_shape_and_memory(function, algorithm):
    """The dtype of the input (integers: float64), a fresh array, the input as it was, empty and 0-d inputs."""
    f = FUNCTIONS[function]
    for name in FORMATS:
        x = np.arange(6).reshape(2, 3).astype(dtype_of(name))
        x.flags.writeable = False
        before = x.tobytes()
        got = f(x, algorithm=algorithm)
        assert got.dtype == x.dtype and got.shape == ((2,) if function == "logsumexp" else (2, 3))
        assert x.tobytes() == before and not np.shares_memory(got, x)
    assert f([1, 2, 3], algorithm=algorithm).dtype == np.float64
    assert f(np.array([True, False]), algorithm=algorithm).dtype == np.float64
    assert f(np.zeros(2, ">f4"), algorithm=algorithm).dtype == np.dtype(np.float32)
    assert f(2.0, algorithm=algorithm) == {"softmax": 1.0, "log_softmax": 0.0, "logsumexp": 2.0}[function]
    if function == "logsumexp":
        assert f(np.zeros((2, 0)), algorithm=algorithm).tolist() == [-INF, -INF]
        assert f(np.zeros((0, 2)), algorithm=algorithm).shape == (0,)
    else:
        assert f(np.zeros((2, 0, 3)), 1, algorithm=algorithm).shape == (2, 0, 3)
        assert f([], algorithm=algorithm).shape == (0,)


@pytest.mark.parametrize("values", [[1j], ["a"], [None], np.zeros(1, np.longdouble)])
def test_what_is_not_real_is_refused(values):
    """One line that names the dtype."""
    for f in (*FUNCTIONS.values(), sigmoid, log_sigmoid):
        with pytest.raises(TypeError, match="x has dtype"):
            f(values)


@pytest.mark.parametrize("name", ["float16", "bfloat16"])
@pytest.mark.parametrize(("function", "algorithm"), RIGHT)
def test_long_16_bit_rows_are_summed_wider(function, algorithm, name):
    """70000 ties: log 70000 and 1/70000 rounded to the format, where a 16-bit sum stops growing or overflows."""
    x = np.zeros(70_000, dtype_of(name))
    got = np.atleast_1d(FUNCTIONS[function](x, algorithm=algorithm))
    exact = {"softmax": 1 / 70_000, "log_softmax": -math.log(70_000), "logsumexp": math.log(70_000)}[function]
    assert (got == np.asarray(exact).astype(dtype_of(name))).all()


@pytest.mark.parametrize(("function", "algorithm"), RIGHT)
def test_long_rows_in_blocks(function, algorithm):
    """200001 entries, more than a block, along the last axis and the first: the sum stays that of pairwise summation,
    n^-1 within (log2 n + 25) u."""
    n = 200_001
    for x in (np.zeros((1, n), np.float32), np.zeros((n, 1), np.float32)):
        got = np.asarray(FUNCTIONS[function](x, axis=x.shape.index(n), algorithm=algorithm), np.float64)
        value = got if function == "softmax" else np.exp(-np.abs(got))
        slack = 1 if function == "softmax" else 2 * math.log(n)
        assert np.abs(value * n - 1).max() <= (math.log2(n) + 25) * slack * 2.0**-24


ROWS = arrays.arrays(np.float32, st.integers(1, 40), elements=st.integers(-800, 800).map(lambda k: k / 8))


@settings(derandomize=True, deadline=None, max_examples=60)
@given(ROWS)
def test_an_exact_shift_changes_nothing(x):
    """softmax(x + c) = softmax(x), bit for bit, while x + c is exact: multiples of 1/8 below 2^11."""
    for function, algorithm in RIGHT:
        f, c = FUNCTIONS[function], np.float32(1024)
        if function == "logsumexp":
            continue
        assert np.array_equal(f(x + c, algorithm=algorithm), f(x, algorithm=algorithm)), (function, algorithm)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(ROWS)
def test_probabilities_add_up_and_agree_with_their_logarithms(x):
    """Σ p = 1 within one rounding each, p = exp(log p), and max x ≤ lse ≤ max x + log n."""
    p, log_p = softmax(x).astype(float), log_softmax(x).astype(float)
    u, top = 2.0**-24, float(x.max())
    assert abs(p.sum() - 1) <= u + len(x) * 2.0**-149
    normal = p > 2.0**-126
    assert (np.abs(np.exp(log_p[normal]) / p[normal] - 1) <= u * (1.01 + np.abs(log_p[normal]) * 1.01)).all()
    assert top <= logsumexp(x) <= (top + math.log(len(x))) + u * 2 * (abs(top) + math.log(len(x)))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(ROWS)
def test_order_and_absent_entries_do_not_matter(x):
    """-inf entries anywhere change no other result by more than the order of summation does."""
    padded = np.full(2 * len(x) + 3, -np.inf, np.float32)
    padded[3::2] = x
    for function, algorithm in RIGHT:
        f = FUNCTIONS[function]
        want, got = f(x, algorithm=algorithm), f(padded, algorithm=algorithm)
        got = got if function == "logsumexp" else got[3::2]
        np.testing.assert_allclose(got, want, rtol=(4 + len(x)) * 2.0**-23, atol=(4 + len(x)) * 2.0**-23)


@pytest.mark.parametrize("name", FORMATS)
def test_sigmoid_and_log_sigmoid(name):
    """Within one rounding of the definition (float64: 2 ulp, one of them granted to exp or log1p), at every magnitude."""
    limit = 2.0 if name == "float64" else 0.5 + 2.0**-10
    far = {"float16": 17.0, "bfloat16": 90.0, "float32": 100.0, "float64": 740.0}[name]
    x = np.concatenate([np.linspace(-far, far, 41), [1e-8, -1e-8, 0.5, -17, 36.7]]).astype(dtype_of(name))
    with mpmath.workdps(DIGITS):
        exact = [1 / (1 + mpmath.exp(-mpmath.mpf(float(v)))) for v in x]
        logs = [mpmath.log(v) for v in exact]
    for f, wanted in ((sigmoid, exact), (log_sigmoid, logs)):
        with np.errstate(all="raise"):
            assert max(error_in_ulp(g, e, name) for g, e in zip(f(x), wanted, strict=True)) <= limit


@pytest.mark.parametrize("algorithm", ["accurate", "two_sided", "textbook"])
def test_sigmoid_at_the_ends(algorithm):
    """σ(±∞) = 1, 0 and nan stays; log σ is -∞ and 0; below the range of exp the textbook form gives 0, no warning."""
    with np.errstate(all="raise"):
        assert np.array_equal(sigmoid([INF, -INF, NAN], algorithm=algorithm), [1, 0, NAN], equal_nan=True)
        assert sigmoid(-800.0, algorithm=algorithm) == 0.0
        logs = log_sigmoid([INF, -INF, NAN], algorithm=algorithm)
    assert np.array_equal(logs, [0, -INF, NAN], equal_nan=True)
    assert sigmoid(np.float16(0), algorithm=algorithm).dtype == np.float16


def test_float64_is_rounded_to_bfloat16_once():
    """1 + 2^-8 + 2^-40 lies above the midpoint of two bfloat16 numbers; by way of float32 it would round down."""
    from smxcheck.functions.arrays import BFLOAT16, rounded

    x = np.array([1 + 2.0**-8 + 2.0**-40, 1 + 3 * 2.0**-8 - 2.0**-40, 1 + 2.0**-8, 1e300, -INF, NAN, 1e-45])
    got = rounded(np.concatenate([x, -x]), BFLOAT16).astype(float)
    want = [1 + 2.0**-7, 1 + 2.0**-7, 1.0, INF, -INF, NAN, 0.0]
    assert np.array_equal(got, np.concatenate([want, np.negative(want)]), equal_nan=True)
