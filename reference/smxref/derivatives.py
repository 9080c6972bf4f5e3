"""Gradient of the mean cross-entropy with respect to the logits."""

from __future__ import annotations

from collections.abc import Sequence

from mpmath import libmp

from smxref.arithmetic import Raw, enclose, exact, relative_bound
from smxref.ball import Ball
from smxref.loss import Label
from smxref.row import Row


def cross_entropy_grad(
    logits_rows: list[list[float]], labels: Sequence[Label], *, rows: int | None = None, bits: int
) -> list[list[Ball]]:
    """g_i = (p_i Σ_j y_j - y_i) / m for each of m rows; an int label stands for its one-hot y.

    ``rows`` is m where the rows given are a part of a larger batch; else their number.
    Raises ValueError for a label out of range, rows without a limit, nan.
    """
    if len(logits_rows) != len(labels):
        raise ValueError(f"labels must have one entry per row: {len(logits_rows)}, not {len(labels)}")
    m = len(logits_rows) if rows is None else rows
    return [
        _row_gradient(logits, _target(label, len(logits)), m, bits)
        for logits, label in zip(logits_rows, labels, strict=True)
    ]


def _row_gradient(logits: list[float], y: list[Raw], m: int, bits: int) -> list[Ball]:
    """The gradient of one row as g_i = (w_i Y_i - y_i R_i) / (S·m), Y_i = Σ_{j≠i} y_j and R_i = Σ_{j≠i} w_j.

    Follows from p_i = w_i / S and S = w_i + R_i. 1 - p_i is never formed: for a one-hot label one of the two terms is
    0 and nothing cancels. Otherwise the bound is absolute, relative to the two magnitudes.

    R_i is ``rest`` where i is the maximal entry, n + 1 roundings. Elsewhere it is S - w_i: its error is that of n + 2
    roundings against S, 1 against w_i and 1 for the subtraction, and with w_i <= 1 <= R_i both S <= 2R_i and
    w_i <= R_i hold: as much as 2(n + 2) + 2 = 2n + 6 roundings. Y_i is exact. Product 1, subtraction 1, product S·m
    (n + 2) + 1, quotient 1: k = 3n + 12.

    g_i is 0 only where all its parts vanish or where all finite logits are equal and y_i is the mean of y over them:
    e^(x_j) of different rational x_j are linearly independent over the rationals (Lindemann-Weierstrass). The second
    case is decided exactly here, so that more bits can always separate g_i from 0.
    """
    row = Row.of(logits, None, bits)
    ctx, total = row.ctx, row.total
    bound = relative_bound(3 * row.n + 12, ctx)
    label_sum = libmp.mpf_sum(y)
    divisor = total * m
    finite = libmp.from_int(sum(1 for w in row.weights if w))
    uniform = all(not w or not t for w, t in zip(row.weights, row.shifts, strict=True))
    gradient = []
    for i, (w, y_i) in enumerate(zip(row.weights, y, strict=True)):
        if uniform and w and libmp.mpf_mul(y_i, finite) == label_sum:
            gradient.append(Ball(ctx.zero, ctx.zero))
            continue
        others = row.rest if i == row.top else total - w
        pull = w * ctx.make_mpf(libmp.mpf_sub(label_sum, y_i))
        push = ctx.make_mpf(y_i) * others
        gradient.append(enclose((pull - push) / divisor, (abs(pull) + abs(push)) / divisor, bound, ctx))
    return gradient


def _target(label: Label, classes: int) -> list[Raw]:
    if isinstance(label, int):
        if not 0 <= label < classes:
            raise ValueError(f"label {label} is out of range for {classes} classes")
        return [libmp.fone if c == label else libmp.fzero for c in range(classes)]
    if len(label) != classes:
        raise ValueError(f"a soft label must have {classes} entries, not {len(label)}")
    if any(abs(v) == float("inf") for v in label):
        raise ValueError("soft labels must be finite")
    return [exact(v) for v in label]
