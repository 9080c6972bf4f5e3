"""The shipped losses, entropy, sigmoids and gradients are within 1 ulp on inputs made to be hard, in all four formats.

Exact values are the oracle's enclosures, errors those of the judge, in ulp of the exact value. What hangs on a
cancellation of its inputs is judged like the rest: double-double has 2^-90 of the largest term to give.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck import functions
from smxcheck.dtypes import FORMATS
from smxcheck.judge.errors import errors
from smxcheck.oracle import enclose

LIMIT = 1.0
FORMAT_NAMES = ("float16", "bfloat16", "float32", "float64")
GRADIENTS = ("softmax_vjp", "softmax_jvp", "log_softmax_vjp", "cross_entropy_grad")


def error(function, fmt, *arguments, **keywords):
    """The largest error of a function's result, in ulp."""
    right = enclose(function, *arguments, **keywords)
    got = np.asarray(getattr(functions, function)(*arguments, **keywords))
    assert got.dtype == FORMATS[fmt].numpy()
    return float(np.abs(errors(got, right, FORMATS[fmt]).signed).max(initial=0.0))


def logits(rng, fmt, m, n):
    """Rows of one of many kinds: normal, peaked, of whole numbers, huge or tiny, all far below, offset, subnormal."""
    deepest = 760.0 if fmt == "float64" else 110.0
    orders = 300 if fmt == "float64" else 4
    x = rng.normal(size=(m, n)) * 2.0 ** rng.integers(-10, 9)
    row = np.arange(m)
    match rng.integers(0, 8):
        case 1:
            x[row, rng.integers(0, n, m)] += rng.uniform(0, deepest)
        case 2:
            x = np.round(x)
        case 3:
            x *= 10.0 ** rng.integers(-orders, orders)
        case 4:
            x = -rng.uniform(0, deepest, (m, n))
            x[:, 0] = 0
        case 5:
            x += rng.choice([1e3, 1e15, 1e300] if fmt == "float64" else [1e3])
        case 6:
            x *= float(FORMATS[fmt].smallest_subnormal) * 2.0**10
        case 7:
            x = np.where(rng.uniform(size=(m, n)) < 0.5, 0.0, -rng.uniform(0, 2 * deepest))
    return representable(x, fmt)


def cotangents(rng, fmt, m, n):
    g = rng.normal(size=(m, n))
    match rng.integers(0, 5):
        case 1:
            g = np.round(g)
        case 2:
            g = np.abs(g)
        case 3:
            g *= 2.0 ** rng.integers(-12, 12, (m, n))
        case 4:
            g = np.eye(n)[rng.integers(0, n, m)]
    return representable(g, fmt)


def representable(x, fmt):
    """Rounded to the format; what overflows is its largest number."""
    largest = float(FORMATS[fmt].largest)
    return np.clip(x, -largest, largest).astype(FORMATS[fmt].numpy())


def loss_arguments(rng, fmt, m, n):
    """Labels of every kind and keywords; weights and soft labels of either sign, so that terms cancel."""
    keywords = {"reduction": str(rng.choice(["none", "sum", "mean"]))}
    if rng.random() < 0.5:
        weight = rng.normal(size=n) if rng.random() < 0.4 else rng.uniform(size=n)
        keywords["weight"] = representable(weight, fmt)
    if rng.random() < 0.4:
        keywords["label_smoothing"] = float(rng.choice([0.1, 1e-9, 1.0]))
    x = logits(rng, fmt, m, n)
    if rng.random() < 0.4:
        return (x, cotangents(rng, fmt, m, n)), keywords
    labels = rng.integers(0, n, m) if rng.random() < 0.5 else x.astype(np.float64).argmax(axis=1)
    return (x, np.where(rng.uniform(size=m) < 0.1, -100, labels)), keywords


def search(fmt, seed, rounds, lengths):
    """The worst error of every function on ``rounds`` seeded inputs; calls whose answer is not a number are left out."""
    rng = np.random.default_rng(seed)
    worst = {}
    for _ in range(rounds):
        m, n = int(rng.integers(1, 4)), int(rng.choice(lengths))
        name = str(rng.choice([*GRADIENTS, "softmax_entropy", "softmax_entropy_grad", "cross_entropy"]))
        keywords = {}
        if name == "cross_entropy":
            arguments, keywords = loss_arguments(rng, fmt, m, n)
        else:
            arguments = (logits(rng, fmt, m, n),)
            if name in GRADIENTS:
                arguments += (cotangents(rng, fmt, m, n),)
        try:
            worst[name] = max(worst.get(name, 0.0), error(name, fmt, *arguments, **keywords))
        except ValueError as reason:
            assert "not finite numbers" in str(reason) or "no rows" in str(reason), reason
    return worst


@pytest.mark.parametrize("fmt", FORMAT_NAMES)
def test_hard_rows_are_within_one_ulp(fmt):
    worst = search(fmt, 20, 120, [1, 2, 3, 10])
    assert len(worst) == 7
    assert max(worst.values()) <= LIMIT, worst


@pytest.mark.slow
@pytest.mark.parametrize("fmt", FORMAT_NAMES)
@pytest.mark.parametrize("seed", [21, 22])
def test_many_hard_rows_are_within_one_ulp(fmt, seed):
    worst = search(fmt, seed, 1000, [1, 2, 3, 5, 10, 30, 100, 1000])
    assert max(worst.values()) <= LIMIT, worst


