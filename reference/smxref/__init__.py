"""The softmax family in arbitrary precision: every answer is a ball with a proven bound on its error.

Independent of the code that it judges: it imports mpmath and the standard library, nothing else.
"""

from smxref.ball import Ball
from smxref.core import log_sigmoid, log_softmax, logsumexp, sigmoid, softmax
from smxref.derivatives import cross_entropy_grad
from smxref.information import distribution_cross_entropy, entropy, kl_divergence, softmax_entropy
from smxref.loss import binary_cross_entropy_with_logits, cross_entropy, nll_loss
from smxref.packing import Packed, decimal_string, pack
from smxref.precision import refine, starting_bits

__all__ = [
    "Ball",
    "Packed",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "cross_entropy_grad",
    "decimal_string",
    "distribution_cross_entropy",
    "entropy",
    "kl_divergence",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "nll_loss",
    "pack",
    "refine",
    "sigmoid",
    "softmax",
    "softmax_entropy",
    "starting_bits",
]
