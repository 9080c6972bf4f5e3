"""Enclosures of the derivatives of the losses and of the information functions."""

from __future__ import annotations

from smxcheck.oracle.families import ANSWERED, RowFunction
from smxref import information_derivatives as information
from smxref import loss_derivatives as losses

TABLE: dict[str, RowFunction] = {
    "sigmoid_grad": RowFunction(losses.sigmoid_grad, ANSWERED, entrywise=True),
    "log_sigmoid_grad": RowFunction(losses.log_sigmoid_grad, ANSWERED, entrywise=True),
    "cross_entropy_hessian": RowFunction(losses.cross_entropy_hessian, batch=True),
    "nll_loss_grad": RowFunction(losses.nll_loss_grad, ANSWERED, batch=True),
    "binary_cross_entropy_with_logits_grad": RowFunction(
        losses.binary_cross_entropy_with_logits_grad, ANSWERED, entrywise=True
    ),
    "binary_cross_entropy_with_logits_hessian": RowFunction(
        losses.binary_cross_entropy_with_logits_hessian, ANSWERED, entrywise=True
    ),
    "entropy_grad": RowFunction(information.entropy_grad, ANSWERED, entrywise=True),
    "entropy_hessian": RowFunction(information.entropy_hessian, ANSWERED),
    "softmax_entropy_grad": RowFunction(information.softmax_entropy_grad, counts=True),
    "softmax_entropy_hessian": RowFunction(information.softmax_entropy_hessian),
    "kl_divergence_grad": RowFunction(information.kl_divergence_grad),
    "kl_divergence_hessian": RowFunction(information.kl_divergence_hessian),
    "distribution_cross_entropy_grad": RowFunction(
        information.distribution_cross_entropy_grad, ANSWERED, entrywise=True
    ),
    "distribution_cross_entropy_hessian": RowFunction(
        information.distribution_cross_entropy_hessian, ANSWERED
    ),
}
