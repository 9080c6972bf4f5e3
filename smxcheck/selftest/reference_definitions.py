"""Every function of the catalog from its definition, for intervals of mpmath: a second formula for each value of smxref.

Forward functions are written as the catalog's formula reads, without a shift, a log1p or any rearrangement. Derivatives are
those of the forward definitions by the chain rule (`reference_jets`), so that no derivative is written down twice. Only
the two backward passes, which take a rounded output as it is given, are no derivative of anything and stand as formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import factorial
from typing import Any

from smxcheck.selftest.reference_jets import Jet, along, exp, jet, log, seeded, sqrt, total

Row = list[Jet]
#: One row's values (a single one in a list) from one row of each argument; labels are an int or a row of weights.
Forward = Callable[..., Row]

# ---- forward


def softmax(x: Row) -> Row:
    w = [exp(v) for v in x]
    s = total(w)
    return [v / s for v in w]


def log_softmax(x: Row) -> Row:
    log_sum = log(total(exp(v) for v in x))
    return [v - log_sum for v in x]


def logsumexp(x: Row) -> Row:
    return [log(total(exp(v) for v in x))]


def _sigmoid(x: Jet) -> Jet:
    return 1 / (1 + exp(-x))


def sigmoid(x: Row) -> Row:
    return [_sigmoid(v) for v in x]


def log_sigmoid(x: Row) -> Row:
    return [-log(1 + exp(-v)) for v in x]


def two_class(x: Row, y: Row) -> Row:
    return [-(t * log(_sigmoid(v))) - (1 - t) * log(_sigmoid(-v)) for v, t in zip(x, y, strict=True)]


def is_zero(x: Jet) -> bool:
    return bool(x.a == 0)


def entropy(p: Row) -> Row:
    """-Σ p log p, a term of p = 0 being 0."""
    return [-total(v * log(v) for v in p if not is_zero(v))]


def kl_divergence(p: Row, q: Row) -> Row:
    return [total(a * log(a / b) for a, b in zip(p, q, strict=True) if not is_zero(a))]


def distribution_cross_entropy(p: Row, q: Row) -> Row:
    return [-total(a * log(b) for a, b in zip(p, q, strict=True) if not is_zero(a))]


def _phi(name: str, t: Jet) -> Jet:
    if name == "exp":
        return exp(t)
    if name == "softplus":
        return log(1 + exp(t))
    kind, _, number = name.partition("-")
    return _power(t, int(number)) if kind == "power" else taylor_polynomial(t, int(number))


def _power(t: Jet, k: int) -> Jet:
    out = jet(1)
    for _ in range(k):
        out = out * t
    return out


def taylor_polynomial(t: Jet, order: int) -> Jet:
    return total(_power(t, m) / factorial(m) for m in range(order + 1))


def _shares(w: Row) -> Row:
    s = total(w)
    return [v / s for v in w]


def generalized_softmax(z: Row, *, phi: str) -> Row:
    return _shares([_phi(phi, v) for v in z])


def generalized_softmax_entropy(z: Row, *, phi: str) -> Row:
    return entropy(generalized_softmax(z, phi=phi))


def taylor_softmax(z: Row, *, order: int) -> Row:
    return _shares([taylor_polynomial(v, order) for v in z])


def log_taylor_softmax(z: Row, *, order: int) -> Row:
    return [log(p) for p in taylor_softmax(z, order=order)]


def spherical_softmax(z: Row, *, eps: float) -> Row:
    return _shares([v * v + jet(eps) for v in z])


def log_spherical_softmax(z: Row, *, eps: float) -> Row:
    return [log(p) for p in spherical_softmax(z, eps=eps)]


def _less_margin(z: Row, label: int, margin: float) -> Row:
    return [v - jet(margin) if k == label else v for k, v in enumerate(z)]


def soft_margin_softmax(z: Row, label: int, *, margin: float) -> Row:
    return softmax(_less_margin(z, label, margin))


def sm_taylor_softmax(z: Row, label: int, *, margin: float, order: int) -> Row:
    return taylor_softmax(_less_margin(z, label, margin), order=order)


def rational(x: Jet) -> Fraction:
    """The number that a point interval is."""
    sign, mantissa, exponent, _ = x.a._mpi_[0]
    return Fraction(-int(mantissa) if sign else int(mantissa)) * Fraction(2) ** int(exponent)


def _support(t: Sequence[Fraction], inside: Callable[[Sequence[Fraction], Fraction], bool]) -> list[int]:
    """The places of the largest entries that lie above their own threshold while no other does: the first that fit."""
    order = sorted(range(len(t)), key=lambda i: -t[i])
    for k in range(1, len(t) + 1):
        chosen = [t[i] for i in order[:k]]
        if inside(chosen, chosen[-1]) and not any(inside(chosen, t[i]) for i in order[k:]):
            return order[:k]
    raise ValueError("no support fulfils the conditions")


def sparsemax(z: Row) -> Row:
    """z_i - τ over the support S, τ = (Σ_S z - 1)/|S|; S is found in rational arithmetic."""
    support = _support([rational(v) for v in z], lambda s, v: v > (sum(s) - 1) / len(s))
    tau = (total(z[i] for i in support) - 1) / len(support)
    return [z[i] - tau if i in support else jet(0) for i in range(len(z))]


def _above_entmax(s: Sequence[Fraction], v: Fraction) -> bool:
    """v > τ = mean - √((1 - Σ(s - mean)²)/k), decided without the root."""
    mean = sum(s) / Fraction(len(s))
    square = (1 - sum((w - mean) ** 2 for w in s)) / len(s)
    return square >= 0 and (v > mean or (mean - v) ** 2 < square)


def entmax15(z: Row) -> Row:
    """(z_i/2 - τ)² over the support, where Σ_S (z/2 - τ)² = 1 is a quadratic equation for τ."""
    t = [v / 2 for v in z]
    support = _support([rational(v) / 2 for v in z], _above_entmax)
    mean = total(t[i] for i in support) / len(support)
    spread = total((t[i] - mean) * (t[i] - mean) for i in support)
    tau = mean - sqrt((1 - spread) / len(support))
    return [(t[i] - tau) * (t[i] - tau) if i in support else jet(0) for i in range(len(z))]


def gumbel_softmax(z: Row, noise: Row, *, tau: float = 1.0, hard: bool = False) -> Row:
    if hard:
        sums = [rational(v) + rational(g) for v, g in zip(z, noise, strict=True)]
        return [jet(int(s == max(sums))) for s in sums]
    return softmax([(v + g) / jet(tau) for v, g in zip(z, noise, strict=True)])


def adaptive_log_softmax(head: Row, tail: Row, *, sizes: Sequence[int]) -> Row:
    first, start = log_softmax(head), 0
    short = len(head) - len(sizes)
    out = first[:short]
    for cluster, size in enumerate(sizes):
        out += [first[short + cluster] + v for v in log_softmax(tail[start : start + size])]
        start += size
    return out


# ---- backward passes of a rounded output, exact for the output as given


def softmax_backward(g: Row, y: Row) -> Row:
    mean = total(a * b for a, b in zip(g, y, strict=True))
    return [b * (a - mean) for a, b in zip(g, y, strict=True)]


def log_softmax_backward(g: Row, y: Row) -> Row:
    s = total(g)
    return [a - exp(b) * s for a, b in zip(g, y, strict=True)]


# ---- derivatives of one row


@dataclass(frozen=True)
class Definition:
    """How a row of the function's values follows from rows of its arguments.

    ``call`` is the forward function. ``order`` 0, 1 or 2 says how often it is differentiated, ``by`` which arguments hold
    the variables, one row after another. A ``tangent`` or ``cotangent`` is the last argument, and no argument of ``call``.
    ``entrywise``: an entry of the answer depends on its own entry of the arguments alone, and only that is
    differentiated. ``batch``: the forward is a mean over the rows of the call, so that a derivative is divided by them.
    """

    call: Forward
    order: int = 0
    by: tuple[int, ...] = (0,)
    tangent: bool = False
    cotangent: bool = False
    entrywise: bool = False
    batch: bool = False

    def row(self, columns: Sequence[Any], keywords: Mapping[str, Any], rows: int) -> Row:
        """Values, or derivatives in C order (i, then the variables)."""
        if self.order == 0:
            return self.call(*columns, **keywords)
        if self.entrywise:
            return self._of_entries(columns, keywords)
        if self.tangent:
            x, v = columns
            return [Jet(_part(y.b)) for y in self.call(along(x, v), **keywords)]
        found = self._derivatives(columns, keywords)
        return [v / rows for v in found] if self.batch else found

    def _of_entries(self, columns: Sequence[Any], keywords: Mapping[str, Any]) -> Row:
        out: Row = []
        for entry in zip(*columns, strict=True):
            given = [seeded([v], 0, 0 if self.order == 2 else None) if k in self.by else [v] for k, v in enumerate(entry)]
            (y,) = self.call(*given, **keywords)
            out.append(Jet(_part(y.d if self.order == 2 else y.b)))
        return out

    def _derivatives(self, columns: Sequence[Any], keywords: Mapping[str, Any]) -> Row:
        variables = [v for k in self.by for v in columns[k]]
        n = len(variables)
        if self.order == 2:
            found = {
                (j, k): [y.d for y in self._at(seeded(variables, j, k), columns, keywords)] for j in range(n) for k in range(j, n)
            }
            count = len(found[0, 0])
            return [Jet(_part(found[min(j, k), max(j, k)][i])) for i in range(count) for j in range(n) for k in range(n)]
        slopes = [[y.b for y in self._at(seeded(variables, j), columns, keywords)] for j in range(n)]
        return [Jet(_part(slopes[j][i])) for i in range(len(slopes[0])) for j in range(n)]

    def _at(self, variables: Row, columns: Sequence[Any], keywords: Mapping[str, Any]) -> Row:
        """The forward function at these variables; with a cotangent g, the one number Σ g·y."""
        given, start = list(columns), 0
        for k in self.by:
            given[k] = variables[start : start + len(columns[k])]
            start += len(columns[k])
        if not self.cotangent:
            return self.call(*given, **keywords)
        *arguments, g = given
        return [total(a * b for a, b in zip(g, self.call(*arguments, **keywords), strict=True))]


def _part(part: Any) -> Any:
    return jet(0).a if part is None else part
