"""The bounds of the derivatives of softmax, log_softmax and logsumexp: right forms lie inside, and not far inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from smxcheck import functions
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.result import LEVEL_ORDER, Level
from smxcheck.selftest.adversary_forms import one_after_another, tree

from .derivative_inputs import ALL, BACKWARD, OUTPUT_OF, arguments_for, judged, paired_with, question, sizes

Sum = Callable[[np.ndarray], np.ndarray]


def one(x: np.ndarray) -> Any:
    return x.dtype.type(1)


def divided(x: np.ndarray, add: Sum) -> np.ndarray:
    w = np.exp(x - x.max(axis=-1, keepdims=True))
    return w / add(w)


def by_log(x: np.ndarray, add: Sum) -> np.ndarray:
    gap = x - x.max(axis=-1, keepdims=True)
    return np.exp(gap - np.log(add(np.exp(gap))))


def centred(p: np.ndarray, g: np.ndarray, add: Sum) -> np.ndarray:
    return p * (g - add(p * g))


def two_products(p: np.ndarray, g: np.ndarray, add: Sum) -> np.ndarray:
    return p * g - p * add(p * g)


def less_share(p: np.ndarray, g: np.ndarray, add: Sum) -> np.ndarray:
    return g - p * add(g)


def eye(x: np.ndarray) -> np.ndarray:
    return np.eye(x.shape[-1], dtype=x.dtype)


def matrix(p: np.ndarray) -> np.ndarray:
    """p_i (δ_ij - p_j)."""
    return p[:, :, None] * (eye(p) - p[:, None, :])


def matrix_of_difference(p: np.ndarray) -> np.ndarray:
    """diag(p) - p pᵀ."""
    return p[:, :, None] * eye(p) - p[:, :, None] * p[:, None, :]


def matrix_of_others(p: np.ndarray) -> np.ndarray:
    out = -(p[:, :, None] * p[:, None, :])
    for i in range(p.shape[-1]):
        rest = p.copy()
        rest[:, i] = 0
        out[:, i, i] = p[:, i] * tree(rest)[:, 0]
    return out


def bracket(p: np.ndarray) -> np.ndarray:
    a = eye(p) - p[:, None, :]
    return p[:, :, None, None] * (a[:, :, :, None] * a[:, :, None, :] - (p[:, :, None] * a)[:, None])


def cumulant(p: np.ndarray) -> np.ndarray:
    n, q = p.shape[-1], p[:, :, None] * p[:, None, :]
    i, j, k = np.ogrid[:n, :n, :n]
    zero = p.dtype.type(0)
    out = np.where((i == j) & (i == k), p[:, :, None, None], zero)
    for mask, pair in ((i == j, q[:, :, None, :]), (i == k, q[:, :, :, None]), (j == k, q[:, :, :, None])):
        out = out - np.where(mask, pair, zero)
    return out + p.dtype.type(2) * q[:, :, :, None] * p[:, None, None, :]


#: function, level that it earns, the form
FORMS: tuple[tuple[str, Level, Callable[..., np.ndarray]], ...] = (
    ("softmax_vjp", Level.TIGHT, lambda x, g: centred(divided(x, tree), g, tree)),
    ("softmax_vjp", Level.STANDARD, lambda x, g: centred(by_log(x, one_after_another), g, one_after_another)),
    ("softmax_vjp", Level.STANDARD, lambda x, g: two_products(divided(x, tree), g, one_after_another)),
    ("softmax_jvp", Level.TIGHT, lambda x, g: centred(divided(x, tree), g, tree)),
    ("softmax_jvp", Level.STANDARD, lambda x, g: two_products(by_log(x, tree), g, tree)),
    ("softmax_backward", Level.TIGHT, lambda g, y: centred(y, g, tree)),
    ("softmax_backward", Level.STANDARD, lambda g, y: two_products(y, g, one_after_another)),
    ("log_softmax_vjp", Level.TIGHT, lambda x, g: less_share(divided(x, tree), g, tree)),
    ("log_softmax_vjp", Level.STANDARD, lambda x, g: less_share(by_log(x, one_after_another), g, one_after_another)),
    ("log_softmax_backward", Level.TIGHT, lambda g, y: less_share(np.exp(y), g, tree)),
    ("log_softmax_backward", Level.STANDARD, lambda g, y: less_share(np.exp(y), g, one_after_another)),
    ("logsumexp_grad", Level.TIGHT, lambda x: divided(x, tree)),
    ("logsumexp_grad", Level.STANDARD, lambda x: by_log(x, one_after_another)),
    ("softmax_jacobian", Level.TIGHT, lambda x: matrix_of_others(divided(x, tree))),
    ("softmax_jacobian", Level.STANDARD, lambda x: matrix(by_log(x, one_after_another))),
    ("softmax_jacobian", Level.STANDARD, lambda x: matrix_of_difference(divided(x, one_after_another))),
    ("logsumexp_hessian", Level.STANDARD, lambda x: matrix_of_difference(divided(x, tree))),
    ("log_softmax_jacobian", Level.STANDARD, lambda x: eye(x) - by_log(x, one_after_another)[:, None, :]),
    ("softmax_hessian", Level.STANDARD, lambda x: bracket(divided(x, one_after_another))),
    ("softmax_hessian", Level.STANDARD, lambda x: cumulant(divided(x, tree))),
)  # fmt: skip
FORM = pytest.mark.parametrize(("function", "level", "form"), FORMS, ids=lambda v: str(v) if isinstance(v, str) else "")


@FORM
@pytest.mark.parametrize("dtype", list(FORMATS))
def test_right_forms_stay_inside_the_bound_of_their_level(
    function: str, level: Level, form: Callable[..., np.ndarray], dtype: str
) -> None:
    for n in sizes(function):
        arguments = arguments_for(function, n, dtype, seed=n)
        with np.errstate(all="ignore"):
            got = form(*arguments)
        assert got.dtype == arguments[0].dtype
        assert LEVEL_ORDER[judged(function, arguments, got, dtype).level] <= LEVEL_ORDER[level]


@FORM
def test_bounds_are_near_what_right_forms_reach(function: str, level: Level, form: Callable[..., np.ndarray]) -> None:
    """The largest share of the bound of its level that a form's error takes on ordinary rows is at least 1/30."""
    rng, share = np.random.default_rng(5), 0.0
    for n in sizes(function):
        x = (rng.normal(size=(12 if function == "softmax_hessian" else 40, n)) * 2).astype(np.float32)
        g = rng.normal(size=x.shape).astype(np.float32)
        arguments = paired_with(function, x, g)
        asked = question(function, arguments, "float32")
        (ruler,) = asked.rulers(asked.format)
        wide = form(*arguments).astype(np.float64).reshape(-1)
        right = asked.expected.enclosure.float64().reshape(-1)
        allowed = (ruler.tight if level is Level.TIGHT else ruler.standard) * np.ldexp(1.0, ruler.scale.ulp_exponent)
        share = max(share, float(np.max(np.abs(wide - right) / allowed)))
    assert share >= 1 / 30


@pytest.mark.parametrize("n", [2, 3, 8, 16])
@pytest.mark.parametrize("function", ALL)
def test_a_row_off_by_2_to_the_minus_18_is_not_tight(function: str, n: int) -> None:
    """Where the answer does not cancel: an entry of every row tells."""
    rng = np.random.default_rng(n)
    x = rng.normal(size=(3, n)).astype(np.float32)
    g = (rng.normal(size=x.shape) + np.linspace(-4, 4, n)).astype(np.float32)
    arguments = (g, OUTPUT_OF[function](x)) if function in BACKWARD else (x, g)
    arguments = arguments[: len(FUNCTIONS[function].arguments)]
    for row in range(len(x)):
        some = tuple(a[row : row + 1] for a in arguments)
        right = getattr(functions, function)(*(a.astype(np.float64) for a in some))
        off = (right * (1 + 2.0**-18)).astype(np.float32)
        assert judged(function, some, off, "float32").level in (Level.STANDARD, Level.WRONG)
