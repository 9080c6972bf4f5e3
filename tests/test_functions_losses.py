"""Losses and their gradient: against a slow twin in mpmath, and label by label what must be refused."""

from __future__ import annotations

import itertools
import math

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.exceptions import AxisError

from smxcheck.functions import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    cross_entropy_grad,
    log_softmax,
    nll_loss,
)

INF, NAN = math.inf, math.nan
DIGITS = 400  # gaps up to 800: 10^-348 of the largest term, and 50 digits more


def exact(v):
    return mpmath.mpf(float(v))


def log_probabilities(row):
    log_sum = mpmath.log(mpmath.fsum(mpmath.exp(exact(v)) for v in row))
    return [exact(v) - log_sum for v in row]


def slow_cross_entropy(logits, labels, weight=None, ignore_index=-100, smoothing=0.0, reduction="mean"):
    """The definition, entry by entry: classes last, integer or soft labels."""
    with mpmath.workdps(DIGITS):
        eps, total, divisor, losses = exact(smoothing), mpmath.mpf(0), mpmath.mpf(0), []
        for row, label in zip(logits, labels, strict=True):
            k = len(row)
            w = [exact(v) for v in (np.ones(k) if weight is None else weight)]
            if np.ndim(label):
                shares, share_of_mean = [exact(v) for v in label], 1
            elif label == ignore_index:
                losses.append(mpmath.mpf(0))
                continue
            else:
                shares, share_of_mean = [mpmath.mpf(int(c == label)) for c in range(k)], w[label]
            log_p = log_probabilities(row)
            mixed = [(1 - eps) * s + eps / k for s in shares]
            losses.append(mpmath.fsum(-w[c] * mixed[c] * log_p[c] for c in range(k)))
            total, divisor = total + losses[-1], divisor + share_of_mean
        return losses if reduction == "none" else total if reduction == "sum" else total / divisor


def relative_error(got, wanted):
    with mpmath.workdps(DIGITS):
        return float(abs(exact(got) / wanted - 1))


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["integer", "soft"])
def test_weights_smoothing_and_reductions_agree_with_the_definition(name, kind):
    """Every combination. All terms are positive, so float64 loses at most u for each of about 3 roundings of a term (log
    p itself: 4 u) and pairwise sums of 6 and 8 terms: 24 u; float32 rounds that once."""
    rng = np.random.default_rng(5)
    m, k = 8, 6
    logits = (rng.normal(size=(m, k)) * 20).astype(name)
    if kind == "integer":
        labels = rng.integers(0, k, m)
        labels[[2, 5]] = -100
    else:
        labels = rng.uniform(size=(m, k)).astype(name)
    limit = 24 * 2.0**-53 + (0 if name == "float64" else 2.0**-24)
    weights = (None, rng.uniform(0.1, 3, k).astype(name))
    for weight, eps, reduction in itertools.product(weights, (0.0, 0.1, 1.0), ("none", "sum", "mean")):
        got = cross_entropy(logits, labels, weight=weight, label_smoothing=eps, reduction=reduction)
        want = slow_cross_entropy(logits, labels, weight, -100, eps, reduction)
        assert got.dtype == name and got.shape == ((m,) if reduction == "none" else ())
        for g, w in zip(np.atleast_1d(got), np.atleast_1d(np.array(want, object)), strict=True):
            assert g == 0 if w == 0 else relative_error(g, w) <= limit


