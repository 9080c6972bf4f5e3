"""Gumbel-softmax, its Jacobian and Gumbel-max draws: reference, bounds, judgement and implementations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smxref
from smxcheck import functions
from smxcheck.caseset import load_cases
from smxcheck.caseset.model import Case
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import Accuracy, judge_values
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.bounds.sampling import FALSE_ALARM
from smxcheck.judge.call import Demand, Judged, ask, judge_call
from smxcheck.judge.result import LEVEL_ORDER, Level, Status
from smxcheck.mistakes import mistakes_in
from smxcheck.oracle import Kind, expect
from smxcheck.targets.protocol import Observation

from .differences import DIGITS, agrees, exact, first

INF, NAN = math.inf, math.nan
#: logits, noise, tau
POINTS = {
    "generic": ([0.5, -1.25, 2.0, 0.75, 0.0, 1.5, -0.5], [-0.375, 1.5, 0.25, 2.5, 0.125, -1.0, 3.0], 0.5),
    "three": ([0.1, 0.2, 0.3], [0.7, -0.1, 0.45], 3.0),
    "saturated": ([30.0, -20.0, 0.0], [0.25, 1.0, -2.0], 0.75),
    "ties": ([0.5, 1.0, 0.25], [1.0, 0.5, 1.25], 1.0),
    "one": ([2.5], [-1.0], 0.1),
    "two": ([0.25, -0.5], [3.0, -7.0], 2.0),
}


def plain(noise: list[float], tau: float) -> Callable[[list[Any]], list[Any]]:
    def call(z: list[Any]) -> list[Any]:
        weights = [mpmath.exp((v + mpmath.mpf(g)) / mpmath.mpf(tau)) for v, g in zip(z, noise, strict=True)]
        return [w / sum(weights) for w in weights]

    return call


@pytest.mark.parametrize("point", POINTS)
def test_reference_is_the_relaxed_sample_and_its_jacobian_the_derivative(point: str) -> None:
    z, g, tau = POINTS[point]
    with mpmath.workdps(DIGITS):
        values = plain(g, tau)(exact(z))
    assert all(agrees(b, v) for b, v in zip(smxref.gumbel_softmax(z, g, tau=tau, bits=300), values, strict=True))
    jacobian = smxref.gumbel_softmax_jacobian(z, g, tau=tau, bits=300)
    for j in range(len(z)):
        for i, slope in enumerate(first(plain(g, tau), z, j)):
            assert agrees(jacobian[i * len(z) + j], slope, 1), (i, j)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("tau", [2.0**-40, 0.3, 2.0**30])
def test_enclosures_of_two_precisions_overlap(point: str, tau: float) -> None:
    z, g, _ = POINTS[point]
    for function in (smxref.gumbel_softmax, smxref.gumbel_softmax_jacobian):
        coarse, fine = (function(z, g, tau=tau, bits=bits) for bits in (70, 300))
        with mpmath.workprec(400):
            assert all(abs(a.value - b.value) <= a.error + b.error for a, b in zip(coarse, fine, strict=True))


def test_reference_forms_the_sum_without_rounding() -> None:
    """1e30 + 1 + (-1e30) is 1 exactly: the second entry leads by 1."""
    y = smxref.gumbel_softmax([1e30, 1e30], [-1e30, 1.0 - 1e30], bits=200)
    assert float(y[1].value) == 0.5  # 1 - 1e30 is -1e30 as a float: a tie
    y = smxref.gumbel_softmax([2.0**60, 2.0**60 + 256], [-(2.0**60), -(2.0**60)], bits=200)
    assert float(y[0].value) == pytest.approx(math.exp(-256), rel=1e-12)


@pytest.mark.parametrize(
    ("z", "g", "tau"),
    [([NAN, 0], [0, 0], 1.0), ([0, 0], [INF, 0], 1.0), ([INF, 0], [-INF, 0], 1.0), ([-INF], [0], 1.0), ([0], [0], 0.0),
     ([0], [0], INF)],
)  # fmt: skip
def test_reference_refuses_what_has_no_answer(z: list[float], g: list[float], tau: float) -> None:
    with pytest.raises(ValueError):
        smxref.gumbel_softmax([float(v) for v in z], [float(v) for v in g], tau=tau, bits=100)


def test_reference_of_draws_is_softmax_whatever_is_drawn() -> None:
    assert smxref.gumbel_max_sample([0.0, 1.0], draws=3, seed=4, bits=100) == smxref.softmax([0.0, 1.0], bits=100)


# Infinite noise ---------------------------------------------------------------------------------


def test_infinite_sums_are_read_as_limits() -> None:
    z = np.array([[0.5, 1, 2], [0.5, 1, 2], [0.5, 1, 2], [0.5, INF, 2], [-INF, 0, 1]])
    g = np.array([[-INF, 0, 1], [0, INF, 1], [INF, INF, 0], [0, -INF, 0], [3, 0, 0]])
    expected = expect("gumbel_softmax", (z, g), {"tau": 0.5})
    assert (expected.kind[[0, 4]] == Kind.VALUE).all() and (expected.enclosure.hi[[0, 4], 0] == 0).all()
    assert (expected.kind[1] == Kind.VALUE_OR_NAN).all() and expected.enclosure.float64()[1].tolist() == [0, 1, 0]
    assert expected.kind[2].tolist() == [Kind.FREE, Kind.FREE, Kind.VALUE_OR_NAN]
    assert (expected.kind[3] == Kind.FREE).all()
    assert set(expected.choices) == {"plus-inf", "plus-inf-ties", "infinite-argument"}
    jacobian = expect("gumbel_softmax_jacobian", (z, g), {"tau": 0.5})
    assert (jacobian.kind[[0, 4]] == Kind.VALUE).all() and (jacobian.kind[1:4] == Kind.FREE).all()


# Bounds and judgement ---------------------------------------------------------------------------


def rows(dtype: str, seed: int, count: int = 50, n: int = 4) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(count, n)) * 2.0 ** rng.uniform(-3, 2, (count, 1))
    g = -np.log(-np.log(rng.uniform(0.001, 0.999, (count, n))))
    dt = FORMATS[dtype].numpy()
    return z.astype(dt), g.astype(dt)


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True, dtype=x.dtype)


def centred_first(z: np.ndarray, g: np.ndarray, tau: float) -> np.ndarray:
    a = z + g
    return _softmax((a - a.max(axis=-1, keepdims=True)) / z.dtype.type(tau))


def textbook(z: np.ndarray, g: np.ndarray, tau: float) -> np.ndarray:
    return _softmax((z + g) / z.dtype.type(tau))


def by_logarithm(z: np.ndarray, g: np.ndarray, tau: float) -> np.ndarray:
    x = (z + g) / z.dtype.type(tau)
    d = x - x.max(axis=-1, keepdims=True)
    return np.exp(d - np.log(np.exp(d).sum(axis=-1, keepdims=True, dtype=x.dtype)))


def jacobian(z: np.ndarray, g: np.ndarray, tau: float) -> np.ndarray:
    y = textbook(z, g, tau)
    return (np.eye(y.shape[-1], dtype=y.dtype) * y[:, :, None] - y[:, :, None] * y[:, None, :]) / y.dtype.type(tau)


FORMS: dict[str, tuple[str, Callable[..., np.ndarray], Level]] = {
    "centred first": ("gumbel_softmax", centred_first, Level.TIGHT),
    "textbook": ("gumbel_softmax", textbook, Level.STANDARD),
    "by the logarithm": ("gumbel_softmax", by_logarithm, Level.STANDARD),
    "Jacobian": ("gumbel_softmax_jacobian", jacobian, Level.STANDARD),
}


def judged(function: str, arguments: tuple[np.ndarray, ...], got: np.ndarray, dtype: str, **keywords: Any) -> Accuracy:
    question = ask(Case(function, "t", "x", dtype, "accuracy", "quick", build=dict), arguments, keywords, "")
    return judge_values(got, question.rulers(question.format), question.format)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("tau", [0.3, 1.0, 7.0])
def test_right_forms_stay_inside_their_bound_which_is_not_slack(form: str, dtype: str, tau: float) -> None:
    """0.3 and 7 are no power of two: 0.3 is no float either, and every form rounds it."""
    function, call, level = FORMS[form]
    arguments = rows(dtype, seed=3)
    with np.errstate(all="ignore"):
        found = judged(function, arguments, call(*arguments, tau), dtype, tau=tau)
    assert LEVEL_ORDER[found.level] <= LEVEL_ORDER[level], (found.error, found.allowed, found.index)
    assert found.error * 30 > found.allowed


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", ["gumbel_softmax", "gumbel_softmax_jacobian"])
def test_implementation_is_tight_and_tight_at_most_standard(function: str, dtype: str) -> None:
    arguments = rows(dtype, seed=7)
    before = tuple(a.copy() for a in arguments)
    for tau in (0.3, 1.0):
        got = getattr(functions, function)(*arguments, tau=tau)
        assert got.dtype == arguments[0].dtype
        assert LEVEL_ORDER[judged(function, arguments, got, dtype, tau=tau).level] <= LEVEL_ORDER[Level.TIGHT]
        tight, standard = (
            bounds_for(function, arguments, {"tau": tau}, FORMATS[dtype], v).total_absolute()
            for v in (Level.TIGHT, Level.STANDARD)
        )
        assert (tight <= standard).all()
    assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))


def test_row_scaled_by_one_plus_2_to_the_minus_18_is_never_tight() -> None:
    """At τ = 1 and sums of ordinary size; a small τ multiplies the rounding of z + g beyond any such error."""
    for n in (2, 5, 16):
        z, g = rows("float32", n, count=8, n=n)
        y = functions.gumbel_softmax(z.astype(float), g.astype(float))
        for i in range(len(z)):
            got = (y[i] * (1 + 2.0**-18)).astype(np.float32)[None]
            assert judged("gumbel_softmax", (z[i : i + 1], g[i : i + 1]), got, "float32").level is not Level.TIGHT


def called(function: str, arguments: tuple[np.ndarray, ...], got: np.ndarray, **keywords: Any) -> Judged:
    dtype = arguments[0].dtype.name
    question = ask(Case(function, "t", "x", dtype, "accuracy", "quick", build=dict), arguments, keywords, "f(x)")
    return judge_call("t", question, Observation("returned", got, "numpy.ndarray"), Demand())


@pytest.mark.parametrize(
    ("sample", "status"),
    [([1, 0, 0], Status.OK), ([0, 1, 0], Status.OK), ([0, 0, 1], Status.WRONG), ([1, 1, 0], Status.WRONG),
     ([0, 0, 0], Status.WRONG), ([0.5, 0.5, 0], Status.WRONG), ([0, 0.5, 0], Status.WRONG)],
)  # fmt: skip
def test_hard_sample_of_ties_has_one_1_at_either(sample: list[float], status: Status) -> None:
    arguments = np.float32([[0.5, 1, 0.25]]), np.float32([[1, 0.5, 0.25]])
    assert called("gumbel_softmax", arguments, np.float32([sample]), hard=True).results[0].status is status


def test_hard_sample_of_sums_that_round_to_a_tie_has_one_1_at_either() -> None:
    """1e4 + 1.0001 and 1e4 + 1 are one float32, though not one number; with a gap of 1 the 1 has one place."""
    z, g = np.float32([[1e4, 1e4]]), np.float32([[1, 1.0001]])
    for sample in ([[1, 0]], [[0, 1]]):
        assert called("gumbel_softmax", (z, g), np.float32(sample), hard=True).results[0].status is Status.OK
    z, g = np.float32([[3, 2]]), np.float32([[0, 0]])
    assert called("gumbel_softmax", (z, g), np.float32([[0, 1]]), hard=True).results[0].status is Status.WRONG


# Draws ------------------------------------------------------------------------------------------

FIVE = np.array([0, 1, -1, 0.5, 0.25])


def drawn_from(p: np.ndarray, count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).choice(len(p), size=count, p=p)


@pytest.mark.parametrize("seed", range(20))
def test_right_samplers_pass(seed: int) -> None:
    got = functions.gumbel_max_sample(FIVE, draws=20_000, seed=seed)
    assert called("gumbel_max_sample", (FIVE,), got, draws=20_000, seed=seed).results[0].status is Status.OK


def test_cell_of_a_fifth_that_is_off_by_a_tenth_fails_at_the_shipped_number_of_draws() -> None:
    case = next(c for c in load_cases(["gumbel_max_sample"], ["float64"]) if c.name == "shares")
    count = case.keywords["draws"]
    p = functions.softmax(FIVE)
    cell = int(np.argmin(np.abs(p - 0.2)))
    for factor in (0.9, 1.1):
        wrong = np.where(np.arange(5) == cell, p * factor, p * (1 - p[cell] * factor) / (1 - p[cell]))
        for seed in range(5):
            result = called("gumbel_max_sample", (FIVE,), drawn_from(wrong, count, seed), draws=count).results[0]
            assert result.status is Status.WRONG and result.check == "SMX109"
            assert f"class {cell} came" in result.message and "1,000,000,000" in result.message


@pytest.mark.parametrize(("p", "count"), [(0.5, 50), (0.2, 400), (0.01, 1000), (1e-4, 2000)])
def test_false_alarms_are_rarer_than_stated(p: float, count: int) -> None:
    """The exact binomial tails beyond what is allowed, of a class and of the other of two."""
    logit = np.array([math.log(p), math.log1p(-p)])
    allowed = bounds_for("gumbel_max_sample", (logit,), {"draws": count}, FORMATS["float64"], Level.STANDARD).total_absolute()
    off = [k for k in range(count + 1) if abs(k / count - p) > allowed[0]]
    chance = mpmath.fsum(mpmath.binomial(count, k) * mpmath.mpf(p) ** k * mpmath.mpf(1 - p) ** (count - k) for k in off)
    assert chance <= FALSE_ALARM / 2


def test_mistaken_samplers_fail_where_their_entries_say() -> None:
    for mistake in mistakes_in("gumbel_max_sample"):
        call = mistake.examples[0].build("gumbel_max_sample", "float64")
        assert call is not None
        got = mistake.call(*call[0], **call[1])
        assert called("gumbel_max_sample", call[0], got, **call[1]).results[0].check == "SMX109", mistake.id
        assert called("gumbel_max_sample", call[0], got, **call[1]).results[0].status is Status.WRONG, mistake.id


def test_class_of_probability_0_may_not_be_drawn_once() -> None:
    z = np.array([0.0, -INF, 0.0])
    got = drawn_from(np.array([0.5, 0, 0.5]), 1000)
    assert called("gumbel_max_sample", (z,), got, draws=1000).results[0].status is Status.OK
    got[17] = 1
    assert called("gumbel_max_sample", (z,), got, draws=1000).results[0].status is Status.WRONG


def test_shape_dtype_and_range_of_draws_are_looked_at() -> None:
    right = drawn_from(functions.softmax(FIVE), 1000)
    for got, check in ((right[:999], "SMX201"), (right + 1, "SMX109"), (right - 1, "SMX109")):
        result = called("gumbel_max_sample", (FIVE,), got, draws=1000).results[0]
        assert (result.status, result.check) == (Status.WRONG, check)
    floats = called("gumbel_max_sample", (FIVE,), right.astype(float), draws=1000)
    assert floats.results[0].status is Status.OK and [v.code for v in floats.violations] == ["SMX202"]
    assert called("gumbel_max_sample", (FIVE,), right.astype(np.int32), draws=1000).violations == ()


# Implementations --------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-3, 20)), min_size=1, max_size=12), st.floats(0.01, 100))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_hard_is_one_hot_at_the_largest_relaxed_entry(pairs: list[tuple[float, float]], tau: float) -> None:
    z, g = np.array(pairs).T
    soft, hard = (functions.gumbel_softmax(z, g, tau=tau, hard=h) for h in (False, True))
    assert sorted(hard)[-1] == 1 and hard.sum() == 1
    assert soft[hard.argmax()] == soft.max() and abs(soft.sum() - 1) < 1e-14 * len(z)


def test_shapes_dtypes_and_refusals() -> None:
    z = np.zeros((2, 3), np.float16)
    assert functions.gumbel_softmax(z, z).dtype == np.float16
    assert functions.gumbel_softmax(z, z.astype(np.float32)).dtype == np.float32
    assert functions.gumbel_softmax_jacobian(z, z).shape == (2, 3, 3)
    assert functions.gumbel_softmax([0, 0], [0, 0]).tolist() == [0.5, 0.5]
    assert functions.gumbel_softmax(np.zeros((0, 3)), np.zeros((0, 3))).shape == (0, 3)
    assert functions.gumbel_softmax(1.0, 2.0) == 1
    with pytest.raises(ValueError, match="one shape"):
        functions.gumbel_softmax(z, z[0])
    for tau in (0.0, -1.0, INF, NAN):
        with pytest.raises(ValueError, match="tau"):
            functions.gumbel_softmax(z, z, tau=tau)


def test_rows_without_an_answer_are_nan_and_absent_entries_zero() -> None:
    z, g = np.array([[NAN, 0], [0, INF], [-INF, -INF], [0, 1]]), np.array([[0, 0], [0, 0], [0, 0], [-INF, 0.5]])
    for hard in (False, True):
        got = functions.gumbel_softmax(z, g, hard=hard)
        assert np.isnan(got[:3]).all() and got[3].tolist() == [0, 1]


def test_draws_have_a_seed_a_shape_and_no_infinite_noise() -> None:
    z = np.zeros((2, 3, 4), np.float32)
    got = functions.gumbel_max_sample(z, draws=7, seed=3)
    assert got.shape == (2, 3, 7) and got.dtype == np.int64
    assert np.array_equal(got, functions.gumbel_max_sample(z, draws=7, seed=3))
    assert not np.array_equal(got, functions.gumbel_max_sample(z, draws=7, seed=4))
    ends = (np.array([0, 2**52 - 1]) + 0.5) * 2.0**-52
    assert (ends > 0).all() and (ends < 1).all()
    assert (-np.log(-np.log(ends))).tolist() == pytest.approx([-3.61, 36.74], abs=0.01)


@pytest.mark.parametrize("logits", [[NAN, 0.0], [INF, 0.0], [-INF, -INF], [], 1.0])
def test_draws_from_no_distribution_are_refused(logits: Any) -> None:
    with pytest.raises(ValueError):
        functions.gumbel_max_sample(logits)
