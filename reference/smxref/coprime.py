"""Sums of logarithms of dyadic numbers with dyadic coefficients: whether one is exactly 0.

Numbers of a set of pairwise coprime integers above 1 have multiplicatively independent powers: each has a prime
that no other has. So their logarithms are linearly independent over the rationals, and a sum Σ_k c_k log v_k of
rational v_k is 0 if and only if for every b of a coprime base of all v_k the exponents of b satisfy Σ_k
c_k·e_b(v_k) = 0. A coprime base takes greatest common divisors alone, no factorisation (Bach, Driscoll & Shallit,
"Factor refinement", J. Algorithms 15(2), 1993).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd

from smxref.arithmetic import Raw


def sum_of_logarithms_is_zero(weights: Sequence[Raw], i: int) -> bool:
    """Whether Σ_k w_k log(w_i / w_k) = 0 for positive dyadic numbers w_k, raw and normalised: odd mantissas."""
    lowest = min(w[2] for w in weights)
    whole = [int(w[1]) << (w[2] - lowest) for w in weights]
    total = sum(whole)

    def balanced(exponents: Sequence[int]) -> bool:
        return total * exponents[i] == sum(w * e for w, e in zip(whole, exponents, strict=True))

    odd = [int(w[1]) for w in weights]
    return balanced([w[2] for w in weights]) and all(
        balanced([_exponent(v, b) for v in odd]) for b in coprime_base(odd)
    )


def coprime_base(numbers: Iterable[int]) -> list[int]:
    """Pairwise coprime integers above 1 of which every positive number given is a product of powers."""
    base: list[int] = []
    for number in numbers:
        left = [number]
        while left:
            a = left.pop()
            if a == 1:
                continue
            for place, b in enumerate(base):
                common = gcd(a, b)
                if common > 1:
                    del base[place]
                    left += [common, a // common, b // common]
                    break
            else:
                base.append(a)
    return base


def _exponent(number: int, base: int) -> int:
    """How often ``base`` divides ``number``."""
    count = 0
    while number % base == 0:
        number //= base
        count += 1
    return count
