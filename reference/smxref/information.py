"""Entropy, Kullback-Leibler divergence and cross-entropy of distributions, in nats.

``p`` and ``q`` may be any numbers >= 0: nothing is normalised, and 0·log 0 = 0. ``counts`` says how often each entry
(pair of entries) occurs. The roundings k counted below give the error bound of `smxref.arithmetic`. Where terms have
both signs, the bound is absolute: relative to the sum of their magnitudes.
"""

from __future__ import annotations

from typing import Any

from mpmath import libmp, mpf

from smxref.arithmetic import context, enclose, exact, log1p, multiplicities, relative_bound
from smxref.ball import Ball
from smxref.row import Row


def softmax_entropy(x: list[float], counts: list[int] | None = None, *, bits: int) -> Ball:
    """H = log Σ_j c_j exp(x_j) - Σ_i c_i p_i x_i with p = softmax(x).

    As L - (Σ c_i w_i t_i) / S, where nothing cancels: t_i <= 0. Each term has 1 (w_i) + 1 (·t_i) + 1 (·c_i), the sum
    n - 1 more, the quotient (n + 2) + 1 more, the last subtraction 1 more: k = 2n + 6.
    Raises ValueError for nan and for rows without a limit.
    """
    row = Row.of(x, counts, bits)
    ctx = row.ctx
    mean = ctx.zero
    for w, t, c in zip(row.weights, row.shifts, row.counts, strict=True):
        if w:  # a weight of 0 belongs to -inf, where w·t = 0
            mean += w * t * c
    y = row.log_total - mean / row.total
    return enclose(y, y, relative_bound(2 * row.n + 6, ctx), ctx)


def entropy(p: list[float], counts: list[int] | None = None, *, bits: int) -> Ball:
    """H = -Σ c_i p_i log p_i.

    Terms have log, product, product with the count: 3; the sum n - 1: k = n + 2. An entry above 1 has a negative term.
    Raises ValueError for an entry that is negative or not finite.
    """
    ctx = context(bits)
    terms = [-ctx.log(number) * number if number else ctx.zero for number in _entries(p, "p", ctx)]
    return _sum(ctx, terms, multiplicities(counts, len(p)), 2)


def kl_divergence(p: list[float], q: list[float], counts: list[int] | None = None, *, bits: int) -> Ball:
    """Σ c_i p_i log(p_i / q_i); a term with p = 0 is 0, one with p > 0 = q is +inf.

    log(p/q) has 3 roundings (`_log_ratio`), the products with p and the count 2, the sum n - 1: k = n + 4. Terms that
    have p = q are exactly 0. Raises ValueError for different lengths, entries that are negative or not finite.
    """
    ctx = context(bits)
    pairs = _pairs(p, q, ctx)
    terms = [_log_ratio(a, b, ctx) * a if a else ctx.zero for a, b in pairs]
    return _sum(ctx, terms, multiplicities(counts, len(p)), 4)


def distribution_cross_entropy(
    p: list[float], q: list[float], counts: list[int] | None = None, *, bits: int
) -> Ball:
    """-Σ c_i p_i log q_i; a term with p = 0 is 0, one with p > 0 = q is +inf.

    Terms have log, product, product with the count: 3; the sum n - 1: k = n + 2.
    Raises ValueError for different lengths, entries that are negative or not finite.
    """
    ctx = context(bits)
    pairs = _pairs(p, q, ctx)
    terms = [-ctx.log(b) * a if a else ctx.zero for a, b in pairs]
    return _sum(ctx, terms, multiplicities(counts, len(p)), 2)


def _log_ratio(p: mpf, q: mpf, ctx: Any) -> mpf:
    """log(p / q) for exact p > 0 and q >= 0, 3 roundings.

    1/2 <= p/q <= 2: log1p(r) with r = (p - q)/q, the difference exact, r with 1 rounding. The condition number of
    log1p, |r| / ((1 + r)|log1p r|), is at most 1/ln 2 < 2 on [-1/2, 1], so that rounding counts twice; log1p adds 1.
    Elsewhere: the log of the rounded quotient; the rounding changes it by eps against |log(p/q)| > ln 2, so counts
    twice as well; log adds 1. (log1p would fail there: r = -1 + 1e-300 rounds to -1.)
    """
    if not q:
        return ctx.inf
    if p <= q * 2 and q <= p * 2:
        return log1p(ctx, ctx.make_mpf(libmp.mpf_sub(p._mpf_, q._mpf_)) / q)
    return ctx.log(p / q)


def _entries(values: list[float], name: str, ctx: Any) -> list[mpf]:
    if any(v < 0 or v == float("inf") for v in values):
        raise ValueError(f"{name} must be finite and not negative")
    return [ctx.make_mpf(exact(v)) for v in values]


def _pairs(p: list[float], q: list[float], ctx: Any) -> list[tuple[mpf, mpf]]:
    if len(p) != len(q):
        raise ValueError(f"p and q must have one length, not {len(p)} and {len(q)}")
    return list(zip(_entries(p, "p", ctx), _entries(q, "q", ctx), strict=True))


def _sum(ctx: Any, terms: list[mpf], counts: list[int], roundings: int) -> Ball:
    """Σ c_i·term_i from terms with the given roundings, with the absolute bound for terms of both signs."""
    value = magnitude = ctx.zero
    for term, count in zip(terms, counts, strict=True):
        term = term * count
        value += term
        magnitude += abs(term)
    return enclose(value, magnitude, relative_bound(roundings + len(terms), ctx), ctx)
