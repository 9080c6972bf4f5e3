"""From a call to what is right: ``expect`` for every kind of answer, ``enclose`` for the numbers alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from smxcheck.oracle.arguments import checked
from smxcheck.oracle.core import expect_elementwise, expect_logsumexp, expect_rowwise
from smxcheck.oracle.enclosure import Enclosure, Expected, Kind
from smxcheck.oracle.families import expect_rows
from smxcheck.oracle.information import (
    expect_binary_cross_entropy,
    expect_distribution,
    expect_softmax_entropy,
)
from smxcheck.oracle.loss import expect_cross_entropy_grad, expect_loss
from smxcheck.oracle.sampling import expect_draws, expect_gumbel
from smxcheck.oracle.tiers import MOST_BITS, RELATIVE_BITS, first_bits

__all__ = ["Enclosure", "Expected", "Kind", "MOST_BITS", "NOT_ROWS", "RELATIVE_BITS", "enclose", "expect", "first_bits"]

#: Functions with a path of their own; every other one goes through `smxcheck.oracle.families`.
NOT_ROWS = frozenset((
    "softmax", "log_softmax", "logsumexp", "sigmoid", "log_sigmoid", "cross_entropy", "nll_loss",
    "binary_cross_entropy_with_logits", "softmax_entropy", "entropy", "kl_divergence", "distribution_cross_entropy",
    "cross_entropy_grad", "gumbel_max_sample",
))  # fmt: skip


def expect(
    function: str,
    arguments: tuple[Any, ...],
    keywords: Mapping[str, Any] | None = None,
    bits: int | None = None,
) -> Expected:
    """What is right for ``function(*arguments, **keywords)``, numbers enclosed to 2^-bits relative where they can be.

    ``bits`` is 80 by default where the first argument is float64 or integer, else 40. Large inputs are enclosed to that
    by certified arithmetic (less where the answer is a small difference), all others by smxref, and to 80 bits at least.
    The stored values of the arguments are taken as exact. Raises LookupError for a function without a reference.
    """
    given = dict(keywords or {})
    bits = first_bits(np.asarray(arguments[0]).dtype) if bits is None else bits
    axis = given.get("axis", -1)
    match function:
        case "softmax" | "log_softmax":
            return expect_rowwise(function, arguments[0], axis, bits)
        case "logsumexp":
            return expect_logsumexp(arguments[0], axis, bits)
        case "sigmoid" | "log_sigmoid":
            return expect_elementwise(function, arguments[0], bits)
        case "cross_entropy" | "nll_loss":
            return expect_loss(function, arguments[0], arguments[1], given, bits)
        case "binary_cross_entropy_with_logits":
            return expect_binary_cross_entropy(arguments[0], arguments[1], bits)
        case "softmax_entropy":
            return expect_softmax_entropy(arguments[0], axis, bits)
        case "entropy" | "kl_divergence" | "distribution_cross_entropy":
            return expect_distribution(function, arguments, axis, bits)
        case "cross_entropy_grad":
            return expect_cross_entropy_grad(arguments[0], arguments[1], bits)
        case "gumbel_softmax" | "gumbel_softmax_jacobian":
            return expect_gumbel(function, arguments[0], arguments[1], given, bits)
        case "gumbel_max_sample":
            return expect_draws(arguments[0], bits)
    return expect_rows(function, arguments, given, bits)


def enclose(function: str, *arguments: Any, bits: int | None = None, **keywords: Any) -> Enclosure:
    """Enclosures of the values of a function: |y - (hi + lo)·2^exponent| ≤ bound·|y|, element by element.

    ``function`` is a name of the catalog, arguments and keywords are those of `smxcheck.functions`; the arrays of the
    result have the shape of the function's own result. The stored values of float16, bfloat16, float32, float64 and integer
    arguments are taken as exact (integers beyond 2^53 as the nearest float64). ``bits`` is as in `expect`: the bound is
    at most 2^-bits, or 2^(16 - bits) where the answer is a small difference, but not below 2^-105, since hi and lo hold no
    more. It is proven, for large inputs in
    `smxcheck/oracle/certified/README.md`; hi = lo = 0 with bound 1 says |y| ≤ 2^exponent, far below every format.

        e = enclose("softmax", [0.0, 1000.0])
        e.float64()              # [0, 1]: rounded to float64
        e.hi[0], e.exponent[0]    # 0.6177 and -1442: exp(-1000)

    Raises LookupError for an unknown function, TypeError for a keyword, a number of arguments or a dtype that it does not
    have, ValueError for an axis or bits out of range, a label that is no class, and where an element of the result is not a
    number (an infinity, NaN, or no single answer: `expect` tells which).
    """
    arrays = checked(function, arguments, keywords, bits)
    expected = expect(function, arrays, keywords, bits)
    if expected.must_raise:
        raise ValueError(f"{function}: {expected.must_raise}")
    if expected.kind.any():  # Kind.VALUE is 0
        raise ValueError(f"{function}: the result holds elements that are not finite numbers")
    return expected.enclosure
