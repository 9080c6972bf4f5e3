"""Right implementations of the functions with φ, a polynomial or a square in the place of exp, as the formulas of the
catalog are written in NumPy; also usable as a user's file:
``smxcheck verify tests/implementations/right_generalised.py:taylor_softmax_scaled``.

They take NumPy arrays of float16, bfloat16, float32 or float64. 16-bit input is computed in float32 and rounded once.
None of them warns.
"""

import functools
import math

import numpy as np


def _wide(x):
    """Wide enough to compute in; labels and other integers stay as they are."""
    return x.astype(np.float32) if x.dtype.kind not in "iub" and x.dtype.itemsize < 4 else x


#: Everything below: name, function, callable, arrays.
RIGHT = []


def _right(name):
    """A form of the function ``name``: wide arithmetic inside, the first argument's dtype outside, no warnings."""

    def enter(function):
        @functools.wraps(function)
        def call(x, *rest, **keywords):
            x = np.asarray(x)
            x = x.astype(np.float64) if x.dtype.kind in "iub" else x
            with np.errstate(all="ignore"):
                y = np.asarray(function(_wide(x), *(_wide(np.asarray(a)) for a in rest), **keywords))
            return y.astype(x.dtype)

        RIGHT.append((function.__name__, name, call, "numpy"))
        return call

    return enter


def _sum(x):
    return np.sum(x, axis=-1, keepdims=True)


def _max(x):
    return np.max(x, axis=-1, keepdims=True)


def _eye(x):
    return np.eye(x.shape[-1], dtype=x.dtype)


def _softmax(z):
    e = np.exp(z - _max(z))
    return e / _sum(e)


def _shares(w):
    return w / _sum(w)


def _jacobian(w, slope):
    """φ'(z_j) (δ_ij - p_i) / Σ_k φ(z_k), of weights and slopes on one scale."""
    return (slope / _sum(w))[..., None, :] * (_eye(w) - _shares(w)[..., :, None])


# Taylor polynomials: divided by a power of two no smaller than any |z|, so that no power overflows


def _power_of_two(x):
    """The power of two above x, at least 1."""
    return np.ldexp(np.ones_like(x), np.maximum(np.frexp(x)[1], 0))


def _polynomial(z, order, scale):
    """f(z) / scale^order by Horner's rule in z / scale."""
    v, s, total = z / scale, 1 / scale, 0
    for m in range(order, -1, -1):
        total = total * v + s ** (order - m) / math.factorial(m)
    return total


def _taylor(z, order):
    """Weights f(z) and slopes f'(z), divided by the same power of the scale."""
    scale = _power_of_two(_max(np.abs(z)))
    return _polynomial(z, order, scale), _polynomial(z, order - 1, scale) / scale


@_right("taylor_softmax")
def taylor_softmax_scaled(z, order=2):
    return _shares(_taylor(z, order)[0])


@_right("taylor_softmax_jacobian")
def taylor_softmax_jacobian_scaled(z, order=2):
    return _jacobian(*_taylor(z, order))


@_right("log_taylor_softmax")
def log_taylor_softmax_scaled(z, order=2):
    """Each entry on a scale of its own: log f(z) does not underflow beside a larger entry."""
    own = _power_of_two(np.abs(z))
    log_f = np.log(_polynomial(z, order, own)) + order * np.log(own / _max(own))
    return log_f - np.log(_sum(np.exp(log_f)))


@_right("log_taylor_softmax_jacobian")
def log_taylor_softmax_jacobian_scaled(z, order=2):
    own = _power_of_two(np.abs(z))
    by_own = _polynomial(z, order - 1, own) / _polynomial(z, order, own) / own
    weights, slopes = _taylor(z, order)
    return _eye(z) * by_own[..., None, :] - (slopes / _sum(weights))[..., None, :]


# squares


def _sphere(z, eps):
    """Weights z² + ε and slopes 2z, divided by the square of the largest root of a weight."""
    scale = np.maximum(_max(np.abs(z)), np.sqrt(z.dtype.type(eps)))
    return (z / scale) ** 2 + eps / scale / scale, 2 * (z / scale) / scale


