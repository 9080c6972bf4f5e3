"""The weights of a softmax row as balls, and sums over them that know when they are exactly 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mpmath import libmp

from smxref.arithmetic import Raw, exact, multiplicities
from smxref.real import Real, exact_difference, exact_sum, total


@dataclass(frozen=True)
class Exponentials:
    """w_i = exp(x_i - max x) of a row; an entry stands for ``counts[i]`` equal ones, one at -inf is as good as absent.

    Every derivative of softmax is made of sums Σ_j c_j w_j with coefficients that are known exactly. Powers of e with
    different rational exponents are linearly independent over the rationals (Lindemann-Weierstrass), and floats are
    rational: such a sum is 0 if and only if the coefficients of every distinct x_j add up to 0. So `linear` decides it
    exactly, and an answer that is 0 (the cotangent of ones, ties) is returned as an exact 0 and not as a tiny ball.
    """

    shifts: tuple[Raw, ...]  # d_i = max x - x_i ≥ 0, exact; 0 where absent
    present: tuple[bool, ...]  # x_i is not -inf
    counts: tuple[int, ...]
    bits: int

    @classmethod
    def of(cls, x: Sequence[float | Raw], counts: list[int] | None, bits: int) -> Exponentials:
        """From logits: floats, or raw mpmath numbers.

        Raises ValueError for nan, and where softmax has no limit: a +inf, no entry, nothing but -inf.
        """
        raw = [v if isinstance(v, tuple) else exact(v) for v in x]
        finite = [v for v in raw if v[1] or not v[2]]
        if any(v == libmp.finf for v in raw):
            raise ValueError("no limit: a logit is +inf")
        if not finite:
            raise ValueError("no limit: no logit is above -inf")
        highest = finite[0]
        for v in finite:
            if libmp.mpf_gt(v, highest):
                highest = v
        present = tuple(v != libmp.fninf for v in raw)
        shifts = tuple(
            exact_difference(highest, v) if there else libmp.fzero for v, there in zip(raw, present, strict=True)
        )
        return cls(shifts, present, tuple(multiplicities(counts, len(raw))), bits)

    @property
    def n(self) -> int:
        return len(self.shifts)

    @cached_property
    def _group(self) -> tuple[int, ...]:
        """For each entry the index of the first entry with the same logit."""
        first: dict[tuple[bool, Raw], int] = {}
        return tuple(first.setdefault(key, i) for i, key in enumerate(zip(self.present, self.shifts, strict=True)))

    @cached_property
    def weights(self) -> tuple[Real, ...]:
        """w_i, exactly 1 at the maximum and exactly 0 at -inf; equal logits share one ball."""
        made: dict[Raw, Real] = {}
        zero = Real.of(libmp.fzero, self.bits)
        out = []
        for d, there in zip(self.shifts, self.present, strict=True):
            if not there:
                out.append(zero)
                continue
            if d not in made:
                one = d == libmp.fzero
                made[d] = Real.of(libmp.fone, self.bits) if one else (-Real.of(d, self.bits)).exp()
            out.append(made[d])
        return tuple(out)

    def linear(self, coefficients: Sequence[Raw], once: Mapping[int, Raw] | None = None) -> Real:
        """Σ_j c_j w_j over the entries that are there, each counted as often as it occurs; an exact 0 where it is 0.

        ``once`` adds c·w_i for single entries i, however often they occur.
        """
        sums: dict[int, list[Raw]] = {}
        for i, c in (once or {}).items():
            if self.present[i]:
                sums.setdefault(self._group[i], []).append(c)
        for i, c in enumerate(coefficients):
            if self.present[i]:
                times = self.counts[i]
                term = c if times == 1 else libmp.mpf_mul(c, libmp.from_int(times))
                sums.setdefault(self._group[i], []).append(term)
        exact_sums = {i: exact_sum(terms) for i, terms in sums.items()}
        return total(
            (self.weights[i] * Real.of(c, self.bits) for i, c in exact_sums.items() if c != libmp.fzero), self.bits
        )

    @cached_property
    def total(self) -> Real:
        """S = Σ_j w_j ≥ 1."""
        return self.linear([libmp.fone] * self.n)

    @cached_property
    def rest(self) -> Real:
        """S without one maximal term: exactly 0 where one entry alone is there."""
        top = next(i for i, d in enumerate(self.shifts) if self.present[i] and d == libmp.fzero)
        return self.without({top: 1})

    def without(self, taken: dict[int, int], scale: int = 1) -> Real:
        """S - Σ taken[i]·w_i, i being indices of entries: 1 - p_i is ``without({i: 1}) / total``."""
        # The coefficient is spread over the equal copies that an entry stands for, so it is put in undivided.
        sums: dict[int, int] = {}
        for i, there in enumerate(self.present):
            if there:
                sums[self._group[i]] = sums.get(self._group[i], 0) + scale * self.counts[i]
        for i, times in taken.items():
            if self.present[i]:
                sums[self._group[i]] -= times
        return total(
            (self.weights[i] * Real.of(libmp.from_int(c), self.bits) for i, c in sums.items() if c), self.bits
        )

    def probability(self, i: int) -> Real:
        """p_i = w_i / S."""
        return self.weights[i] / self.total

    @cached_property
    def log_total(self) -> Real:
        """log S as log1p of the rest."""
        return self.rest.log1p()

    def mean(self, values: Sequence[Raw]) -> Real:
        """Σ_j p_j v_j for exact v_j, an exact 0 where it is 0."""
        return self.linear(values) / self.total
