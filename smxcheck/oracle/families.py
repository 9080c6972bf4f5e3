"""The functions that are enclosed row by row by one generic path: derivatives, generalisations, samples.

An entry says how a row is answered and how infinities in it are read. Rows that the reference answers are given to it;
the others hold NaN (every element of the answer is NaN) or an infinity for which no limit is unique (a choice).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import smxref
from smxcheck.catalog import FUNCTIONS, KEYWORD_DEFAULTS
from smxcheck.oracle import tally
from smxcheck.oracle.core import row_classes, scatter
from smxcheck.oracle.enclosure import Enclosure, Expected, Kind, from_packed, zeros
from smxcheck.oracle.rows import Rows, exact_float64, to_rows
from smxcheck.oracle.tiers import RELATIVE_BITS, answered, counted, distinct, refined

Array = npt.NDArray[Any]

#: How infinities in the first argument are read: a logit of -inf is absent; none has an answer; or the reference knows.
LOGITS, NONE, ANSWERED = "logits", "none", "answered"


@dataclass(frozen=True)
class RowFunction:
    """``reference(*columns, **keywords, bits=)`` -> the balls of one row's answer, in C order.

    Columns are lists of floats (or one int, where the argument is the class labels). ``counts``: the reference also
    takes ``counts=`` and gives one ball for each distinct tuple of entries, so that long rows of few values are cheap.
    ``infinite`` says how infinities in the first argument are read. Infinities in others have no answer, unless ANSWERED.
    ``own`` is the place of an argument of which an element of the answer reads no entry but its own, as a logarithm of a
    probability: there -inf is answered, and a NaN makes NaN of its own element alone.
    ``no_answer(first argument, **keywords)`` is the mask of further rows without an answer: 0/0. Single elements without
    one the reference gives as a ball of nan.
    ``entrywise``: every entry is a row of its own, and an entry of NaN spoils no other. ``batch``: the reference also
    takes ``rows=``, how many rows the whole call has.
    """

    reference: Callable[..., list[Any]]
    infinite: str = LOGITS
    counts: bool = False
    own: int | None = None
    no_answer: Callable[..., Array] | None = None
    entrywise: bool = False
    batch: bool = False


def _tables() -> dict[str, RowFunction]:
    from smxcheck.oracle import derivatives, generalised, losses, sampling

    return {**derivatives.TABLE, **losses.TABLE, **generalised.TABLE, **sampling.TABLE}


_TABLE: dict[str, RowFunction] = {}


def row_function(function: str) -> RowFunction:
    """The entry of a function. Raises LookupError where there is none."""
    if not _TABLE:
        _TABLE.update(_tables())
    if function not in _TABLE:
        raise LookupError(f"no reference for {function}")
    return _TABLE[function]


@dataclass(frozen=True)
class Columns:
    """The arguments of a call as rows: float arrays (R, n), class labels (R,)."""

    rows: Rows  # of the first argument
    parts: tuple[Array, ...]

    @property
    def count(self) -> int:
        return len(self.parts[0])


def columns(function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Columns:
    """Arguments as rows along the axis (the last, where the function takes none)."""
    names = FUNCTIONS[function].arguments
    if row_function(function).entrywise:
        single = tuple(exact_float64(a).reshape(-1, 1) for a in arguments)
        return Columns(to_rows(arguments[0], None), single)
    axis = keywords.get("axis", -1)
    first = to_rows(arguments[0], axis)
    parts = []
    for name, argument in zip(names, arguments, strict=True):
        if name == "labels" and np.asarray(argument).dtype.kind in "iu":
            parts.append(np.asarray(argument).reshape(-1))
        else:
            parts.append(to_rows(exact_float64(argument), axis).x)
    return Columns(first, tuple(parts))


def given(function: str, keywords: Mapping[str, Any], of: Columns) -> dict[str, Any]:
    """The function's keywords but for the axis, defaults filled in; and ``rows`` where the answer depends on it."""
    names = (k for k in FUNCTIONS[function].keywords if k != "axis")
    values = {name: keywords.get(name, KEYWORD_DEFAULTS[name]) for name in names}
    return {**values, "rows": of.count} if row_function(function).batch else values


