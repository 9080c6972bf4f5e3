"""A margin μ taken off the label's logit before a softmax: the label must win by μ to have half of two classes' weight.

Sources: Liang et al., "Soft-Margin Softmax for Deep Classification" (ICONIP 2017); Banerjee et al., "Exploring
Alternatives to Softmax Function" (2020), with f in the place of exp. Here both are distributions that add up to 1:
the probabilities of all classes given one label, as the loss needs them. (Banerjee's activation takes the margin
off each class in its own entry; its entries add up to less than 1.)
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shares, weights
from smxcheck.functions.arrays import Array
from smxcheck.functions.labels import Batch, IntegerLabels, read_batch, read_labels
from smxcheck.functions.phi import check_order
from smxcheck.functions.taylor import Weigher, jacobian
from smxcheck.functions.weights import Weights


def soft_margin_softmax(z: ArrayLike, labels: ArrayLike, margin: float = 0.5) -> Array:
    """softmax(z - μ e_y) along the last axis, y the label of each row; shape and dtype of z.

    z has shape (…, K), labels are integers of shape (…) in [0, K). Raises ValueError for a label outside, another
    shape, or a margin that is not finite; TypeError for labels that are not integers and z that is not real.
    """
    batch, label = _read(z, labels)
    return _softmax(_exponential(margin), batch, label)


def soft_margin_softmax_jacobian(z: ArrayLike, labels: ArrayLike, margin: float = 0.5) -> Array:
    """∂p_i/∂z_j = p_i (δ_ij - p_j), p = softmax(z - μ e_y).

    z of shape (…, K) gives (…, K, K), j on the last axis, dtype of z. Errors as for `soft_margin_softmax`.
    """
    batch, label = _read(z, labels)
    return jacobian(_exponential(margin), batch.rows.reshape(batch.shape), label)


def sm_taylor_softmax(z: ArrayLike, labels: ArrayLike, margin: float = 0.5, order: int = 2) -> Array:
    """f(t_i) / Σ_k f(t_k) with t = z - μ e_y and f the Taylor polynomial of exp of that order; shape and dtype of z.

    Errors as for `soft_margin_softmax`; ValueError, too, for an order that is not an even number from 2 to 18.
    """
    batch, label = _read(z, labels)
    return _softmax(_taylor(margin, order), batch, label)


def sm_taylor_softmax_jacobian(
    z: ArrayLike, labels: ArrayLike, margin: float = 0.5, order: int = 2
) -> Array:
    """∂p_i/∂z_j = f'(t_j) (δ_ij - p_i) / Σ_k f(t_k), t = z - μ e_y.

    z of shape (…, K) gives (…, K, K), j on the last axis, dtype of z. Errors as for `sm_taylor_softmax`.
    """
    batch, label = _read(z, labels)
    return jacobian(_taylor(margin, order), batch.rows.reshape(batch.shape), label)


def _read(z: ArrayLike, labels: ArrayLike) -> tuple[Batch, Array]:
    batch = read_batch(z, -1, "z")
    read = read_labels(labels, batch, None)
    if not isinstance(read, IntegerLabels):
        raise TypeError("labels are a distribution; pass class numbers as integers, one for each row")
    return batch, read.classes


def _softmax(weigh: Weigher, batch: Batch, label: Array) -> Array:
    z = batch.rows.reshape(batch.shape)
    return shares.apply(shares.softmax, weigh, z, z.shape[-1:], label)


def _exponential(margin: float) -> Weigher:
    taken = _finite(margin)
    return lambda rows, label: weights.less_margin(rows, label, taken)


def _taylor(margin: float, order: int) -> Weigher:
    check_order(order)
    taken = _finite(margin)

    def weigh(rows: Array, label: Array) -> Weights:
        t = rows.astype(np.float64)
        t[np.arange(len(t)), label] -= taken
        return weights.taylor(t, int(order))

    return weigh


def _finite(margin: float) -> float:
    number = float(margin)
    if not math.isfinite(number):
        raise ValueError(f"margin is {margin}; pass a finite number")
    return number
