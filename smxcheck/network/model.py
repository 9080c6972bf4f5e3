"""The network: its weights, how they begin, and the way from inputs to probabilities."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import sigmoid, softmax
from smxcheck.functions.arrays import Array, as_real


class Activations(NamedTuple):
    """What the layers put out for inputs of shape (…, d), all in float64."""

    sums: Array  # a = W x, (…, h)
    hidden: Array  # σ(a), (…, h)
    logits: Array  # z = V σ(a), (…, k)
    probabilities: Array  # softmax(z), (…, k)


@dataclass(frozen=True)
class Network:
    """y = softmax(V σ(W x)): d inputs, h hidden units with the logistic function σ, k classes, no biases.

    ``hidden_weights`` is W of shape (h, d), ``output_weights`` V of shape (k, h), both float64 and at least 1 long in
    each axis; ValueError for anything else. Neither is ever written to.
    """

    hidden_weights: Array
    output_weights: Array

    def __post_init__(self) -> None:
        w, v = self.hidden_weights, self.output_weights
        fit = w.ndim == v.ndim == 2 and v.shape[1] == w.shape[0] and w.size and v.size
        if not fit or w.dtype != np.float64 or v.dtype != np.float64:
            raise ValueError(
                f"weights are {w.dtype} {w.shape} and {v.dtype} {v.shape}; pass float64 of shapes (h, d) and (k, h)"
            )

    @property
    def sizes(self) -> tuple[int, int, int]:
        """(d, h, k): inputs, hidden units, classes."""
        return self.hidden_weights.shape[1], self.hidden_weights.shape[0], self.output_weights.shape[0]

    @classmethod
    def random(cls, inputs: int, hidden: int, classes: int, seed: int = 0) -> Network:
        """A network before training: normal weights of deviation 1, cut off at ±1/√(fan-in); the same for a seed
        in every version of NumPy. Raises ValueError for a size below 1.

        Weights of the order of 1/√(fan-in) keep the sums of a layer of the order of its inputs, so that units do not start
        saturated (LeCun, Bottou, Orr & Müller, "Efficient BackProp", 1998, §4.6).
        """
        if min(inputs, hidden, classes) < 1:
            raise ValueError(f"sizes {inputs}, {hidden}, {classes} must be at least 1 each")
        # Its streams are frozen (NumPy enhancement proposal 19); those of default_rng may change.
        rng = np.random.RandomState(seed)
        return cls(
            _truncated_normal(rng, (hidden, inputs), 1 / math.sqrt(inputs)),
            _truncated_normal(rng, (classes, hidden), 1 / math.sqrt(hidden)),
        )

    def forward(self, x: ArrayLike) -> Activations:
        """All layers for inputs of shape (d,) or (…, d). Raises ValueError for another last axis, TypeError for what
        is not real."""
        inputs = as_real(x, "x").astype(np.float64)
        if inputs.shape[-1:] != self.hidden_weights.shape[1:]:
            raise ValueError(f"x has shape {inputs.shape}; its last axis must have length {self.sizes[0]}")
        sums = inputs @ self.hidden_weights.T
        hidden = sigmoid(sums)
        logits = hidden @ self.output_weights.T
        return Activations(sums, hidden, logits, softmax(logits))


def _truncated_normal(rng: np.random.RandomState, shape: tuple[int, ...], radius: float) -> Array:
    """Normal numbers of mean 0 and deviation 1, given that they lie within ±radius ≤ 1.

    Rejection from the uniform distribution: x is kept with probability exp(-x²/2), which is at least 0.6.
    """
    count = math.prod(shape)
    kept = np.empty(0)
    while len(kept) < count:
        proposed = rng.uniform(-radius, radius, count)
        kept = np.append(kept, proposed[rng.uniform(size=count) < np.exp(-(proposed**2) / 2)])
    return kept[:count].reshape(shape)
