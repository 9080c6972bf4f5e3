"""Two classes: sigmoid, its logarithm, and the binary cross-entropy with logits."""

from __future__ import annotations

from typing import Any

import numpy as np

from smxcheck.mistakes.model import WIDE, Mistake, ex
from smxcheck.mistakes.rows import elementwise, number

SIGMOID = "t = exp(-|x|); where(x >= 0, 1/(1 + t), t/(1 + t))"
LOG_SIGMOID = "min(x, 0) - log1p(exp(-|x|))"
BCE = "max(x, 0) - x*y + log1p(exp(-|x|))"

#: An array of any shape. NumPy's stubs give the result of every ufunc the type Any.
Array = Any


def _one(x: Array) -> Any:
    return number(x, 1.0)


def right_sigmoid(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, _one(x), t) / (_one(x) + t)


def _softplus(x: Array) -> Array:
    return np.maximum(x, number(x, 0.0)) + np.log1p(np.exp(-np.abs(x)))


def textbook_sigmoid(x: Array) -> Array:
    """exp(-x) overflows to inf below -11.1 in float16 and 1/inf is 0, where 1.5e-5 is right. In the wider formats
    only subnormal results are lost, which every level but the best grants."""
    return _one(x) / (_one(x) + np.exp(-x))


def exp_over_one_plus_exp(x: Array) -> Array:
    e = np.exp(x)
    return e / (_one(x) + e)


def half_tanh(x: Array) -> Array:
    """½ (1 + tanh(x/2)) cancels for negative x: 0 below -17 in float32."""
    half = number(x, 0.5)
    return half * (_one(x) + np.tanh(half * x))


def clamped_sigmoid(x: Array) -> Array:
    """x clipped to ±10, to keep exp from overflowing."""
    limit = number(x, 10.0)
    return right_sigmoid(np.where(x > limit, limit, np.where(x < -limit, -limit, x)))


def hard_sigmoid(x: Array) -> Array:
    line = x / number(x, 6.0) + number(x, 0.5)
    return np.where(line > 1, _one(x), np.where(line < 0, number(x, 0.0), line))


def sigmoid_of_minus_x(x: Array) -> Array:
    return right_sigmoid(-x)


def scaled_sigmoid(x: Array) -> Array:
    """In 16 bit the factor is below half an ulp and rounds away."""
    return right_sigmoid(x) * number(x, 1.0 + 2.0**-12)


def half(x: Array) -> Array:
    return np.full_like(x, number(x, 0.5))


def log_of_sigmoid(x: Array) -> Array:
    """-inf where sigmoid underflows, though x itself is the answer."""
    return np.log(right_sigmoid(x))


def minus_log_one_plus_exp(x: Array) -> Array:
    return -np.log1p(np.exp(-x))


def x_minus_log_one_plus_exp(x: Array) -> Array:
    return x - np.log1p(np.exp(x))


def log_of_sigmoid_plus_eps(x: Array) -> Array:
    return np.log(right_sigmoid(x) + number(x, 1e-8))


def log_sigmoid_shift_sign(x: Array) -> Array:
    """The wrong branch of the shift: right at x = 0 only."""
    return -np.maximum(x, number(x, 0.0)) - np.log1p(np.exp(-np.abs(x)))


def log_sigmoid_without_log1p(x: Array) -> Array:
    """log(1 + t) rounds 1 + t: 0 for x > 17 in float32, where -e^-x is right. ``standard`` grants that."""
    return np.minimum(x, number(x, 0.0)) - np.log(_one(x) + np.exp(-np.abs(x)))


def softplus(x: Array) -> Array:
    return _softplus(x)


def log_two(x: Array) -> Array:
    return np.full_like(x, number(x, -np.log(2.0)))


def bce_unshifted(x: Array, y: Array) -> Array:
    return np.log1p(np.exp(x)) - x * y


def bce_shift_sign(x: Array, y: Array) -> Array:
    """x - xy + m + log(exp(-m) + exp(-x - m)) is right for every m, and safe for m = max(-x, 0) alone."""
    m = np.maximum(x, number(x, 0.0))
    return x - x * y + m + np.log(np.exp(-m) + np.exp(-x - m))


