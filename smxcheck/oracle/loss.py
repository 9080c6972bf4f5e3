"""What is right for the losses and the gradient of cross-entropy, labels and degenerate rows included.

A label out of range has no loss: only an error is right (or nan, a choice). A mean over no rows, or over rows of
total weight 0, is 0/0: a choice (``empty-mean``). A counted row of logits that is all -inf, or holds +inf, has no
single answer. A NaN in a counted row makes its loss, and every reduction of it, NaN. Soft labels of no classes
have no softmax to be compared with (``empty-row``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

import smxref
from smxcheck.catalog import KEYWORD_DEFAULTS
from smxcheck.oracle import certified, tally
from smxcheck.oracle.core import row_classes, scatter
from smxcheck.oracle.enclosure import Enclosure, Expected, Kind, from_packed, zeros
from smxcheck.oracle.rows import exact_float64
from smxcheck.oracle.tiers import RELATIVE_BITS, answered, certified_tiers, counted, refined, settle

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class LossRows:
    """The arguments of a loss as rows: logits (m, K), labels (m,) or (m, K), and the rows that count."""

    logits: Array
    labels: Array
    soft: bool
    counted: Array
    shape: tuple[int, ...]  # of the loss without reduction
    out_of_range: Array


def loss_rows(logits: Array, labels: Array, axis: int, ignore_index: int) -> LossRows:
    """Classes last, rows flattened; soft labels are those of the shape of the logits in a floating dtype."""
    x = exact_float64(logits)
    labels = np.asarray(labels)
    soft = labels.dtype.kind not in "iu"
    moved = np.moveaxis(x, axis, -1)
    shape, classes = moved.shape[:-1], moved.shape[-1]
    rows = moved.reshape((-1, classes)) if classes else moved.reshape((int(np.prod(shape)), 0))
    if soft:
        y = np.moveaxis(exact_float64(labels), axis, -1).reshape(rows.shape)
        return LossRows(rows, y, True, np.ones(len(rows), bool), shape, np.zeros(len(rows), bool))
    flat = labels.reshape(-1).astype(np.int64)
    counted = flat != ignore_index
    return LossRows(rows, flat, False, counted, shape, counted & ((flat < 0) | (flat >= classes)))


def _keyword(keywords: Mapping[str, Any], name: str) -> Any:
    return keywords.get(name, KEYWORD_DEFAULTS[name])


def expect_loss(
    function: str, logits: Array, labels: Array, keywords: Mapping[str, Any], bits: int
) -> Expected:
    """cross_entropy or nll_loss, with every keyword of the catalog."""
    rows = loss_rows(logits, labels, _keyword(keywords, "axis"), _keyword(keywords, "ignore_index"))
    reduction = _keyword(keywords, "reduction")
    shape = rows.shape if reduction == "none" else ()
    if rows.out_of_range.any():
        return _refusal(rows, shape)
    kind, choice = _row_kinds(function, rows)
    if function == "nll_loss" and not rows.soft:
        rows = replace(rows, logits=_as_read(rows))
    options = {
        "weight": _exact_list(_keyword(keywords, "weight")),
        "ignore_index": _keyword(keywords, "ignore_index"),
    }
    if function == "cross_entropy":
        options["label_smoothing"] = float(_keyword(keywords, "label_smoothing"))
    if reduction == "none":
        return _unreduced(function, rows, kind, choice, options, bits)
    return _reduced(function, rows, kind, choice, options, reduction, bits)


def _as_read(rows: LossRows) -> Array:
    """Log-probabilities with 0 for NaN and infinities beside the label of each row, which the loss does not read."""
    read = np.arange(rows.logits.shape[1]) == rows.labels[:, None]
    return np.where(read | np.isfinite(rows.logits), rows.logits, 0.0)


def _exact_list(weight: Any) -> list[float] | None:
    return None if weight is None else exact_float64(weight).tolist()


def _refusal(rows: LossRows, shape: tuple[int, ...]) -> Expected:
    i = int(np.argmax(rows.out_of_range))
    sentence = f"label {int(rows.labels[i])} of row {i} is outside 0..{rows.logits.shape[1] - 1}"
    return Expected(np.full(shape, Kind.FREE, np.uint8), zeros(shape),
                    {"label-out-of-range": np.ones(shape, bool)}, must_raise=sentence)  # fmt: skip


def _row_kinds(function: str, rows: LossRows) -> tuple[Array, str]:
    """A kind for each row, and the choice that a FREE row belongs to."""
    kind = np.full(len(rows.logits), Kind.VALUE, np.uint8)
    choice = "all-masked"
    if function == "nll_loss":
        if rows.soft:
            kind[np.isnan(rows.logits).any(axis=1)] = Kind.NAN
        else:
            safe = np.where(rows.counted, rows.labels, 0)
            picked = np.take_along_axis(rows.logits, safe[:, None], axis=1)[:, 0] if len(safe) else safe
            kind[np.isnan(picked)] = Kind.NAN
    else:
        classes = row_classes(rows.logits)
        if not rows.logits.shape[1]:
            kind[:], choice = Kind.FREE, "empty-row"
        kind[classes["masked"] | (classes["plus"] > 0)] = Kind.FREE
        kind[classes["nan"]] = Kind.NAN
        choice = "plus-inf" if (classes["plus"] > 0)[rows.counted].any() else choice
    if rows.soft:
        kind[np.isnan(rows.labels).any(axis=1)] = Kind.NAN
    kind[~rows.counted] = Kind.VALUE
    return kind, choice


def _reference(function: str, rows: LossRows, use: Array, options: Mapping[str, Any], reduction: str, bits: int
               ) -> list[Any]:  # fmt: skip
    """Balls for the rows in ``use``; ignored rows stand as rows of zeros, whose logits nothing reads."""
    x = np.where(rows.counted[:, None], rows.logits, 0.0)[use].tolist()
    y = rows.labels[use].tolist()
    reference = smxref.cross_entropy if function == "cross_entropy" else smxref.nll_loss
    flat = [v for row in x for v in row] or [0.0]
    balls = refined(lambda p: reference(x, y, reduction=reduction, bits=p, **options), flat, max(bits, RELATIVE_BITS))
    tally.count(tally.REFERENCE, len(balls))
    return balls


def _place(enclosure: Enclosure, balls: list[Any], kind: Array, where: Array) -> None:
    """Enclosures from balls; an infinite one becomes its kind."""
    signs = np.array([0 if b.error or abs(b.value) < float("inf") else (1 if b.value > 0 else -1) for b in balls])
    packed = [(0.0, 0.0, 0, 0.0) if s else smxref.pack(b) for b, s in zip(balls, signs, strict=True)]
    scatter(enclosure, where, from_packed(packed))
    at = np.flatnonzero(where)
    if len(at):
        kind[at[signs > 0]] = Kind.PLUS_INFINITY
        kind[at[signs < 0]] = Kind.MINUS_INFINITY


def _certified_keywords(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "ignore_index"}


def _unreduced(
    function: str, rows: LossRows, kind: Array, choice: str, options: Mapping[str, Any], bits: int
) -> Expected:
    enclosure = zeros(kind.shape)
    left = kind == Kind.VALUE
    asked = np.flatnonzero(left & rows.counted)
    found = answered(function, (rows.logits[asked], rows.labels[asked]), bits, _certified_keywords(options))
    if found is not None:
        answer, decided = found.enclosure, found.decided
        counted(found, found.open)
        scatter(enclosure, asked[decided], answer.take(decided))
        left &= rows.counted  # the others lose exactly 0
        left[asked[decided]] = False
    if left.any():
        _place(enclosure, _reference(function, rows, left, options, "none", bits), kind, left)
    free = (kind == Kind.FREE).reshape(rows.shape)
    return Expected(kind.reshape(rows.shape), enclosure.reshape(rows.shape), {choice: free} if free.any() else {})


def _reduced(
    function: str, rows: LossRows, kinds: Array, choice: str, options: Mapping[str, Any], reduction: str, bits: int
) -> Expected:  # fmt: skip
    def single(kind: Kind, name: str = "") -> Expected:
        return Expected(np.array(kind, np.uint8), zeros(()), {name: np.array(True)} if name else {})

    if reduction == "mean" and not _has_weight(rows, options["weight"]):
        return single(Kind.FREE, "empty-mean")
    if (kinds == Kind.NAN).any():
        return single(Kind.NAN)
    if (kinds == Kind.FREE).any():
        return single(Kind.FREE, choice)
    kind = np.full(1, Kind.VALUE, np.uint8)
    enclosure = _certified_reduction(function, rows, options, reduction, bits)
    if enclosure is None:
        enclosure = zeros((1,))
        everything = np.ones(len(rows.logits), bool)
        _place(enclosure, _reference(function, rows, everything, options, reduction, bits), kind, np.ones(1, bool))
    return Expected(kind.reshape(()), enclosure.reshape(()))


def _certified_reduction(
    function: str, rows: LossRows, options: Mapping[str, Any], reduction: str, bits: int
) -> Enclosure | None:
    """The sum or mean of the losses of the rows that count; None where the certified tiers do not decide it."""
    x, y = rows.logits[rows.counted], rows.labels[rows.counted]
    if not certified_tiers(function, bits, x.size):
        return None
    losses = certified.answer(function, (x, y), bits, _certified_keywords(options))
    weight = options["weight"]
    divisor = None
    if reduction == "mean":
        divisor = np.ones(len(x)) if rows.soft or weight is None else np.array(weight)[y]
    answer = certified.reduced(function, losses, divisor, bits)
    if not answer.decided.all():
        return None
    tally.count(tally.DOUBLE, 1)
    return answer.enclosure


def _has_weight(rows: LossRows, weight: list[float] | None) -> bool:
    """Whether the rows that count have a total weight other than 0, which a sum of floats does not tell."""
    if rows.soft or weight is None:
        return bool(rows.counted.any())
    times = np.bincount(rows.labels[rows.counted], minlength=len(weight)).tolist()
    used = [(w, k) for w, k in zip(weight, times, strict=False) if w and k]
    if all(w > 0 for w, _ in used) or not all(math.isfinite(w) for w, _ in used):
        return bool(used)  # the reference refuses what is not finite
    return bool(sum(Fraction(w) * k for w, k in used))


def expect_cross_entropy_grad(logits: Array, labels: Array, bits: int) -> Expected:
    """(softmax(z)·Σy - y)/m, classes last."""
    rows = loss_rows(logits, labels, -1, ignore_index=-(2**62))
    shape = np.shape(logits)
    if rows.out_of_range.any():
        return _refusal(rows, shape)
    kinds, choice = _row_kinds("cross_entropy", rows)
    kind = np.repeat(kinds[:, None], rows.logits.shape[1], axis=1)
    enclosure = zeros(rows.logits.shape)
    where = kinds == Kind.VALUE
    if where.any():
        scatter(enclosure, where, _gradient(rows.logits[where], rows.labels[where], len(kinds), bits))
    free = (kind == Kind.FREE).reshape(shape)
    return Expected(kind.reshape(shape), enclosure.reshape(shape), {choice: free} if free.any() else {})


def _gradient(x: Array, y: Array, m: int, bits: int) -> Enclosure:
    """The gradient's entries, row after row, divided by the m rows of the whole batch."""

    def reference(some: Any) -> Enclosure:
        logits, labels = x[some].tolist(), y[some].tolist()

        def compute(p: int) -> list[Any]:
            return [ball for row in smxref.cross_entropy_grad(logits, labels, rows=m, bits=p) for ball in row]

        balls = refined(compute, [v for row in logits for v in row], max(bits, RELATIVE_BITS))
        tally.count(tally.REFERENCE, len(balls))
        return from_packed([smxref.pack(b) for b in balls]).reshape((len(logits), x.shape[1]))

    found = answered("cross_entropy_grad", (x, y), bits, {"rows": m})
    if found is None:
        return reference(slice(None))
    return settle(found, reference)
