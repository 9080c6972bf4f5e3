"""A family of cases from one entry: the entry is written once, with {name} where a value goes.

This is substitution, nothing is evaluated: a string that is exactly ``{n}`` becomes the value itself, and ``{n}``
within a longer string becomes its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from smxcheck.caseset.model import CaseError
from smxcheck.caseset.recipes import integer

#: More cases from one entry than this is a mistake in the file.
MAX_SWEEP = 2000


def expand(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The entries that an entry stands for: one for each combination of the values in its ``sweep`` table."""
    if "sweep" not in entry:
        yield dict(entry)
        return
    sweep = entry["sweep"]
    if not isinstance(sweep, dict) or not sweep:
        raise CaseError("sweep must be a table of names, each with a list or {from, to, step, except}")
    names = list(sweep)
    columns = [_values(name, sweep[name]) for name in names]
    rest = {key: value for key, value in entry.items() if key != "sweep"}
    for combination in product(*columns):
        values = dict(zip(names, combination, strict=True))
        single: dict[str, Any] = _substitute(rest, values)
        if "name" in single:
            single["name"] = _text(single["name"])
        yield single


def _values(name: str, written: object) -> list[Any]:
    if isinstance(written, dict):
        if not {"from", "to"} <= set(written) <= {"from", "to", "step", "except"}:
            raise CaseError(f"sweep of {name} takes from, to (included), step and except")
        first, last = integer(written["from"], "from"), integer(written["to"], "to")
        step, left_out = integer(written.get("step", 1), "step", least=1), written.get("except", [])
        if last - first > step * MAX_SWEEP or not isinstance(left_out, list):
            raise CaseError(f"sweep of {name} has more than {MAX_SWEEP} values, or its except is no list")
        written = [n for n in range(first, last + 1, step) if n not in left_out]
    if not isinstance(written, list) or not 0 < len(written) <= MAX_SWEEP:
        raise CaseError(f"sweep of {name} must have 1 to {MAX_SWEEP} values")
    return written


def _text(value: Any) -> str:
    """A value as a part of a name: 1e30, not 1e+30."""
    return repr(value).replace("e+", "e") if isinstance(value, float) else str(value)


def _substitute(item: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(item, dict):
        return {key: _substitute(value, values) for key, value in item.items()}
    if isinstance(item, list):
        return [_substitute(value, values) for value in item]
    if not isinstance(item, str) or "{" not in item:
        return item
    for name, value in values.items():
        if item == f"{{{name}}}":
            return value
        item = item.replace(f"{{{name}}}", _text(value))
    if "{" in item:
        raise CaseError(f"{item!r} has a placeholder that the sweep does not name")
    return item