def answer_shape(function: str, of: Columns, keywords: Mapping[str, Any]) -> tuple[int, ...]:
    """The shape of one row's answer."""
    n = of.parts[0].shape[1]
    match FUNCTIONS[function].shape:
        case "same":
            return (n,)
        case "reduced":
            return ()
        case "jacobian":
            return (n, n)
        case "hessian":
            return (n, n, n)
        case "vocabulary" | "wide" as shape:
            sizes = tuple(keywords["sizes"])
            classes = n - len(sizes) + sum(sizes)
            return (classes,) if shape == "vocabulary" else (classes, n + of.parts[1].shape[1])
    raise LookupError(f"{function}: no layout for its shape")


def lay_out(function: str, of: Columns, answer: tuple[int, ...], values: Array) -> Array:
    """(R, …) as the result of the call is laid out."""
    if FUNCTIONS[function].shape == "same":
        return of.rows.restore(values)
    if FUNCTIONS[function].shape == "reduced":
        return of.rows.reduce(values.reshape(of.count))
    return values.reshape(of.rows.outer + answer)


def readable(entry: RowFunction, of: Columns) -> Columns:
    """The columns with 0 for each NaN that spoils no element but its own."""
    if entry.own is None:
        return of
    parts = tuple(np.where(np.isnan(p), 0.0, p) if i == entry.own else p for i, p in enumerate(of.parts))
    return Columns(of.rows, parts)


def _unanswered(entry: RowFunction, of: Columns) -> tuple[Array, dict[str, Array]]:
    """Rows with NaN, and rows without a limit by the name of the choice."""
    floats = [np.where(p == -np.inf, 0.0, p) if i == entry.own else p for i, p in enumerate(of.parts)]
    floats = [p for p in floats if p.dtype.kind == "f"]
    has_nan = np.any([np.isnan(p).any(axis=1) for p in floats], axis=0)
    if entry.infinite == ANSWERED:
        return has_nan, {}
    first, *others = floats
    classes = row_classes(first)
    infinite = np.any([np.isinf(p).any(axis=1) for p in others], axis=0) if others else np.zeros(of.count, bool)
    if entry.infinite == NONE:
        infinite = infinite | np.isinf(first).any(axis=1)
        return has_nan, {"infinite-argument": infinite & ~has_nan}
    masked, plus = classes["masked"] & ~has_nan, (classes["plus"] > 0) & ~has_nan
    other = infinite & ~has_nan & ~masked & ~plus
    return has_nan, {"all-masked-derivative": masked, "plus-inf-derivative": plus, "infinite-argument": other}


def _refusal(of: Columns, answer: tuple[int, ...]) -> Expected | None:
    """What is right where a class label is no class: an error."""
    for labels in (p for p in of.parts if p.dtype.kind in "iu"):
        wrong = np.flatnonzero((labels < 0) | (labels >= of.parts[0].shape[1]))
        if len(wrong):
            i, shape = int(wrong[0]), of.rows.outer + answer
            sentence = f"label {int(labels[i])} of row {i} is outside 0..{of.parts[0].shape[1] - 1}"
            return Expected(np.full(shape, Kind.FREE, np.uint8), zeros(shape),
                            {"label-out-of-range": np.ones(shape, bool)}, must_raise=sentence)  # fmt: skip
    return None


def expect_rows(function: str, arguments: tuple[Any, ...], keywords: Mapping[str, Any], bits: int) -> Expected:
    """What is right for a function of the generic path."""
    entry, of = row_function(function), columns(function, arguments, keywords)
    values = given(function, keywords, of)
    answer = answer_shape(function, of, values)
    if refusal := _refusal(of, answer):
        return refusal
    size = int(np.prod(answer, dtype=np.int64))
    enclosure = zeros((of.count, size))
    nan_alone = np.isnan(of.parts[entry.own]) if entry.own is not None else np.zeros((of.count, 1), bool)
    of = readable(entry, of)
    has_nan, choices = _unanswered(entry, of)
    if entry.no_answer is not None:
        choices["zero-over-zero"] = entry.no_answer(of.parts[0], **values) & ~has_nan
    free = np.any([*choices.values(), np.zeros(of.count, bool)], axis=0)
    use = np.flatnonzero(~has_nan & ~free) if size else np.zeros(0, int)
    use = _certified(function, of, use, enclosure, values, bits)
    for where, row in _rows_to_enclose(entry, of, use):
        scatter(enclosure, where, _enclose_row(entry, row, values, max(bits, RELATIVE_BITS)))
    tally.count(tally.REFERENCE, len(use) * size)
    undefined = np.isnan(enclosure.hi)
    kind = _kinds(enclosure, nan_alone)
    kind[has_nan], kind[free] = Kind.NAN, Kind.FREE

    def laid(array: Array) -> Array:
        return lay_out(function, of, answer, array)

    spread = {
        name: laid(np.repeat(mask[:, None], size, axis=1)) for name, mask in choices.items() if mask.any() and size
    }
    if undefined.any():
        spread["zero-over-zero"] = laid(undefined)
    numbers = np.where(np.isfinite(enclosure.hi), enclosure.hi, 0.0)
    back = Enclosure(*(laid(a) for a in (numbers, enclosure.lo, enclosure.exponent, enclosure.bound)))
    return Expected(laid(kind), back, spread)


