"""Two losses of one sample, and their gradients by both matrices of weights.

With a = W x, h = σ(a), z = V h, y = softmax(z) and t the one-hot label:

    cross-entropy   -log y_label      by the logits: δ = y - t
    squared error   ½ ‖t - y‖²        by the logits: δ = J (y - t),  J = diag(y) - y yᵀ

    by V: δ hᵀ        by W: (Vᵀ δ ∘ σ'(a)) xᵀ        σ'(a) = σ(a) σ(-a)

(Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", Nature 323, 1986; J as in Bridle,
"Probabilistic interpretation of feedforward classification network outputs", 1990.) J is symmetric, so that J (y - t) is
the backward product of softmax with y - t: y_i (g_i - Σ_k y_k g_k), and J is never formed.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import cross_entropy, cross_entropy_grad, sigmoid, softmax_vjp
from smxcheck.functions.arrays import Array
from smxcheck.network.model import Activations, Network

Loss = Literal["cross_entropy", "squared_error"]

LOSSES: tuple[Loss, ...] = ("cross_entropy", "squared_error")


class Gradient(NamedTuple):
    """∂L/∂W of shape (h, d) and ∂L/∂V of shape (k, h), float64."""

    hidden_weights: Array
    output_weights: Array


def loss_of(network: Network, x: ArrayLike, label: int, loss: Loss) -> float:
    """The loss of one sample: x of shape (d,), a class number in [0, k).

    -log y_label, or ½ Σ_k (t_k - y_k)². Raises ValueError for a wrong shape, a label out of range or an unknown loss.
    """
    logits = _one(network, x).logits
    difference = cross_entropy_grad(logits, label)  # refuses -100, too, which the loss would ignore
    if _known(loss) == "cross_entropy":
        return float(cross_entropy(logits, label))
    return float(difference @ difference) / 2


def gradient(network: Network, x: ArrayLike, label: int, loss: Loss) -> Gradient:
    """The gradient of the loss of one sample by all weights, both at the weights as they are.

    ∂L/∂V = δ hᵀ, ∂L/∂W = (Vᵀ δ ∘ σ'(a)) xᵀ with δ as above. Arguments and errors as for `loss_of`.
    """
    at = _one(network, x)
    at_logits = _by_logits(at.logits, label, _known(loss))
    # σ(-a) and not 1 - h, which has lost its digits where a is large.
    at_sums = (network.output_weights.T @ at_logits) * at.hidden * sigmoid(-at.sums)
    return Gradient(np.outer(at_sums, np.asarray(x, np.float64)), np.outer(at_logits, at.hidden))


def _by_logits(logits: Array, label: int, loss: Loss) -> Array:
    # y - t, the label's entry as minus the sum of the others: exact where y_label is nearly 1.
    difference = cross_entropy_grad(logits, label)
    return difference if loss == "cross_entropy" else softmax_vjp(logits, difference)


def _one(network: Network, x: ArrayLike) -> Activations:
    if np.ndim(x) != 1:
        raise ValueError(f"x has {np.ndim(x)} axes; pass one sample, of shape ({network.sizes[0]},)")
    return network.forward(x)


def _known(loss: Loss) -> Loss:
    if loss not in LOSSES:
        raise ValueError(f"loss {loss!r} is unknown; choose one of {', '.join(LOSSES)}")
    return loss
