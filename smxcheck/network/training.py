"""Stochastic gradient descent, one sample at a time and in the order given, and the count of right answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions.arrays import Array
from smxcheck.network.gradients import Loss, gradient
from smxcheck.network.model import Network


def step(network: Network, x: ArrayLike, label: int, rate: float, loss: Loss) -> Network:
    """The network after one step down the gradient of one sample: (W, V) - rate · (∂L/∂W, ∂L/∂V).

    Both gradients are taken at the old weights. x has shape (d,); errors as for `gradient`.
    """
    by = gradient(network, x, label, loss)
    return Network(
        network.hidden_weights - rate * by.hidden_weights, network.output_weights - rate * by.output_weights
    )


def train(
    network: Network, inputs: ArrayLike, labels: ArrayLike, *, rate: float, loss: Loss, passes: int = 1
) -> Network:
    """The network after a `step` for each of m samples, from first to last, ``passes`` times over.

    ``inputs`` has shape (m, d), ``labels`` m class numbers in [0, k). The given network stays as it is. Raises ValueError
    for other shapes, a label out of range or an unknown loss; TypeError for labels that are not integers.

    Source: Robbins & Monro, "A stochastic approximation method", Ann. Math. Stat. 22(3), 1951; here with a constant rate.
    """
    samples, classes = _samples(inputs, labels)
    for _ in range(passes):
        for x, label in zip(samples, classes, strict=True):
            network = step(network, x, int(label), rate, loss)
    return network


def evaluate(network: Network, inputs: ArrayLike, labels: ArrayLike) -> tuple[int, int]:
    """(right, wrong): how many of m samples have their largest logit, the first of equal ones, at their label.

    Shapes as for `train`, ValueError for others; TypeError for labels that are not integers. The largest logit is the
    largest probability, and does not underflow.
    """
    samples, classes = _samples(inputs, labels)
    right = int(np.sum(network.forward(samples).logits.argmax(axis=-1) == classes))
    return right, len(classes) - right


def _samples(inputs: ArrayLike, labels: ArrayLike) -> tuple[Array, Array]:
    samples, classes = np.asarray(inputs), np.asarray(labels)
    if classes.dtype.kind not in "iu":
        raise TypeError(f"labels have dtype {classes.dtype}; pass class numbers as integers")
    if samples.ndim != 2 or classes.shape != samples.shape[:1]:
        raise ValueError(
            f"inputs have shape {samples.shape} and labels {classes.shape}; pass (m, d) and (m,)"
        )
    return samples, classes
