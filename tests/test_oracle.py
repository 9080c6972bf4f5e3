"""What is right: limits and choices, layouts, labels and keywords, long rows, precision on demand."""

from __future__ import annotations

import itertools

import mpmath
import numpy as np
import pytest

from smxcheck.caseset.model import Case
from smxcheck.judge import call, verdict
from smxcheck.judge.bounds.model import EVALUATION_SLACK, Bound
from smxcheck.judge.call import Demand, ask, judge_call
from smxcheck.judge.result import Level, Report, Status, TargetReport
from smxcheck.oracle import Kind, enclose, expect, first_bits, tiers
from smxcheck.targets.protocol import Observation

MP = mpmath.mp.clone()
MP.dps = 60
INF, NAN = np.inf, np.nan

V, P, M, N = Kind.VALUE, Kind.PLUS_INFINITY, Kind.MINUS_INFINITY, Kind.NAN
V_N, M_N, F = Kind.VALUE_OR_NAN, Kind.MINUS_INFINITY_OR_NAN, Kind.FREE


def exact(enclosure, index=()):
    """The centre of an enclosure, as an mpf."""
    hi, lo, e = (getattr(enclosure, f)[index] for f in ("hi", "lo", "exponent"))
    return MP.ldexp(MP.mpf(float(hi)) + MP.mpf(float(lo)), int(e))


def values(expected):
    return [float(exact(expected.enclosure, i)) for i in np.ndindex(expected.shape)]


SPECIAL = [
    # function, arguments, kinds, values where the kind has one, choices
    ("softmax", ([0, -INF],), [V, V], [1, 0], {}),
    ("softmax", ([-INF, 5, -INF],), [V, V, V], [0, 1, 0], {}),
    ("softmax", ([INF, 0],), [V_N, V_N], [1, 0], {"plus-inf"}),
    ("softmax", ([INF, INF, 0],), [F, F, V_N], None, {"plus-inf-ties"}),
    ("softmax", ([INF, -INF],), [V_N, V_N], [1, 0], {"plus-inf"}),
    ("softmax", ([-INF, -INF],), [F, F], None, {"all-masked"}),
    ("softmax", ([-INF],), [F], None, {"all-masked"}),
    ("softmax", ([INF],), [F], None, {"plus-inf-alone"}),
    ("softmax", ([NAN, 0],), [N, N], None, set()),
    ("softmax", ([NAN, INF],), [N, N], None, set()),
    ("softmax", ([3.5],), [V], [1], {}),
    ("log_softmax", ([0, -INF],), [V, M], [0], {}),
    ("log_softmax", ([INF, 0],), [V_N, M_N], [0], {"plus-inf"}),
    ("log_softmax", ([INF, INF, 0],), [F, F, M_N], None, {"plus-inf-ties"}),
    ("log_softmax", ([-INF, -INF],), [F, F], None, {"all-masked"}),
    ("log_softmax", ([NAN, -INF],), [N, N], None, set()),
    ("log_softmax", ([3.4e38, -3.4e38],), [V, V], [0, -6.8e38], {}),
    ("logsumexp", ([-INF, -INF],), M, None, {}),
    ("logsumexp", ([-INF],), M, None, {}),
    ("logsumexp", ([INF, -INF],), P, None, {}),
    ("logsumexp", ([INF, 3],), P, None, {}),
    ("logsumexp", ([NAN, INF],), N, None, {}),
    ("logsumexp", ([],), M, None, {}),
    ("logsumexp", ([0, -40],), V, [4.248354255291589e-18], {}),
    ("softmax", ([],), [], [], {}),
    ("sigmoid", ([INF, -INF, NAN, 0],), [V, V, N, V], [1, 0, None, 0.5], {}),
    ("log_sigmoid", ([INF, -INF, NAN, 0],), [V, M, N, V], [0, None, None, -np.log(2)], {}),
    ("binary_cross_entropy_with_logits", ([-INF, INF, -INF, INF, NAN], [0, 1, 1, 0, 0]), [V, V, P, P, N], [0, 0], {}),
    ("softmax_entropy", ([0, 0, -INF],), V, [np.log(2)], {}),
    ("softmax_entropy", ([INF, 0],), V_N, [0], {"plus-inf"}),
    ("softmax_entropy", ([-INF, -INF],), F, None, {"all-masked"}),
    ("softmax_entropy", ([],), F, None, {"empty-row"}),
    ("entropy", ([1, 0],), V, [0], {}),
    ("entropy", ([0.5, NAN],), N, None, {}),
    ("entropy", ([],), V, [0], {}),
    ("kl_divergence", ([1, 0], [1, 0]), V, [0], {}),
    ("kl_divergence", ([0.5, 0.5], [1, 0]), P, None, {}),
    ("kl_divergence", ([0, 1], [0.5, 0.5]), V, [np.log(2)], {}),
    ("kl_divergence", ([NAN, 1], [0, 1]), N, None, {}),
    ("distribution_cross_entropy", ([1, 0], [1, 0]), V, [0], {}),
    ("distribution_cross_entropy", ([1, 0], [0, 1]), P, None, {}),
]  # fmt: skip


