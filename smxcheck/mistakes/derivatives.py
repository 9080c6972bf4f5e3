"""Wrong products with the Jacobians of softmax and log_softmax, and wrong gradients of logsumexp."""

from __future__ import annotations

import numpy as np

from smxcheck.mistakes import backward, derivative_tensors, shift
from smxcheck.mistakes.derivative_parts import Formula, centred, product
from smxcheck.mistakes.model import WIDE, Example, Mistake, ex
from smxcheck.mistakes.rows import Rows, number, right_logsumexp, right_softmax, same, total

# -- softmax


def right(x: Rows, g: Rows) -> Rows:
    return centred(right_softmax(x), g)


def zeros(x: Rows, g: Rows) -> Rows:
    return np.zeros_like(x)


def uncentred(x: Rows, g: Rows) -> Rows:
    return right_softmax(x) * g


def plain_mean(x: Rows, g: Rows) -> Rows:
    """Right where the probabilities are equal."""
    return right_softmax(x) * (g - total(g) / number(x, x.shape[1]))


def plain_sum(x: Rows, g: Rows) -> Rows:
    return right_softmax(x) * (g - total(g))


def plus(x: Rows, g: Rows) -> Rows:
    p = right_softmax(x)
    return p * (g + total(p * g))


def inner_product_unscaled(x: Rows, g: Rows) -> Rows:
    p = right_softmax(x)
    return p * g - total(p * g)


def diagonal(x: Rows, g: Rows) -> Rows:
    p = right_softmax(x)
    return p * (number(x, 1) - p) * g


def scaled(x: Rows, g: Rows) -> Rows:
    """Off by 0.09 %: passes checks against differences in float32. 16-bit numbers do not resolve it."""
    return right(x, g) * number(x, 1.0009)


def first_ten(x: Rows, g: Rows) -> Rows:
    """A loop that was unrolled for the classes of the test data."""
    p = right_softmax(x)
    return p * (g - total((p * g)[:, :10]))


def sign(x: Rows, g: Rows) -> Rows:
    return -right(x, g)


def through_float16(x: Rows, g: Rows) -> Rows:
    """float16 rounds to itself there."""
    return right(x.astype(np.float16), g.astype(np.float16)).astype(x.dtype)


def whole_batch(x: Rows, g: Rows) -> Rows:
    """The inner product runs over the rows of the batch, too."""
    p = right_softmax(x)
    return p * (g - total((p * g).reshape(1, -1)))


def nan_at_masked(x: Rows, g: Rows) -> Rows:
    """A mask that is applied to the output only: 0·(-inf) behind it."""
    return right(x, g) + x * number(x, 0)


def unshifted(x: Rows, g: Rows) -> Rows:
    return centred(shift.unshifted(x), g)


# -- log_softmax


def log_right(x: Rows, g: Rows) -> Rows:
    return g - right_softmax(x) * total(g)


def log_weighted_sum(x: Rows, g: Rows) -> Rows:
    p = right_softmax(x)
    return g - p * total(p * g)


def log_own_cotangent(x: Rows, g: Rows) -> Rows:
    """Right for a one-hot cotangent, at its own entry."""
    return g * (number(x, 1) - right_softmax(x))


def log_sum_taken_for_one(x: Rows, g: Rows) -> Rows:
    return g - right_softmax(x)


def log_divided(x: Rows, g: Rows) -> Rows:
    """The backward pass of softmax applied to g/p: 0/0 where p underflows."""
    return centred(right_softmax(x), g / right_softmax(x))


def log_sign(x: Rows, g: Rows) -> Rows:
    return -log_right(x, g)


def log_whole_batch(x: Rows, g: Rows) -> Rows:
    return g - right_softmax(x) * total(g.reshape(1, -1))


def log_first_ten(x: Rows, g: Rows) -> Rows:
    return g - right_softmax(x) * total(g[:, :10])


def log_plain_sum(x: Rows, g: Rows) -> Rows:
    return g - total(g)


def log_unshifted(x: Rows, g: Rows) -> Rows:
    return g - shift.unshifted(x) * total(g)


# -- logsumexp


def gradient_scaled(x: Rows) -> Rows:
    return right_softmax(x) * number(x, 1.0009)


def gradient_sign(x: Rows) -> Rows:
    return -right_softmax(x)


def gradient_ones(x: Rows) -> Rows:
    return np.ones_like(x)


def gradient_uniform(x: Rows) -> Rows:
    return np.ones_like(x) / number(x, x.shape[1])


def gradient_of_maximum(x: Rows) -> Rows:
    """logsumexp differentiated as if it were the maximum, its ties shared out."""
    at = (x == x.max(axis=1, keepdims=True)).astype(x.dtype)
    return at / total(at)


