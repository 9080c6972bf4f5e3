"""Answers that were not computed, or that carry a small error which a tolerance of 1e-3 would pass."""

from __future__ import annotations

import math

import numpy as np

from smxcheck.mistakes.model import WIDE, Mistake, ex
from smxcheck.mistakes.rows import (
    Rows,
    number,
    reduced,
    right_log_softmax,
    right_logsumexp,
    right_softmax,
    same,
)
from smxcheck.mistakes.shift import SHIFTED_LOG_SOFTMAX, SHIFTED_LOGSUMEXP, SHIFTED_SOFTMAX

#: Larger than the rounding of any level in float32 and float64, smaller than half an ulp of a 16-bit result.
SCALE = 1.0 + 2.0**-12


def zeros(x: Rows) -> Rows:
    return np.zeros_like(x)


def uniform(x: Rows) -> Rows:
    return np.full_like(x, number(x, 1.0 / x.shape[1]))


def one_hot(x: Rows) -> Rows:
    """1 for the first maximum, 0 elsewhere."""
    return (np.arange(x.shape[1]) == np.argmax(x, axis=1)[:, None]).astype(x.dtype)


def scaled(x: Rows) -> Rows:
    """In 16 bit the factor is below half an ulp and rounds away."""
    return right_softmax(x) * number(x, SCALE)


def plus_1e_8(x: Rows) -> Rows:
    """1e-8 is half the smallest number of float16 and rounds away there only next to normal results; a tail of
    1e-20 is off by 12 orders of magnitude in the others."""
    return right_softmax(x) + number(x, 1e-8)


def rounded_to_four_digits(x: Rows) -> Rows:
    """Four decimals, as printed: far below what float16 carries near 1."""
    return np.round(right_softmax(x).astype(np.float64), 4).astype(x.dtype)


def minus_log_n(x: Rows) -> Rows:
    return np.full_like(x, number(x, -math.log(x.shape[1])))


def log_scaled(x: Rows) -> Rows:
    return right_log_softmax(x) * number(x, SCALE)


def lse_scaled(x: Rows) -> Rows:
    return right_logsumexp(x) * number(x, SCALE)


def lse_zeros(x: Rows) -> Rows:
    return np.zeros((x.shape[0], 1), x.dtype)


_PAIR = (ex([[0.0, 1.0]]),)

TABLE = (
    Mistake("softmax/zeros", "zeros", SHIFTED_SOFTMAX, "SMX101", same(zeros), _PAIR),
    Mistake("softmax/uniform", "1/n everywhere", SHIFTED_SOFTMAX, "SMX101", same(uniform), _PAIR),
    Mistake("softmax/one-hot", "1 for the largest entry, 0 for the others", SHIFTED_SOFTMAX, "SMX101", same(one_hot),
            _PAIR),
    Mistake("softmax/scaled", "softmax(x)*(1 + 2**-12)", SHIFTED_SOFTMAX, "SMX101", same(scaled), _PAIR, dtypes=WIDE,
            equivalent=("float16", "bfloat16")),
    Mistake("softmax/plus-1e-8", "softmax(x) + 1e-8", SHIFTED_SOFTMAX, "SMX101", same(plus_1e_8),
            (ex([[0.0, -30.0]]),), "X13", dtypes=("bfloat16", *WIDE), equivalent=("float16",)),
    Mistake("softmax/rounded-to-four-decimals", "round(softmax(x), 4)", SHIFTED_SOFTMAX, "SMX101",
            same(rounded_to_four_digits), (ex([[0.0, -8.0]]), ex([[0.0, -9.0]]))),
    Mistake("log_softmax/zeros", "zeros", SHIFTED_LOG_SOFTMAX, "SMX101", same(zeros), _PAIR),
    Mistake("log_softmax/uniform", "-log(n) everywhere", SHIFTED_LOG_SOFTMAX, "SMX101", same(minus_log_n), _PAIR),
    Mistake("log_softmax/scaled", "log_softmax(x)*(1 + 2**-12)", SHIFTED_LOG_SOFTMAX, "SMX101", same(log_scaled),
            _PAIR, dtypes=WIDE, equivalent=("float16", "bfloat16")),
    Mistake("logsumexp/zeros", "zeros", SHIFTED_LOGSUMEXP, "SMX101", reduced(lse_zeros, -np.inf), _PAIR),
    Mistake("logsumexp/scaled", "logsumexp(x)*(1 + 2**-12)", SHIFTED_LOGSUMEXP, "SMX101", reduced(lse_scaled, -np.inf),
            _PAIR, dtypes=WIDE, equivalent=("float16", "bfloat16")),
)  # fmt: skip