@pytest.mark.parametrize(("function", "arguments", "kinds", "right", "choices"), SPECIAL)
def test_limits_and_choices(function, arguments, kinds, right, choices):
    expected = expect(function, tuple(np.array(a, np.float64) for a in arguments))
    assert expected.kind.tolist() == (kinds if isinstance(kinds, list) else int(kinds))
    assert set(expected.choices) == set(choices)
    for got, want in zip(values(expected), right or [], strict=False):
        assert want is None or got == pytest.approx(want, rel=1e-15, abs=0)


LOSS_KINDS = [
    # logits, labels, keywords, kind, choice
    ([[0, 1], [2, 3]], [-100, -100], {}, F, "empty-mean"),
    ([[0, 1], [2, 3]], [-100, -100], {"reduction": "sum"}, V, ""),
    ([[0, 1], [2, 3]], [0, 1], {"weight": np.zeros(2)}, F, "empty-mean"),
    ([[0, NAN], [2, 3]], [0, -100], {}, N, ""),
    ([[0, NAN], [2, 3]], [-100, 1], {}, V, ""),
    ([[-INF, -INF], [2, 3]], [0, 1], {}, F, "all-masked"),
    ([[-INF, -INF], [2, 3]], [-100, 1], {}, V, ""),
    ([[INF, 0], [2, 3]], [0, 1], {}, F, "plus-inf"),
    ([[0, -INF]], [1], {}, P, ""),
    ([[0, -INF]], [0], {}, V, ""),
    ([[0, -INF]], [0], {"label_smoothing": 0.1}, P, ""),
    ([[0.0, 1.0]], [[1.0, NAN]], {}, N, ""),
    ([[0.0, -INF]], [[1.0, 0.0]], {}, V, ""),
]


@pytest.mark.parametrize(("logits", "labels", "keywords", "kind", "choice"), LOSS_KINDS)
def test_losses_of_degenerate_rows(logits, labels, keywords, kind, choice):
    expected = expect("cross_entropy", (np.array(logits, float), np.array(labels)), keywords)
    assert expected.kind == kind
    assert set(expected.choices) == ({choice} if choice else set())


@pytest.mark.parametrize("label", [-1, 3, 100, -101])
@pytest.mark.parametrize("function", ["cross_entropy", "nll_loss", "cross_entropy_grad"])
def test_a_label_out_of_range_must_be_refused(function, label):
    expected = expect(function, (np.zeros((2, 3)), np.array([0, label])))
    assert f"label {label} of row 1 is outside 0..2" in expected.must_raise


# A plain twin of the losses, from the definition -------------------------------------------------


def log_softmax(row):
    top = max(row)
    total = MP.fsum(MP.exp(MP.mpf(v) - MP.mpf(top)) for v in row)
    return [MP.mpf(v) - MP.mpf(top) - MP.log(total) for v in row]


def loss(rows, labels, weight, ignore, smoothing, reduction, logits=True):
    w = [MP.mpf(v) for v in weight] if weight is not None else [MP.mpf(1)] * len(rows[0])
    losses, divisor = [], MP.mpf(0)
    for row, label in zip(rows, labels, strict=True):
        log_p = log_softmax(row) if logits else [MP.mpf(v) for v in row]
        soft = isinstance(label, list)
        if not soft and label == ignore:
            losses.append(MP.mpf(0))
            continue
        y = [MP.mpf(v) for v in label] if soft else [MP.mpf(int(k == label)) for k in range(len(row))]
        s, k = MP.mpf(smoothing), len(row)
        t = [wc * ((1 - s) * yc + s / k) for wc, yc in zip(w, y, strict=True)]
        losses.append(-MP.fsum(a * b for a, b in zip(t, log_p, strict=True)))
        divisor += 1 if soft else w[label]
    total = MP.fsum(losses)
    return losses if reduction == "none" else [total] if reduction == "sum" else [total / divisor]


