"""Known values, limits, refusals, and the traps that famous references fell into."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import pytest
from mpmath import MPContext

import smxref
from smxref import Ball, decimal_string

INF = math.inf
LN2 = "0.6931471805599453094172321214581765680755"  # OEIS A002162


def single(value: float) -> float:
    """Rounded to float32."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def singles(balls: list[Ball]) -> list[float]:
    return [single(float(b.value)) for b in balls]


def rounded(value: Decimal, digits: int) -> Decimal:
    """The value in that many significant digits."""
    return Decimal(f"{value:.{digits - 1}e}")


def exactly(ball: Ball, value: float) -> bool:
    return bool(ball.value == value and ball.error == 0)


@pytest.mark.parametrize(
    ("x", "p"),
    [
        ([1000.0, 1001.0], [0.26894142, 0.73105858]),
        ([-10000.0, -10000.0], [0.5, 0.5]),
        ([-120.0, -121.0], [0.73105858, 0.26894142]),
        ([0.0, -88.0], [1.0, 6.0546011e-39]),
    ],
)
def test_softmax_acceptance_vectors(x: list[float], p: list[float]) -> None:
    assert singles(smxref.softmax(x, bits=140)) == [single(v) for v in p]


@pytest.mark.parametrize(
    ("x", "log_p"),
    [
        ([1e8, 1e8], [-0.69314718, -0.69314718]),
        ([0.0, -200.0], [0.0, -200.0]),
        ([17.0, 0.0], [-4.1399375e-08, -17.0]),
    ],
)
def test_log_softmax_acceptance_vectors(x: list[float], log_p: list[float]) -> None:
    assert singles(smxref.log_softmax(x, bits=140)) == [single(v) for v in log_p]


def test_logsumexp_acceptance_vectors() -> None:
    assert float(smxref.logsumexp([0.0, -40.0], bits=140).value) == 4.248354255291589e-18
    assert single(float(smxref.logsumexp([0.0], [2**25], bits=140).value)) == single(17.328680)
    assert decimal_string(smxref.logsumexp([0.0], [70000], bits=140), 5) == "11.156"
    assert exactly(smxref.logsumexp([0.0, -INF], bits=140), 0.0)
    assert exactly(smxref.logsumexp([-INF, -INF], bits=140), -INF)
    assert exactly(smxref.logsumexp([], bits=140), -INF)
    assert exactly(smxref.logsumexp([INF, -INF], bits=140), INF)


def test_cross_entropy_acceptance_vectors() -> None:
    logits = [[0.0, 1.0, -INF]]
    hard = smxref.cross_entropy(logits, [1], bits=140)
    soft = smxref.cross_entropy(logits, [[0.0, 1.0, 0.0]], bits=140)
    assert isinstance(hard, Ball) and isinstance(soft, Ball)
    assert decimal_string(hard, 8) == decimal_string(soft, 8) == "0.31326169"
    smoothed = smxref.cross_entropy(logits, [1], label_smoothing=0.1, bits=140)
    assert isinstance(smoothed, Ball)
    assert exactly(smoothed, INF)
    ignored = smxref.cross_entropy([[0.25, 0.75], [0.5, 0.5]], [0, -1], ignore_index=-1, bits=140)
    assert isinstance(ignored, Ball)
    assert decimal_string(ignored, 8) == "0.97407698"


def test_gradient_is_that_of_labels_that_do_not_sum_to_one() -> None:
    """y = [.7, .6, .2]: 1.5p - y, not p - y; y = 0: exactly 0."""
    (gradient,) = smxref.cross_entropy_grad([[1.0, 2.0, 3.0]], [[0.7, 0.6, 0.2]], bits=140)
    p = smxref.softmax([1.0, 2.0, 3.0], bits=140)
    for g, p_i, y in zip(gradient, p, [0.7, 0.6, 0.2], strict=True):
        assert float(g.value) == pytest.approx(float(p_i.value) * 1.5 - y, rel=1e-14)
    (nothing,) = smxref.cross_entropy_grad([[1.0, 2.0, 3.0]], [[0.0, 0.0, 0.0]], bits=140)
    assert all(exactly(g, 0.0) for g in nothing)


def test_gradient_of_a_sure_label_is_the_sum_of_the_others() -> None:
    """p - 1 would be 0 at any precision below 1,500 bits."""
    ((own, other),) = smxref.cross_entropy_grad([[1000.0, 0.0]], [0], bits=140)
    assert own.value == -other.value
    with localcontext() as digits:
        digits.prec = 1000
        tail = Decimal(-1000).exp()
        truth = tail / (1 + tail)
    assert Decimal(decimal_string(other, 30)) == rounded(truth, 30)


def test_gradient_that_is_zero_at_equal_logits_is_recognised() -> None:
    (gradient,) = smxref.cross_entropy_grad([[3.0, 3.0, -INF]], [[0.1, 0.1, 0.0]], bits=140)
    assert all(exactly(g, 0.0) for g in gradient)


