"""Problems: the wrong results of one target and function, grouped by cause, each shown by its smallest input."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smxcheck.caseset.model import Case
from smxcheck.judge.codes import CHECKS, is_identity
from smxcheck.judge.result import Problem, Result, Status
from smxcheck.judge.words import NOT_FINITE, NOT_INFINITE, NOT_NAN, ulps
from smxcheck.mistakes import Mistake

BAD = (Status.WRONG, Status.CRASHED, Status.HUNG)
_AFTER = 1 << 30  # behind every acceptance vector
#: Checks of values whose page says "right elsewhere, wrong here". Where plain values are mostly wrong, that is not
#: known, and the results are part of the one problem.
_SPECIFIC = (
    "SMX103", "SMX105", "SMX106", "SMX107", "SMX108", "SMX203", "SMX204", "SMX209", "SMX402", "SMX403", "SMX404",
    "SMX405", "SMX406",
)  # fmt: skip
_PLAIN = ("SMX101", "SMX102")
#: How a message about values begins, and the plain check of that symptom.
_SYMPTOMS = (
    ("error", "SMX101"), (NOT_FINITE, "SMX102"), (NOT_INFINITE, "SMX103"), (NOT_NAN, "SMX104"),
)  # fmt: skip


@dataclass(frozen=True)
class Wrong:
    """A bad result with the case that it came from, and its place in the run."""

    result: Result
    case: Case
    position: int = 0


def size_order(w: Wrong) -> tuple[int, bool, int, bool, int, str]:
    """The simplest input first: the acceptance vectors as they run, exact values before identities, then few elements,
    plain layout, short text."""
    place = w.position if w.case.acceptance else _AFTER
    elements = max(w.case.elements, 1)
    plain = w.case.layout != "contiguous"
    return (place, is_identity(w.result.check), elements, plain, len(w.result.input), w.result.case)


@dataclass(frozen=True)
class Explained:
    """Case ids that a mistake reproduces, perhaps ``wider`` than its arrays, those where it is wrong in the same
    places, and how many were looked at."""

    mistake: Mistake
    wider: bool
    reproduced: frozenset[str]
    akin: frozenset[str]
    looked_at: int


def results_of(problems: Sequence[Problem], results: Sequence[Result]) -> list[list[Result]]:
    """The bad results of each problem. A case may have several, of its value and of a property: each is of the problem
    with its own check among those that have the case, else of the first of them."""
    holders: dict[tuple[str, str], list[int]] = defaultdict(list)
    for i, p in enumerate(problems):
        for case in p.cases:
            holders[p.target, case].append(i)
    out: list[list[Result]] = [[] for _ in problems]
    for r in results:
        candidates = holders.get((r.target, r.case), []) if r.status in BAD else []
        if candidates:
            out[next((i for i in candidates if problems[i].check == r.check), candidates[0])].append(r)
    return out


def mostly_wrong(results: Sequence[Result]) -> bool:
    """Whether at least half of the results of plain values are wrong."""
    plain = [r for r in results if r.check in _PLAIN and r.group != "properties"]
    return sum(r.status is Status.WRONG for r in plain) * 2 >= len(plain) > 0


def group(
    target: str, function: str, wrong: Sequence[Wrong], explained: Sequence[Explained], everywhere: bool,
    again_options: str,
) -> list[Problem]:  # fmt: skip
    """One problem for each mistake that the target behaves as, and one for each code among the rest; the one that the
    earliest acceptance vector shows comes first, then the one with most results.

    With ``everywhere`` (plain values are mostly wrong) the rest is one problem for all checks of values.
    """
    left = list(wrong)
    out: list[tuple[tuple[int, int], Problem]] = []

    def add(mine: Sequence[Wrong], **known: Any) -> None:
        first = min(size_order(w)[0] for w in mine)
        out.append(((first, -len(mine)), _problem(target, function, mine, again_options, **known)))

    for e in explained:
        mine, left = _split(left, e.reproduced | e.akin)
        if mine:
            count = sum(w.result.case in e.reproduced for w in mine)
            add(mine, behaves=_behaves(e, count, len(wrong)), instead=e.mistake.instead, bugs=e.mistake.precedents)
    by_code: Mapping[str, list[Wrong]] = defaultdict(list)
    for w in left:
        code = w.result.check
        joined = everywhere and (code in (*_PLAIN, *_SPECIFIC) or is_identity(code))
        by_code[_PLAIN[0] if joined else code].append(w)
    for code, mine in _by_symptom(by_code).items():
        add(mine, code=code)
    return [problem for _, problem in sorted(out, key=lambda pair: pair[0])]


def _by_symptom(by_code: Mapping[str, list[Wrong]]) -> dict[str, list[Wrong]]:
    """Checks of one circumstance (an axis, a length, a layout) joined to the plain check of the same symptom.

    They blame the circumstance because plain values come out right. Where plain values show the same symptom in at
    least a quarter as many results, they are one cause.
    """
    out = {code: list(found) for code, found in by_code.items()}
    for symptom, plain in _SYMPTOMS:
        same = {c: [w for w in out.get(c, []) if w.result.message.startswith(symptom)] for c in _SPECIFIC if c != plain}
        count = sum(map(len, same.values()))
        if not count or 4 * len(out.get(plain, [])) < count:
            continue
        for code, found in same.items():
            out[plain] += found
            out[code] = [w for w in out.get(code, []) if w not in found]
    return {code: found for code, found in out.items() if found}


def _split(wrong: Sequence[Wrong], ids: frozenset[str]) -> tuple[list[Wrong], list[Wrong]]:
    """The results of values in these cases, and the others."""
    mine: list[Wrong] = []
    others: list[Wrong] = []
    for w in wrong:
        (mine if w.result.case in ids and w.result.group != "properties" else others).append(w)
    return mine, others


def _behaves(e: Explained, count: int, wrong: int) -> str:
    where = "wrong results" if e.looked_at >= wrong else "wrong results looked at"
    formula = e.mistake.formula + (", computed in a wider format" if e.wider else "")
    return f"{formula}, in {count:,} of the {e.looked_at:,} {where}"


def _problem(
    target: str, function: str, wrong: Sequence[Wrong], again_options: str,
    code: str = "", behaves: str = "", instead: str = "", bugs: tuple[str, ...] = (),
) -> Problem:  # fmt: skip
    # What was joined to a plain check is shown by it: the page of a circumstance would say "right elsewhere".
    smallest = min([w for w in wrong if w.result.check == code] or wrong, key=size_order)
    r = smallest.result
    # The acceptance vectors share one list of bugs, which says nothing of the one at hand.
    own = () if smallest.case.acceptance else tuple(b.partition(":")[0] for b in smallest.case.bugs)
    return Problem(
        target=target, function=function, check=r.check, dtype=r.dtype,
        dtypes=tuple(dict.fromkeys(w.result.dtype for w in wrong)),
        smallest=r.case, cases=tuple(w.result.case for w in sorted(wrong, key=size_order)), count=len(wrong),
        message=headline(function, r), input=r.input, got=r.got, right=r.right,
        behaves_as=behaves, instead=instead,
        again=f"smxcheck verify {shlex.quote(target)}{again_options} --case {r.case}",
        bugs=(bugs or own)[:3],  # of the mistake that it behaves as, else of the group of cases
    )  # fmt: skip


def headline(function: str, r: Result) -> str:
    """The sentence that a problem is headed by."""
    name = CHECKS[r.check].name
    if r.check == "SMX101" and r.error_ulp is not None and "ulp allowed" in r.message:
        return f"{function} is off by {ulps(r.error_ulp)} ulp where {ulps(r.allowed_ulp)} are allowed"
    if r.message.startswith("off by "):
        return f"{function} is {r.message}"
    if name == "not-finite":
        return f"{function} returns {_special(r.got)} where the answer is finite"
    if name == "raises":
        return f"{function} raises on an input that it must accept: {r.message.removeprefix('raised ')}"
    if is_identity(r.check):
        return f"{function}: {r.message}"
    if r.message and name in ("inconsistent", "unexpected-choice", "shape", "dtype", "determinism", "prints", "drift", "sampler"):
        return f"{function}: {r.message}"
    return f"{function}: {CHECKS[r.check].title}"


def _special(got: str) -> str:
    if "nan" in got:
        return "nan"
    return "-inf" if "-inf" in got else "inf"
