"""One value that the user may have given, as an option or as a key of ``[tool.smxcheck]``, and what it may be."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from smxcheck.cli.config import Config
from smxcheck.cli.errors import Fail


@dataclass(frozen=True)
class Wish:
    """A value with the name under which the user gave it: an option, or a key of the section."""

    value: Any
    name: str

    def one_of(self, known: Iterable[str], default: str) -> str:
        if self.value in (None, ""):
            return default
        if self.value not in known:
            raise Fail(f"{self.name} is one of {', '.join(known)}, not {self.value!r}")
        return str(self.value)

    def names(self, known: Iterable[str], kind: str) -> tuple[str, ...]:
        """Names that must be in a table; each once."""
        known = tuple(known)
        for name in self.value:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                remedy = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
                raise Fail(f"{self.name}: no {kind} {name!r}{remedy}")
        return tuple(dict.fromkeys(self.value))

    def number(self, default: float | None = None, *, zero: bool = False) -> float | None:
        """A finite number above 0, or from 0 on."""
        if self.value is None:
            return default
        value = float(self.value)
        if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
            raise Fail(f"{self.name} is a number {'from' if zero else 'above'} 0, not {self.value:g}")
        return value

    def whole(self, default: int) -> int:
        if self.value is None:
            return default
        if self.value < 1 or self.value != int(self.value):
            raise Fail(f"{self.name} is a whole number from 1 on, not {self.value:g}")
        return int(self.value)


@dataclass(frozen=True)
class Wishes:
    """What was typed over what the section says."""

    config: Config

    def __call__(self, key: str, typed: Any = None, option: str = "") -> Wish:
        """What was typed, else what the section says of ``key``."""
        if typed in (None, "", ()):
            return Wish(self.config[key], f"{self.config.path}: {key}")
        return Wish(typed, option or f"--{key}")

    def texts(self, key: str, typed: tuple[str, ...], option: str = "") -> Wish:
        """A list of texts; a table of the section reads ``name=value``."""
        found = self(key, typed, option)
        value = found.value
        if isinstance(value, dict):
            value = [f"{k}={v}" for k, v in value.items()]
        return Wish(tuple(value or ()), found.name)