@pytest.mark.parametrize("fmt", FORMAT_NAMES)
@pytest.mark.parametrize("function", ["sigmoid", "log_sigmoid"])
def test_sigmoids_are_within_one_ulp(function, fmt):
    """Everywhere, and at the ends: where σ leaves the normal numbers, where 1 + t rounds to 1, at the smallest numbers."""
    rng = np.random.default_rng(23)
    ends = [
        37,
        708.3,
        708.4,
        709.8,
        744.4,
        745.1,
        745.2,
        800,
        87.3,
        103.9,
        9.7,
        17.3,
        0,
        1e-300,
        5e-324,
        1e-7,
    ]
    spread = [*rng.uniform(-760, 760, 300), *rng.normal(size=300), *rng.uniform(-40, 40, 300)]
    x = representable(np.array([*ends, *(-v for v in ends), *spread]), fmt)
    assert error(function, fmt, x) <= LIMIT


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6))
def test_any_finite_float64_row(row):
    """Whatever finite numbers: entropy, its gradient and the loss of the likely class."""
    x = np.array([row])
    assert error("softmax_entropy", "float64", x) <= LIMIT
    assert error("softmax_entropy_grad", "float64", x) <= LIMIT
    assert error("cross_entropy", "float64", x, x.argmax(axis=1)) <= LIMIT


@pytest.mark.parametrize(
    "gap", [1e-300, 1e-9, 1.0, 36.5, 40.0, 300.0, 400.0, 401.0, 700.0, 708.5, 740.0, 744.5, 750.0]
)
def test_peaked_rows(gap):
    """A loss, an entropy and a label's own entry down to the smallest subnormal number, from several terms that underflow
    one by one."""
    x = np.array([[gap, 0.0], [0.0, -gap]])
    several = np.concatenate([[0.0], np.full(50, -gap), np.full(50, -gap - 0.75)])[None, :]
    for rows in (x, several):
        assert error("softmax_entropy", "float64", rows) <= LIMIT
        assert error("softmax_entropy_grad", "float64", rows) <= LIMIT
        label = np.zeros(len(rows), np.int64)
        assert error("cross_entropy", "float64", rows, label, reduction="none") <= LIMIT
        assert error("cross_entropy_grad", "float64", rows, label) <= LIMIT


@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_sums_of_losses_that_underflow_or_overflow_one_by_one(reduction):
    """The sum is taken in units of its largest term: 500 losses of half the smallest subnormal, three of 1.5·10^308."""
    tiny = np.tile([745.9, 0.0], (500, 1))
    assert error("cross_entropy", "float64", tiny, np.zeros(500, np.int64), reduction=reduction) <= LIMIT
    huge = np.tile([1.5e308, 0.0], (3, 1))
    if reduction == "mean":
        assert error("cross_entropy", "float64", huge, np.ones(3, np.int64)) <= LIMIT


@pytest.mark.parametrize("fmt", FORMAT_NAMES)
def test_losses_of_both_signs_cancel_without_loss(fmt):
    """Weights 1 and -1 on two rows that differ little, in narrow formats by one ulp: the sum keeps its digits. Of 2^-90
    in each term, a difference of 2^-30 has 2^-60 left."""
    eps = max(2.0 ** (1 - FORMATS[fmt].precision), 2.0**-30)
    x = representable(np.array([[0.0, 3.0], [3.0 * (1 + eps), 0.0]]), fmt)
    labels, weight = np.array([0, 1]), representable(np.array([1.0, -1.0]), fmt)
    assert error("cross_entropy", fmt, x, labels, weight=weight, reduction="sum") <= LIMIT


@pytest.mark.parametrize("size", [1e-3, 1e-9, 1e-30, 1e-200])
def test_near_ties_keep_an_answer_of_the_size_of_the_gaps(size):
    """g_1 is the mean of g: the answer of entry 1 is what the gaps add, far below one part in 2^90 of the terms."""
    x, g = np.array([[0.0, size, 3 * size]]), np.array([[0.0, 1.0, 2.0]])
    assert error("softmax_vjp", "float64", x, g) <= LIMIT
    assert error("log_softmax_vjp", "float64", x, np.array([[1.0, 1.0, 1.0]])) <= LIMIT


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cotangents_that_are_not_finite_make_their_row_nan(dtype):
    x, g = np.zeros((3, 2), dtype), np.array([[1, np.inf], [np.nan, 0], [2, 3]], dtype)
    for function in (functions.softmax_vjp, functions.log_softmax_vjp):
        assert np.array_equal(np.isnan(function(x, g)), [[True] * 2, [True] * 2, [False] * 2])


@pytest.mark.slow
@pytest.mark.parametrize("fmt", ["float32", "float64"])
@pytest.mark.parametrize("function", ["softmax_entropy", "cross_entropy"])
def test_a_row_of_a_million(function, fmt):
    x = representable(np.random.default_rng(24).normal(size=(1, 10**6)) * 5, fmt)
    arguments = (x,) if function == "softmax_entropy" else (x, np.array([7]))
    assert error(function, fmt, *arguments) <= LIMIT
