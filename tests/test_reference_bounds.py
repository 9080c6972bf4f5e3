"""The balls of smxref contain the exact answer, and are as narrow as their docstrings say.

The truth is the textbook definition of each function (no shift, no log1p, rows written out), evaluated with so many
bits that it survives its own cancellation: exp(-600) takes 866 bits away from 1.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import MPContext

import smxref
from smxref import Ball
from smxref.arithmetic import context, log1p

TRUTH = MPContext()
TRUTH.prec = 2600
#: What the truth itself may be wrong by; every bound that is tested is far above it.
TRUTH_ERROR = TRUTH.ldexp(1, -2300)

logit = st.one_of(st.floats(-300, 300), st.integers(-30, 30).map(float))
probability = st.one_of(st.floats(0, 2), st.sampled_from([0.0, 0.5, 1.0, 5e-324]))
precision = st.sampled_from([64, 80, 140])
lawful = settings(max_examples=40, deadline=None, derandomize=True)


def logits_rows(rows: int = 1) -> st.SearchStrategy[list[list[float]]]:
    def of_length(n: int) -> st.SearchStrategy[list[list[float]]]:
        return st.lists(st.lists(logit, min_size=n, max_size=n), min_size=rows, max_size=rows)

    return st.integers(1, 6).flatmap(of_length)


row = logits_rows().map(lambda rows: rows[0])


def holds(ball: Ball, truth: Any) -> bool:
    """Whether the truth lies in the ball."""
    return bool(abs(TRUTH.convert(ball.value) - truth) <= TRUTH.convert(ball.error) + TRUTH_ERROR)


def narrow(ball: Ball, scale: Any, bits: int) -> bool:
    """Whether the ball is as narrow as 2^(7 - bits) of a scale, which (k + 1)·2^(1 - bits) is for up to 6 terms."""
    return bool(ball.error <= abs(scale) * TRUTH.ldexp(1, 7 - bits))


def true_softmax(x: list[float]) -> list[Any]:
    terms = [TRUTH.exp(TRUTH.mpf(v)) for v in x]
    return [t / TRUTH.fsum(terms) for t in terms]


def true_log(v: Any) -> Any:
    return TRUTH.log(v) if v else TRUTH.zero


@lawful
@given(row, precision)
def test_softmax_holds_the_definition(x: list[float], bits: int) -> None:
    for ball, truth in zip(smxref.softmax(x, bits=bits), true_softmax(x), strict=True):
        assert holds(ball, truth)
        assert narrow(ball, truth, bits)


@lawful
@given(row, precision)
def test_log_softmax_holds_the_definition_and_is_narrow_beside_zero(x: list[float], bits: int) -> None:
    for ball, truth in zip(smxref.log_softmax(x, bits=bits), map(TRUTH.log, true_softmax(x)), strict=True):
        assert holds(ball, truth)
        assert narrow(ball, ball.value, bits)


@lawful
@given(row, precision)
def test_logsumexp_holds_the_definition(x: list[float], bits: int) -> None:
    truth = TRUTH.log(TRUTH.fsum(TRUTH.exp(TRUTH.mpf(v)) for v in x))
    ball = smxref.logsumexp(x, bits=bits)
    assert holds(ball, truth)
    assert narrow(ball, abs(truth) + (truth - max(x)), bits)


@lawful
@given(row, precision)
def test_softmax_entropy_holds_the_definition_and_is_narrow_beside_zero(x: list[float], bits: int) -> None:
    ball = smxref.softmax_entropy(x, bits=bits)
    assert holds(ball, -TRUTH.fsum(p * true_log(p) for p in true_softmax(x)))
    assert narrow(ball, ball.value, bits)


@lawful
@given(logit, st.floats(-3, 3), precision)
def test_two_class_functions_hold_their_definitions(x: float, y: float, bits: int) -> None:
    p = 1 / (1 + TRUTH.exp(-TRUTH.mpf(x)))
    for ball, truth in (
        (smxref.sigmoid(x, bits=bits), p),
        (smxref.log_sigmoid(x, bits=bits), TRUTH.log(p)),
    ):
        assert holds(ball, truth)
        assert narrow(ball, ball.value, bits)
    for label in (0.0, 1.0, y):
        loss = smxref.binary_cross_entropy_with_logits(x, label, bits=bits)
        exact_label = TRUTH.mpf(label)
        assert holds(loss, -exact_label * TRUTH.log(p) - (1 - exact_label) * TRUTH.log(1 - p))
        if 0 <= label <= 1:
            assert narrow(loss, loss.value, bits)


@lawful
@given(st.lists(st.tuples(probability, probability), min_size=1, max_size=6), precision)
def test_information_holds_its_definitions(pairs: list[tuple[float, float]], bits: int) -> None:
    p, q = ([TRUTH.mpf(v) for v in column] for column in zip(*pairs, strict=True))
    floats = [[float(v) for v in column] for column in (p, q)]
    terms = [-a * true_log(a) for a in p]
    ball = smxref.entropy(floats[0], bits=bits)
    assert holds(ball, TRUTH.fsum(terms))
    assert narrow(ball, TRUTH.fsum(map(abs, terms)), bits)

    kl = smxref.kl_divergence(*floats, bits=bits)
    cross = smxref.distribution_cross_entropy(*floats, bits=bits)
    if any(a and not b for a, b in zip(p, q, strict=True)):
        assert kl.value == cross.value == float("inf")
        assert kl.error == cross.error == 0
        return
    for ball, terms in (
        (kl, [a * (true_log(a) - true_log(b)) for a, b in zip(p, q, strict=True)]),
        (cross, [-a * true_log(b) for a, b in zip(p, q, strict=True)]),
    ):
        assert holds(ball, TRUTH.fsum(terms))
        assert narrow(ball, TRUTH.fsum(map(abs, terms)) + TRUTH_ERROR, bits)


@st.composite
def losses(draw: st.DrawFn, soft: bool) -> dict[str, Any]:
    rows = draw(logits_rows(draw(st.integers(1, 3))))
    classes = len(rows[0])
    number = st.floats(-2, 2) if soft else st.integers(0, classes - 1)
    label = st.lists(number, min_size=classes, max_size=classes) if soft else number
    weights = st.lists(st.floats(0.125, 4), min_size=classes, max_size=classes)
    return {
        "rows": rows,
        "labels": draw(st.lists(label, min_size=len(rows), max_size=len(rows))),
        "weight": draw(st.none() | weights),
        "smoothing": draw(st.sampled_from([0.0, 0.1, 1.0])),
    }


def true_losses(case: dict[str, Any], log_p: Callable[[list[float]], list[Any]]) -> list[Any]:
    classes = len(case["rows"][0])
    smoothing = TRUTH.mpf(case["smoothing"])
    weight = case["weight"] or [1.0] * classes
    out = []
    for x, label in zip(case["rows"], case["labels"], strict=True):
        y = label if isinstance(label, list) else [float(c == label) for c in range(classes)]
        target = [(1 - smoothing) * v + smoothing / classes for v in y]
        out.append(-TRUTH.fsum(w * t * ell for w, t, ell in zip(weight, target, log_p(x), strict=True)))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("soft", [False, True], ids=["int labels", "soft labels"])
@lawful
@given(st.data(), precision)
def test_losses_hold_their_definitions(soft: bool, data: st.DataObject, bits: int) -> None:
    case = data.draw(losses(soft))
    weight, smoothing = case["weight"], case["smoothing"]
    for function, log_p, options in (
        (
            smxref.cross_entropy,
            lambda x: list(map(TRUTH.log, true_softmax(x))),
            {"label_smoothing": smoothing},
        ),
        (smxref.nll_loss, lambda x: list(map(TRUTH.mpf, x)), {}),
    ):
        truth = true_losses(case if options else case | {"smoothing": 0.0}, log_p)
        divisor = len(truth) if soft or not weight else sum(Fraction(weight[c]) for c in case["labels"])
        divisor = TRUTH.mpf(Fraction(divisor).numerator) / Fraction(divisor).denominator

        def loss(reduction: str, f: Any = function, o: dict[str, Any] = options) -> Any:
            return f(case["rows"], case["labels"], weight=weight, reduction=reduction, bits=bits, **o)

        assert all(map(holds, loss("none"), truth))
        assert holds(loss("sum"), TRUTH.fsum(truth))
        assert holds(loss("mean"), TRUTH.fsum(truth) / divisor)
        if not soft and options:  # nothing cancels
            assert all(narrow(ball, ball.value, bits) for ball in loss("none"))


@pytest.mark.parametrize("soft", [False, True], ids=["int labels", "soft labels"])
@lawful
@given(st.data(), precision)
def test_gradient_holds_its_definition(soft: bool, data: st.DataObject, bits: int) -> None:
    case = data.draw(losses(soft))
    m = len(case["rows"])
    balls = smxref.cross_entropy_grad(case["rows"], case["labels"], bits=bits)
    for x, label, gradient in zip(case["rows"], case["labels"], balls, strict=True):
        p = true_softmax(x)
        y = [TRUTH.mpf(v) for v in label] if soft else [TRUTH.mpf(c == label) for c in range(len(x))]
        total = TRUTH.fsum(y)
        for ball, p_i, y_i in zip(gradient, p, y, strict=True):
            assert holds(ball, (p_i * total - y_i) / m)
            others, rest = total - y_i, 1 - p_i
            scale = ball.value if not soft else (abs(p_i * others) + abs(y_i * rest)) / m + TRUTH_ERROR
            assert narrow(ball, scale, bits)


@lawful
@given(st.lists(st.floats(-2, 2), min_size=2, max_size=5), st.integers(-4, 4).filter(bool))
def test_bounds_hold_where_the_answer_cancels(x: list[float], steps: int) -> None:
    """Inputs that are one float away from an answer of 0: nearly all of 64 bits cancel, and the bound knows."""

    def log_sum(values: list[float]) -> Any:
        return TRUTH.log(TRUTH.fsum(TRUTH.exp(TRUTH.mpf(v)) for v in values))

    shifted = [v - float(log_sum(x)) for v in x]
    assert holds(smxref.logsumexp(shifted, bits=64), log_sum(shifted))

    p = [abs(v) + 0.25 for v in x]
    q = [v * (1 + steps * 2.0**-52) for v in p]
    truth = TRUTH.fsum(a * (TRUTH.log(a) - TRUTH.log(b)) for a, b in zip(p, q, strict=True))
    assert holds(smxref.kl_divergence(p, q, bits=64), truth)

    logs = [log_sum(x) - v for v in x]
    y = [1.0, -float(logs[0] / logs[1])]
    truth = logs[0] + y[1] * logs[1]
    loss = smxref.cross_entropy([x], [y + [0.0] * (len(x) - 2)], bits=64)
    assert isinstance(loss, Ball)
    assert holds(loss, truth)


@lawful
@given(st.lists(st.tuples(logit, st.integers(1, 4)), min_size=1, max_size=4))
def test_counts_mean_repetition(pairs: list[tuple[float, int]]) -> None:
    x, counts = (list(column) for column in zip(*pairs, strict=True))
    long = [v for v, c in pairs for _ in range(c)]
    first = [sum(counts[:i]) for i in range(len(x))]
    p = [abs(v) / 512 for v in x]
    q = [abs(v) / 512 for v in reversed(x)]
    long_p, long_q = ([v for v, c in zip(column, counts, strict=True) for _ in range(c)] for column in (p, q))
    pairs_of_balls = [
        (smxref.logsumexp(x, counts, bits=80), smxref.logsumexp(long, bits=80)),
        (smxref.softmax_entropy(x, counts, bits=80), smxref.softmax_entropy(long, bits=80)),
        (smxref.entropy(p, counts, bits=80), smxref.entropy(long_p, bits=80)),
        (smxref.kl_divergence(p, q, counts, bits=80), smxref.kl_divergence(long_p, long_q, bits=80)),
    ]
    for function in (smxref.softmax, smxref.log_softmax):
        repeated = function(long, bits=80)
        pairs_of_balls += zip(function(x, counts, bits=80), [repeated[i] for i in first], strict=True)
    for a, b in pairs_of_balls:
        assert a.value == b.value or abs(a.value - b.value) <= a.error + b.error


@lawful
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=5))
def test_bounds_hold_over_all_finite_floats(x: list[float]) -> None:
    """Gaps reach 3.6e308, where no definition can be evaluated: against four times the precision."""
    for function in (smxref.softmax, smxref.log_softmax):
        for wide, close in zip(function(x, bits=64), function(x, bits=256), strict=True):
            assert abs(close.value - wide.value) <= wide.error + close.error
            assert narrow(wide, wide.value, 64)
            assert narrow(close, close.value, 256)
    for reduced in (smxref.logsumexp, smxref.softmax_entropy):
        wide, close = reduced(x, bits=64), reduced(x, bits=256)
        assert abs(close.value - wide.value) <= wide.error + close.error


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([64, 113, 250]))
def test_model_exp_and_log_round_by_at_most_eps(x: float, bits: int) -> None:
    """The assumption behind every bound: relative error <= 2^(1-P), at any argument."""
    ctx, finer = context(bits), context(4 * bits)
    eps = finer.ldexp(1, 1 - bits)
    pairs = [(ctx.exp(ctx.make_mpf(finer.mpf(x)._mpf_)), finer.exp(x))]
    if x > 0:
        pairs.append((ctx.log(ctx.mpf(x)), finer.log(x)))
    if x > -0.5:
        pairs.append((log1p(ctx, ctx.mpf(x)), log1p(finer, finer.mpf(x))))
    for computed, exact in pairs:
        assert abs(computed - exact) <= eps * abs(exact)