def gradient_leaks(x: Rows) -> Rows:
    """The maximum is differentiated, too, but not what is subtracted for it."""
    return right_softmax(x) + gradient_of_maximum(x)


def gradient_through_logsumexp(x: Rows) -> Rows:
    return np.exp(x - right_logsumexp(x))


def gradient_nan_at_masked(x: Rows) -> Rows:
    return right_softmax(x) + x * number(x, 0)


_GENERIC = ex([0.5, -1.25, 2.0, 0.75], [1.0, -0.5, 0.25, 2.0])
_PEAKED = ex([5.0, 0.0, 0.0, 1.0], [-0.5, 3.0, 1.0, 2.0])
_ELEVEN = ex([0.0, 1.0] * 5 + [2.0], [1.0, -0.5] * 5 + [3.0])
_BATCH = ex([[0.0, 1.0], [2.0, 0.5]], [[1.0, 2.0], [-1.0, 0.5]])
_MASKED = ex([0.0, 0.0, float("-inf")], [1.0, -2.0, 4.0])
_LARGE = (ex([12.0, 0.0], [1.0, 2.0]), ex([89.0, 0.0], [1.0, 2.0]), ex([710.0, 0.0], [1.0, 2.0]))
_TINY = ex([-431.0, 279.0, 427.0], [1.0, 0.5, 0.0])
_HUGE = (_GENERIC, ex([1.0, 0.0, -1.5], [1e30, -1e30, 2.5e30]))
_NOT_SIXTEEN_BIT = ("float16", "bfloat16")
_GRAD = (ex([0.5, -1.25, 2.0]),)
_TIES = (ex([1.0, 1.0, 0.0]),)

Entry = tuple[str, str, str, Formula, tuple[Example, ...], str]

_SOFTMAX: tuple[Entry, ...] = (
    ("zeros", "zeros", "SMX101", zeros, (_GENERIC,), "X62"),
    ("uncentred", "p*{g}, without the sum", "SMX101", uncentred, (_GENERIC,), "X62"),
    ("plain-mean", "p*({g} - mean({g})), the mean not weighted by p", "SMX101", plain_mean, (_PEAKED,), "X62"),
    ("plain-sum", "p*({g} - sum({g})), the sum not weighted by p", "SMX101", plain_sum, (_GENERIC,), "X62"),
    ("plus", "p*({g} + sum(p*{g}))", "SMX101", plus, (_GENERIC,), "X62"),
    ("inner-product-unscaled", "p*{g} - sum(p*{g}), the sum not multiplied by p", "SMX101", inner_product_unscaled,
     (_GENERIC,), "X62"),
    ("diagonal", "p*(1 - p)*{g}, the diagonal of the Jacobian alone", "SMX101", diagonal, (_GENERIC,), "X62"),
    ("first-ten", "p*({g} - sum(p*{g})), the sum over the first 10 entries", "SMX101", first_ten, (_ELEVEN,), ""),
    ("sign", "p*(sum(p*{g}) - {g})", "SMX101", sign, (_GENERIC,), "X61"),
    ("whole-batch", "p*({g} - sum(p*{g})), the sum over the whole batch", "SMX101", whole_batch, (_BATCH,), "X10"),
    ("nan-at-masked", "p*({g} - sum(p*{g})) + 0*x", "SMX102", nan_at_masked, (_MASKED,), "X58"),
    ("unshifted", "p*({g} - sum(p*{g})), p = exp(x)/sum(exp(x)), without subtracting the maximum", "SMX102",
     unshifted, _LARGE, "X01"),
)  # fmt: skip

_LOG: tuple[Entry, ...] = (
    ("zeros", "zeros", "SMX101", zeros, (_GENERIC,), ""),
    ("of-softmax", "p*(g - sum(p*g)), the backward pass of softmax", "SMX101", right, (_GENERIC,), "X63"),
    ("weighted-sum", "g - p*sum(p*g)", "SMX101", log_weighted_sum, (_GENERIC,), "X63"),
    ("own-cotangent", "g*(1 - p)", "SMX101", log_own_cotangent, (_GENERIC,), "X63"),
    ("sum-taken-for-one", "g - p, right only where sum(g) is 1", "SMX101", log_sum_taken_for_one, (_GENERIC,), "X63"),
    ("plain-sum", "g - sum(g), without p", "SMX101", log_plain_sum, (_GENERIC,), "X63"),
    ("divided", "p*(g/p - sum(p*(g/p))), divided by softmax", "SMX102", log_divided, (_TINY,), "X64"),
    ("sign", "p*sum(g) - g", "SMX101", log_sign, (_GENERIC,), "X61"),
    ("first-ten", "g - p*sum(g), the sum over the first 10 entries", "SMX101", log_first_ten, (_ELEVEN,), ""),
    ("whole-batch", "g - p*sum(g), the sum over the whole batch", "SMX101", log_whole_batch, (_BATCH,), "X10"),
    ("unshifted", "g - p*sum(g), p = exp(x)/sum(exp(x)), without subtracting the maximum", "SMX102", log_unshifted,
     _LARGE, "X01"),
)  # fmt: skip

