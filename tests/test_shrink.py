"""Shrinking: what is left is the smallest input that still fails for the same reason, for known reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.caseset import load_cases
from smxcheck.catalog import FUNCTIONS
from smxcheck.judge.call import Demand
from smxcheck.judge.contract import Filter
from smxcheck.judge.result import Problem
from smxcheck.store import again
from smxcheck.store.call import Input, flattened, is_consistent, of_case, taken
from smxcheck.store.keep import _shrink
from smxcheck.store.shrink import Limits, Spent, minimal, shrink
from smxcheck.store.simpler import candidates, cost
from smxcheck.targets.load import in_process

PATIENT = Limits(calls=5000, seconds=60.0)
EVERYTHING = (-np.inf, np.inf)


def rows(values: Any, dtype: str = "float32", **keywords: Any) -> Input:
    return Input("softmax", dtype, {"x": np.asarray(values, dtype)}, keywords)


def smallest(start: Input, fails: Callable[[Input], bool]) -> Any:
    assert fails(start)
    found = shrink(start, fails, PATIENT)
    assert found.finished and fails(found.input)
    return found.input


@given(st.sets(st.integers(0, 40), min_size=1, max_size=6))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_ddmin_leaves_what_is_needed_and_nothing_else(needed: set[int]) -> None:
    """Zeller and Hildebrandt 2002, proposition 11: the result is 1-minimal; where a fixed set alone matters, it is that set."""
    assert set(minimal(range(41), lambda part: needed <= set(part))) == needed


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
@settings(derandomize=True, deadline=None, max_examples=200)
def test_a_candidate_is_simpler_than_what_it_replaces(number: float) -> None:
    """Otherwise the search could go round in circles."""
    value = np.float32(number)
    made = candidates(value, EVERYTHING)
    assert all(cost(c) < cost(value) for c in made) and made == sorted(made, key=cost)
    assert bool(made) == (cost(value) > cost(np.float32(0)))


def test_a_large_entry_is_found_in_a_batch() -> None:
    x = np.linspace(-3, 3, 5 * 300, dtype=np.float32).reshape(5, 300)
    x[3, 217] = 1234.5678
    left = smallest(rows(x, axis=-1), lambda i: bool((i.first > 88.8).any()))
    assert left.first.tolist() == [89.0] or left.first.tolist() == [90.0]
    assert left.first.shape == (1,) and not left.keywords


def test_a_length_that_matters_stays() -> None:
    """A fault of rows longer than 16: nothing shorter fails, whatever is in it."""
    left = smallest(rows(np.ones((4, 100))), lambda i: i.first.shape[-1] > 16)
    assert left.first.shape == (17,) and not left.first.any()


def test_two_arguments_of_a_shape_shrink_together() -> None:
    x, v = np.arange(40, dtype=float).reshape(4, 10), np.ones((4, 10))
    start = Input("softmax_jvp", "float64", {"x": x, "v": v}, {"axis": 0})
    left = smallest(start, lambda i: bool((i.arguments["x"] == 27).any()) and i.arguments["v"].shape == i.first.shape)
    assert left.first.tolist() == [27] and left.arguments["v"].tolist() == [0] and not left.keywords


def test_labels_keep_their_class_and_weights_theirs() -> None:
    z, weight = np.zeros((3, 6)), np.array([1.0, 2, 3, 4, 5, 6])
    start = Input("cross_entropy", "float64", {"logits": z, "labels": np.array([5, -100, 2])}, {"weight": weight})
    part = taken(start, 1, [2, 4, 5])
    assert part is not None and part.arguments["labels"].tolist() == [2, -100, 0] and is_consistent(part)
    assert part.keywords["weight"].tolist() == [3, 5, 6]
    assert taken(start, 1, [0, 1, 2]) is None, "class 5 is a label"

    def last_class(i: Input) -> bool:
        return "weight" in i.keywords and any(y >= 0 and i.keywords["weight"][y] == 6 for y in i.arguments["labels"])

    left = smallest(start, last_class)
    assert is_consistent(left) and left.first.shape == (1, 1) and left.keywords["weight"].tolist() == [6]


def test_a_label_out_of_range_stays_out_of_range() -> None:
    start = Input("cross_entropy", "float32", {"logits": np.zeros((2, 8), "f4"), "labels": np.array([1, 9])}, {})
    part = taken(start, 1, [1, 2, 3])
    assert part is not None and part.arguments["labels"].tolist() == [0, 4]


def test_a_distribution_stays_one() -> None:
    start = Input("entropy", "float64", {"p": np.full((3, 8), 0.125)}, {})
    left = smallest(start, lambda i: i.first.shape[-1] >= 2)
    assert np.allclose(left.first.sum(axis=-1), 1) and left.first.shape == (2,)


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_step_leaves_a_call_that_the_function_has(function: str) -> None:
    """For a shipped case of every function, whatever is taken away: a predicate that is always true walks to the bottom."""
    case = next(c for c in load_cases([function], ("float64",), "full") if 4 <= c.elements <= 64)
    start = of_case(case)
    found = shrink(start, is_consistent, Limits(calls=300, seconds=20.0))
    left = found.input
    assert left.first.size <= start.first.size and list(left.arguments) == list(FUNCTIONS[function].arguments)
    if "sizes" not in start.keywords:
        assert left.first.size == 1 and not left.keywords and left.layout == "contiguous"


def test_the_search_ends_after_its_calls_and_is_the_same_every_time() -> None:
    x = np.random.default_rng(3).normal(size=(20, 50)).astype("f4") * 100

    def fails(i: Input) -> bool:
        return bool((i.first > 90).sum() > 3)

    found = [shrink(rows(x), fails, Limits(calls=n, seconds=60.0)) for n in (25, 25, 4000)]
    assert found[0].tried == 25 and not found[0].finished and found[0].input.digest == found[1].input.digest
    assert found[2].input.first.size == 4 and fails(found[0].input)
    assert not shrink(rows(x), fails, Limits(seconds=0.0)).finished


def test_a_predicate_may_end_the_search() -> None:
    calls = []

    def hangs(i: Input) -> bool:
        calls.append(i)
        raise Spent

    found = shrink(rows([1000, 2]), hangs, PATIENT)
    assert len(calls) == 1 and not found.finished and found.input.first.tolist() == [1000, 2]


def test_a_row_of_labels_becomes_a_matrix_and_any_other_one_row() -> None:
    z = np.arange(12.0).reshape(2, 3, 2)
    flat = flattened(Input("cross_entropy", "float64", {"logits": z, "labels": np.zeros((2, 2), int)}, {"axis": 1}))
    assert flat is not None and flat.first.tolist() == np.moveaxis(z, 1, -1).reshape(-1, 3).tolist() and is_consistent(flat)


def not_shifted(x: Any, axis: Any = -1) -> Any:
    with np.errstate(all="ignore"):
        e = np.exp(x)
        return e / e.sum(axis=axis, keepdims=True)


def without_last(x: Any, axis: Any = -1) -> Any:
    """Right but for the last entry of rows longer than 2, which is 0."""
    wide = np.exp(x.astype(np.float64) - x.max(axis=axis, keepdims=True))
    out = (wide / wide.sum(axis=axis, keepdims=True)).astype(x.dtype)
    if out.ndim and out.shape[-1] > 2:
        out[..., -1] = 0
    return out


def refuses_long(x: Any, axis: Any = -1) -> Any:
    if x.shape[-1] > 3:
        raise RuntimeError("too long")
    return not_shifted(x, axis)


@pytest.mark.parametrize(
    ("target", "most", "kind"), [(not_shifted, 1, "not a finite"), (without_last, 3, "error"), (refuses_long, 4, "raised")]
)
def test_the_judge_says_that_the_shrunk_input_fails_for_the_same_reason(
    target: Callable[..., Any], most: int, kind: str
) -> None:
    """Of three wrong functions each: the same code and kind of wrong value, judged anew, and no more entries than it takes."""
    session = in_process(target, "softmax")
    case = next(
        c for c in load_cases(["softmax"], ("float32",))
        if 8 < c.elements < 2000 and c.layout == "contiguous" and again.put(session, c, Demand(), Filter()).failures
    )  # fmt: skip
    first = again.put(session, case, Demand(), Filter()).failures[0]
    found = _shrink(_problem(case.id, first.result.check), case, session, Demand(), Filter(), float("inf"))
    assert not isinstance(found, str)
    result, left = found
    assert left.input.first.size <= most < case.elements and result.message.startswith(kind)
    assert again.put(session, left.input.case(), Demand(), Filter()).failures[0].kind == first.kind


def _problem(smallest: str, check: str) -> Problem:
    return Problem("t", "softmax", check, "float32", ("float32",), smallest, (smallest,), 1, "", "", "", "")


def test_a_failure_that_does_not_come_again_is_not_shrunk() -> None:
    case = load_cases(["softmax"], ("float32",))[0]
    session = in_process(without_last, "softmax")
    told = _shrink(_problem(case.id, "SMX101"), case, session, Demand(), Filter(), float("inf"))
    assert told == "not shrunk: the call alone does not fail again"

