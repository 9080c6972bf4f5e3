"""The recipes for arrays in a case file: read, checked and measured without making the array or loading NumPy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from smxcheck.caseset import numerals
from smxcheck.caseset.model import CaseError
from smxcheck.caseset.numerals import Numeral

#: 2^25 zeros are the largest case that is known to find a fault.
MAX_ELEMENTS = 2**26
MAX_AXES = 6

ORDERS = ("ascending", "descending", "alternating")
PLACES = ("first", "middle", "last", "all")


@dataclass(frozen=True)
class Recipe:
    """How to make an array. ``magnitude`` bounds the finite values, ``shape`` is that of the array."""

    kind: str
    shape: tuple[int, ...]
    magnitude: float
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def parse(written: object) -> Recipe:
    """Read a recipe: a number, nested lists of numbers, or a table with one generator.

    Raises CaseError for an unknown generator or key, a ragged list, or more than ``MAX_ELEMENTS`` elements.
    """
    if not isinstance(written, dict):
        return _parse_list(written)
    if len(written) != 1 or (kind := next(iter(written))) not in _GENERATORS:
        raise CaseError(f"values need exactly one of {', '.join(_GENERATORS)}; found {', '.join(written) or 'none'}")
    table = written[kind]
    required, optional, reader = _GENERATORS[kind]
    if not isinstance(table, dict):
        raise CaseError(f"{kind} must be a table")
    if unknown := [key for key in table if key not in required + optional]:
        raise CaseError(f"unknown key {unknown[0]} in {kind}; it takes {', '.join(required + optional)}")
    if missing := [key for key in required if key not in table]:
        raise CaseError(f"{kind} needs {missing[0]}")
    return reader(table)


def _parse_list(written: object) -> Recipe:
    shape = _shape_of(written)
    flat = tuple(numerals.parse(item) for item in _flatten(written))
    if len(flat) != math.prod(shape):
        raise CaseError("the rows of values have different lengths")
    return Recipe("list", _bounded(shape), max(map(numerals.magnitude, flat), default=0.0), {"flat": flat})


def _shape_of(written: object) -> tuple[int, ...]:
    if not isinstance(written, list):
        return ()
    inner = {_shape_of(item) for item in written}
    if len(inner) > 1:
        raise CaseError("the rows of values have different lengths")
    return (len(written), *(inner.pop() if inner else ()))


def _flatten(written: object) -> Sequence[object]:
    if not isinstance(written, list):
        return [written]
    return [leaf for item in written for leaf in _flatten(item)]


def integer(written: object, name: str, *, least: int = 0) -> int:
    """An integer of at least ``least``; CaseError names what it is for."""
    if isinstance(written, bool) or not isinstance(written, int) or written < least:
        raise CaseError(f"{name} must be an integer of at least {least}, not {written!r}")
    return written


def _bounded(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) > MAX_AXES:
        raise CaseError(f"an array has at most {MAX_AXES} axes, not {len(shape)}")
    if math.prod(shape) > MAX_ELEMENTS:
        raise CaseError(f"an array of shape {list(shape)} has more than {MAX_ELEMENTS} elements")
    return shape


def _shape(written: object) -> tuple[int, ...]:
    if not isinstance(written, list):
        raise CaseError(f"shape must be a list of integers, not {written!r}")
    return _bounded(tuple(integer(n, "a length in shape") for n in written))


def _number(table: Mapping[str, Any], key: str, default: float = 0.0) -> float:
    """A number that must be the same in every dtype."""
    value = numerals.parse(table.get(key, default))
    if not isinstance(value, float) or not math.isfinite(value):
        raise CaseError(f"{key} must be a finite number, not {table[key]!r}")
    return value


def _choice(table: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
    value = table.get(key, choices[0])
    if value not in choices:
        raise CaseError(f"{key} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _fill(table: Mapping[str, Any]) -> Recipe:
    value = numerals.parse(table["value"])
    return Recipe("fill", _shape(table["shape"]), numerals.magnitude(value), {"value": value})


def _ramp(table: Mapping[str, Any]) -> Recipe:
    shape, start, step = _shape(table["shape"]), _number(table, "start"), _number(table, "step")
    last = start + step * max(math.prod(shape) - 1, 0)
    order = _choice(table, "order", ORDERS)
    return Recipe("ramp", shape, max(abs(start), abs(last)), {"start": start, "step": step, "order": order})


def _lattice(table: Mapping[str, Any]) -> Recipe:
    step, offset = _number(table, "step"), _number(table, "offset")
    levels = integer(table["levels"], "levels", least=1)
    if levels % 2 == 0:
        raise CaseError("levels must be odd, so that the values lie symmetrically about the offset")
    parameters = {"step": step, "offset": offset, "levels": levels, "seed": integer(table["seed"], "seed")}
    return Recipe("lattice", _shape(table["shape"]), abs(offset) + abs(step) * (levels // 2), parameters)


def _spike(table: Mapping[str, Any]) -> Recipe:
    value = numerals.parse(table["value"])
    at = table["at"]
    if at not in PLACES and (isinstance(at, bool) or not isinstance(at, int)):
        raise CaseError(f"at must be an index or one of {', '.join(PLACES)}, not {at!r}")
    if isinstance(table["base"], dict):
        if "shape" in table:
            raise CaseError("a spike takes its shape from its base")
        base = parse(table["base"])
    else:
        base = _fill({"value": table["base"], "shape": table.get("shape")})
    if not base.shape or not base.elements:
        raise CaseError("a spike needs rows with elements")
    length = base.shape[-1]
    if isinstance(at, int) and not -length <= at < length:
        raise CaseError(f"at = {at} is outside a row of {length}")
    row = None if "row" not in table else integer(table["row"], "row")
    if row is not None and row >= base.elements // length:
        raise CaseError(f"row = {row} is outside {base.elements // length} rows")
    size = max(base.magnitude, numerals.magnitude(value))
    return Recipe("spike", base.shape, size, {"base": base, "value": value, "at": at, "row": row})


def _parts(table: Mapping[str, Any]) -> Recipe:
    """Runs of equal values one after the other: 1-D, or the same in ``rows`` rows or in ``columns`` columns."""
    written = table["parts"]
    if not isinstance(written, list) or not all(isinstance(p, dict) and set(p) == {"value", "count"} for p in written):
        raise CaseError("parts must be a list of tables with value and count")
    if "rows" in table and "columns" in table:
        raise CaseError("parts takes rows or columns, not both")
    runs: list[tuple[Numeral, int]] = [(numerals.parse(p["value"]), integer(p["count"], "count")) for p in written]
    shape: tuple[int, ...] = (sum(count for _, count in runs),)
    if "rows" in table:
        shape = (integer(table["rows"], "rows", least=1), *shape)
    if "columns" in table:
        shape = (*shape, integer(table["columns"], "columns", least=1))
    size = max((numerals.magnitude(value) for value, _ in runs), default=0.0)
    return Recipe("parts", _bounded(shape), size, {"runs": tuple(runs), "by_column": "columns" in table})


def _probabilities(table: Mapping[str, Any]) -> Recipe:
    """Integer weights over 2^bits, given one by one; or weights drawn so that every row sums to exactly 1."""
    if "weights" in table:
        if set(table) != {"weights", "bits"}:
            raise CaseError("probabilities with weights take bits and nothing else")
        weights = _parse_list(table["weights"])
        bits = integer(table["bits"], "bits")
        flat = weights.parameters["flat"]
        if any(not isinstance(w, float) or w < 0 or w != int(w) for w in flat):
            raise CaseError("weights must be integers of at least 0")
        return Recipe("dyadic", weights.shape, weights.magnitude * 2.0**-bits, {"flat": flat, "bits": bits})
    if set(table) != {"shape", "seed"}:
        raise CaseError("probabilities take weights and bits, or shape and seed")
    shape = _shape(table["shape"])
    if not shape or not math.prod(shape):
        raise CaseError("probabilities need at least one element")
    return Recipe("probabilities", shape, 1.0, {"seed": integer(table["seed"], "seed")})


def _npz(table: Mapping[str, Any]) -> Recipe:
    """Rows start to stop of an array in a file beside the case files; ``shape`` is that of the whole array."""
    file, key, rows, shape = table["file"], table["key"], table["rows"], _shape(table["shape"])
    if not isinstance(file, str) or not file.endswith(".npz") or "/" in file or "\\" in file:
        raise CaseError(f"file must name a .npz file beside the case files, not {file!r}")
    if not isinstance(key, str):
        raise CaseError(f"key must be the name of an array, not {key!r}")
    if not isinstance(rows, list) or len(rows) != 2:
        raise CaseError("rows must be [start, stop]")
    start, stop = (integer(r, "a row") for r in rows)
    if not shape or not start < stop <= shape[0]:
        raise CaseError(f"rows {rows} are not in an array of shape {list(shape)}")
    parameters = {"file": file, "key": key, "start": start, "stop": stop, "whole": shape}
    return Recipe("npz", (stop - start, *shape[1:]), 0.0, parameters)


_GENERATORS: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[[Mapping[str, Any]], Recipe]]] = {
    "fill": (("value", "shape"), (), _fill),
    "ramp": (("start", "step", "shape"), ("order",), _ramp),
    "lattice": (("shape", "step", "levels", "seed"), ("offset",), _lattice),
    "spike": (("base", "value", "at"), ("shape", "row"), _spike),
    "parts": (("parts",), ("rows", "columns"), _parts),
    "probabilities": ((), ("weights", "bits", "shape", "seed"), _probabilities),
    "npz": (("file", "key", "rows", "shape"), (), _npz),
}
