"""The verdicts of torch's gradcheck, JAX's check_grads and SciPy's check_grad on the same gradients, beside ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from smxcheck import functions
from smxcheck.derivatives import directional_derivative, standard_noise, taylor_rate
from smxcheck.dtypes import FORMATS

pytestmark = pytest.mark.libraries
Array = Any
Needs = Callable[..., None]
Backward = Callable[[Array, Array], Array]


def zeros(p: Array, g: Array) -> Array:
    """p and g to the cotangent by the logits, in any array library."""
    return 0 * g


def not_centred(p: Array, g: Array) -> Array:
    return p * g


def centred(p: Array, g: Array) -> Array:
    return p * (g - (p * g).sum())


def ours(x: list[float], backward: Backward, function: str = "softmax") -> str:
    """ "right" or "wrong": the backward pass for the cotangent 1, 1/2, 1/4 … against differences along unit vectors."""
    logits = np.array(x)
    fmt = FORMATS[str(logits.dtype)]
    p = functions.softmax(logits)
    g = 2.0 ** -(np.arange(len(x)) % 5)
    claimed = backward(p, g)
    directions = np.eye(len(x)) if len(x) < 50 else [np.where(np.arange(len(x)) % 2, 1.0, 0.5)]
    for v in directions:
        noise = standard_noise(function, fmt)
        found = directional_derivative(getattr(functions, function), logits, v, noise=noise)
        value, error = (g * found.value).sum(), (g * found.error).sum()
        # Sums of n products in float64, and the gradient's own few roundings.
        own = len(x) * 2.0**-52 * (np.abs(g * found.value).sum() + np.abs(claimed * v).sum())
        if abs((claimed * v).sum() - value) > error + own:
            return "wrong"
    return "right"


def torch_says(x: list[float], backward: Backward, fast: bool = False) -> str:
    import torch

    class Softmax(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, z: Any) -> Any:
            p = torch.softmax(z, -1)
            ctx.save_for_backward(p)
            return p

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return backward(ctx.saved_tensors[0], g)

    logits = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    passed = torch.autograd.gradcheck(Softmax.apply, (logits,), raise_exception=False, fast_mode=fast)
    return "right" if passed else "wrong"


def jax_says(x: list[float], backward: Backward) -> str:
    """check_grads at JAX's own tolerances for float64."""
    import jax
    from jax.test_util import check_grads

    @jax.custom_vjp
    def softmax(z: Any) -> Any:
        return jax.nn.softmax(z)

    softmax.defvjp(lambda z: (jax.nn.softmax(z),) * 2, lambda p, g: (backward(p, g),))
    with jax.enable_x64(True):
        try:
            check_grads(softmax, (jax.numpy.asarray(x, dtype=jax.numpy.float64),), order=1, modes=["rev"])
        except AssertionError:
            return "wrong"
    return "right"


def long_row(n: int) -> list[float]:
    return (np.round(np.random.default_rng(n).normal(size=n) * 16) / 16).tolist()


SATURATED = [20.0, 0, 0, 0]


@pytest.mark.slow
def test_zeros_at_a_saturated_point(needs: Needs) -> None:
    needs("torch", "jax")
    assert (torch_says(SATURATED, zeros), jax_says(SATURATED, zeros)) == ("right", "right")
    assert ours(SATURATED, zeros) == "wrong"
    assert ours(SATURATED, centred) == torch_says(SATURATED, centred) == jax_says(SATURATED, centred) == "right"


def test_zeros_where_they_are_the_rounded_answer(needs: Needs) -> None:
    """At [1000, 0, -1000] the gradient lies below the smallest float64: nobody can refuse zeros there, and of
    log_softmax, whose gradient is not 0 there, we do."""
    needs("torch")
    far = [1000.0, 0, -1000]
    assert torch_says(far, zeros) == ours(far, zeros) == "right"
    assert ours(far, zeros, "log_softmax") == "wrong"
    assert ours(far, lambda p, g: g - p * g.sum(), "log_softmax") == "right"