@pytest.mark.parametrize("name", ["float16", "bfloat16", "float32", "float64"])
def test_small_and_large_losses_keep_their_digits(name):
    """-log p_y is (max - x) + log1p(rest): 4e-18 is not 0, and 800 is not inf, at any offset of the logits. float64: 3 ulp
    for exp, log1p and the sums; narrow formats round once. 16-bit formats hold neither 4e-18 nor these gaps exactly, so
    their own values are taken."""
    dtype = np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)
    u = float(ml_dtypes.finfo(dtype).eps) / 2
    limit = 6 * u if name == "float64" else u * 1.01
    for gap, offset in itertools.product((0.5, 8.0, 40.0, 800.0), (0.0, 96.0)):
        row = np.array([offset, offset - gap]).astype(dtype)
        for label in (0, 1):
            want = slow_cross_entropy([row], [label])
            got = cross_entropy(row, label)
            smallest = float(ml_dtypes.finfo(dtype).smallest_subnormal)
            with mpmath.workdps(DIGITS):
                assert abs(exact(got) - want) <= limit * want + exact(smallest) / 2


def test_any_class_axis_and_any_number_of_other_axes():
    """Classes along axis 0, 1 or 2: labels have the other axes in order; 1-d logits have a 0-d label."""
    rng = np.random.default_rng(6)
    logits, soft = rng.normal(size=(2, 4, 3)), rng.uniform(size=(2, 4, 3))
    for axis in (0, 1, 2, -1, -2):
        moved = np.moveaxis(logits, axis, -1)
        labels = rng.integers(0, moved.shape[-1], moved.shape[:-1])
        flat = cross_entropy(moved.reshape(-1, moved.shape[-1]), labels.ravel(), reduction="none")
        got = cross_entropy(logits, labels, axis=axis, reduction="none")
        assert np.array_equal(got, flat.reshape(labels.shape))
        same = cross_entropy(moved, np.moveaxis(soft, axis, -1), reduction="none")
        assert np.array_equal(cross_entropy(logits, soft, axis=axis, reduction="none"), same)
    assert cross_entropy([0.0, 0.0], 1) == math.log(2)


def test_nll_loss_is_cross_entropy_of_given_log_probabilities():
    """Of float32 log-probabilities, rounded once; taken as they are, also where they are not normalised."""
    rng = np.random.default_rng(8)
    log_p = log_softmax(rng.normal(size=(5, 4)).astype(np.float32))
    labels, weight = rng.integers(0, 4, 5), rng.uniform(1, 2, 4)
    w = weight[labels]
    want = (-log_p[np.arange(5), labels].astype(float) * w).sum() / w.sum()
    assert nll_loss(log_p, labels, weight=weight) == np.float32(want)
    assert nll_loss([[-1.0, -2.0]], [[0.5, 3.0]]) == 6.5
    assert nll_loss([[-INF, 0.0]], [[0.0, 1.0]]) == 0.0
    assert nll_loss([[1.0, 2.0]], [1], axis=1, reduction="sum") == -2.0


def test_zero_weight_takes_no_part_even_of_an_infinite_loss():
    """0·∞ is 0: a soft label or class weight of exactly 0 at a logit of -inf; a smoothed impossible class costs +inf."""
    with np.errstate(all="raise"):
        assert cross_entropy([[0.0, 0.0, -INF]], [[0.5, 0.5, 0.0]]) == math.log(2)
        assert cross_entropy([[0.0, 0.0, -INF]], [1]) == math.log(2)
        assert cross_entropy([[0.0, -INF]], [1]) == INF
        assert cross_entropy([[0.0, 0.0, -INF]], [1], label_smoothing=0.1) == INF
        assert cross_entropy([[0.0, 0.0, -INF]], [1], weight=[1, 1, 0], label_smoothing=0.5) < INF
        assert cross_entropy([[0.0, -INF]], [1], weight=[1, 0], reduction="sum") == 0.0
        assert np.isnan(cross_entropy([[0.0, NAN]], [[1.0, 0.0]]))
        assert np.isnan(cross_entropy([[-INF, -INF]], [0]))


