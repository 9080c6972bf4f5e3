"""Wrong Gumbel-softmax, its Jacobian, and samplers that draw from another distribution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes import adaptive, sparse
from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import Rows, divide_by_sum, number, right_softmax, top

SOFT = "softmax((z + g)/tau)"
HARD = "1 at argmax(z + g), 0 elsewhere"
JACOBIAN = "y_i*(delta_ij - y_j)/tau"
SAMPLE = "argmax(z + g), g = -log(-log(u)), u in (0, 1) for every class, row and draw"

Soft = Callable[[Rows, Rows, Any], Rows]
Hard = Callable[[Rows, Rows], Rows]


def right_soft(z: Rows, g: Rows, tau: Any) -> Rows:
    a = z + g
    return right_softmax((a - top(a)) / tau)


def right_hard(z: Rows, g: Rows) -> Rows:
    a = z + g
    return np.eye(z.shape[1], dtype=z.dtype)[np.argmax(a, axis=1)]


def _gumbel(soft: Soft = right_soft, one_hot: Hard = right_hard) -> Callable[..., np.ndarray]:
    """``(logits, noise, tau=, hard=)`` from functions of rows."""

    def call(logits: Any, noise: Any, tau: float = 1.0, hard: bool = False) -> np.ndarray:
        z, g = np.asarray(logits), np.asarray(noise)
        x, y = z.reshape(-1, z.shape[-1]), g.reshape(-1, g.shape[-1])
        with np.errstate(all="ignore"):
            out = one_hot(x, y) if hard else soft(x, y, number(z, tau))
        return np.asarray(out).astype(z.dtype).reshape(z.shape)

    return call


def noise_ignored(z: Rows, g: Rows, tau: Any) -> Rows:
    return right_soft(z, np.zeros_like(g), tau)


def noise_subtracted(z: Rows, g: Rows, tau: Any) -> Rows:
    return right_soft(z, -g, tau)


def softmax_before_noise(z: Rows, g: Rows, tau: Any) -> Rows:
    """The noise is added to log-probabilities, or to logits, never to probabilities."""
    return right_soft(right_softmax(z).astype(z.dtype), g, tau)


def tau_multiplied(z: Rows, g: Rows, tau: Any) -> Rows:
    a = z + g
    return right_softmax((a - top(a)) * tau)


def tau_on_logits_only(z: Rows, g: Rows, tau: Any) -> Rows:
    return right_softmax(z / tau + g)


def unshifted(z: Rows, g: Rows, tau: Any) -> Rows:
    """exp overflows: nan at z + g = 100 in float32, and at any logits where τ is small."""
    return divide_by_sum(np.exp((z + g) / tau))


def divided_first(z: Rows, g: Rows, tau: Any) -> Rows:
    """(z + g)/τ before the maximum is taken off: nan where the quotient overflows, in float16 from τ = 1e-5 on."""
    return right_softmax((z + g) / tau)


def every_tie(z: Rows, g: Rows) -> Rows:
    """(a == max a): as many ones as there are largest entries."""
    a = z + g
    return (a == top(a)).astype(z.dtype)


def hard_ignored(z: Rows, g: Rows) -> Rows:
    return right_soft(z, g, number(z, 1.0))


def hard_without_noise(z: Rows, g: Rows) -> Rows:
    """The largest logit: the same class in every sample."""
    return right_hard(z, np.zeros_like(g))


def _jacobian(kernel: Soft) -> Callable[..., np.ndarray]:
    def call(logits: Any, noise: Any, tau: float = 1.0) -> np.ndarray:
        z, g = np.asarray(logits), np.asarray(noise)
        with np.errstate(all="ignore"):
            out = kernel(z.reshape(-1, z.shape[-1]), g.reshape(-1, g.shape[-1]), number(z, tau))
        return np.asarray(out).astype(z.dtype).reshape(*z.shape, z.shape[-1])

    return call


def _centred(y: Rows) -> Rows:
    return np.eye(y.shape[1], dtype=y.dtype) * y[:, :, None] - y[:, :, None] * y[:, None, :]


def tau_left_out(z: Rows, g: Rows, tau: Any) -> Rows:
    """The inner derivative 1/τ is missing."""
    return _centred(right_soft(z, g, tau))


def inner_derivative_tau(z: Rows, g: Rows, tau: Any) -> Rows:
    return _centred(right_soft(z, g, tau)) * tau


def diagonal_only(z: Rows, g: Rows, tau: Any) -> Rows:
    y = right_soft(z, g, tau)
    return np.eye(y.shape[1], dtype=y.dtype) * (y * (1 - y))[:, :, None] / tau


def of_the_logits(z: Rows, g: Rows, tau: Any) -> Rows:
    """At the logits without their noise."""
    return _centred(noise_ignored(z, g, tau)) / tau


def _sampler(draw: Callable[[np.ndarray, np.random.Generator, int], np.ndarray]) -> Callable[..., np.ndarray]:
    """``(logits, draws=, seed=)`` from a function of rows (R, n), a generator and N that gives (R, N)."""

    def call(logits: Any, draws: int = 10_000, seed: int = 0) -> np.ndarray:
        x = np.asarray(logits).astype(np.float64)
        with np.errstate(all="ignore"):
            out = draw(x.reshape(-1, x.shape[-1]), np.random.default_rng(seed), draws)
        return out.astype(np.int64).reshape(*x.shape[:-1], draws)

    return call


def _noisy(noise: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]) -> Callable[..., np.ndarray]:
    def draw(x: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
        return np.stack([np.argmax(row + noise(generator, (draws, len(row))), axis=1) for row in x])

    return draw


def _gumbel_noise(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return -np.log(-np.log(generator.random(shape)))


def _scaled(factor: float) -> Callable[..., np.ndarray]:
    """Draws from softmax(factor·z): a power of the probabilities."""

    def draw(x: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
        return _noisy(_gumbel_noise)(factor * x, generator, draws)

    return draw


def _always_the_largest(x: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
    return np.repeat(np.argmax(x, axis=1)[:, None], draws, axis=1)


def _uniform(x: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
    return generator.integers(0, x.shape[1], (len(x), draws))


def _first_row(x: np.ndarray, generator: np.random.Generator, draws: int) -> np.ndarray:
    """The logits of the first row for the whole batch."""
    return _noisy(_gumbel_noise)(np.broadcast_to(x[:1], x.shape), generator, draws)


def coarse(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """u in steps of 1/256, as 8 bits give it: never above 255/256, so that g ends at 5.5."""
    return -np.log(-np.log(np.maximum(generator.integers(0, 256, shape) / 256, 2.0**-9)))


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.asarray(generator.normal(size=shape) * np.pi / np.sqrt(6))


def one_logarithm(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return -np.log(generator.random(shape))


def minus(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The noise of a minimum: log(-log u)."""
    return -_gumbel_noise(generator, shape)


