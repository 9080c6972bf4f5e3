"""An input of a call as values that can be made smaller: its arrays, keywords and layout, and what belongs together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from smxcheck.caseset.found import digest, found_case
from smxcheck.caseset.model import Case
from smxcheck.caseset.schema import ROW_FUNCTIONS

Array = npt.NDArray[Any]

#: Arguments that are distributions along the axis: entries left out make the others larger.
DISTRIBUTIONS = frozenset({"p", "q"})
#: Eight bfloat16 that are rounded may add up to 1 ± 8·2^-9.
_NEARLY = 2.0**-6


@dataclass(frozen=True)
class Input:
    """The arguments of one call of ``function`` by name, in catalog order; nothing is written to."""

    function: str
    dtype: str
    arguments: Mapping[str, Array]
    keywords: Mapping[str, Any]
    layout: str = "contiguous"

    @property
    def first(self) -> Array:
        return next(iter(self.arguments.values()))

    @property
    def digest(self) -> str:
        return digest(self.function, self.dtype, self.arguments, self.keywords, self.layout)

    def case(self, why: str = "") -> Case:
        """The case of the group ``found`` that puts this input."""
        return found_case(self.function, self.dtype, self.arguments, self.keywords, self.layout, why)

    def with_argument(self, name: str, values: Array) -> Input:
        return replace(self, arguments={**self.arguments, name: values})

    def without_keyword(self, name: str) -> Input:
        return replace(self, keywords={k: v for k, v in self.keywords.items() if k != name})


def of_case(case: Case) -> Input:
    """The input that a case puts."""
    return Input(case.function, case.dtype, case.build(), dict(case.keywords), case.layout)


def class_axis(of: Input) -> int | None:
    """The axis that a row lies along, from 0 on; None where there are several, or none."""
    axis = of.keywords.get("axis", -1)
    return axis % of.first.ndim if isinstance(axis, int) and of.first.ndim else None


def labels_of(of: Input) -> Array | None:
    """Class numbers, one for each row; None for a function without, and for soft labels."""
    labels = of.arguments.get("labels")
    return labels if labels is not None and labels.dtype.kind in "iu" else None


def is_consistent(of: Input) -> bool:
    """Whether the parts fit each other: arguments of one shape, a label for each row, a weight for each class, an axis that
    is there. Functions of a head and a tail have shapes of their own, which nothing here changes."""
    shape, axis = of.first.shape, of.keywords.get("axis", -1)
    named = () if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if any(not -max(len(shape), 1) <= a < max(len(shape), 1) for a in named):
        return False
    if "sizes" in of.keywords:
        return True
    labels, along = labels_of(of), class_axis(of)
    if labels is not None and (along is None or labels.shape != shape[:along] + shape[along + 1 :]):
        return False
    if any(a.shape != shape for name, a in of.arguments.items() if not (name == "labels" and labels is not None)):
        return False
    weight = of.keywords.get("weight")
    return weight is None or (along is not None and np.shape(weight) == (shape[along],))


def taken(of: Input, axis: int, keep: Sequence[int]) -> Input | None:
    """The input with the places ``keep`` of one axis alone; None where a label that counts would lose its class.

    Labels keep the class that they name: they are numbered anew. One out of range stays out of range.
    """
    along, labels = class_axis(of), labels_of(of)
    keywords = dict(of.keywords)
    arguments: dict[str, Array] = {}
    for name, values in of.arguments.items():
        if name != "labels" or labels is None:
            arguments[name] = np.take(values, keep, axis=axis)
        elif axis == along:
            renamed = _renamed(values, keep, of.first.shape[axis], of.keywords.get("ignore_index", -100))
            if renamed is None:
                return None
            arguments[name] = renamed
        else:
            arguments[name] = np.take(values, keep, axis=axis - (along is not None and axis > along))
    if axis == along and isinstance(keywords.get("weight"), np.ndarray):
        keywords["weight"] = keywords["weight"][list(keep)]
    return replace(of, arguments=arguments, keywords=keywords)


def _renamed(labels: Array, keep: Sequence[int], classes: int, ignored: int) -> Array | None:
    new = {old: number for number, old in enumerate(keep)}
    out = labels.copy()
    for place, label in np.ndenumerate(labels):
        if label == ignored or label < 0:
            continue
        if label < classes and int(label) not in new:
            return None
        out[place] = new.get(int(label), int(label) - classes + len(keep))
    return out


def normalised(of: Input) -> Input | None:
    """With every row of a distribution divided by its sum, the same where there is none; None for one without a sum."""
    along = class_axis(of)
    names = [name for name in of.arguments if name in DISTRIBUTIONS]
    if not names:
        return of
    if along is None:
        return None
    arguments = dict(of.arguments)
    for name in names:
        wide = arguments[name].astype(np.float64)
        total = wide.sum(axis=along, keepdims=True)
        if not (np.isfinite(total).all() and (total > 0).all()):
            return None
        arguments[name] = (wide / total).astype(arguments[name].dtype)
    return replace(of, arguments=arguments)


def is_normalised(of: Input) -> bool:
    """Whether every row of a distribution adds up to 1, as nearly as a row that was rounded to 16 bits does."""
    along = class_axis(of)
    rows = [of.arguments[name].astype(np.float64) for name in of.arguments if name in DISTRIBUTIONS]
    return not rows or (along is not None and all(bool((np.abs(r.sum(axis=along) - 1) < _NEARLY).all()) for r in rows))


def flattened(of: Input) -> Input | None:
    """As one row, or, for functions of rows and labels, as a matrix of rows; None where it is that already."""
    along, labels = class_axis(of), labels_of(of)
    if "sizes" in of.keywords or of.first.ndim < 2 or (of.function in ROW_FUNCTIONS and of.first.ndim == 2):
        return None
    keywords = {k: v for k, v in of.keywords.items() if k != "axis"}
    if of.function not in ROW_FUNCTIONS:
        return replace(of, arguments={n: a.reshape(-1) for n, a in of.arguments.items()}, keywords=keywords)
    if along is None:
        return None

    def matrix(values: Array) -> Array:
        return np.ascontiguousarray(np.moveaxis(values, along, -1)).reshape(-1, values.shape[along])

    arguments = {n: a.reshape(-1) if n == "labels" and labels is not None else matrix(a) for n, a in of.arguments.items()}
    return replace(of, arguments=arguments, keywords=keywords)
