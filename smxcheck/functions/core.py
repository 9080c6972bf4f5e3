"""The five core functions; each has several algorithms, so that a reader can compare them.

Conventions where IEEE arithmetic leaves a choice, the same for every algorithm that is not wrong on purpose:
a nan makes its row nan; entries of -inf count as absent (softmax 0, log_softmax -inf); a row of nothing but -inf has
no softmax or log_softmax (nan) and logsumexp -inf; a row with +inf has logsumexp +inf and, as in SciPy, PyTorch and
JAX, softmax and log_softmax nan (the limit, where there is a single +inf, would be one-hot).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import log_probabilities, log_sum, logistic, probabilities
from smxcheck.functions.algorithm import Algorithm, choose
from smxcheck.functions.arrays import Array, Axis, as_real
from smxcheck.functions.drive import checked_out

#: Algorithms that work in strips: they write where they are told and can share the work among threads.
_IN_STRIPS = ("accurate", "fast")


def softmax(
    x: ArrayLike, axis: Axis = -1, *, algorithm: str = "accurate", out: Array | None = None, threads: int = 1
) -> Array:
    """exp(x_i) / Σ_k exp(x_k) along ``axis`` (int, tuple, or None for all); shape and dtype of x.

    Integers and booleans become float64. ``algorithm`` is a key of ``ALGORITHMS["softmax"]``. ``out`` is an array of
    that shape and dtype that the result goes into and that is returned: x itself, or memory apart from x. ``threads``
    share the rows of a large array, in ``accurate`` and ``fast``; the result is the same to the bit.

    ``accurate`` errs by at most ½ ulp and 2^-20 of one in float16, bfloat16 and float32; in float64 by ½ + 2^-6 ulp, for
    log_softmax ½ + 2^-3, and 1 ulp below the normal numbers (`smxcheck.functions.compensated`). ``fast`` is ``tight``.

    Raises TypeError for what is not real, AxisError for an axis out of range, ValueError for an unknown algorithm,
    TypeError or ValueError for an ``out`` that does not fit, ValueError for threads below 1.
    """
    return _into(out, "softmax", probabilities.ALGORITHMS, algorithm, x, axis, threads)


def log_softmax(
    x: ArrayLike, axis: Axis = -1, *, algorithm: str = "accurate", out: Array | None = None, threads: int = 1
) -> Array:
    """x_i - log Σ_k exp(x_k) along ``axis``; shape and dtype of x. Arguments and errors as for `softmax`."""
    return _into(out, "log_softmax", log_probabilities.ALGORITHMS, algorithm, x, axis, threads)


def _into(
    out: Array | None, function: str, algorithms: dict[str, Algorithm], name: str, x: ArrayLike, axis: Axis,
    threads: int,
) -> Array:  # fmt: skip
    """The result of the algorithm, in ``out`` if it is given; algorithms kept for comparison make theirs apart."""
    call = choose(function, algorithms, name)
    if name in _IN_STRIPS:
        return call(x, axis, out=out, threads=threads)
    if out is None:
        return call(x, axis)
    np.copyto(checked_out(out, as_real(x, "x")), call(x, axis))
    return out


def logsumexp(x: ArrayLike, axis: Axis = -1, *, algorithm: str = "accurate", threads: int = 1) -> Array:
    """log Σ_k exp(x_k) along ``axis``; x's shape without it, dtype of x, -inf for no entries.

    Arguments and errors as for `softmax`, with no ``out``; ``accurate`` errs by at most 1.5 ulp in float64. float64 rows
    in which max x and log Σ cancel to 2^-20, as in log-probabilities, take it some 15 µs an entry.
    """
    call = choose("logsumexp", log_sum.ALGORITHMS, algorithm)
    return call(x, axis, threads=threads) if algorithm in _IN_STRIPS else call(x, axis)


def sigmoid(x: ArrayLike, *, algorithm: str = "accurate") -> Array:
    """1 / (1 + exp(-x)), element by element; shape and dtype of x. σ(±∞) = 1, 0. Errors as for `softmax`."""
    return choose("sigmoid", logistic.SIGMOID, algorithm)(x)


def log_sigmoid(x: ArrayLike, *, algorithm: str = "accurate") -> Array:
    """-log(1 + exp(-x)), element by element; shape and dtype of x. 0 at +∞, -∞ at -∞. Errors as for `softmax`."""
    return choose("log_sigmoid", logistic.LOG_SIGMOID, algorithm)(x)
