"""Problems: the wrong results of one target and function, grouped by cause, each shown by its smallest input."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from smxcheck.caseset.model import Case
from smxcheck.judge.behaves import Likeness
from smxcheck.judge.codes import CHECKS
from smxcheck.judge.result import Problem, Result, Status
from smxcheck.judge.words import ulps

BAD = (Status.WRONG, Status.CRASHED, Status.HUNG)
_AFTER = 1 << 30  # behind every acceptance vector


@dataclass(frozen=True)
class Wrong:
    """A bad result with the case that it came from, and its place in the run."""

    result: Result
    case: Case
    position: int = 0


def size_order(w: Wrong) -> tuple[int, int, bool, int, str]:
    """The simplest input first: the acceptance vectors as they run, then few elements, plain layout, short text."""
    place = w.position if w.case.acceptance else _AFTER
    elements = max(w.case.elements, 1)
    return (place, elements, w.case.layout != "contiguous", len(w.result.input), w.result.case)


def group(
    target: str, function: str, wrong: Sequence[Wrong], likenesses: Sequence[tuple[Likeness, frozenset[str], int]],
    again_options: str,
) -> list[Problem]:  # fmt: skip
    """One problem for each mistake that the target behaves as, and one for each code among the rest; the one that the
    earliest acceptance vector shows comes first, then the one with most results.

    ``likenesses`` has with each likeness the ids of the cases that it reproduces and how many were looked at.
    """
    left = list(wrong)
    out: list[tuple[tuple[int, int], Problem]] = []

    def add(mine: Sequence[Wrong], behaves: str = "", instead: str = "", bugs: tuple[str, ...] = ()) -> None:
        first = min(size_order(w)[0] for w in mine)
        out.append(((first, -len(mine)), _problem(target, function, mine, again_options, behaves, instead, bugs)))

    for likeness, ids, looked_at in likenesses:
        mine = [w for w in left if w.result.case in ids and w.result.group != "properties"]
        if not mine:
            continue
        left = [w for w in left if w not in mine]
        where = "wrong results" if looked_at >= len(wrong) else "wrong results looked at"
        text = f"{likeness.mistake.formula}, in {len(mine):,} of the {looked_at:,} {where}"
        add(mine, text, likeness.mistake.instead, likeness.mistake.precedents)
    by_code: Mapping[str, list[Wrong]] = defaultdict(list)
    for w in left:
        by_code[w.result.check].append(w)
    for mine in by_code.values():
        add(mine)
    return [problem for _, problem in sorted(out, key=lambda pair: pair[0])]


def _problem(
    target: str, function: str, wrong: Sequence[Wrong], again_options: str,
    behaves: str = "", instead: str = "", bugs: tuple[str, ...] = (),
) -> Problem:  # fmt: skip
    smallest = min(wrong, key=size_order)
    r = smallest.result
    own = tuple(b.partition(":")[0] for b in smallest.case.bugs)
    return Problem(
        target=target, function=function, check=r.check, dtype=r.dtype,
        dtypes=tuple(dict.fromkeys(w.result.dtype for w in wrong)),
        smallest=r.case, cases=tuple(w.result.case for w in sorted(wrong, key=size_order)), count=len(wrong),
        message=headline(function, r), input=r.input, got=r.got, right=r.right,
        behaves_as=behaves, instead=instead,
        again=f"smxcheck verify {shlex.quote(target)}{again_options} --case {r.case}",
        bugs=tuple(dict.fromkeys(bugs + own))[:3],
    )  # fmt: skip


def headline(function: str, r: Result) -> str:
    """The sentence that a problem is headed by."""
    name = CHECKS[r.check].name
    if r.check == "SMX101" and r.error_ulp is not None and "ulp allowed" in r.message:
        return f"{function} is off by {ulps(r.error_ulp)} ulp where {ulps(r.allowed_ulp)} are allowed"
    if name == "not-finite":
        return f"{function} returns {_special(r.got)} where the answer is finite"
    if name == "raises":
        return f"{function} raises on an input that it must accept: {r.message.removeprefix('raised ')}"
    if r.message and name in ("inconsistent", "unexpected-choice", "shape", "dtype", "determinism", "prints", "drift"):
        return f"{function}: {r.message}"
    return f"{function}: {CHECKS[r.check].title}"


def _special(got: str) -> str:
    if "nan" in got:
        return "nan"
    return "-inf" if "-inf" in got else "inf"
