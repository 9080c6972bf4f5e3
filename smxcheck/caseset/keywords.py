"""The keywords of a case: each is read by its own reader, and an unknown one is an error."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from smxcheck.caseset import recipes
from smxcheck.caseset.model import CaseError
from smxcheck.catalog import FUNCTIONS

_KNOWN = tuple(sorted({keyword for function in FUNCTIONS.values() for keyword in function.keywords}))


def parse(merged: Mapping[str, Any]) -> dict[str, Any]:
    """The keywords of a case, ``axis`` included, as a call takes them. Raises CaseError for what does not fit."""
    written = dict(merged.get("keywords", {}))
    if "axis" in merged:
        written["axis"] = merged["axis"]
    no_unknown(written, _KNOWN)
    return {name: _READERS[name](value, name) for name, value in written.items()}


def one_of(table: Mapping[str, Any], key: str, known: Any, default: str) -> str:
    """The text under ``key``, which must be among the known ones."""
    value = table.get(key, default)
    if value != default and value not in known:
        raise CaseError(f"unknown {key} {value!r}; known: {', '.join(known)}")
    return str(value)


def no_unknown(table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Raise CaseError for the first key that is not known."""
    if unknown := [key for key in table if key not in known]:
        raise CaseError(f"unknown key {unknown[0]}; known: {', '.join(known)}")


def _axis(written: object, name: str) -> int | tuple[int, ...] | None:
    if written == "all":
        return None
    items = written if isinstance(written, list) else [written]
    axes = tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))
    if not axes or len(axes) < len(items):
        raise CaseError(f'axis must be an integer, a list of integers or "all", not {written!r}')
    return axes if isinstance(written, list) else axes[0]


def _reduction(written: object, name: str) -> str:
    return one_of({name: written}, name, ("none", "sum", "mean"), "mean")


def _integer(least: int | None = None) -> Callable[[object, str], int]:
    def read(written: object, name: str) -> int:
        if isinstance(written, bool) or not isinstance(written, int):
            raise CaseError(f"{name} must be an integer, not {written!r}")
        if least is not None and written < least:
            raise CaseError(f"{name} must be at least {least}, not {written}")
        return written

    return read


def _real(least: float, most: float, text: str) -> Callable[[object, str], float]:
    def read(written: object, name: str) -> float:
        if isinstance(written, bool) or not isinstance(written, int | float) or not least <= written <= most:
            raise CaseError(f"{name} must be a number {text}, not {written!r}")
        return float(written)

    return read


def _flag(written: object, name: str) -> bool:
    if not isinstance(written, bool):
        raise CaseError(f"{name} must be true or false, not {written!r}")
    return written


def _text(written: object, name: str) -> str:
    if not isinstance(written, str) or not written:
        raise CaseError(f"{name} must be a text, not {written!r}")
    return written


def _sizes(written: object, name: str) -> tuple[int, ...]:
    if not isinstance(written, list) or not all(isinstance(n, int) and n > 0 for n in written):
        raise CaseError(f"{name} must be a list of positive integers, not {written!r}")
    return tuple(written)


_READERS: dict[str, Callable[[object, str], Any]] = {
    "axis": _axis,
    "weight": lambda written, name: recipes.parse(written),
    "reduction": _reduction,
    "ignore_index": _integer(),
    "label_smoothing": _real(0, 1, "from 0 to 1"),
    "phi": _text,
    "order": _integer(least=1),
    "eps": _real(0, math.inf, "of at least 0"),
    "margin": _real(0, math.inf, "of at least 0"),
    "tau": _real(0, math.inf, "of at least 0"),
    "hard": _flag,
    "draws": _integer(least=1),
    "seed": _integer(least=0),
    "sizes": _sizes,
}
