"""Gradient checkers on the derivatives: the right forward function with the mutant as its backward pass.

- torch.autograd.gradcheck at its defaults (eps 1e-6, atol 1e-5, rtol 1e-3; PyTorch's torch/autograd/gradcheck.py);
- jax.test_util.check_grads at its defaults (order 1, tolerances of float64), mode "rev".

Both in float64, for which they are made, at one point of shape (2, 4) of standard normal numbers, keywords at their defaults; the mutant stands in a
torch.autograd.Function or a jax.custom_vjp. The forward function is that of `smxcheck.functions`: both libraries need no
more of it than its values. A gradient is scaled by the incoming cotangent, a Jacobian is multiplied by it, and a Hessian
is the Jacobian of the gradient. The Jacobian of softmax is symmetric, so that a forward mode can stand where a backward
pass does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from smxcheck import functions as right
from smxcheck.catalog import FUNCTIONS
from smxcheck.selftest.inputs import draw_call
from smxcheck.selftest.results import Rival
from smxcheck.selftest.rivals_asked import Array, exists_in, score
from smxcheck.selftest.subjects import Subject

TORCH, JAX = "torch gradcheck", "jax check_grads"
SHAPE = (2, 4)
#: The argument that is differentiated, where it is not the first.
_VARIABLE = {"distribution_cross_entropy_grad": 1, "distribution_cross_entropy_hessian": 1}
#: What a Hessian is the Jacobian of.
_GRADIENTS = {
    "softmax_hessian": "softmax_jacobian", "logsumexp_hessian": "logsumexp_grad",
    "cross_entropy_hessian": "cross_entropy_grad", "entropy_hessian": "entropy_grad",
    "binary_cross_entropy_with_logits_hessian": "binary_cross_entropy_with_logits_grad",
    "softmax_entropy_hessian": "softmax_entropy_grad", "kl_divergence_hessian": "kl_divergence_grad",
    "distribution_cross_entropy_hessian": "distribution_cross_entropy_grad",
}  # fmt: skip
#: Those that take the cotangent with the variable, and those that take it with the output of the forward function.
_PRODUCTS = ("softmax_jvp", "softmax_vjp", "log_softmax_vjp")
_OF_OUTPUT = ("softmax_backward", "log_softmax_backward")


@dataclass(frozen=True)
class Program:
    """A point, a forward function of one array, and the backward pass (x, cotangent) -> cotangent by x."""

    x: Array
    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]


def program(function: str, call: Callable[..., Array], seed: int) -> Program | None:
    """The function's forward with ``call`` as its backward pass; None where the function is no derivative."""
    entry = FUNCTIONS[function]
    if not entry.derivative_of:
        return None
    arguments, keywords = draw_call(function, np.random.default_rng(seed), SHAPE)
    forward = getattr(right, _GRADIENTS.get(function, entry.derivative_of))
    if function in _PRODUCTS:
        return Program(arguments[0], forward, lambda x, g: call(x, g))
    if function in _OF_OUTPUT:
        return Program(np.random.default_rng(seed).normal(size=SHAPE), forward, lambda x, g: call(g, forward(x)))
    if entry.shape == "wide":
        return _of_two(function, call, arguments, keywords)
    if function == "kl_divergence_grad":
        return Program(arguments[0], lambda x: right.kl_divergence(right.softmax(x), arguments[1]),
                       lambda x, g: g[..., None] * call(x, arguments[1]))  # fmt: skip
    place = _VARIABLE.get(function, 0)

    def at(x: Array) -> tuple[Array, ...]:
        return (*arguments[:place], x, *arguments[place + 1 :])

    return Program(
        arguments[place], lambda x: forward(*at(x), **keywords), lambda x, g: pulled_back(g, call(*at(x), **keywords), x)
    )


