"""PyTorch. Its losses have the classes on axis 1, so the class axis is moved there before the call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch.distributions import Categorical
from torch.nn import functional as F

from smxcheck.targets import autodiff_torch
from smxcheck.targets.adapters import Adapted

ARRAYS = "torch"

_KL_OF_LOGITS = "torch.nn.functional.kl_div(q.log(), log_softmax(z), log_target=True).sum"


def softmax(x: Any, axis: Any = -1) -> Any:
    return torch.softmax(x, dim=axis)


def log_softmax(x: Any, axis: Any = -1) -> Any:
    return torch.log_softmax(x, dim=axis)


def logsumexp(x: Any, axis: Any = -1) -> Any:
    return torch.logsumexp(x, dim=axis)


def cross_entropy(
    logits: Any,
    labels: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
) -> Any:
    soft = labels.shape == logits.shape and labels.is_floating_point()
    return F.cross_entropy(
        classes_second(logits, axis),
        classes_second(labels, axis) if soft else labels,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def nll_loss(
    log_probabilities: Any,
    labels: Any,
    *,
    axis: int = -1,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> Any:
    return F.nll_loss(
        classes_second(log_probabilities, axis),
        labels,
        weight=weight,
        ignore_index=ignore_index,
        reduction=reduction,
    )


def binary_cross_entropy_with_logits(x: Any, y: Any) -> Any:
    return F.binary_cross_entropy_with_logits(x, y, reduction="none")


def entropy(p: Any, axis: Any = -1) -> Any:
    """Σ entr(p_i), entr(p) = -p log p."""
    return torch.special.entr(p).sum(dim=axis)


def softmax_entropy(logits: Any, axis: int = -1) -> Any:
    return Categorical(validate_args=False, logits=logits.movedim(axis, -1)).entropy()


def kl_divergence(p: Any, q: Any, axis: Any = -1) -> Any:
    """Σ p (log p - log q); kl_div takes the logarithm of q."""
    return F.kl_div(q.log(), p, reduction="none").sum(dim=axis)


def kl_divergence_of_logits(logits: Any, q: Any, axis: Any = -1) -> Any:
    """Σ p (log p - log q) with p = softmax(z), both logarithms as kl_div wants them."""
    return F.kl_div(q.log(), torch.log_softmax(logits, axis), reduction="none", log_target=True).sum(dim=axis)


def kl_divergence_grad(logits: Any, q: Any, axis: Any = -1) -> Any:
    return autodiff_torch.gradient(lambda z: kl_divergence_of_logits(z, q, axis), logits)


def kl_divergence_hessian(logits: Any, q: Any) -> Any:
    return autodiff_torch.hessian(lambda z: kl_divergence_of_logits(z, q), logits)


def softmax_backward(grad_output: Any, output: Any, axis: int = -1) -> Any:
    return torch.ops.aten._softmax_backward_data(grad_output, output, axis, output.dtype)


def log_softmax_backward(grad_output: Any, output: Any, axis: int = -1) -> Any:
    return torch.ops.aten._log_softmax_backward_data(grad_output, output, axis, output.dtype)


def classes_second(x: Any, axis: int) -> Any:
    """``x`` with its class axis moved to 1; a single row stays as it is."""
    return x if x.ndim < 2 else x.movedim(axis, 1)


def adapted() -> Mapping[str, Adapted]:
    return {
        "softmax": Adapted("torch.softmax", softmax),
        "log_softmax": Adapted("torch.log_softmax", log_softmax),
        "logsumexp": Adapted("torch.logsumexp", logsumexp),
        "sigmoid": Adapted("torch.sigmoid", lambda x: torch.sigmoid(x)),
        "log_sigmoid": Adapted("torch.nn.functional.logsigmoid", lambda x: F.logsigmoid(x)),
        "cross_entropy": Adapted("torch.nn.functional.cross_entropy", cross_entropy),
        "nll_loss": Adapted("torch.nn.functional.nll_loss", nll_loss),
        "binary_cross_entropy_with_logits": Adapted(
            "torch.nn.functional.binary_cross_entropy_with_logits", binary_cross_entropy_with_logits
        ),
        "entropy": Adapted("torch.special.entr(p).sum", entropy),
        "softmax_entropy": Adapted("torch.distributions.Categorical(validate_args=False, logits=z).entropy", softmax_entropy),
        "kl_divergence": Adapted("torch.nn.functional.kl_div(q.log(), p).sum", kl_divergence),
        "softmax_backward": Adapted("torch.ops.aten._softmax_backward_data", softmax_backward),
        "log_softmax_backward": Adapted("torch.ops.aten._log_softmax_backward_data", log_softmax_backward),
        "kl_divergence_grad": Adapted(f"autograd of {_KL_OF_LOGITS}", kl_divergence_grad),
        "kl_divergence_hessian": Adapted(f"autograd of autograd of {_KL_OF_LOGITS}", kl_divergence_hessian),
    }


def versions() -> Mapping[str, str]:
    return {"torch": torch.__version__}


def notes() -> tuple[str, ...]:
    capability = torch.backends.cpu.get_cpu_capability()
    return (f"torch: CPU path {capability}, {torch.get_num_threads()} threads",)
