"""Make cases/smxcases/network-logits.npz: what two small networks put out before and after training.

    python cases/make_network_logits.py

Both are `smxcheck.network.Network`: logistic hidden units, no biases, float64, one sample at a time at rate 0.3. ``blobs``
(2-5-2) learns 240 points about (2, 6) and (6, 2) by the squared error, ``digits`` (64-30-10) the first 1437 images of
scikit-learn's handwritten digits by the cross-entropy, both in 10 passes; each is asked for 60 samples that it has not
seen.

For ``blobs_after``, ``digits_before`` and ``digits_after`` the file holds float32 logits, and as ``…_g`` the gradient
y - t of the squared error by the probabilities, which training sends back through the softmax; the labels stand beside
them. No pickle; fixed timestamps, so that the same library versions write the same bytes. Other versions of BLAS may move
the last bits: the file is the data.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from make_digits_logits import TRAINED_ON, save
from smxcheck.network import Network, blobs, evaluate, train

RATE, PASSES = 0.3, 10
ASKED = 60
PATH = Path(__file__).parent / "smxcases" / "network-logits.npz"

Array = np.ndarray[Any, np.dtype[np.float64]]


def main() -> None:
    arrays = make()
    save(PATH, arrays)
    print(f"{PATH}: {PATH.stat().st_size} bytes")


def make() -> dict[str, Any]:
    """The arrays of the file by key."""
    points, labels = blobs(300)
    seen, unseen = slice(None, 240), slice(240, None)
    before = Network.random(2, 5, 2)
    after = train(before, points[seen], labels[seen], rate=RATE, loss="squared_error", passes=PASSES)
    made = {"blobs_labels": labels[unseen], **put_out("blobs_after", after, points[unseen], labels[unseen])}

    digits = load_digits()
    images, labels = digits.data / 16.0, digits.target.astype(np.int64)
    seen, unseen = slice(None, TRAINED_ON), slice(TRAINED_ON, TRAINED_ON + ASKED)
    before = Network.random(64, 30, 10)
    after = train(before, images[seen], labels[seen], rate=RATE, loss="cross_entropy", passes=PASSES)
    made["digits_labels"] = labels[unseen]
    made |= put_out("digits_before", before, images[unseen], labels[unseen])
    made |= put_out("digits_after", after, images[unseen], labels[unseen])
    held_out = slice(TRAINED_ON, None)
    print(f"digits: {evaluate(after, images[held_out], labels[held_out])} of all that are held out")
    return made


def put_out(name: str, network: Network, inputs: Array, labels: Any) -> dict[str, Any]:
    """Logits, and y - t, in float32."""
    at = network.forward(inputs)
    right, wrong = evaluate(network, inputs, labels)
    print(f"{name}: {right} right, {wrong} wrong, logits {at.logits.min():.2f} to {at.logits.max():.2f}")
    one_hot = np.eye(network.sizes[2])[labels]
    return {
        name: at.logits.astype(np.float32),
        f"{name}_g": (at.probabilities - one_hot).astype(np.float32),
    }


if __name__ == "__main__":
    main()