def _of_two(function: str, call: Callable[..., Array], arguments: tuple[Array, ...], keywords: dict[str, Any]) -> Program:
    """Head and tail of an adaptive softmax as one array."""
    forward, n = getattr(right, FUNCTIONS[function].derivative_of), arguments[0].shape[-1]

    def parts(x: Array) -> tuple[Array, Array]:
        return np.ascontiguousarray(x[..., :n]), np.ascontiguousarray(x[..., n:])

    return Program(
        np.concatenate(arguments, axis=-1),
        lambda x: forward(*parts(x), **keywords),
        lambda x, g: pulled_back(g, call(*parts(x), **keywords), x),
    )


def pulled_back(g: Array, derivative: Array, x: Array) -> Array:
    """The cotangent g times a derivative by the last axis of x: Σ_i g_i J_ij where the derivative has axes beyond those of
    x, elementwise products where it has none."""
    derivative = np.asarray(derivative)
    over = derivative.ndim - x.ndim
    if over == 0:
        return (g[..., None] if g.ndim == x.ndim - 1 and g.ndim else g) * derivative
    axes = tuple(range(x.ndim - 1, x.ndim - 1 + over))
    return (g[..., None] * derivative).sum(axis=axes)


# ---- torch


def _torch_accepts(p: Program) -> bool:
    import torch

    class Checked(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            ctx.save_for_backward(z)
            return torch.from_numpy(np.array(p.forward(z.detach().numpy()), np.float64))

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (z,) = ctx.saved_tensors
            return torch.from_numpy(np.array(p.backward(z.detach().numpy(), g.detach().numpy())))

    point = torch.tensor(p.x, dtype=torch.float64, requires_grad=True)
    return bool(torch.autograd.gradcheck(Checked.apply, (point,), raise_exception=False))


# ---- JAX


def _jax_accepts(p: Program) -> bool:
    """Outside jit the rules of a custom_vjp are called with arrays, so that NumPy can compute in them."""
    import jax
    from jax.test_util import check_grads

    def of_numpy(y: Array) -> Any:
        return jax.numpy.asarray(np.asarray(y))

    @jax.custom_vjp  # type: ignore[untyped-decorator, unused-ignore]
    def checked(z: Any) -> Any:
        return of_numpy(p.forward(np.asarray(z)))

    checked.defvjp(lambda z: (checked(z), z), lambda z, g: (of_numpy(p.backward(np.asarray(z), np.asarray(g))),))
    try:
        check_grads(checked, (jax.numpy.asarray(p.x),), order=1, modes=["rev"])
    except AssertionError:
        return False
    return True


@contextmanager
def _in_float64(library: str) -> Iterator[None]:
    """JAX computes in float32 unless told; torch is told by the point's dtype."""
    if library == "jax":
        import jax

        place = jax if hasattr(jax, "enable_x64") else jax.experimental  # where it is in older releases
        with place.enable_x64(True):
            yield
    else:
        yield


#: Name of the rival -> the library, what accepts, what it does.
_CHECKERS: dict[str, tuple[str, Callable[[Program], bool], str]] = {
    TORCH: ("torch", _torch_accepts, "finite differences of the forward pass, eps 1e-6, rtol 1e-3, atol 1e-5, float64"),
    JAX: ("jax", _jax_accepts, "finite differences along a random direction, JAX's tolerances for float64"),
}


def check_gradients(seed: int, functions: Collection[str]) -> tuple[Rival, ...]:
    """The score of each gradient checker, not run where its library is missing."""
    return tuple(_checked(name, seed, functions) for name in _CHECKERS)


def _checked(name: str, seed: int, functions: Collection[str]) -> Rival:
    library, accepts, how = _CHECKERS[name]
    what = f"{how}; at one normal point of shape {SHAPE}, keywords at their defaults; derivatives only"
    if find_spec(library) is None:
        return Rival(name, what, not_run=f"{library} is not installed: pip install {library}")

    def asked(subject: Subject) -> bool | None:
        if not exists_in(subject, "float64"):
            return None
        try:
            p = program(subject.function, subject.calls[subject.function], seed)
            return None if p is None else accepts(p)
        except NotImplementedError:
            return None
        except Exception:  # noqa: BLE001 - a backward pass that raises is found by whoever runs it
            return False

    with _in_float64(library), np.errstate(all="ignore"):
        return score(name, what, asked, functions)
