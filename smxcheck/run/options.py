"""What a run is asked for: one frozen, serialisable record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from smxcheck.catalog import FUNCTIONS
from smxcheck.dtypes import DEFAULT_DTYPES
from smxcheck.judge.call import Demand
from smxcheck.targets.gradients import AUTO
from smxcheck.targets.options import WorkerOptions


@dataclass(frozen=True)
class RunOptions:
    """The whole command of ``verify``, read and checked.

    ``targets`` are texts as typed; ``expected_wrong`` and ``beside`` name those of them that do not make the verdict.
    ``in_first_dtype`` are targets that run in the first of the dtypes alone. ``declared`` maps "target/function" to the level that a shipped algorithm declares. ``only`` is the text of --only. ``worker`` holds fields of ``WorkerOptions``; ``gradients`` are the texts of --gradient.
    ``recheck`` is the number of questions whose enclosures are held against Arb; ``published`` asks for the published
    statements too. ``fuzz`` is the number of seconds for drawn inputs, ``store`` the folder in which failing inputs are
    kept (None: nowhere), ``shard`` (i, n) the part of the cases that this run puts, i from 1 to n.
    """

    targets: tuple[str, ...]
    functions: tuple[str, ...] | None = None
    dtypes: tuple[str, ...] = DEFAULT_DTYPES
    tier: str = "quick"
    text: str | None = None
    ids: tuple[str, ...] | None = None
    inputs: str | None = None
    demand: Demand = field(default_factory=Demand)
    only: str = ""
    known: str | None = None
    beside: str | None = None
    expected_wrong: tuple[str, ...] = ()
    declared: Mapping[str, str] = field(default_factory=dict)
    in_first_dtype: frozenset[str] = frozenset()
    worker: Mapping[str, Any] = field(default_factory=dict)
    gradients: tuple[str, ...] = ()
    jobs: int = 1
    time_limit: float | None = None
    stop_first: bool = False
    seed: int = 0
    recheck: int = 0
    published: bool = False
    fuzz: float | None = None
    store: str | None = None
    shard: tuple[int, int] | None = None
    exit_zero: bool = False
    command: str = ""
    own: bool = False

    def of_function(self, function: str) -> RunOptions:
        """The same with those ids only that belong to ``function``."""
        if self.ids is None:
            return self
        return replace(self, ids=tuple(i for i in self.ids if i.startswith(f"{function}/")))

    def worker_options(self, target: str) -> WorkerOptions:
        """How ``target`` is loaded: a derivative that is asked for by name, or by a case of it, is differentiated.

        A gradient that is named belongs to the target that is judged, not to the one beside it.
        """
        asked = dict.fromkeys([*(self.functions or ()), *(name.partition("/")[0] for name in self.ids or ())])
        derive = tuple(f for f in asked if f in FUNCTIONS and FUNCTIONS[f].derivative_of)
        gradients = tuple(g for g in self.gradients if g == AUTO or target in self.targets)
        return WorkerOptions(**self.worker, derive=derive, gradients=gradients)

    @property
    def all_targets(self) -> tuple[str, ...]:
        """Those that make the verdict, then the one beside them."""
        return self.targets + ((self.beside,) if self.beside and self.beside not in self.targets else ())