def test_gradient_of_a_label_on_a_class_of_probability_zero() -> None:
    ((near, far),) = smxref.cross_entropy_grad([[0.0, -INF]], [[0.0, 1.0]], bits=140)
    assert (near.value, far.value) == (1, -1)


def test_gradient_of_part_of_a_batch_divides_by_the_whole() -> None:
    (part,) = smxref.cross_entropy_grad([[1.0, 2.0]], [0], rows=4, bits=140)
    (whole, *_) = smxref.cross_entropy_grad([[1.0, 2.0]] * 4, [0] * 4, bits=140)
    assert [g.value for g in part] == [g.value for g in whole]


@pytest.mark.parametrize("x", [234.0, 500.0, 710.0, 735.0, 2000.0])
def test_log_sigmoid_is_not_absorbed(x: float) -> None:
    """log(sigmoid(x)) at 100 digits is 0 at all of these. The truth is another arithmetic's, with digits to spare."""
    with localcontext() as digits:
        digits.prec = 2000
        truth = -(1 + (-Decimal(x)).exp()).ln()
    assert Decimal(decimal_string(smxref.log_sigmoid(x, bits=64), 15)) == rounded(truth, 15)


def test_logsumexp_near_zero_keeps_its_digits() -> None:
    """-ln 2 as a float is 2.319e-17 away from the number: everything above that cancels."""
    ball = smxref.refine(lambda b: smxref.logsumexp([-math.log(2)] * 2, bits=b), 80, 64, 2000)
    assert float(ball.value) == pytest.approx(2.3190468138462996e-17, rel=1e-15)
    assert ball.error <= ball.value * 2.0**-80


def test_kl_of_neighbouring_distributions_keeps_its_digits() -> None:
    """p = (1/2, 1/2), q = p ± δ: -log(1 - 4δ²)/2, of which each of the two terms is some 2^52 times larger."""
    truth = MPContext()
    truth.prec = 1000
    delta = 2.0**-52
    ball = smxref.refine(
        lambda b: smxref.kl_divergence([0.5, 0.5], [0.5 + delta, 0.5 - delta], bits=b), 80, 64, 2000
    )
    expected = -truth.log(1 - truth.mpf(4 * delta**2)) / 2
    assert abs(truth.convert(ball.value) - expected) <= ball.error <= ball.value * 2.0**-80


def test_kl_of_equal_arguments_is_exactly_zero() -> None:
    assert exactly(smxref.kl_divergence([0.3, 0.0, 0.7], [0.3, 0.0, 0.7], bits=64), 0.0)


def test_huge_gaps_keep_their_relative_error() -> None:
    big = 1.7976931348623157e308
    p, rest = smxref.softmax([big, -big], bits=140)
    assert p.value == 1
    assert rest.value > 0 and rest.error < rest.value * 2.0**-120
    near, far = smxref.log_softmax([big, -big], bits=140)
    assert near.value < 0 and near.error < abs(near.value) * 2.0**-120
    assert far.value == -2 * int(big)
    assert smxref.pack(near) == (0.0, 0.0, -(2**30), 1.0)
    mean = smxref.cross_entropy([[big, -big]], [1], bits=140)
    assert isinstance(mean, Ball)
    assert mean.value == 2 * int(big)


def test_a_row_of_ten_million_entries_costs_as_much_as_its_distinct_values() -> None:
    assert decimal_string(smxref.softmax([0.0], [10**7], bits=140)[0]) == "0.0000001"
    (log_p,) = smxref.log_softmax([5.0], [70000], bits=140)
    assert float(log_p.value) == pytest.approx(-math.log(70000), rel=1e-15)
    assert decimal_string(smxref.softmax_entropy([1.0], [2], bits=160)) == LN2


def test_two_class_limits() -> None:
    assert exactly(smxref.sigmoid(INF, bits=64), 1.0)
    assert exactly(smxref.sigmoid(-INF, bits=64), 0.0)
    assert exactly(smxref.log_sigmoid(INF, bits=64), 0.0)
    assert exactly(smxref.log_sigmoid(-INF, bits=64), -INF)
    loss = smxref.binary_cross_entropy_with_logits
    limits = {
        (-INF, 0.0): 0.0,
        (INF, 1.0): 0.0,
        (INF, 0.5): INF,
        (-INF, 0.5): INF,
        (INF, 0.0): INF,
        (INF, 2.0): -INF,
    }
    for (x, y), limit in limits.items():
        assert exactly(loss(x, y, bits=64), limit)
    assert decimal_string(loss(0.0, 1e300, bits=160)) == LN2


