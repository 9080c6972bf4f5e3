"""What a known mistake is: a wrong implementation with its name, its remedy and the smallest inputs that expose it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import FORMATS

ALL_DTYPES = tuple(FORMATS)
WIDE = ("float32", "float64")
SIXTEEN_BIT = ("float16", "bfloat16")


@dataclass(frozen=True)
class Example:
    """One call, as nested lists of numbers: arguments in catalog order, and keywords."""

    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def build(self, function: str, dtype: str) -> tuple[tuple[np.ndarray, ...], dict[str, Any]] | None:
        """The call in ``dtype``, or None where a finite number of the example is infinite in that dtype.

        Labels that are integers become int64; every other array has the dtype, class weights included.
        """
        arguments = []
        for name, values in zip(FUNCTIONS[function].arguments, self.arguments, strict=True):
            wide = np.asarray(values)
            if name == "labels" and wide.dtype.kind == "i":
                arguments.append(wide.astype(np.int64))
                continue
            narrow = _cast(wide, dtype)
            if np.any(np.isfinite(wide) & ~np.isfinite(narrow)):
                return None
            arguments.append(narrow)
        keywords = dict(self.keywords)
        if keywords.get("weight") is not None:
            keywords["weight"] = _cast(np.asarray(keywords["weight"]), dtype)
        return tuple(arguments), keywords


def ex(*arguments: Any, **keywords: Any) -> Example:
    """An example, written as the call is."""
    return Example(arguments, keywords)


def _cast(values: np.ndarray, dtype: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        return values.astype(np.float64).astype(FORMATS[dtype].numpy())


@dataclass(frozen=True)
class Mistake:
    """A wrong implementation of one function.

    ``id`` is permanent and starts with the function's name. ``formula`` is what a problem prints after "behaves as",
    ``instead`` what to write in its place. ``check`` is the code under which it is mainly found. ``call`` takes the
    catalog's arguments as NumPy arrays (float16, bfloat16, float32, float64, or integers) and its keywords, computes
    in the dtype that it is given as careless code does, warns of nothing, and raises only where a right
    implementation raises too (a label out of range). It never writes to its input.

    ``precedents`` are real occurrences, ``owner/repo#number``. ``families`` is the number in the catalogue of mutants.
    ``dtypes`` are those in which it must be found, on one of the ``examples`` at least; ``equivalent`` those in which
    no bound of level ``fails`` can tell it from a right one, for the reason in the docstring of ``call``'s function.
    ``fails`` is the most lenient level that it fails: what fails only ``tight`` is a choice that ``standard`` accepts.
    """

    id: str
    formula: str
    instead: str
    check: str
    call: Callable[..., np.ndarray] = field(repr=False)
    examples: tuple[Example, ...] = field(repr=False)
    families: str = ""
    precedents: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = ALL_DTYPES
    equivalent: tuple[str, ...] = ()
    fails: str = "standard"

    @property
    def function(self) -> str:
        """The catalog's name of the function that it gets wrong."""
        return self.id.split("/", 1)[0]


@dataclass(frozen=True)
class Misbehaviour:
    """An implementation whose values are right where nobody looks twice, and that breaks one other property.

    ``breaks`` says which, in a few words; ``check`` is the only check that can find it. ``beside`` are further functions
    of the same target, right ones, for what only shows between several.
    """

    id: str
    breaks: str
    check: str
    call: Callable[..., Any] = field(repr=False)
    beside: Mapping[str, Callable[..., Any]] = field(default_factory=dict, repr=False)

    @property
    def function(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def calls(self) -> Mapping[str, Callable[..., Any]]:
        """All functions of the target that it stands for."""
        return {self.function: self.call, **self.beside}
