"""Adaptive softmax: the classes of a large vocabulary in a shortlist and clusters, and its Jacobian.

The head has a logit for each class of the shortlist and one for each cluster; a class of a cluster has the probability of
its cluster times its own within it (Grave, Joulin, Cissé, Grangier & Jégou, ICML 2017):

    log p_i = log softmax(head)_i on the shortlist,   log p_ci = log softmax(head)_c + log softmax(tail_c)_i
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mpmath import libmp

from smxref.ball import Ball
from smxref.exponentials import Exponentials
from smxref.real import Real, infinite


@dataclass(frozen=True)
class _Classes:
    """The normalised head and clusters."""

    head: Exponentials
    tails: tuple[Exponentials, ...]

    @property
    def shortlist(self) -> int:
        return self.head.n - len(self.tails)

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        """Every class as (place in the head, cluster or -1, place in the cluster)."""
        yield from ((i, -1, 0) for i in range(self.shortlist))
        for c, tail in enumerate(self.tails):
            yield from ((self.shortlist + c, c, i) for i in range(tail.n))


def _classes(head: Sequence[float], tail: Sequence[float], sizes: Sequence[int], bits: int) -> _Classes:
    """Raises ValueError for sizes that do not fit, and where there is no limit."""
    if sum(sizes) != len(tail) or min(sizes, default=1) < 1 or len(sizes) > len(head):
        raise ValueError(f"sizes {tuple(sizes)} do not fit {len(head)} logits of the head and {len(tail)} of the tail")
    ends = [sum(sizes[: c + 1]) for c in range(len(sizes))]
    clusters = (tail[end - size : end] for end, size in zip(ends, sizes, strict=True))
    return _Classes(Exponentials.of(head, None, bits), tuple(Exponentials.of(c, None, bits) for c in clusters))


def _surprise(row: Exponentials, i: int) -> Real:
    """-log p_i = (max - x_i) + log S ≥ 0, an exact 0 where entry i alone is there."""
    return Real.of(row.shifts[i], row.bits) + row.log_total


def adaptive_log_softmax(
    head: list[float], tail: list[float], *, sizes: Sequence[int], bits: int
) -> list[Ball]:
    """The log-probabilities of all classes: the shortlist, then the clusters one after another.

    ``sizes`` are the numbers of classes of the clusters, whose logits the tail holds in this order. -inf where the class or
    its cluster is at -inf. Every term is non-negative, so nothing cancels, and an answer is 0 only if each term is exactly.
    Raises ValueError for nan, +inf, a head or cluster without an entry above -inf, and sizes that do not fit.
    """
    of = _classes(head, tail, sizes, bits)
    out = []
    for place, cluster, i in of:
        if not of.head.present[place] or (cluster >= 0 and not of.tails[cluster].present[i]):
            out.append(infinite(-1, bits))
            continue
        surprise = _surprise(of.head, place)
        out.append((-(surprise + _surprise(of.tails[cluster], i) if cluster >= 0 else surprise)).ball())
    return out


def adaptive_log_softmax_jacobian(
    head: list[float], tail: list[float], *, sizes: Sequence[int], bits: int
) -> list[Ball]:
    """Derivatives of the log-probabilities by the logits of the head and of the tail, a row for each class.

    For a class at place a of the head ∂/∂head_j = δ_aj - p_j, and for one at place i of cluster c ∂/∂tail_cj = δ_ij - q_j,
    q = softmax(tail_c); 0 by the logits of other clusters. Raises ValueError as `adaptive_log_softmax` does.
    """
    of = _classes(head, tail, sizes, bits)
    nothing = Real.of(libmp.fzero, bits)
    out: list[Ball] = []
    for place, cluster, i in of:
        row = _derivatives(of.head, place)
        for c, logits in enumerate(of.tails):
            row += _derivatives(logits, i) if c == cluster else [nothing] * logits.n
        out += [entry.ball() for entry in row]
    return out


def _derivatives(row: Exponentials, i: int) -> list[Real]:
    """δ_ij - p_j of one softmax, the diagonal as the sum of the other probabilities."""
    out = [-row.probability(j) for j in range(row.n)]
    out[i] = row.without({i: 1}) / row.total
    return out
