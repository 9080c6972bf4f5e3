"""Wrong Jacobians of softmax and log_softmax, Hessians of logsumexp, and second derivatives of softmax."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smxcheck.mistakes import shapes, shift
from smxcheck.mistakes.derivative_parts import tensor
from smxcheck.mistakes.model import WIDE, Example, Mistake, ex
from smxcheck.mistakes.rows import Rows, number, right_softmax

Tensor = Callable[[Rows], Rows]


def _identity(x: Rows) -> Rows:
    return np.eye(x.shape[1], dtype=x.dtype)


def _outer(p: Rows) -> Rows:
    return p[:, :, None] * p[:, None, :]


def _on_diagonal(values: Rows) -> Rows:
    return values[:, :, None] * _identity(values)


# -- Jacobian of softmax, Hessian of logsumexp


def matrix(p: Rows) -> Rows:
    """diag(p) - p pᵀ."""
    return _on_diagonal(p) - _outer(p)


def right(x: Rows) -> Rows:
    return matrix(right_softmax(x))


def zeros(x: Rows) -> Rows:
    return np.zeros((1, 1, 1), x.dtype)


def diagonal(x: Rows) -> Rows:
    p = right_softmax(x)
    return _on_diagonal(p * (number(p, 1) - p))


def twice_the_diagonal(x: Rows) -> Rows:
    """An upper bound of the Hessian, as boosted trees use it on purpose."""
    return diagonal(x) * number(x, 2)


def probabilities_on_diagonal(x: Rows) -> Rows:
    return _on_diagonal(right_softmax(x))


def outer_only(x: Rows) -> Rows:
    return -_outer(right_softmax(x))


def plus_outer(x: Rows) -> Rows:
    p = right_softmax(x)
    return _on_diagonal(p) + _outer(p)


def without_kronecker(x: Rows) -> Rows:
    p = right_softmax(x)
    return p[:, :, None] * (number(p, 1) - p[:, None, :])


def index_of_column(x: Rows) -> Rows:
    """p_j (δ_ij - p_j): right on the diagonal."""
    p = right_softmax(x)
    return p[:, None, :] * (_identity(p) - p[:, None, :])


def sign(x: Rows) -> Rows:
    return -right(x)


def scaled(x: Rows) -> Rows:
    return right(x) * number(x, 1.0009)


def whole_batch(x: Rows) -> Rows:
    return matrix(shapes.whole_array(x))


def unshifted(x: Rows) -> Rows:
    return matrix(shift.unshifted(x))


def nan_at_masked(x: Rows) -> Rows:
    return right(x) + x[:, None, :] * number(x, 0)


# -- Jacobian of log_softmax


def log_right(x: Rows) -> Rows:
    return _identity(x) - right_softmax(x)[:, None, :]


def log_diagonal(x: Rows) -> Rows:
    return log_right(x) * _identity(x)


def log_transposed(x: Rows) -> Rows:
    """δ_ij - p_i: the variable on the first axis."""
    return _identity(x) - right_softmax(x)[:, :, None]


def log_without_kronecker(x: Rows) -> Rows:
    return -np.repeat(right_softmax(x)[:, None, :], x.shape[1], axis=1)


def log_ones_everywhere(x: Rows) -> Rows:
    return number(x, 1) - np.repeat(right_softmax(x)[:, None, :], x.shape[1], axis=1)


def log_sign(x: Rows) -> Rows:
    return -log_right(x)


def log_divided(x: Rows) -> Rows:
    """The Jacobian of softmax divided by p_i: 0/0 where that underflows."""
    p = right_softmax(x)
    return matrix(p) / p[:, :, None]


def log_unshifted(x: Rows) -> Rows:
    return _identity(x) - shift.unshifted(x)[:, None, :]


def log_whole_batch(x: Rows) -> Rows:
    return _identity(x) - shapes.whole_array(x)[:, None, :]


# -- second derivatives of softmax


def _bracket(p: Rows) -> tuple[Rows, Rows, Rows]:
    """(δ_ij - p_j), (δ_ik - p_k) and p_j (δ_jk - p_k), with the axes i, j, k."""
    same = _identity(p) - p[:, None, :]
    return same[:, :, :, None], same[:, :, None, :], (p[:, :, None] * same)[:, None]


def second(p: Rows) -> Rows:
    ij, ik, jk = _bracket(p)
    return p[:, :, None, None] * (ij * ik - jk)


def second_right(x: Rows) -> Rows:
    return second(right_softmax(x))


def second_published(x: Rows) -> Rows:
    """p_i p_k (2p_i - 1) where i ≠ j = k, as a published note has it: right where p_i = p_k."""
    p = right_softmax(x)
    same = np.eye(p.shape[1], dtype=bool)
    case = ~same[:, :, None] & same[None]
    two = p[:, :, None, None] * p[:, None, None, :] * (number(p, 2) * p - number(p, 1))[:, :, None, None]
    return np.where(case[None], two, second(p))


def second_without_derivative_of_mean(x: Rows) -> Rows:
    p = right_softmax(x)
    ij, ik, _ = _bracket(p)
    return p[:, :, None, None] * (ij * ik)


def second_without_kronecker_of_mean(x: Rows) -> Rows:
    p = right_softmax(x)
    ij, ik, _ = _bracket(p)
    return p[:, :, None, None] * (ij * ik + _outer(p)[:, None])


def second_without_first_kronecker(x: Rows) -> Rows:
    p = right_softmax(x)
    _, ik, jk = _bracket(p)
    return p[:, :, None, None] * (-p[:, None, :, None] * ik - jk)


def second_diagonal(x: Rows) -> Rows:
    same = np.eye(x.shape[1], dtype=bool)
    return np.where(same[:, :, None] & same[None], second_right(x), number(x, 0))


def second_of_one_index(x: Rows) -> Rows:
    """∂²p_i/∂x_j², spread over the diagonal of j and k."""
    return np.where(np.eye(x.shape[1], dtype=bool)[None, None], second_right(x), number(x, 0))


def second_distinct_once(x: Rows) -> Rows:
    """p_i p_j p_k, without the factor 2, where all indices differ."""
    n = x.shape[1]
    i, j, k = np.ogrid[:n, :n, :n]
    return np.where((i != j) & (j != k) & (i != k), second_right(x) / number(x, 2), second_right(x))


def second_sign(x: Rows) -> Rows:
    return -second_right(x)


def second_zeros(x: Rows) -> Rows:
    return np.zeros((1, 1, 1, 1), x.dtype)


def second_unshifted(x: Rows) -> Rows:
    return second(shift.unshifted(x))


def second_whole_batch(x: Rows) -> Rows:
    return second(shapes.whole_array(x))


Entry = tuple[str, str, str, Tensor, tuple[Example, ...], str]

_GENERIC, _BATCH = (ex([0.0, 1.0, 3.0]),), (ex([[0.0, 1.0], [2.0, 0.5]]),)
_MASKED, _TINY = (ex([0.0, 0.5, float("-inf")]),), (ex([1000.0, 0.0, -1000.0]),)
_LARGE = (ex([12.0, 0.0]), ex([89.0, 0.0]), ex([710.0, 0.0]))
_RATIO = "without subtracting the maximum"

_MATRIX: tuple[Entry, ...] = (
    ("zeros", "zeros", "SMX101", zeros, _GENERIC, "X66"),
    ("diagonal", "p_i*(1 - p_i) on the diagonal, 0 elsewhere", "SMX101", diagonal, _GENERIC, "X66"),
    ("probabilities-on-diagonal", "diag(p)", "SMX101", probabilities_on_diagonal, _GENERIC, ""),
    ("outer-only", "-p_i*p_j, the diagonal too", "SMX101", outer_only, _GENERIC, ""),
    ("plus-outer", "diag(p) + p_i*p_j", "SMX101", plus_outer, _GENERIC, ""),
    ("without-kronecker", "p_i*(1 - p_j), off the diagonal too", "SMX101", without_kronecker, _GENERIC, ""),
    ("index-of-column", "p_j*(delta_ij - p_j)", "SMX101", index_of_column, _GENERIC, ""),
    ("sign", "p_i*p_j - diag(p)", "SMX101", sign, _GENERIC, "X61"),
    ("whole-batch", "p_i*(delta_ij - p_j), p the softmax over the whole batch", "SMX105", whole_batch, _BATCH, "X10"),
    ("unshifted", f"p_i*(delta_ij - p_j), p = exp(x)/sum(exp(x)), {_RATIO}", "SMX102", unshifted, _LARGE, "X01"),
    ("nan-at-masked", "p_i*(delta_ij - p_j) + 0*x_j", "SMX102", nan_at_masked, _MASKED, "X58"),
)  # fmt: skip

_LOG: tuple[Entry, ...] = (
    ("zeros", "zeros", "SMX101", zeros, _GENERIC, ""),
    ("diagonal", "1 - p_i on the diagonal, 0 elsewhere", "SMX101", log_diagonal, _GENERIC, ""),
    ("of-softmax", "p_i*(delta_ij - p_j), the Jacobian of softmax", "SMX101", right, _GENERIC, ""),
    ("transposed", "delta_ij - p_i", "SMX101", log_transposed, _GENERIC, ""),
    ("without-kronecker", "-p_j, on the diagonal too", "SMX101", log_without_kronecker, _GENERIC, ""),
    ("ones-everywhere", "1 - p_j, off the diagonal too", "SMX101", log_ones_everywhere, _GENERIC, ""),
    ("sign", "p_j - delta_ij", "SMX101", log_sign, _GENERIC, "X61"),
    ("divided", "p_i*(delta_ij - p_j)/p_i, divided by softmax", "SMX102", log_divided, _TINY, "X64"),
    ("whole-batch", "delta_ij - p_j, p the softmax over the whole batch", "SMX105", log_whole_batch, _BATCH, "X10"),
    ("unshifted", f"delta_ij - p_j, p = exp(x)/sum(exp(x)), {_RATIO}", "SMX102", log_unshifted, _LARGE, "X01"),
)  # fmt: skip

_SECOND: tuple[Entry, ...] = (
    ("zeros", "zeros", "SMX101", second_zeros, _GENERIC, ""),
    ("published-case", "p_i*p_k*(2*p_i - 1) where i != j = k", "SMX101", second_published, _GENERIC, ""),
    ("without-derivative-of-mean", "p_i*(delta_ij - p_j)*(delta_ik - p_k)", "SMX101",
     second_without_derivative_of_mean, _GENERIC, ""),
    ("without-kronecker-of-mean", "p_i*((delta_ij - p_j)*(delta_ik - p_k) + p_j*p_k)", "SMX101",
     second_without_kronecker_of_mean, _GENERIC, ""),
    ("without-first-kronecker", "p_i*(-p_j*(delta_ik - p_k) - p_j*(delta_jk - p_k))", "SMX101",
     second_without_first_kronecker, _GENERIC, ""),
    ("diagonal", "p_i*(1 - p_i)*(1 - 2*p_i) where i = j = k, 0 elsewhere", "SMX101", second_diagonal, _GENERIC, ""),
    ("one-variable", "0 wherever j != k", "SMX101", second_of_one_index, _GENERIC, ""),
    ("distinct-once", "p_i*p_j*p_k where all indices differ", "SMX101", second_distinct_once, _GENERIC, ""),
    ("sign", "p_i*(p_j*(delta_jk - p_k) - (delta_ij - p_j)*(delta_ik - p_k))", "SMX101", second_sign, _GENERIC, "X61"),
    ("whole-batch", "the bracket with p the softmax over the whole batch", "SMX105", second_whole_batch, _BATCH, "X10"),
    ("unshifted", f"the bracket with p = exp(x)/sum(exp(x)), {_RATIO}", "SMX102", second_unshifted, _LARGE, "X01"),
)  # fmt: skip

_DIAG = "p_i*(delta_ij - p_j)"
_PRECEDENTS = {
    "logsumexp_hessian/zeros": ("tensorflow/tensorflow#7403",),
    "logsumexp_hessian/twice-the-diagonal": ("dmlc/xgboost#5769",),
}
_TABLES: tuple[tuple[str, int, str, tuple[Entry, ...]], ...] = (
    ("softmax_jacobian", 2, _DIAG, _MATRIX),
    ("logsumexp_hessian", 2, _DIAG, (
        *_MATRIX,
        ("twice-the-diagonal", "2*p_i*(1 - p_i) on the diagonal, 0 elsewhere", "SMX101", twice_the_diagonal, _GENERIC,
         "X66"),
    )),
    ("log_softmax_jacobian", 2, "delta_ij - p_j", _LOG),
    ("softmax_hessian", 3, "p_i*((delta_ij - p_j)*(delta_ik - p_k) - p_j*(delta_jk - p_k))", _SECOND),
)  # fmt: skip

TABLE: tuple[Mistake, ...] = (
    *(
        Mistake(f"{function}/{name}", formula, instead, check, tensor(call, rank), examples, families,
                _PRECEDENTS.get(f"{function}/{name}", ()))
        for function, rank, instead, entries in _TABLES
        for name, formula, check, call, examples, families in entries
    ),
    *(
        Mistake(f"{function}/scaled", f"1.0009*{_DIAG}", _DIAG, "SMX101", tensor(scaled, 2), _GENERIC, dtypes=WIDE,
                equivalent=("float16", "bfloat16"))
        for function in ("softmax_jacobian", "logsumexp_hessian")
    ),
)  # fmt: skip
