"""The softmax family in arbitrary precision: every answer is a ball with a proven bound on its error.

Independent of the code that it judges: it imports mpmath and the standard library, nothing else.
"""

from smxref.adaptive import adaptive_log_softmax, adaptive_log_softmax_jacobian
from smxref.ball import Ball
from smxref.core import log_sigmoid, log_softmax, logsumexp, sigmoid, softmax
from smxref.derivatives import cross_entropy_grad
from smxref.generalised import (
    generalized_softmax,
    generalized_softmax_entropy,
    generalized_softmax_entropy_grad,
    generalized_softmax_jacobian,
    log_spherical_softmax,
    log_spherical_softmax_jacobian,
    log_taylor_softmax,
    log_taylor_softmax_jacobian,
    sm_taylor_softmax,
    sm_taylor_softmax_jacobian,
    soft_margin_softmax,
    soft_margin_softmax_jacobian,
    spherical_softmax,
    spherical_softmax_jacobian,
    taylor_softmax,
    taylor_softmax_jacobian,
)
from smxref.gumbel import gumbel_max_sample, gumbel_softmax, gumbel_softmax_jacobian
from smxref.information import distribution_cross_entropy, entropy, kl_divergence, softmax_entropy
from smxref.information_derivatives import (
    distribution_cross_entropy_grad,
    distribution_cross_entropy_hessian,
    entropy_grad,
    entropy_hessian,
    kl_divergence_grad,
    kl_divergence_hessian,
    softmax_entropy_grad,
    softmax_entropy_hessian,
)
from smxref.loss import binary_cross_entropy_with_logits, cross_entropy, nll_loss
from smxref.loss_derivatives import (
    binary_cross_entropy_with_logits_grad,
    binary_cross_entropy_with_logits_hessian,
    cross_entropy_hessian,
    log_sigmoid_grad,
    nll_loss_grad,
    sigmoid_grad,
)
from smxref.packing import Packed, decimal_string, pack
from smxref.precision import refine, starting_bits
from smxref.softmax_derivatives import (
    log_softmax_backward,
    log_softmax_jacobian,
    log_softmax_vjp,
    logsumexp_grad,
    logsumexp_hessian,
    softmax_backward,
    softmax_hessian,
    softmax_jacobian,
    softmax_jvp,
    softmax_vjp,
)
from smxref.sparse import entmax15, entmax15_jacobian, sparsemax, sparsemax_jacobian

__all__ = [
    "Ball",
    "Packed",
    "adaptive_log_softmax",
    "adaptive_log_softmax_jacobian",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_grad",
    "binary_cross_entropy_with_logits_hessian",
    "cross_entropy",
    "cross_entropy_grad",
    "cross_entropy_hessian",
    "decimal_string",
    "distribution_cross_entropy",
    "distribution_cross_entropy_grad",
    "distribution_cross_entropy_hessian",
    "entmax15",
    "entmax15_jacobian",
    "entropy",
    "entropy_grad",
    "entropy_hessian",
    "generalized_softmax",
    "generalized_softmax_entropy",
    "generalized_softmax_entropy_grad",
    "generalized_softmax_jacobian",
    "gumbel_max_sample",
    "gumbel_softmax",
    "gumbel_softmax_jacobian",
    "kl_divergence",
    "kl_divergence_grad",
    "kl_divergence_hessian",
    "log_sigmoid",
    "log_sigmoid_grad",
    "log_softmax",
    "log_softmax_backward",
    "log_softmax_jacobian",
    "log_softmax_vjp",
    "log_spherical_softmax",
    "log_spherical_softmax_jacobian",
    "log_taylor_softmax",
    "log_taylor_softmax_jacobian",
    "logsumexp",
    "logsumexp_grad",
    "logsumexp_hessian",
    "nll_loss",
    "nll_loss_grad",
    "pack",
    "refine",
    "sigmoid",
    "sigmoid_grad",
    "sm_taylor_softmax",
    "sm_taylor_softmax_jacobian",
    "soft_margin_softmax",
    "soft_margin_softmax_jacobian",
    "softmax",
    "softmax_backward",
    "softmax_entropy",
    "softmax_entropy_grad",
    "softmax_entropy_hessian",
    "softmax_hessian",
    "softmax_jacobian",
    "softmax_jvp",
    "softmax_vjp",
    "sparsemax",
    "sparsemax_jacobian",
    "spherical_softmax",
    "spherical_softmax_jacobian",
    "starting_bits",
    "taylor_softmax",
    "taylor_softmax_jacobian",
]
