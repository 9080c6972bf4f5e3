"""The rules that hold for every bound, and the constants that the bounds grant, against what they cite."""

from __future__ import annotations

import functools
import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from smxcheck.caseset import load_cases
from smxcheck.caseset.model import Case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.functions import ALGORITHMS
from smxcheck.identities import identity_of
from smxcheck.judge.accuracy import judge_values
from smxcheck.judge.bounds import Bound, bounds_for, core, dispatch, loss
from smxcheck.judge.bounds.model import BASE_2, EXP_ERROR, LOG1P_ERROR, LOG_ERROR, tree_roundings
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.judge.call import Demand, ask, judge_call
from smxcheck.judge.result import Level, Status
from smxcheck.judge.ruler import Allowance, rulers
from smxcheck.oracle import NOT_ROWS, Kind, expect
from smxcheck.selftest import adversary
from smxcheck.targets.protocol import Observation

CORE = ("softmax", "log_softmax", "logsumexp")
LOG2_E, LN_2 = Decimal("1.44269504088896340735992468100189214"), Decimal("0.69314718055994530941723212145817657")
FLOAT32 = FORMATS["float32"]
LAW = settings(derandomize=True, deadline=None, max_examples=60)


#: What has bounds counted by hand; the others come from running analysis.
CENTRAL = sorted(NOT_ROWS - {"gumbel_max_sample", "gumbel_softmax", "gumbel_softmax_jacobian"})


def bounds(function, arguments, fmt, **keywords):
    with np.errstate(all="ignore"):
        return tuple(bounds_for(function, arguments, keywords, fmt, v) for v in (Level.TIGHT, Level.STANDARD))


def rule(function, arguments, dtype="float32", **keywords):
    """One block of the question: what each level allows, in ulp."""
    fmt = FORMATS[dtype]
    with np.errstate(all="ignore"):
        expected = expect(function, arguments, keywords)
        (ruler,) = rulers(expected, Allowance(*bounds(function, arguments, fmt, **keywords)), fmt)
    return ruler


def level(function, got, arguments, dtype="float32", **keywords):
    with np.errstate(all="ignore"):
        ruler = rule(function, arguments, dtype, **keywords)
        return judge_values(np.asarray(got), [ruler], FORMATS[dtype]).level


def logits(dtype, shape=(2, 6)):
    """Every finite number of the format and -inf, with the extremes more often than chance would have them."""
    fmt = FORMATS[dtype]
    edges = [0.0, -0.0, -np.inf, fmt.largest, -fmt.largest, fmt.smallest_subnormal, -fmt.smallest_normal, 1.0, -88.0]
    width = min(8 * fmt.numpy().itemsize, 64)
    free = st.floats(-fmt.largest, fmt.largest, width=width if dtype != "bfloat16" else 32)
    element = st.one_of(st.sampled_from(edges), st.floats(-200, 200, width=32), free)
    return arrays.arrays(np.float64, shape, elements=element).map(lambda x: x.astype(fmt.numpy()))


def probabilities(shape=(2, 6)):
    weight = st.one_of(st.just(0.0), st.floats(0, 1, width=32))

    def normal(w):
        total = w.sum(axis=-1, keepdims=True)
        return np.where(total > 0, w / np.where(total > 0, total, 1), 1 / w.shape[-1]).astype(np.float32)

    return arrays.arrays(np.float64, shape, elements=weight).map(normal)


def arguments_of(function, draw, dtype):
    match FUNCTIONS[function].arguments:
        case ("x",) | ("logits",):
            return (draw(logits(dtype)),)
        case ("x", "y"):
            return draw(logits(dtype)), draw(probabilities()).astype(FORMATS[dtype].numpy())
        case ("p",) | ("p", "q") as names:
            return tuple(draw(probabilities()).astype(FORMATS[dtype].numpy()) for _ in names)
    return draw(logits(dtype)), draw(arrays.arrays(np.int64, 2, elements=st.integers(0, 5)))


def total(bound: Bound, y: np.ndarray) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(bound.total_relative() * np.abs(y) + bound.total_absolute())


def assert_ordered(tight: Bound, standard: Bound) -> None:
    for y in (0.0, 1.0, 2.0**-100):
        # 2^-50: standard sums its terms in another order
        assert (total(tight, y) <= total(standard, y) * (1 + 2.0**-50)).all()


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("function", CENTRAL)
@given(data=st.data())
@settings(derandomize=True, deadline=None, max_examples=25)
def test_tight_is_nowhere_above_standard(function, dtype, data):
    assert_ordered(*bounds(function, arguments_of(function, data.draw, dtype), FORMATS[dtype]))


#: Draws have no bound.
MEASURED = [f for f in FUNCTIONS if FUNCTIONS[f].shape != "drawn"]


