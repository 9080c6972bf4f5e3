"""The functions φ that take the place of exp: φ(t_i) and φ'(t_i) of a row as balls, up to one common factor.

=========== ============================ ======================== ==========================================
name        φ(t)                         condition                numbers
=========== ============================ ======================== ==========================================
exp         e^t                                                   powers of e
softplus    log(1 + e^t)                                          logarithms
taylor-n    Σ_m t^m / m!, m = 0 … n      n even: then φ > 0       rational
power-k     t^k                          t > 0                    rational
=========== ============================ ======================== ==========================================

t² + ε of the spherical softmax is rational too. Rational weights are dyadic numbers, since floats are: their sums are
formed without any rounding, and what is 0 is known to be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import factorial

from mpmath import libmp

from smxref.arithmetic import Raw
from smxref.coprime import sum_of_logarithms_is_zero
from smxref.exponentials import Exponentials
from smxref.real import Real, Unbounded, exact_difference, exact_sum, total


class Weights:
    """w_i = φ(t_i) and φ'(t_i) of a row, both times one positive constant, which cancels in every answer."""

    def __init__(self, t: Sequence[Raw], weight: Sequence[Real], slope: Sequence[Real], bits: int) -> None:
        self.t, self.weight, self.slope, self.bits = tuple(t), tuple(weight), tuple(slope), bits

    @property
    def n(self) -> int:
        return len(self.weight)

    @cached_property
    def total(self) -> Real:
        """W = Σ_k w_k."""
        return total(self.weight, self.bits)

    def others(self, i: int) -> Real:
        """W - w_i as the sum of the other weights: exactly 0 only where there are none, or all are 0."""
        return total((w for k, w in enumerate(self.weight) if k != i), self.bits)

    def share(self, i: int, values: Sequence[Real]) -> Real:
        """values_i / W, 0 where the value is 0."""
        return values[i] / self.total

    def log_share(self, i: int) -> Real:
        """log p_i = -log(1 + (W - w_i)/w_i), exactly 0 where the others are; w_i is not 0.

        A weight below its others has log(w_i / W), which forms no sum of numbers of very different size.
        """
        weight, others = self.weight[i], self.others(i)
        if libmp.mpf_gt(others.value, weight.value):
            return (weight / self.total).log()
        return -(others / weight).log1p()

    def centred_log(self, i: int) -> Real:
        """Σ_k w_k log(w_i / w_k) = W (log p_i + H); weights are positive. Equal entries add exactly 0.

        No other zero of it is known for softplus: were there one, the answer would be a tiny ball around 0.
        """
        mine = self.weight[i]
        apart = [w for w, v in zip(self.weight, self.t, strict=True) if v != self.t[i]]
        return total((w * (mine / w).log() for w in apart), self.bits)


class Rational(Weights):
    """Weights that are dyadic numbers, given without error."""

    def __init__(self, weight: Sequence[Raw], slope: Sequence[Raw], bits: int) -> None:
        # A row is told apart by its weights: different numbers may have the same one.
        super().__init__(weight, [Real.of(w, bits) for w in weight], [Real.of(s, bits) for s in slope], bits)
        self._exact_total = exact_sum(weight)

    @cached_property
    def total(self) -> Real:
        return Real.of(self._exact_total, self.bits)

    def others(self, i: int) -> Real:
        return Real.of(exact_difference(self._exact_total, self.weight[i].value), self.bits)

    def centred_log(self, i: int) -> Real:
        """The ball decides unless it holds 0; then unique factorisation does (`smxref.coprime`)."""
        ball = super().centred_log(i)
        try:
            zero = ball.sign == 0
        except Unbounded:
            zero = sum_of_logarithms_is_zero([w.value for w in self.weight], i)
        return Real.of(libmp.fzero, self.bits) if zero else ball


class PowersOfE(Weights):
    """φ = exp. Sums of powers of e with known coefficients are 0 where `Exponentials` finds them to be."""

    def __init__(self, t: Sequence[Raw], bits: int) -> None:
        self.row = Exponentials.of(t, None, bits)
        super().__init__(t, self.row.weights, self.row.weights, bits)

    def others(self, i: int) -> Real:
        return self.row.without({i: 1})

    def centred_log(self, i: int) -> Real:
        """Σ_k w_k (t_i - t_k)."""
        return self.row.linear([exact_difference(self.t[i], v) for v in self.t])


def weights(t: Sequence[Raw], phi: str, bits: int) -> Weights:
    """The weights of a row of finite numbers.

    Raises ValueError for a φ that is not known, of odd Taylor order, or a power of a number that is not positive.
    """
    if phi == "exp":
        return PowersOfE(t, bits)
    if phi == "softplus":
        return softplus(t, bits)
    kind, _, number = phi.partition("-")
    if kind in _POLYNOMIALS and number.isdecimal():
        return _POLYNOMIALS[kind](t, int(number), bits)
    raise ValueError(f"phi is exp, softplus, taylor-n (n even) or power-k, not {phi!r}")


def softplus(t: Sequence[Raw], bits: int) -> Weights:
    """log(1 + e^t) as max(t, 0) + log1p(e^-|t|), and its derivative 1 / (1 + e^-t)."""
    one = Real.of(libmp.fone, bits)
    weight, slope = [], []
    for v in t:
        positive = Real.of(v, bits) if not v[0] else Real.of(libmp.fzero, bits)
        small = Real.of(libmp.mpf_neg(libmp.mpf_abs(v)), bits).exp()
        weight.append(positive + small.log1p())
        slope.append((one if not v[0] else small) / (one + small))
    return Weights(t, weight, slope, bits)


def taylor(t: Sequence[Raw], order: int, bits: int) -> Rational:
    """f(t) = Σ_m t^m / m! times n!, which makes every coefficient an integer; f' is the same of order n - 1."""
    if order < 2 or order % 2:
        raise ValueError(f"the order must be even and at least 2, or f has a zero: {order}")
    coefficients = [factorial(order) // factorial(m) for m in range(order + 1)]
    slopes = [m * c for m, c in enumerate(coefficients)][1:]
    return Rational([_polynomial(coefficients, v) for v in t], [_polynomial(slopes, v) for v in t], bits)


def power(t: Sequence[Raw], exponent: int, bits: int) -> Rational:
    """t^k and k·t^(k-1)."""
    if exponent < 1 or any(v[0] or not v[1] for v in t):
        raise ValueError("power-k needs k of at least 1 and numbers above 0")
    lower = [0] * (exponent - 1)
    return Rational([_polynomial([*lower, 0, 1], v) for v in t], [_polynomial([*lower, exponent], v) for v in t], bits)


def sphere(t: Sequence[Raw], eps: Raw, bits: int) -> Rational:
    """t² + ε and 2·t. Raises ValueError for ε < 0, and where every weight is 0."""
    if eps[0]:
        raise ValueError("eps must be at least 0")
    squares = [libmp.mpf_add(libmp.mpf_mul(v, v), eps) for v in t]
    if not any(w[1] for w in squares):
        raise ValueError("no limit: every weight is 0, and 0/0 is no number")
    return Rational(squares, [libmp.mpf_shift(v, 1) for v in t], bits)


_POLYNOMIALS: dict[str, Callable[[Sequence[Raw], int, int], Rational]] = {"taylor": taylor, "power": power}


def _polynomial(coefficients: Sequence[int], v: Raw) -> Raw:
    """Σ_m c_m v^m without any rounding; c_0 first."""
    out: Raw = libmp.fzero
    for c in reversed(coefficients):
        out = libmp.mpf_add(libmp.mpf_mul(out, v), libmp.from_int(c))
    return out
