"""Bounds of the generalised softmax functions and their derivatives: p = w/W of weights w = φ(t), W = Σ_k w_k.

Every function here is this one with its own weights (`smxcheck.judge.bounds.weights`). ``standard`` is never below
``tight``: a level admits every algorithm of the stricter one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds import shares
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.running import Computed, exact, larger
from smxcheck.judge.bounds.weights import Weights, exponential, exponential_of, from_name, spherical, taylor
from smxcheck.judge.result import Level

Array = npt.NDArray[Any]

Form = Callable[..., Weights]  # (*columns, fmt, level, **keywords)
Answer = Callable[[Weights], Computed]

#: Σ|terms| depends on no format.
_ANY = FORMATS["float64"]
#: Errors of several causes add up to a number.
_MOST = 2.0**1000


def named(z: Array, *, phi: str, fmt: Format, level: Level) -> Weights:
    return from_name(np.where(np.isfinite(z), z, 0.0), phi, fmt, level)


def taylor_weights(z: Array, *, order: int, fmt: Format, level: Level) -> Weights:
    return taylor(exact(np.where(np.isfinite(z), z, 0.0), fmt, level), order)


def spherical_weights(z: Array, *, eps: float, fmt: Format, level: Level) -> Weights:
    return spherical(np.where(np.isfinite(z), z, 0.0), eps, fmt, level)


def less_margin(z: Array, labels: Array, *, margin: float, fmt: Format, level: Level) -> Computed:
    """z - μ e_y, rounded once at the label."""
    finite = exact(np.where(np.isfinite(z), z, 0.0), fmt, level)
    label = np.arange(z.shape[-1]) == labels[:, None]
    taken = finite - exact(np.full_like(z, margin), fmt, level)
    return taken.where(label & (margin != 0), finite)


def margin_weights(z: Array, labels: Array, *, margin: float, fmt: Format, level: Level) -> Weights:
    """``tight`` takes max z off before the margin, so that it rounds differences and not logits: (z - max z) - μ e_y;
    where that is far below 0 at every entry, the new maximum once more. ``standard`` takes the margin off first."""
    if level is Level.STANDARD:
        return exponential(less_margin(z, labels, margin=margin, fmt=fmt, level=level))
    finite = np.where(np.isfinite(z), z, 0.0)
    shifted = exact(finite, fmt, level) - exact(finite.max(axis=-1, keepdims=True), fmt, level)
    label = np.arange(z.shape[-1]) == labels[:, None]
    taken = (shifted - exact(np.full_like(z, margin), fmt, level)).where(label & (margin != 0), shifted)
    top = taken.value.max(axis=-1, keepdims=True)
    again = taken - exact(top, fmt, level)
    return exponential_of(again.where(np.broadcast_to(top < 0, again.value.shape), taken))


def sm_taylor_weights(
    z: Array, labels: Array, *, margin: float, order: int, fmt: Format, level: Level
) -> Weights:
    return taylor(less_margin(z, labels, margin=margin, fmt=fmt, level=level), order)


def _entry(form: Form, answer: Answer, terms: Answer | None = None) -> RowsBound:
    def algorithm(*columns: Array, fmt: Format, level: Level, **keywords: Any) -> Computed:
        def at(level: Level) -> Computed:
            return answer(form(*columns, fmt=fmt, level=level, **keywords))

        strict = at(Level.TIGHT)
        return _sane(strict if level is Level.TIGHT else larger(at(level), strict))

    algorithm.__doc__ = answer.__doc__

    def sizes(*columns: Array, **keywords: Any) -> Array:
        assert terms is not None
        out: Array = np.nan_to_num(terms(form(*columns, fmt=_ANY, level=Level.TIGHT, **keywords)).value)
        return out

    return RowsBound(algorithm, None if terms is None else sizes)


def _sane(x: Computed) -> Computed:
    """An answer beyond the largest number is judged as an infinity, whatever its bound: none is left undefined."""
    errors = {cause: np.nan_to_num(np.minimum(e, _MOST)) for cause, e in x.errors.items()}
    return Computed(np.nan_to_num(x.value), errors, x.fmt, x.level)


def _family(name: str, form: Form) -> dict[str, RowsBound]:
    return {
        name: _entry(form, shares.softmax),
        f"{name}_jacobian": _entry(form, shares.jacobian, shares.jacobian_terms),
    }


def _logarithms(name: str, form: Form) -> dict[str, RowsBound]:
    return {
        name: _entry(form, shares.log_softmax),
        f"{name}_jacobian": _entry(form, shares.log_jacobian, shares.log_jacobian_terms),
    }


TABLE: dict[str, RowsBound] = {
    **_family("generalized_softmax", named),
    "generalized_softmax_entropy": _entry(named, shares.entropy),
    "generalized_softmax_entropy_grad": _entry(named, shares.entropy_grad, shares.entropy_grad_terms),
    **_family("taylor_softmax", taylor_weights),
    **_logarithms("log_taylor_softmax", taylor_weights),
    **_family("spherical_softmax", spherical_weights),
    **_logarithms("log_spherical_softmax", spherical_weights),
    **_family("soft_margin_softmax", margin_weights),
    **_family("sm_taylor_softmax", sm_taylor_weights),
}