@pytest.mark.slow
@pytest.mark.parametrize("n", [100, 1000])
def test_zeros_in_the_fast_mode(n: int, needs: Needs) -> None:
    needs("torch")
    assert torch_says(long_row(n), zeros, fast=True) == "right"
    assert ours(long_row(n), zeros) == "wrong"


@pytest.mark.parametrize("n", [1000, 10_000])
def test_missing_centring_in_the_fast_mode(n: int, needs: Needs) -> None:
    needs("torch")
    assert torch_says(long_row(n), not_centred, fast=True) == "right"
    assert ours(long_row(n), not_centred) == "wrong"
    assert ours(long_row(n), centred) == "right"


@pytest.mark.slow
def test_a_scale_that_is_off_by_a_thousandth(needs: Needs) -> None:
    needs("torch")
    x = [0.5, -1.25, 2, 0.75]

    def scaled(p: Array, g: Array) -> Array:
        return centred(p, g) * 1.0009

    assert torch_says(x, scaled) == torch_says(x, scaled, fast=True) == "right"
    assert ours(x, scaled) == "wrong"


def logsumexp_verdicts(offset: float) -> tuple[str, str]:
    """torch.logsumexp, which is right: what gradcheck says of it, and what we say."""
    import torch

    x = [offset, offset - 1, offset - 2.5]
    logits = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    passed = torch.autograd.gradcheck(lambda z: torch.logsumexp(z, -1), (logits,), raise_exception=False)
    (gradient,) = torch.autograd.grad(torch.logsumexp(logits, -1), logits)
    noise = standard_noise("logsumexp", FORMATS["float64"])
    found = [directional_derivative(functions.logsumexp, np.array(x), v, noise=noise) for v in np.eye(3)]
    apart = [abs(float(g) - e.value) <= e.error for g, e in zip(gradient, found, strict=True)]
    return "right" if passed else "wrong", "right" if all(apart) else "wrong"


@pytest.mark.parametrize("offset", [1e8, 1e10])
def test_a_right_gradient_at_a_large_offset(offset: float, needs: Needs) -> None:
    needs("torch")
    assert logsumexp_verdicts(offset) == ("wrong", "right")


def test_a_right_gradient_in_float32(needs: Needs) -> None:
    """gradcheck's step and tolerance are made for float64, and refuse torch's own softmax in float32."""
    needs("torch")
    import torch

    logits = torch.tensor([0.5, -1.25, 2, 0.75], dtype=torch.float32, requires_grad=True)
    with pytest.warns(UserWarning, match="double precision"):
        assert not torch.autograd.gradcheck(lambda z: torch.softmax(z, -1), (logits,), raise_exception=False)
    x, g = logits.detach().numpy(), np.array([1, -0.5, 0.25, 2], np.float32)
    (gradient,) = torch.autograd.grad(torch.softmax(logits, -1), logits, torch.tensor(g))
    rate = taylor_rate(
        lambda z: torch.softmax(torch.tensor(z), -1).numpy(), lambda d: (gradient.numpy() * d).sum(), x,
        np.array([1, -0.5, 0.25, 2]), cotangent=g, noise=standard_noise("softmax", FORMATS["float32"]),
    )  # fmt: skip
    assert rate.verdict == "right"


def test_the_number_that_scipy_returns_has_no_scale(needs: Needs) -> None:
    """check_grad returns a norm and no verdict: for one right gradient from 1e-8 to nearly 1, as the offset grows."""
    needs("scipy")
    from scipy.optimize import check_grad

    norms = [
        check_grad(functions.logsumexp, functions.softmax, np.array([offset, offset - 1, offset - 2.5]))
        for offset in (0.0, 1e3, 1e6, 1e8)
    ]
    assert norms == sorted(norms) and norms[0] < 1e-7 and norms[-1] > 0.1
