"""Calls as Hypothesis strategies: for each function of the catalog its arguments, keywords and memory layouts.

Nothing is drawn that the catalog's own contract excludes (a negative probability, a label out of range).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from smxcheck.catalog import FUNCTIONS, Group
from smxcheck.dtypes import FORMATS, Format
from smxcheck.fuzz.rows import LONGEST, Array, Draw, integers, lengths, rounded, row_of, within

#: What is judged by statistics over thousands of draws has no error over what is allowed.
NOT_DRAWN = ("gumbel_max_sample",)
#: Results of n² and n³ entries: what is right costs as much.
_LONGEST = {"jacobian": 9, "hessian": 4, "wide": 6}


@dataclass(frozen=True)
class Drawn:
    """One call: arguments by name in catalog order, keywords, the layout of the first argument."""

    arguments: Mapping[str, Array]
    keywords: Mapping[str, Any]
    layout: str


@dataclass(frozen=True)
class _Shape:
    """What the further arguments go by: m rows of n entries, in ``axes`` axes, of which the last has the entries."""

    m: int
    n: int
    axes: int
    fmt: Format
    keywords: Mapping[str, Any]


def largest(function: str, fmt: Format) -> float:
    """The largest logit that is drawn.

    Core functions and losses must take every number of the format. Derivatives multiply logits with cotangents, and
    polynomials raise them to their order, where other forms that are right overflow: there the range is that in which
    order 6 of a polynomial, or a square, stays in the format.
    """
    if "spherical" in function:
        return 2.0 ** min(10, fmt.e_max // 2 - 2)
    if "taylor" in function or function.startswith("generalized"):
        return 2.0 ** min(5, fmt.e_max // 7)
    entry = FUNCTIONS[function]
    if entry.group in (Group.CORE, Group.LOSS):
        return fmt.largest
    return 2.0**10


@st.composite
def calls(draw: Draw, function: str, dtype: str, offered: Collection[str]) -> Drawn:
    """Calls of ``function`` in ``dtype``, with keywords among those ``offered``."""
    entry, fmt = FUNCTIONS[function], FORMATS[dtype]
    n = draw(lengths(_LONGEST.get(entry.shape, LONGEST)))
    axes = draw(_AXES)
    m = draw(integers(1, 3)) if axes == 2 else 1
    keywords = {
        name: _KEYWORDS[name](draw, n, fmt)
        for name in entry.keywords
        if name in offered and name != "axis" and (name == "sizes" or draw(_EITHER))
    }
    shape = _Shape(m, n, axes, fmt, keywords)
    kinds = [_first if k == 0 and name in _LOGITS else _KINDS[name] for k, name in enumerate(entry.arguments)]
    arguments = {name: kind(draw, function, shape) for name, kind in zip(entry.arguments, kinds, strict=True)}
    axis = draw(_AXIS) if "axis" in offered and axes == 2 else None
    if axis is not None:
        keywords = {**keywords, "axis": axis}
    if axis == 0:
        arguments = {name: np.ascontiguousarray(a.T) for name, a in arguments.items()}
    return Drawn(arguments, keywords, draw(_LAYOUT))


_AXES = st.sampled_from((1, 2, 2))
_AXIS = st.sampled_from((None, -1, 1, 0))
_EITHER = st.booleans()
_LAYOUT = st.sampled_from(("contiguous", "contiguous", "contiguous", "contiguous", "transposed", "every-other", "reversed"))
_LOGITS = ("x", "z", "logits", "head")


def _matrix(rows: Iterable[Array], shape: _Shape) -> Array:
    """Rows in the format, as an array of the shape."""
    array = rounded(np.stack(list(rows)), shape.fmt)
    return array if shape.axes == 2 else np.asarray(array[0])


def _rows(draw: Draw, shape: _Shape, size: float, special: bool = False) -> list[Array]:
    return [row_of(draw, shape.n, shape.fmt, size, special) for _ in range(shape.m)]


def _first(draw: Draw, function: str, shape: _Shape) -> Array:
    size = largest(function, shape.fmt)
    special = FUNCTIONS[function].group is Group.CORE or function == "cross_entropy"  # whose classes may be masked
    rows = _rows(draw, shape, size, special)
    if str(shape.keywords.get("phi", "")).startswith("power"):  # z^k is positive for z > 0
        rows = [np.clip(np.abs(row), 2.0**-6, size) for row in rows]
    return _matrix(rows, shape)


def _softmax(row: Array) -> Array:
    weights = np.exp(row - row.max())
    return np.asarray(weights / weights.sum())


def _distributions(draw: Draw, function: str, shape: _Shape) -> Array:
    """Softmax of a row, at times with an entry 0; the sum is 1 but for rounding, as any caller's."""
    found = [_softmax(row) for row in _rows(draw, shape, 2.0**6)]
    for p in found:
        if shape.n > 1 and draw(_EITHER):
            p[draw(integers(0, shape.n - 1))] = 0.0
    return _matrix((p / p.sum() if p.sum() > 0 else np.full(shape.n, 1 / shape.n) for p in found), shape)