def test_ignored_rows_are_not_looked_at():
    """A nan in an ignored row leaks nowhere; any integer may be the ignored one, also one of the classes."""
    logits = [[0.0, 0.0], [NAN, INF], [1.0, 1.0]]
    with np.errstate(all="raise"):
        assert cross_entropy(logits, [0, -100, 1]) == math.log(2)
        assert cross_entropy(logits, [0, -100, 1], reduction="none").tolist() == [math.log(2), 0, math.log(2)]
        for index in (-1, 255, 1):
            labels = np.array([0, index, 0])
            assert cross_entropy(logits, labels, ignore_index=index, weight=[2.0, 5.0]) == math.log(2)
        assert cross_entropy(logits, np.uint8([0, 255, 1]), ignore_index=255) == math.log(2)


def test_means_over_nothing_are_nan_and_sums_zero():
    """Empty batch, all rows ignored, weights that add up to 0; no warning."""
    with np.errstate(all="raise"):
        for logits, labels in ((np.zeros((0, 3)), []), (np.zeros((2, 3)), [-100, -100])):
            assert np.isnan(cross_entropy(logits, labels))
            assert cross_entropy(logits, labels, reduction="sum") == 0.0
            assert cross_entropy(logits, labels, reduction="none").tolist() == [0.0] * len(logits)
        assert np.isnan(cross_entropy(np.zeros((0, 3)), np.zeros((0, 3))))
        assert np.isnan(cross_entropy([[0.0, 1.0]], [0], weight=[0.0, 1.0]))


def test_a_mean_is_finite_though_the_sum_overflows():
    """Two losses of 1.5e308 have a float64 mean."""
    logits = np.array([[0.0, -1.5e308]] * 2)
    assert cross_entropy(logits, [1, 1]) == 1.5e308
    assert cross_entropy(logits, [1, 1], reduction="sum") == INF


Z = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((Z, [0, 3]), {}, ValueError, r"label 3 at \[1\] is outside the 3 classes"),
        ((Z, [-1, 0]), {}, ValueError, r"label -1 at \[0\]"),
        ((Z[0], -2), {}, ValueError, "label -2 is outside"),
        ((Z, np.array([2**64 - 100, 0], np.uint64)), {}, ValueError, r"label 18446744073709551516 at \[0\]"),
        ((np.zeros((2, 3, 2)), [[0, 1], [1, 5]]), {"axis": 1}, ValueError, r"label 5 at \[1, 1\]"),
        ((Z, [-100, 1]), {"ignore_index": -1}, ValueError, "label -100"),
        ((Z, [0]), {}, ValueError, r"shape \(1,\)"),
        ((Z, np.zeros((2, 3), int)), {}, ValueError, r"shape \(2, 3\)"),
        ((Z, [0.0, NAN]), {}, TypeError, "class numbers as integers"),
        ((Z, [True, False]), {}, TypeError, "dtype bool"),
        ((Z, ["a", "b"]), {}, TypeError, "dtype <U1"),
        ((Z, np.zeros((2, 2))), {}, ValueError, r"soft labels have shape \(2, 2\)"),
        ((Z, np.zeros((2, 3))), {"ignore_index": 0}, ValueError, "needs integer labels"),
        ((Z, [0, 1]), {"weight": [1.0, 2.0]}, ValueError, r"weight has shape \(2,\)"),
        ((Z, [0, 1]), {"weight": [1j, 0, 0]}, TypeError, "weight has dtype complex"),
        ((Z, [0, 1]), {"reduction": "average"}, ValueError, "choose one of none, sum, mean"),
        ((Z, [0, 1]), {"ignore_index": 0.5}, TypeError, "integer"),
        ((Z, [0, 1]), {"axis": 2}, AxisError, "out of bounds"),
        ((1.0, 0), {}, ValueError, "0-d"),
        ((Z * 1j, [0, 1]), {}, TypeError, "dtype complex"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, keywords, error, message):
    """A label is never wrapped or converted; the message names the first wrong one and its place."""
    for loss in (cross_entropy, nll_loss):
        with pytest.raises(error, match=message) as caught:
            loss(*arguments, **keywords)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, NAN])
def test_smoothing_outside_the_unit_interval(smoothing):
    with pytest.raises(ValueError, match="outside"):
        cross_entropy(Z, [0, 1], label_smoothing=smoothing)