@pytest.mark.slow
@pytest.mark.parametrize("function", [f for f in MEASURED if f not in CENTRAL])
def test_tight_is_nowhere_above_standard_on_any_case(function):
    """Derivatives and generalisations are searched in tests of their own; here all that they are asked."""
    cases = [c for c in load_cases([function], list(FORMATS)) if identity_of(c) is None]
    assert cases
    for case in cases:
        arguments = tuple(case.build().values())
        with np.errstate(all="ignore"):
            assert_ordered(*bounds(function, arguments, FORMATS[case.dtype], **case.keywords))


#: Cases whose answers are small beside the terms that they are the difference of, or whose argument of exp is rounded:
#: there a few units of the terms are more than 2^-18 of the answer.
CANCELLING = (
    "entropy_grad/entropy-derivatives/near-1-over-e", "softmax_entropy_hessian/entropy-derivatives/masked",
    "kl_divergence_grad/divergence-derivatives/close", "kl_divergence_hessian/divergence-derivatives/underflow",
    "kl_divergence_hessian/divergence-derivatives/masked", "gumbel_softmax_jacobian/gumbel/logits-20",
    "gumbel_softmax/gumbel/large-logits", "gumbel_softmax_jacobian/gumbel/large-logits",
)  # fmt: skip


@pytest.mark.parametrize("function", [f for f in MEASURED if f not in CENTRAL])
def test_a_row_off_by_two_to_the_minus_18_is_never_tight(function):
    """In float32 up to 16 entries: the answers of a case multiplied by 1 + 2^-18 leave `tight`, unless all are subnormal
    or so cancelled that the bound admits 0 as well."""
    told = 0
    for case in load_cases([function], ["float32"]):
        if identity_of(case) is not None or case.shape[-1:] > (16,) or case.id.removesuffix("/float32") in CANCELLING:
            continue
        question = ask(case, tuple(case.build().values()), case.keywords, "call")
        if question.expected.must_raise or not (question.expected.kind == Kind.VALUE).all():
            continue
        right = question.expected.enclosure.float64()
        ruler = next(iter(question.rulers(FLOAT32)), None)
        if ruler is None or (np.abs(ruler.scale.value) <= np.maximum(ruler.tight, 2.0**18)).all():
            continue  # 0 and subnormal answers, or nothing but cancellation
        told += 1
        with np.errstate(all="ignore"):
            moved = (right * (1 + 2.0**-18)).astype(np.float32)
        assert judge_values(moved, question.rulers(FLOAT32), FLOAT32).level not in (Level.ULP1, Level.TIGHT), case.id
    assert told


@pytest.mark.slow
@given(x=logits("float32"))
@LAW
def test_what_is_judged_with_is_ordered_too(x):
    for function in CORE:
        ruler = rule(function, (x,))
        assert (ruler.tight <= ruler.standard).all()


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("function", [*CORE, "softmax_entropy"])
def test_one_entry_leaves_no_room(function, dtype):
    x = np.array([[0.0], [3.5], [-1e4]]).astype(FORMATS[dtype].numpy())
    assert all(np.all(total(b, 1.0) == 0) for b in bounds(function, (x,), FORMATS[dtype]))


def _ulp(y):
    _, e = np.frexp(np.abs(y))
    return np.ldexp(adversary.LONG(1), e - FLOAT32.precision)


def _reached(function, name, x):
    """The largest error of a shipped form on each row, in ulp."""
    y = adversary.RIGHT[function](x)
    error = np.abs(ALGORITHMS[function][name].call(x) - y) / _ulp(y)
    return np.asarray(error, float).reshape(len(x), -1).max(axis=1)


@functools.cache
def _adversarial_rows(function, name, n):
    """Rows whose shift is exact and whose results are normal numbers, climbing to where a shipped form errs most."""
    kept = []
    for seed in (n, n + 100):
        rng = np.random.default_rng(seed)
        rows = np.rint(adversary.start("softmax", rng, 1000, n, FLOAT32)[0].astype(np.float64) * 1024) / 1024
        pool = np.maximum(rows - rows.max(axis=1, keepdims=True), -60).astype(np.float32)
        for _ in range(40):
            top = pool[np.argsort(-_reached(function, name, pool))[:20]]
            moved = adversary.nudged(np.repeat(top, 25, axis=0), rng, FLOAT32)
            pool = np.concatenate([top, np.maximum(moved - moved.max(axis=1, keepdims=True), np.float32(-60))])
        kept.append(pool)
    return np.concatenate(kept)