def _log_probabilities(draw: Draw, function: str, shape: _Shape) -> Array:
    gaps = [row - row.max() for row in _rows(draw, shape, 2.0**7)]
    return _matrix((gap - math.log(float(np.exp(gap).sum())) for gap in gaps), shape)


def _output(draw: Draw, function: str, shape: _Shape) -> Array:
    """What the forward function returned."""
    kind = _log_probabilities if function.startswith("log_") else _distributions
    return kind(draw, function, shape)


def _cotangents(draw: Draw, function: str, shape: _Shape) -> Array:
    return _matrix(_rows(draw, shape, 2.0**6), shape)


def _shares(draw: Draw, function: str, shape: _Shape) -> Array:
    """Targets of two-class losses: from 0 to 1."""
    few = [abs(draw(within(1.0, shape.fmt))) for _ in range(min(shape.n, 5))]
    return _matrix([np.resize(few, shape.n)] * shape.m, shape)


def _noise(draw: Draw, function: str, shape: _Shape) -> Array:
    """Gumbel noise has values from about -4 to 100."""
    return _matrix(_rows(draw, shape, 2.0**5), shape)


def _labels(draw: Draw, function: str, shape: _Shape) -> Array:
    """Class indices, the first and the last often; soft labels at times where the loss takes them; those to be ignored
    where the keyword is given."""
    ignored = shape.keywords.get("ignore_index")
    if function == "cross_entropy" and ignored is None and draw(_FOURTH) == 3:
        weight = np.asarray(draw(_SUM), shape.fmt.numpy())  # the loss takes labels whose sum is not 1 as they are
        return np.asarray(_distributions(draw, function, shape) * weight)
    found = [_label(draw, shape.n, ignored) for _ in range(shape.m)]
    return np.array(found if shape.axes == 2 else found[0], np.int64)


def _label(draw: Draw, n: int, ignored: int | None) -> int:
    place: int = draw(integers(-2 if ignored is None else -3, n - 1))
    return {-3: ignored or 0, -2: 0, -1: n - 1}.get(place, place)


_FOURTH = st.integers(0, 3)
_SUM = st.sampled_from((1.0, 1.0, 0.5, 2.0))


def _tail(draw: Draw, function: str, shape: _Shape) -> Array:
    """Logits of the clusters' classes, as many as their sizes say."""
    return _matrix(_rows(draw, replace(shape, n=sum(shape.keywords.get("sizes", ()))), 2.0**10), shape)


_KINDS: dict[str, Callable[[Draw, str, _Shape], Array]] = {
    "p": _distributions, "q": _distributions, "output": _output, "labels": _labels, "y": _shares,
    "log_probabilities": _log_probabilities, "v": _cotangents, "g": _cotangents, "grad_output": _cotangents,
    "noise": _noise, "tail": _tail, "logits": _first,
}  # fmt: skip


def _weights(draw: Draw, n: int, fmt: Format) -> Array:
    """One for each class, of different sizes; 0 leaves a class out."""
    return rounded(np.resize([float(draw(_WEIGHT)) for _ in range(min(n, 4))], n), fmt)


_WEIGHT = st.one_of(st.integers(1, 4), st.sampled_from((0.5, 0.0625, 0.3, 10.0, 64.0, 0.0)))


def _sizes(draw: Draw, n: int, fmt: Format) -> tuple[int, ...]:
    """Of the head's n logits one for each cluster."""
    return tuple(draw(integers(1, 6)) for _ in range(draw(integers(1, min(3, n)))))


def _one_of(*values: Any) -> Callable[[Draw, int, Format], Any]:
    strategy = st.sampled_from(values)
    return lambda draw, n, fmt: draw(strategy)


_KEYWORDS: dict[str, Callable[[Draw, int, Format], Any]] = {
    "weight": _weights,
    "ignore_index": lambda draw, n, fmt: -100 if draw(_EITHER) else draw(integers(0, n - 1)),
    "label_smoothing": _one_of(0.0, 0.5, 0.125, 1.0),
    "reduction": _one_of("mean", "none", "sum"),
    "phi": _one_of("exp", "softplus", "taylor-2", "power-2"),
    "order": _one_of(2, 4, 6),
    "eps": _one_of(2.0**-10, 2.0**-4, 1.0),
    "margin": _one_of(0.5, 1.0, 4.0),
    "tau": _one_of(1.0, 0.5, 4.0, 0.25),
    "hard": _one_of(False, True),
    "sizes": _sizes,
}
