"""The table of functions: everything that can be checked, with its argument contract. One entry per function.

The command line, the listing, the case set, the targets and the documents read this table and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

#: How a result is laid out, the first argument being of shape (…, n).
SHAPES: dict[str, str] = {
    "same": "the shape of the first argument",
    "reduced": "the shape of the first argument without the axis",
    "loss": "the shape of the labels for reduction='none', else 0-d",
    "jacobian": "(…, n, n), the last index for the variable",
    "hessian": "(…, n, n, n), the last two indices for the variables",
    "vocabulary": "(…, V) for V classes in all",
    "wide": "(…, V, h + t): V classes by the h + t logits of head and tail",
    "drawn": "(…, draws), class indices",
}


class Group(StrEnum):
    """Functions that share a purpose."""

    CORE = "core"
    LOSS = "loss"
    INFORMATION = "information"
    DERIVATIVES = "derivatives"
    GENERALISED = "generalised"
    SAMPLING = "sampling"
    LARGE_VOCABULARIES = "large vocabularies"


@dataclass(frozen=True)
class Function:
    """A mathematical function: its call, and how its values are laid out.

    ``shape`` is a key of `SHAPES`; ``derivative_of`` names the function that is differentiated, "" for a function of
    its own.
    """

    name: str
    group: Group
    arguments: tuple[str, ...]
    keywords: tuple[str, ...]
    shape: str
    formula: str
    summary: str
    derivative_of: str = ""


_LOSS_KEYWORDS = ("axis", "weight", "ignore_index", "label_smoothing", "reduction")
_AXIS = ("axis",)
_D, _G = Group.DERIVATIVES, Group.GENERALISED

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
        Function("softmax_jacobian", _D, ("x",), (), "jacobian",
                 "∂p_i/∂x_j = p_i (δ_ij - p_j)", "Jacobian of softmax", "softmax"),
        Function("softmax_jvp", _D, ("x", "v"), _AXIS, "same",
                 "p_i (v_i - Σ_k p_k v_k)", "Jacobian of softmax times a tangent v (forward mode)", "softmax"),
        Function("softmax_vjp", _D, ("x", "g"), _AXIS, "same",
                 "p_i (g_i - Σ_k p_k g_k)", "cotangent g times the Jacobian of softmax (backward)", "softmax"),
        Function("softmax_backward", _D, ("grad_output", "output"), _AXIS, "same",
                 "y_i (g_i - Σ_k y_k g_k)", "backward of softmax from its rounded output y, exact for y as given", "softmax"),
        Function("softmax_hessian", _D, ("x",), (), "hessian",
                 "∂²p_i/∂x_j∂x_k = p_i [(δ_ij - p_j)(δ_ik - p_k) - p_j (δ_jk - p_k)]",
                 "second derivatives of softmax", "softmax"),
        Function("log_softmax_jacobian", _D, ("x",), (), "jacobian",
                 "∂ log p_i/∂x_j = δ_ij - p_j", "Jacobian of log_softmax", "log_softmax"),
        Function("log_softmax_vjp", _D, ("x", "g"), _AXIS, "same",
                 "g_i - p_i Σ_k g_k", "cotangent g times the Jacobian of log_softmax (backward)", "log_softmax"),
        Function("log_softmax_backward", _D, ("grad_output", "output"), _AXIS, "same",
                 "g_i - exp(y_i) Σ_k g_k", "backward of log_softmax from its rounded output y, exact for y as given", "log_softmax"),
        Function("logsumexp_grad", _D, ("x",), _AXIS, "same",
                 "∂L/∂x_i = softmax(x)_i", "gradient of logsumexp", "logsumexp"),
        Function("logsumexp_hessian", _D, ("x",), (), "jacobian",
                 "∂²L/∂x_i∂x_j = p_i (δ_ij - p_j)", "Hessian of logsumexp", "logsumexp"),
        Function("sigmoid_grad", _D, ("x",), (), "same",
                 "σ(x) σ(-x)", "derivative of sigmoid", "sigmoid"),
        Function("log_sigmoid_grad", _D, ("x",), (), "same",
                 "σ(-x)", "derivative of log_sigmoid", "log_sigmoid"),
        Function("cross_entropy_grad", _D, ("logits", "labels"), (), "same",
                 "(softmax(z)_i Σ_k y_k - y_i) / m", "gradient of the mean cross-entropy over m rows", "cross_entropy"),
        Function("cross_entropy_hessian", _D, ("logits", "labels"), (), "jacobian",
                 "(Σ_k y_k) p_i (δ_ij - p_j) / m", "Hessian of the mean cross-entropy, a block for each of m rows",
                 "cross_entropy"),
        Function("nll_loss_grad", _D, ("log_probabilities", "labels"), (), "same",
                 "-y_i / m", "gradient of the mean nll_loss over m rows, by the log-probabilities", "nll_loss"),
        Function("binary_cross_entropy_with_logits_grad", _D, ("x", "y"), (), "same",
                 "σ(x) - y", "derivative of two-class cross-entropy by the logit", "binary_cross_entropy_with_logits"),
        Function("binary_cross_entropy_with_logits_hessian", _D, ("x", "y"), (), "same",
                 "σ(x) σ(-x)", "second derivative of two-class cross-entropy by the logit", "binary_cross_entropy_with_logits"),
        Function("entropy_grad", _D, ("p",), (), "same",
                 "∂H/∂p_i = -log p_i - 1", "gradient of the entropy by the probabilities", "entropy"),
        Function("entropy_hessian", _D, ("p",), (), "jacobian",
                 "∂²H/∂p_i∂p_j = -δ_ij / p_i", "Hessian of the entropy by the probabilities", "entropy"),
        Function("softmax_entropy_grad", _D, ("logits",), _AXIS, "same",
                 "∂H/∂z_i = -p_i (log p_i + H)", "gradient of the entropy of softmax(z) by the logits", "softmax_entropy"),
        Function("softmax_entropy_hessian", _D, ("logits",), (), "jacobian",
                 "p_i p_j (log p_i + log p_j + 2H + 1) - δ_ij p_i (log p_i + H + 1)",
                 "Hessian of the entropy of softmax(z) by the logits", "softmax_entropy"),
        Function("kl_divergence_grad", _D, ("logits", "q"), _AXIS, "same",
                 "∂D/∂z_i = p_i (log p_i - log q_i - D), p = softmax(z)",
                 "gradient of KL(softmax(z) || q) by the logits", "kl_divergence"),
        Function("kl_divergence_hessian", _D, ("logits", "q"), (), "jacobian",
                 "δ_ij p_i (r_i - D + 1) - p_i p_j (r_i + r_j - 2D + 1), r = log p - log q",
                 "Hessian of KL(softmax(z) || q) by the logits", "kl_divergence"),
        Function("distribution_cross_entropy_grad", _D, ("p", "q"), (), "same",
                 "∂/∂q_i = -p_i / q_i", "gradient of -Σ p log q by q", "distribution_cross_entropy"),
        Function("distribution_cross_entropy_hessian", _D, ("p", "q"), (), "jacobian",
                 "δ_ij p_i / q_i²", "Hessian of -Σ p log q by q", "distribution_cross_entropy"),
        Function("generalized_softmax", _G, ("z",), ("phi",), "same",
                 "φ(z_i) / Σ_k φ(z_k)", "softmax with φ > 0, increasing, in place of exp"),
        Function("generalized_softmax_jacobian", _G, ("z",), ("phi",), "jacobian",
                 "φ'(z_j) (δ_ij - p_i) / Σ_k φ(z_k)", "Jacobian of generalized_softmax", "generalized_softmax"),
        Function("generalized_softmax_entropy", _G, ("z",), ("phi",), "reduced",
                 "log Σ_k φ(z_k) - Σ_k p_k log φ(z_k)", "entropy of generalized_softmax, in nats"),
        Function("generalized_softmax_entropy_grad", _G, ("z",), ("phi",), "same",
                 "-(φ'(z_i) / Σ_k φ(z_k)) (log p_i + H)", "gradient of generalized_softmax_entropy", "generalized_softmax_entropy"),
        Function("taylor_softmax", _G, ("z",), ("order",), "same",
                 "f(z_i) / Σ_k f(z_k), f(z) = Σ_m z^m / m!, m = 0 … order (even)", "exp replaced by its Taylor polynomial"),
        Function("taylor_softmax_jacobian", _G, ("z",), ("order",), "jacobian",
                 "f'(z_j) (δ_ij - p_i) / Σ_k f(z_k)", "Jacobian of taylor_softmax", "taylor_softmax"),
        Function("log_taylor_softmax", _G, ("z",), ("order",), "same",
                 "log f(z_i) - log Σ_k f(z_k)", "logarithm of taylor_softmax"),
        Function("log_taylor_softmax_jacobian", _G, ("z",), ("order",), "jacobian",
                 "δ_ij f'(z_j) / f(z_j) - f'(z_j) / Σ_k f(z_k)", "Jacobian of log_taylor_softmax", "log_taylor_softmax"),
        Function("spherical_softmax", _G, ("z",), ("eps",), "same",
                 "(z_i² + ε) / Σ_k (z_k² + ε)", "exp replaced by the square"),
        Function("spherical_softmax_jacobian", _G, ("z",), ("eps",), "jacobian",
                 "2 z_j (δ_ij - p_i) / Σ_k (z_k² + ε)", "Jacobian of spherical_softmax", "spherical_softmax"),
        Function("log_spherical_softmax", _G, ("z",), ("eps",), "same",
                 "log(z_i² + ε) - log Σ_k (z_k² + ε)", "logarithm of spherical_softmax"),
        Function("log_spherical_softmax_jacobian", _G, ("z",), ("eps",), "jacobian",
                 "2 z_j δ_ij / (z_j² + ε) - 2 z_j / Σ_k (z_k² + ε)", "Jacobian of log_spherical_softmax", "log_spherical_softmax"),
        Function("soft_margin_softmax", _G, ("z", "labels"), ("margin",), "same",
                 "softmax(z - μ e_y)", "softmax with a margin μ taken off the label's logit"),
        Function("soft_margin_softmax_jacobian", _G, ("z", "labels"), ("margin",), "jacobian",
                 "p_i (δ_ij - p_j), p = softmax(z - μ e_y)", "Jacobian of soft_margin_softmax", "soft_margin_softmax"),
        Function("sm_taylor_softmax", _G, ("z", "labels"), ("margin", "order"), "same",
                 "taylor_softmax(z - μ e_y)", "taylor_softmax with a margin μ taken off the label's logit"),
        Function("sm_taylor_softmax_jacobian", _G, ("z", "labels"), ("margin", "order"), "jacobian",
                 "f'(t_j) (δ_ij - p_i) / Σ_k f(t_k), t = z - μ e_y", "Jacobian of sm_taylor_softmax", "sm_taylor_softmax"),
        Function("sparsemax", _G, ("z",), _AXIS, "same",
                 "max(z_i - τ, 0) with τ such that they add up to 1", "the nearest point of the simplex"),
        Function("sparsemax_jacobian", _G, ("z",), (), "jacobian",
                 "s_i (δ_ij - s_j / Σ_k s_k), s_i = [p_i > 0]", "Jacobian of sparsemax", "sparsemax"),
        Function("entmax15", _G, ("z",), _AXIS, "same",
                 "max(z_i / 2 - τ, 0)² with τ such that they add up to 1", "1.5-entmax"),
        Function("entmax15_jacobian", _G, ("z",), (), "jacobian",
                 "s_i (δ_ij - s_j / Σ_k s_k), s_i = √p_i", "Jacobian of entmax15", "entmax15"),
        Function("gumbel_softmax", Group.SAMPLING, ("logits", "noise"), ("tau", "hard"), "same",
                 "softmax((z + g) / τ); hard: 1 at its largest entry", "relaxed sample from softmax(z), noise g as given"),
        Function("gumbel_softmax_jacobian", Group.SAMPLING, ("logits", "noise"), ("tau",), "jacobian",
                 "y_i (δ_ij - y_j) / τ, y = softmax((z + g) / τ)", "Jacobian of gumbel_softmax by the logits", "gumbel_softmax"),
        Function("gumbel_max_sample", Group.SAMPLING, ("logits",), ("draws", "seed"), "drawn",
                 "argmax_i (z_i + g_i), g_i = -log(-log u_i)", "class indices drawn from softmax(z)"),
        Function("adaptive_log_softmax", Group.LARGE_VOCABULARIES, ("head", "tail"), ("sizes",), "vocabulary",
                 "log p_i on the shortlist, log p_c + log softmax(tail_c)_i in cluster c, p = softmax(head)",
                 "log-probabilities of all classes from a shortlist and clusters"),
        Function("adaptive_log_softmax_jacobian", Group.LARGE_VOCABULARIES, ("head", "tail"), ("sizes",), "wide",
                 "its derivatives by the logits of head and tail", "Jacobian of adaptive_log_softmax", "adaptive_log_softmax"),
    )
}  # fmt: skip

#: What each keyword is when a case does not give it.
KEYWORD_DEFAULTS: dict[str, object] = {
    "axis": -1,
    "weight": None,
    "ignore_index": -100,
    "label_smoothing": 0.0,
    "reduction": "mean",
    "phi": "exp",
    "order": 2,
    "eps": 2.0**-10,  # a power of two, so that it is the same number in every format
    "margin": 0.5,
    "tau": 1.0,
    "hard": False,
    "draws": 10_000,
    "seed": 0,
    "sizes": (),
}


def match_function(name: str) -> str | None:
    """The function that a callable's name means: the longest function name that it contains, or None.

    ``fused_softmax`` is softmax; ``my_log_softmax``, ``logsoftmax`` and ``LogSoftmax`` are log_softmax.
    """
    plain = name.lower().replace("_", "")
    found = [f for f in FUNCTIONS if f.replace("_", "") in plain]
    return max(found, key=len) if found else None
