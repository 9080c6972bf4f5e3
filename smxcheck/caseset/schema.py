"""The format of the case files, ``smxcases/1``: every key is checked, and an unknown one is an error.

``cases/README.md`` describes the format for those who write cases.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from smxcheck.caseset import keywords, numerals, recipes, sweeps
from smxcheck.caseset.keywords import no_unknown, one_of
from smxcheck.caseset.model import LAYOUTS, CaseError
from smxcheck.caseset.recipes import Recipe
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS
from smxcheck.judge.codes import CHECKS_BY_NAME

SCHEMA = "smxcases/1"

#: Functions of one row of logits per label: a 1-D input becomes one row.
ROW_FUNCTIONS = frozenset(f.name for f in FUNCTIONS.values() if "labels" in f.arguments)

#: Arguments that a case gives under their own name: all but the first (``values``) and the labels.
ARGUMENTS = tuple(dict.fromkeys(a for f in FUNCTIONS.values() for a in f.arguments[1:] if a != "labels"))

#: Arguments whose last axis has a length of its own.
_OTHER_WIDTH = ("tail",)

LABEL_RULES: dict[str, str] = {
    "first": "the first class",
    "last": "the last class",
    "cycle": "class i modulo the number of classes for row i",
    "smallest": "the class with the smallest value of its row",
    "largest": "the class with the largest value of its row",
}

_DEFAULTS = (
    "functions", "dtypes", "check", "cases", "layout", "axis", "labels", "soft_labels", *ARGUMENTS, "acceptance",
)  # fmt: skip
_GROUP_KEYS = ("schema", "group", "purpose", "bugs", "reason", "case", *_DEFAULTS)
_CASE_KEYS = ("name", "values", "why", "keywords", "as", "sweep", *_DEFAULTS)
_GROUP_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CASE_NAME = re.compile(r"[A-Za-z0-9.+-]+")


@dataclass(frozen=True)
class Labels:
    """Class labels as they were written: a rule, one label for all rows, the labels with their shape, or a file."""

    rule: str = ""
    flat: tuple[int, ...] = ()
    shape: tuple[int, ...] | None = None  # None: one label for all rows
    stored: Recipe | None = None


@dataclass(frozen=True)
class Entry:
    """One case of a file, for all its functions and dtypes."""

    name: str
    values: Recipe
    functions: tuple[str, ...]
    dtypes: tuple[str, ...]
    check: str
    tier: str
    layout: str
    keywords: Mapping[str, Any]
    labels: Labels | None = None
    soft_labels: Recipe | None = None
    others: Mapping[str, Recipe] = field(default_factory=dict)  # by argument name
    as_dtype: str = ""  # the dtype of the array where it is not that of the result: integers
    why: str = ""
    acceptance: bool = False


@dataclass(frozen=True)
class GroupFile:
    """A case file that was read."""

    name: str
    purpose: str
    bugs: tuple[str, ...]
    reason: str
    entries: tuple[Entry, ...]


def parse_text(text: str, source: str) -> GroupFile:
    """Read a case file. ``source`` is its name in messages. Raises CaseError, one line, for anything wrong."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CaseError(f"{source} is not TOML: {error}") from None
    except RecursionError:
        raise CaseError(f"{source}: too deeply nested") from None
    return parse_document(document, source)


