"""The five core functions; each has several algorithms, so that a reader can compare them.

Conventions where IEEE arithmetic leaves a choice, the same for every algorithm that is not wrong on purpose:
a nan makes its row nan; entries of -inf count as absent (softmax 0, log_softmax -inf); a row of nothing but -inf has
no softmax or log_softmax (nan) and logsumexp -inf; a row with +inf has logsumexp +inf and, as in SciPy, PyTorch and
JAX, softmax and log_softmax nan (the limit, where there is a single +inf, would be one-hot).
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from smxcheck.functions import log_probabilities, log_sum, logistic, probabilities
from smxcheck.functions.algorithm import choose
from smxcheck.functions.arrays import Array, Axis


def softmax(x: ArrayLike, axis: Axis = -1, *, algorithm: str = "accurate") -> Array:
    """exp(x_i) / Σ_k exp(x_k) along ``axis`` (int, tuple, or None for all); shape and dtype of x.

    Integers and booleans become float64. ``algorithm`` is a key of ``ALGORITHMS["softmax"]``. Raises TypeError for
    what is not real, AxisError for an axis out of range, ValueError for an unknown algorithm.
    """
    return choose("softmax", probabilities.ALGORITHMS, algorithm)(x, axis)


def log_softmax(x: ArrayLike, axis: Axis = -1, *, algorithm: str = "accurate") -> Array:
    """x_i - log Σ_k exp(x_k) along ``axis``; shape and dtype of x. Arguments and errors as for `softmax`."""
    return choose("log_softmax", log_probabilities.ALGORITHMS, algorithm)(x, axis)


def logsumexp(x: ArrayLike, axis: Axis = -1, *, algorithm: str = "accurate") -> Array:
    """log Σ_k exp(x_k) along ``axis``; x's shape without it, dtype of x, -inf for no entries.

    Arguments and errors as for `softmax`.
    """
    return choose("logsumexp", log_sum.ALGORITHMS, algorithm)(x, axis)


def sigmoid(x: ArrayLike, *, algorithm: str = "accurate") -> Array:
    """1 / (1 + exp(-x)), element by element; shape and dtype of x. σ(±∞) = 1, 0. Errors as for `softmax`."""
    return choose("sigmoid", logistic.SIGMOID, algorithm)(x)


def log_sigmoid(x: ArrayLike, *, algorithm: str = "accurate") -> Array:
    """-log(1 + exp(-x)), element by element; shape and dtype of x. 0 at +∞, -∞ at -∞. Errors as for `softmax`."""
    return choose("log_sigmoid", logistic.LOG_SIGMOID, algorithm)(x)
