"""Bounds of adaptive log-softmax: two log-softmaxes and a sum, and of its Jacobian."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.bounds import core
from smxcheck.judge.bounds.families import RowsBound
from smxcheck.judge.bounds.probabilities import complements, of_row
from smxcheck.judge.bounds.rows import row_quantities
from smxcheck.judge.bounds.running import Computed, exact, from_bound, larger
from smxcheck.judge.result import Level

Array = npt.NDArray[np.float64]


def _clusters(tail: Array, sizes: tuple[int, ...]) -> Iterator[tuple[slice, Array]]:
    """Where the classes of each cluster lie in the tail, and their logits."""
    start = 0
    for size in sizes:
        place = slice(start, start + size)
        yield place, tail[:, place]
        start += size


def _log_softmax(x: Array, fmt: Format, level: Level) -> Computed:
    r = row_quantities(x, fmt)
    return from_bound(np.where(x == -np.inf, 0.0, r.log_p), core.log_softmax(r, fmt, level), fmt, level)


def _joined(parts: list[Computed]) -> Computed:
    """Columns side by side."""
    causes = dict.fromkeys(c for part in parts for c in part.errors)
    errors = {
        c: np.concatenate([np.broadcast_to(p.errors.get(c, 0.0), p.value.shape) for p in parts], axis=-1) for c in causes
    }  # fmt: skip
    return Computed(np.concatenate([p.value for p in parts], axis=-1), errors, parts[0].fmt, parts[0].level)


def adaptive_log_softmax(
    head: Array, tail: Array, *, sizes: tuple[int, ...], fmt: Format, level: Level
) -> Computed:
    """log_softmax(head) on the shortlist; log_softmax(head)_c + log_softmax(tail_c) in cluster c, one rounding more."""
    of_head = _log_softmax(head, fmt, level)
    shortlist = head.shape[1] - len(sizes)
    parts = [of_head.at((slice(None), slice(0, shortlist)))]
    for c, (_, logits) in enumerate(_clusters(tail, sizes)):
        cluster = of_head.at((slice(None), slice(shortlist + c, shortlist + c + 1)))
        parts.append(cluster + _log_softmax(logits, fmt, level))
    return _joined(parts)


def _derivatives(x: Array, fmt: Format, level: Level) -> Computed:
    """δ_ij - p_j, (R, n, n): ``tight`` has the diagonal as the sum of the other probabilities, ``standard`` also as 1 - p."""
    r = row_quantities(x, fmt)
    n = x.shape[1]
    p = of_row(r, fmt, level)
    kept = complements(r, fmt, level)
    if level is Level.STANDARD and n > 1:
        kept = larger(kept, exact(np.ones(p.value.shape), fmt, level) - p)
    eye = np.eye(n, dtype=bool)[None]
    every = (slice(None), None, slice(None))
    return kept.at(every).where(eye, -p.at(every))


def adaptive_log_softmax_jacobian(
    head: Array, tail: Array, *, sizes: tuple[int, ...], fmt: Format, level: Level
) -> Computed:
    """δ - p of the head in its columns, of the class's own cluster in that cluster's, exact zeros elsewhere."""
    shortlist, width = head.shape[1] - len(sizes), head.shape[1]
    places = [*range(shortlist)] + [shortlist + c for c, size in enumerate(sizes) for _ in range(size)]
    of_head = _derivatives(head, fmt, level).at((slice(None), places))
    value = np.zeros((len(head), len(places), width + tail.shape[1]))
    value[:, :, :width] = of_head.value
    errors = {c: np.zeros(value.shape) for c in of_head.errors}
    for cause, e in of_head.errors.items():
        errors[cause][:, :, :width] = e
    for place, logits in _clusters(tail, sizes):
        block = _derivatives(logits, fmt, level)
        rows = slice(shortlist + place.start, shortlist + place.stop)
        columns = slice(width + place.start, width + place.stop)
        value[:, rows, columns] = block.value
        for cause, e in block.errors.items():
            errors.setdefault(cause, np.zeros(value.shape))[:, rows, columns] = e
    return Computed(value, errors, fmt, level)


TABLE: dict[str, RowsBound] = {
    "adaptive_log_softmax": RowsBound(adaptive_log_softmax),
    "adaptive_log_softmax_jacobian": RowsBound(adaptive_log_softmax_jacobian),
}
