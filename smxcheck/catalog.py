"""The table of functions: everything that can be checked, with its argument contract. One entry per function.

The command line, the listing, the case set, the targets and the documents read this table and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """Functions that share an argument contract."""

    CORE = "core"
    LOSS = "loss"
    INFORMATION = "information"
    DERIVATIVES = "derivatives"


@dataclass(frozen=True)
class Function:
    """A mathematical function: its call, and how its values are laid out.

    ``shape`` is "same" (the shape of the first argument), "reduced" (without the axis), or "loss" (the shape of
    the labels for ``reduction="none"``, else 0-d).
    """

    name: str
    group: Group
    arguments: tuple[str, ...]
    keywords: tuple[str, ...]
    shape: str
    formula: str
    summary: str


_LOSS_KEYWORDS = ("axis", "weight", "ignore_index", "label_smoothing", "reduction")

FUNCTIONS: dict[str, Function] = {
    f.name: f
    for f in (
        Function("softmax", Group.CORE, ("x",), ("axis",), "same",
                 "exp(x_i) / Σ_k exp(x_k)", "probabilities from logits"),
        Function("log_softmax", Group.CORE, ("x",), ("axis",), "same",
                 "x_i - log Σ_k exp(x_k)", "logarithm of softmax"),
        Function("logsumexp", Group.CORE, ("x",), ("axis",), "reduced",
                 "log Σ_k exp(x_k)", "logarithm of the sum of exponentials"),
        Function("sigmoid", Group.CORE, ("x",), (), "same",
                 "1 / (1 + exp(-x))", "softmax of (x, 0), first entry"),
        Function("log_sigmoid", Group.CORE, ("x",), (), "same",
                 "-log(1 + exp(-x))", "logarithm of sigmoid"),
        Function("cross_entropy", Group.LOSS, ("logits", "labels"), _LOSS_KEYWORDS, "loss",
                 "-Σ_i y_i log softmax(z)_i", "loss of logits against labels; the mean by default"),
        Function("nll_loss", Group.LOSS, ("log_probabilities", "labels"),
                 tuple(k for k in _LOSS_KEYWORDS if k != "label_smoothing"), "loss",
                 "-Σ_i y_i ℓ_i", "negative log-likelihood of given log-probabilities"),
        Function("binary_cross_entropy_with_logits", Group.LOSS, ("x", "y"), (), "same",
                 "-y log σ(x) - (1 - y) log σ(-x)", "two-class cross-entropy, element by element"),
        Function("entropy", Group.INFORMATION, ("p",), ("axis",), "reduced",
                 "-Σ_i p_i log p_i", "entropy of given probabilities, in nats"),
        Function("softmax_entropy", Group.INFORMATION, ("logits",), ("axis",), "reduced",
                 "log Σ_k exp(z_k) - Σ_i softmax(z)_i z_i", "entropy of softmax(z), in nats"),
        Function("kl_divergence", Group.INFORMATION, ("p", "q"), ("axis",), "reduced",
                 "Σ_i p_i log(p_i / q_i)", "Kullback-Leibler divergence, in nats"),
        Function("distribution_cross_entropy", Group.INFORMATION, ("p", "q"), ("axis",), "reduced",
                 "-Σ_i p_i log q_i", "cross-entropy of two given distributions, in nats"),
        Function("cross_entropy_grad", Group.DERIVATIVES, ("logits", "labels"), (), "same",
                 "(softmax(z)_i Σ_k y_k - y_i) / m", "gradient of the mean cross-entropy over m rows"),
    )
}  # fmt: skip

#: What each keyword is when a case does not give it.
KEYWORD_DEFAULTS: dict[str, object] = {
    "axis": -1,
    "weight": None,
    "ignore_index": -100,
    "label_smoothing": 0.0,
    "reduction": "mean",
}


def match_function(name: str) -> str | None:
    """The function that a callable's name means: the longest function name that it contains, or None.

    ``fused_softmax`` is softmax; ``my_log_softmax``, ``logsoftmax`` and ``LogSoftmax`` are log_softmax.
    """
    plain = name.lower().replace("_", "")
    found = [f for f in FUNCTIONS if f.replace("_", "") in plain]
    return max(found, key=len) if found else None
