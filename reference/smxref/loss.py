"""Cross-entropy, negative log-likelihood and two-class cross-entropy.

Rows are lists of K numbers. ``labels`` has one entry per row: ints (class numbers), or lists of K numbers (soft
labels). Every loss is Σ_c a_c ℓ_c / scale with ℓ = -log p and coefficients a_c that are formed exactly, so that "this
class does not count" is decided by a_c = 0 and never by rounding: 0·inf is 0 there, while a_c > 0 on a class of
probability 0 gives +inf.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mpmath import libmp, mpf

from smxref.arithmetic import Raw, context, enclose, exact, relative_bound
from smxref.ball import Ball
from smxref.core import softplus
from smxref.row import Row

Label = int | list[float]
#: Value of a row's loss, and the sum of the magnitudes of its terms.
_Loss = tuple[mpf, mpf]


def cross_entropy(
    logits_rows: list[list[float]],
    labels: Sequence[Label],
    *,
    weight: list[float] | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    reduction: str = "mean",
    bits: int,
) -> Ball | list[Ball]:
    """Cross-entropy of logits against labels: one ball, or one per row for ``reduction="none"``.

    A row loses Σ_c w_c((1 - ε)y_c + ε/K)(-log p_c), where an int label stands for its one-hot y and ε is
    ``label_smoothing`` as the exact number that the float is. The mean divides by Σ w_label over the rows that count
    for int labels, by the number of rows for soft ones. A row whose int label is ``ignore_index`` loses exactly 0.

    -log p has K + 3 roundings (`log_softmax`); see `_reduce` for the rest: k = 2K + m + 3 with m rows.
    Raises ValueError for a label out of range, a mean over nothing ("no rows"), rows without a limit, nan.
    """
    if not 0 <= label_smoothing <= 1:
        raise ValueError("label_smoothing must be from 0 to 1")

    def losses_of_classes(logits: list[float]) -> Callable[[int], mpf]:
        row = Row.of(logits, None, bits)
        log_total = row.log_total
        return lambda c: log_total - row.shifts[c]

    classes = len(logits_rows[0]) if logits_rows else 0
    return _reduce(
        logits_rows,
        labels,
        losses_of_classes,
        classes + 3,
        weight,
        ignore_index,
        label_smoothing,
        reduction,
        bits,
    )


def nll_loss(
    log_probability_rows: list[list[float]],
    labels: Sequence[Label],
    *,
    weight: list[float] | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    bits: int,
) -> Ball | list[Ball]:
    """-Σ_c w_c y_c ℓ_c of given log-probabilities ℓ, which may be -inf; else as `cross_entropy` without smoothing.

    ℓ is exact; see `_reduce` for the rest: k = K + m.
    Raises ValueError for a label out of range, a mean over nothing ("no rows"), nan and +inf.
    """
    ctx = context(bits)

    def losses_of_classes(log_probabilities: list[float]) -> Callable[[int], mpf]:
        if float("inf") in log_probabilities:
            raise ValueError("a log-probability is +inf")
        numbers = [exact(v) for v in log_probabilities]
        return lambda c: ctx.make_mpf(libmp.mpf_neg(numbers[c]))

    return _reduce(
        log_probability_rows, labels, losses_of_classes, 0, weight, ignore_index, 0.0, reduction, bits
    )


def binary_cross_entropy_with_logits(x: float, y: float, *, bits: int) -> Ball:
    """-y log σ(x) - (1 - y) log σ(-x) for any finite y, with its limits at x = ±inf.

    With f(x) = log(1 + exp(x)), 3 roundings (`softplus`):
    0 <= y <= 1: y·f(-x) + (1 - y)·f(x), where 1 - y is exact and nothing cancels: 3 + 1 + 1: k = 5.
    Elsewhere: f(x) - x·y with x·y exact, absolute error 4 roundings against f(x) + |x·y|.
    A y outside [0, 1] can make the loss cancel, but not to 0: 1 + exp(x) = exp(x·y) with rational x ≠ 0 would
    contradict the Lindemann-Weierstrass theorem, and at x = 0 it is log 2 for every y.
    At x = ±inf: 0 for the label that is certain (1 and 0), +inf for y on the other side, -inf beyond it.
    Raises ValueError for nan and for y = ±inf.
    """
    ctx = context(bits)
    if abs(y) == float("inf"):
        raise ValueError("no limit: y is infinite")
    one_minus_y = ctx.make_mpf(libmp.mpf_sub(libmp.fone, exact(y)))
    exact_y = ctx.make_mpf(exact(y))
    if abs(x) == float("inf"):
        slope = one_minus_y if x > 0 else exact_y
        return Ball(slope * ctx.inf if slope else ctx.zero, ctx.zero)
    if 0 <= y <= 1:
        # A product with an exact 0 is 0, and one with 1 is exact: integer labels keep one softplus.
        value = exact_y * softplus(-x, bits=bits) + one_minus_y * softplus(x, bits=bits)
        return enclose(value, value, relative_bound(5, ctx), ctx)
    product = ctx.make_mpf(libmp.mpf_mul(exact(x), exact(y)))
    positive = softplus(x, bits=bits)
    return enclose(positive - product, positive + abs(product), relative_bound(4, ctx), ctx)


def _reduce(
    rows: list[list[float]],
    labels: Sequence[Label],
    losses_of_classes: Callable[[list[float]], Callable[[int], mpf]],
    roundings: int,
    weight: list[float] | None,
    ignore_index: int,
    label_smoothing: float,
    reduction: str,
    bits: int,
) -> Ball | list[Ball]:
    """The loss of all rows from the loss ℓ_c of every class, which has the given roundings.

    A row: product with the exact coefficient 1, sum of K terms K - 1, so roundings + K. All m rows: m - 1 more, and
    the division by the exact scale 1 more: k = roundings + K + m. Terms of both signs (a negative soft label) are
    bounded by the sum of their magnitudes, which rounds as often.
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction must be none, mean or sum, not {reduction!r}")
    if len(rows) != len(labels):
        raise ValueError(f"labels must have one entry per row: {len(rows)}, not {len(labels)}")
    classes = _classes(rows, labels, weight)
    ctx = context(bits)
    weights = [libmp.fone] * classes if weight is None else [exact(w) for w in weight]
    integer = all(isinstance(label, int) for label in labels)
    losses: list[_Loss] = []
    divisor = libmp.fzero
    for row, label in zip(rows, labels, strict=True):
        if integer and label == ignore_index:
            losses.append((ctx.zero, ctx.zero))
            continue
        coefficients = _coefficients(label, classes, weights, label_smoothing)
        losses.append(_row_loss(coefficients, losses_of_classes(row), ctx))
        divisor = libmp.mpf_add(divisor, weights[label] if isinstance(label, int) else libmp.fone)

    scale = libmp.from_int(classes) if label_smoothing and rows else libmp.fone
    bound = relative_bound(roundings + classes + len(rows), ctx)
    if reduction == "none":
        return [_scaled(loss, scale, bound, ctx) for loss in losses]
    if reduction == "mean":
        if divisor == libmp.fzero:
            raise ValueError("no rows: the mean divides by a total weight of 0")
        scale = libmp.mpf_mul(scale, divisor)
    total = (sum((v for v, _ in losses), ctx.zero), sum((m for _, m in losses), ctx.zero))
    return _scaled(total, scale, bound, ctx)


