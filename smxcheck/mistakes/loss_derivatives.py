"""Wrong derivatives of the losses and of the two-class functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes.gradient import rows_and_targets
from smxcheck.mistakes.model import SIXTEEN_BIT, WIDE, Example, Mistake, ex
from smxcheck.mistakes.rows import Rows, elementwise, number, right_softmax, total
from smxcheck.mistakes.two_class import right_sigmoid

SIGMOID = "t = exp(-|x|); t/(1 + t)**2"
LOG_SIGMOID = "t = exp(-|x|); where(x >= 0, t, 1)/(1 + t)"
BCE = "(1 - y)*sigmoid(x) - y*sigmoid(-x)"
HESSIAN = "sum(y)*(diag(p) - outer(p, p))/m, p = softmax(z), for each of m rows"
NLL = "-y/m for m rows"

#: An array of any shape. NumPy's stubs give the result of every ufunc the type Any.
Array = Any


def by_rows(formula: Callable[..., Rows], matrices: bool = False) -> Callable[..., np.ndarray]:
    """``(scores, labels)`` from a function of the rows and their targets y, one-hot for integer labels. With
    ``matrices`` it returns one for each row."""

    def call(scores: Any, labels: Any) -> np.ndarray:
        with np.errstate(all="ignore"):
            z, rows, y = rows_and_targets(scores, labels)
            shape = (*z.shape, z.shape[-1]) if matrices else z.shape
            return np.asarray(formula(rows, y)).astype(z.dtype, copy=False).reshape(shape)

    return call


def one(x: Array) -> Any:
    return number(x, 1.0)


# -- sigmoid


def from_output(x: Array) -> Array:
    s = right_sigmoid(x)
    return s * (one(x) - s)


def input_as_output(x: Array) -> Array:
    """s(1 - s) is the derivative by way of the output s; here it is applied to the input."""
    return x * (one(x) - x)


def of_tanh(x: Array) -> Array:
    s = right_sigmoid(x)
    return one(x) - s * s


def overflowing_slope(x: Array) -> Array:
    """exp(-x) overflows for a very negative x, and inf/inf is NaN."""
    t = np.exp(-x)
    return t / np.square(one(x) + t)


def overflowing_tail(x: Array) -> Array:
    t = np.exp(-x)
    return t / (one(x) + t)


def clamped_slope(x: Array) -> Array:
    """x clipped to ±10: the derivative never falls below 4.5e-5."""
    limit = number(x, 10.0)
    return from_output(np.minimum(np.maximum(x, -limit), limit))


def one_minus_sigmoid(x: Array) -> Array:
    return one(x) - right_sigmoid(x)


def sigmoid_of_x(x: Array) -> Array:
    return right_sigmoid(x)


def minus_tail(x: Array) -> Array:
    return -right_sigmoid(-x)


# -- two-class cross-entropy


def bce_plain(x: Array, y: Array) -> Array:
    return right_sigmoid(x) - y


def bce_sign(x: Array, y: Array) -> Array:
    return y - right_sigmoid(x)


def bce_kink_at_zero(x: Array, y: Array) -> Array:
    """max(x, 0) - x·y + log1p(exp(-|x|)) term by term: max and |x| have the derivative 0 at 0, where ½ - y is right."""
    t = np.exp(-np.abs(x))
    return np.where(x > 0, one(x), number(x, 0.0)) - y - np.sign(x) * t / (one(x) + t)


def bce_clipped(x: Array, y: Array) -> Array:
    """Probabilities clipped to [1e-7, 1 - 1e-7]: no gradient where the clip holds, also where x is badly wrong."""
    p, eps = right_sigmoid(x), number(x, 1e-7)
    return np.where((p < eps) | (p > one(x) - eps), number(x, 0.0), p - y)


def bce_through_probabilities(x: Array, y: Array) -> Array:
    """The chain rule through p: 0·inf where p rounds to 0 or 1."""
    p = right_sigmoid(x)
    return ((one(x) - y) / (one(x) - p) - y / p) * p * (one(x) - p)


def bce_mean(x: Array, y: Array) -> Array:
    """The gradient of the mean over the elements."""
    return bce_plain(x, y) / number(x, max(x.size, 1))


def bce_curvature_plain(x: Array, y: Array) -> Array:
    return from_output(x)


def bce_curvature_doubled(x: Array, y: Array) -> Array:
    return number(x, 2.0) * from_output(x)


def bce_curvature_zero(x: Array, y: Array) -> Array:
    return np.zeros_like(x)


def bce_curvature_of_yes(x: Array, y: Array) -> Array:
    """y·p(1 - p): the second derivative of -y log σ(x) alone."""
    return y * from_output(x)


def bce_squared_gradient(x: Array, y: Array) -> Array:
    """(p - y)² is p(1 - p) on average only (the empirical Fisher information)."""
    return np.square(bce_plain(x, y))


# -- cross-entropy and nll_loss


def curvature(p: Rows) -> Rows:
    """diag(p) - p·pᵀ as it is written."""
    return p[:, :, None] * np.eye(p.shape[1], dtype=p.dtype) - p[:, :, None] * p[:, None, :]


def _mean(blocks: Rows) -> Rows:
    return blocks / number(blocks, len(blocks))


def _of_labels(blocks: Rows, y: Rows) -> Rows:
    return _mean(blocks * total(y).astype(y.dtype)[:, :, None])


def hessian_plain(z: Rows, y: Rows) -> Rows:
    """p - p·p cancels where p is near 1; ``standard`` grants that. A 16-bit softmax is float32 here, which has digits to
    lose."""
    return _of_labels(curvature(right_softmax(z)), y)


def hessian_labels_sum_to_one(z: Rows, y: Rows) -> Rows:
    return _mean(curvature(right_softmax(z)))


def hessian_not_divided(z: Rows, y: Rows) -> Rows:
    return hessian_plain(z, y) * number(z, len(z))


def hessian_diagonal(z: Rows, y: Rows) -> Rows:
    return hessian_plain(z, y) * np.eye(z.shape[1], dtype=z.dtype)


def hessian_without_diagonal(z: Rows, y: Rows) -> Rows:
    """-p·pᵀ: the Kronecker delta is missing."""
    p = right_softmax(z)
    return _of_labels(-p[:, :, None] * p[:, None, :], y)


def hessian_doubled_diagonal(z: Rows, y: Rows) -> Rows:
    """2p(1 - p): an upper bound of the Hessian that boosting uses by design."""
    return number(z, 2.0) * hessian_diagonal(z, y)


def hessian_of_gradients(z: Rows, y: Rows) -> Rows:
    """g·gᵀ with the gradient g = p Σy - y (the empirical Fisher information)."""
    g = right_softmax(z) * total(y).astype(y.dtype) - y
    return _mean(g[:, :, None] * g[:, None, :])


def hessian_zero(z: Rows, y: Rows) -> Rows:
    return np.zeros((*z.shape, z.shape[1]), z.dtype)


def nll_not_divided(z: Rows, y: Rows) -> Rows:
    return -y


def nll_sign(z: Rows, y: Rows) -> Rows:
    return _mean(y)


def nll_by_entries(z: Rows, y: Rows) -> Rows:
    return _mean(-y) / number(z, z.shape[1])


def nll_of_probabilities(z: Rows, y: Rows) -> Rows:
    """-y/(m p), the derivative of -log p by p."""
    return np.where(y == 0, number(z, 0.0), _mean(-y) / z)


def nll_of_logits(z: Rows, y: Rows) -> Rows:
    return _mean(right_softmax(z) * total(y).astype(y.dtype) - y)


_TAILS, _LEFT = (ex([8.0, 12.0]), ex([20.0, 40.0])), (ex([-12.0]), ex([-100.0]), ex([-800.0]))
_POINTS = (ex([-1.0, 0.5, 2.0]),)
_PAIR = (ex([-1.0, 2.0], [0.0, 1.0]),)
_Z = [[-0.5, -1.0, -3.0], [-2.0, -1.0, -0.25]]
_BATCH: tuple[Example, ...] = (ex(_Z, [2, 0]),)


def _each(name: str, text: str, instead: str, call: Any, examples: Any, check: str = "SMX101", **more: Any) -> Mistake:
    return Mistake(name, text, instead, check, elementwise(call), examples, **more)


def _rows(name: str, text: str, call: Any, examples: Any = _BATCH, **more: Any) -> Mistake:
    matrices = name.startswith("cross_entropy_hessian")
    return Mistake(name, text, HESSIAN if matrices else NLL, "SMX101", by_rows(call, matrices), examples, **more)


_S, _L = "sigmoid_grad/", "log_sigmoid_grad/"
_G, _H = "binary_cross_entropy_with_logits_grad/", "binary_cross_entropy_with_logits_hessian/"
_C, _N = "cross_entropy_hessian/", "nll_loss_grad/"

TABLE = (
    _each(_S + "from-output", "s*(1 - s) with s = sigmoid(x)", SIGMOID, from_output, _TAILS, fails="tight"),
    _each(_S + "input-as-output", "x*(1 - x)", SIGMOID, input_as_output, _POINTS),
    _each(_S + "of-tanh", "1 - s*s with s = sigmoid(x)", SIGMOID, of_tanh, _POINTS),
    _each(_S + "overflowing", "exp(-x)/(1 + exp(-x))**2", SIGMOID, overflowing_slope, _LEFT, "SMX102", families="X01"),
    _each(_S + "clamped", "s*(1 - s) with s = sigmoid(clip(x, -10, 10))", SIGMOID, clamped_slope,
          (ex([-16.0]),)),
    _each(_L + "one-minus-sigmoid", "1 - sigmoid(x)", LOG_SIGMOID, one_minus_sigmoid, _TAILS, fails="tight"),
    _each(_L + "sigmoid", "sigmoid(x)", LOG_SIGMOID, sigmoid_of_x, _POINTS),
    _each(_L + "sign", "-sigmoid(-x)", LOG_SIGMOID, minus_tail, _POINTS, families="X61"),
    _each(_L + "of-sigmoid", "s*(1 - s) with s = sigmoid(x)", LOG_SIGMOID, from_output, _POINTS),
    _each(_L + "overflowing", "exp(-x)/(1 + exp(-x))", LOG_SIGMOID, overflowing_tail, _LEFT, "SMX102", families="X01"),
    _each(_G + "plain", "sigmoid(x) - y", BCE, bce_plain, (ex([8.0, 12.0], [1.0, 1.0]),), fails="tight"),
    _each(_G + "sign", "y - sigmoid(x)", BCE, bce_sign, _PAIR, families="X61"),
    _each(_G + "kink-at-0", "(x > 0) - y - sign(x)*t/(1 + t) with t = exp(-|x|)", BCE, bce_kink_at_zero,
          (ex([0.0], [1.0]),), families="X73", precedents=("pytorch/pytorch#2298",)),
    _each(_G + "clipped", "sigmoid(x) - y, 0 where sigmoid(x) is outside [1e-7, 1 - 1e-7]", BCE, bce_clipped,
          (ex([-100.0], [1.0]),)),
    _each(_G + "through-probabilities", "((1 - y)/(1 - p) - y/p)*p*(1 - p) with p = sigmoid(x)", BCE,
          bce_through_probabilities, (ex([40.0], [0.0]),), "SMX102"),
    _each(_G + "mean", "(sigmoid(x) - y)/size", BCE, bce_mean, _PAIR, families="X51"),
    _each(_H + "from-output", "p*(1 - p) with p = sigmoid(x)", SIGMOID, bce_curvature_plain,
          (ex([8.0, 12.0], [1.0, 0.0]), ex([20.0, 40.0], [1.0, 0.0])), fails="tight"),
    _each(_H + "doubled", "2*p*(1 - p)", SIGMOID, bce_curvature_doubled, _PAIR, families="X66",
          precedents=("dmlc/xgboost#5769",)),
    _each(_H + "zeros", "zeros", SIGMOID, bce_curvature_zero, _PAIR, families="X66",
          precedents=("tensorflow/tensorflow#7403",)),
    _each(_H + "of-yes", "y*p*(1 - p)", SIGMOID, bce_curvature_of_yes, _PAIR),
    _each(_H + "squared-gradient", "(sigmoid(x) - y)**2", SIGMOID, bce_squared_gradient, _PAIR),
    _rows(_C + "plain", "sum(y)*(diag(p) - outer(p, p))/m, cancelling on the diagonal", hessian_plain,
          (ex([[5.0, 0.0, -1.0, 0.5]], [0]),), fails="tight", dtypes=WIDE, equivalent=SIXTEEN_BIT),
    _rows(_C + "labels-sum-to-one", "(diag(p) - outer(p, p))/m", hessian_labels_sum_to_one,
          (ex(_Z, [[0.5, 0.75, 0.25], [0.5, 0.5, 0.5]]),), families="X59", precedents=("tensorflow/tensorflow#46672",)),
    _rows(_C + "not-divided", "sum(y)*(diag(p) - outer(p, p))", hessian_not_divided, families="X51"),
    _rows(_C + "diagonal", "sum(y)*diag(p*(1 - p))/m", hessian_diagonal, families="X66"),
    _rows(_C + "without-diagonal", "-sum(y)*outer(p, p)/m", hessian_without_diagonal),
    _rows(_C + "doubled-diagonal", "2*sum(y)*diag(p*(1 - p))/m", hessian_doubled_diagonal, families="X66",
          precedents=("dmlc/xgboost#5769", "lightgbm-org/LightGBM#1154")),
    _rows(_C + "outer-product-of-gradients", "outer(g, g)/m with g = p*sum(y) - y", hessian_of_gradients),
    _rows(_C + "zeros", "zeros", hessian_zero, families="X66", precedents=("tensorflow/tensorflow#7403",)),
    _rows(_N + "not-divided", "-y", nll_not_divided, families="X51"),
    _rows(_N + "sign", "y/m", nll_sign, families="X61"),
    _rows(_N + "divided-by-entries", "-y/(m*K)", nll_by_entries, families="X51"),
    _rows(_N + "of-probabilities", "-y/(m*p), the log-probabilities taken for p", nll_of_probabilities),
    _rows(_N + "of-logits", "(softmax(x)*sum(y) - y)/m, the gradient by logits", nll_of_logits),
)  # fmt: skip
