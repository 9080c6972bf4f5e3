"""Gumbel-softmax with its noise given, its Jacobian, and the probabilities that Gumbel-max draws from.

y = softmax((z + g) / τ) (Jang, Gu & Poole, ICLR 2017; Maddison, Mnih & Teh, ICLR 2017). z + g is formed without rounding,
and so is every difference D of two such sums; exp(-D/τ) is then the exponential of a rational number, so that the
sums of `Exponentials` keep their exact zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mpmath import libmp

from smxref.arithmetic import Raw, exact
from smxref.ball import Ball
from smxref.core import softmax
from smxref.exponentials import Exponentials
from smxref.real import Real, zero


@dataclass(frozen=True)
class _Tempered(Exponentials):
    """w_i = exp(-(max a - a_i) / τ) for a = z + g."""

    tau: Raw = libmp.fone

    @cached_property
    def weights(self) -> tuple[Real, ...]:
        """As in `Exponentials`, with the quotient in as many more bits as it has before the binary point: those are
        lost to the period of exp."""
        one, nothing = Real.of(libmp.fone, self.bits), Real.of(libmp.fzero, self.bits)
        made: dict[Raw, Real] = {libmp.fzero: one}
        for d in self.shifts:
            if d not in made:
                made[d] = _exponential(d, self.tau, self.bits)
        return tuple(made[d] if there else nothing for d, there in zip(self.shifts, self.present, strict=True))


def _exponential(d: Raw, tau: Raw, bits: int) -> Real:
    """exp(-d/τ) for d > 0."""
    wide = bits + max(0, _magnitude(d) - _magnitude(tau)) + 2
    result = (-(Real.of(d, wide) / Real.of(tau, wide))).exp()
    return Real(result.value, result.error, bits)


def _magnitude(number: Raw) -> int:
    """e with 2^(e-1) ≤ |number| < 2^e."""
    return int(number[2] + number[3])


def _row(logits: list[float], noise: list[float], tau: float, bits: int) -> _Tempered:
    """Raises ValueError where there is no limit, and for a τ that is not positive and finite."""
    if not 0 < tau < float("inf"):
        raise ValueError(f"tau must be positive and finite, not {tau}")
    sums = [_sum(exact(z), exact(g)) for z, g in zip(logits, noise, strict=True)]
    plain = Exponentials.of(sums, None, bits)
    return _Tempered(plain.shifts, plain.present, plain.counts, bits, exact(float(tau)))


def _sum(z: Raw, g: Raw) -> Raw:
    """z + g without rounding; an infinity with a finite number stays one."""
    if {z, g} == {libmp.finf, libmp.fninf}:
        raise ValueError("no limit: +inf and -inf are added")
    out: Raw = libmp.mpf_add(z, g)
    return out


def gumbel_softmax(
    logits: list[float], noise: list[float], *, tau: float = 1.0, hard: bool = False, bits: int
) -> list[Ball]:
    """softmax((z + g) / τ); with ``hard`` 1 at the first of the largest z + g and 0 elsewhere. One ball per entry.

    An entry whose sum is -inf is absent. Raises ValueError for nan, for a sum of +inf, where no sum is above -inf, and for
    a τ that is not positive and finite.
    """
    row = _row(logits, noise, tau, bits)
    if hard:
        first = next(i for i, d in enumerate(row.shifts) if row.present[i] and d == libmp.fzero)
        one = Real.of(libmp.fone, bits).ball()
        return [one if i == first else zero(bits) for i in range(row.n)]
    return [row.probability(i).ball() for i in range(row.n)]


def gumbel_softmax_jacobian(logits: list[float], noise: list[float], *, tau: float = 1.0, bits: int) -> list[Ball]:
    """y_i (δ_ij - y_j) / τ, row by row: derivatives by the logits (and by the noise). Raises ValueError as
    `gumbel_softmax` does.

    δ_ij - y_j is formed as the sum of the other weights, so that it is exactly 0 where one entry alone is there.
    """
    row = _row(logits, noise, tau, bits)
    temperature = Real.of(row.tau, bits)
    out = []
    for i in range(row.n):
        scaled = row.weights[i] / row.total / row.total / temperature
        for j in range(row.n):
            other = row.without({i: 1}) if i == j else -row.weights[j]
            out.append((scaled * other).ball())
    return out


def gumbel_max_sample(logits: list[float], *, draws: int = 1, seed: int = 0, bits: int) -> list[Ball]:
    """The probability of each class among the draws argmax_i (z_i + g_i): softmax(z), whatever ``draws`` and ``seed``.

    argmax (z + g) with independent standard Gumbel g has the distribution softmax(z) (Yellott, J. Math. Psychology 15,
    1977; Maddison, Tarlow & Minka, NeurIPS 2014). Raises ValueError for nan and where softmax has no limit.
    """
    return softmax(logits, bits=bits)