def test_terms_with_no_weight_are_zero_and_weight_on_nothing_is_infinite() -> None:
    assert exactly(smxref.entropy([0.0, 1.0], bits=64), 0.0)
    assert exactly(smxref.kl_divergence([0.0, 1.0], [0.0, 1.0], bits=64), 0.0)
    assert exactly(smxref.kl_divergence([0.5, 0.5], [0.0, 1.0], bits=64), INF)
    assert exactly(smxref.distribution_cross_entropy([0.5, 0.5], [0.0, 1.0], bits=64), INF)
    zero = smxref.nll_loss([[-INF, -1.0]], [0], weight=[0.0, 1.0], reduction="sum", bits=64)
    infinite = smxref.nll_loss([[-INF, -1.0]], [[1e-300, 1.0]], bits=64)
    assert isinstance(zero, Ball) and isinstance(infinite, Ball)
    assert exactly(zero, 0.0)
    assert exactly(infinite, INF)


def test_ignored_rows_lose_exactly_zero_and_are_not_read() -> None:
    losses = smxref.cross_entropy([[math.nan, INF], [0.0, 0.0]], [-100, 1], reduction="none", bits=160)
    assert isinstance(losses, list)
    assert exactly(losses[0], 0.0)
    assert decimal_string(losses[1]) == LN2
    total = smxref.cross_entropy([[0.0, 0.0]], [-100], label_smoothing=0.1, reduction="sum", bits=64)
    empty = smxref.cross_entropy([], [], label_smoothing=0.1, reduction="sum", bits=64)
    assert isinstance(total, Ball) and isinstance(empty, Ball)
    assert exactly(total, 0.0)
    assert exactly(empty, 0.0)


def test_label_smoothing_is_the_exact_float() -> None:
    """The float 0.1 is not 1/10: the loss log Σ - 3ε/2 tells the two apart after 53 bits."""
    truth = MPContext()
    truth.prec = 600
    ball = smxref.cross_entropy([[0.0, 3.0]], [0], label_smoothing=0.1, bits=200)
    assert isinstance(ball, Ball)
    log_total = truth.log(1 + truth.exp(3))
    expected = log_total - 3 * truth.mpf(0.1) / 2
    assert abs(truth.convert(ball.value) - expected) <= ball.error
    assert abs(truth.convert(ball.value) - (log_total - truth.mpf(3) / 20)) > ball.error


REFUSED: dict[str, Callable[[], Any]] = {
    "a row of -inf": lambda: smxref.softmax([-INF, -INF], bits=64),
    "an empty row": lambda: smxref.log_softmax([], bits=64),
    "+inf among logits": lambda: smxref.softmax_entropy([INF, 0.0], bits=64),
    "nan": lambda: smxref.logsumexp([0.0, math.nan], bits=64),
    "nan in sigmoid": lambda: smxref.sigmoid(math.nan, bits=64),
    "an infinite label": lambda: smxref.binary_cross_entropy_with_logits(0.0, INF, bits=64),
    "a negative probability": lambda: smxref.entropy([-0.1], bits=64),
    "an infinite probability": lambda: smxref.kl_divergence([1.0], [INF], bits=64),
    "different lengths": lambda: smxref.kl_divergence([1.0], [1.0, 0.0], bits=64),
    "a label out of range": lambda: smxref.cross_entropy([[0.0, 1.0]], [2], bits=64),
    "a negative label": lambda: smxref.nll_loss([[0.0, 1.0]], [-1], bits=64),
    "a gradient's label out of range": lambda: smxref.cross_entropy_grad([[0.0, 1.0]], [2], bits=64),
    "a smoothing above 1": lambda: smxref.cross_entropy([[0.0]], [0], label_smoothing=1.5, bits=64),
    "an unknown reduction": lambda: smxref.cross_entropy([[0.0]], [0], reduction="max", bits=64),
    "a weight of another length": lambda: smxref.cross_entropy([[0.0]], [0], weight=[1.0, 1.0], bits=64),
    "terms inf - inf": lambda: smxref.nll_loss([[-INF, -INF]], [[1.0, -1.0]], bits=64),
    "a log-probability of +inf": lambda: smxref.nll_loss([[INF, 0.0]], [0], bits=64),
    "a count of 0": lambda: smxref.softmax([0.0], [0], bits=64),
    "counts of another length": lambda: smxref.entropy([0.5, 0.5], [2], bits=64),
    "63 bits": lambda: smxref.softmax([0.0], bits=63),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_what_has_no_answer_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize("labels", [[], [-100]], ids=["no rows", "all ignored"])
def test_a_mean_over_no_rows_is_refused(labels: list[int]) -> None:
    with pytest.raises(ValueError, match="no rows"):
        smxref.cross_entropy([[0.0, 1.0]] * len(labels), labels, bits=64)


def test_decimal_strings_are_refused_as_input() -> None:
    with pytest.raises(TypeError, match="floats or ints"):
        smxref.sigmoid("0.1", bits=64)  # type: ignore[arg-type]