def parse_document(document: Mapping[str, Any], source: str) -> GroupFile:
    """Read a case file that is a mapping already."""
    if document.get("schema") != SCHEMA:
        raise CaseError(f'{source}: the first line must be schema = "{SCHEMA}"')
    try:
        no_unknown(document, _GROUP_KEYS)
        name, purpose = _text(document, "group"), _text(document, "purpose")
        if not _GROUP_NAME.fullmatch(name):
            raise CaseError(f"group {name!r} must be lower-case words joined by hyphens")
        bugs = document.get("bugs", [])
        if not isinstance(bugs, list) or not all(isinstance(b, str) for b in bugs):
            raise CaseError("bugs must be a list of texts")
        written = document.get("case", [])
        if not isinstance(written, list) or not written:
            raise CaseError("no [[case]]")
    except CaseError as error:
        raise CaseError(f"{source}: {error}") from None
    defaults = {key: document[key] for key in _DEFAULTS if key in document}
    entries = [entry for case in written for entry in _entries(case, defaults, source)]
    seen: set[tuple[str, str, str]] = set()
    for entry in entries:
        ids = {(function, entry.name, dtype) for function in entry.functions for dtype in entry.dtypes}
        if twice := sorted(ids & seen):
            raise CaseError(f"{source}, case {entry.name}: the name is used twice for {' '.join(twice[0])}")
        seen |= ids
    return GroupFile(name, purpose, tuple(bugs), str(document.get("reason", "")), tuple(entries))


def _entries(case: Any, defaults: Mapping[str, Any], source: str) -> list[Entry]:
    name = case.get("name", "without a name") if isinstance(case, dict) else "that is not a table"
    try:
        if not isinstance(case, dict):
            raise CaseError("a case must be a table")
        no_unknown(case, _CASE_KEYS)
        entries = []
        for single in sweeps.expand(case):
            name = single.get("name", name)
            entries.append(_entry(single, defaults))
        return entries
    except CaseError as error:
        raise CaseError(f"{source}, case {name}: {error}") from None
    except RecursionError:
        raise CaseError(f"{source}, case {name}: too deeply nested") from None


def _entry(case: Mapping[str, Any], defaults: Mapping[str, Any]) -> Entry:
    # What a case says of its labels replaces what the group says, of either kind.
    kept = {k: v for k, v in defaults.items() if k not in ("labels", "soft_labels")}
    if "labels" not in case and "soft_labels" not in case:
        kept = dict(defaults)
    merged = {**kept, **case}
    name = _text(merged, "name")
    if not _CASE_NAME.fullmatch(name):
        raise CaseError("a name has letters, digits, and . + - only")
    if "values" not in merged:
        raise CaseError("values are missing")
    values = recipes.parse(merged["values"])
    soft_labels = recipes.parse(merged["soft_labels"]) if "soft_labels" in merged else None
    others = {key: recipes.parse(merged[key]) for key in ARGUMENTS if key in merged}
    functions = _names(merged, "functions", FUNCTIONS)
    given = keywords.parse(merged)
    for function in functions:
        if unknown := [k for k in given if k not in FUNCTIONS[function].keywords]:
            raise CaseError(f"{function} takes no {unknown[0]}")
    size = max(r.magnitude for r in (values, soft_labels, *others.values()) if r is not None)
    entry = Entry(
        name=name,
        values=values,
        functions=functions,
        dtypes=_dtypes(merged, size),
        check=one_of(merged, "check", CHECKS_BY_NAME, "accuracy"),
        tier=one_of(merged, "cases", ("quick", "full"), "quick"),
        layout=one_of(merged, "layout", LAYOUTS, "contiguous"),
        keywords=given,
        labels=_labels(merged["labels"]) if "labels" in merged else None,
        as_dtype=one_of(merged, "as", ("int64", "int32"), ""),
        why=str(merged.get("why", "")),
        acceptance=bool(merged.get("acceptance", False)),
        soft_labels=soft_labels,
        others=others,
    )
    for function in functions:
        check_arguments(entry, function)
    return entry


