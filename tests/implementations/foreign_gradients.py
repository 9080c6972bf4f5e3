"""Derivatives as other authors write them: wrong ones that look right on most inputs, and right ones in unusual forms.

The wrong ones are faults of kernels and of ports (blocks, rows, axes, strides, formats, guards), not of the formula. All
take NumPy arrays of the catalog's arguments.
"""

import functools

import numpy as np

#: (function, callable, dtypes): which dtypes have digits enough to show it.
WRONG = []
#: (function, callable): right in every dtype; computed in float32 for 16-bit arrays.
RIGHT = []

WIDE = ("float32", "float64")
ALL = ("float16", *WIDE)


def _softmax(x, axis=-1):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _log_softmax(x, axis=-1):
    d = x - x.max(axis=axis, keepdims=True)
    return d - np.log(np.exp(d).sum(axis=axis, keepdims=True))


def _vjp(x, g, axis=-1):
    p = _softmax(x, axis)
    return p * (g - (p * g).sum(axis=axis, keepdims=True))


def _log_vjp(x, g, axis=-1):
    return g - _softmax(x, axis) * g.sum(axis=axis, keepdims=True)


def _backward(g, y, axis=-1):
    return y * (g - (y * g).sum(axis=axis, keepdims=True))


def _log_backward(g, y, axis=-1):
    return g - np.exp(y) * g.sum(axis=axis, keepdims=True)


def _entropy_grad(z, axis=-1):
    p, log_p = _softmax(z, axis), _log_softmax(z, axis)
    log_p = np.where(p > 0, log_p, z.dtype.type(0))
    return -p * (log_p - (p * log_p).sum(axis=axis, keepdims=True))


def _kl_grad(z, q, axis=-1):
    p = _softmax(z, axis)
    r = np.where(p > 0, _log_softmax(z, axis) - np.log(np.where(q > 0, q, q.dtype.type(1))), z.dtype.type(0))
    return p * (r - (p * r).sum(axis=axis, keepdims=True))


def _jacobian(x, axis=-1):
    p = _softmax(x)
    return p[..., :, None] * (np.eye(x.shape[-1], dtype=x.dtype) - p[..., None, :])


def _hessian(x, axis=-1):
    p, j, e = _softmax(x), _jacobian(x), np.eye(x.shape[-1], dtype=x.dtype)
    mean = p[..., None, :, None] * j[..., :, None, :]
    return e[:, :, None] * j[..., :, None, :] - mean - p[..., :, None, None] * j[..., None, :, :]


