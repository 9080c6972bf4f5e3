"""JAX under ``jax.jit``, as it is mostly run, with 64-bit arrays switched on: without, float64 would silently be float32.

Compiled whole, a call costs one compilation for each shape; op by op it costs several, and a run takes many minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
from jax.scipy import special

from smxcheck.targets.adapters import Adapted

ARRAYS = "jax"

jax.config.update("jax_enable_x64", True)


def compiled(call: Callable[..., Any]) -> Callable[..., Any]:
    """``jax.jit(call)`` with the axis as a constant."""
    jitted: Callable[..., Any] = partial(jax.jit, static_argnames=("axis",))(call)
    return jitted


@compiled
def softmax(x: Any, axis: Any = -1) -> Any:
    return jax.nn.softmax(x, axis=axis)


@compiled
def log_softmax(x: Any, axis: Any = -1) -> Any:
    return jax.nn.log_softmax(x, axis=axis)


@compiled
def logsumexp(x: Any, axis: Any = -1) -> Any:
    return special.logsumexp(x, axis=axis)


@compiled
def entropy(p: Any, axis: Any = -1) -> Any:
    """Σ entr(p_i), entr(p) = -p log p."""
    return special.entr(p).sum(axis=axis)


@compiled
def kl_divergence(p: Any, q: Any, axis: Any = -1) -> Any:
    """Σ rel_entr(p_i, q_i), rel_entr(p, q) = p log(p/q)."""
    return special.rel_entr(p, q).sum(axis=axis)


def adapted() -> Mapping[str, Adapted]:
    return {
        "softmax": Adapted("jax.nn.softmax", softmax),
        "log_softmax": Adapted("jax.nn.log_softmax", log_softmax),
        "logsumexp": Adapted("jax.scipy.special.logsumexp", logsumexp),
        "sigmoid": Adapted("jax.nn.sigmoid", jax.jit(lambda x: jax.nn.sigmoid(x))),
        "log_sigmoid": Adapted("jax.nn.log_sigmoid", jax.jit(lambda x: jax.nn.log_sigmoid(x))),
        "entropy": Adapted("jax.scipy.special.entr(p).sum", entropy),
        "kl_divergence": Adapted("jax.scipy.special.rel_entr(p, q).sum", kl_divergence),
    }


def versions() -> Mapping[str, str]:
    return {"jax": jax.__version__, "jaxlib": jax.lib.__version__}


def notes() -> tuple[str, ...]:
    device = jax.devices()[0]
    return (f"jax: on {device.platform}, 64-bit on, under jax.jit",)
