"""Right implementations in torch, each written another way; also usable as a user's file:
``smxcheck verify tests/implementations/right_torch.py:softmax_amax``.

16-bit input is computed in float32 and rounded once, as torch's own kernels do.
"""

import torch
import torch.nn.functional as F
from torch import nn


def _wide(x):
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def softmax_amax(x, dim=-1):
    z = _wide(x)
    e = torch.exp(z - torch.amax(z, dim=dim, keepdim=True))
    return (e / e.sum(dim=dim, keepdim=True)).to(x.dtype)


def softmax_library(x, dim=-1):
    return F.softmax(x, dim=dim)


def softmax_of_logarithm(x, dim=-1):
    """exp((x - max) - log Σ)."""
    return torch.exp(F.log_softmax(_wide(x), dim=dim)).to(x.dtype)


def softmax_in_place_on_clone(x, dim=-1):
    out = _wide(x).clone()
    out.sub_(out.amax(dim=dim, keepdim=True)).exp_()
    return out.div_(out.sum(dim=dim, keepdim=True)).to(x.dtype)


def softmax_chunks(x, dim=-1):
    """Chunks of 32 entries with a running maximum and a rescaled sum, classes moved last."""
    z = torch.movedim(_wide(x), dim, -1)
    top = torch.full(z.shape[:-1], -torch.inf, dtype=z.dtype)
    total = torch.zeros_like(top)
    for part in torch.split(z, 32, dim=-1):
        new = torch.maximum(top, part.amax(dim=-1))
        safe = torch.where(torch.isneginf(new), torch.zeros_like(new), new)
        total = total * torch.exp(top - safe) + torch.exp(part - safe[..., None]).sum(dim=-1)
        top = new
    p = torch.exp(z - top[..., None]) / total[..., None]
    return torch.movedim(p, -1, dim).to(x.dtype)


class Softmax(nn.Module):
    """A layer without parameters."""

    def __init__(self, dim=-1):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        z = _wide(x)
        e = (z - z.max(dim=self.dim, keepdim=True).values).exp()
        return (e / e.sum(dim=self.dim, keepdim=True)).to(x.dtype)


def log_softmax_shifted(x, dim=-1):
    z = _wide(x)
    d = z - z.amax(dim=dim, keepdim=True)
    return (d - d.exp().sum(dim=dim, keepdim=True).log()).to(x.dtype)


def log_softmax_of_shifted_logsumexp(x, dim=-1):
    z = _wide(x)
    d = z - z.amax(dim=dim, keepdim=True)
    return (d - torch.logsumexp(d, dim=dim, keepdim=True)).to(x.dtype)


def logsumexp_library(x, dim=-1):
    return torch.logsumexp(x, dim=dim)


def sigmoid_library(x):
    return torch.sigmoid(x)


def log_sigmoid_softplus(x):
    z = _wide(x)
    return (torch.clamp(z, max=0) - torch.log1p(torch.exp(-z.abs()))).to(x.dtype)


def cross_entropy_gather(logits, labels):
    """A matrix and one class per row."""
    log_p = F.log_softmax(_wide(logits), dim=1)
    return -log_p.gather(1, labels[:, None]).squeeze(1).mean().to(logits.dtype)


def cross_entropy_library(
    logits, labels, *, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"
):
    if labels.is_floating_point():
        raise NotImplementedError("soft labels")
    wide = None if weight is None else _wide(weight)
    loss = F.cross_entropy(
        _wide(logits), labels, weight=wide, ignore_index=ignore_index, label_smoothing=label_smoothing,
        reduction=reduction,
    )  # fmt: skip
    return loss.to(logits.dtype)


def binary_cross_entropy_with_logits_library(x, y):
    return F.binary_cross_entropy_with_logits(x, y.to(x.dtype), reduction="none")


def entropy_special(p, dim=-1):
    z = _wide(p)
    return torch.special.entr(z).sum(dim=dim).to(p.dtype)


#: Everything above: name, function, callable, arrays.
RIGHT = tuple(
    (f.__name__, function, f() if isinstance(f, type) else f, "torch")
    for function, forms in {
        "softmax": (
            softmax_amax, softmax_library, softmax_of_logarithm, softmax_in_place_on_clone, softmax_chunks, Softmax,
        ),
        "log_softmax": (log_softmax_shifted, log_softmax_of_shifted_logsumexp),
        "logsumexp": (logsumexp_library,),
        "sigmoid": (sigmoid_library,),
        "log_sigmoid": (log_sigmoid_softplus,),
        "cross_entropy": (cross_entropy_gather, cross_entropy_library),
        "binary_cross_entropy_with_logits": (binary_cross_entropy_with_logits_library,),
        "entropy": (entropy_special,),
    }.items()
    for f in forms
)  # fmt: skip
