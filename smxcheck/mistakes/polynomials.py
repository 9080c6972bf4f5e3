"""Wrong Taylor and spherical softmax functions, their logarithms and Jacobians."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from smxcheck.mistakes.model import Example, Mistake, ex
from smxcheck.mistakes.rows import Rows, divide_by_sum, number, right_log_softmax, right_softmax, top, total
from smxcheck.mistakes.weighted import (
    Formula,
    diagonal,
    jacobian,
    log_jacobian,
    on_rows,
    polynomial,
    scaled_polynomial,
    squares,
    transposed,
    weighted_jacobian,
)

_Z = [[0.5, -1.25, 2.0, 0.75]]
_GENERIC = (ex(_Z),)
_ROWS = (ex([[3.0, 1.0, -1.0], [0.5, -2.0, 0.25]]),)
#: Where squares are near ε.
_SMALL = (ex([[0.015625, -0.03125, 0.125]]),)
#: Squares that overflow in float16; in bfloat16 and float32; in float64.
_LARGE = (ex([[200.0, -400.0, 100.0]]), ex([[1e25, -2e25, 5e24]]), ex([[1e200, -2e200, 5e199]]))
#: Probabilities that underflow: squares are enough in float16, the fourth power elsewhere.
_APART = (ex([[30000.0, 0.5, -1.0]]), ex([[1e12, 0.5, -2.0]], order=4), ex([[1e100, 0.5, -2.0]], order=4))


def _shares(weight: Callable[..., Rows]) -> Formula:
    return lambda z, **keywords: divide_by_sum(weight(z, **keywords))


def _log_shares(weight: Callable[..., Rows]) -> Formula:
    def log(z: Rows, **keywords: float) -> Rows:
        w = weight(z, **keywords)
        return np.log(w) - np.log(total(w))

    return log


# -- Taylor


def no_factorials(z: Rows, order: int = 2) -> Rows:
    """(1 + x + x²)/2 in place of 1 + x + x²/2: half of everything is a common factor."""
    return polynomial(z, order, factorials=False)


def shifted(z: Rows, order: int = 2) -> Rows:
    """f(z - max z): the shift of softmax, which changes a polynomial."""
    return polynomial(z - top(z), order)


def odd_order(z: Rows, order: int = 2) -> Rows:
    """One order less, which has a zero: probabilities may be negative."""
    return polynomial(z, order - 1)


def unscaled(z: Rows, order: int = 2) -> Rows:
    return polynomial(z, order)


def whole_array(z: Rows, order: int = 2) -> Rows:
    """reduce_sum without an axis, as in the code published with the function."""
    w = polynomial(z, order)
    return w / w.sum(dtype=total(w).dtype)


def log_of_shares(z: Rows, order: int = 2) -> Rows:
    """log(taylor_softmax(z)): -inf where the probability underflows."""
    return np.log(divide_by_sum(scaled_polynomial(z, order)).astype(z.dtype))


def sum_of_logs(z: Rows, order: int = 2) -> Rows:
    logs = np.log(polynomial(z, order))
    return logs - total(logs)


def slopes_only(z: Rows, order: int = 2) -> Rows:
    """dy·f^(n-1)(z), the gradient in the code published with the function: no normaliser, nothing centred."""
    return diagonal(polynomial(z, order - 1))


def shares_for_slopes(z: Rows, order: int = 2) -> Rows:
    """p_j (δ_ij - p_i): exp is its own derivative, f is not."""
    p = divide_by_sum(polynomial(z, order))
    return jacobian(p, p)


def not_normalised(z: Rows, order: int = 2) -> Rows:
    return jacobian(divide_by_sum(polynomial(z, order)), polynomial(z, order - 1))


def right_jacobian(z: Rows, order: int = 2) -> Rows:
    return weighted_jacobian(polynomial(z, order), polynomial(z, order - 1))


def right_log_jacobian(z: Rows, order: int = 2) -> Rows:
    return log_jacobian(polynomial(z, order), polynomial(z, order - 1))


def _then(formula: Formula, change: Callable[[Rows], Rows]) -> Formula:
    return lambda z, **keywords: change(formula(z, **keywords))


def log_softmax_jacobian(z: Rows, **keywords: float) -> Rows:
    p = right_softmax(z)
    return log_jacobian(p, p)


def not_centred(z: Rows, order: int = 2) -> Rows:
    """δ_ij f'/f: the derivative of log f, without that of log Σ f."""
    return diagonal(polynomial(z, order - 1) / polynomial(z, order))


# -- squares


def unscaled_squares(z: Rows, eps: float = 2.0**-10) -> Rows:
    return squares(z, eps)


def without_eps_in_sum(z: Rows, eps: float = 2.0**-10) -> Rows:
    return squares(z, eps) / total(squares(z, 0.0))