def _curvature(logits, labels, axis=-1):
    labels = np.asarray(labels)
    count = logits.dtype.type(max(logits.size // max(logits.shape[-1], 1), 1))
    if labels.dtype.kind in "iu":
        if labels.size and not (labels.min() >= 0 and labels.max() < logits.shape[-1]):
            raise ValueError("a label is out of range")
        return _jacobian(logits) / count
    return _jacobian(logits) * labels.sum(axis=-1)[..., None, None] / count


_PRODUCTS = {
    "softmax_vjp": _vjp,
    "softmax_jvp": _vjp,
    "log_softmax_vjp": _log_vjp,
    "softmax_backward": _backward,
    "log_softmax_backward": _log_backward,
}
_ROWS = {
    **_PRODUCTS,
    "logsumexp_grad": _softmax,
    "softmax_entropy_grad": _entropy_grad,
    "kl_divergence_grad": _kl_grad,
}
_TENSORS = {"softmax_jacobian": _jacobian, "softmax_hessian": _hessian, "cross_entropy_hessian": _curvature}
#: What the general faults are put into: right without them, in `ALL`.
UNSPOILT = {**_ROWS, **_TENSORS}


# -- Faults that any right function can have


def _faulty(functions, dtypes=WIDE):
    """Enters a fault, a function of (right function, arguments, axis), for each of the functions."""

    def enter(fault):
        for name, call in functions.items():

            def wrong(*arguments, axis=-1, call=call):
                with np.errstate(all="ignore"):
                    return fault(call, arguments, axis).astype(np.asarray(arguments[0]).dtype, copy=False)

            wrong.__name__ = f"{name}_{fault.__name__}"
            WRONG.append((name, wrong, dtypes))
        return fault

    return enter


@_faulty(_ROWS)
def first_four_rows(call, arguments, axis):
    out = call(*arguments, axis)
    if out.ndim == 2 and axis in (-1, 1):
        out[4:] = 0
    return out


@_faulty(_ROWS)
def middle_axis_taken_for_last(call, arguments, axis):
    return call(*arguments, -1 if arguments[0].ndim == 3 else axis)


@_faulty({"softmax_backward": _backward, "log_softmax_backward": _log_backward, "softmax_vjp": _vjp})
def strides_ignored(call, arguments, axis):
    first, second = arguments
    return call(first.ravel(order="K").reshape(first.shape), second, axis)


@_faulty({**_ROWS, **_TENSORS}, ("float32",))
def larger_by_2_to_the_minus_18(call, arguments, axis):
    return call(*arguments, axis) * np.float32(1 + 2.0**-18)


@_faulty({**_ROWS, "softmax_jacobian": _jacobian, "softmax_hessian": _hessian}, ("float64",))
def through_float32(call, arguments, axis):
    return call(*(a.astype(np.float32) for a in arguments), axis)


@_faulty(_PRODUCTS, ALL)
def small_cotangents_dropped(call, arguments, axis):
    """A threshold in place of a comparison with 0."""
    place = 0 if call in (_backward, _log_backward) else 1
    both = list(arguments)
    both[place] = np.where(np.abs(both[place]) < 0.01, both[place].dtype.type(0), both[place])
    return call(*both, axis)


@_faulty(_TENSORS)
def damped(call, arguments, axis):
    """A millionth added so that a solver does not divide by 0."""
    first = arguments[0]
    return call(*arguments) + first.dtype.type(1e-6) * np.eye(first.shape[-1], dtype=first.dtype)


@_faulty({"softmax_jacobian": _jacobian, "cross_entropy_hessian": _curvature})
def first_four_matrices(call, arguments, axis):
    out = call(*arguments)
    out.reshape(-1, *out.shape[-2:])[4:] = 0
    return out


# -- Faults of the products


def _probabilities(formula):
    """A fault in the probabilities alone, then the right backward pass."""

    @_faulty({"softmax_vjp": _vjp})
    @functools.wraps(formula)
    def fault(call, arguments, axis):
        return _backward(arguments[1], formula(arguments[0], axis), axis)

    return fault


@_probabilities
def millionth_in_the_denominator(x, axis):
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / (e.sum(axis=axis, keepdims=True) + x.dtype.type(1e-6))


@_probabilities
def clipped_at_1e_7(x, axis):
    return np.clip(_softmax(x, axis), x.dtype.type(1e-7), x.dtype.type(1 - 1e-7))


def _summed_over(count):
    """A fault: the inner product stops after ``count(n)`` of n entries."""

    def fault(call, arguments, axis):
        x, g = arguments
        p = _softmax(x, axis)
        head = np.take(p * g, range(count(x.shape[axis])), axis=axis)
        return p * (g - head.sum(axis=axis, keepdims=True))

    fault.__name__ = count.__name__
    return _faulty({"softmax_vjp": _vjp, "softmax_jvp": _vjp})(fault)


@_summed_over
def first_1024_entries(n):
    return min(n, 1024)


@_summed_over
def whole_blocks_of_16_only(n):
    return n - n % 16 if n > 16 else n


@_faulty({"softmax_jvp": _vjp})
def sigmoid_of_two(call, arguments, axis):
    x, v = arguments
    p = _softmax(x, axis)
    return p * (1 - p) * v if x.shape[axis] == 2 else call(x, v, axis)


@_faulty({"log_softmax_backward": _log_backward})
def expm1_at_every_entry(call, arguments, axis):
    """(g - Σ g) - expm1(y) Σ g cancels at improbable classes."""
    g, y = arguments
    total = g.sum(axis=axis, keepdims=True)
    return (g - total) - np.expm1(y) * total


@_faulty({"softmax_backward": _backward}, ALL)
def improbable_classes_skipped(call, arguments, axis):
    return np.where(np.abs(arguments[1]) < 1e-3, arguments[0].dtype.type(0), call(*arguments, axis))


# -- Right ones


def _right(*names):
    """Wide arithmetic inside, no warnings, and the class axis last where the function has one."""

    def enter(formula):
        @functools.wraps(formula)
        def call(*arguments, axis=-1):
            dtype = arguments[0].dtype
            wide = [a.astype(np.float32) if dtype.itemsize == 2 else a for a in arguments]
            with np.errstate(all="ignore"):
                out = np.asarray(formula(*(np.moveaxis(a, axis, -1) for a in wide)))
            return (out if out.ndim > arguments[0].ndim else np.moveaxis(out, -1, axis)).astype(dtype)

        RIGHT.extend((name, call) for name in names)
        return formula

    return enter


@_right("softmax_vjp", "softmax_jvp")
def centred_by_the_cotangent_at_the_maximum(x, g):
    return _vjp(x, g - np.take_along_axis(g, x.argmax(-1)[..., None], -1))


@_right("softmax_vjp", "softmax_jvp")
def differences_of_cotangents(x, g):
    p = _softmax(x)
    return p * (p[..., None, :] * (g[..., :, None] - g[..., None, :])).sum(axis=-1)


@_right("softmax_vjp", "softmax_jvp")
def online_in_blocks_of_7(x, g):
    top = np.full((*x.shape[:-1], 1), -np.inf, x.dtype)
    total, product = np.zeros_like(top), np.zeros_like(top)
    for start in range(0, x.shape[-1], 7):
        part, weights = x[..., start : start + 7], g[..., start : start + 7]
        new = np.maximum(top, part.max(axis=-1, keepdims=True))
        safe = np.where(np.isneginf(new), x.dtype.type(0), new)
        shrink, e = np.exp(top - safe), np.exp(part - safe)
        total, top = total * shrink + e.sum(axis=-1, keepdims=True), new
        product = product * shrink + (e * weights).sum(axis=-1, keepdims=True)
    return np.exp(x - top) / total * (g - product / total)


@_right("softmax_vjp", "softmax_jvp")
def powers_of_two(x, g):
    e = np.exp2((x - x.max(axis=-1, keepdims=True)) * x.dtype.type(1.4426950408889634))
    return _backward(g, e / e.sum(axis=-1, keepdims=True))


@_right("softmax_jacobian", "logsumexp_hessian")
def square_roots_on_both_sides(x):
    r = np.sqrt(_softmax(x))
    inner = np.eye(x.shape[-1], dtype=x.dtype) - r[..., :, None] * r[..., None, :]
    return r[..., :, None] * inner * r[..., None, :]


@_right("softmax_hessian")
def axes_in_another_order(x):
    """∂²p_i/∂x_j∂x_k is a third derivative of logsumexp: symmetric in all three indices."""
    return np.moveaxis(_hessian(x), -3, -1)
