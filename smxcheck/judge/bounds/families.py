"""The bounds of the functions of the generic path: derivatives, generalisations, samples. One entry per function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds.model import Bound
from smxcheck.judge.bounds.running import Computed
from smxcheck.judge.result import Level
from smxcheck.oracle.families import (
    NONE,
    Columns,
    answer_shape,
    columns,
    given,
    lay_out,
    readable,
    row_function,
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RowsBound:
    """``algorithm(*columns, fmt, level, **keywords)``: the named algorithm of a level, run on rows (R, n), its answer
    of shape (R, …). Its docstring writes it down.

    ``terms(*columns, **keywords)``: Σ|terms| of the closed form where the value is a difference of larger terms; `1ulp`
    then grants u² of it, the error of an implementation that carries twice the working precision.
    """

    algorithm: Callable[..., Computed]
    terms: Callable[..., Array] | None = None


def _tables() -> dict[str, RowsBound]:
    from smxcheck.judge.bounds import (
        derivatives,
        generalised,
        information_derivatives,
        loss_derivatives,
        sampling,
    )

    tables = (derivatives, loss_derivatives, information_derivatives, generalised, sampling)
    return {function: entry for module in tables for function, entry in module.TABLE.items()}


_TABLE: dict[str, RowsBound] = {}


def _entry(function: str) -> RowsBound:
    if not _TABLE:
        _TABLE.update(_tables())
    return _TABLE[function]


def algorithm_of(function: str) -> Callable[..., Computed]:
    """The named algorithm of a function. Raises KeyError for a function that has none here."""
    return _entry(function).algorithm


def _regular(function: str, given_columns: Columns) -> tuple[Array, ...]:
    """Columns with every row that has no bound replaced by zeros: NaN, infinities; a -inf that is answered stays."""
    entry = row_function(function)
    of = readable(entry, given_columns)
    bad = np.zeros(of.count, bool)
    for place, part in enumerate(of.parts):
        if part.dtype.kind != "f":
            continue
        finite = np.isfinite(part)
        if place == entry.own or (place == 0 and entry.infinite != NONE):
            finite = finite | (part == -np.inf)
        if place == 0:
            bad |= (part == -np.inf).all(axis=1) & (part.shape[1] > 0)
        bad |= ~finite.all(axis=1)
    return tuple(np.where(bad[:, None], 0.0, p) if p.dtype.kind == "f" else p for p in of.parts)


def rows_bound(
    function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], fmt: Format, level: Level
) -> Bound:
    """The bound of ``level`` for each element of the result. Raises KeyError for a function that has none."""
    entry, of = _entry(function), columns(function, arguments, keywords)
    values = given(function, keywords, of)
    answer = answer_shape(function, of, values)
    if of.count == 0 or 0 in answer:
        return Bound()
    bound = entry.algorithm(*_regular(function, of), fmt=fmt, level=level, **values).bound()

    def laid(array: Any) -> Array:
        return lay_out(function, of, answer, np.broadcast_to(array, (of.count, *answer)))

    return Bound({}, {cause: laid(e) for cause, e in bound.absolute.items()})


def rows_terms(function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Any:
    """Σ|terms| of the closed form, laid out like the result; 0 where nothing cancels."""
    entry, of = _entry(function), columns(function, arguments, keywords)
    values = given(function, keywords, of)
    answer = answer_shape(function, of, values)
    if entry.terms is None or of.count == 0 or 0 in answer:
        return 0.0
    terms = entry.terms(*_regular(function, of), **values)
    return lay_out(function, of, answer, np.broadcast_to(terms, (of.count, *answer)))
