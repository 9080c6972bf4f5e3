"""Exhaustive runs of the hunt judge every input once, find planted errors, and report the maximum that brute force finds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck import functions
from smxcheck.dtypes import FORMATS
from smxcheck.hunt import floats, narrow, pairs, truth
from smxcheck.hunt.model import (
    EXHAUSTIVE,
    NORMAL,
    SHARD_INPUTS,
    SHARDS,
    SUBNORMAL,
)
from smxcheck.judge.errors import errors
from smxcheck.oracle import enclose

from .hunt_support import Answers, one, planted

#: The sign and exponent of 1.0.
ONE = 127


# 16-bit formats, whole


@pytest.mark.parametrize("function", EXHAUSTIVE)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_16_bit_input_is_judged_once(function: str, dtype: str) -> None:
    session = Answers(getattr(functions, function))
    entry = one(narrow.scan(function, dtype, {"own": session}))
    assert entry.complete and entry.inputs == 2**16 == len(set(narrow.every(dtype).view(np.uint16).tolist()))
    assert session.asked == 2**16 * (2 if function == "logsumexp" else 1)
    assert entry.wrong == 0 and entry.worst[NORMAL].error <= 0.5 * (1 + 1e-9)


def test_the_one_wrong_sigmoid_among_all_float16_inputs_is_found() -> None:
    entry = one(narrow.scan("sigmoid", "float16", {"t": Answers(planted(functions.sigmoid, 1.5, 0.75))}))
    y = 1 / (1 + np.exp(-1.5))
    assert entry.worst[NORMAL].inputs == {"x": ((1.5).hex(),)}
    assert entry.worst[NORMAL].error == pytest.approx((y - 0.75) * 2.0**11, rel=1e-9)  # ulp(y) = 2^-11
    assert float.fromhex(entry.worst[NORMAL].exact) == pytest.approx(y, rel=1e-15)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0])
def test_an_answer_without_a_right_digit_is_no_error_in_ulp(wrong: float) -> None:
    entry = one(narrow.scan("sigmoid", "float16", {"t": Answers(planted(functions.sigmoid, 1.5, wrong))}))
    assert entry.wrong == 1 and entry.example is not None and entry.worst[NORMAL].error <= 0.5
    assert entry.example.inputs == {"x": ((1.5).hex(),)} and entry.example.error == np.inf
    np.testing.assert_equal(float.fromhex(entry.example.got), wrong)


def test_what_is_right_at_nan_and_infinities_is_demanded() -> None:
    def finite(x: Any) -> Any:
        return functions.log_sigmoid(np.nan_to_num(x, nan=0.0, posinf=1.0, neginf=-1.0))

    entry = one(narrow.scan("log_sigmoid", "float16", {"t": Answers(finite)}))
    nans = int(np.isnan(narrow.every("float16")).sum())
    assert entry.wrong == nans + 1  # and -inf; 0 at +inf is a number, of which -0.313 is far
    assert entry.worst[SUBNORMAL].inputs == {"x": ("inf",)}


def test_a_planted_error_in_a_two_class_softmax_is_found() -> None:
    def wrong(x: Any, axis: int = -1) -> Any:
        result = functions.softmax(x, axis=axis)
        result[0, x[1] == -2.0] = 0.875
        return result

    entry = one(narrow.scan("softmax", "float16", {"t": Answers(wrong)}))
    assert (
        entry.worst[NORMAL].inputs == {"x": ((0.0).hex(), (-2.0).hex())} and entry.worst[NORMAL].element == 0
    )
    assert entry.worst[NORMAL].error == pytest.approx((1 / (1 + np.exp(-2)) - 0.875) * 2.0**11, rel=1e-9)


def test_a_target_that_refuses_is_not_judged() -> None:
    def refuses(x: Any) -> Any:
        raise NotImplementedError("no such kernel")

    entry = one(narrow.scan("sigmoid", "float16", {"t": Answers(refuses)}))
    assert (entry.reason, entry.inputs, entry.complete) == ("raised: no such kernel", 0, False)


def test_a_wider_result_is_told() -> None:
    wide = Answers(lambda x: functions.sigmoid(x.astype(np.float64)))
    assert one(narrow.scan("sigmoid", "float16", {"t": wide})).returned == "float64"


# pairs


SMALL = pairs.Grid(-10, (np.arange(-40, 41) / 16).astype(np.float16), 4.0)


def test_every_pair_of_a_grid_is_stood_for_once() -> None:
    """Brute force over all pairs: the number of pairs, and the set of their differences."""
    gaps = SMALL.values[:, None].astype(float) - SMALL.values.astype(float)
    inside = gaps[(gaps >= 0) & (gaps <= SMALL.farthest)]
    found = list(pairs.representatives(SMALL))
    rows = np.concatenate([rows for _, rows in found]).astype(float)
    assert sum(count for count, _ in found) == inside.size
    assert sorted(rows[:, 0] - rows[:, 1]) == sorted(set(inside.tolist()))


def test_windows_do_not_change_what_pairs_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.concatenate([rows for _, rows in pairs.representatives(SMALL)])
    monkeypatch.setattr(pairs, "WINDOW", 700)
    assert np.array_equal(np.concatenate([rows for _, rows in pairs.representatives(SMALL)]), whole)


def test_the_planted_error_of_a_pair_is_found() -> None:
    def wrong(x: Any, axis: int = -1) -> Any:
        result = functions.softmax(x)
        result[x[:, 0] - x[:, 1] == np.float16(1.25), 1] *= np.float16(1.5)
        return result

    entry = one(pairs.scan("softmax", "float16", {"t": Answers(wrong)}, SMALL))
    row = [float.fromhex(text) for text in entry.worst[NORMAL].inputs["x"]]
    assert row[0] - row[1] == 1.25 and entry.worst[NORMAL].element == 1
    assert entry.wrong == 0 and entry.example is None
    right = one(pairs.scan("softmax", "float16", {"t": Answers(functions.softmax)}, SMALL))
    assert right.worst[NORMAL].error <= 0.5 < entry.worst[NORMAL].error


def test_a_pair_without_a_right_digit_is_recorded() -> None:
    def lost(x: Any, axis: int = -1) -> Any:
        return np.where(x[:, :1] - x[:, 1:] == np.float16(1.25), np.nan, functions.softmax(x)).astype(x.dtype)

    entry = one(pairs.scan("softmax", "float16", {"t": Answers(lost)}, SMALL))
    assert entry.wrong == 2 and entry.example is not None and entry.example.got == "nan"


@pytest.mark.parametrize("function", pairs.HALVES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_results_of_a_pair_depend_on_the_difference_alone(function: str, dtype: str) -> None:
    """What lets one pair stand for all: the same bits at other offsets, and in the other order."""
    values = pairs.grid(dtype).values
    some = np.random.default_rng(0).choice(values[np.abs(values.astype(float)) < 90], (40_000, 2))
    gap = some[:, 0].astype(np.float64) - some[:, 1].astype(np.float64)
    _, first, where = np.unique(np.abs(gap), return_index=True, return_inverse=True)
    call = getattr(functions, function)
    ordered = np.sort(some, axis=1)[:, ::-1]
    assert len(first) < len(some)  # some differences occur again
    assert np.array_equal(call(ordered), call(np.ascontiguousarray(ordered[first]))[where.reshape(-1)])
    assert np.array_equal(call(np.ascontiguousarray(ordered[:, ::-1])), call(ordered)[:, ::-1])


# float32, shard by shard


def test_shards_are_all_float32_inputs() -> None:
    assert SHARDS * SHARD_INPUTS == 2**32
    ends = [truth.inputs(s, p, 1).view(np.uint32)[0] for s in range(SHARDS) for p in (0, SHARD_INPUTS - 1)]
    assert ends[0] == 0 and ends[-1] == 2**32 - 1
    assert np.array_equal(np.diff(np.array(ends, np.int64))[1::2], np.ones(SHARDS - 1))


@pytest.mark.parametrize("function", EXHAUSTIVE)
@pytest.mark.parametrize("shard", [ONE, 256 + ONE, 256 + 133, 110, 131, 255, 0])
def test_the_largest_error_of_a_piece_is_that_of_brute_force(function: str, shard: int) -> None:
    """The same inputs all asked of the certified oracle, and no screening."""
    count = 3000
    session = Answers(lambda x, axis=-1: noisy(function, x))
    entry = one(floats.scan(function, shard, {"t": session}, count=count))
    x = truth.inputs(shard, 0, count)
    found, wrong, _ = narrow.judged(
        function, x, noisy(function, narrow.question(function, x).arguments[0]), FORMATS["float32"]
    )
    assert entry.inputs == count and entry.wrong == wrong and entry.shards == (shard,)
    for category, worst in found.items():
        assert entry.worst[category].error == pytest.approx(worst.error, rel=1e-12), category
        assert entry.ceiling.get(category, 0.0) <= 2 * worst.error + 2 * floats.SLACK


def noisy(function: str, x: Any) -> Any:
    """The right result, a few ulps off where the bits of x say so."""
    with np.errstate(all="ignore"):
        if function == "logsumexp":
            result, x = functions.logsumexp(x, axis=0), x[1]
        else:
            result = getattr(functions, function)(x)
        off = (np.frombuffer(x.tobytes(), np.uint32) * np.uint32(2654435761)) >> np.uint32(29)
        return np.where(np.isfinite(result), result + off.astype(np.float32) * np.spacing(result), result)


@pytest.mark.parametrize("function", EXHAUSTIVE)
def test_values_in_float64_are_as_near_as_is_granted(function: str) -> None:
    """The bound that screens, at inputs of every exponent at which it is used."""
    for shard in (s for s in range(SHARDS) if truth.SMALL <= s % 256 < truth.LARGE):
        x = truth.inputs(shard, 12345, 2)
        assert list(floats._far_from_exact(function, x)) == []


@pytest.mark.parametrize("function", EXHAUSTIVE)
def test_constant_ranges_are_constant(function: str) -> None:
    """At both ends of each shard, between which the functions are monotone, the exact value is within 1/6 ulp."""
    for shard in range(SHARDS):
        x = np.concatenate([truth.inputs(shard, place, 1) for place in (0, SHARD_INPUTS - 1)])
        value = truth.constant(function, shard, x)
        if value is not None:
            call = narrow.question(function, x)
            found = errors(
                value, enclose(function, *call.arguments, bits=80, **call.keywords), FORMATS["float32"]
            )
            assert (found.size + found.slack <= 1 / 6).all(), shard


def test_a_platform_whose_float64_is_too_far_off_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    off = {**truth.VALUES, "sigmoid": lambda x: truth._sigmoid(x) * (1 + 2.0**-48)}
    monkeypatch.setattr(truth, "VALUES", off)
    with pytest.raises(ArithmeticError, match="errs by more than 8u"):
        floats.scan("sigmoid", ONE, {}, count=1)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.floats(-87.0, 80.0, width=32), st.integers(-6, 6))
def test_the_screening_bound_is_above_the_error(x: float, off: int) -> None:
    """For any result near the right one, over binade ends too."""
    point = np.array([x], np.float32)
    got = functions.sigmoid(point) + np.float32(off) * np.spacing(functions.sigmoid(point))
    bound = floats.upper_bound(got, truth.VALUES["sigmoid"](point.astype(np.float64)))
    found = errors(got, enclose("sigmoid", point, bits=80), FORMATS["float32"])
    assert (found.size - found.slack)[0] <= bound[0]


def test_a_plateau_ends_with_a_ceiling() -> None:
    """Millions of equal errors are not all asked; what is left is bounded."""
    log_2 = np.float32(np.log(2.0))
    low = Answers(lambda x: np.full_like(x, -np.nextafter(log_2, np.float32(0))))
    entry = one(floats.scan("log_sigmoid", 40, {"t": low}, count=1 << 17))
    assert entry.worst[NORMAL].error == pytest.approx(1 - (float(log_2) - np.log(2.0)) * 2.0**24)
    assert entry.worst[NORMAL].error < entry.ceiling[NORMAL] <= entry.worst[NORMAL].error + 2 * floats.SLACK