def eps_once_in_sum(z: Rows, eps: float = 2.0**-10) -> Rows:
    return squares(z, eps) / (total(squares(z, 0.0)) + number(z, eps))


def _normalised(z: Rows) -> Rows:
    return z / np.sqrt(total(z * z)).astype(z.dtype)


def softmax_on_the_sphere(z: Rows, **keywords: float) -> Rows:
    """softmax(z/|z|), which other libraries call by this name."""
    return right_softmax(_normalised(z))


def absolute(z: Rows, eps: float = 2.0**-10) -> Rows:
    return divide_by_sum(np.abs(z) + number(z, eps))


def spherical_jacobian(z: Rows, eps: float = 2.0**-10) -> Rows:
    return weighted_jacobian(squares(z, eps), number(z, 2) * z)


def half_slope(z: Rows, eps: float = 2.0**-10) -> Rows:
    return weighted_jacobian(squares(z, eps), z)


def square_shares_for_slopes(z: Rows, eps: float = 2.0**-10) -> Rows:
    p = divide_by_sum(squares(z, eps))
    return jacobian(p, p)


def square_slopes_only(z: Rows, eps: float = 2.0**-10) -> Rows:
    return diagonal(number(z, 2) * z / total(squares(z, eps)))


def spherical_log_jacobian(z: Rows, eps: float = 2.0**-10) -> Rows:
    return log_jacobian(squares(z, eps), number(z, 2) * z)


def slope_without_eps(z: Rows, eps: float = 2.0**-10) -> Rows:
    """2z/z² in place of 2z/(z² + ε)."""
    w, slope = squares(z, eps), number(z, 2) * z
    return diagonal(slope / squares(z, 0.0)) - np.repeat((slope / total(w))[:, None, :], z.shape[1], axis=1)


def half_log_slope(z: Rows, eps: float = 2.0**-10) -> Rows:
    return log_jacobian(squares(z, eps), z)


def square_not_centred(z: Rows, eps: float = 2.0**-10) -> Rows:
    return diagonal(number(z, 2) * z / squares(z, eps))


# -- the table

_SHARE = "f(z)/sum(f(z)), f(z) the sum of z^m/m! up to an even order"
_SQUARE = "(z^2 + eps)/sum(z^2 + eps), eps in every term of the sum"
_SCALE = "divide the row by a power of its largest entry first"


#: Name, formula, check, the wrong formula of rows, examples.
_Entry = tuple[str, str, str, Formula, tuple[Example, ...]]


def _mistakes(function: str, instead: str, *entries: _Entry) -> tuple[Mistake, ...]:
    def made(name: str, formula: str, check: str, call: Formula, examples: tuple[Example, ...]) -> Mistake:
        remedy = _SCALE if check == "SMX102" else instead
        return Mistake(f"{function}/{name}", formula, remedy, check, on_rows(call), examples)

    return tuple(made(*entry) for entry in entries)


