"""Wrong backward passes from a stored output."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes.derivative_parts import Formula, centred, product
from smxcheck.mistakes.model import Example, Mistake, ex
from smxcheck.mistakes.rows import Rows, number, right_softmax, total


def zeros(g: Rows, y: Rows) -> Rows:
    return np.zeros_like(g)


def uncentred(g: Rows, y: Rows) -> Rows:
    return y * g


def plain_mean(g: Rows, y: Rows) -> Rows:
    return y * (g - total(g) / number(g, g.shape[1]))


def plain_sum(g: Rows, y: Rows) -> Rows:
    return y * (g - total(g))


def diagonal(g: Rows, y: Rows) -> Rows:
    return y * (number(y, 1) - y) * g


def plus(g: Rows, y: Rows) -> Rows:
    return y * (g + total(y * g))


def inner_product_unscaled(g: Rows, y: Rows) -> Rows:
    return y * g - total(y * g)


def sign(g: Rows, y: Rows) -> Rows:
    return -centred(y, g)


def taken_for_logits(g: Rows, y: Rows) -> Rows:
    """softmax twice: the output is put through it again."""
    return centred(right_softmax(y), g)


def normalised(g: Rows, y: Rows) -> Rows:
    """The output divided by its sum: another function as soon as it is rounded."""
    return centred(y / total(y), g)


def arguments_swapped(g: Rows, y: Rows) -> Rows:
    return centred(g, y)


def whole_batch(g: Rows, y: Rows) -> Rows:
    return y * (g - total((y * g).reshape(1, -1)))


def log_right(g: Rows, y: Rows) -> Rows:
    return g - np.exp(y) * total(g)


def log_sign(g: Rows, y: Rows) -> Rows:
    return -log_right(g, y)


def log_of_softmax(g: Rows, y: Rows) -> Rows:
    """The backward pass of softmax."""
    return centred(np.exp(y), g)


def log_output_for_probability(g: Rows, y: Rows) -> Rows:
    """-inf times the sum at a class of probability 0."""
    return g - y * total(g)


def log_weighted_sum(g: Rows, y: Rows) -> Rows:
    p = np.exp(y)
    return g - p * total(p * g)


def log_own_cotangent(g: Rows, y: Rows) -> Rows:
    return g * (number(y, 1) - np.exp(y))


def log_sum_taken_for_one(g: Rows, y: Rows) -> Rows:
    return g - np.exp(y)


def log_plain_sum(g: Rows, y: Rows) -> Rows:
    return g - total(g)


def log_normalised(g: Rows, y: Rows) -> Rows:
    """softmax of the output: exp(y) divided by its sum."""
    return g - right_softmax(y) * total(g)


def log_whole_batch(g: Rows, y: Rows) -> Rows:
    return g - np.exp(y) * total(g.reshape(1, -1))


_GENERIC = ex([1.0, -0.5, 0.25, 2.0], [0.125, 0.25, 0.5, 0.125])
_ANY = ex([1.5, -0.75, 0.25], [-0.75, 1.25, 0.75])
_LOGS = ex([1.0, -0.5, 0.25, 2.0], [-2.5, -1.25, -0.875, -2.0])
_BATCH = ex([[1.0, 2.0], [-1.0, 0.5]], [[0.25, 0.75], [0.5, 0.5]])
_LOG_BATCH = ex([[1.0, 2.0], [-1.0, 0.5]], [[-1.5, -0.25], [-0.75, -0.625]])
_INSTEAD, _LOG_INSTEAD = "y*(g - sum(y*g))", "g - exp(y)*sum(g)"

_OF_OUTPUT: tuple[tuple[str, str, str, Formula, Example, str], ...] = (
    ("zeros", "zeros", "SMX101", zeros, _GENERIC, "X62"),
    ("uncentred", "y*g, without the sum", "SMX101", uncentred, _GENERIC, "X62"),
    ("plain-mean", "y*(g - mean(g)), the mean not weighted by y", "SMX101", plain_mean, _GENERIC, "X62"),
    ("plain-sum", "y*(g - sum(g)), the sum not weighted by y", "SMX101", plain_sum, _GENERIC, "X62"),
    ("diagonal", "y*(1 - y)*g, the diagonal of the Jacobian alone", "SMX101", diagonal, _GENERIC, "X62"),
    ("plus", "y*(g + sum(y*g))", "SMX101", plus, _GENERIC, "X62"),
    ("inner-product-unscaled", "y*g - sum(y*g), the sum not multiplied by y", "SMX101", inner_product_unscaled,
     _GENERIC, "X62"),
    ("sign", "y*(sum(y*g) - g)", "SMX101", sign, _GENERIC, "X61"),
    ("taken-for-logits", "p*(g - sum(p*g)) with p = softmax(y)", "SMX101", taken_for_logits, _GENERIC, ""),
    ("normalised", "p*(g - sum(p*g)) with p = y/sum(y)", "SMX101", normalised, _ANY, ""),
    ("arguments-swapped", "g*(y - sum(y*g))", "SMX101", arguments_swapped, _GENERIC, ""),
    ("whole-batch", "y*(g - sum(y*g)), the sum over the whole batch", "SMX101", whole_batch, _BATCH, "X10"),
)  # fmt: skip

_OF_LOG_OUTPUT: tuple[tuple[str, str, str, Formula, Example, str], ...] = (
    ("zeros", "zeros", "SMX101", zeros, _LOGS, ""),
    ("of-softmax", "p*(g - sum(p*g)) with p = exp(y), the backward pass of softmax", "SMX101", log_of_softmax, _LOGS,
     "X63"),
    ("output-for-probability", "g - y*sum(g), without exp", "SMX101", log_output_for_probability, _LOGS, "X63"),
    ("weighted-sum", "g - p*sum(p*g) with p = exp(y)", "SMX101", log_weighted_sum, _LOGS, "X63"),
    ("own-cotangent", "g*(1 - exp(y))", "SMX101", log_own_cotangent, _LOGS, "X63"),
    ("sum-taken-for-one", "g - exp(y), right only where sum(g) is 1", "SMX101", log_sum_taken_for_one, _LOGS, "X63"),
    ("plain-sum", "g - sum(g), without exp(y)", "SMX101", log_plain_sum, _LOGS, "X63"),
    ("normalised", "g - softmax(y)*sum(g)", "SMX101", log_normalised, _LOGS, ""),
    ("sign", "exp(y)*sum(g) - g", "SMX101", log_sign, _LOGS, "X61"),
    ("whole-batch", "g - exp(y)*sum(g), the sum over the whole batch", "SMX101", log_whole_batch, _LOG_BATCH, "X10"),
)  # fmt: skip

_PRECEDENTS = {"log_softmax_backward/output-for-probability": ("mlpack/mlpack#2360",)}

TABLE: tuple[Mistake, ...] = tuple(
    Mistake(f"{function}/{name}", formula, instead, check, product(call), (example,), families,
            _PRECEDENTS.get(f"{function}/{name}", ()))
    for function, instead, rows in (
        ("softmax_backward", _INSTEAD, _OF_OUTPUT),
        ("log_softmax_backward", _LOG_INSTEAD, _OF_LOG_OUTPUT),
    )
    for name, formula, check, call, example, families in rows
)  # fmt: skip