@pytest.mark.parametrize("n", range(2, 11))
@pytest.mark.parametrize("function", CORE)
def test_tight_is_at_most_four_times_what_the_best_plain_form_reaches(function, n):
    if _in_u(np.exp, -np.linspace(0, 80, 100_000, dtype=np.float32), 24) < EXP_ERROR["float32"] / 2:
        pytest.skip("this platform's exp is far better than the grant, which is that of NumPy's SIMD loops")
    # log of the whole sum is only `standard`; the largest entry of log_softmax is -logsumexp of the shifted row
    forms = ("log1p", "shifted") if function == "softmax" else ("log1p",)
    climbed = "softmax" if function == "softmax" else "logsumexp"
    x = np.concatenate([_adversarial_rows(climbed, name, n) for name in forms])
    y = adversary.RIGHT[function](x)
    allowed = np.max(total(bounds(function, (x,), FLOAT32)[0], y) / _ulp(y))
    best = min(_reached(function, name, x).max() for name in forms)
    assert allowed <= 4 * best


@pytest.mark.parametrize("n", [2, 3, 8, 16])
@pytest.mark.parametrize("function", CORE)
def test_a_row_off_by_2_to_the_minus_18_is_never_tight(function, n):
    """Where logsumexp does not cancel, and results are normal numbers: elsewhere 2^-18 is below the last digit."""
    x = adversary.start(function, np.random.default_rng(n), 600, n, FLOAT32)[0]
    x = x[(np.abs(x) < 80).all(axis=1)]
    if function == "logsumexp":
        x = x[x.max(axis=1) >= 0]
    y = adversary.RIGHT[function](x).reshape(len(x), -1)
    allowed = np.asarray(total(bounds(function, (x,), FLOAT32)[0], y)).reshape(len(x), -1)
    off = np.asarray((y * (1 + 2.0**-18)).astype(np.float32) - y, float)
    fails = (np.abs(off) > allowed).any(axis=1)
    assert fails.all(), x[~fails][:3]


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("n", [3, 1000, 10**6, 10**8])
def test_the_normaliser_never_loses_more_than_the_root_of_u(dtype, n):
    fmt = FORMATS[dtype]
    r = row_quantities(np.array([[0.0, -0.5]]).astype(fmt.numpy()).astype(float), fmt, np.array([[1, n - 1]]))
    assert r.n == n
    for v in (Level.TIGHT, Level.STANDARD):
        assert core.normaliser(r, fmt, v).max() <= math.sqrt(fmt.u)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("offset", [1e3, -1e4, 1e6])
def test_subtracting_the_whole_logsumexp_is_not_standard(offset, dtype):
    x = (np.linspace(0, 1, 7)[None] + offset).astype(dtype)
    lse = x.max(axis=1, keepdims=True) + np.log(np.exp(x - x.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
    assert level("log_softmax", x - lse, (x,), dtype) is Level.WRONG
    assert level("log_softmax", ALGORITHMS["log_softmax"]["log1p"].call(x), (x,), dtype) in (Level.ULP1, Level.TIGHT)


def status(question, got):
    seen = Observation("returned", value=got, returned_type="ndarray")
    return judge_call("t", question, seen, Demand()).results[0].status


@pytest.mark.parametrize("function", CORE)
@given(x=arrays.arrays(np.float32, (1, 6), elements=st.floats(-40, 40, width=32)))
@example(x=np.float32([[0, -14, -14, -14, -14, -14]]))
@LAW
def test_zeros_a_constant_and_one_digit_fail_or_cannot_tell(function, x):
    case = Case(function, "made-up", "case", "float32", "accuracy", "quick", build=dict)
    question = ask(case, (x,), {}, "call")
    exact = question.expected.enclosure.float64()
    digits = np.vectorize(lambda v: float(f"{v:.0e}"))(exact)
    impostors = {"zeros": (np.zeros_like(exact), exact), "a constant": (np.full_like(exact, exact.flat[0]), exact),
                 "one digit": (digits, exact)}  # fmt: skip
    for got, right in impostors.values():
        if (np.abs(got - right) > 2.0**-9 * np.abs(right)).any():
            assert status(question, got.astype(np.float32)) in (Status.WRONG, Status.CANNOT_TELL)


def ruler_shape(function, x):
    return x.shape if FUNCTIONS[function].shape == "same" else x.shape[:-1]


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 12, 16, 100, 127, 128, 129, 200, 1000, 4097, 10**6])
def test_additions_on_the_longest_path_of_a_tree(n):
    """Between ⌈log2 n⌉ and n - 1, and what NumPy's sum really loses on a worst case stays within it."""
    assert math.ceil(math.log2(n)) <= tree_roundings(n) <= max(n - 1, 0)


@pytest.mark.parametrize("n", [5, 8, 15, 100, 128, 1000])
def test_numpys_sum_stays_within_the_roundings_that_are_counted(n):
    rng = np.random.default_rng(n)
    w = rng.uniform(0.5, 1, (2000, n)).astype(np.float32)
    exact = w.astype(np.float64).sum(axis=1)
    assert np.max(np.abs(w.sum(axis=1) - exact) / exact) <= tree_roundings(n) * FLOAT32.u


