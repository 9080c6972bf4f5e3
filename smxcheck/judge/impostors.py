"""Cases that cannot tell: where the bound would accept zeros, a constant, or another function's output.

Such a result counts as run and not wrong, but says nothing; reports count it apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from smxcheck.dtypes import Format
from smxcheck.judge.accuracy import Accuracy, allowed_ulps
from smxcheck.judge.errors import Errors, errors
from smxcheck.judge.result import Level
from smxcheck.oracle.enclosure import Kind
from smxcheck.oracle.rows import exact_float64, to_rows

if TYPE_CHECKING:
    from smxcheck.judge.call import Question

Array = npt.NDArray[Any]

#: Larger results always have an element that tells; looking would cost as much as judging.
_LARGEST = 200_000


def accepted(question: Question, found: Accuracy, fmt: Format, require: Level) -> str:
    """What else the required level would accept here: "zeros", "a constant", "max(x)" ...; "" if nothing known."""
    expected = question.expected
    kinds = expected.kind.reshape(-1)
    if kinds.size == 0 or kinds.size > _LARGEST or (kinds != Kind.VALUE).any():
        return ""
    if not found.tells:
        return "zeros"
    enclosure = expected.enclosure.reshape((kinds.size,))
    e = errors(np.zeros(kinds.size), enclosure, fmt)
    allowed = _allowed(question, e, require)
    if _constant_fits(e, allowed):
        return "a constant"
    for name, values in _other_functions(question):
        size = errors(values.reshape(-1).astype(fmt.numpy()), enclosure, fmt).size
        if (size <= allowed).all() and (size > 0.5).any():  # correctly rounded, it would be no impostor here
            return name
    return ""


def _allowed(question: Question, e: Errors, require: Level) -> Array:
    if require is Level.ULP1:
        return np.ones_like(e.value)
    bound = question.allowance.tight if require is Level.TIGHT else question.allowance.standard
    shape = question.expected.shape
    flat = type(bound)(
        {k: np.broadcast_to(v, shape).reshape(-1) if np.ndim(v) else v for k, v in bound.relative.items()},
        {k: np.broadcast_to(v, shape).reshape(-1) if np.ndim(v) else v for k, v in bound.absolute.items()},
    )
    return np.maximum(allowed_ulps(flat, e), 1.0)


def _constant_fits(e: Errors, allowed: Array) -> bool:
    """One number within the bound of every element, though the exact values differ."""
    if e.value.size < 2:
        return False
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        scale = np.clip(e.ulp_exponent, -1074, 971)
        y = np.ldexp(e.value, scale)
        reach = np.ldexp(allowed, scale)
    return bool(y.min() != y.max() and (y - reach).max() <= (y + reach).min())


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
