"""Dataclasses from JSON values, each value checked against the type of its field. Nothing is guessed or converted."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

#: JSON has no numbers for these: `smxcheck.report.as_json.plain` writes them as strings.
_NON_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
#: Whole numbers beyond are no counts, and arithmetic with floats would overflow.
_LARGEST = 2**63 - 1
#: Of what has no declared type. A deeper value is an attack on the stack.
_DEEPEST = 4


def decoded(kind: type[T], value: Any, where: str) -> T:
    """``kind(...)`` from a JSON object that has every field of the dataclass; other keys are passed over.

    Fields may be str, bool, int, float, Any, dataclasses, optional ones, ``tuple[X, ...]`` and ``Mapping[str, X]``. Raises
    ValueError with one line that begins with ``where``, the path to the value.
    """
    of: Any = kind
    fields, hints = _object(value, where), _hints(of)
    if missing := [name for name in hints if name not in fields]:
        raise ValueError(f"{where} lacks {', '.join(missing)}")
    return kind(**{name: _typed(hint, fields[name], f"{where}.{name}") for name, hint in hints.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    """The name of each field and its type."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def _typed(hint: Any, value: Any, where: str) -> Any:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):  # X | None
        return None if value is None else _typed(inner[0], value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _expected("a list", value, where)
        return tuple(_typed(inner[0], one, f"{where}[{i}]") for i, one in enumerate(value))
    if origin is Mapping:
        return {key: _typed(inner[1], one, f"{where}.{key[:40]!a}") for key, one in _object(value, where).items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return decoded(hint, value, where)
    return _any(value, where) if hint is Any else _scalar(hint, value, where)


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


def _expected(what: str, value: Any, where: str) -> ValueError:
    """The value itself is not told: it may be of any length, and of anybody's making."""
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return ValueError(f"{where}: {what} is expected, not {names.get(type(value), 'a number')}")