TABLE: tuple[Mistake, ...] = (
    *_mistakes(
        "taylor_softmax", _SHARE,
        ("no-factorials", "1 + z + z^2 in place of 1 + z + z^2/2", "SMX101", _shares(no_factorials), _GENERIC),
        ("shifted", "f(z - max(z))/sum(f(z - max(z)))", "SMX101", _shares(shifted), _GENERIC),
        ("odd-order", "the polynomial of one order less", "SMX101", _shares(odd_order), _GENERIC),
        ("unscaled", "f(z)/sum(f(z)) as it is written: z^n overflows", "SMX102", _shares(unscaled), _LARGE),
        ("whole-array", "f(z)/sum over the whole batch", "SMX105", whole_array, _ROWS),
    ),
    *_mistakes(
        "taylor_softmax_jacobian", "f'(z_j)/sum(f)*(delta_ij - p_i), f' the polynomial of one order less",
        ("slopes-only", "f'(z_j)*delta_ij: not divided by sum(f), not centred", "SMX101", slopes_only, _GENERIC),
        ("shares-for-slopes", "p_j*(delta_ij - p_i), the rule of exp", "SMX101", shares_for_slopes, _GENERIC),
        ("not-normalised", "f'(z_j)*(delta_ij - p_i)", "SMX101", not_normalised, _GENERIC),
        ("transposed", "f'(z_i)/sum(f)*(delta_ij - p_j)", "SMX101", _then(right_jacobian, transposed), _GENERIC),
        ("unscaled", "f'(z_j)/sum(f)*(delta_ij - p_i) as it is written", "SMX102", right_jacobian, _LARGE),
    ),
    *_mistakes(
        "log_taylor_softmax", "log(f(z)) - log(sum(f(z)))",
        ("log-of-shares", "log(taylor_softmax(z)): -inf where it underflows", "SMX102", log_of_shares, _APART),
        ("shifted", "log(f(z - max)) - log(sum(f(z - max)))", "SMX101", _log_shares(shifted), _GENERIC),
        ("sum-of-logs", "log(f(z)) - sum(log(f(z)))", "SMX101", sum_of_logs, _ROWS),
        ("log-softmax", "log_softmax(z): exp in place of f", "SMX101", lambda z, **k: right_log_softmax(z), _GENERIC),
        ("unscaled", "log(f(z)) - log(sum(f(z))) as it is written", "SMX102", _log_shares(unscaled), _LARGE),
    ),
    *_mistakes(
        "log_taylor_softmax_jacobian", "delta_ij*f'(z_j)/f(z_j) - f'(z_j)/sum(f)",
        ("not-centred", "delta_ij*f'(z_j)/f(z_j)", "SMX101", not_centred, _GENERIC),
        ("log-softmax", "delta_ij - softmax(z)_j", "SMX101", log_softmax_jacobian, _GENERIC),
        ("transposed", "delta_ij*f'(z_i)/f(z_i) - f'(z_i)/sum(f)", "SMX101", _then(right_log_jacobian, transposed),
         _GENERIC),
        ("sign", "f'(z_j)/sum(f) - delta_ij*f'(z_j)/f(z_j)", "SMX101",
         _then(right_log_jacobian, np.negative), _GENERIC),
    ),
    *_mistakes(
        "spherical_softmax", _SQUARE,
        ("eps-missing-in-sum", "(z^2 + eps)/sum(z^2)", "SMX101", without_eps_in_sum, _SMALL),
        ("eps-once-in-sum", "(z^2 + eps)/(sum(z^2) + eps)", "SMX101", eps_once_in_sum, _SMALL),
        ("softmax-of-unit-vector", "softmax(z/norm(z)), another function of that name", "SMX101",
         softmax_on_the_sphere, _GENERIC),
        ("absolute", "(|z| + eps)/sum(|z| + eps)", "SMX101", absolute, _GENERIC),
        ("unscaled", "(z^2 + eps)/sum(z^2 + eps) as it is written: z^2 overflows", "SMX102", _shares(unscaled_squares),
         _LARGE),
    ),
    *_mistakes(
        "spherical_softmax_jacobian", "2*z_j*(delta_ij - p_i)/sum(z^2 + eps)",
        ("half-slope", "z_j*(delta_ij - p_i)/sum(z^2 + eps)", "SMX101", half_slope, _GENERIC),
        ("shares-for-slopes", "p_j*(delta_ij - p_i), the rule of exp", "SMX101", square_shares_for_slopes, _GENERIC),
        ("not-centred", "2*z_j*delta_ij/sum(z^2 + eps)", "SMX101", square_slopes_only, _GENERIC),
        ("transposed", "2*z_i*(delta_ij - p_j)/sum(z^2 + eps)", "SMX101",
         _then(spherical_jacobian, transposed), _GENERIC),
    ),
    *_mistakes(
        "log_spherical_softmax", "log(z^2 + eps) - log(sum(z^2 + eps))",
        ("without-eps", "log(z^2) - log(sum(z^2))", "SMX101", _log_shares(lambda z, **k: squares(z, 0.0)),
         _SMALL),
        ("log-softmax-of-unit-vector", "log_softmax(z/norm(z)), another function of that name", "SMX101",
         lambda z, **k: right_log_softmax(_normalised(z)), _GENERIC),
        ("half", "log of the root: (log(z^2 + eps) - log(sum))/2", "SMX101",
         lambda z, **k: _log_shares(unscaled_squares)(z, **k) / number(z, 2), _GENERIC),
        ("unscaled", "log(z^2 + eps) - log(sum(z^2 + eps)) as it is written", "SMX102",
         _log_shares(unscaled_squares), _LARGE),
    ),
    *_mistakes(
        "log_spherical_softmax_jacobian", "2*z_j*delta_ij/(z_j^2 + eps) - 2*z_j/sum(z^2 + eps)",
        ("slope-without-eps", "2*z_j*delta_ij/z_j^2 - 2*z_j/sum(z^2 + eps)", "SMX101", slope_without_eps,
         _SMALL),
        ("half-slope", "z_j*delta_ij/(z_j^2 + eps) - z_j/sum(z^2 + eps)", "SMX101", half_log_slope, _GENERIC),
        ("not-centred", "2*z_j*delta_ij/(z_j^2 + eps)", "SMX101", square_not_centred, _GENERIC),
        ("transposed", "2*z_i*delta_ij/(z_i^2 + eps) - 2*z_i/sum(z^2 + eps)", "SMX101",
         _then(spherical_log_jacobian, transposed), _GENERIC),
    ),
)  # fmt: skip
