"""Make cases/smxcases/digits.npz: the logits of two small classifiers on scikit-learn's handwritten digits.

    python cases/make_digits_logits.py

Both networks are the same: 64 inputs, 32 rectified linear units, 10 classes, trained in float64 by full-batch
gradient descent with momentum on the first 1437 images and evaluated on the last 360. ``plain`` stops early with
weight decay and is about as confident as it is right. ``overconfident`` is trained on without decay until the training
loss is next to nothing, and its logits are multiplied by 8, as a temperature of 1/8 would: peaked rows, far tails.

The file holds float32 logits (360, 10), the labels, and the two accuracies. No pickle; fixed timestamps, so that the
same library versions write the same bytes. Other versions of BLAS may move the last bits: the file is the data.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

TRAINED_ON = 1437
HIDDEN = 32
SEED = 20240229
OVERCONFIDENCE = 8.0

Array = np.ndarray[Any, np.dtype[np.float64]]


def train(images: Array, labels: Any, steps: int, decay: float, rate: float = 0.2) -> list[Array]:
    """Weights [W1, b1, W2, b2] after ``steps`` of gradient descent with momentum 0.9 on the mean cross-entropy."""
    rng = np.random.default_rng(SEED)
    weights = [
        rng.normal(0.0, np.sqrt(2.0 / images.shape[1]), (images.shape[1], HIDDEN)),
        np.zeros(HIDDEN),
        rng.normal(0.0, np.sqrt(1.0 / HIDDEN), (HIDDEN, 10)),
        np.zeros(10),
    ]
    velocity = [np.zeros_like(w) for w in weights]
    one_hot = np.eye(10)[labels]
    for _ in range(steps):
        w1, b1, w2, b2 = weights
        hidden = np.maximum(images @ w1 + b1, 0.0)
        logits = hidden @ w2 + b2
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        at_logits = (p - one_hot) / len(labels)
        at_hidden = (at_logits @ w2.T) * (hidden > 0)
        gradient = [images.T @ at_hidden, at_hidden.sum(axis=0), hidden.T @ at_logits, at_logits.sum(axis=0)]
        for w, v, g in zip(weights, velocity, gradient, strict=True):
            v *= 0.9
            v -= rate * (g + decay * w)
            w += v
    return weights


def logits_of(weights: list[Array], images: Array) -> Array:
    w1, b1, w2, b2 = weights
    return np.maximum(images @ w1 + b1, 0.0) @ w2 + b2


def save(path: Path, arrays: dict[str, Any]) -> None:
    """``numpy.savez`` with fixed timestamps."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            stream = io.BytesIO()
            np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), stream.getvalue())


def main() -> None:
    digits = load_digits()
    images, labels = digits.data / 16.0, digits.target
    seen, held_out = slice(None, TRAINED_ON), slice(TRAINED_ON, None)
    made: dict[str, Any] = {"labels": labels[held_out].astype(np.int64)}
    for name, steps, decay, scale in (("plain", 300, 1e-3, 1.0), ("overconfident", 4000, 0.0, OVERCONFIDENCE)):
        logits = scale * logits_of(train(images[seen], labels[seen], steps, decay), images[held_out])
        made[name] = logits.astype(np.float32)
        made[f"{name}_accuracy"] = float(np.mean(logits.argmax(axis=1) == labels[held_out]))
        print(f"{name}: accuracy {made[f'{name}_accuracy']:.4f}, logits {logits.min():.1f} to {logits.max():.1f}")
    path = Path(__file__).parent / "smxcases" / "digits.npz"
    save(path, made)
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
