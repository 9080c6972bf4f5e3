"""What a case is once it is read: one call of one function in one dtype, with a permanent id."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class CaseError(Exception):
    """A case file, a selection of cases or a file of inputs is not usable: one line with the remedy."""


@dataclass(frozen=True)
class Group:
    """Cases that share a reason. ``cases`` counts ids over all functions, dtypes and tiers."""

    name: str
    purpose: str
    bugs: tuple[str, ...]  # "owner/repo#N: what happened"
    reason: str  # why the group exists, where no public bug report is known
    functions: tuple[str, ...]
    cases: int


@dataclass(frozen=True)
class Case:
    """One input of one function in one dtype.

    ``build()`` makes the arguments, a mapping from argument name (catalog order) to a C-contiguous array of the
    case's dtype (labels: int64, or the dtype for soft labels). It is a recipe, so that a case of 10⁷ elements costs
    nothing until it is run. ``keywords`` holds what the case gives (``axis``, ``weight`` as array, ...), never a
    default. ``layout`` says how the worker lays the same values out in memory before the call.
    """

    function: str
    group: str
    name: str
    dtype: str
    check: str
    tier: str  # "quick" or "full"
    build: Callable[[], dict[str, Any]] = field(repr=False, compare=False)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "contiguous"
    purpose: str = ""
    bugs: tuple[str, ...] = ()
    why: str = ""  # what this one case shows, where the group's purpose does not say it all
    elements: int = 0  # of the first argument, known without building it
    shape: tuple[int, ...] = ()  # of the first argument, known without building it
    acceptance: bool = False  # acceptance vectors run first

    @property
    def id(self) -> str:
        """``function/group/name/dtype``: permanent, readable, accepted by ``--case``."""
        return f"{self.function}/{self.group}/{self.name}/{self.dtype}"


#: How the values of the first argument can lie in memory. The worker builds the view; the values are the same.
LAYOUTS: dict[str, str] = {
    "contiguous": "C order, one block",
    "transposed": "Fortran order: the transpose of a contiguous array",
    "every-other": "every second column of a wider array",
    "reversed": "negative strides along the last axis",
    "offset": "starts inside a larger buffer",
    "broadcast": "all rows are one row, stride 0",
    "read-only": "contiguous, not writeable",
}
