"""Adaptive log-softmax: a shortlist and clusters in place of one long row, and its Jacobian. In float64, rounded once."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from smxcheck.functions import shift
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array, as_real, common_dtype, rounded
from smxcheck.functions.rows import quiet
from smxcheck.functions.softmax_derivatives import log_softmax_jacobian


def adaptive_log_softmax(head: ArrayLike, tail: ArrayLike, sizes: Sequence[int] = ()) -> Array:
    """Log-probabilities of all classes: of the shortlist, then of the clusters one after another.

        log softmax(head)_i on the shortlist,   log softmax(head)_c + log softmax(tail_c)_i in cluster c

    head, of shape (…, shortlist + clusters), has the logits of the shortlist and one for each cluster; tail, (…, Σ sizes),
    those of the clusters' classes, cluster c having ``sizes[c]`` of them. The result has shape (…, shortlist + Σ sizes) and
    the common dtype. -inf where a class or its cluster is at -inf. Raises ValueError for shapes and sizes that do not fit,
    TypeError for what is not real. Source: Grave, Joulin, Cissé, Grangier & Jégou, "Efficient softmax approximation for
    GPUs", ICML 2017.
    """
    of = _Rows(head, tail, sizes)
    first = _log_softmax(of.head)
    parts, clusters = [first[:, : of.shortlist]], first[:, of.shortlist :]
    for c, place in enumerate(of.places()):
        parts.append(clusters[:, c : c + 1] + _log_softmax(of.tail[:, place]))
    return of.restored(np.concatenate(parts, axis=1))


def adaptive_log_softmax_jacobian(head: ArrayLike, tail: ArrayLike, sizes: Sequence[int] = ()) -> Array:
    """Derivatives of all log-probabilities by the logits of the head and then of the tail.

    A class at place a of the head (its own, or its cluster's) has ∂/∂head_j = δ_aj - p_j, p = softmax(head); one at place
    i of cluster c has ∂/∂tail_cj = δ_ij - q_j, q = softmax(tail_c), and 0 for other clusters. Shape
    (…, classes, head + tail). dtype and errors as for `adaptive_log_softmax`.
    """
    of = _Rows(head, tail, sizes)
    width = of.head.shape[1]
    out = np.zeros((len(of.head), of.shortlist + of.tail.shape[1], width + of.tail.shape[1]))
    by_head = log_softmax_jacobian(of.head)
    out[:, : of.shortlist, :width] = by_head[:, : of.shortlist]
    for c, place in enumerate(of.places()):
        rows = slice(of.shortlist + place.start, of.shortlist + place.stop)
        out[:, rows, :width] = by_head[:, of.shortlist + c, None]
        out[:, rows, width + place.start : width + place.stop] = log_softmax_jacobian(of.tail[:, place])
    return of.restored(out)


class _Rows:
    """Head and tail as float64 matrices of as many rows, and the sizes of the clusters, checked."""

    def __init__(self, head: ArrayLike, tail: ArrayLike, sizes: Sequence[int]) -> None:
        first, second = np.atleast_1d(as_real(head, "head")), np.atleast_1d(as_real(tail, "tail"))
        self.sizes = tuple(operator.index(s) for s in sizes)
        if first.shape[:-1] != second.shape[:-1]:
            raise ValueError(f"head has shape {first.shape} and tail {second.shape}; only their last axes may differ")
        if min(self.sizes, default=1) < 1 or sum(self.sizes) != second.shape[-1]:
            raise ValueError(f"sizes {self.sizes} must be positive and add up to the {second.shape[-1]} logits of the tail")
        if len(self.sizes) > first.shape[-1]:
            raise ValueError(f"{len(self.sizes)} clusters need as many logits of the head, and it has {first.shape[-1]}")
        self.outer, self.dtype = first.shape[:-1], common_dtype((first, second))
        count = int(np.prod(self.outer, dtype=np.int64))
        self.head, self.tail = (a.astype(np.float64).reshape(count, a.shape[-1]) for a in (first, second))
        self.shortlist = first.shape[-1] - len(self.sizes)

    def places(self) -> Iterator[slice]:
        """Where the clusters lie in the tail."""
        start = 0
        for size in self.sizes:
            yield slice(start, start + size)
            start += size

    def restored(self, values: Array) -> Array:
        """Rounded to the dtype of the result, the outer axes as they were."""
        return rounded(values, self.dtype).reshape(self.outer + values.shape[1:])


@quiet
def _log_softmax(rows: Array) -> Array:
    return shift.shifted(rows).log_probabilities() if rows.size else rows


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


TABLE: dict[str, dict[str, Algorithm]] = {
    "adaptive_log_softmax": _only(adaptive_log_softmax, "log-softmax of the head plus that of the cluster"),
    "adaptive_log_softmax_jacobian": _only(adaptive_log_softmax_jacobian, "δ - p of the head and of the class's cluster"),
}
