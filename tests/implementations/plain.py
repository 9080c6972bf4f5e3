"""The definitions, evaluated as they are written with 60 digits: what the tests of the wrong implementations compare
with. Shares nothing with the reference or the oracle of the package.

A result is an object array of mpf; ``None`` stands for "no number is right" (no limit, or a label out of range).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import mpmath
import numpy as np

CTX = mpmath.mp.clone()
CTX.dps = 60
ZERO, INF = CTX.mpf(0), CTX.inf

exp = lru_cache(maxsize=4096)(CTX.exp)


def _log(p: Any) -> Any:
    return CTX.log(p) if p else -INF


def _times(a: Any, b: Any) -> Any:
    """a·b with 0·inf = 0."""
    return a * b if a and b else ZERO


def _defined(row: list[Any]) -> bool:
    """Whether softmax of the row has a limit: no NaN, no +inf beside others, something above -inf."""
    return not any(CTX.isnan(v) for v in row) and max(row) not in (INF, -INF)


def softmax(row: list[Any]) -> list[Any]:
    if not _defined(row):
        return [None] * len(row)
    top = max(row)
    terms = [exp(v - top) for v in row]
    total = CTX.fsum(terms)
    return [t / total for t in terms]


def logsumexp(row: list[Any]) -> Any:
    if any(CTX.isnan(v) for v in row):
        return None
    top = max(row)
    if top in (INF, -INF):
        return top
    rest = list(row)
    rest.remove(top)
    return top + CTX.log1p(CTX.fsum(exp(v - top) for v in rest))


def log_softmax(row: list[Any]) -> list[Any]:
    if not _defined(row):
        return [None] * len(row)
    top = max(row)
    rest = list(row)
    rest.remove(top)
    log_total = CTX.log1p(CTX.fsum(exp(v - top) for v in rest))
    return [(v - top) - log_total for v in row]


def log_sigmoid(x: Any) -> Any:
    return -CTX.log1p(CTX.exp(-x)) if x >= 0 else x - CTX.log1p(CTX.exp(x))


def sigmoid(x: Any) -> Any:
    return 1 / (1 + CTX.exp(-x))


def binary_cross_entropy(x: Any, y: Any) -> Any:
    return -_times(y, log_sigmoid(x)) - _times(1 - y, log_sigmoid(-x))


def entropy(p: list[Any]) -> Any:
    return -CTX.fsum(_times(v, _log(v)) for v in p)


def softmax_entropy(row: list[Any]) -> Any:
    if not _defined(row):
        return None
    return -CTX.fsum(_times(p, v) for p, v in zip(softmax(row), log_softmax(row), strict=True))


def kl_divergence(p: list[Any], q: list[Any]) -> Any:
    return CTX.fsum(_times(a, _log(a) - _log(b)) for a, b in zip(p, q, strict=True) if a)


def distribution_cross_entropy(p: list[Any], q: list[Any]) -> Any:
    return -CTX.fsum(_times(a, _log(b)) for a, b in zip(p, q, strict=True))


def _target(label: Any, classes: int) -> list[Any] | None:
    if isinstance(label, list):
        return label
    return [CTX.mpf(c == label) for c in range(classes)] if 0 <= label < classes else None


def _loss(log_p: Any, rows: list[Any], labels: list[Any], options: dict[str, Any]) -> Any:
    """None, or the reduced loss, or one loss per row."""
    classes = len(rows[0])
    weight = options.get("weight") or [CTX.mpf(1)] * classes
    smoothing = CTX.mpf(options.get("label_smoothing", 0.0))
    losses, divisor = [], ZERO
    for row, label in zip(rows, labels, strict=True):
        if label == options.get("ignore_index", -100):
            losses.append(ZERO)
            continue
        y = _target(label, classes)
        if y is None:
            return None
        t = [(1 - smoothing) * v + smoothing / classes for v in y]
        losses.append(-CTX.fsum(_times(w * a, b) for w, a, b in zip(weight, t, log_p(row), strict=True)))
        divisor += 1 if isinstance(label, list) else weight[label]
    reduction = options.get("reduction", "mean")
    if reduction == "none":
        return losses
    return CTX.fsum(losses) / (divisor if reduction == "mean" else 1)


def _gradient(rows: list[Any], labels: list[Any]) -> list[list[Any]]:
    out = []
    for row, label in zip(rows, labels, strict=True):
        y = _target(label, len(row))
        assert y is not None
        out.append([(p * CTX.fsum(y) - t) / len(rows) for p, t in zip(softmax(row), y, strict=True)])
    return out


def _exact(a: Any) -> list[Any]:
    """A matrix, vector or list of labels as nested lists of mpf (labels: of int)."""
    a = np.asarray(a)
    if a.dtype.kind in "iu":
        return list(a.tolist())
    return _mapped(CTX.mpf, a.astype(np.float64).tolist())


def _mapped(function: Any, nested: Any) -> Any:
    return [_mapped(function, v) for v in nested] if isinstance(nested, list) else function(nested)


def _to_last(a: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(a, axis, -1)


def _array(nested: Any) -> np.ndarray:
    out = np.empty(np.shape(nested), object)
    out[...] = nested
    return out


ELEMENTWISE = {"sigmoid": sigmoid, "log_sigmoid": log_sigmoid, "binary_cross_entropy_with_logits": binary_cross_entropy}
SAME = {"softmax": softmax, "log_softmax": log_softmax}
REDUCED = {
    "logsumexp": logsumexp,
    "entropy": entropy,
    "softmax_entropy": softmax_entropy,
    "kl_divergence": kl_divergence,
    "distribution_cross_entropy": distribution_cross_entropy,
}


def knows(function: str) -> bool:
    """Whether there is a plain definition here. The derivatives have theirs, by differences, in tests of their own."""
    return function in ELEMENTWISE or function in SAME or function in REDUCED or function in _WITH_LABELS


_WITH_LABELS = ("cross_entropy", "nll_loss", "cross_entropy_grad")


def evaluate(function: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> np.ndarray | None:
    """The exact result of the call as an object array, or None where only a refusal is right."""
    if function in ELEMENTWISE:
        return np.vectorize(ELEMENTWISE[function], otypes=[object])(*(_array(_exact(a)) for a in arguments))
    axis = keywords.get("axis", -1)
    if function in SAME or function in REDUCED:
        moved = [_to_last(np.asarray(a), axis) for a in arguments]
        rows = [_exact(a.reshape(-1, a.shape[-1])) for a in moved]
        values = [(SAME | REDUCED)[function](*row) for row in zip(*rows, strict=True)]
        shape = moved[0].shape if function in SAME else moved[0].shape[:-1]
        done = _array(values).reshape(shape)
        return np.moveaxis(done, -1, axis) if function in SAME else done
    logits, labels = arguments
    moved_logits = _to_last(np.asarray(logits), axis)
    rows = _exact(moved_logits.reshape(-1, moved_logits.shape[-1]))
    soft = np.asarray(labels).dtype.kind not in "iu"
    flat = _to_last(np.asarray(labels), axis).reshape(-1, moved_logits.shape[-1]) if soft else labels.reshape(-1)
    if function == "cross_entropy_grad":
        return _array(_gradient(rows, _exact(flat))).reshape(moved_logits.shape)
    options = dict(keywords)
    if options.get("weight") is not None:
        options["weight"] = _exact(options["weight"])
    log_p = log_softmax if function == "cross_entropy" else list
    loss = _loss(log_p, rows, _exact(flat), options)
    if loss is None:
        return None
    return _array(loss).reshape(moved_logits.shape[:-1]) if isinstance(loss, list) else _array(loss)
