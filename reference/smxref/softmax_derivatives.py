"""Derivatives of softmax, log_softmax and logsumexp, p = softmax(x), S = Σ_k w_k its sum of exponentials.

Products are one ball per entry of the row; an entry stands for ``counts`` equal tuples of arguments. Matrices and
tensors are in C order, the variables last. A logit of -inf is absent: p = 0, and every formula is taken with that.

**Exact zeros.** Each answer is a product of powers of S and w, which are not 0, and of sums Σ c_k w_k with exact
coefficients, of which `Exponentials` knows when they are 0. The backward passes from a given output y are rational in
their inputs, but for exp(y_i), which is transcendental for rational y_i ≠ 0 (Lindemann).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from mpmath import libmp

from smxref.arithmetic import Raw, context, exact, multiplicities
from smxref.ball import Ball
from smxref.exponentials import Exponentials
from smxref.real import Real, exact_difference, exact_sum, zero


def softmax_vjp(x: list[float], g: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """p_i (g_i - Σ_k p_k g_k), one ball per entry; an entry stands for ``counts`` equal pairs (x_i, g_i).

    The difference is formed as Σ_k w_k (g_i - g_k) / S, whose coefficients are exact: it is 0 where it is exactly 0.
    Raises ValueError for nan, an infinite g, and rows without a limit.
    """
    row = Exponentials.of(x, counts, bits)
    cotangent = [_finite(v) for v in g]
    total = row.total
    answers = []
    for i, there in enumerate(row.present):
        if not there:
            answers.append(zero(bits))
            continue
        centred = row.linear([exact_difference(cotangent[i], v) for v in cotangent])
        answers.append((row.weights[i] * centred / total / total).ball())
    return answers


def softmax_jvp(x: list[float], v: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """p_i (v_i - Σ_k p_k v_k): the Jacobian is symmetric, so this is `softmax_vjp`, errors included."""
    return softmax_vjp(x, v, counts, bits=bits)


def softmax_backward(
    grad_output: list[float], output: list[float], counts: list[int] | None = None, *, bits: int
) -> list[Ball]:
    """y_i (g_i - Σ_k y_k g_k) for y as given, without any rounding: the inputs are rational, and so is the answer.

    Raises ValueError for nan and infinities.
    """
    g, y = [_finite(v) for v in grad_output], [_finite(v) for v in output]
    inner = _repeated_sum([libmp.mpf_mul(a, b) for a, b in zip(y, g, strict=True)], counts)
    return [_exact_ball(libmp.mpf_mul(b, exact_difference(a, inner)), bits) for a, b in zip(g, y, strict=True)]


def softmax_jacobian(x: list[float], *, bits: int) -> list[Ball]:
    """∂p_i/∂x_j = p_i (δ_ij - p_j). On the diagonal 1 - p_i is the sum of the others, which is 0 where there are none.

    Raises ValueError for nan, and rows without a limit.
    """
    row = Exponentials.of(x, None, bits)
    square = row.total * row.total

    def entry(i: int, j: int) -> Real:
        factor = row.without({i: 1}) if i == j else -row.weights[j]
        return row.weights[i] * factor / square

    return _symmetric(entry, row.n, 2)


def softmax_hessian(x: list[float], *, bits: int) -> list[Ball]:
    """∂²p_i/∂x_j∂x_k, the third cumulant of an indicator: symmetric in all three indices.

    ========================= ========================
    all equal                 p_i (1 - p_i) (1 - 2p_i)
    two equal r, another s    -p_r p_s (1 - 2p_r)
    all distinct              2 p_i p_j p_k
    ========================= ========================

    S - 2w_r is 0 exactly where two equal entries are all there is. Raises ValueError as `softmax_jacobian`.
    """
    row = Exponentials.of(x, None, bits)
    w, total = row.weights, row.total
    cube = total * total * total
    two = Real.of(2, bits)

    def entry(i: int, j: int, k: int) -> Real:
        # i ≤ j ≤ k
        if i == k:
            return w[i] * row.without({i: 1}) * row.without({i: 2}) / cube
        if i == j or j == k:
            return -(w[i] * w[k] * row.without({j: 2}) / cube)
        return two * w[i] * w[j] * w[k] / cube

    return _symmetric(entry, row.n, 3)


def log_softmax_jacobian(x: list[float], *, bits: int) -> list[Ball]:
    """∂ log p_i/∂x_j = δ_ij - p_j; 1 - p_i as the sum of the others. Raises ValueError as `softmax_jacobian`."""
    row = Exponentials.of(x, None, bits)
    off = [-row.probability(j) for j in range(row.n)]
    # 1 - p_i of an absent entry is S/S: exactly 1.
    one = Real.of(1, bits)
    on = [row.without({i: 1}) / row.total if there else one for i, there in enumerate(row.present)]
    return [(on[i] if i == j else off[j]).ball() for i in range(row.n) for j in range(row.n)]


def log_softmax_vjp(x: list[float], g: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """g_i - p_i Σ_k g_k, formed as (g_i S - w_i G) / S with G = Σ g exact, equal logits put together.

    Raises ValueError for nan, an infinite g, and rows without a limit.
    """
    row = Exponentials.of(x, counts, bits)
    cotangent = [_finite(v) for v in g]
    given = _repeated_sum(cotangent, counts)
    answers = []
    for i, there in enumerate(row.present):
        if there and given != libmp.fzero:
            combined = row.linear([cotangent[i]] * row.n, {i: libmp.mpf_neg(given)})
            answers.append((combined / row.total).ball())
        else:
            answers.append(_exact_ball(cotangent[i], bits))
    return answers


def log_softmax_backward(
    grad_output: list[float], output: list[float], counts: list[int] | None = None, *, bits: int
) -> list[Ball]:
    """g_i - exp(y_i) Σ_k g_k for y as given; exp(-inf) = 0.

    Formed as (g_i - G) - G (exp(y_i) - 1) with G = Σ g and the difference exact: that is 0 only where y_i = 0 or G = 0
    makes it rational, and exp(y_i) - 1 keeps its digits where y_i is tiny. Raises ValueError for nan, an infinite g, and
    y = +inf.
    """
    g = [_finite(v) for v in grad_output]
    given = _repeated_sum(g, counts)
    answers = []
    for own, y in zip(g, output, strict=True):
        raw = exact(y)
        if raw == libmp.fninf or given == libmp.fzero:
            answers.append(_exact_ball(own, bits))
            continue
        difference = exact_difference(own, given)
        if raw == libmp.fzero:
            answers.append(_exact_ball(difference, bits))
            continue
        answers.append((Real.of(difference, bits) - Real.of(given, bits) * _expm1(_finite(y), bits)).ball())
    return answers


def logsumexp_grad(x: list[float], counts: list[int] | None = None, *, bits: int) -> list[Ball]:
    """∂L/∂x_i = p_i. Raises ValueError for nan, and rows without a limit."""
    row = Exponentials.of(x, counts, bits)
    return [row.probability(i).ball() for i in range(row.n)]


def logsumexp_hessian(x: list[float], *, bits: int) -> list[Ball]:
    """∂²L/∂x_i∂x_j = p_i (δ_ij - p_j): the Jacobian of softmax."""
    return softmax_jacobian(x, bits=bits)


def _symmetric(entry: Callable[..., Real], n: int, rank: int) -> list[Ball]:
    """All elements of a symmetric tensor, each computed once, from ascending indices."""
    made: dict[tuple[int, ...], Ball] = {}
    answers = []
    for index in product(range(n), repeat=rank):
        ascending = tuple(sorted(index))
        if ascending not in made:
            made[ascending] = entry(*ascending).ball()
        answers.append(made[ascending])
    return answers


def _finite(number: float) -> Raw:
    """Exactly. Raises ValueError for nan and infinities."""
    raw = exact(number)
    if not raw[1] and raw[2]:
        raise ValueError("no limit: an argument is infinite")
    return raw


def _repeated_sum(terms: list[Raw], counts: list[int] | None) -> Raw:
    """Σ counts_i · terms_i, exactly."""
    times = multiplicities(counts, len(terms))
    return exact_sum([libmp.mpf_mul(t, libmp.from_int(c)) for t, c in zip(terms, times, strict=True)])


def _exact_ball(number: Raw, bits: int) -> Ball:
    ctx = context(bits)
    return Ball(ctx.make_mpf(number), ctx.zero)


def _expm1(y: Raw, bits: int) -> Real:
    """exp(y) - 1, y ≠ 0: for |y| < 2^-k in k bits more, which is what the subtraction takes away."""
    _, _, exponent, length = y
    wide = bits + max(0, -(exponent + length)) + 2
    value = Real.of(y, wide).exp() - Real.of(1, wide)
    return Real(value.value, value.error, bits)
