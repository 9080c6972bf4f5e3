"""NaN and the infinities: dropped, invented, or replaced by a number."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import (
    Rows,
    divide_by_sum,
    number,
    reduced,
    right_log_softmax,
    right_logsumexp,
    right_softmax,
    same,
    top,
    total,
)
from smxcheck.mistakes.shift import SHIFTED_LOG_SOFTMAX


def _is_nan(x: Rows) -> Rows:
    return np.not_equal(x, x)


def _without_nan(x: Rows) -> Rows:
    """NaN as -inf: what fmax and a comparison make of it in a maximum."""
    return np.where(_is_nan(x), number(x, -np.inf), x)


def nan_dropped(x: Rows) -> Rows:
    """fmax in the maximum and a sum that skips NaN: a NaN logit gets probability 0."""
    return right_softmax(_without_nan(x))


def log_nan_dropped(x: Rows) -> Rows:
    return right_log_softmax(_without_nan(x))


def lse_nan_dropped(x: Rows) -> Rows:
    return right_logsumexp(_without_nan(x))


def nan_to_zero(x: Rows) -> Rows:
    """nan_to_num on the result: the NaN of the input is hidden, and 0/0 too."""
    p = right_softmax(x)
    return np.where(_is_nan(p), number(x, 0.0), p)


def nan_only_in_its_entry(x: Rows) -> Rows:
    """The NaN entry stays NaN, the others are computed as if it were absent."""
    return np.where(_is_nan(x), x, right_softmax(_without_nan(x)))


def masked_before_nan(x: Rows) -> Rows:
    """``if max == -inf: return 0`` with a maximum that drops NaN: a row of NaN and -inf looks fully masked."""
    masked = np.isneginf(top(_without_nan(x)).astype(np.float64))
    return np.where(masked, number(x, 0.0), right_softmax(x))


def minus_infinity_as_minus_ten_thousand(x: Rows) -> Rows:
    """A finite stand-in for -inf: a logit below it loses to what is masked."""
    floor = number(x, -1e4)
    return right_softmax(np.where(np.isneginf(x.astype(np.float64)), floor, x))


def minus_infinity_as_zero(x: Rows) -> Rows:
    """nan_to_num(x, neginf=0) on the way in: a masked class gets the weight of a logit of 0."""
    return right_softmax(np.where(np.isneginf(x.astype(np.float64)), number(x, 0.0), x))


def log_lowest_finite(x: Rows) -> Rows:
    """-inf is replaced by a large negative number: sums over classes look finite when they are not."""
    y = right_log_softmax(x)
    return np.where(np.isneginf(y.astype(np.float64)), number(x, -1e4), y)


def log_zero_for_minus_infinity(x: Rows) -> Rows:
    """where(p > 0, log p, 0): the impossible class gets the log-probability of the certain one."""
    p = right_softmax(x)
    return np.where(p == 0, number(x, 0.0), right_log_softmax(x))


def lse_unguarded(x: Rows) -> Rows:
    """-inf - (-inf) and inf - inf are NaN, where the limits are -inf and inf."""
    a = top(x)
    return a + np.log(total(np.exp(x - a)))


def lse_zero_for_impossible(x: Rows) -> Rows:
    """A guard that puts 0 where nothing can be: log 0 is -inf, not 0."""
    y = right_logsumexp(x)
    return np.where(np.isneginf(y.astype(np.float64)), number(x, 0.0), y)


def lse_plus_infinity_for_impossible(x: Rows) -> Rows:
    """The sign of the empty row's value turned: +inf attracts every merge, -inf leaves it alone."""
    y = right_logsumexp(x)
    return np.where(np.isneginf(y.astype(np.float64)), number(x, np.inf), y)


def uniform_where_masked_somewhere(x: Rows) -> Rows:
    """-inf replaced by the row's minimum of finite entries before exp, so that a masked class keeps a share."""
    masked = np.isneginf(x.astype(np.float64))
    lowest = np.min(np.where(masked, number(x, np.inf), x), axis=1, keepdims=True)
    return divide_by_sum(np.exp(np.where(masked, lowest, x) - top(x)))


