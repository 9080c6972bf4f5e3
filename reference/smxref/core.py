"""softmax, log-softmax, log-sum-exp, sigmoid and log-sigmoid.

``x`` holds the distinct values of a row and ``counts`` how often each occurs (once by default), so that a long row
with few distinct values is cheap. The roundings k counted below give the error bound of `smxref.arithmetic`; those of
the row (shifts exact, weights 1, total and log_total n + 2) are counted in `smxref.row`.
"""

from __future__ import annotations

from math import isnan

from mpmath import libmp, mpf

from smxref.arithmetic import context, enclose, exact, log1p, relative_bound
from smxref.ball import Ball
from smxref.row import Row


def softmax(x: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """p_i = exp(x_i) / Σ_j c_j exp(x_j), one ball per distinct value.

    As w_i / S: 1 for w_i, n + 2 for S, 1 for the division: k = n + 4. With one term alone p is exactly 1.
    Raises ValueError for nan and for rows without a limit.
    """
    row = Row.of(x, counts, bits)
    ctx, total = row.ctx, row.total
    if not row.rest:
        return [Ball(w, ctx.zero) for w in row.weights]
    bound = relative_bound(row.n + 4, ctx)
    return [enclose(p, p, bound, ctx) for p in (w / total for w in row.weights)]


def log_softmax(x: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """log p_i = x_i - log Σ_j c_j exp(x_j), one ball per distinct value.

    As t_i - L, where both parts are <= 0 and t_i is exact: n + 2 for L, 1 for the subtraction: k = n + 3.
    An entry of -inf gives -inf. Raises ValueError for nan and for rows without a limit.
    """
    row = Row.of(x, counts, bits)
    ctx, log_total = row.ctx, row.log_total
    bound = relative_bound(row.n + 3, ctx)
    return [enclose(y, y, bound, ctx) for y in (t - log_total for t in row.shifts)]


def logsumexp(x: list[float], counts: list[int] | None = None, *, bits: int) -> Ball:
    """y = log Σ_i c_i exp(x_i).

    As a + L with a = max x: L has n + 2 roundings, the addition 1, and a < 0 cancels: the error is that of k = n + 3
    against |a + L| + L, not relative to y. More bits always help: y = 0 only for a single 0 (else Σ c_i exp(x_i) = 1
    with rational x_i would contradict the Lindemann-Weierstrass theorem), and there it is returned exactly.
    An empty row and a row of -inf give -inf, a row with +inf gives +inf. Raises ValueError for nan.
    """
    ctx = context(bits)
    if any(isinstance(v, float) and isnan(v) for v in x):
        raise ValueError("not a number: an input is nan")
    if float("inf") in x:
        return Ball(ctx.inf, ctx.zero)
    if all(v == float("-inf") for v in x):
        return Ball(ctx.ninf, ctx.zero)
    row = Row.of(x, counts, bits)
    if not row.rest:
        return Ball(row.maximum, ctx.zero)
    log_total = row.log_total
    y = row.maximum + log_total
    return enclose(y, abs(y) + log_total, relative_bound(row.n + 3, ctx), ctx)


def sigmoid(x: float, *, bits: int) -> Ball:
    """σ(x) = 1 / (1 + exp(-x)), with its limits 0 and 1.

    x >= 0: exp, sum, division: k = 3. x < 0, as e / (1 + e) with e = exp(x): 1 + (1 + 1) + 1: k = 4.
    Raises ValueError for nan.
    """
    ctx = context(bits)
    e = ctx.exp(_minus_magnitude(x, bits))
    if not e:
        return Ball(ctx.one if x > 0 else ctx.zero, ctx.zero)
    y = (1 if x >= 0 else e) / (1 + e)
    return enclose(y, y, relative_bound(4, ctx), ctx)


def log_sigmoid(x: float, *, bits: int) -> Ball:
    """log σ(x) = -log(1 + exp(-x)), with its limits 0 and -inf.

    As the negative of `softplus` of -x: k = 3. Raises ValueError for nan.
    """
    ctx = context(bits)
    y = -softplus(-x, bits=bits)
    return enclose(y, y, relative_bound(3, ctx), ctx)


def softplus(x: float, *, bits: int) -> mpf:
    """log(1 + exp(x)) with 3 roundings; 0 at -inf, +inf at +inf.

    x <= 0: log1p(exp(x)), 2 roundings. x > 0: x + log1p(exp(-x)), exact x, 2 + 1 roundings; both parts are positive.
    """
    ctx = context(bits)
    y = log1p(ctx, ctx.exp(_minus_magnitude(x, bits)))
    return y if x <= 0 else ctx.make_mpf(exact(x)) + y


def _minus_magnitude(x: float, bits: int) -> mpf:
    """-|x|, exactly."""
    return context(bits).make_mpf(libmp.mpf_neg(libmp.mpf_abs(exact(x))))