def _certified(
    function: str, of: Columns, use: Array, enclosure: Enclosure, keywords: Mapping[str, Any], bits: int
) -> Array:
    """Let the certified tiers answer the rows ``use`` into ``enclosure``; the rows that are left to the reference."""
    own = row_function(function).own
    first, *_ = parts = [p[use] for p in of.parts]
    usable = (first < np.inf).all(axis=1) & np.isfinite(first).any(axis=1)
    for i, other in enumerate(parts[1:], 1):
        if other.dtype.kind == "f":
            usable &= (np.isfinite(other) | ((other == -np.inf) & (i == own))).all(axis=1)
    asked = use[usable]
    found = answered(function, tuple(p[asked] for p in of.parts), bits, keywords) if len(asked) else None
    if found is None:
        return use
    answer = found.enclosure.reshape((len(asked), -1))
    decided = np.asarray(found.decided.reshape(len(asked), -1).all(axis=1))
    counted(found, int((~decided).sum()) * answer.hi.shape[1])
    scatter(enclosure, asked[decided], answer.take(decided))
    return np.setdiff1d(use, asked[decided])


def _kinds(enclosure: Enclosure, nan_alone: Array) -> Array:
    """Kinds of the elements that the reference gave: numbers, infinities, and its nan where there is no answer.

    Beside a NaN of its own element alone, the other elements of a row may be NaN, too.
    """
    kind = np.full(enclosure.shape, Kind.VALUE, np.uint8)
    kind[enclosure.hi == np.inf] = Kind.PLUS_INFINITY
    kind[enclosure.hi == -np.inf] = Kind.MINUS_INFINITY
    kind[np.isnan(enclosure.hi)] = Kind.FREE
    kind[nan_alone.any(axis=1)] = Kind.VALUE_OR_NAN
    kind[np.broadcast_to(nan_alone, kind.shape)] = Kind.NAN
    return kind


def _rows_to_enclose(entry: RowFunction, of: Columns, use: Array) -> Iterator[tuple[Any, tuple[Array, ...]]]:
    """Where answers go, and the row that they are of: rows of equal bits once, equal entries of an entrywise function once."""
    if not entry.entrywise or not len(use):
        alike: dict[bytes, list[int]] = {}
        for i in use.tolist():
            alike.setdefault(b"".join(p[i].tobytes() for p in of.parts), []).append(i)
        yield from ((same, tuple(p[same[0]] for p in of.parts)) for same in alike.values())
        return
    values, where, _ = distinct(tuple(p[use, 0] for p in of.parts))
    for k in range(len(values[0])):
        yield use[where == k], tuple(v[k : k + 1] for v in values)


def _enclose_row(entry: RowFunction, row: tuple[Array, ...], keywords: Mapping[str, Any], bits: int) -> Enclosure:
    if not entry.counts:
        lists = [c.tolist() for c in row]
        flat = [v for c in lists if isinstance(c, list) for v in c]
        return from_packed([smxref.pack(b) for b in refined(lambda p: entry.reference(*lists, **keywords, bits=p), flat, bits)])
    values, where, counts = distinct(row)
    lists = [v.tolist() for v in values]
    flat = [v for c in lists for v in c]
    times = counts.tolist()
    balls = refined(lambda p: entry.reference(*lists, counts=times, **keywords, bits=p), flat, bits)
    return from_packed([smxref.pack(b) for b in balls]).take(where)
