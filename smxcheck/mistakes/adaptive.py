"""Wrong adaptive log-softmaxes and Jacobians of them: a term left out, a sum over the wrong logits, a wrong order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from smxcheck.mistakes.model import Mistake, ex
from smxcheck.mistakes.rows import Rows, right_log_softmax, right_softmax

INSTEAD = "log_softmax(head)[shortlist + c] + log_softmax(tail of cluster c)"
JACOBIAN = "delta - softmax(head) in the head's columns, delta - softmax(tail_c) in those of the class's own cluster"

Parts = list[Rows]


def _split(tail: Rows, sizes: tuple[int, ...]) -> Parts:
    return [tail[:, sum(sizes[:c]) : sum(sizes[: c + 1])] for c in range(len(sizes))]


def _called(kernel: Callable[[Rows, Rows, tuple[int, ...]], Rows]) -> Callable[..., np.ndarray]:
    """``(head, tail, sizes=)`` from a function of matrices."""

    def call(head: Any, tail: Any, sizes: tuple[int, ...] = ()) -> np.ndarray:
        head, tail = np.asarray(head), np.asarray(tail)
        with np.errstate(all="ignore"):
            out = kernel(head.reshape(-1, head.shape[-1]), tail.reshape(-1, tail.shape[-1]), tuple(sizes))
        return np.asarray(out).astype(head.dtype).reshape(head.shape[:-1] + out.shape[1:])

    return call


def _joined(head: Rows, clusters: Rows, tails: Parts) -> Rows:
    """The shortlist, and every cluster's column plus its classes."""
    parts = [head] + [clusters[:, c : c + 1] + tail for c, tail in enumerate(tails)]
    return np.concatenate(parts, axis=1)


def cluster_left_out(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """log_softmax(tail_c) alone: every cluster adds up to 1 for itself."""
    log_p, shortlist = right_log_softmax(head), head.shape[1] - len(sizes)
    return _joined(log_p[:, :shortlist], np.zeros_like(log_p), [right_log_softmax(t) for t in _split(tail, sizes)])


def joint_tail(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """One log_softmax over the logits of all clusters."""
    log_p, shortlist = right_log_softmax(head), head.shape[1] - len(sizes)
    return _joined(log_p[:, :shortlist], log_p[:, shortlist:], _split(right_log_softmax(tail), sizes))


def clusters_reversed(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """The head's logits of the clusters read from the end."""
    log_p, shortlist = right_log_softmax(head), head.shape[1] - len(sizes)
    return _joined(log_p[:, :shortlist], log_p[:, :shortlist - 1 if shortlist else None : -1],
                   [right_log_softmax(t) for t in _split(tail, sizes)])  # fmt: skip


def shortlist_normalised_alone(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """The shortlist's log_softmax without the clusters' logits."""
    shortlist = head.shape[1] - len(sizes)
    short = right_log_softmax(head[:, :shortlist]) if shortlist else head[:, :0]
    return _joined(short, right_log_softmax(head)[:, shortlist:], [right_log_softmax(t) for t in _split(tail, sizes)])


def tail_not_normalised(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """The cluster's logits added as they are."""
    log_p, shortlist = right_log_softmax(head), head.shape[1] - len(sizes)
    return _joined(log_p[:, :shortlist], log_p[:, shortlist:], _split(tail, sizes))


def _derivatives(x: Rows) -> Rows:
    return np.eye(x.shape[1], dtype=x.dtype) - right_softmax(x)[:, None, :]


def _blocks(by_head: Rows, by_tail: Parts, shortlist: int, sizes: tuple[int, ...]) -> Rows:
    """The Jacobian from δ - p of the head and of each cluster."""
    width, classes = by_head.shape[2], sum(sizes)
    out = np.zeros((len(by_head), shortlist + classes, width + classes), by_head.dtype)
    out[:, :shortlist, :width] = by_head[:, :shortlist]
    start = 0
    for c, block in enumerate(by_tail):
        own = slice(shortlist + start, shortlist + start + sizes[c])
        out[:, own, :width] = by_head[:, shortlist + c, None]
        out[:, own, width + start : width + start + block.shape[2]] = block
        start += sizes[c]
    return out


def jacobian_without_head(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """The classes of a cluster do depend on the head: through their cluster's probability."""
    by_head, shortlist = _derivatives(head), head.shape[1] - len(sizes)
    by_head[:, shortlist:] = 0
    return _blocks(by_head, [_derivatives(t) for t in _split(tail, sizes)], shortlist, sizes)


def jacobian_without_tail(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    shortlist = head.shape[1] - len(sizes)
    nothing = [np.zeros((len(t), t.shape[1], t.shape[1]), t.dtype) for t in _split(tail, sizes)]
    return _blocks(_derivatives(head), nothing, shortlist, sizes)


def jacobian_of_joint_tail(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """δ - q with q over the logits of all clusters."""
    shortlist = head.shape[1] - len(sizes)
    whole = _derivatives(tail)
    out = _blocks(_derivatives(head), [np.zeros((len(tail), n, n), tail.dtype) for n in sizes], shortlist, sizes)
    out[:, shortlist:, head.shape[1] :] = whole
    return out


def jacobian_of_probabilities(head: Rows, tail: Rows, sizes: tuple[int, ...]) -> Rows:
    """p_i (δ_ij - p_j): that of softmax in the place of log_softmax."""
    shortlist = head.shape[1] - len(sizes)

    def of(x: Rows) -> Rows:
        return right_softmax(x)[:, :, None] * _derivatives(x)

    return _blocks(of(head), [of(t) for t in _split(tail, sizes)], shortlist, sizes)


SMALL = ex([0.5, -1.25, 2], [0.25, 1, 3], sizes=(2, 1))

TABLE = (
    Mistake("adaptive_log_softmax/cluster-left-out", "log_softmax(tail of cluster c) alone", INSTEAD, "SMX101",
            _called(cluster_left_out), (SMALL,)),
    Mistake("adaptive_log_softmax/clusters-reversed", "log_softmax(head)[-1 - c] + log_softmax(tail_c)", INSTEAD, "SMX101",
            _called(clusters_reversed), (SMALL,)),
    Mistake("adaptive_log_softmax/joint-tail", "log_softmax(head)[shortlist + c] + log_softmax(all of tail)", INSTEAD,
            "SMX101", _called(joint_tail), (SMALL,)),
    Mistake("adaptive_log_softmax/shortlist-alone", "log_softmax(head[:shortlist]) on the shortlist",
            "log_softmax(head)[:shortlist]", "SMX101", _called(shortlist_normalised_alone), (SMALL,)),
    Mistake("adaptive_log_softmax/tail-not-normalised", "log_softmax(head)[shortlist + c] + tail_c", INSTEAD, "SMX101",
            _called(tail_not_normalised), (SMALL,)),
    Mistake("adaptive_log_softmax_jacobian/joint-tail", "delta - softmax(all of tail)", JACOBIAN, "SMX101",
            _called(jacobian_of_joint_tail), (SMALL,)),
    Mistake("adaptive_log_softmax_jacobian/probabilities", "p_i*(delta - p_j)", JACOBIAN, "SMX101",
            _called(jacobian_of_probabilities), (SMALL,)),
    Mistake("adaptive_log_softmax_jacobian/without-head", "0 by the head for the classes of a cluster", JACOBIAN, "SMX101",
            _called(jacobian_without_head), (SMALL,)),
    Mistake("adaptive_log_softmax_jacobian/without-tail", "0 by the logits of the tail", JACOBIAN, "SMX101",
            _called(jacobian_without_tail), (SMALL,)),
)  # fmt: skip
