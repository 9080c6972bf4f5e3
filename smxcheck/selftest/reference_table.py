"""Which definition stands for which function of the catalog, and the losses, which reduce over the rows of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from smxcheck.selftest import reference_definitions as of
from smxcheck.selftest.reference_definitions import Definition, Row
from smxcheck.selftest.reference_jets import Jet, jet, total

Label = int | Row


def _weights(label: Label, classes: int) -> Row:
    """The label as a weight for each class: one-hot for a class number."""
    return [jet(int(c == label)) for c in range(classes)] if isinstance(label, int) else label


def _negative_log_likelihood(log_p: Row, label: Label) -> Row:
    terms = zip(_weights(label, len(log_p)), log_p, strict=True)
    return [-total(y * v for y, v in terms if not of.is_zero(y))]


def _cross_entropy(z: Row, label: Label) -> Row:
    return _negative_log_likelihood(of.log_softmax(z), label)


def losses(function: str, rows: Sequence[Row], labels: Sequence[Label], keywords: Mapping[str, Any]) -> Row:
    """Σ_c w_c y_c (-ℓ_c) for each row, their sum, or their mean: over Σ w_label for class numbers, else over the rows.

    y is (1 - ε)y + ε/K with label_smoothing ε; a row whose class number is ignore_index loses 0 and does not count.
    """
    smoothing = jet(keywords.get("label_smoothing", 0.0))
    weight, ignored = keywords.get("weight"), keywords.get("ignore_index", -100)
    found, counts = [], []
    for row, label in zip(rows, labels, strict=True):
        classes = len(row)
        w = [jet(1)] * classes if weight is None else [jet(float(v)) for v in weight]
        if isinstance(label, int) and label == ignored:
            found.append(jet(0))
            continue
        y = _weights(label, classes)
        if not of.is_zero(smoothing):
            y = [(1 - smoothing) * v + smoothing / classes for v in y]
        log_p = of.log_softmax(row) if function == "cross_entropy" else row
        found += _negative_log_likelihood(log_p, [a * b for a, b in zip(w, y, strict=True)])
        counts.append(w[label] if isinstance(label, int) else jet(1))
    reduction = keywords.get("reduction", "mean")
    if reduction == "none":
        return found
    return [total(found) if reduction == "sum" else total(found) / total(counts)]


def _softmax_entropy(z: Row) -> Row:
    return of.entropy(of.softmax(z))


def _kl_of_logits(z: Row, q: Row) -> Row:
    return of.kl_divergence(of.softmax(z), q)


def _nll(row: Row, label: Label) -> Row:
    return [-total(y * v for y, v in zip(_weights(label, len(row)), row, strict=True))]


#: What is answered row by row; the losses have `losses`.
TABLE: dict[str, Definition] = {
    "softmax": Definition(of.softmax),
    "log_softmax": Definition(of.log_softmax),
    "logsumexp": Definition(of.logsumexp),
    "sigmoid": Definition(of.sigmoid),
    "log_sigmoid": Definition(of.log_sigmoid),
    "binary_cross_entropy_with_logits": Definition(of.two_class),
    "entropy": Definition(of.entropy),
    "softmax_entropy": Definition(_softmax_entropy),
    "kl_divergence": Definition(of.kl_divergence),
    "distribution_cross_entropy": Definition(of.distribution_cross_entropy),
    "softmax_jacobian": Definition(of.softmax, 1),
    "softmax_jvp": Definition(of.softmax, 1, tangent=True),
    "softmax_vjp": Definition(of.softmax, 1, cotangent=True),
    "softmax_backward": Definition(of.softmax_backward),
    "softmax_hessian": Definition(of.softmax, 2),
    "log_softmax_jacobian": Definition(of.log_softmax, 1),
    "log_softmax_vjp": Definition(of.log_softmax, 1, cotangent=True),
    "log_softmax_backward": Definition(of.log_softmax_backward),
    "logsumexp_grad": Definition(of.logsumexp, 1),
    "logsumexp_hessian": Definition(of.logsumexp, 2),
    "sigmoid_grad": Definition(of.sigmoid, 1, entrywise=True),
    "log_sigmoid_grad": Definition(of.log_sigmoid, 1, entrywise=True),
    "cross_entropy_grad": Definition(_cross_entropy, 1, batch=True),
    "cross_entropy_hessian": Definition(_cross_entropy, 2, batch=True),
    "nll_loss_grad": Definition(_nll, 1, batch=True),
    "binary_cross_entropy_with_logits_grad": Definition(of.two_class, 1, entrywise=True),
    "binary_cross_entropy_with_logits_hessian": Definition(of.two_class, 2, entrywise=True),
    "entropy_grad": Definition(of.entropy, 1),
    "entropy_hessian": Definition(of.entropy, 2),
    "softmax_entropy_grad": Definition(_softmax_entropy, 1),
    "softmax_entropy_hessian": Definition(_softmax_entropy, 2),
    "kl_divergence_grad": Definition(_kl_of_logits, 1),
    "kl_divergence_hessian": Definition(_kl_of_logits, 2),
    "distribution_cross_entropy_grad": Definition(of.distribution_cross_entropy, 1, by=(1,)),
    "distribution_cross_entropy_hessian": Definition(of.distribution_cross_entropy, 2, by=(1,)),
    "generalized_softmax": Definition(of.generalized_softmax),
    "generalized_softmax_jacobian": Definition(of.generalized_softmax, 1),
    "generalized_softmax_entropy": Definition(of.generalized_softmax_entropy),
    "generalized_softmax_entropy_grad": Definition(of.generalized_softmax_entropy, 1),
    "taylor_softmax": Definition(of.taylor_softmax),
    "taylor_softmax_jacobian": Definition(of.taylor_softmax, 1),
    "log_taylor_softmax": Definition(of.log_taylor_softmax),
    "log_taylor_softmax_jacobian": Definition(of.log_taylor_softmax, 1),
    "spherical_softmax": Definition(of.spherical_softmax),
    "spherical_softmax_jacobian": Definition(of.spherical_softmax, 1),
    "log_spherical_softmax": Definition(of.log_spherical_softmax),
    "log_spherical_softmax_jacobian": Definition(of.log_spherical_softmax, 1),
    "soft_margin_softmax": Definition(of.soft_margin_softmax),
    "soft_margin_softmax_jacobian": Definition(of.soft_margin_softmax, 1),
    "sm_taylor_softmax": Definition(of.sm_taylor_softmax),
    "sm_taylor_softmax_jacobian": Definition(of.sm_taylor_softmax, 1),
    "sparsemax": Definition(of.sparsemax),
    "sparsemax_jacobian": Definition(of.sparsemax, 1),
    "entmax15": Definition(of.entmax15),
    "entmax15_jacobian": Definition(of.entmax15, 1),
    "gumbel_softmax": Definition(of.gumbel_softmax),
    "gumbel_softmax_jacobian": Definition(of.gumbel_softmax, 1),
    "adaptive_log_softmax": Definition(of.adaptive_log_softmax),
    "adaptive_log_softmax_jacobian": Definition(of.adaptive_log_softmax, 1, by=(0, 1)),
}

LOSSES = ("cross_entropy", "nll_loss")


def intervals_of(
    function: str, columns: Sequence[Sequence[Sequence[float]] | Sequence[int]], keywords: Mapping[str, Any]
) -> list[Jet]:
    """All values of a call in C order. ``columns`` are the arguments as rows of floats, class numbers as ints."""
    calls = [[_as_jets(v) for v in row] for row in zip(*columns, strict=True)]
    if function in LOSSES:
        return losses(function, [c[0] for c in calls], [c[1] for c in calls], keywords)
    definition = TABLE[function]
    return [value for call in calls for value in definition.row(call, keywords, len(calls))]


def _as_jets(row: Any) -> Any:
    return row if isinstance(row, int) else [jet(float(v)) for v in row]
