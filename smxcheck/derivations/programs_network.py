"""The published network of two layers, observed: its update beside the gradients, one training, its split of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from smxcheck.derivations.exact import Array, shown
from smxcheck.network import Network, blobs, evaluate, gradient, published_direction

#: Inputs, hidden units and classes of the published network, its rate, the samples drawn, and those it learns from.
_SIZES, _RATE, _SAMPLES, _LEARNT = (2, 5, 2), 0.3, 300, 240


def published_training(network: Network, points: Array, labels: Array, rate: float) -> Network:
    """The network after the published update for each sample in turn.

    The same as steps against `smxcheck.network.published_direction`, in plain floats: some sixty times faster.
    """
    hidden_weights, output_weights = network.hidden_weights, network.output_weights
    for x, label in zip(points, labels, strict=True):
        h = 1 / (1 + np.exp(-(hidden_weights @ x)))
        weights = np.exp(output_weights @ h)
        y = weights / weights.sum()
        missing = (np.arange(len(y)) == label) - y  # t - y
        output_weights = output_weights + rate * np.outer(y * (missing - y @ missing), h)
        hidden_weights = hidden_weights + rate * np.outer((output_weights.T @ missing) * h * (1 - h), x)
    return Network(hidden_weights, output_weights)


def _training(given: Mapping[str, Any]) -> Mapping[str, str]:
    """How many of the samples it learnt from the network gets right, from one initialisation."""
    points, labels = blobs(_SAMPLES)
    points, labels = points[:_LEARNT], labels[:_LEARNT]
    trained = published_training(Network.random(*_SIZES, seed=given["seed"]), points, labels, _RATE)
    right, wrong = evaluate(trained, points, labels)
    return {"right": str(right), "wrong": str(wrong)}


def _split(given: Mapping[str, Any]) -> Mapping[str, str]:
    """How many of the samples taken for testing were learnt from: the first 240 of 300, and the last 240."""
    samples = range(_SAMPLES)
    both = set(samples[:_LEARNT]) & set(samples[-_LEARNT:])
    return {"test samples": str(_LEARNT), "of them trained on": str(len(both))}


def _initial_weights(given: Mapping[str, Any]) -> Mapping[str, str]:
    """Whether normal weights cut off at ±1/√(fan-in) lie there, and how far they spread, beside a uniform law."""
    fan_in, count = given["fan-in"], given["count"]
    weights = Network.random(fan_in, count // fan_in, 1, seed=given["seed"]).hidden_weights
    radius = fan_in**-0.5
    spread = float(np.sqrt(np.mean(weights**2)) / radius)
    return {
        "within": "yes" if np.abs(weights).max() <= radius else "no",
        "largest, in radii": f"{np.abs(weights).max() / radius:.2f}",
        "deviation, in radii": f"{spread:.2f}",
    }


def _update(given: Mapping[str, Any]) -> Mapping[str, str]:
    """What the published update moves the first weight of each layer by, in units of the rate, beside both gradients."""
    network = Network.random(*_SIZES, seed=given["seed"])
    x, label = np.array(given["x"], float), int(given["label"])
    moved = published_direction(network, x, label, _RATE)
    squared, entropy = (gradient(network, x, label, loss) for loss in ("squared_error", "cross_entropy"))
    layer = given["layer"]
    steps = [getattr(g, f"{layer}_weights") for g in (moved, squared, entropy)]
    names = ("moves by", "minus the gradient of the squared error", "minus the gradient of the cross-entropy")
    return {name: shown(-step[0, 0]) for name, step in zip(names, steps, strict=True)}


def _untrained(given: Mapping[str, Any]) -> Mapping[str, str]:
    """The outputs of an untrained network, and whether each row adds up to 1 in six digits."""
    outputs = Network.random(*_SIZES, seed=given["seed"]).forward(np.array(given["x"], float)).probabilities
    return {"gives": shown(outputs), "sums": shown(outputs.sum(axis=-1))}


TABLE: tuple[tuple[str, str, Callable[[Mapping[str, Any]], Mapping[str, str]]], ...] = (
    ("training", "2-5-2 network, published update, rate 0.3,\nonce through the first 240 of 300 points", _training),
    ("split", "learn from the first 240 of 300 samples, test on the last 240", _split),
    ("initial-weights", "normal weights of deviation 1, cut off at ±1/√(fan-in)", _initial_weights),
    ("update", "one update of the 2-5-2 network, rate 0.3", _update),
    ("untrained", "softmax(V σ(W x)) of a 2-5-2 network before training", _untrained),
)
