"""The case set: which cases there are, and the selection of some of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.resources import files
from typing import Any

from smxcheck.caseset.model import Case, CaseError, Group
from smxcheck.caseset.recipes import Recipe
from smxcheck.caseset.schema import Entry, GroupFile, first_shape, parse_text
from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import DEFAULT_DTYPES, FORMATS

TIERS = ("quick", "full")


@dataclass(frozen=True)
class CaseId:
    """The four parts of an id."""

    function: str
    group: str
    name: str
    dtype: str


def parse_id(text: str) -> CaseId:
    """``function/group/name/dtype`` in its parts. Raises CaseError if it has another form or an unknown part."""
    parts = text.split("/")
    if len(parts) != 4 or not all(parts):
        raise CaseError(f"{text!r} is not a case id; one reads log_softmax/far-tail/200/float32")
    if parts[0] not in FUNCTIONS:
        raise CaseError(f"unknown function {parts[0]!r} in the case id {text!r}; see: smxcheck list functions")
    if parts[3] not in FORMATS:
        raise CaseError(f"unknown dtype {parts[3]!r} in the case id {text!r}; known: {', '.join(FORMATS)}")
    return CaseId(*parts)


def load_cases(
    functions: Sequence[str] | None = None,
    dtypes: Sequence[str] = DEFAULT_DTYPES,
    tier: str = "quick",
    only_text: str | None = None,
    ids: Sequence[str] | None = None,
) -> list[Case]:
    """The cases of a selection, acceptance vectors first, then by function, group and size.

    ``only_text`` keeps the ids that contain it, in either case of letters. ``ids`` asks for exactly these cases, of
    any tier and dtype, and overrules everything else. An empty selection is an empty list. Raises CaseError for an
    unknown function, dtype, tier or id.
    """
    if ids is not None:
        return _exactly(ids)
    wanted = _known(functions, FUNCTIONS, "function") if functions is not None else tuple(FUNCTIONS)
    formats = _known(dtypes, FORMATS, "dtype")
    if tier not in TIERS:
        raise CaseError(f"unknown tier {tier!r}; known: {', '.join(TIERS)}")
    found = [
        case
        for group in _files().values()
        for entry in group.entries
        if tier == "full" or entry.tier == "quick"
        for case in cases_of(entry, group, wanted, formats)
    ]
    if only_text:
        text = only_text.lower()
        found = [case for case in found if text in case.id.lower()]
    return sorted(found, key=_order)


def groups() -> list[Group]:
    """Every group of the case set, by name."""
    return [
        Group(
            name=group.name,
            purpose=group.purpose,
            bugs=group.bugs,
            reason=group.reason,
            functions=tuple(f for f in FUNCTIONS if any(f in entry.functions for entry in group.entries)),
            cases=sum(len(entry.functions) * len(entry.dtypes) for entry in group.entries),
        )
        for group in _files().values()
    ]


def all_ids() -> list[str]:
    """Every id there is, over all dtypes and tiers, in the order in which they run."""
    return [case.id for case in load_cases(dtypes=tuple(FORMATS), tier="full")]


def cases_of(entry: Entry, group: GroupFile, functions: Sequence[str], dtypes: Sequence[str]) -> Iterator[Case]:
    """The cases that one entry stands for."""
    for function in entry.functions:
        if function not in functions:
            continue
        shape = first_shape(entry, function)
        for dtype in entry.dtypes:
            if dtype in dtypes:
                yield Case(
                    function=function,
                    group=group.name,
                    name=entry.name,
                    dtype=dtype,
                    check=entry.check,
                    tier=entry.tier,
                    build=partial(_build, entry, function, dtype),
                    keywords=_keywords(entry, dtype),
                    layout=entry.layout,
                    purpose=group.purpose,
                    bugs=group.bugs,
                    why=entry.why,
                    elements=entry.values.elements,
                    shape=shape,
                    acceptance=entry.acceptance,
                )


def _build(entry: Entry, function: str, dtype: str) -> dict[str, Any]:
    from smxcheck.caseset import arguments

    return arguments.build(entry, function, dtype)


@dataclass(frozen=True)
class _Keywords(Mapping[str, Any]):
    """Keywords whose arrays are made when they are read, so that listing cases costs no NumPy."""

    written: Mapping[str, Any]
    dtype: str

    def __getitem__(self, name: str) -> Any:
        value = self.written[name]
        if isinstance(value, Recipe):
            from smxcheck.caseset import arrays

            return arrays.build(value, FORMATS[self.dtype])
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.written)

    def __len__(self) -> int:
        return len(self.written)


def _keywords(entry: Entry, dtype: str) -> Mapping[str, Any]:
    has_arrays = any(isinstance(value, Recipe) for value in entry.keywords.values())
    return _Keywords(entry.keywords, dtype) if has_arrays else entry.keywords


@cache
def _files() -> dict[str, GroupFile]:
    """Group name -> its file. A file bears the name of its group."""
    found: dict[str, GroupFile] = {}
    for resource in sorted(files("smxcases").iterdir(), key=lambda r: r.name.removesuffix(".toml")):
        if resource.name.endswith(".toml"):
            group = parse_text(resource.read_text(encoding="utf-8"), resource.name)
            if resource.name != f"{group.name}.toml":
                raise CaseError(f"{resource.name} holds the group {group.name}; name the file {group.name}.toml")
            found[group.name] = group
    if not found:
        raise CaseError("the package smxcases has no case files; install smxcheck again")
    return found


_FUNCTION_ORDER = {name: i for i, name in enumerate(FUNCTIONS)}
_DTYPE_ORDER = {name: i for i, name in enumerate(("float32", "float64", "float16", "bfloat16"))}


def _order(case: Case) -> tuple[bool, int, str, int, int]:
    """Sorting is stable: cases of one size stay in the order of their file."""
    return (
        not case.acceptance,
        _FUNCTION_ORDER[case.function],
        case.group,
        case.elements,
        _DTYPE_ORDER[case.dtype],
    )


def _exactly(ids: Sequence[str]) -> list[Case]:
    found = {}
    for text in ids:
        wanted = parse_id(text)
        group = _files().get(wanted.group)
        entries = group.entries if group else ()
        matching = [
            case
            for entry in entries
            if entry.name == wanted.name and group
            for case in cases_of(entry, group, (wanted.function,), (wanted.dtype,))
        ]
        if not matching:
            raise CaseError(_no_such_case(wanted))
        found[text] = matching[0]
    return sorted(found.values(), key=_order)


def _no_such_case(wanted: CaseId) -> str:
    text = f"{wanted.function}/{wanted.group}/{wanted.name}/{wanted.dtype}"
    # Only ids of the same function and dtype are compared: all of them would take seconds.
    ids = [case.id for case in load_cases([wanted.function], [wanted.dtype], "full")]
    close = difflib.get_close_matches(text, ids, n=1, cutoff=0.6)
    return f"no case {text}; " + (f"did you mean {close[0]}?" if close else "see: smxcheck list cases")


def _known(names: Sequence[str], table: Iterable[str], kind: str) -> tuple[str, ...]:
    for name in names:
        if name not in table:
            raise CaseError(f"unknown {kind} {name!r}; known: {', '.join(table)}")
    return tuple(names)
