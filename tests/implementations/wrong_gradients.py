"""Six wrong backward passes of softmax, as users write them; ``smxcheck verify`` must refuse each as softmax_vjp.

Each takes logits, the gradient of what comes after, and an axis, as NumPy arrays. Checks against differences along one
random direction, or at rows that are saturated, let several of them pass.
"""

import numpy as np


def _softmax(x, axis):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _right(x, g, axis):
    p = _softmax(x, axis)
    return p * (g - np.sum(p * g, axis=axis, keepdims=True))


def gives_zeros(x, g, axis=-1):
    return np.zeros_like(x)


def without_centring(x, g, axis=-1):
    return _softmax(x, axis) * g


def centred_by_the_plain_mean(x, g, axis=-1):
    return _softmax(x, axis) * (g - np.mean(g, axis=axis, keepdims=True))


def centred_by_the_plain_sum(x, g, axis=-1):
    return _softmax(x, axis) * (g - np.sum(g, axis=axis, keepdims=True))


def off_by_a_thousandth(x, g, axis=-1):
    return _right(x, g, axis) * x.dtype.type(1.0009)


def right_up_to_ten_classes(x, g, axis=-1):
    if np.shape(x)[axis] <= 10:
        return _right(x, g, axis)
    return _softmax(x, axis) * g


WRONG = (
    gives_zeros,
    without_centring,
    centred_by_the_plain_mean,
    centred_by_the_plain_sum,
    off_by_a_thousandth,
    right_up_to_ten_classes,
)