KEYWORDS = list(itertools.product([None, [0.5, 2.0, 1.25]], [-100, 1], [0.0, 0.3], ["none", "sum", "mean"], [False, True]))


@pytest.mark.parametrize(("weight", "ignore", "smoothing", "reduction", "soft"), KEYWORDS)
def test_losses_equal_their_definition(weight, ignore, smoothing, reduction, soft):
    rows = [[0.25, -1.5, 3.0], [10.0, 10.5, -7.0], [1e3, 1e3, 999.0]]
    labels = [[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.0, 0.125, 0.875]] if soft else [2, 1, 0]
    keywords = {"weight": None if weight is None else np.array(weight), "ignore_index": ignore, "reduction": reduction}
    for function in ("cross_entropy", "nll_loss"):
        smooth = smoothing if function == "cross_entropy" else 0.0
        given = {**keywords, "label_smoothing": smooth} if function == "cross_entropy" else keywords
        got = enclose(function, np.array(rows), np.array(labels), **given)
        want = loss(rows, labels, weight, ignore, smooth, reduction, function == "cross_entropy")
        for i, w in zip(np.ndindex(got.shape), want, strict=True):
            assert abs(exact(got, i) - w) <= MP.ldexp(abs(w), -79)


def test_the_gradient_is_that_of_the_mean():
    rows, labels = [[0.25, -1.5, 3.0], [10.0, 10.5, -7.0]], [2, 0]
    got = enclose("cross_entropy_grad", np.array(rows), np.array(labels))
    for i, k in np.ndindex(2, 3):
        want = (MP.exp(log_softmax(rows[i])[k]) - int(labels[i] == k)) / 2
        assert abs(exact(got, (i, k)) - want) <= MP.ldexp(abs(want), -79)


# Layout ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["softmax", "log_softmax", "logsumexp", "softmax_entropy"])
@pytest.mark.parametrize("axis", [0, 1, 2, -1, (0, 1), (2, 0), None])
def test_an_axis_selects_what_its_rows_say(function, axis):
    x = np.random.default_rng(3).normal(size=(2, 3, 4))
    got = enclose(function, x, axis=axis)
    axes = tuple(range(3)) if axis is None else tuple(a % 3 for a in (axis if isinstance(axis, tuple) else (axis,)))
    kept = [i for i in range(3) if i not in axes]
    for place in np.ndindex(*(x.shape[i] for i in kept)):
        index = [slice(None)] * 3
        for i, p in zip(kept, place, strict=True):
            index[i] = p
        row = enclose(function, x[tuple(index)].reshape(-1))
        part = got.take(tuple(index)) if function.endswith("softmax") else got.take(place)
        assert (part.exponent.reshape(-1) == row.exponent.reshape(-1)).all()
        apart = (part.hi - row.hi.reshape(part.hi.shape)) + (part.lo - row.lo.reshape(part.hi.shape))
        assert np.abs(apart).max() <= 2.0**-80  # the two may come from different tiers


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)])
@pytest.mark.parametrize("function", ["softmax", "log_softmax", "logsumexp"])
def test_arrays_without_elements_have_results_of_the_right_shape(function, shape):
    expected = expect(function, (np.zeros(shape),), {"axis": 0})
    assert expected.shape == (shape if function != "logsumexp" else shape[1:])
    if function == "logsumexp" and shape[0] == 0:
        assert (expected.kind == M).all()


def test_a_0_d_array_is_one_row_of_one_entry():
    assert values(expect("softmax", (np.array(3.0),))) == [1.0]
    assert values(expect("log_softmax", (np.array(-7.0),))) == [0.0]
    assert values(expect("logsumexp", (np.array(3.0),), {"axis": None})) == [3.0]


def test_enclose_refuses_what_is_not_a_number():
    with pytest.raises(ValueError, match="not finite numbers"):
        enclose("softmax", [NAN, 0.0])
    with pytest.raises(LookupError, match="no reference for cosine"):
        expect("cosine", (np.zeros(2),))


# Enclosures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", ["softmax", "log_softmax", "logsumexp", "softmax_entropy"])
def test_a_long_row_is_that_of_its_distinct_values(function, monkeypatch):
    x = np.random.default_rng(5).choice([0.0, -0.5, -3.0, -88.0, -INF], size=5000)
    x[0] = 0.25
    by_distinct = expect(function, (x,))
    monkeypatch.setattr(tiers, "_DISTINCT_FROM", 10**9)
    plain = expect(function, (x,))
    assert (by_distinct.kind == plain.kind).all()
    number = plain.kind == V
    a, b = by_distinct.enclosure.take(number), plain.enclosure.take(number)
    assert (a.exponent == b.exponent).all()
    assert (np.abs((a.hi - b.hi) + (a.lo - b.lo)) <= 2.0**-79 * np.abs(b.hi)).all()


