"""Dataclasses from JSON values, each value checked against the type of its field. Nothing is guessed or converted."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
#: From a value and the path to it, which an error begins with.
Reader = Callable[[Any, str], Any]

#: JSON has no numbers for these: `smxcheck.report.as_json.plain` writes them as strings.
_NON_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
#: Whole numbers beyond are no counts, and arithmetic with floats would overflow.
_LARGEST = 2**63 - 1
#: Of what has no declared type. A deeper value is an attack on the stack.
_DEEPEST = 4


def decoded(kind: type[T], value: Any, where: str, *, defaults: bool = False) -> T:
    """``kind(...)`` from a JSON object that has every field of the dataclass; other keys are passed over.

    Fields may be str, bool, int, float, Any, enumerations, dataclasses, optional ones, ``tuple[X, ...]``, ``Mapping[str, X]``
    and mappings with other keys, which are lists of pairs in JSON. With ``defaults`` a field that has a default may be
    missing, as in a file of an earlier version. Raises ValueError with one line that begins with ``where``, the path to
    the value.
    """
    of: Any = kind
    given, readers, optional = _object(value, where), _readers(of, defaults), _optional(of) if defaults else frozenset()
    if missing := [name for name in readers if name not in given and name not in optional]:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    found = {}
    for name, (exact, reader) in readers.items():
        if name in given:
            one = given[name]
            # Most fields are texts and numbers of just the right type: no path need be put together for them.
            found[name] = one if type(one) is exact else reader(one, f"{where}.{name}")
    return kind(**found)


@cache
def _readers(kind: Any, defaults: bool) -> dict[str, tuple[Any, Reader]]:
    """For each field the type of values that need no look, None where there is none, and the reader of all others."""
    hints = get_type_hints(kind)
    exact = {str: str, bool: bool, float: float, float | None: float}
    return {
        f.name: (exact.get(hints[f.name]), _reader(hints[f.name], defaults)) for f in dataclasses.fields(kind)
    }


@cache
def _optional(kind: Any) -> frozenset[str]:
    """The fields with a default."""
    none = dataclasses.MISSING
    return frozenset(f.name for f in dataclasses.fields(kind) if f.default is not none or f.default_factory is not none)


@cache
def _reader(hint: Any, defaults: bool) -> Reader:
    """What makes a value of a type: worked out once for each, since a report has a million of them."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):  # X | None
        one = _reader(inner[0], defaults)
        return lambda value, where: None if value is None else one(value, where)
    if origin is tuple:
        one = _reader(inner[0], defaults)
        return lambda value, where: tuple(one(x, f"{where}[{i}]") for i, x in enumerate(_list(value, where)))
    if origin is Mapping:
        key, one = (_reader(of, defaults) for of in inner)
        return partial(_mapping, one) if inner[0] is str else partial(_pairs, key, one)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return lambda value, where: decoded(hint, value, where, defaults=defaults)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return partial(_member, {member.value: member for member in hint})
    return _any if hint is Any else partial(_scalar, hint)


def _mapping(one: Reader, value: Any, where: str) -> dict[str, Any]:
    return {key: one(x, f"{where}.{key[:40]!a}") for key, x in _object(value, where).items()}


def _pairs(key: Reader, one: Reader, value: Any, where: str) -> dict[Any, Any]:
    """A mapping whose keys are no texts: lists of a key and its value."""
    found = {}
    for entry in _list(value, where):
        if not isinstance(entry, list) or len(entry) != 2:
            raise ValueError(f"{where}: pairs of a key and its value are expected")
        found[key(entry[0], where)] = one(entry[1], where)
    return found


def _member(known: Mapping[str, Enum], value: Any, where: str) -> Enum:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"{where}: expected one of {', '.join(known)}")
    return known[value]


def _scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is float:
        return number(value, where)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise _expected({int: "a whole number", str: "a text", bool: "true or false"}[hint], value, where)
    if hint is int and abs(value) > _LARGEST:
        raise ValueError(f"{where}: the number is too large")
    return value


def number(value: Any, where: str) -> float:
    """A float from a JSON number, or from the string that stands for an infinity or nan."""
    if isinstance(value, str) and value in _NON_FINITE:
        return _NON_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _expected("a number", value, where)
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{where}: the number is too large") from None


def _any(value: Any, where: str, depth: int = 0) -> Any:
    """What has no declared type, as it is."""
    if depth > _DEEPEST:
        raise ValueError(f"{where}: lists and objects in each other deeper than {_DEEPEST}")
    if isinstance(value, list):
        return [_any(one, where, depth + 1) for one in value]
    if isinstance(value, dict):
        return {key: _any(one, where, depth + 1) for key, one in value.items()}
    return _scalar(int, value, where) if isinstance(value, int) and not isinstance(value, bool) else value


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _expected("an object", value, where)
    return value


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _expected("a list", value, where)
    return value


def _expected(what: str, value: Any, where: str) -> ValueError:
    """The value itself is not told: it may be of any length, and of anybody's making."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return ValueError(f"{where}: {what} is expected, not {names.get(type(value), 'a number')}")