@pytest.mark.parametrize("name", ["float16", "float32", "float64"])
def test_binary_cross_entropy_agrees_with_the_definition(name):
    """-y log σ(x) - (1-y) log σ(-x). All terms are positive: float64 makes 6 roundings of at most u (exp and log1p 2 u
    each), narrow formats round once more."""
    x = np.array([0.0, 1e-4, -1e-4, 3, -3, 17, -17, 100, -100, 700, -700]).astype(name)
    u = float(np.finfo(name).eps) / 2
    limit = 10 * 2.0**-53 + (0 if name == "float64" else u)
    for y in np.array([0.0, 0.1, 0.5, 0.9, 1.0]).astype(name):
        got = binary_cross_entropy_with_logits(x, y)
        assert got.dtype == name
        for v, g in zip(x, got, strict=True):
            with mpmath.workdps(DIGITS):
                p, q = (1 / (1 + mpmath.exp(s * exact(v))) for s in (-1, 1))
                want = -exact(y) * mpmath.log(p) - (1 - exact(y)) * mpmath.log(q)
                assert abs(exact(g) - want) <= limit * want + exact(np.finfo(name).smallest_subnormal) / 2


def test_binary_cross_entropy_at_infinity():
    """(-∞, 0) and (∞, 1) cost nothing, any other label at an infinite logit everything; nan stays; shapes broadcast."""
    with np.errstate(all="raise"):
        got = binary_cross_entropy_with_logits(
            [-INF, INF, -INF, -INF, INF, NAN, 0.0], [0, 1, 1, 0.1, 0.5, 1, NAN]
        )
    assert np.array_equal(got, [0, 0, INF, INF, INF, NAN, NAN], equal_nan=True)
    assert binary_cross_entropy_with_logits(np.zeros((2, 1)), np.zeros(3)).shape == (2, 3)
    assert binary_cross_entropy_with_logits(0.0, True) == math.log(2)


def slow_gradient(logits, weights):
    """(p_i Σ y - y_i) / m by the definition; classes last."""
    with mpmath.workdps(DIGITS):
        result = []
        for row, y in zip(logits, weights, strict=True):
            p = [mpmath.exp(v) for v in log_probabilities(row)]
            total = mpmath.fsum(exact(v) for v in y)
            result.append([(p[i] * total - exact(y[i])) / len(logits) for i in range(len(row))])
        return result


