"""The update that a widely read tutorial gives for this network, to be held against the gradient."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.network.gradients import Gradient, gradient
from smxcheck.network.model import Network


def published_direction(network: Network, x: ArrayLike, label: int, rate: float) -> Gradient:
    """What the published update moves W and V against, in units of the rate: not the gradient of any of the two losses.

        V:  J (y - t) hᵀ                          the gradient of the squared error
        W:  (V'ᵀ (y - t) ∘ σ'(a)) xᵀ,  V' = V - rate · J (y - t) hᵀ

    The hidden layer is given y - t, without the Jacobian J of softmax, and through output weights that have moved
    already. With V for V' it is the gradient of the cross-entropy. x has shape (d,); errors as for `gradient`.

    Source: B. Klein, "Softmax as Activation Function" (python-course.eu, 2022), where it is written with t - y.
    """
    at_output = gradient(network, x, label, "squared_error").output_weights
    moved = Network(network.hidden_weights, network.output_weights - rate * at_output)
    at = network.forward(x)
    difference = at.probabilities - (np.arange(len(at.logits)) == label)
    at_sums = (moved.output_weights.T @ difference) * at.hidden * (1.0 - at.hidden)
    return Gradient(np.outer(at_sums, np.asarray(x, np.float64)), at_output)
