"""The functions in ball arithmetic (Arb, through python-flint), as they are defined: nothing of smxref, nothing of the
certified tiers.

Every operation rounds outwards, so a ball holds the exact value whatever the precision in force; where a formula loses
digits the ball is wide, and more precision makes it narrow. Two things are written so that this costs bits and not
billions of them: a row is seen from its largest entry (exp of a large number overflows), and what is exactly 0 between
equal entries is subtracted before it meets their exponential (the other order never gives an exact 0).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flint import arb

Row = Sequence[Any]  # of arb


@dataclass(frozen=True)
class Formula:
    """How one function is computed, and from what.

    ======== ================================== ======================================
    kind     ``compute``                         an element of the result reads
    ======== ================================== ======================================
    entries  (entry of each argument)            its own entry
    rows     (places, row of each argument)      its row; gives one ball for each place
    row      (row of each argument)              the row that is reduced
    matrix   (places, row of each argument)      its row; places are pairs (i, j)
    batch    (places, logits, y, m)              its row of logits and labels, of m rows
    loss     (rows of losses, y, keywords)       all rows, or its own without reduction
    ======== ================================== ======================================
    """

    kind: Literal["entries", "rows", "row", "matrix", "batch", "loss"]
    compute: Callable[..., Any]


def total(terms: Iterable[Any]) -> Any:
    return sum(terms, arb(0))


@dataclass(frozen=True)
class _Weights:
    """w_k = exp(x_k - a), a = max x, and what a softmax is made of."""

    w: Row
    largest: Any
    top: int

    @property
    def rest(self) -> Any:
        """Σ w_k without one largest entry, whose weight is 1."""
        return total(w for k, w in enumerate(self.w) if k != self.top)

    @property
    def sum(self) -> Any:
        return 1 + self.rest


def _weights(x: Row) -> _Weights:
    top = max(range(len(x)), key=lambda k: float(x[k]))
    return _Weights([_exp(v, x[top]) for v in x], x[top], top)


def _exp(v: Any, shift: Any) -> Any:
    return (v - shift).exp() if v.is_finite() else arb(0)


def softmax(places: Sequence[int], x: Row) -> list[Any]:
    of = _weights(x)
    whole = of.sum
    return [of.w[i] / whole for i in places]


def log_softmax(places: Sequence[int], x: Row) -> list[Any]:
    of = _weights(x)
    log_sum = of.rest.log1p()
    return [(x[i] - of.largest) - log_sum for i in places]


def logsumexp(x: Row) -> Any:
    of = _weights(x)
    return of.largest + of.rest.log1p()


def softmax_product(places: Sequence[int], x: Row, v: Row) -> list[Any]:
    """p_i Σ_k p_k (v_i - v_k): vjp and jvp, the Jacobian being symmetric."""
    of = _weights(x)
    whole, ties = of.sum, list(_ties(x).values())
    return [
        of.w[i] * total(of.w[same[0]] * total(v[i] - v[k] for k in same) for same in ties) / whole**2
        for i in places
    ]


def _ties(x: Row) -> dict[float, list[int]]:
    """The places of every distinct entry."""
    found: dict[float, list[int]] = {}
    for k, v in enumerate(x):
        found.setdefault(float(v), []).append(k)
    return found


def log_softmax_vjp(places: Sequence[int], x: Row, g: Row) -> list[Any]:
    """g_i - p_i Σ g = Σ_k (w_k g_i - w_i g_k) / S, where w_k = w_i for equal entries; g_i at an absent one."""
    of = _weights(x)
    whole, ties = of.sum, _ties(x)

    def entry(i: int) -> Any:
        same = ties[float(x[i])]
        others = total(len(k) * of.w[k[0]] for k in ties.values() if k is not same)
        return (others * g[i] - of.w[i] * (total(g) - len(same) * g[i])) / whole

    return [entry(i) if x[i].is_finite() else g[i] for i in places]


def softmax_backward(places: Sequence[int], g: Row, y: Row) -> list[Any]:
    mean = total(a * b for a, b in zip(y, g, strict=True))
    return [y[i] * (g[i] - mean) for i in places]


def log_softmax_backward(places: Sequence[int], g: Row, y: Row) -> list[Any]:
    whole = total(g)
    return [g[i] - _exp(y[i], 0) * whole for i in places]


def softmax_entropy(z: Row) -> Any:
    """log S + Σ w_k (a - z_k) / S."""
    of = _weights(z)
    spread = total(w * (of.largest - v) for w, v in zip(of.w, z, strict=True) if v.is_finite())
    return of.rest.log1p() + spread / of.sum


def softmax_entropy_grad(places: Sequence[int], z: Row) -> list[Any]:
    """-p_i (log p_i + H) = p_i Σ_k p_k (z_k - z_i); 0 at an absent entry."""
    of = _weights(z)
    whole, there = of.sum, [k for k in range(len(z)) if z[k].is_finite()]
    return [
        of.w[i] * total(of.w[k] * (z[k] - z[i]) for k in there) / whole**2 if z[i].is_finite() else arb(0)
        for i in places
    ]


def kl_divergence_grad(places: Sequence[int], z: Row, q: Row) -> list[Any]:
    """p_i Σ_k p_k (r_i - r_k), r_i - r_k = (z_i - z_k) - log(q_i / q_k); 0 at an absent entry."""
    of = _weights(z)
    whole, there = of.sum, [k for k in range(len(z)) if z[k].is_finite()]

    def against(i: int, k: int) -> Any:
        return of.w[k] * ((z[i] - z[k]) - (q[i] / q[k]).log())

    return [
        of.w[i] * total(against(i, k) for k in there) / whole**2 if z[i].is_finite() else arb(0)
        for i in places
    ]


def entropy(p: Row) -> Any:
    return -total(v * v.log() for v in p if v != 0)


def kl_divergence(p: Row, q: Row) -> Any:
    return total(a * (a / b).log() for a, b in zip(p, q, strict=True) if a != 0)


def distribution_cross_entropy(p: Row, q: Row) -> Any:
    return -total(a * b.log() for a, b in zip(p, q, strict=True) if a != 0)


def _far(x: Any) -> Any:
    """exp(-|x|)."""
    return (-abs(x)).exp()


def sigmoid(x: Any) -> Any:
    return (1 if x >= 0 else _far(x)) / (1 + _far(x))


def log_sigmoid(x: Any) -> Any:
    return -_softplus(-x)


def _softplus(x: Any) -> Any:
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    return (x if x > 0 else 0) + _far(x).log1p()


def sigmoid_grad(x: Any) -> Any:
    return _far(x) / (1 + _far(x)) ** 2


def binary_cross_entropy(x: Any, y: Any) -> Any:
    return y * _softplus(-x) + (1 - y) * _softplus(x)


def binary_cross_entropy_grad(x: Any, y: Any) -> Any:
    """σ(x) - y over the common denominator 1 + exp(-|x|)."""
    w = _far(x)
    return ((1 - y) - y * w if x >= 0 else (1 - y) * w - y) / (1 + w)


def softmax_jacobian(places: Sequence[tuple[int, int]], x: Row) -> list[Any]:
    """-p_i p_j, and p_i Σ_{k≠i} p_k on the diagonal."""
    of = _weights(x)
    whole = of.sum
    return [of.w[i] * _but(of.w, i, j) / whole**2 for i, j in places]


def log_softmax_jacobian(places: Sequence[tuple[int, int]], x: Row) -> list[Any]:
    """δ_ij - p_j; the identity at an absent entry."""
    of = _weights(x)
    whole = of.sum
    return [_but(of.w, i, j) / whole if x[j].is_finite() else arb(int(i == j)) for i, j in places]


def _but(w: Row, i: int, j: int) -> Any:
    """S (δ_ij - p_j) without a cancellation."""
    return total(v for k, v in enumerate(w) if k != i) if i == j else -w[j]


def _diagonal(entry: Callable[..., Any]) -> Callable[..., list[Any]]:
    """A matrix of its diagonal alone."""

    def compute(places: Sequence[tuple[int, int]], *columns: Row) -> list[Any]:
        return [entry(*(c[i] for c in columns)) if i == j else arb(0) for i, j in places]

    return compute


def cross_entropy_grad(places: Sequence[int], z: Row, y: Row, m: int) -> list[Any]:
    """(p_i Σ y - y_i) / m."""
    return [-v / m for v in log_softmax_vjp(places, z, y)]


def nll_loss_grad(places: Sequence[int], z: Row, y: Row, m: int) -> list[Any]:
    return [-y[i] / m for i in places]


def reduced_loss(
    rows: Sequence[Row], labels: Sequence[Any], keywords: Mapping[str, Any], *, of_logits: bool
) -> Any:
    """Σ over rows of Σ_c w_c ((1 - ε) y_c + ε/K) ℓ_c, ℓ = -log p; divided for reduction="mean".

    A label is an int or a row of weights; the mean divides by Σ w_label over the rows that count, by m for soft labels.
    """
    loss, divisor = arb(0), arb(0)
    smoothing = arb(keywords.get("label_smoothing", 0.0))
    for row, label in zip(rows, labels, strict=True):
        if isinstance(label, int) and label == keywords.get("ignore_index", -100):
            continue
        classes = len(row)
        weight = (
            [arb(1)] * classes
            if keywords.get("weight") is None
            else [arb(float(w)) for w in keywords["weight"]]
        )
        y = [arb(int(c == label)) for c in range(classes)] if isinstance(label, int) else label
        share = [w * ((1 - smoothing) * v + smoothing / classes) for w, v in zip(weight, y, strict=True)]
        counted = [c for c in range(classes) if share[c] != 0]
        if of_logits:
            of = _weights(row)
            log_sum = of.rest.log1p()
            loss += total(share[c] * (log_sum + (of.largest - row[c])) for c in counted)
        else:
            loss -= total(share[c] * row[c] for c in counted)
        divisor += weight[label] if isinstance(label, int) else 1
    return loss / divisor if keywords.get("reduction", "mean") == "mean" else loss


def cross_entropy(rows: Sequence[Row], labels: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    return reduced_loss(rows, labels, keywords, of_logits=True)


def nll_loss(rows: Sequence[Row], labels: Sequence[Any], keywords: Mapping[str, Any]) -> Any:
    return reduced_loss(rows, labels, keywords, of_logits=False)


TABLE: dict[str, Formula] = {
    "softmax": Formula("rows", softmax),
    "log_softmax": Formula("rows", log_softmax),
    "logsumexp": Formula("row", logsumexp),
    "sigmoid": Formula("entries", sigmoid),
    "log_sigmoid": Formula("entries", log_sigmoid),
    "cross_entropy": Formula("loss", cross_entropy),
    "nll_loss": Formula("loss", nll_loss),
    "binary_cross_entropy_with_logits": Formula("entries", binary_cross_entropy),
    "entropy": Formula("row", entropy),
    "softmax_entropy": Formula("row", softmax_entropy),
    "kl_divergence": Formula("row", kl_divergence),
    "distribution_cross_entropy": Formula("row", distribution_cross_entropy),
    "softmax_jacobian": Formula("matrix", softmax_jacobian),
    "softmax_jvp": Formula("rows", softmax_product),
    "softmax_vjp": Formula("rows", softmax_product),
    "softmax_backward": Formula("rows", softmax_backward),
    "log_softmax_jacobian": Formula("matrix", log_softmax_jacobian),
    "log_softmax_vjp": Formula("rows", log_softmax_vjp),
    "log_softmax_backward": Formula("rows", log_softmax_backward),
    "logsumexp_grad": Formula("rows", softmax),
    "logsumexp_hessian": Formula("matrix", softmax_jacobian),
    "sigmoid_grad": Formula("entries", sigmoid_grad),
    "log_sigmoid_grad": Formula("entries", lambda x: sigmoid(-x)),
    "cross_entropy_grad": Formula("batch", cross_entropy_grad),
    "nll_loss_grad": Formula("batch", nll_loss_grad),
    "binary_cross_entropy_with_logits_grad": Formula("entries", binary_cross_entropy_grad),
    "binary_cross_entropy_with_logits_hessian": Formula("entries", lambda x, y: sigmoid_grad(x)),
    "entropy_grad": Formula("entries", lambda p: -p.log() - 1),
    "entropy_hessian": Formula("matrix", _diagonal(lambda p: -1 / p)),
    "softmax_entropy_grad": Formula("rows", softmax_entropy_grad),
    "kl_divergence_grad": Formula("rows", kl_divergence_grad),
    "distribution_cross_entropy_grad": Formula("entries", lambda p, q: -p / q),
    "distribution_cross_entropy_hessian": Formula("matrix", _diagonal(lambda p, q: p / q**2)),
}
