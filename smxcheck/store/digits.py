"""The exact value of one element of a result in 40 proven digits, from the reference alone.

Enclosures of the judge hold 106 bits, which are 31 digits; here the reference is asked for the one row that the element
belongs to, with more bits. Which row that is, the layout of the result tells: the places of all rows' answers, laid out
like the result, have at the element's index the row and the place in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

import smxref
from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.oracle import NOT_ROWS, families
from smxcheck.oracle.loss import loss_rows
from smxcheck.oracle.rows import exact_float64, to_rows
from smxcheck.oracle.tiers import refined

Array = npt.NDArray[Any]

DIGITS = 40
#: 40 digits are 133 bits; some more keep the last digit from being open.
_BITS = 160


def exact(function: str, arguments: Sequence[Array], keywords: Mapping[str, Any], index: tuple[int, ...]) -> str:
    """The value at ``index`` in 40 digits, fewer where its exact decimal is shorter; "" where the reference has no number
    there (an infinity, NaN, no answer)."""
    try:
        ball = _ball(function, arguments, keywords, index)
    except (ValueError, LookupError, ArithmeticError):
        return ""
    text = smxref.decimal_string(ball, DIGITS)
    return text if text.lstrip("+-")[:1].isdigit() else ""


def _ball(function: str, arguments: Sequence[Array], keywords: Mapping[str, Any], index: tuple[int, ...]) -> Any:
    if FUNCTIONS[function].shape == "drawn":
        raise LookupError(f"{function}: draws are right by their frequencies")
    if function in ("cross_entropy", "nll_loss"):
        return _of_loss(function, arguments, keywords, index)
    if function == "cross_entropy_grad":
        return _of_gradient(arguments, index)
    if function not in NOT_ROWS or function == "gumbel_softmax":
        return _of_family(function, tuple(arguments), keywords, index)
    reference = getattr(smxref, function)
    if "axis" not in FUNCTIONS[function].keywords:
        entry = [float(exact_float64(a)[index]) for a in np.broadcast_arrays(*arguments)]
        return refined(lambda bits: reference(*entry, bits=bits), entry, _BITS)[0]
    rows = [to_rows(a, keywords.get("axis", -1)) for a in arguments]
    count, n = rows[0].x.shape
    one_each = FUNCTIONS[function].shape == "reduced"
    places = rows[0].reduce(np.arange(count)) if one_each else rows[0].restore(np.arange(count * n).reshape(count, n))
    row, place = (int(places[index]), 0) if one_each else divmod(int(places[index]), n)
    lists = [r.x[row].tolist() for r in rows]
    return refined(lambda bits: reference(*lists, bits=bits), [v for of in lists for v in of], _BITS)[place]


def _of_family(function: str, arguments: tuple[Array, ...], keywords: Mapping[str, Any], index: tuple[int, ...]) -> Any:
    """A function with an entry in the oracle's table of rows."""
    entry, of = families.row_function(function), families.columns(function, arguments, keywords)
    answer = (1,) if entry.entrywise else families.answer_shape(function, of, keywords)
    size = int(np.prod(answer, dtype=np.int64))
    numbers = np.arange(of.count * size).reshape(of.count, *answer)
    places = numbers.reshape(arguments[0].shape) if entry.entrywise else families.lay_out(function, of, answer, numbers)
    row, place = divmod(int(places[index]), size)
    lists = [part[row].tolist() for part in of.parts]
    flat = [v for one in lists if isinstance(one, list) for v in one]
    given = families.given(function, keywords, of)
    return refined(lambda bits: entry.reference(*lists, **given, bits=bits), flat, _BITS)[place]


def _of_loss(function: str, arguments: Sequence[Array], keywords: Mapping[str, Any], index: tuple[int, ...]) -> Any:
    given = {name: keywords.get(name, KEYWORD_DEFAULTS[name]) for name in FUNCTIONS[function].keywords}
    rows = loss_rows(arguments[0], arguments[1], given.pop("axis"), given["ignore_index"])
    if given["weight"] is not None:
        given["weight"] = exact_float64(given["weight"]).tolist()
    x = np.where(rows.counted[:, None], rows.logits, 0.0).tolist()
    flat = [v for row in x for v in row] or [0.0]
    balls = refined(lambda bits: getattr(smxref, function)(x, rows.labels.tolist(), **given, bits=bits), flat, _BITS)
    return balls[int(np.ravel_multi_index(index, rows.shape))] if index else balls[0]


def _of_gradient(arguments: Sequence[Array], index: tuple[int, ...]) -> Any:
    rows = loss_rows(arguments[0], arguments[1], -1, ignore_index=-(2**62))
    row = int(np.ravel_multi_index(index[:-1], rows.shape)) if index[:-1] else 0
    x, y = rows.logits[row : row + 1].tolist(), rows.labels[row : row + 1].tolist()

    def compute(bits: int) -> list[Any]:
        return [b for one in smxref.cross_entropy_grad(x, y, rows=len(rows.logits), bits=bits) for b in one]

    return refined(compute, x[0], _BITS)[index[-1]]
