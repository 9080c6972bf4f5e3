"""Certified enclosures of every function of the table hold the exact value, by smxref at 240 bits and more.

A miss of one of these bounds is the worst that can happen; a bound too wide only costs time, which is why the share of
elements that it leaves undecided is watched as well.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from smxcheck.oracle import Kind, expect
from smxcheck.oracle.certified import answer, reduced
from smxcheck.oracle.certified.table import TABLE
from smxcheck.oracle.tiers import distinct

from .certified_inputs import (
    BACKWARD,
    ENTRYWISE,
    INF,
    LABELS,
    LOGITS,
    LOSSES,
    MIXED,
    ONE_DISTRIBUTION,
    PRODUCTS,
    TWO_CLASS,
    TWO_DISTRIBUTIONS,
    Arguments,
    cases,
    generic,
    loss_columns,
    rng,
)  # fmt: skip
from .certified_reference import MP, exact_row, holds, misses, value_of


def test_every_function_of_the_table_is_tested() -> None:
    groups = (
        LOGITS,
        PRODUCTS,
        BACKWARD,
        ENTRYWISE,
        TWO_CLASS,
        ONE_DISTRIBUTION,
        TWO_DISTRIBUTIONS,
        LOSSES,
        MIXED,
    )
    assert sorted(TABLE) == sorted(name for group in groups for name in group)


#: Elements of all cases that are left to the reference: infinite answers, gaps beyond the largest float, and small
#: differences that no double-double shows (ties under a constant cotangent, logits of 5e-324, σ(x) - ½ at x next to 0).
UNDECIDED = {
    "log_softmax": 1,
    "log_softmax_vjp": 35,
    "log_softmax_backward": 11,
    "softmax_backward": 4,
    "softmax_entropy_grad": 2,
    "kl_divergence_grad": 2,
    "binary_cross_entropy_with_logits_grad": 8,
    "cross_entropy": 17,
    "nll_loss": 11,
    "entropy_grad": 29,
    "distribution_cross_entropy_grad": 7,
}


#: Functions of many cases; of the products and the gradient the reference needs n² steps besides.
MANY = (*PRODUCTS, *MIXED, *BACKWARD, *LOSSES)


def few(function: str, of: dict[str, Arguments]) -> dict[str, Arguments]:
    """Those that the reference answers in half a second."""
    return {kind: case for i, (kind, case) in enumerate(of.items()) if function not in MANY or i % 5 == 0}


@pytest.mark.parametrize("function", TABLE)
def test_enclosures_hold_the_exact_value(function: str) -> None:
    left = 0
    for kind, (columns, keywords) in few(function, cases(function)).items():
        wrong, decided, _ = misses(function, columns, **keywords)
        assert not wrong, (kind, wrong[:3])
        left += int((~decided).sum())
    assert left <= UNDECIDED.get(function, 0)


@pytest.mark.slow
@pytest.mark.parametrize("function", MANY)
def test_enclosures_hold_the_exact_value_in_every_case(function: str) -> None:
    left = 0
    for kind, (columns, keywords) in cases(function).items():
        wrong, decided, _ = misses(function, columns, **keywords)
        assert not wrong, (kind, wrong[:3])
        left += int((~decided).sum())
    assert left <= UNDECIDED.get(function, 0)


@pytest.mark.parametrize("function", TABLE)
def test_ordinary_arguments_are_decided_with_narrow_bounds(function: str) -> None:
    """2^-80, or 2^-64 where the answer is a difference: what the judge asks for first."""
    for shape in ((6, 50), (2, 5000)):
        columns, keywords = generic(function, shape)
        found = answer(function, columns, 80, keywords)
        assert found.decided.all()
        assert found.enclosure.bound.max() <= 2.0 ** -(80 - TABLE[function].cancels)


@pytest.mark.parametrize("function", TABLE)
def test_rows_in_pieces_have_the_same_answers(function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row longer than a piece is summed piece by piece; here a piece is 3 columns."""
    monkeypatch.setattr("smxcheck.oracle.certified.rows.PIECE", 3)
    monkeypatch.setattr("smxcheck.oracle.certified.columns.PIECE", 3)
    columns, keywords = generic(function, (2, 8))
    wrong, decided, _ = misses(function, columns, **keywords)
    assert not wrong
    assert decided.all()


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("function", LOSSES)
def test_labels_of_rows_in_pieces(function: str, labels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smxcheck.oracle.certified.rows.PIECE", 3)
    monkeypatch.setattr("smxcheck.oracle.certified.columns.PIECE", 3)
    columns, keywords = loss_columns(rng(15).normal(size=(3, 7)), labels, function)
    wrong, decided, _ = misses(function, columns, **keywords)
    assert not wrong
    assert decided.all()


COUNTED = (*LOGITS, *PRODUCTS, *BACKWARD, "entropy", "kl_divergence", "distribution_cross_entropy")


@pytest.mark.slow
@pytest.mark.parametrize("function", COUNTED)
def test_long_rows(function: str) -> None:
    """5,000 entries of 24 values, which the reference takes with their counts."""
    draw = rng(11)
    columns, _ = generic(function, (1, 24))
    columns = tuple(
        c[:, draw.integers(0, 24, 5000) if i == 0 else slice(None)] for i, c in enumerate(columns)
    )
    columns = (columns[0], *(c[:, np.arange(5000) % 24 // 8] for c in columns[1:]))
    found = answer(function, columns, 80)
    assert found.decided.all()
    values, where, counts = distinct(tuple(c[0] for c in columns))
    balls = exact_row(function, values, counts.tolist())
    flat = found.enclosure.reshape((found.enclosure.hi.size,))
    for j in range(0, len(flat.hi), 7):
        ball = balls[0] if len(flat.hi) == 1 else balls[where[j]]
        assert holds(flat.hi[j], flat.lo[j], flat.exponent[j], flat.bound[j], ball)


@pytest.mark.parametrize(
    "y", [-(2.0**-13), -(2.0**-14), -1e-6, -1e-17, -(2.0**-60), -1e-30, -1e-40, -1e-300, -5e-324]
)
def test_the_gradient_of_a_saturated_row_keeps_its_digits(y: float) -> None:
    """g - exp(y) g = -g (exp(y) - 1), which is as small as y is."""
    columns = np.array([[1.0, 0.0]]), np.array([[y, -40.0]])
    wrong, decided, _ = misses("log_softmax_backward", columns)
    assert not wrong
    assert decided.all()


ZEROS: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], list[int]]] = {
    # function, arguments, keywords, the elements that are exactly 0
    "a masked entry": ("softmax_vjp", ([0.0, 1, -INF], [1.0, 2, 3]), {}, [2]),
    "a constant cotangent": ("softmax_vjp", ([0.0, 1, 5], [0.1, 0.1, 0.1]), {}, [0, 1, 2]),
    "cotangents that add up to 0": ("log_softmax_vjp", ([0.3, 1, 5, 2], [1.0, -1, 0, 0]), {}, [2, 3]),
    "a masked class": ("cross_entropy_grad", ([0.0, 1, -INF], 0), {"rows": 1}, [2]),
    "a certain soft label": ("cross_entropy", ([0.0, -INF], [1.0, 0.0]), {}, [0]),
    "a weight of 0": ("nll_loss", ([-INF, -1.0], 0), {"weight": [0.0, 1.0]}, [0]),
    "a soft label of 0": ("nll_loss", ([-INF, 0.0], [0.0, 1.0]), {}, [0]),
    "one class": ("cross_entropy", ([3.0], 0), {}, [0]),
    "a stored peak": ("softmax_backward", ([1.0, 0, 0], [1.0, 1e-30, 0]), {}, [0, 2]),
    "stored outputs that add up to 1": ("softmax_backward", ([0.7, 0.7], [0.25, 0.75]), {}, [0, 1]),
    "a log-probability of 0": ("log_softmax_backward", ([1.0, 0], [0.0, -800]), {}, [0]),
    "a one-hot distribution": ("entropy", ([1.0, 0, 0],), {}, [0]),
    "p = q": ("kl_divergence", ([0.1, 0.9], [0.1, 0.9]), {}, [0]),
    "p = 0": ("distribution_cross_entropy_grad", ([0.0, 0.5], [0.5, 0.5]), {}, [0]),
    "one entry": ("softmax_entropy", ([7.0],), {}, [0]),
    "ties": ("softmax_entropy_grad", ([2.0, 2, 2, -INF],), {}, [0, 1, 2, 3]),
    "ties and equal q": ("kl_divergence_grad", ([2.0, 2, -INF], [0.3, 0.3, 0.4]), {}, [0, 1, 2]),
    "an even two-class label": ("binary_cross_entropy_with_logits_grad", ([0.0], [0.5]), {}, [0]),
    "classes without a label": ("nll_loss_grad", ([-1.0, -2], 1), {"rows": 1}, [0]),
}


@pytest.mark.parametrize("name", ZEROS)
def test_exact_zeros_are_exact(name: str) -> None:
    function, arguments, keywords, where = ZEROS[name]
    found = answer(function, tuple(np.array([a]) for a in arguments), 80, keywords)
    hi, bound = found.enclosure.hi.reshape(-1), found.enclosure.bound.reshape(-1)
    assert np.flatnonzero((hi == 0) & (bound == 0)).tolist() == where


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("entropy", ([-0.5, 0.5],)),
        ("entropy", ([INF, 0.5],)),
        ("entropy_grad", ([0.0, -1.0],)),
        ("kl_divergence", ([0.5, 0.5], [1.0, 0.0])),
        ("kl_divergence", ([0.0, 1.0], [-1.0, 0.5])),
        ("distribution_cross_entropy", ([0.0, 1.0], [-1.0, 0.5])),
        ("distribution_cross_entropy_grad", ([0.0, 1.0], [0.0, 0.0])),
        ("kl_divergence_grad", ([1.0, 2.0], [0.0, 0.5])),
        ("kl_divergence_grad", ([-INF, 2.0], [-1.0, 0.5])),
        ("kl_divergence_grad", ([-INF, 2.0], [0.5, 0.0])),
        ("kl_divergence_grad", ([2.0], [0.0])),
        ("cross_entropy", ([0.0, -INF], 1)),
        ("nll_loss", ([-0.1, -INF], 1)),
        ("nll_loss", ([-0.1, INF], 0)),
    ],
)
def test_what_has_no_number_for_an_answer_is_left_open(function: str, arguments: tuple[Any, ...]) -> None:
    found = answer(function, tuple(np.array([a]) for a in arguments), 80)
    assert not found.decided.any()


