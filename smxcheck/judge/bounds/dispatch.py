"""From a call to its bounds, laid out like the result; finite rows only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import KEYWORD_DEFAULTS
from smxcheck.dtypes import Format
from smxcheck.judge.bounds import core, information, loss, sampling
from smxcheck.judge.bounds.families import algorithm_of, rows_bound
from smxcheck.judge.bounds.model import Bound
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.judge.result import Level
from smxcheck.oracle.loss import loss_rows
from smxcheck.oracle.rows import Rows, exact_float64, to_rows
from smxcheck.oracle.sampling import absent_noise
from smxcheck.oracle.tiers import distinct

Array = npt.NDArray[Any]

_ROWWISE = {"softmax": core.softmax, "log_softmax": core.log_softmax}
_REDUCED = {"logsumexp": core.logsumexp, "softmax_entropy": information.softmax_entropy}
_ELEMENTWISE = {"sigmoid": core.sigmoid, "log_sigmoid": core.log_sigmoid}
_DISTRIBUTIONS: dict[str, Callable[..., Bound]] = {
    "entropy": information.entropy,
    "kl_divergence": information.kl_divergence,
    "distribution_cross_entropy": information.distribution_cross_entropy,
}
_LOSSES = ("cross_entropy", "nll_loss", "cross_entropy_grad")
_BY_HAND: dict[str, Callable[..., Bound]] = {
    **_ROWWISE, **_REDUCED, **_ELEMENTWISE, **_DISTRIBUTIONS, **{name: getattr(loss, name) for name in _LOSSES},
    "binary_cross_entropy_with_logits": information.binary_cross_entropy, "gumbel_max_sample": sampling.frequencies,
}  # fmt: skip
_WITH_NOISE = ("gumbel_softmax", "gumbel_softmax_jacobian")


def derived_in(function: str) -> Callable[..., Any]:
    """What computes a function's bound: its docstring and that of its module are the derivation. Raises KeyError."""
    return _BY_HAND[function] if function in _BY_HAND else algorithm_of(function)


def bounds_for(
    function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], fmt: Format, level: Level
) -> Bound:
    """The bound of ``level`` for each element of the result.

    Elements whose right answer is no number (NaN, infinities, rows without a limit) get some bound that nothing reads.
    """
    axis = keywords.get("axis", -1)
    if function in _ELEMENTWISE:
        x = _finite(exact_float64(arguments[0]))
        return _ELEMENTWISE[function](x, fmt, level)
    if function == "binary_cross_entropy_with_logits":
        x, y = np.broadcast_arrays(*(exact_float64(a) for a in arguments))
        return information.binary_cross_entropy(_finite(x), np.nan_to_num(y), fmt, level)
    if function in _ROWWISE or function in _REDUCED:
        return _rows_bounds(function, to_rows(arguments[0], axis), fmt, (level,))[0]
    if function in _DISTRIBUTIONS:
        shape = np.broadcast_shapes(*(np.shape(a) for a in arguments))
        parts = [to_rows(np.broadcast_to(exact_float64(a), shape), axis) for a in arguments]
        bound = _DISTRIBUTIONS[function](*(np.nan_to_num(r.x) for r in parts), fmt, level)
        return _laid_out(bound, parts[0].reduce)
    if function in _LOSSES:
        return _loss_bound(function, arguments, keywords, fmt, level)
    if function == "gumbel_max_sample":
        return sampling.frequencies(arguments[0], keywords, fmt)
    if function in _WITH_NOISE:
        arguments = absent_noise(*arguments)
    return rows_bound(function, arguments, keywords, fmt, level)


def bounds_of_both(
    function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], fmt: Format
) -> tuple[Bound, Bound]:
    """The bounds of `tight` and `standard`; of a long row, what both are made of is worked out once."""
    levels = (Level.TIGHT, Level.STANDARD)
    if function in _ROWWISE or function in _REDUCED:
        tight, standard = _rows_bounds(function, to_rows(arguments[0], keywords.get("axis", -1)), fmt, levels)
        return tight, standard
    tight, standard = (bounds_for(function, arguments, keywords, fmt, level) for level in levels)
    return tight, standard


def _finite(x: Array) -> Array:
    return np.where(np.isfinite(x), x, 0.0)


