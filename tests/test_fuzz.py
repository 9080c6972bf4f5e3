"""Drawn inputs: within the contract of every function, the same for the same seed, and driven to what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smxcheck.caseset.found import found_case
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.fuzz.inputs import NOT_DRAWN, calls
from smxcheck.fuzz.put import Put
from smxcheck.fuzz.search import Search, quietly
from smxcheck.judge.call import Demand, ask
from smxcheck.judge.contract import Filter
from smxcheck.targets.load import in_process

DRAWN = [f for f in FUNCTIONS if f not in NOT_DRAWN]


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def largest_last_in_lengths_one_past_eights(x, axis=-1):
    y = np.moveaxis(softmax(x, axis), axis, -1).copy()
    rows = np.moveaxis(x, axis, -1)
    if rows.shape[-1] % 8 == 1 and rows.shape[-1] > 1:
        y[..., -1] *= np.where(rows.argmax(axis=-1) == rows.shape[-1] - 1, 1.001, 1).astype(x.dtype)
    return np.moveaxis(y, -1, axis)


def ties_counted_once(x, axis=-1):
    y, top = softmax(x, axis), x == x.max(axis=axis, keepdims=True)
    return np.where(top & (top.sum(axis=axis, keepdims=True) > 1), y * x.dtype.type(1.001), y)


def small_results_flushed(x, axis=-1):
    y = softmax(x, axis)
    return np.where(y < 1e-30, y * 0, y)


def shifted_by_the_mean(x, axis=-1):
    e = np.exp(x - x.mean(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


WRONG = (
    largest_last_in_lengths_one_past_eights, small_results_flushed, shifted_by_the_mean,
    lambda x, axis=-1: softmax(x, axis) + x.dtype.type(1e-8),
    lambda x, axis=-1: softmax(x, -1),
)  # fmt: skip


class Clock:
    """Seconds are readings of the clock: one for each input and a few for each slice, on any machine."""

    def __init__(self) -> None:
        self.readings = itertools.count()

    def __call__(self) -> float:
        return float(next(self.readings))


def search(
    call: Callable[..., np.ndarray], readings: int, function: str = "softmax", seed: int = 0, shrinking: int = 60
) -> Search:
    """What comes of drawing for so many readings of the clock, and some more for shrinking."""
    put = Put(in_process(call, function), function, "float32", Demand(), Filter())
    made = Search(put, str(seed), Clock())
    with quietly():
        made.run(readings, shrinking)
    return made


@pytest.mark.slow
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from(DRAWN), st.sampled_from(list(FORMATS)))
def test_every_draw_is_a_call_that_the_catalog_allows_and_the_oracle_answers(data, function, dtype):
    drawn = data.draw(calls(function, dtype, FUNCTIONS[function].keywords))
    arguments = drawn.arguments
    assert tuple(arguments) == FUNCTIONS[function].arguments
    assert set(drawn.keywords) <= set(FUNCTIONS[function].keywords)
    n = next(iter(arguments.values())).shape[drawn.keywords.get("axis", -1)]
    for name, array in arguments.items():
        soft = name == "labels" and array.dtype.kind != "i"
        assert array.dtype == (np.int64 if name == "labels" and not soft else FORMATS[dtype].numpy())
        if name == "labels" and not soft:
            assert np.all(((array >= 0) & (array < n)) | (array == drawn.keywords.get("ignore_index", 0)))
        if name in ("p", "q", "y") or soft:
            assert np.all(array.astype(float) >= 0)
    case = found_case(function, dtype, arguments, drawn.keywords, drawn.layout)
    question = ask(case, tuple(case.build().values()), dict(drawn.keywords), "")
    assert not question.expected.must_raise


@pytest.mark.slow
def test_what_is_wrong_in_ties_alone_is_found_and_shrunk():
    """Right wherever one entry is the largest. The input that is kept fails, and is as short as a tie can be."""
    kept = search(ties_counted_once, 250).failures[0]
    assert kept.failure == ("SMX101", "a number") and kept.case.id.startswith("softmax/found/")
    assert kept.case.elements <= 4


@pytest.mark.slow
@pytest.mark.parametrize("call", WRONG)
def test_what_is_wrong_in_one_circumstance_is_found(call):
    """Each of them is right on most inputs: the circumstance must be drawn."""
    assert search(call, 400, shrinking=0).failures


@pytest.mark.slow
def test_a_right_form_stays_within_what_is_allowed():
    found = search(softmax, 130)
    assert not found.failures and found.inputs > 100
    assert found.worst_ratio is not None and 0 < found.worst_ratio <= 1 and found.worst.startswith("softmax(")


@pytest.mark.slow
def test_the_same_seed_draws_the_same_inputs_and_another_one_others():
    def seen(seed: int) -> list[bytes]:
        calls: list[bytes] = []

        def softmax_seen(x, axis=-1):
            calls.append(x.tobytes())
            return softmax(x, axis)

        search(softmax_seen, 50, seed=seed)
        return calls

    first = seen(1)
    assert first == seen(1) and first != seen(2) and len(set(first)) > 25


@pytest.mark.slow
def test_failures_of_two_kinds_are_two():
    """One returns nan for rows of one entry, the other is off by a thousandth in ties."""

    def both(x, axis=-1):
        y = ties_counted_once(x, axis)
        return y * np.float32(np.nan) if x.shape[axis] == 1 else y

    assert len({a.failure for a in search(both, 400).failures}) == 2


def test_a_target_that_answers_one_call_in_two_ways_is_not_lost():
    """Hypothesis finds that the failure does not come again; the input that failed is kept all the same."""
    calls = itertools.count()

    def softmax_now_and_then(x, axis=-1):
        return softmax(x, axis) * (2 if next(calls) == 30 else 1)

    found = search(softmax_now_and_then, 70)
    assert len(found.failures) == 1 and found.inputs > 30


def test_no_more_calls_are_made_once_the_time_is_over():
    """However slow the shrinking of a failure is: 30 readings for drawing, 30 more for shrinking."""
    put = Put(in_process(lambda x: softmax(x) * (1 + (x.shape[-1] > 9)), "softmax"), "softmax", "float32", Demand(), Filter())
    clock = Clock()
    made = Search(put, "0", clock)
    with quietly():
        made.run(30, 30)
    assert made.failures and clock() < 70