_INF, _NAN = float("inf"), float("nan")
_WITH_NAN = (ex([[_NAN, 0.0]]), ex([[1.0, _NAN, 0.0]]))
_ALL_MASKED = (ex([[-_INF, -_INF]]),)
_ONE_MASKED = (ex([[0.0, 1.0, -_INF]]),)
_PROPAGATE = "a maximum and a sum that propagate NaN"

TABLE = (
    Mistake("softmax/nan-dropped", "softmax of x with -inf in place of NaN", _PROPAGATE, "SMX104", same(nan_dropped),
            _WITH_NAN, "X22", ("ohdearquant/lattice#740", "intel/torch-xpu-ops#5022", "NVIDIA/Fuser#319")),
    Mistake("softmax/nan-to-zero", "nan_to_num(softmax(x))", "leave NaN as it is", "SMX104", same(nan_to_zero),
            _WITH_NAN, "X25", ("pytorch/pytorch#41508",)),
    Mistake("softmax/nan-only-in-its-entry", "NaN in the NaN entry only, softmax of the rest", _PROPAGATE, "SMX104",
            same(nan_only_in_its_entry), _WITH_NAN, "X22"),
    Mistake("softmax/masked-before-nan", "0 for a row of NaN and -inf", "test for NaN before the test for -inf",
            "SMX104", same(masked_before_nan), (ex([[_NAN, -_INF]]),), "X23",
            ("intel/torch-xpu-ops#5022", "ohdearquant/lattice#371")),
    Mistake("softmax/minus-infinity-as-minus-1e4", "softmax of x with -1e4 in place of -inf", "mask with -inf",
            "SMX101", same(minus_infinity_as_minus_ten_thousand), (ex([[-20000.0, -_INF]]),), "X08",
            ("flashinfer-ai/flashinfer#4267", "allenai/allennlp#890")),
    Mistake("softmax/minus-infinity-as-zero", "softmax of x with 0 in place of -inf", "exp(-inf) is 0: leave it",
            "SMX101", same(minus_infinity_as_zero), _ONE_MASKED, "X25"),
    Mistake("softmax/minus-infinity-as-minimum", "softmax of x with its finite minimum in place of -inf",
            "exp(-inf) is 0: leave it", "SMX101", same(uniform_where_masked_somewhere), _ONE_MASKED, "X08",
            ("allenai/allennlp#893",)),
    Mistake("log_softmax/nan-dropped", "log_softmax of x with -inf in place of NaN", _PROPAGATE, "SMX104",
            same(log_nan_dropped), _WITH_NAN, "X22", ("ohdearquant/lattice#740",)),
    Mistake("log_softmax/minus-infinity-as-minus-1e4", "log_softmax(x), with -1e4 in place of -inf",
            SHIFTED_LOG_SOFTMAX + ": -inf is the right answer", "SMX103", same(log_lowest_finite), _ONE_MASKED,
            "X08"),
    Mistake("log_softmax/zero-where-impossible", "where(p > 0, log p, 0)", SHIFTED_LOG_SOFTMAX, "SMX103",
            same(log_zero_for_minus_infinity), _ONE_MASKED, "X25"),
    Mistake("logsumexp/nan-dropped", "logsumexp of x with -inf in place of NaN", _PROPAGATE, "SMX104",
            reduced(lse_nan_dropped, -np.inf), _WITH_NAN, "X22", ("ohdearquant/lattice#740",)),
    Mistake("logsumexp/infinities-unguarded", "NaN for a row of -inf, and for a row with inf",
            "where max(x) is not finite, shift by 0", "SMX103", reduced(lse_unguarded, -np.inf),
            (*_ALL_MASKED, ex([[_INF, 0.0]])), "X33",
            ("tensorflow/tensorflow#11692", "stan-dev/math#646", "ml-explore/mlx#576", "tinygrad/tinygrad#17822")),
    Mistake("logsumexp/zero-where-impossible", "0 for a row of -inf", "-inf, the logarithm of 0", "SMX103",
            reduced(lse_zero_for_impossible), _ALL_MASKED, "X50"),
    Mistake("logsumexp/plus-infinity-where-impossible", "inf for a row of -inf", "-inf, the logarithm of 0",
            "SMX103", reduced(lse_plus_infinity_for_impossible, np.inf), _ALL_MASKED, "X50",
            ("Dao-AILab/flash-attention#978",)),
)  # fmt: skip