def test_what_the_losses_refuse() -> None:
    x, y = np.zeros((2, 3)), np.zeros(2, int)
    with pytest.raises(ValueError, match="label_smoothing must be from 0 to 1"):
        answer("cross_entropy", (x, y), 80, {"label_smoothing": 1.5})
    for function in ("cross_entropy", "nll_loss"):
        with pytest.raises(ValueError, match="weight must have one entry for each of 3 classes"):
            answer(function, (x, y), 80, {"weight": [1.0, 2.0]})


@pytest.mark.parametrize("divisor", [None, [1.0, 1, 1, 1], [0.25, 1e300, 0, 5e-324]])
def test_reductions_hold_the_sum_of_the_enclosures(divisor: list[float] | None) -> None:
    """A row that is only known to be next to nothing, one that is 0, and one of ordinary size."""
    x = np.array([[0.0, -1e9], [5, -INF], [1, 2], [0, -700]])
    losses = answer("cross_entropy", (x, np.zeros(4, int)), 80)
    found = reduced("cross_entropy", losses, None if divisor is None else np.array(divisor), 80)
    exact = sum(
        (MP.mpf(b.value) for row in x for b in exact_row("cross_entropy", (row, np.array(0)))), MP.mpf(0)
    )
    exact /= sum((MP.mpf(d) for d in divisor or [1.0]), MP.mpf(0))
    e = found.enclosure
    assert found.decided.all()
    assert abs(value_of(e.hi[0], e.lo[0], e.exponent[0]) - exact) <= MP.mpf(float(e.bound[0])) * exact


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("labels", [*LABELS, "ignored", "infinite"])
@pytest.mark.parametrize("function", ["cross_entropy", "nll_loss"])
def test_losses_are_the_same_with_and_without_the_certified_tiers(
    function: str, labels: str, reduction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = rng(12).normal(size=(30, 7))
    (x, y), keywords = loss_columns(x, labels if labels in LABELS else "weight", function)
    if labels == "ignored":
        y[::3] = keywords["ignore_index"] = -7
        x[3] = np.nan
    if labels == "infinite":
        x[4, y[4]] = x[5, (y[5] + 1) % 7] = -INF
    keywords["reduction"] = reduction
    fast = expect(function, (x, y), keywords)
    monkeypatch.setenv("SMXCHECK_ORACLE", "mpmath")
    slow = expect(function, (x, y), keywords)
    assert np.array_equal(fast.kind, slow.kind)
    assert (fast.kind == Kind.PLUS_INFINITY).any() == (labels == "infinite")
    for i in np.ndindex(fast.shape):
        a, b = (value_of(e.hi[i], e.lo[i], e.exponent[i]) for e in (fast.enclosure, slow.enclosure))
        width = float(fast.enclosure.bound[i] + slow.enclosure.bound[i])
        assert width < 2.0**-60
        assert abs(a - b) <= MP.mpf(2 * width) * abs(b)


def test_gradients_of_cross_entropy_are_the_same_with_and_without_the_certified_tiers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = rng(13).normal(size=(20, 7))
    x[3, 2] = -INF
    x[4] = 0.0  # ties under even labels: an exact 0 that is left to the reference
    for y in (rng(14).integers(0, 7, 20), np.full((20, 7), 0.25)):
        monkeypatch.delenv("SMXCHECK_ORACLE", raising=False)
        fast = expect("cross_entropy_grad", (x, y))
        monkeypatch.setenv("SMXCHECK_ORACLE", "mpmath")
        slow = expect("cross_entropy_grad", (x, y))
        np.testing.assert_array_equal(fast.kind, slow.kind)
        np.testing.assert_array_equal(fast.enclosure.float64(), slow.enclosure.float64())


FINITE = st.floats(allow_nan=False, allow_infinity=False)
COMMON = st.one_of(FINITE, st.floats(-50, 50), st.sampled_from([0.0, 1.0, -1.0, 5e-324]))
WEIGHTS = st.one_of(st.floats(0, 1), st.floats(0, 1e300), st.sampled_from([0.0, 1.0, 5e-324]))
PROPERTIES = settings(derandomize=True, deadline=None, max_examples=40)


def pairs_of(elements: st.SearchStrategy[float], other: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    def both(n: int) -> st.SearchStrategy[Any]:
        return st.tuples(*(hnp.arrays(np.float64, (1, n), elements=e) for e in (elements, other)))

    return st.integers(1, 5).flatmap(both)


@PROPERTIES
@given(pairs_of(COMMON, COMMON), st.sampled_from(["softmax_vjp", "log_softmax_vjp", "softmax_backward"]))
def test_any_logits_and_cotangents(columns: tuple[np.ndarray, np.ndarray], function: str) -> None:
    assert not misses(function, columns)[0]


@pytest.mark.slow
@PROPERTIES
@given(pairs_of(COMMON, COMMON), st.sampled_from([*ENTRYWISE, *TWO_CLASS]))
def test_any_logit_and_two_class_label(columns: tuple[np.ndarray, np.ndarray], function: str) -> None:
    assert not misses(function, columns[: 1 if function in ENTRYWISE else 2])[0]


@PROPERTIES
@given(pairs_of(WEIGHTS, WEIGHTS.filter(bool)), st.sampled_from([*TWO_DISTRIBUTIONS, "entropy"]))
def test_any_distributions(columns: tuple[np.ndarray, np.ndarray], function: str) -> None:
    assert not misses(function, columns[: 1 if function == "entropy" else 2])[0]


@PROPERTIES
@given(
    pairs_of(COMMON, WEIGHTS.filter(bool)),
    st.sampled_from(["kl_divergence_grad", "softmax_entropy_grad", "logsumexp"]),
)
def test_any_logits(columns: tuple[np.ndarray, np.ndarray], function: str) -> None:
    assert not misses(function, columns[: 2 if function == "kl_divergence_grad" else 1])[0]
