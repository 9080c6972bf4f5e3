"""The bounds of the derivatives of losses and information functions, from both sides.

The named forms, each computed in its dtype throughout, must stay inside; and what is allowed must be of the size of what
they reach.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from smxcheck.dtypes import FORMATS, Format
from smxcheck.judge.bounds import bounds_for
from smxcheck.judge.bounds.families import rows_terms
from smxcheck.judge.errors import measure
from smxcheck.judge.result import Level
from smxcheck.judge.ruler import Allowance, Ruler, rulers
from smxcheck.oracle import expect
from smxcheck.selftest import adversary
from smxcheck.selftest.adversary_forms import one, one_after_another, tree

Array = Any
Sum = Callable[[Array], Array]
T, S = Level.TIGHT, Level.STANDARD


# The forms


def logistic(x: Array) -> Array:
    t = np.exp(-np.abs(x))
    return np.where(x >= 0, one(x), t) / (one(x) + t)


def softmax(x: Array, add: Sum) -> Array:
    w = np.exp(x - x.max(axis=-1, keepdims=True))
    return w / add(w)


def log_softmax(x: Array, add: Sum) -> Array:
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(add(np.exp(d)))


def others(p: Array) -> Array:
    """1 - p as the sum of the others."""
    rows = np.where(np.eye(p.shape[-1], dtype=bool), p.dtype.type(0), p[..., None, :])
    return tree(rows)[..., 0]


def diag(entries: Array) -> Array:
    return np.eye(entries.shape[-1], dtype=entries.dtype) * entries[..., :, None]


def outer(p: Array) -> Array:
    return p[..., :, None] * p[..., None, :]


def matrix(beside: Array, on: Array) -> Array:
    return np.where(np.eye(on.shape[-1], dtype=bool), on[..., None], beside)


def gaps_centred(z: Array, p: Array) -> Array:
    d = z.max(axis=-1, keepdims=True) - z
    return d - tree(p * d)


def entropy_gradient_best(z: Array) -> Array:
    p = softmax(z, tree)
    return p * gaps_centred(z, p)


def entropy_gradient_textbook(z: Array) -> Array:
    p, log_p = softmax(z, one_after_another), log_softmax(z, one_after_another)
    return -p * (log_p - one_after_another(p * log_p))


def entropy_gradient_by_chain_rule(z: Array) -> Array:
    p = softmax(z, one_after_another)
    g = -(log_softmax(z, one_after_another) + one(z))
    return p * (g - one_after_another(p * g))


def entropy_hessian_best(z: Array) -> Array:
    p = softmax(z, tree)
    c, rest = gaps_centred(z, p), others(p)
    return matrix(outer(p) * (one(z) - c[..., :, None] - c[..., None, :]), p * (c * (rest - p) - rest))


def entropy_hessian_textbook(z: Array) -> Array:
    p, log_p = softmax(z, one_after_another), log_softmax(z, one_after_another)
    h = -one_after_another(p * log_p)
    pairs = log_p[..., :, None] + log_p[..., None, :] + (h + h)[..., None] + one(z)
    return outer(p) * pairs - diag(p * (log_p + h + one(z)))


def log_ratio(z: Array, q: Array) -> tuple[Array, Array]:
    p = softmax(z, tree)
    near = (p <= q + q) & (q <= p + p)
    close = np.log(np.where(near, p, one(p)) / np.where(near, q, one(p)))
    return p, np.where(near, close, log_softmax_log1p(z) - np.log(q))


def log_softmax_log1p(z: Array) -> Array:
    d = z - z.max(axis=-1, keepdims=True)
    w = np.exp(d)
    w[np.arange(len(z)), z.argmax(axis=-1)] = 0
    return d - np.log1p(tree(w))


def ratio_centred(z: Array, q: Array) -> tuple[Array, Array]:
    p, r = log_ratio(z, q)
    s = r - np.take_along_axis(r, z.argmax(axis=-1)[:, None], -1)
    return p, s - tree(p * s)


def divergence_gradient_best(z: Array, q: Array) -> Array:
    p, c = ratio_centred(z, q)
    return p * c


def divergence_gradient_textbook(z: Array, q: Array) -> Array:
    p, r = softmax(z, one_after_another), log_softmax(z, one_after_another) - np.log(q)
    return p * (r - one_after_another(p * r))


def divergence_gradient_by_chain_rule(z: Array, q: Array) -> Array:
    p, g = softmax(z, one_after_another), log_softmax(z, one_after_another) - np.log(q) + one(z)
    return p * (g - one_after_another(p * g))


def divergence_hessian_best(z: Array, q: Array) -> Array:
    p, c = ratio_centred(z, q)
    rest = others(p)
    return matrix(-(outer(p) * (c[..., :, None] + c[..., None, :] + one(z))), p * (rest + c * (rest - p)))


def divergence_hessian_textbook(z: Array, q: Array) -> Array:
    p, r = softmax(z, one_after_another), log_softmax(z, one_after_another) - np.log(q)
    d = one_after_another(p * r)
    pairs = r[..., :, None] + r[..., None, :] - (d + d)[..., None] + one(z)
    return diag(p * (r - d + one(z))) - outer(p) * pairs


def loss_hessian(on: Callable[[Array], Array], add: Sum) -> Callable[[Array, Array], Array]:
    def f(z: Array, y: Array) -> Array:
        p = softmax(z, add)
        return matrix(-outer(p), on(p)) * add(y)[..., None] / z.dtype.type(len(z))

    return f


def two_class_split(x: Array, y: Array) -> Array:
    return (one(x) - y) * logistic(x) - y * logistic(-x)


def slope_of_output(x: Array, *_: Array) -> Array:
    return logistic(x) * (one(x) - logistic(x))


def slope_split(x: Array, *_: Array) -> Array:
    return logistic(x) * logistic(-x)


@dataclass(frozen=True)
class Form:
    function: str
    level: Level
    name: str
    call: Callable[..., Array]


FORMS = (
    Form("sigmoid_grad", T, "product", slope_split),
    Form("sigmoid_grad", S, "of the output", slope_of_output),
    Form("log_sigmoid_grad", T, "two-sided", lambda x: logistic(-x)),
    Form("log_sigmoid_grad", S, "one minus", lambda x: one(x) - logistic(x)),
    Form("binary_cross_entropy_with_logits_grad", T, "split", two_class_split),
    Form("binary_cross_entropy_with_logits_grad", S, "difference", lambda x, y: logistic(x) - y),
    Form("binary_cross_entropy_with_logits_hessian", T, "product", slope_split),
    Form("binary_cross_entropy_with_logits_hessian", S, "of the output", slope_of_output),
    Form("cross_entropy_hessian", T, "sum of the others", loss_hessian(lambda p: p * others(p), tree)),
    Form("cross_entropy_hessian", S, "p(1 - p)", loss_hessian(lambda p: p * (one(p) - p), one_after_another)),
    Form("cross_entropy_hessian", S, "p - p²", loss_hessian(lambda p: p - p * p, one_after_another)),
    Form("nll_loss_grad", T, "divided", lambda s, y: -y / s.dtype.type(len(s))),
    Form("nll_loss_grad", S, "reciprocal", lambda s, y: -y * (one(s) / s.dtype.type(len(s)))),
    Form("entropy_grad", T, "plain", lambda p: -np.log(p) - one(p)),
    Form("entropy_hessian", T, "divided", lambda p: diag(-one(p) / p)),
    Form("softmax_entropy_grad", T, "gaps", entropy_gradient_best),
    Form("softmax_entropy_grad", S, "textbook", entropy_gradient_textbook),
    Form("softmax_entropy_grad", S, "chain rule", entropy_gradient_by_chain_rule),
    Form("softmax_entropy_hessian", T, "gaps", entropy_hessian_best),
    Form("softmax_entropy_hessian", S, "textbook", entropy_hessian_textbook),
    Form("kl_divergence_grad", T, "from the largest", divergence_gradient_best),
    Form("kl_divergence_grad", S, "textbook", divergence_gradient_textbook),
    Form("kl_divergence_grad", S, "chain rule", divergence_gradient_by_chain_rule),
    Form("kl_divergence_hessian", T, "from the largest", divergence_hessian_best),
    Form("kl_divergence_hessian", S, "textbook", divergence_hessian_textbook),
    Form("distribution_cross_entropy_grad", T, "divided", lambda p, q: -p / q),
    Form("distribution_cross_entropy_grad", S, "reciprocal", lambda p, q: -p * (one(q) / q)),
    Form("distribution_cross_entropy_hessian", T, "twice", lambda p, q: diag(p / q / q)),
    Form("distribution_cross_entropy_hessian", S, "square", lambda p, q: diag(p / (q * q))),
)
BY_FORM = pytest.mark.parametrize("form", FORMS, ids=lambda f: f"{f.function}-{f.name}")
FUNCTIONS_HERE = tuple(dict.fromkeys(f.function for f in FORMS))


# Inputs: every function has one or two arrays of one shape here, soft labels for the losses.


def shares(rng: np.random.Generator, rows: int, n: int, fmt: Format) -> Array:
    """Probabilities whose squares and reciprocals are normal numbers, a quarter of them near each other."""
    w = np.exp(rng.normal(size=(rows, n)) * rng.choice([0.05, 1.0, 1.0, 2.0], (rows, 1)))
    least = 2.0 ** (fmt.e_min // 2 + 2)
    return np.maximum(w / w.sum(axis=1, keepdims=True), least).astype(fmt.numpy())


def inputs(function: str, rng: np.random.Generator, rows: int, n: int, fmt: Format) -> tuple[Array, ...]:
    logits = adversary.start("softmax", rng, rows, n, fmt)[0]
    first, second = shares(rng, rows, n, fmt), shares(rng, rows, n, fmt)
    match function:
        case "entropy_grad" | "entropy_hessian":
            return (first,)
        case "distribution_cross_entropy_grad" | "distribution_cross_entropy_hessian":
            return first, second
        case "sigmoid_grad" | "log_sigmoid_grad" | "softmax_entropy_grad" | "softmax_entropy_hessian":
            return (logits,)
        case "kl_divergence_grad" | "kl_divergence_hessian":
            exact = adversary.right_softmax(logits).astype(np.float64)
            close = exact * (1 + 2.0**-5 * rng.normal(size=exact.shape))
            use = (rng.uniform(size=(rows, 1)) < 0.5) & (exact > fmt.smallest_normal * 4)
            return logits, np.where(use, close, second.astype(np.float64)).astype(fmt.numpy())
    return logits, second


def ruler(function: str, arguments: tuple[Array, ...], fmt: Format) -> Ruler:
    with np.errstate(all="ignore"):
        allowed = [bounds_for(function, arguments, {}, fmt, level) for level in (T, S)]
        (block,) = rulers(expect(function, arguments, {}), Allowance(*allowed), fmt)
    return block


def reached(form: Form, arguments: tuple[Array, ...], fmt: Format) -> Array:
    """Error over bound of every element; one ulp is always allowed, and so is a flushed result in ``standard``."""
    block = ruler(form.function, arguments, fmt)
    with np.errstate(all="ignore"):
        got = np.asarray(form.call(*arguments)).astype(fmt.numpy()).reshape(-1)
        assert np.isfinite(got.astype(float)).all()
        size = measure(got, block.scale, fmt).size
    allowed = block.tight if form.level is T else block.standard
    return np.where(size <= 1, 0.0, size / np.maximum(allowed, 1.0))


@pytest.mark.parametrize("dtype", list(FORMATS))
@BY_FORM
def test_a_right_form_stays_inside_its_bound(form: Form, dtype: str) -> None:
    fmt, rng = FORMATS[dtype], np.random.default_rng(17)
    for n in (1, 2, 3, 5):
        assert reached(form, inputs(form.function, rng, 24, n, fmt), fmt).max() <= 1


@BY_FORM
def test_inputs_that_climb_towards_the_bound_do_not_pass_it(form: Form) -> None:
    """The rows with the largest errors, moved a little, again and again."""
    fmt, rng = FORMATS["float32"], np.random.default_rng(23)
    pool = inputs(form.function, rng, 24, 3, fmt)
    for _ in range(4):
        ratio = reached(form, pool, fmt).reshape(len(pool[0]), -1).max(axis=1)
        assert ratio.max() <= 1
        best = np.argsort(-ratio)[:6]
        pool = tuple(np.concatenate([a[best], adversary.nudged(np.repeat(a[best], 3, axis=0), rng, fmt)]) for a in pool)


@BY_FORM
def test_a_bound_is_not_far_above_what_its_form_reaches(form: Form) -> None:
    """In the largest of some hundred elements. What float32 rounds by half an ulp is allowed one whatever the bound."""
    fmt, rng = FORMATS["float32"], np.random.default_rng(29)
    arguments = tuple(a.clip(-4, 4) for a in inputs(form.function, rng, 60, 4, fmt))
    block = ruler(form.function, arguments, fmt)
    with np.errstate(all="ignore"):
        got = np.asarray(form.call(*arguments)).astype(fmt.numpy()).reshape(-1)
        allowed = block.tight if form.level is T else block.standard
        ratio = measure(got, block.scale, fmt).size / np.maximum(allowed, 2.0**-10)
    assert ratio.max() >= 1 / 30


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("function", FUNCTIONS_HERE)
def test_tight_is_nowhere_above_standard(function: str, dtype: str) -> None:
    """By the bounds themselves: a ruler takes the larger of the two. 2^-50: sums in another order."""
    fmt, rng = FORMATS[dtype], np.random.default_rng(31)
    for n in (1, 2, 5, 12):
        arguments = inputs(function, rng, 40, n, fmt)
        with np.errstate(all="ignore"):
            tight, standard = (bounds_for(function, arguments, {}, fmt, v).total_absolute() for v in (T, S))
        assert (np.asarray(tight) <= np.asarray(standard) * (1 + 2.0**-50)).all()


@pytest.mark.parametrize("n", [2, 3, 8])
@pytest.mark.parametrize("function", FUNCTIONS_HERE)
def test_a_row_off_by_2_to_the_minus_18_is_never_tight(function: str, n: int) -> None:
    """Where an element of the row does not cancel: its terms add up to at most twice its size."""
    fmt, rng, rows = FORMATS["float32"], np.random.default_rng(37), 60
    arguments = tuple(a.clip(-3, 3) for a in inputs(function, rng, rows, n, fmt))
    block = ruler(function, arguments, fmt)
    with np.errstate(all="ignore"):
        answer = np.abs(np.ldexp(block.scale.value, block.scale.ulp_exponent))
        terms = np.broadcast_to(np.reshape(rows_terms(function, arguments, {}), -1), answer.shape)
    uncancelled = ((terms <= 2 * answer) & (answer > 0)).reshape(rows, -1).any(axis=1)
    outside = (np.abs(block.scale.value) * 2.0**-18 > block.tight).reshape(rows, -1).any(axis=1)
    assert uncancelled.any() and outside[uncancelled].all()


@pytest.mark.parametrize("function", FUNCTIONS_HERE)
def test_zeros_are_refused_where_the_answer_is_of_ordinary_size(function: str) -> None:
    fmt, rng = FORMATS["float32"], np.random.default_rng(41)
    arguments = tuple(np.clip(a, -2, 2) for a in inputs(function, rng, 40, 4, fmt))
    block = ruler(function, arguments, fmt)
    with np.errstate(all="ignore"):
        answer = np.abs(np.ldexp(block.scale.value, block.scale.ulp_exponent))
    zeros = measure(np.zeros(answer.size, np.float32), block.scale, fmt).size
    assert (zeros > block.standard)[answer > 2.0**-14].all()