def check_arguments(entry: Entry, function: str) -> None:
    """Raise CaseError where the arguments of ``function`` are missing or do not fit together."""
    arguments = FUNCTIONS[function].arguments
    for argument in (a for a in arguments[1:] if a != "labels"):
        given = entry.others.get(argument)
        if given is None:
            raise CaseError(f"{function} needs {argument}")
        wanted = entry.values.shape
        if argument in _OTHER_WIDTH:
            wanted = (*wanted[:-1], *given.shape[-1:])
        if given.shape not in ((), wanted):
            raise CaseError(f"{argument} has shape {list(given.shape)}, not {list(wanted)}")
    if "labels" not in arguments:
        return
    if not entry.values.shape:
        raise CaseError(f"{function} needs at least one axis")
    if entry.labels is None and entry.soft_labels is None:
        raise CaseError(f"{function} needs labels or soft_labels")
    if entry.labels is not None and entry.soft_labels is not None:
        raise CaseError("give labels or soft_labels, not both")
    if entry.soft_labels is not None and entry.soft_labels.shape != entry.values.shape:
        raise CaseError(f"soft_labels have shape {list(entry.soft_labels.shape)}, not {list(entry.values.shape)}")
    expected = label_shape(entry, function)
    if entry.labels is not None and entry.labels.shape not in (None, expected):
        raise CaseError(f"labels have shape {list(entry.labels.shape or ())}, not {list(expected)}")


def first_shape(entry: Entry, function: str) -> tuple[int, ...]:
    """The shape of the first argument: one row of logits becomes a batch of one."""
    shape = entry.values.shape
    return (1, *shape) if function in ROW_FUNCTIONS and len(shape) == 1 else shape


def label_shape(entry: Entry, function: str) -> tuple[int, ...]:
    """The shape of class labels: that of the logits without the class axis."""
    shape = first_shape(entry, function)
    axis = entry.keywords.get("axis", -1)
    if not isinstance(axis, int) or not -len(shape) <= axis < len(shape):
        raise CaseError(f"axis {axis} is no class axis of {list(shape)}")
    axis %= len(shape)
    return shape[:axis] + shape[axis + 1 :]


def _labels(written: object) -> Labels:
    if isinstance(written, str):
        if written not in LABEL_RULES:
            raise CaseError(f"labels must be integers or one of {', '.join(LABEL_RULES)}, not {written!r}")
        return Labels(rule=written)
    if isinstance(written, int) and not isinstance(written, bool):
        return Labels(flat=(written,))
    if isinstance(written, dict) and set(written) == {"npz"}:
        stored = recipes.parse(written)
        return Labels(shape=stored.shape, stored=stored)
    if not isinstance(written, list):
        raise CaseError(f"labels must be integers, not {written!r}; soft labels go under soft_labels")
    recipe = recipes.parse(written)
    flat = recipe.parameters["flat"]
    if any(not isinstance(v, float) or not v.is_integer() for v in flat):
        raise CaseError("labels must be integers; soft labels go under soft_labels")
    return Labels(flat=tuple(int(v) for v in flat), shape=recipe.shape)


def _dtypes(merged: Mapping[str, Any], size: float) -> tuple[str, ...]:
    """The dtypes of a case: those listed (each must hold the values), or with "finite" those that hold them."""
    written = merged.get("dtypes", list(FORMATS))
    fits = [name for name, fmt in FORMATS.items() if numerals.is_finite_in(size, fmt)]
    if written == "finite":
        return tuple(fits)
    names = _names({"dtypes": written}, "dtypes", FORMATS)
    if wrong := [name for name in names if name not in fits]:
        raise CaseError(f'{size:g} is not finite in {wrong[0]}; list the dtypes, or dtypes = "finite"')
    return names


def _names(table: Mapping[str, Any], key: str, known: Mapping[str, Any]) -> tuple[str, ...]:
    written = table.get(key)
    if not isinstance(written, list) or not written:
        raise CaseError(f"{key} must be a list of names")
    if unknown := [name for name in written if name not in known]:
        raise CaseError(f"unknown name {unknown[0]!r} in {key}; known: {', '.join(known)}")
    if len(set(written)) != len(written):
        raise CaseError(f"{key} names one twice")
    return tuple(written)


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CaseError(f"{key} must be a text")
    return value
