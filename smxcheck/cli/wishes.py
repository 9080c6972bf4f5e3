"""One value that the user may have given, as an option or as a key of ``[tool.smxcheck]``, and what it may be."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from smxcheck.cli.config import Config
from smxcheck.cli.errors import Fail

T = TypeVar("T")


@dataclass(frozen=True)
class Wish:
    """A value with the name under which the user gave it: an option, or a key of the section with its file and line.

    ``places`` are the file and the line of each member of a list, where the section gave it.
    """

    value: Any
    name: str
    places: tuple[str, ...] = ()

    def one_of(self, known: Iterable[str], default: str) -> str:
        if self.value in (None, ""):
            return default
        if self.value not in known:
            raise Fail(f"{self.name} is one of {', '.join(known)}, not {self.value!r}")
        return str(self.value)

    def names(self, known: Iterable[str], kind: str) -> tuple[str, ...]:
        """Names that must be in a table; each once."""
        known = tuple(known)
        for i, name in enumerate(self.value):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                remedy = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
                raise Fail(f"{self._of_member(i)}: no {kind} {name!r}{remedy}")
        return tuple(dict.fromkeys(self.value))

    def number(self, default: float | None = None, *, zero: bool = False) -> float | None:
        """A finite number above 0, or from 0 on."""
        if self.value is None:
            return default
        value = self._float()
        if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            raise Fail(f"{self.name} is a number {'from' if zero else 'above'} 0, not {value:g}")
        return value

    def whole(self, default: int) -> int:
        if self.value is None:
            return default
        value = self._float()
        if not math.isfinite(value) or value < 1 or value != int(value):
            raise Fail(f"{self.name} is a whole number from 1 on, not {value:g}")
        return int(self.value)

    def flag(self, default: bool) -> bool:
        return default if self.value is None else bool(self.value)

    def read(self, reader: Callable[[Any], T]) -> T:
        """What ``reader`` makes of the value. Its complaint gets the line in front where the section has the value."""
        return self._reads(reader, self.value, self.places[0] if len(self.places) == 1 else self._place())

    def read_each(self, reader: Callable[[Any], T]) -> tuple[T, ...]:
        """The same for each member of a list."""
        places = self.places or ("",) * len(self.value)
        return tuple(self._reads(reader, v, place) for v, place in zip(self.value, places, strict=True))

    def _reads(self, reader: Callable[[Any], T], value: Any, place: str) -> T:
        from smxcheck.targets.protocol import TargetError

        try:
            return reader(value)
        except (ValueError, TargetError) as error:
            raise Fail(f"{place}: {error}" if place else str(error)) from error

    def _place(self) -> str:
        return "" if self.name.startswith("-") or ": " not in self.name else self.name.rpartition(": ")[0]

    def _of_member(self, i: int) -> str:
        """The name, with the line of a member in place of that of the list."""
        return f"{self.places[i]}: {self.name.rpartition(': ')[2]}" if self.places else self.name

    def _float(self) -> float:
        try:
            return float(self.value)
        except OverflowError:  # a whole number of hundreds of digits
            return math.inf if self.value > 0 else -math.inf


@dataclass(frozen=True)
class Wishes:
    """What was typed over what the section says."""

    config: Config

    def __call__(self, key: str, typed: Any = None, option: str = "") -> Wish:
        """What was typed, else what the section says of ``key``."""
        if typed in (None, "", ()):
            return Wish(self.config[key], f"{self.config.where(key)}: {key}")
        return Wish(typed, option or f"--{key}")

    def texts(self, key: str, typed: tuple[str, ...], option: str = "") -> Wish:
        """A list of texts; a table of the section reads ``name=value``."""
        found = self(key, typed, option)
        if found.value is None or typed:
            return Wish(tuple(found.value or ()), found.name)
        members: Iterable[str | int] = found.value if isinstance(found.value, dict) else range(len(found.value))
        places = tuple(self.config.where(key, member) for member in members)
        value = [f"{k}={v}" for k, v in found.value.items()] if isinstance(found.value, dict) else found.value
        return Wish(tuple(value), found.name, places)