def _regular(x: Array) -> Array:
    """Rows that have a bound; the others become rows of zeros."""
    bad = ~(np.isfinite(x) | (x == -np.inf)).all(axis=1) | (x == -np.inf).all(axis=1)
    return np.where(bad[:, None], 0.0, x)


def _laid_out(bound: Bound, layout: Callable[[Array], Array]) -> Bound:
    def lay(terms: Mapping[str, Any]) -> dict[str, Any]:
        return {k: layout(np.asarray(v)) if np.ndim(v) else v for k, v in terms.items()}

    return Bound(lay(bound.relative), lay(bound.absolute))


#: Rows longer than this are reduced to their distinct values first: some twenty temporaries of them would be too large.
_LONG = 1 << 17


def _rows_bounds(function: str, rows: Rows, fmt: Format, levels: tuple[Level, ...]) -> list[Bound]:
    count, n = rows.x.shape
    if n == 0 or count == 0:
        return [Bound() for _ in levels]
    reduced = function in _REDUCED
    compute = _REDUCED[function] if reduced else _ROWWISE[function]
    x = _regular(rows.x)
    if n > _LONG:
        parts = [_long_row(compute, row, fmt, levels) for row in x]
        bounds = [_stacked([p[i] for p in parts]) for i in range(len(levels))]
    else:
        quantities = row_quantities(x, fmt)
        bounds = [compute(quantities, fmt, level) for level in levels]
    if reduced:
        return [_laid_out(b, rows.reduce) for b in bounds]
    return [_laid_out(b, lambda v: rows.restore(np.broadcast_to(v, (count, n)))) for b in bounds]


def _long_row(compute: Callable[..., Bound], row: Array, fmt: Format, levels: tuple[Level, ...]) -> list[Bound]:
    """The bounds of one row, term by term: formed for its distinct values, then spread."""
    (values,), where, counts = distinct((row,))
    quantities = row_quantities(values[None], fmt, counts[None])
    bounds = [compute(quantities, fmt, level) for level in levels]
    return [_laid_out(b, lambda v: v if v.shape[1] == 1 else v[:, where]) for b in bounds]


def _stacked(bounds: list[Bound]) -> Bound:
    """Bounds of single rows, shapes (1, n) or (1, 1), as one of shapes (R, n) or (R, 1)."""
    first = bounds[0]
    if len(bounds) == 1:
        return first

    def stack(of: Callable[[Bound], Mapping[str, Any]]) -> dict[str, Any]:
        return {
            k: np.concatenate([of(b)[k] for b in bounds]) if np.ndim(v) else v for k, v in of(first).items()
        }

    return Bound(stack(lambda b: b.relative), stack(lambda b: b.absolute))


def _loss_bound(
    function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], fmt: Format, level: Level
) -> Bound:
    def given(name: str) -> Any:
        return keywords.get(name, KEYWORD_DEFAULTS[name])

    gradient = function == "cross_entropy_grad"
    ignore = -(2**62) if gradient else given("ignore_index")
    rows = loss_rows(arguments[0], arguments[1], -1 if gradient else given("axis"), ignore)
    if rows.logits.size == 0 or rows.out_of_range.any():
        return Bound()
    m, classes = rows.logits.shape
    counted_logits = np.where(rows.counted[:, None], rows.logits, 0.0)
    labels = np.nan_to_num(rows.labels) if rows.soft else rows.labels
    if gradient:
        y = labels if rows.soft else loss.targets(labels, rows.counted, classes, None, 0.0, "none").t
        bound = loss.cross_entropy_grad(row_quantities(_regular(counted_logits), fmt), y, m, fmt, level)
        shape = np.shape(arguments[0])
        return _laid_out(bound, lambda v: np.broadcast_to(v, (m, classes)).reshape(shape))
    weight = given("weight")
    t = loss.targets(
        labels, rows.counted, classes, None if weight is None else exact_float64(weight),
        float(given("label_smoothing")), given("reduction"),
    )  # fmt: skip
    if function == "nll_loss":
        bound = loss.nll_loss(counted_logits, t, fmt, level)
    else:
        bound = loss.cross_entropy(row_quantities(_regular(counted_logits), fmt), t, fmt, level)
    return _laid_out(bound, lambda v: v.reshape(rows.shape)) if t.reduction == "none" else bound
