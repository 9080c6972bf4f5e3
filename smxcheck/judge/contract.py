"""The core contract, and what may be declined beyond it.

An exception is wrong in float32 and float64, for one or two axes, with at least one element, an integer axis if the
callable takes one, floating inputs, integer labels on the last axis. Beyond that, a target that raises on *every* case
of a class has declined the class: counted and shown, not wrong. Raising on a part of a class is wrong.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from smxcheck.caseset.model import Case
from smxcheck.judge.result import Result, Status

_RAISES = "SMX301"


def classes(case: Case, arguments: tuple[Any, ...]) -> frozenset[str]:
    """The classes beyond the core contract that a case belongs to."""
    x = np.asarray(arguments[0])
    out = set()
    if case.dtype in ("float16", "bfloat16"):
        out.add(case.dtype)
    if x.ndim == 0:
        out.add("0-d")
    if x.size == 0:
        out.add("no elements along the axis" if _empty_axis(x, case.keywords.get("axis", -1)) else "no rows")
    if x.ndim > 2:
        out.add("three or more axes")
    if x.dtype.kind in "iub":
        out.add("integer input")
    if case.layout not in ("contiguous", "transposed", "every-other", "offset"):
        out.add(f"layout {case.layout}")
    axis = case.keywords.get("axis", -1)
    if axis is None:
        out.add("axis None")
    elif isinstance(axis, tuple):
        out.add("axis tuple")
    elif "labels" in _names(case) and x.ndim and axis % x.ndim != x.ndim - 1:
        out.add("class axis")
    if len(arguments) > 1 and "labels" in _names(case) and np.asarray(arguments[1]).dtype.kind not in "iu":
        out.add("soft labels")
    out.update(f"keyword {k}" for k in case.keywords if k != "axis")
    return frozenset(out)


def _empty_axis(x: Any, axis: Any) -> bool:
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return any(x.shape[a] == 0 for a in axes)


def _names(case: Case) -> tuple[str, ...]:
    from smxcheck.catalog import FUNCTIONS

    return FUNCTIONS[case.function].arguments


@dataclass(frozen=True)
class Filter:
    """``--only 2d,contiguous,n<=8192``: outside it an exception is a refusal."""

    dimensions: int | None = None
    contiguous: bool = False
    longest: int | None = None
    multiple: int | None = None

    def excludes(self, case: Case, x: Any) -> bool:
        n = x.shape[-1] if x.ndim else 1
        return (
            (self.dimensions is not None and x.ndim != self.dimensions)
            or (self.contiguous and case.layout != "contiguous")
            or (self.longest is not None and n > self.longest)
            or (self.multiple is not None and n % self.multiple != 0)
        )


def parse_filter(text: str) -> Filter:
    """``2d,contiguous,n<=8192,n%8==0``. Raises ValueError with the remedy."""
    out = Filter()
    for part in (p.strip() for p in text.split(",") if p.strip()):
        if m := re.fullmatch(r"(\d)d", part):
            out = replace(out, dimensions=int(m[1]))
        elif part == "contiguous":
            out = replace(out, contiguous=True)
        elif m := re.fullmatch(r"n<=(\d+)", part):
            out = replace(out, longest=int(m[1]))
        elif m := re.fullmatch(r"n%(\d+)==0", part):
            out = replace(out, multiple=max(int(m[1]), 1))
        else:
            raise ValueError(f"--only {text}: {part!r} is not understood; use 2d, contiguous, n<=8192, n%8==0")
    return out


def settle_refusals(results: list[Result], of_case: dict[str, frozenset[str]]) -> list[Result]:
    """Make declined what a target refuses as a class, for the results of one target and function."""
    raised: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for r in results:
        for name in of_case.get(r.case, frozenset()):
            total[name] += 1
            raised[name] += r.check == _RAISES and r.status in (Status.WRONG, Status.DECLINED)
    refused = {name for name, n in total.items() if raised[name] == n}

    def settled(r: Result) -> Result:
        if r.check == _RAISES and r.status is Status.WRONG and of_case.get(r.case, frozenset()) & refused:
            return replace(r, status=Status.DECLINED)
        return r

    return [settled(r) for r in results]