SMALL, COOL = ex([0.5, -1.25], [-0.375, 1.5]), ex([0.5, -1.25], [-0.375, 1.5], tau=0.25)
COLD = ex([0.5, 3], [-0.375, -0.5], tau=1e-5)
TIED = ex([0.5, 1, 0.25], [1, 0.5, 0.25], hard=True)
DRAWS = ex([0, 1, -1, 0.5, 0.25], draws=100_000)
ROWS = ex([[0, 2], [1.5, -0.5]], draws=20_000, seed=2)
RARE = ex([6, 0], draws=200_000)


def _wrong_sampler(name: str, formula: str, draw: Callable[..., np.ndarray], *examples: Any, **more: Any) -> Mistake:
    return Mistake(f"gumbel_max_sample/{name}", formula, SAMPLE, "SMX109", _sampler(draw), examples or (DRAWS,), **more)


TABLE = (
    *sparse.TABLE,
    *adaptive.TABLE,
    Mistake("gumbel_softmax/divided-first", "exp(x - max(x))/sum with x = (z + g)/tau overflowing",
            "softmax(((z + g) - max(z + g))/tau)", "SMX102", _gumbel(divided_first),
            (COLD,), families="X14",
            dtypes=("float16",), equivalent=("bfloat16", "float32", "float64")),
    Mistake("gumbel_softmax/hard-every-tie", "(a == max(a)), a = z + g", HARD, "SMX101", _gumbel(one_hot=every_tie), (TIED,),
            families="X72"),
    Mistake("gumbel_softmax/hard-ignored", "softmax(z + g) for hard=True", HARD, "SMX101", _gumbel(one_hot=hard_ignored),
            (TIED,)),
    Mistake("gumbel_softmax/hard-without-noise", "1 at argmax(z)", HARD, "SMX101", _gumbel(one_hot=hard_without_noise),
            (ex([0.5, -1.25], [-0.375, 2.5], hard=True),)),
    Mistake("gumbel_softmax/noise-ignored", "softmax(z/tau)", SOFT, "SMX101", _gumbel(noise_ignored), (SMALL,)),
    Mistake("gumbel_softmax/noise-subtracted", "softmax((z - g)/tau)", SOFT, "SMX101", _gumbel(noise_subtracted), (SMALL,)),
    Mistake("gumbel_softmax/softmax-before-noise", "softmax((softmax(z) + g)/tau)", SOFT, "SMX101",
            _gumbel(softmax_before_noise), (SMALL,), families="X72"),
    Mistake("gumbel_softmax/tau-multiplied", "softmax((z + g)*tau)", SOFT, "SMX101", _gumbel(tau_multiplied), (COOL,)),
    Mistake("gumbel_softmax/tau-on-logits-only", "softmax(z/tau + g)", SOFT, "SMX101", _gumbel(tau_on_logits_only), (COOL,)),
    Mistake("gumbel_softmax/unshifted", "exp((z + g)/tau)/sum", "softmax(((z + g) - max(z + g))/tau)", "SMX102",
            _gumbel(unshifted), (ex([100, 101], [0.5, -0.25]), COLD), families="X01"),
    Mistake("gumbel_softmax_jacobian/diagonal-only", "diag(y*(1 - y))/tau", JACOBIAN, "SMX101", _jacobian(diagonal_only),
            (SMALL,)),
    Mistake("gumbel_softmax_jacobian/noise-ignored", "y_i*(delta_ij - y_j)/tau with y = softmax(z/tau)", JACOBIAN, "SMX101",
            _jacobian(of_the_logits), (SMALL,)),
    Mistake("gumbel_softmax_jacobian/tau-left-out", "y_i*(delta_ij - y_j)", JACOBIAN, "SMX101", _jacobian(tau_left_out),
            (COOL,), "X68"),
    Mistake("gumbel_softmax_jacobian/tau-multiplied", "y_i*(delta_ij - y_j)*tau", JACOBIAN, "SMX101",
            _jacobian(inner_derivative_tau), (COOL,)),
    _wrong_sampler("argmax", "argmax(z)", _always_the_largest),
    _wrong_sampler("coarse-uniform", "u in steps of 1/256", _noisy(coarse), RARE, families="X72",
                   precedents=("jax-ml/jax#26974",)),
    _wrong_sampler("first-row", "the logits of the first row for every row", _first_row, ROWS),
    _wrong_sampler("half-logits", "argmax(z/2 + g): softmax at temperature 2", _scaled(0.5)),
    _wrong_sampler("normal-noise", "argmax(z + normal noise of the same variance)", _noisy(normal)),
    _wrong_sampler("noise-subtracted", "argmax(z - g)", _noisy(minus)),
    _wrong_sampler("one-logarithm", "g = -log(u)", _noisy(one_logarithm)),
    _wrong_sampler("squared", "argmax(2*z + g): p**2/sum(p**2)", _scaled(2.0)),
    _wrong_sampler("uniform", "every class alike", _uniform),
)  # fmt: skip