def _in_u(f, x, precision):
    """Largest relative error of f over x, in u, over its normal results."""
    y = f(x.astype(np.longdouble))
    use = np.abs(y) > np.finfo(x.dtype).tiny
    return float(np.max(np.abs(f(x)[use] - y[use]) / np.abs(y[use])) * 2.0**precision)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_platforms_exp_and_log_keep_to_what_they_are_granted(dtype):
    """Over a dense sample; a platform that fails this needs another table, not wider bounds."""
    fmt, rng = FORMATS[dtype], np.random.default_rng(7)
    deep = np.concatenate([-rng.uniform(0, -math.log(fmt.smallest_normal), 200_000), -(2.0 ** rng.uniform(-24, 0, 50_000))])
    wide = np.concatenate([2.0 ** rng.uniform(-100, 30, 100_000), 1 + 2.0 ** rng.uniform(-20, 4, 100_000)])
    granted = {np.exp: (deep, EXP_ERROR), np.exp2: (deep, EXP_ERROR), np.log: (wide, LOG_ERROR),
               np.log2: (wide, LOG_ERROR), np.log1p: (wide, LOG1P_ERROR)}  # fmt: skip
    for f, (x, table) in granted.items():
        assert _in_u(f, x.astype(dtype), fmt.precision) <= table[dtype], f


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_constants_of_base_2_round_as_little_as_they_are_granted(dtype):
    """Two products round by u each; what is left of `BASE_2` is the two constants'."""
    lost = sum(abs(Fraction(float(np.dtype(dtype).type(c))) / Fraction(str(c)) - 1) for c in (LOG2_E, LN_2))
    assert 2 + lost / Fraction(FORMATS[dtype].u) <= BASE_2


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_16_bit_exp_and_log_of_every_argument(dtype):
    """All 16-bit numbers; the grants are exceeded nowhere and needed to a half."""
    fmt = FORMATS[dtype]
    every = np.arange(2**16, dtype=np.uint16).view(fmt.numpy())
    with np.errstate(invalid="ignore"):  # signalling nans
        every = every.astype(np.float64)
    finite = every[np.isfinite(every)]
    for f, x, granted in ((np.exp, finite[finite <= 0], EXP_ERROR), (np.log, finite[finite > 0], LOG_ERROR),
                          (np.log1p, finite[finite > 0], LOG1P_ERROR)):  # fmt: skip
        y = f(x)
        use = np.abs(y) >= fmt.smallest_normal
        error = np.abs(f(x.astype(fmt.numpy())).astype(float)[use] - y[use]) / np.abs(y[use]) / fmt.u
        assert granted[dtype] / 2 * 0.9 <= error.max() <= granted[dtype]


@given(row=arrays.arrays(np.float64, 40, elements=st.sampled_from([0.0, -0.5, -3.25, -80.0, -np.inf, 1.0])))
@LAW
def test_a_row_of_equal_entries_has_the_same_bound_by_distinct_values(row):
    x = np.append(row, 0.5)
    values, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    for f in (core.softmax, core.log_softmax):
        for v in (Level.TIGHT, Level.STANDARD):
            plain = f(row_quantities(x[None], FLOAT32), FLOAT32, v)
            short = f(row_quantities(values[None], FLOAT32, counts[None]), FLOAT32, v)
            spread = np.broadcast_to(total(short, 1.0), (1, len(values)))[:, where]
            assert np.allclose(total(plain, 1.0), spread, rtol=2.0**-40, atol=0)


@pytest.mark.parametrize("function", [*CORE, "softmax_entropy"])
def test_long_rows_are_bounded_as_they_would_be_entry_by_entry(function, monkeypatch):
    x = np.tile(np.array([[0.0, -1.5, -30.0], [2.0, 2.0, -np.inf]], np.float32), 2000)
    short = bounds(function, (x,), FLOAT32)
    monkeypatch.setattr(dispatch, "_LONG", 10**9)
    for by_distinct, plain in zip(short, bounds(function, (x,), FLOAT32), strict=True):
        for got, want in ((by_distinct.relative, plain.relative), (by_distinct.absolute, plain.absolute)):
            assert list(got) == list(want)
            for term in got:
                assert np.allclose(*np.broadcast_arrays(got[term], want[term]), rtol=2.0**-30, atol=0)


def test_a_target_folds_labels_weights_and_smoothing():
    labels, counted = np.array([2, 0]), np.array([True, False])
    t = loss.targets(labels, counted, 3, np.array([1.0, 2.0, 4.0]), 0.3, "mean")
    assert np.allclose(t.t, [[0.1, 0.2, 2.8 + 0.4], [0, 0, 0]])
    assert (t.divisor, t.reduction) == (4.0, "mean")