@pytest.mark.parametrize("bits", [80, 160, 640])
def test_enclosures_are_as_narrow_as_asked_for_up_to_what_two_floats_hold(bits):
    e = enclose("softmax", [0.0, -1.25, 7.0], bits=bits)
    assert (e.bound <= max(2.0**-bits, 2.0**-104)).all()


def _observed(value):
    return Observation("returned", value=value, returned_type="ndarray")


@pytest.fixture
def asked(monkeypatch):
    """The bits of every question that the judge puts to the oracle."""
    bits_asked = []

    def recorded(function, arguments, keywords=None, bits=None):
        bits_asked.append(first_bits(arguments[0].dtype) if bits is None else bits)
        return expect(function, arguments, keywords, bits)

    monkeypatch.setattr(call, "expect", recorded)
    return bits_asked


CASE = Case("softmax", "made-up", "near", "float64", "accuracy", "quick", build=dict)


@pytest.mark.parametrize("side", [1, -1])
def test_precision_is_raised_until_a_near_tie_is_decided(side, asked, monkeypatch):
    """The bound ends 2^-40 of the error (256 ulp) beside the error itself: 2^-32 ulp, less than 80 bits leave open."""
    x = np.array([0.0, -1.0])
    y = [exact(enclose("softmax", x), i) for i in range(2)]
    got = np.array([float(v) * (1 + 2.0**-45) for v in y])
    error = max(abs(MP.mpf(float(g)) - v) / MP.ldexp(1, MP.frexp(v)[1]) for g, v in zip(got, y, strict=True))
    at = [abs(MP.mpf(float(g)) - v) / MP.ldexp(1, MP.frexp(v)[1]) for g, v in zip(got, y, strict=True)].index(error)
    absolute = float(error * (1 + side * MP.ldexp(1, -40))) / (1 + EVALUATION_SLACK)
    bound = Bound({}, {"made up": np.array([absolute * 2.0 ** int(MP.frexp(v)[1]) for v in y])})
    monkeypatch.setattr(call, "bounds_of_both", lambda *_: (bound, bound))
    (result,) = judge_call("t", ask(CASE, (x,), {}, "softmax"), _observed(got), Demand()).results
    assert asked == [80, 160]
    assert result.level is (Level.TIGHT if side > 0 else Level.WRONG)
    assert result.status is (Status.OK if side > 0 else Status.WRONG)
    assert result.index in ((at,), (0,), (1,))


def test_a_right_result_asks_for_no_more_bits(asked):
    x = np.array([0.0, 1.0, 2.0])
    (result,) = judge_call("t", ask(CASE, (x,), {}, ""), _observed(np.exp(x - 2) / np.exp(x - 2).sum()), Demand()).results
    assert asked == [80]
    assert result.status is Status.OK


def test_what_no_precision_decides_is_undecided_and_exit_3(monkeypatch):
    """An enclosure that stays as wide as 2^22 ulp decides nothing, though the result may well be right."""

    def never(function, arguments, keywords=None, bits=80):
        answer = expect(function, arguments, keywords, 80)
        answer.enclosure.bound[...] = 2.0**-30
        return answer

    monkeypatch.setattr(call, "expect", never)
    x = np.array([0.0, 1.0, 2.0])
    question = ask(CASE, (x,), {}, "softmax")
    (result,) = judge_call("t", question, _observed(np.exp(x - 2) / np.exp(x - 2).sum()), Demand()).results
    assert result.status is Status.UNDECIDED
    target = TargetReport("t", {}, "numpy", {}, 0.0)
    for exit_zero in (False, True):
        report = Report((target,), (result,), (), Level.STANDARD, "quick", ("float64",), {}, exit_zero=exit_zero)
        assert verdict.exit_code(report) == 3


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_the_negative_log_likelihood_reads_no_entry_but_the_labels(reduction):
    beside = np.array([[-1.5, NAN, np.inf], [NAN, -0.25, -2.0]])
    plain = np.array([[-1.5, 0.0, 0.0], [0.0, -0.25, -2.0]])
    labels, keywords = np.array([0, 1]), {"reduction": reduction}
    got, right = (expect("nll_loss", (x, labels), keywords).enclosure for x in (beside, plain))
    assert (got.float64() == right.float64()).all()
    assert got.float64().size and (got.float64() != 0).all()
