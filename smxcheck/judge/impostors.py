"""Cases that cannot tell: where the bound would accept zeros, a constant, one digit of the answer, or
another function's output.

Such a result counts as run and not wrong, but says nothing; reports count it apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.errors import Scale, measure, times_power
from smxcheck.judge.result import Level
from smxcheck.judge.ruler import Ruler
from smxcheck.oracle.enclosure import Kind
from smxcheck.oracle.rows import exact_float64, to_rows

if TYPE_CHECKING:
    from smxcheck.judge.call import Question

Array = npt.NDArray[Any]

#: Larger results always have an element that tells; looking would cost as much as judging.
_LARGEST = 200_000  # below the size of a block


def accepted(question: Question, tells: bool, fmt: Format, require: Level) -> str:
    """What else the required level would accept here: "zeros", "a constant", "max(x)" ...; "" if nothing known.

    ``tells`` says that some element's bound would not accept 0.
    """
    expected = question.expected
    kinds = expected.kind.reshape(-1)
    if kinds.size == 0 or kinds.size > _LARGEST or (kinds != Kind.VALUE).any():
        return ""
    if not tells:
        enclosure = expected.enclosure
        right_is_zero = not enclosure.hi.any() and not enclosure.bound.any()
        return "" if right_is_zero else "zeros"
    ruler = next(iter(question.rulers(fmt)))
    on, allowed = ruler.scale, _allowed(ruler, require)
    if _constant_fits(on, allowed):
        return "a constant"
    if _one_digit_fits(on, allowed, fmt):
        return "one digit of the answer"
    for name, values in _other_functions(question):
        size = measure(values.reshape(-1).astype(fmt.numpy()), on, fmt).size
        if (size <= allowed).all() and (size > 0.5).any():  # correctly rounded, it would be no impostor here
            return name
    return ""


def _allowed(ruler: Ruler, require: Level) -> Array:
    if require is Level.ULP1:
        return np.ones_like(ruler.standard)
    return np.maximum(ruler.tight if require is Level.TIGHT else ruler.standard, 1.0)


def _constant_fits(on: Scale, allowed: Array) -> bool:
    """One number within the bound of every element, though no number is right to half an ulp at all of them."""
    if on.value.size < 2:
        return False
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scale = np.minimum(np.maximum(on.ulp_exponent, -1074), 971)
        y = np.ldexp(on.value, scale)
        reach, half = np.ldexp(allowed, scale), np.ldexp(0.5, scale)
    right = (y - half).max() <= (y + half).min()
    return bool(not right and (y - reach).max() <= (y + reach).min())


#: Rounding to one digit moves some element by more than this share of it, or one digit is as good as the answer.
_VISIBLE = 2.0**-9


def _one_digit_fits(on: Scale, allowed: Array, fmt: Format) -> bool:
    """The exact values rounded to one decimal digit are within the bounds, though visibly other numbers."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        y = np.where(on.value == 0, 0.0, times_power(on.value, on.ulp_exponent))
        unit = 10.0 ** np.floor(np.log10(np.abs(y)))
        digit = np.where(np.isfinite(unit) & (unit > 0), np.rint(y / unit) * unit, y)
        if not (np.abs(digit - y) > _VISIBLE * np.abs(y)).any():
            return False
        return bool((measure(digit.astype(fmt.numpy()), on, fmt).size <= allowed).all())


def _other_functions(question: Question) -> list[tuple[str, Array]]:
    """Outputs that a case must be able to reject, in float64."""
    function = question.case.function
    if function not in ("softmax", "log_softmax", "logsumexp"):
        return []
    rows = to_rows(exact_float64(question.arguments[0]), question.keywords.get("axis", -1))
    if rows.x.shape[1] < 2:
        return []
    a = rows.x.max(axis=1, keepdims=True)
    if function == "softmax":
        return [("the one-hot maximum", rows.restore((rows.x == a) / (rows.x == a).sum(axis=1, keepdims=True)))]
    if function == "log_softmax":
        with np.errstate(over="ignore"):
            return [("x - max(x)", rows.restore(rows.x - a))]
    return [("max(x)", rows.reduce(a[:, 0]))]