@pytest.mark.parametrize("name", ["float32", "float64"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_gradient_of_one_label_keeps_every_digit(name, one_hot):
    """Entries as small as 1e-300, the label's own included. float64: softmax is good to 2 ulp, the division by m = 3 adds
    half, the label's own entry at most two roundings: 4 ulp, 8 u. float32 rounds once."""
    gaps = [0.5, 3.0, 40.0, 80.0] + ([690.0] if name == "float64" else [])
    limit = 8 * 2.0**-53 if name == "float64" else 2.0**-24 * 1.01
    for gap, label in itertools.product(gaps, (0, 1, 2)):
        logits = np.array([[0.0, -gap, -gap / 2], [1.0, 1.0, 1.0], [100.0, 100.0 - gap, 99.0]]).astype(name)
        labels = np.full(3, label)
        hot = np.eye(3)[labels]
        got = cross_entropy_grad(logits, hot.astype(name) if one_hot else labels)
        assert got.dtype == name
        for g, w in zip(got.ravel(), itertools.chain(*slow_gradient(logits, hot)), strict=True):
            with mpmath.workdps(DIGITS):
                assert abs(exact(g) - w) <= limit * abs(w) + float(np.finfo(name).smallest_subnormal)


def test_gradient_of_soft_labels_of_any_sum():
    """p Σy - y, not p - y: within u of each term's size, 6 roundings each."""
    rng = np.random.default_rng(11)
    logits, y = rng.normal(size=(2, 2, 5)) * 4, rng.uniform(-1, 2, size=(2, 2, 5))
    want = slow_gradient(logits.reshape(4, 5), y.reshape(4, 5))
    got = cross_entropy_grad(logits, y).reshape(4, 5)
    size = (np.abs(y).sum(-1, keepdims=True) + np.abs(y)).reshape(4, 5) / 4
    assert (np.abs(got - np.array(want, float)) <= 6 * 2.0**-53 * size).all()


def test_gradient_of_batches_of_every_shape():
    """The mean counts the rows of all leading axes; one row, no rows, one class; -inf has gradient exactly 0."""
    assert cross_entropy_grad([0.0, 0.0], 0).tolist() == [-0.5, 0.5]
    assert cross_entropy_grad(np.zeros((2, 1, 2)), [[0], [1]]).tolist() == [[[-0.25, 0.25]], [[0.25, -0.25]]]
    assert cross_entropy_grad(np.zeros((0, 3)), []).shape == (0, 3)
    assert cross_entropy_grad([[3.0]], [0]).tolist() == [[0.0]]
    assert cross_entropy_grad([[0.0, 0.0, -INF]], [0]).tolist() == [[-0.5, 0.5, 0.0]]
    with pytest.raises(ValueError, match="label -100"):
        cross_entropy_grad(Z, [-100, 0])


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 7))
def test_one_hot_labels_are_integer_labels(seed, m, k):
    """Without class weights the two kinds of label give the same loss, bit for bit, and the same gradient."""
    rng = np.random.default_rng(seed)
    logits, labels = (rng.normal(size=(m, k)) * 10).astype(np.float32), rng.integers(0, k, m)
    hot = np.eye(k, dtype=np.float32)[labels]
    for reduction in ("none", "sum", "mean"):
        integer = cross_entropy(logits, labels, reduction=reduction)
        assert np.array_equal(integer, cross_entropy(logits, hot, reduction=reduction))
    gradient = cross_entropy_grad(logits, labels)
    assert np.array_equal(gradient, cross_entropy_grad(logits, hot))
    assert np.abs(gradient.astype(float).sum(-1)).max() <= k * 2.0**-24


@settings(derandomize=True, deadline=None, max_examples=40)
@given(st.integers(0, 2**31))
def test_permuting_rows_and_classes_changes_nothing_but_rounding(seed):
    """Each row's loss stays bit for bit under a permutation of rows, within 2 roundings under one of classes."""
    rng = np.random.default_rng(seed)
    logits, labels, weight = rng.normal(size=(6, 5)) * 5, rng.integers(0, 5, 6), rng.uniform(1, 2, 5)
    rows, classes = rng.permutation(6), rng.permutation(5)
    losses = cross_entropy(logits, labels, weight=weight, reduction="none")
    moved = cross_entropy(logits[rows], labels[rows], weight=weight, reduction="none")
    assert np.array_equal(moved, losses[rows])
    renamed = np.argsort(classes)[labels]
    again = cross_entropy(logits[:, classes], renamed, weight=weight[classes], reduction="none")
    np.testing.assert_allclose(again, losses, rtol=16 * 2.0**-53)


def test_inputs_stay_as_they_are():
    """Read-only logits, labels and weights are enough."""
    logits, labels, weight = np.ones((2, 3)), np.array([0, -100]), np.ones(3)
    soft = np.full((2, 3), 0.5)
    for array in (logits, labels, weight, soft):
        array.flags.writeable = False
    cross_entropy(logits, labels, weight=weight, label_smoothing=0.1)
    cross_entropy(logits, soft, weight=weight)
    gradient = cross_entropy_grad(logits, soft)
    assert logits.tolist() == [[1.0] * 3] * 2 and not np.shares_memory(gradient, logits)
    assert labels.tolist() == [0, -100] and weight.tolist() == [1.0] * 3 and soft.tolist() == [[0.5] * 3] * 2
