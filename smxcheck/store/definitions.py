"""Plain definitions in mpmath, as lines of a script: a second opinion that shares nothing with the reference.

Each line of a definition reads the arguments of the catalog as lists of mpf (one row), and ``i``, ``j`` for the place in
the result; the last one sets ``again``. They are the formulas as a textbook prints them, good at enough digits alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS

Array = npt.NDArray[Any]

_P = "p = [mpmath.exp(t) / sum(map(mpmath.exp, {0})) for t in {0}]"
_LOSS = "again = sum(losses) / {count}"

#: Of one row, or of one element where the function has no axis.
ROWS: dict[str, tuple[str, ...]] = {
    "softmax": ("again = mpmath.exp(x[i]) / sum(map(mpmath.exp, x))",),
    "log_softmax": ("again = x[i] - mpmath.log(sum(map(mpmath.exp, x)))",),
    "logsumexp": ("again = mpmath.log(sum(map(mpmath.exp, x)))",),
    "logsumexp_grad": ("again = mpmath.exp(x[i]) / sum(map(mpmath.exp, x))",),
    "sigmoid": ("again = 1 / (1 + mpmath.exp(-x))",),
    "log_sigmoid": ("again = -mpmath.log(1 + mpmath.exp(-x))",),
    "sigmoid_grad": ("again = 1 / (1 + mpmath.exp(-x)) / (1 + mpmath.exp(x))",),
    "log_sigmoid_grad": ("again = 1 / (1 + mpmath.exp(x))",),
    "binary_cross_entropy_with_logits": ("again = y * mpmath.log(1 + mpmath.exp(-x)) + (1 - y) * mpmath.log(1 + mpmath.exp(x))",),
    "entropy": ("again = -sum(t * mpmath.log(t) for t in p if t)",),
    "kl_divergence": ("again = sum(s * mpmath.log(s / t) for s, t in zip(p, q) if s)",),
    "distribution_cross_entropy": ("again = -sum(s * mpmath.log(t) for s, t in zip(p, q) if s)",),
    "softmax_entropy": (_P.format("logits"), "again = -sum(t * mpmath.log(t) for t in p if t)"),
    "softmax_vjp": (_P.format("x"), "again = p[i] * (g[i] - sum(s * t for s, t in zip(p, g)))"),
    "softmax_jvp": (_P.format("x"), "again = p[i] * (v[i] - sum(s * t for s, t in zip(p, v)))"),
    "log_softmax_vjp": (_P.format("x"), "again = g[i] - p[i] * sum(g)"),
    "softmax_backward": ("again = output[i] * (grad_output[i] - sum(s * t for s, t in zip(output, grad_output)))",),
    "log_softmax_backward": ("again = grad_output[i] - mpmath.exp(output[i]) * sum(grad_output)",),
    "softmax_jacobian": (_P.format("x"), "again = p[i] * ((i == j) - p[j])"),
    "log_softmax_jacobian": (_P.format("x"), "again = (i == j) - p[j]"),
    "logsumexp_hessian": (_P.format("x"), "again = p[i] * ((i == j) - p[j])"),
}
#: Of the loss of all rows, with class numbers as labels.
LOSSES: dict[str, str] = {
    "cross_entropy": "losses = [mpmath.log(sum(map(mpmath.exp, z))) - z[y] for z, y in zip(logits, labels) if y != {ignored}]",
    "nll_loss": "losses = [-z[y] for z, y in zip(log_probabilities, labels) if y != {ignored}]",
}
#: More digits than this are not worth the wait.
_MOST_DIGITS = 20_000


def definition(
    function: str, arguments: Mapping[str, Array], keywords: Mapping[str, Any], index: tuple[int, ...]
) -> list[str]:
    """Lines that set ``again`` to the value at ``index``, and the digits to work with; none where there is no plain
    definition of such a call here, or it would take too many digits. The arguments are arrays under their names."""
    digits = _digits(arguments)
    if digits > _MOST_DIGITS:
        return []
    head = [f"mpmath.mp.dps = {digits}"]
    if function in LOSSES:
        lines = _loss(function, arguments, keywords, index)
    elif function in ROWS:
        lines = _row(function, arguments, keywords, index)
    else:
        lines = []
    return head + lines if lines else []


def _digits(arguments: Mapping[str, Array]) -> int:
    """60 beside those that 1 + exp(-spread) takes: a plain definition loses them."""
    spread = 0.0
    for values in arguments.values():
        wide = np.abs(values.astype(np.float64))
        spread = max(spread, float(np.max(wide, where=np.isfinite(wide), initial=0.0)))
    return 60 + math.ceil(2 * spread / math.log(10))


def _row(function: str, arguments: Mapping[str, Array], keywords: Mapping[str, Any], index: tuple[int, ...]) -> list[str]:
    shape = next(iter(arguments.values())).shape
    if "axis" not in FUNCTIONS[function].keywords and FUNCTIONS[function].shape == "same":
        at = f"[{', '.join(map(str, index))}]" if index else ""
        return [*(f"{name} = mpmath.mpf(float({name}{at}))" for name in arguments), *ROWS[function]]
    axis = keywords.get("axis", -1)
    if not isinstance(axis, int) or not shape:
        return []
    axis %= len(shape)
    places: Sequence[int]
    match FUNCTIONS[function].shape:
        case "same":
            outer, places = (*index[:axis], *index[axis + 1 :]), (index[axis],)
        case "reduced":
            outer, places = index, ()
        case _:
            outer, places = index[:-2], index[-2:]
    at = ", ".join([*map(str, outer[:axis]), ":", *map(str, outer[axis:])])
    lines = [f"{name} = [mpmath.mpf(float(t)) for t in {name}[{at}]]" for name in arguments]
    return [*lines, *(f"{name} = {place}" for name, place in zip("ij", places, strict=False)), *ROWS[function]]


def _loss(function: str, arguments: Mapping[str, Array], keywords: Mapping[str, Any], index: tuple[int, ...]) -> list[str]:
    """Of logits (m, n) and class numbers, without weights and smoothing."""
    logits, labels = arguments.values()
    reduction = keywords.get("reduction", KEYWORD_DEFAULTS["reduction"])
    plain = keywords.get("weight") is None and not keywords.get("label_smoothing") and reduction in ("mean", "sum")
    if not plain or index or logits.ndim != 2 or labels.dtype.kind not in "iu" or keywords.get("axis", -1) not in (1, -1):
        return []
    first = next(iter(arguments))
    return [
        f"{first} = [[mpmath.mpf(float(t)) for t in z] for z in {first}]",
        LOSSES[function].format(ignored=keywords.get("ignore_index", KEYWORD_DEFAULTS["ignore_index"])),
        _LOSS.format(count="len(losses)" if reduction == "mean" else 1),
    ]