@_right("spherical_softmax")
def spherical_softmax_scaled(z, eps=2.0**-10):
    return _shares(_sphere(z, eps)[0])


@_right("spherical_softmax_jacobian")
def spherical_softmax_jacobian_scaled(z, eps=2.0**-10):
    return _jacobian(*_sphere(z, eps))


@_right("log_spherical_softmax")
def log_spherical_softmax_scaled(z, eps=2.0**-10):
    w = _sphere(z, eps)[0]
    return np.log(w) - np.log(_sum(w))


@_right("log_spherical_softmax_jacobian")
def log_spherical_softmax_jacobian_scaled(z, eps=2.0**-10):
    own = np.maximum(np.abs(z), np.sqrt(z.dtype.type(eps)))
    by_own = 2 * (z / own) / ((z / own) ** 2 + eps / own / own) / own
    weights, slopes = _sphere(z, eps)
    return _eye(z) * by_own[..., None, :] - (slopes / _sum(weights))[..., None, :]


# margins


def _less_margin(z, labels, margin):
    if np.any((labels < 0) | (labels >= z.shape[-1])):
        raise IndexError("a label is out of range")
    return np.where(np.arange(z.shape[-1]) == labels[..., None], z - margin, z)


@_right("soft_margin_softmax")
def soft_margin_softmax_shifted(z, labels, margin=0.5):
    return _softmax(_less_margin(z, labels, margin))


@_right("soft_margin_softmax_jacobian")
def soft_margin_softmax_jacobian_factored(z, labels, margin=0.5):
    p = _softmax(_less_margin(z, labels, margin))
    return p[..., :, None] * (_eye(p) - p[..., None, :])


@_right("sm_taylor_softmax")
def sm_taylor_softmax_scaled(z, labels, margin=0.5, order=2):
    return _shares(_taylor(_less_margin(z, labels, margin), order)[0])


@_right("sm_taylor_softmax_jacobian")
def sm_taylor_softmax_jacobian_scaled(z, labels, margin=0.5, order=2):
    return _jacobian(*_taylor(_less_margin(z, labels, margin), order))


# φ by name


def _softplus(z):
    """log(1 + e^z) and its derivative, divided by e^top where all of the row is below 0."""
    top, t = np.minimum(_max(z), 0), np.exp(-np.abs(z))
    far = np.exp(np.minimum(z, 0) - top)
    weights = np.where(z < 0, far * np.where(t > 0, np.log1p(t) / t, 1), (z + np.log1p(t)) * np.exp(-top))
    return weights, np.where(z < 0, far, np.exp(-top)) / (1 + t)


def _weights(z, phi):
    """φ(z) and φ'(z), divided by one number for each row."""
    if phi == "exp":
        e = np.exp(z - _max(z))
        return e, e
    if phi == "softplus":
        return _softplus(z)
    kind, _, number = phi.partition("-")
    if kind == "taylor":
        return _taylor(z, int(number))
    k, top = int(number), _max(z)
    return (z / top) ** k, k * (z / top) ** (k - 1) / top


@_right("generalized_softmax")
def generalized_softmax_shares(z, phi="exp"):
    return _shares(_weights(z, phi)[0])


@_right("generalized_softmax_jacobian")
def generalized_softmax_jacobian_factored(z, phi="exp"):
    return _jacobian(*_weights(z, phi))


@_right("generalized_softmax_entropy")
def generalized_softmax_entropy_by_formula(z, phi="exp"):
    w = _weights(z, phi)[0]
    return (np.log(_sum(w)) - _sum(_shares(w) * np.log(w)))[..., 0]


@_right("generalized_softmax_entropy_grad")
def generalized_softmax_entropy_grad_by_formula(z, phi="exp"):
    w, slope = _weights(z, phi)
    log_p = np.log(w) - np.log(_sum(w))
    return -(slope / _sum(w)) * (log_p - _sum(_shares(w) * log_p))
