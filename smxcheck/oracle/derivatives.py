"""Enclosures of the derivatives of softmax, log_softmax and logsumexp."""

from __future__ import annotations

from smxcheck.oracle.families import NONE, RowFunction
from smxref import softmax_derivatives as ref

TABLE: dict[str, RowFunction] = {
    "softmax_jacobian": RowFunction(ref.softmax_jacobian),
    "softmax_jvp": RowFunction(ref.softmax_jvp, counts=True),
    "softmax_vjp": RowFunction(ref.softmax_vjp, counts=True),
    "softmax_backward": RowFunction(ref.softmax_backward, NONE, counts=True),
    "softmax_hessian": RowFunction(ref.softmax_hessian),
    "log_softmax_jacobian": RowFunction(ref.log_softmax_jacobian),
    "log_softmax_vjp": RowFunction(ref.log_softmax_vjp, counts=True),
    "log_softmax_backward": RowFunction(ref.log_softmax_backward, NONE, counts=True, own=1),
    "logsumexp_grad": RowFunction(ref.logsumexp_grad, counts=True),
    "logsumexp_hessian": RowFunction(ref.logsumexp_hessian),
}
