"""The NumPy implementations of smxcheck: the functions, and the algorithms of each.

>>> from smxcheck.functions import softmax
>>> softmax([1.0, 2.0, 3.0]).round(3).tolist()
[0.09, 0.245, 0.665]
"""

from smxcheck.functions.algorithm import Algorithm
from smxcheck.functions.core import log_sigmoid, log_softmax, logsumexp, sigmoid, softmax
from smxcheck.functions.gradients import cross_entropy_grad
from smxcheck.functions.information import (
    distribution_cross_entropy,
    entropy,
    kl_divergence,
    softmax_entropy,
)
from smxcheck.functions.losses import binary_cross_entropy_with_logits, cross_entropy, nll_loss
from smxcheck.functions.table import ALGORITHMS

__all__ = [
    "ALGORITHMS",
    "Algorithm",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "cross_entropy_grad",
    "distribution_cross_entropy",
    "entropy",
    "kl_divergence",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "nll_loss",
    "sigmoid",
    "softmax",
    "softmax_entropy",
]
