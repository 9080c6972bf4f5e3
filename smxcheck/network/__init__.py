"""A classifier with one hidden layer and a softmax output, trained by gradient descent one sample at a time.

It shows the functions at work, and the gradient through a softmax done right. Two clouds of points, of which it sees 240
ten times each and 60 never:

>>> from smxcheck.network import Network, blobs, evaluate, train
>>> points, labels = blobs(300)
>>> untrained = Network.random(inputs=2, hidden=5, classes=2)
>>> trained = train(untrained, points[:240], labels[:240], rate=0.3, loss="squared_error", passes=10)
>>> evaluate(trained, points[:240], labels[:240]), evaluate(trained, points[240:], labels[240:])
((240, 0), (60, 0))
"""

from smxcheck.network.data import blobs
from smxcheck.network.gradients import LOSSES, Gradient, gradient, loss_of
from smxcheck.network.model import Activations, Network
from smxcheck.network.published import published_direction
from smxcheck.network.training import evaluate, step, train

__all__ = [
    "Activations",
    "Gradient",
    "LOSSES",
    "Network",
    "blobs",
    "evaluate",
    "gradient",
    "loss_of",
    "published_direction",
    "step",
    "train",
]