def bce_of_probabilities(x: Array, y: Array) -> Array:
    """-y log p - (1 - y) log(1 - p) with p = sigmoid x rounded to 1 for x > 17: inf, and 0·inf = NaN."""
    p = right_sigmoid(x)
    return -(y * np.log(p) + (_one(x) - y) * np.log(_one(x) - p))


def bce_clipped(x: Array, y: Array) -> Array:
    """p clipped to [1e-7, 1 - 1e-7]: no loss above 16.1 (in 16 bit, 1 - 1e-7 is 1)."""
    eps = number(x, 1e-7)
    p = np.minimum(np.maximum(right_sigmoid(x), eps), _one(x) - eps)
    return -(y * np.log(p) + (_one(x) - y) * np.log(_one(x) - p))


def bce_unguarded_infinity(x: Array, y: Array) -> Array:
    """max(x, 0) - x·y is inf - inf at x = inf, y = 1, where the loss is 0."""
    return np.maximum(x, number(x, 0.0)) - x * y + np.log1p(np.exp(-np.abs(x)))


def bce_labels_swapped(x: Array, y: Array) -> Array:
    return _bce(x, _one(x) - y)


def bce_positive_part(x: Array, y: Array) -> Array:
    """-y log σ(x) alone, the cross-entropy of a list of classes: a wrong "yes" costs nothing."""
    return y * _softplus(-x)


def bce_sign(x: Array, y: Array) -> Array:
    return -_bce(x, y)


def bce_mean(x: Array, y: Array) -> Array:
    """Reduced, though the function is element by element."""
    return np.full_like(x, _bce(x, y).astype(np.float64).mean())


def _bce(x: Array, y: Array) -> Array:
    return y * _softplus(-x) + (_one(x) - y) * _softplus(x)


_INF = float("inf")
_LARGE = (ex([12.0, 0.0]), ex([89.0, 0.0]), ex([710.0, 0.0]))
_NEGATIVE = (ex([-12.0]), ex([-100.0]), ex([-800.0]))
_LITTLE = (ex([10.0]), ex([17.5]), ex([40.0]))
_GENERIC = (ex([-1.0, 0.5, 2.0]),)
_TWO = ([-1.0, 2.0], [0.0, 1.0])
_WRONG_YES = (ex([20.0], [0.0]), ex([40.0], [0.0]), ex([100.0], [0.0]), ex([1000.0], [0.0]))

