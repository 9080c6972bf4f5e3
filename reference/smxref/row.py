"""One row of logits, shifted by its maximum: what softmax and everything built on it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mpmath import libmp, mpf

from smxref.arithmetic import context, exact, log1p, multiplicities


@dataclass(frozen=True, slots=True)
class Row:
    """n distinct logits x_i, each occurring c_i times, with a = max x and k the index of one maximal entry.

    =========== ============================= =========
    shifts      t_i = x_i - a <= 0            exact
    weights     w_i = exp(t_i)                1 rounding
    rest        s = Σ_{i≠k} c_i w_i + c_k - 1 n + 1
    total       S = 1 + s                     n + 2
    log_total   L = log1p(s)                  n + 2
    =========== ============================= =========

    ``rest`` has at most n terms of one sign with 2 roundings each (w_i, then c_i·w_i). Leaving one maximal term out of
    it keeps L right to its last bit where one logit dominates; there log(1 + s) would lose s against 1.
    A logit of -inf has t = -inf, w = 0 and so is as good as absent.
    """

    ctx: Any
    n: int
    maximum: mpf
    counts: list[int]
    shifts: list[mpf]
    weights: list[mpf]
    top: int
    rest: mpf
    total: mpf

    @classmethod
    def of(cls, x: list[float], counts: list[int] | None, bits: int) -> Row:
        """Shift, exponentials and sum of a row.

        Raises ValueError for nan, and where softmax has no limit: a +inf, no entry at all, or nothing but -inf.
        """
        ctx = context(bits)
        numbers = [exact(v) for v in x]
        counts = multiplicities(counts, len(x))
        maximum = max(x, default=float("-inf"))
        if maximum == float("inf"):
            raise ValueError("no limit: a logit is +inf")
        if maximum == float("-inf"):
            raise ValueError("no limit: no logit is above -inf")
        top = x.index(maximum)
        highest = numbers[top]
        make, sub, exp = ctx.make_mpf, libmp.mpf_sub, ctx.exp
        shifts = [make(sub(v, highest)) for v in numbers]
        weights = [exp(t) for t in shifts]
        rest = ctx.mpf(counts[top] - 1)
        for i, (w, c) in enumerate(zip(weights, counts, strict=True)):
            if i != top:
                rest += w if c == 1 else w * c
        return cls(ctx, len(x), make(highest), counts, shifts, weights, top, rest, 1 + rest)

    @property
    def log_total(self) -> mpf:
        """log S as log1p(s)."""
        return log1p(self.ctx, self.rest)
