"""The search of the hunt finds worst rows, reproducibly, and records what shows them again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck import functions
from smxcheck.dtypes import FORMATS
from smxcheck.hunt.families import fresh
from smxcheck.hunt.model import (
    CANCELLING,
    DTYPES,
    FUNCTIONS,
    NORMAL,
    SHARDS,
    Entry,
    Worst,
    merged,
)
from smxcheck.hunt.question import Batch, arguments, exact, from_hexadecimal, hex_of, hexadecimal, keywords
from smxcheck.hunt.score import cancelling, score
from smxcheck.hunt.search import ROWS, search
from smxcheck.judge.errors import errors

from .hunt_support import Answers, one


def test_rows_of_every_function_are_finite_and_of_the_format() -> None:
    rng = np.random.default_rng(0)
    for function in FUNCTIONS:
        for dtype in DTYPES:
            fmt = FORMATS[dtype]
            for n in (1,) if function in ("sigmoid", "log_sigmoid") else (2, 10):
                batch = fresh(rng, function, 64, n, fmt)
                assert batch.x.shape == (64, n) and batch.x.dtype == fmt.numpy()
                assert all(np.isfinite(a.astype(np.float64)).all() for a in arguments(function, batch))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_the_shipped_functions_stay_near_a_rounding(function: str) -> None:
    """In float32, computed in float64 inside and rounded once, no search may get far above half an ulp."""
    entry = one(search(function, "float32", {"own": Answers(getattr(functions, function))}, 0, 0.0, rounds=3))
    assert entry.inputs > 0 and entry.wrong == 0 and not entry.reason
    assert 0.4 < entry.worst[NORMAL].error < 0.51


def textbook(x: Any, axis: int = -1) -> Any:
    """log(softmax(x)) in float32, -inf for what underflows."""
    with np.errstate(all="ignore"):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return np.log(e / e.sum(axis=axis, keepdims=True))


def test_the_search_finds_what_a_textbook_form_loses() -> None:
    """log(softmax) gives -inf where the share underflows, and 0 where the largest share rounds to 1."""
    entry = one(search("log_softmax", "float32", {"t": Answers(textbook)}, 0, 0.0, rounds=2))
    assert (
        entry.wrong > 0
        and entry.example is not None
        and entry.example.got in ("-inf", "0x0.0p+0", "-0x0.0p+0")
    )
    assert entry.worst[NORMAL].error > 1e5


def test_climbing_finds_worse_rows_than_the_families() -> None:
    """An error that peaks where two entries are π apart: 1,000 ulps there, and fewer the farther from there."""

    def peaked(x: Any, axis: int = -1) -> Any:
        right = functions.softmax(x)
        far = np.abs(x[:, :1].astype(float) - x[:, 1:2] - np.pi)
        return right + (np.rint(1000 / (1 + 1e5 * far)) * np.spacing(right)).astype(x.dtype)

    found = [one(search("softmax", "float32", {"t": Answers(peaked)}, 0, 0.0, rounds=r)) for r in (8, 32)]
    assert found[0].worst[NORMAL].error < found[1].worst[NORMAL].error
    assert 900 < found[1].worst[NORMAL].error < 2001  # an ulp of the result may be two of the exact value


def test_a_seed_reproduces_a_search_and_more_rounds_extend_it() -> None:
    def hunt(seed: int, rounds: int) -> Entry:
        return one(search("softmax", "float32", {"t": Answers(shifted)}, seed, 0.0, rounds=rounds))

    assert hunt(3, 4) == hunt(3, 4)
    assert hunt(3, 4).worst != hunt(4, 4).worst
    assert hunt(3, 6).worst[NORMAL].error >= hunt(3, 4).worst[NORMAL].error


def shifted(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("function", ["softmax", "cross_entropy", "cross_entropy_grad", "softmax_vjp"])
def test_a_recorded_row_shows_its_error_again(function: str) -> None:
    """From the hexadecimal record alone: the call, the result and the error."""

    def off(*given: Any, **words: Any) -> Any:
        result = getattr(functions, function)(*given, **words)
        return result + 7 * np.spacing(result)

    entry = one(search(function, "float32", {"t": Answers(off)}, 0, 0.0, rounds=2))
    worst = entry.worst[NORMAL]
    batch = from_hexadecimal(dict(worst.inputs), np.float32).repeated(0, worst.copies)
    got = np.atleast_1d(off(*arguments(function, batch), **keywords(function)))[0]
    value = exact(function, batch).take((0, worst.element) if got.ndim else 0)
    assert float(np.atleast_1d(got)[worst.element]).hex() == worst.got and hex_of(value, ()) == worst.exact
    found = errors(np.atleast_1d(got)[worst.element], value, FORMATS["float32"])
    assert float(found.size) == pytest.approx(worst.error, rel=1e-9) and worst.error > 5


def test_a_target_that_gives_up_keeps_what_it_had() -> None:
    def only_short(x: Any, axis: int = -1) -> Any:
        if x.shape[1] > 2:
            raise NotImplementedError("rows of two")
        return functions.softmax(x)

    entry = one(search("softmax", "float32", {"t": Answers(only_short)}, 0, 0.0, rounds=2))
    assert entry.reason == "raised: rows of two" and entry.inputs == ROWS[2]


def test_answers_that_cancel_are_kept_apart() -> None:
    """logsumexp([-log 2, -log 2 + ε]) ≈ 0: an error of an ulp of log 2 is many ulps of the answer."""
    row = np.array([[-0.6931471824645996, -0.6931471824645996]], np.float32)
    batch = Batch(np.repeat(row, 2, axis=0))
    y = exact("logsumexp", batch)
    apart = cancelling("logsumexp", batch, y)
    scored = score(np.full(2, 2.0**-24, np.float32), y, FORMATS["float32"], apart)
    assert scored.categories[CANCELLING].all() and not scored.categories[NORMAL].any()
    assert (scored.error > 10).all()
    plain = Batch(np.array([[1.0, 2.0]], np.float32))
    assert not cancelling("logsumexp", plain, exact("logsumexp", plain)).any()  # type: ignore[union-attr]


# records


@settings(derandomize=True, deadline=None, max_examples=60)
@given(
    st.sampled_from(DTYPES),
    st.lists(st.floats(-60000, 60000, width=16), min_size=1, max_size=5),
    st.integers(0, 4),
)
def test_hexadecimal_rows_come_back_bit_for_bit(dtype: str, row: list[float], label: int) -> None:
    kind = FORMATS[dtype].numpy()
    x = np.array([row]).astype(kind)
    for function, beside in (
        ("softmax", None),
        ("softmax_vjp", x[:, ::-1]),
        ("cross_entropy", np.array([label])),
    ):
        back = from_hexadecimal(hexadecimal(function, Batch(x, beside)), kind)
        assert back.x.tobytes() == x.tobytes() and back.x.dtype == kind
        assert (back.beside is None) == (beside is None)
        if beside is not None and back.beside is not None:
            assert (
                np.ascontiguousarray(beside).tobytes()
                == np.ascontiguousarray(back.beside.astype(beside.dtype)).tobytes()
            )


def test_parts_of_an_entry_add_up() -> None:
    def part(shard: int, error: float, wrong: int) -> Entry:
        worst: Mapping[str, Worst] = {NORMAL: Worst(error, {"x": ("0x1p+0",)}, 0, "0x1p-1", "0x1p-1")}
        return Entry(
            "t", "sigmoid", "float32", "all x", 5, 5, worst, {NORMAL: error + 1}, wrong, shards=(shard,)
        )

    both = merged(part(3, 0.5, 0), part(1, 2.5, 4))
    assert (both.inputs, both.shards, both.wrong, both.complete) == (10, (1, 3), 4, False)
    assert both.worst[NORMAL].error == 2.5 and both.ceiling[NORMAL] == 3.5
    for shard in range(SHARDS):
        both = merged(both, part(shard, 0.1, 0))
    assert both.complete and len(both.shards) == SHARDS