TABLE = (
    Mistake("sigmoid/overflowing", "1/(1 + exp(-x)), where exp(-x) overflows", SIGMOID, "SMX101",
            elementwise(textbook_sigmoid), (ex([-11.5]),), dtypes=("float16",), equivalent=("bfloat16", *WIDE)),
    Mistake("sigmoid/exp-over-one-plus-exp", "exp(x)/(1 + exp(x))", SIGMOID, "SMX102",
            elementwise(exp_over_one_plus_exp), _LARGE, "X01"),
    Mistake("sigmoid/half-tanh", "(1 + tanh(x/2))/2", SIGMOID, "SMX101", elementwise(half_tanh),
            (ex([-9.0]), ex([-40.0]))),
    Mistake("sigmoid/clamped", "sigmoid of x clipped to [-10, 10]", SIGMOID, "SMX101", elementwise(clamped_sigmoid),
            (ex([-12.0]),), "X09"),
    Mistake("sigmoid/hard", "clip(x/6 + 1/2, 0, 1)", SIGMOID, "SMX101", elementwise(hard_sigmoid), _GENERIC),
    Mistake("sigmoid/of-minus-x", "1/(1 + exp(x))", SIGMOID, "SMX101", elementwise(sigmoid_of_minus_x), _GENERIC),
    Mistake("sigmoid/scaled", "sigmoid(x)*(1 + 2**-12)", SIGMOID, "SMX101", elementwise(scaled_sigmoid), _GENERIC,
            dtypes=WIDE, equivalent=("float16", "bfloat16")),
    Mistake("sigmoid/half", "1/2 everywhere", SIGMOID, "SMX101", elementwise(half), _GENERIC),
    Mistake("log_sigmoid/log-of-sigmoid", "log(sigmoid(x))", LOG_SIGMOID, "SMX102", elementwise(log_of_sigmoid),
            (ex([-20.0]), ex([-110.0]), ex([-800.0])), "X26"),
    Mistake("log_sigmoid/overflowing", "-log(1 + exp(-x))", LOG_SIGMOID, "SMX102",
            elementwise(minus_log_one_plus_exp), _NEGATIVE, "X01"),
    Mistake("log_sigmoid/x-minus-log", "x - log(1 + exp(x))", LOG_SIGMOID, "SMX102",
            elementwise(x_minus_log_one_plus_exp), _LARGE, "X01"),
    Mistake("log_sigmoid/log-of-sigmoid-plus-1e-8", "log(sigmoid(x) + 1e-8)", LOG_SIGMOID, "SMX101",
            elementwise(log_of_sigmoid_plus_eps), (ex([-20.0]), ex([-30.0])), "X27"),
    Mistake("log_sigmoid/shift-sign", "-max(x, 0) - log1p(exp(-|x|))", LOG_SIGMOID, "SMX101",
            elementwise(log_sigmoid_shift_sign), _GENERIC, "X73"),
    Mistake("log_sigmoid/log-of-one-plus", "min(x, 0) - log(1 + exp(-|x|))", LOG_SIGMOID, "SMX101",
            elementwise(log_sigmoid_without_log1p), _LITTLE, "X30", fails="tight"),
    Mistake("log_sigmoid/softplus", "log(1 + exp(x))", LOG_SIGMOID, "SMX101", elementwise(softplus), _GENERIC),
    Mistake("log_sigmoid/minus-log-2", "-log(2) everywhere", LOG_SIGMOID, "SMX101", elementwise(log_two), _GENERIC),
    Mistake("binary_cross_entropy_with_logits/overflowing", "log(1 + exp(x)) - x*y", BCE, "SMX102",
            elementwise(bce_unshifted), (ex([12.0], [1.0]), ex([89.0], [1.0]), ex([710.0], [0.5])), "X73",
            ("pytorch/pytorch#13773",)),
    Mistake("binary_cross_entropy_with_logits/shift-sign", "x - x*y + m + log(exp(-m) + exp(-x - m)), m = max(x, 0)"
            " for max(-x, 0)", BCE, "SMX102", elementwise(bce_shift_sign),
            (ex([-12.0], [0.0]), ex([-100.0], [0.0]), ex([-1000.0], [0.5])), "X73", ("pytorch/pytorch#2221",)),
    Mistake("binary_cross_entropy_with_logits/of-probabilities", "-y*log(p) - (1 - y)*log(1 - p) with p = sigmoid(x)",
            BCE, "SMX102", elementwise(bce_of_probabilities), _WRONG_YES, "X57", ("huggingface/candle#2561",)),
    Mistake("binary_cross_entropy_with_logits/clipped", "-y*log(p) - (1 - y)*log(1 - p) with p clipped to"
            " [1e-7, 1 - 1e-7]", BCE, "SMX101", elementwise(bce_clipped), _WRONG_YES, "X27",
            ("keras-team/keras#17634", "Lasagne/Lasagne#567")),
    Mistake("binary_cross_entropy_with_logits/infinity-unguarded", "inf - inf at x = inf, y = 1",
            "y*softplus(-x) + (1 - y)*softplus(x), leaving out a term whose factor is 0", "SMX102",
            elementwise(bce_unguarded_infinity), (ex([_INF], [1.0]),), "X57", ("pytorch/pytorch#102894", "pytorch/pytorch#135359")),
    Mistake("binary_cross_entropy_with_logits/labels-swapped", "the loss of 1 - y", BCE, "SMX101",
            elementwise(bce_labels_swapped), (ex(*_TWO),)),
    Mistake("binary_cross_entropy_with_logits/positive-part", "-y*log(sigmoid(x)), without the other class", BCE,
            "SMX101", elementwise(bce_positive_part), (ex(*_TWO),)),
    Mistake("binary_cross_entropy_with_logits/sign", "y*log(p) + (1 - y)*log(1 - p), not negated", BCE, "SMX101",
            elementwise(bce_sign), (ex(*_TWO),)),
    Mistake("binary_cross_entropy_with_logits/mean", "the mean over all elements, in every element",
            BCE + ", element by element", "SMX101", elementwise(bce_mean), (ex(*_TWO),)),
)  # fmt: skip
