"""Right derivatives in torch, by hand and by its automatic differentiation; also usable as a user's file:
``smxcheck verify tests/implementations/right_torch_derivatives.py:softmax_vjp_centred``.

16-bit input is computed in float32 and rounded once, as torch's own kernels do; integers become float64.
"""

import torch
import torch.nn.functional as F


def _wide(x):
    if not x.is_floating_point():
        return x.double()
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x


def _back(y, x):
    return y.to(x.dtype) if x.is_floating_point() else y


def softmax_vjp_centred(x, g, dim=-1):
    p, wide = torch.softmax(_wide(x), dim=dim), _wide(g)
    return _back(p * (wide - (p * wide).sum(dim=dim, keepdim=True)), x)


def softmax_vjp_autograd(x, g, dim=-1):
    z = _wide(x).detach().requires_grad_()
    with torch.enable_grad():
        (result,) = torch.autograd.grad(torch.softmax(z, dim=dim), z, _wide(g))
    return _back(result, x)


def softmax_backward_products(grad_output, output, dim=-1):
    y = _wide(output)
    yg = y * _wide(grad_output)
    return _back(yg - y * yg.sum(dim=dim, keepdim=True), grad_output)


def softmax_backward_library(grad_output, output, dim=-1):
    g, y = _wide(grad_output), _wide(output)
    return _back(torch._softmax_backward_data(g, y, dim, g.dtype), grad_output)


def cross_entropy_grad_by_hand(logits, labels):
    """softmax less the label's class, over the rows; labels are classes or distributions."""
    z = _wide(logits)
    k, rows = z.shape[-1], max(z.shape[:-1].numel(), 1)
    if labels.is_floating_point():
        y = labels.to(z.dtype)
    else:
        if bool(((labels < 0) | (labels >= k)).any()):
            raise IndexError("a label is out of range")
        y = F.one_hot(labels.long(), k).to(z.dtype)
    return _back((torch.softmax(z, dim=-1) * y.sum(-1, keepdim=True) - y) / rows, logits)


#: Everything above: name, function, callable, arrays.
RIGHT = tuple(
    (f.__name__, function, f, "torch")
    for function, forms in {
        "softmax_vjp": (softmax_vjp_centred, softmax_vjp_autograd),
        "softmax_backward": (softmax_backward_products, softmax_backward_library),
        "cross_entropy_grad": (cross_entropy_grad_by_hand,),
    }.items()
    for f in forms
)
