"""Adaptive log-softmax and its Jacobian: reference, bounds and implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

import smxref
from smxcheck import functions
from smxcheck.caseset.model import Case
from smxcheck.dtypes import FORMATS
from smxcheck.judge.accuracy import Accuracy, judge_values
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.call import ask
from smxcheck.judge.result import LEVEL_ORDER, Level

from .differences import DIGITS, agrees, exact, first

#: head, tail, sizes
POINTS = {
    "generic": ([0.5, -1.25, 2.0, 0.75], [0.25, 1.0, -0.5, 3.0, 0.0], (2, 3)),
    "saturated": ([3.0, -20.0, 60.0], [0.5, -40.0, 60.0, 61.0], (2, 2)),
    "ties": ([1.0, 1.0, 1.0], [0.5, 0.5], (2,)),
    "one class each": ([0.25, -0.5], [3.0, -7.0], (1, 1)),
    "no clusters": ([0.5, 1.5, -2.0], [], ()),
    "a single class": ([2.5], [], ()),
}


def plain(shortlist: int, sizes: tuple[int, ...]) -> Callable[[list[Any]], list[Any]]:
    """log of p(cluster)·p(class in it), from all logits one after another, without any shift."""

    def probabilities(x: list[Any]) -> list[Any]:
        weights = [mpmath.exp(v) for v in x]
        return [w / sum(weights) for w in weights]

    def call(x: list[Any]) -> list[Any]:
        width = shortlist + len(sizes)
        head, rest = probabilities(x[:width]), x[width:]
        out = list(head[:shortlist])
        for c, size in enumerate(sizes):
            out += [head[shortlist + c] * q for q in probabilities(rest[:size])]
            rest = rest[size:]
        return [mpmath.log(p) for p in out]

    return call


@pytest.mark.parametrize("point", POINTS)
def test_reference_is_the_factorisation_and_its_jacobian_the_derivative(point: str) -> None:
    head, tail, sizes = POINTS[point]
    f, logits = plain(len(head) - len(sizes), sizes), head + tail
    with mpmath.workdps(DIGITS):
        values = f(exact(logits))
    assert all(agrees(b, v, 1) for b, v in zip(smxref.adaptive_log_softmax(head, tail, sizes=sizes, bits=200), values, strict=True))
    jacobian = smxref.adaptive_log_softmax_jacobian(head, tail, sizes=sizes, bits=200)
    for j in range(len(logits)):
        for i, slope in enumerate(first(f, logits, j)):
            assert agrees(jacobian[i * len(logits) + j], slope, 1), (i, j)


@pytest.mark.parametrize("point", POINTS)
def test_enclosures_of_two_precisions_overlap_and_probabilities_add_up_to_1(point: str) -> None:
    head, tail, sizes = POINTS[point]
    coarse, fine = (smxref.adaptive_log_softmax(head, tail, sizes=sizes, bits=bits) for bits in (70, 300))
    with mpmath.workprec(400):
        assert all(abs(a.value - b.value) <= a.error + b.error for a, b in zip(coarse, fine, strict=True))
        assert abs(sum(mpmath.exp(mpmath.mpf(b.value)) for b in fine) - 1) < mpmath.mpf(2) ** -280


@pytest.mark.parametrize("point", POINTS)
def test_it_is_the_log_softmax_of_the_long_row_that_it_stands_for(point: str) -> None:
    """z_i = head_i on the shortlist and tail_i - lse(tail_c) + head_c in cluster c."""
    head, tail, sizes = (np.array(v) if isinstance(v, list) else v for v in POINTS[point])
    n = len(head) - len(sizes)
    long, start = list(head[:n]), 0
    for c, size in enumerate(sizes):
        logits = tail[start : start + size]
        long += list(logits - functions.logsumexp(logits) + head[n + c])
        start += size
    assert functions.adaptive_log_softmax(head, tail, sizes=sizes) == pytest.approx(functions.log_softmax(long), abs=1e-13)


def test_masked_cluster_takes_all_its_classes_with_it() -> None:
    balls = smxref.adaptive_log_softmax([0.5, 1.0, float("-inf")], [0.25, 1.0, 2.0], sizes=(1, 2), bits=100)
    assert [float(b.value) for b in balls[2:]] == [-np.inf, -np.inf]
    got = functions.adaptive_log_softmax([0.5, 1.0, -np.inf], [0.25, 1.0, 2.0], sizes=(1, 2))
    assert got.tolist()[2:] == [-np.inf, -np.inf] and np.isfinite(got[:2]).all()


@pytest.mark.parametrize(
    ("head", "tail", "sizes"),
    [([0.0, 1.0], [1.0], (2,)), ([0.0], [1.0, 2.0], (1, 1)), ([0.0, 1.0], [1.0, 2.0], (2, 0)), ([0.0], [1.0], ())],
)
def test_sizes_that_do_not_fit_are_refused(head: list[float], tail: list[float], sizes: tuple[int, ...]) -> None:
    for name in ("adaptive_log_softmax", "adaptive_log_softmax_jacobian"):
        with pytest.raises(ValueError, match=r"sizes|clusters"):
            getattr(smxref, name)(head, tail, sizes=sizes, bits=100)
        with pytest.raises(ValueError, match=r"sizes|clusters"):
            getattr(functions, name)(head, tail, sizes=sizes)


def test_rows_of_head_and_tail_must_agree() -> None:
    with pytest.raises(ValueError, match="last axes"):
        functions.adaptive_log_softmax(np.zeros((2, 3)), np.zeros((3, 2)), sizes=(2,))


# Bounds -----------------------------------------------------------------------------------------

SIZES = (2, 4)


def logits(dtype: str, seed: int, count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scale = 2.0 ** rng.uniform(-4, 4, (count, 1))
    offset = rng.normal(size=(count, 1)) * scale
    parts = (rng.normal(size=(count, n)) * scale + offset for n in (5, 6))
    head, tail = (p.astype(FORMATS[dtype].numpy()) for p in parts)
    return head, tail


def _total(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=-1, keepdims=True, dtype=x.dtype)


def textbook(x: np.ndarray) -> np.ndarray:
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(_total(np.exp(d)))


def by_log1p(x: np.ndarray) -> np.ndarray:
    d = x - x.max(axis=-1, keepdims=True)
    rest = np.where(np.arange(x.shape[-1]) == x.argmax(axis=-1)[..., None], x.dtype.type(0), np.exp(d))
    return d - np.log1p(_total(rest))


def adaptive(log_softmax: Callable[[np.ndarray], np.ndarray], head: np.ndarray, tail: np.ndarray) -> np.ndarray:
    first_ = log_softmax(head)
    a, b = first_[:, 3:4] + log_softmax(tail[:, :2]), first_[:, 4:5] + log_softmax(tail[:, 2:])
    return np.concatenate([first_[:, :3], a, b], axis=1)


def jacobian(head: np.ndarray, tail: np.ndarray) -> np.ndarray:
    def of(x: np.ndarray) -> np.ndarray:
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.eye(x.shape[-1], dtype=x.dtype) - (e / _total(e))[:, None, :]

    out = np.zeros((len(head), 9, 11), head.dtype)
    out[:, :, :5] = of(head)[:, [0, 1, 2, 3, 3, 4, 4, 4, 4]]
    out[:, 3:5, 5:7], out[:, 5:, 7:] = of(tail[:, :2]), of(tail[:, 2:])
    return out


FORMS: dict[str, tuple[str, Callable[..., np.ndarray], Level]] = {
    "textbook": ("adaptive_log_softmax", lambda h, t: adaptive(textbook, h, t), Level.STANDARD),
    "log1p": ("adaptive_log_softmax", lambda h, t: adaptive(by_log1p, h, t), Level.TIGHT),
    "Jacobian": ("adaptive_log_softmax_jacobian", jacobian, Level.STANDARD),
}


def judged(function: str, arguments: tuple[np.ndarray, ...], got: np.ndarray, dtype: str) -> Accuracy:
    case = Case(function, "t", "x", dtype, "accuracy", "quick", build=dict)
    question = ask(case, arguments, {"sizes": SIZES}, "")
    return judge_values(got, question.rulers(question.format), question.format)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("form", FORMS)
def test_right_forms_stay_inside_their_bound_which_is_not_slack(form: str, dtype: str) -> None:
    function, call, level = FORMS[form]
    arguments = logits(dtype, seed=3)
    with np.errstate(all="ignore"):
        found = judged(function, arguments, call(*arguments), dtype)
    assert LEVEL_ORDER[found.level] <= LEVEL_ORDER[level], (found.error, found.allowed, found.index)
    assert found.error * 30 > found.allowed


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("function", ["adaptive_log_softmax", "adaptive_log_softmax_jacobian"])
def test_implementation_is_tight_and_tight_at_most_standard(function: str, dtype: str) -> None:
    arguments = logits(dtype, seed=7)
    before = tuple(a.copy() for a in arguments)
    got = getattr(functions, function)(*arguments, sizes=SIZES)
    assert got.dtype == arguments[0].dtype
    assert all(np.array_equal(a, b) for a, b in zip(arguments, before, strict=True))
    assert LEVEL_ORDER[judged(function, arguments, got, dtype).level] <= LEVEL_ORDER[Level.TIGHT]
    tight, standard = (
        bounds_for(function, arguments, {"sizes": SIZES}, FORMATS[dtype], v).total_absolute()
        for v in (Level.TIGHT, Level.STANDARD)
    )
    assert (tight <= standard).all()


def test_batches_and_integers() -> None:
    head, tail = np.zeros((2, 3, 4)), np.zeros((2, 3, 5))
    assert functions.adaptive_log_softmax(head, tail, sizes=(2, 3)).shape == (2, 3, 7)
    assert functions.adaptive_log_softmax_jacobian(head, tail, sizes=(2, 3)).shape == (2, 3, 7, 9)
    assert functions.adaptive_log_softmax([0, 0], [1, 1], sizes=(2,)).tolist() == pytest.approx(np.log([1 / 2, 1 / 4, 1 / 4]))
    assert functions.adaptive_log_softmax_jacobian(np.zeros((0, 2)), np.zeros((0, 1)), sizes=(1,)).shape == (0, 2, 3)