_PRECEDENTS = {
    "log_softmax_vjp/divided": ("FluxML/NNlib.jl#68",),
    "softmax_jvp/nan-at-masked": ("google-deepmind/optax#1762",),
}

#: Where a mistake of one function has an entry of its own in the catalogue of mutants.
_FAMILIES = {"softmax_jvp/nan-at-masked": "X67"}


def _entries(function: str, letter: str, instead: str, rows: tuple[Entry, ...]) -> tuple[Mistake, ...]:
    return tuple(
        Mistake(f"{function}/{name}", formula.replace("{g}", letter), instead, check, product(call), examples,
                _FAMILIES.get(f"{function}/{name}", families), _PRECEDENTS.get(f"{function}/{name}", ()))
        for name, formula, check, call, examples, families in rows
    )  # fmt: skip


def _of_softmax(function: str, letter: str) -> tuple[Mistake, ...]:
    instead, right_form = f"p*({letter} - sum(p*{letter}))", f"p*({letter} - sum(p*{letter}))"
    return (
        *_entries(function, letter, instead, _SOFTMAX),
        Mistake(f"{function}/scaled", f"1.0009*{right_form}", instead, "SMX101", product(scaled), (_GENERIC,),
                dtypes=WIDE, equivalent=_NOT_SIXTEEN_BIT),
        Mistake(f"{function}/through-float16", f"{right_form} in float16", instead, "SMX101", product(through_float16),
                _HUGE, "X33", dtypes=("bfloat16", *WIDE), equivalent=("float16",)),
    )  # fmt: skip


_L = "logsumexp_grad/"
_SHIFTED = "exp(x - max)/sum(exp(x - max))"

TABLE: tuple[Mistake, ...] = (
    *_of_softmax("softmax_vjp", "g"),
    *_of_softmax("softmax_jvp", "v"),
    *_entries("log_softmax_vjp", "g", "g - p*sum(g)", _LOG),
    Mistake(_L + "zeros", "zeros", _SHIFTED, "SMX101", same(np.zeros_like), _GRAD),
    Mistake(_L + "ones", "ones", _SHIFTED, "SMX101", same(gradient_ones), _GRAD),
    Mistake(_L + "uniform", "1/n", _SHIFTED, "SMX101", same(gradient_uniform), _GRAD),
    Mistake(_L + "sign", "-softmax(x)", _SHIFTED, "SMX101", same(gradient_sign), _GRAD, "X61"),
    Mistake(_L + "of-maximum", "1 at the largest entry, 0 elsewhere", _SHIFTED, "SMX101", same(gradient_of_maximum),
            _GRAD),
    Mistake(_L + "leaks-through-maximum", "softmax(x) + the gradient of max(x)", _SHIFTED, "SMX101",
            same(gradient_leaks), _TIES, "X65", ("tinygrad/tinygrad#15363",)),
    Mistake(_L + "through-logsumexp", "exp(x - logsumexp(x))", _SHIFTED, "SMX101", same(gradient_through_logsumexp),
            (ex([1e3, 1e3]), ex([1e10, 1e10]), ex([1e30, 1e30]), ex([1e50, 1e50])), "X29", ("stan-dev/math#1679",)),
    Mistake(_L + "unshifted", "exp(x)/sum(exp(x)), without subtracting the maximum", _SHIFTED, "SMX102",
            same(shift.unshifted), (ex([12.0, 0.0]), ex([89.0, 0.0]), ex([710.0, 0.0])), "X01"),
    Mistake(_L + "scaled", "1.0009*softmax(x)", _SHIFTED, "SMX101", same(gradient_scaled), _GRAD, dtypes=WIDE,
            equivalent=_NOT_SIXTEEN_BIT),
    Mistake(_L + "nan-at-masked", "softmax(x) + 0*x", _SHIFTED, "SMX102", same(gradient_nan_at_masked),
            (ex([0.0, float("-inf")]),), "X58"),
    *backward.TABLE,
    *derivative_tensors.TABLE,
)  # fmt: skip
