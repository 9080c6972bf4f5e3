"""Cases that no file has: inputs that were found to fail, by drawing or by shrinking another one.

Their group is ``found``, and their name is a digest of everything that makes the call, so that the same input has the
same id wherever it is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from smxcheck.caseset.model import Case
from smxcheck.dtypes import FORMATS

GROUP = "found"

#: Hexadecimal digits of a name. Two of 10,000 inputs collide with probability 10^8/2/16^12 < 1e-6.
_DIGITS = 12


def is_found(name: str) -> bool:
    """Whether a case id is that of a found case: no case file has it."""
    return name.split("/")[1:2] == [GROUP]


def found_case(
    function: str, dtype: str, arguments: Mapping[str, Any], keywords: Mapping[str, Any] | None = None,
    layout: str = "contiguous", why: str = "",
) -> Case:  # fmt: skip
    """The case ``FUNCTION/found/DIGEST/DTYPE`` of one call; ``arguments`` in catalog order, as arrays of the case's dtype
    (labels int64), are copied. Integers as first argument have the dtype float64, which their results have."""
    if dtype not in FORMATS:
        raise ValueError(f"no dtype {dtype!r}; there are {', '.join(FORMATS)}")
    kept = {name: np.array(value, order="C") for name, value in arguments.items()}
    for value in kept.values():
        value.flags.writeable = False
    given = dict(keywords or {})
    first = next(iter(kept.values()))
    return Case(
        function=function, group=GROUP, name=digest(function, dtype, kept, given, layout), dtype=dtype, check="accuracy",
        tier="quick", build=lambda: {name: value.copy() for name, value in kept.items()}, keywords=given, layout=layout,
        purpose="inputs that were found to fail", why=why, elements=int(first.size), shape=tuple(first.shape),
    )  # fmt: skip


def digest(
    function: str, dtype: str, arguments: Mapping[str, Any], keywords: Mapping[str, Any], layout: str
) -> str:
    """SHA-256 over names, formats, shapes and bytes of the call, in the first digits."""
    made = hashlib.sha256(f"{function} {dtype} {layout}".encode())
    for name, value in (*arguments.items(), *sorted(keywords.items())):
        array = np.asarray(value)
        made.update(f" {name} {array.dtype} {array.shape} ".encode())
        made.update(repr(value).encode() if array.dtype.kind in "OU" else np.ascontiguousarray(array).tobytes())
    return made.hexdigest()[:_DIGITS]
