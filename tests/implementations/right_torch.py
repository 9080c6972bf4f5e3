"""Right implementations in torch, each written another way; also usable as a user's file:
``smxcheck verify tests/implementations/right_torch.py:softmax_amax``.

16-bit input is computed in float32 and rounded once, as torch's own kernels do; integers become float64.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn


def _wide(x):
    if not x.is_floating_point():
        return x.double()
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _back(y, x):
    return y.to(x.dtype) if x.is_floating_point() else y


def _along(function):
    """One axis of a tensor with entries; wide arithmetic inside, the input's dtype outside."""

    @functools.wraps(function)
    def call(x, dim=-1):
        if not isinstance(dim, int) or x.dim() == 0 or x.numel() == 0:
            raise NotImplementedError("one axis, at least one entry")
        return _back(function(_wide(x), dim), x)

    return call


@_along
def softmax_amax(x, dim=-1):
    e = torch.exp(x - torch.amax(x, dim=dim, keepdim=True))
    return e / e.sum(dim=dim, keepdim=True)


@_along
def softmax_library(x, dim=-1):
    return F.softmax(x, dim=dim)


@_along
def softmax_of_logarithm(x, dim=-1):
    """exp((x - max) - log Σ)."""
    return torch.exp(F.log_softmax(x, dim=dim))


@_along
def softmax_in_place_on_clone(x, dim=-1):
    out = x.clone()
    out.sub_(out.amax(dim=dim, keepdim=True)).exp_()
    return out.div_(out.sum(dim=dim, keepdim=True))


@_along
def softmax_chunks(x, dim=-1):
    """Chunks of 32 entries with a running maximum and a rescaled sum, classes moved last."""
    z = torch.movedim(x, dim, -1)
    top = torch.full(z.shape[:-1], -torch.inf, dtype=z.dtype)
    total = torch.zeros_like(top)
    for part in torch.split(z, 32, dim=-1):
        new = torch.maximum(top, part.amax(dim=-1))
        safe = torch.where(torch.isneginf(new), torch.zeros_like(new), new)
        total = total * torch.exp(top - safe) + torch.exp(part - safe[..., None]).sum(dim=-1)
        top = new
    return torch.movedim(torch.exp(z - top[..., None]) / total[..., None], -1, dim)


class Softmax(nn.Module):
    """A layer without parameters, along the last axis."""

    def forward(self, x):
        z = _wide(x)
        e = (z - z.max(dim=-1, keepdim=True).values).exp()
        return _back(e / e.sum(dim=-1, keepdim=True), x)


@_along
def log_softmax_shifted(x, dim=-1):
    d = x - x.amax(dim=dim, keepdim=True)
    return d - d.exp().sum(dim=dim, keepdim=True).log()


@_along
def log_softmax_of_shifted_logsumexp(x, dim=-1):
    d = x - x.amax(dim=dim, keepdim=True)
    return d - torch.logsumexp(d, dim=dim, keepdim=True)


@_along
def logsumexp_library(x, dim=-1):
    return torch.logsumexp(x, dim=dim)


def sigmoid_library(x):
    return _back(torch.sigmoid(_wide(x)), x)


def log_sigmoid_softplus(x):
    z = _wide(x)
    return _back(torch.clamp(z, max=0) - torch.log1p(torch.exp(-z.abs())), x)


def cross_entropy_gather(logits, labels):
    """A matrix and one class per row; the mean over the rows whose label is not -100."""
    if logits.dim() != 2 or labels.is_floating_point():
        raise NotImplementedError("logits must be a matrix, labels classes")
    kept = labels != -100
    log_p = F.log_softmax(logits[kept].double(), dim=1)
    return _back(-log_p.gather(1, labels[kept][:, None]).squeeze(1).mean(), logits)


def cross_entropy_library(
    logits, labels, *, weight=None, ignore_index=-100, label_smoothing=0.0, reduction="mean"
):
    if logits.dim() != 2 or labels.is_floating_point():
        raise NotImplementedError("logits must be a matrix, labels classes")
    loss = F.cross_entropy(
        logits.double(), labels, weight=None if weight is None else weight.double(), ignore_index=ignore_index,
        label_smoothing=label_smoothing, reduction=reduction,
    )  # fmt: skip
    return _back(loss, logits)


def binary_cross_entropy_with_logits_two_parts(x, y):
    """The library's own is NaN at infinite logits (pytorch/pytorch#102894): its terms are not left out at a factor 0."""
    z, t = _wide(x), _wide(y)
    rest = torch.log1p(torch.exp(-z.abs()))
    yes, no = torch.clamp(-z, min=0) + rest, torch.clamp(z, min=0) + rest
    zero = torch.zeros_like(z)
    return _back(torch.where(t == 0, zero, t * yes) + torch.where(t == 1, zero, (1 - t) * no), x)


@_along
def entropy_special(p, dim=-1):
    return torch.special.entr(p).sum(dim=dim)


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
        "binary_cross_entropy_with_logits": (binary_cross_entropy_with_logits_two_parts,),
        "entropy": (entropy_special,),
    }.items()
    for f in forms
)  # fmt: skip