def _coefficients(label: Label, classes: int, weights: list[Raw], label_smoothing: float) -> dict[int, Raw]:
    """a_c = w_c(K(1 - ε)y_c + ε), or w_c y_c without smoothing, exactly, by class; only those that are not 0."""
    if isinstance(label, int):
        if not 0 <= label < classes:
            raise ValueError(f"label {label} is out of range for {classes} classes")
        targets = {label: libmp.fone}
    else:
        targets = {c: exact(y) for c, y in enumerate(label) if y}
    if label_smoothing:
        smoothing = exact(label_smoothing)
        slope = libmp.mpf_mul(libmp.mpf_sub(libmp.fone, smoothing), libmp.from_int(classes))
        targets = {
            c: libmp.mpf_add(libmp.mpf_mul(slope, targets.get(c, libmp.fzero)), smoothing)
            for c in range(classes)
        }
    coefficients = {c: libmp.mpf_mul(target, weights[c]) for c, target in targets.items()}
    return {c: a for c, a in coefficients.items() if a != libmp.fzero}


def _row_loss(coefficients: dict[int, Raw], loss_of_class: Callable[[int], mpf], ctx: Any) -> _Loss:
    """Σ a_c ℓ_c, and the sum of the magnitudes."""
    value = magnitude = ctx.zero
    for c, a in coefficients.items():
        term = ctx.make_mpf(a) * loss_of_class(c)
        value += term
        magnitude += abs(term)
    return value, magnitude


def _scaled(loss: _Loss, scale: Raw, bound: Raw, ctx: Any) -> Ball:
    divisor = ctx.make_mpf(scale)
    value, magnitude = loss
    return enclose(value / divisor, magnitude / ctx.make_mpf(libmp.mpf_abs(scale)), bound, ctx)


def _classes(rows: list[list[float]], labels: Sequence[Label], weight: list[float] | None) -> int:
    """K, after a check that everything has it."""
    classes = len(rows[0]) if rows else len(weight or ())
    soft = [label for label in labels if not isinstance(label, int)]
    if soft and len(soft) != len(labels):
        raise ValueError("labels must be all ints or all lists")
    lengths = [*map(len, rows), *map(len, soft)] + ([] if weight is None else [len(weight)])
    if any(length != classes for length in lengths):
        raise ValueError(f"rows, soft labels and weight must all have {classes} classes")
    infinite = float("inf")
    if any(abs(y) == infinite for label in soft for y in label) or any(
        abs(w) == infinite for w in weight or ()
    ):
        raise ValueError("soft labels and weight must be finite")
    return classes
