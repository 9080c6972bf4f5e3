"""One module per library: its functions under the catalog's names and calling convention.

Each has ``ARRAYS`` (what its functions take), ``adapted()`` (function -> :class:`Adapted`), ``versions()``
and ``notes()``, and ``forget()`` where it keeps something from call to call. A function takes the catalog's arguments by position and its keywords by name; a keyword that
the library lacks is left out, and so is tested at its default only. Derivatives that differentiation gives are added
by ``smxcheck.targets.autodiff``, where the module has none of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Adapted:
    """A library's function: what a reader calls it, and the callable with the catalog's convention."""

    spelled: str
    call: Callable[..., Any]


def forget() -> None:
    """Has the adapters that were imported give up what they keep for later calls, and its memory."""
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{__name__}.") and hasattr(module, "forget"):
            module.forget()


class Adapter(Protocol):
    """What every module here offers."""

    ARRAYS: str

    def adapted(self) -> Mapping[str, Adapted]: ...

    def versions(self) -> Mapping[str, str]: ...

    def notes(self) -> tuple[str, ...]:
        """Lines for the report's header."""
        ...
