"""Which questions of a run are put to Arb as well, and what came of it in one record."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from smxcheck.caseset.model import Case
from smxcheck.identities import identity_of
from smxcheck.judge.result import Recheck
from smxcheck.oracle import recheck

#: From about this many elements on the oracle answers in float64 and double-double, below in arbitrary precision.
_LARGE = 96


def lacking() -> str:
    """What has to be installed first, in a sentence; empty where nothing has."""
    if find_spec("flint") is not None:
        return ""
    return "a recheck needs python-flint, which is not installed: pip install 'smxcheck[recheck]'"


def choose(units: Mapping[str, Sequence[Case]], sample: int, seed: int) -> frozenset[str]:
    """Ids of ``sample`` cases, in turn from every function, dtype and side of the size at which the tiers change.

    Functions without a formula, questions too large for Arb and identities, which have no exact answer, are left out.
    Empty for a sample of 0.
    """
    if not sample:
        return frozenset()
    covered = recheck.covered()
    strata: dict[tuple[str, str, bool], list[str]] = {}
    for function, cases in units.items():
        for case in cases:
            fits = 0 < case.elements <= recheck.MOST_ELEMENTS and identity_of(case) is None
            if function in covered and fits:
                strata.setdefault((function, case.dtype, case.elements >= _LARGE), []).append(case.id)
    of = random.Random(seed)
    for ids in strata.values():
        of.shuffle(ids)
    in_turn = [
        ids[k]
        for k in range(max(map(len, strata.values()), default=0))
        for ids in strata.values()
        if k < len(ids)
    ]
    return frozenset(in_turn[:sample])


def merged(found: Mapping[str, recheck.Checked], functions: Sequence[str]) -> Recheck:
    """One record of what was found, by case id, in a run of ``functions``."""
    covered = recheck.covered()
    misses = [
        f"{case} at {list(miss.index)}: the oracle says {miss.enclosure}, Arb {miss.arb}"
        for case, checked in sorted(found.items())
        for miss in checked.misses
    ]
    return Recheck(
        library=f"Arb (FLINT {recheck.version()})",
        questions=len(found),
        functions=len({case.partition("/")[0] for case in found}),
        held=sum(c.held for c in found.values()),
        undecided=sum(c.undecided for c in found.values()),
        misses=tuple(misses),
        left_out=tuple(f for f in functions if f not in covered),
    )
