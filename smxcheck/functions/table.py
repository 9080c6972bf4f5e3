"""Every algorithm of every function here, with what it declares of itself. Adding one is adding an entry."""

from __future__ import annotations

from collections.abc import Callable

from smxcheck.functions import (
    adaptive,
    generalised,
    gradients,
    information,
    information_derivatives,
    log_probabilities,
    log_sum,
    logistic,
    loss_derivatives,
    losses,
    probabilities,
    sampling,
    softmax_derivatives,
    sparse,
)
from smxcheck.functions.algorithm import Algorithm, table
from smxcheck.functions.arrays import Array


def _only(call: Callable[..., Array], summary: str) -> dict[str, Algorithm]:
    return table(Algorithm("accurate", call, "tight", summary))


#: Function name of the catalog → algorithm name → algorithm; the default, ``accurate``, comes first.
ALGORITHMS: dict[str, dict[str, Algorithm]] = {
    "softmax": probabilities.ALGORITHMS,
    "log_softmax": log_probabilities.ALGORITHMS,
    "logsumexp": log_sum.ALGORITHMS,
    "sigmoid": logistic.SIGMOID,
    "log_sigmoid": logistic.LOG_SIGMOID,
    "cross_entropy": _only(losses.cross_entropy, "(max - x) + log1p of the rest"),
    "nll_loss": _only(losses.nll_loss, "gathered in float64"),
    "binary_cross_entropy_with_logits": _only(
        losses.binary_cross_entropy_with_logits, "|x|·(y or 1 - y) + log1p(exp(-|x|))"
    ),
    "entropy": _only(information.entropy, "-Σ p log p in float64"),
    "softmax_entropy": _only(information.softmax_entropy, "log S + Σ p (max - x)"),
    "kl_divergence": _only(information.kl_divergence, "log1p((p - q)/q) where p and q are close"),
    "distribution_cross_entropy": _only(information.distribution_cross_entropy, "-Σ p log q in float64"),
    "cross_entropy_grad": _only(gradients.cross_entropy_grad, "the label's entry as minus the others"),
    **softmax_derivatives.TABLE,
    **loss_derivatives.TABLE,
    **information_derivatives.TABLE,
    **generalised.TABLE,
    **sparse.TABLE,
    **sampling.TABLE,
    **adaptive.TABLE,
}
