"""The page of a check: what it asks, why it matters, an implementation that fails it and one that passes, run now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache, partial

from smxcheck.caseset import load_cases
from smxcheck.judge.codes import CHECKS, CHECKS_BY_NAME, Check, is_identity
from smxcheck.judge.result import Status
from smxcheck.mistakes import MISTAKES, Misbehaviour, Mistake
from smxcheck.pages.cases import by_name
from smxcheck.pages.exhibit import Exhibit
from smxcheck.pages.model import Block, Facts, Page, Prose, Text
from smxcheck.pages.reasons import WHY
from smxcheck.pages.sections import paragraph, section, sources
from smxcheck.pages.shown import IN_A_WORKER, SHOWN, wrong_ones


def lookup(text: str) -> Callable[[], Page] | None:
    """The page of a check by its code, in any letters, or by its name."""
    check = CHECKS.get(text.upper()) or CHECKS_BY_NAME.get(text)
    return partial(check_page, check) if check is not None else None


def names() -> Iterable[str]:
    """Codes and names of all checks."""
    return (*CHECKS, *CHECKS_BY_NAME)


def check_page(check: Check) -> Page:
    """What a check is, with what fails and what passes it."""
    examples = _in_a_worker(check) if check.code in IN_A_WORKER else _examples(check)
    excuse = f"{check.excuse[0].upper()}{check.excuse[1:]}." if check.excuse else ""
    blocks = (
        Text((check.page,)),
        *paragraph("why it matters", WHY[check.code]),
        *examples,
        *paragraph("not a defect if", excuse),
        *section("where it is asked", Facts(_where(check)), *_case(check)),
        *sources(_reports(check)),
    )
    return Page("check", check.code, (f"{check.code} {check.name}: {check.title}",), blocks)


def _examples(check: Check) -> tuple[Block, ...]:
    shown = SHOWN[check.code]
    exhibit = shown.exhibit(check.code)
    if exhibit is None:
        return paragraph("an example that fails", f"None: the check does not find {shown.wrong} any more, which is a fault of smxcheck.")
    return (
        *section("an example that fails", *failing(exhibit, shown.implementation)),
        *section("the same call, passing", passing(exhibit)),
    )


def failing(exhibit: Exhibit, wrong: Mistake | Misbehaviour, page: bool = True) -> tuple[Block, ...]:
    """What the judge says of a wrong implementation; with ``page``, what it is and where its own page is."""
    r = exhibit.wrong
    rows: list[tuple[str, Prose]] = [("what it does", (does(wrong),))] if page else []
    rows.append(("call", (f"{r.input}, {r.dtype}",)))
    if r.group == "properties" or "array of shape" in r.got:
        rows.append(("found", (r.message,)))
    else:
        rows += [("gives", (r.got,)), ("right", (r.right,))]
        rows += [("so", (r.message,))] if r.message not in ("", r.got) else []
    rows += [("its page", (f"smxcheck explain {wrong.id}",))] if page else []
    return (Facts(tuple(rows)),)


def passing(exhibit: Exhibit) -> Block:
    """What our own function gives for the same call."""
    r = exhibit.ours
    gives = "the identity holds" if is_identity(r.check) and not r.got else r.got
    said = f"{r.status}, level {r.level}" if r.level is not None else str(r.status)
    if r.status is Status.NO_SINGLE_ANSWER:
        said = "no single answer: a choice, and the same one everywhere"
    return Facts((("call", (f"smxcheck.functions.{r.input}",)), ("gives", (gives,)), ("judged", (said,))))


def does(wrong: Mistake | Misbehaviour) -> str:
    """An implementation in a few words: the formula of a mistake, what a misbehaviour does."""
    return wrong.formula if isinstance(wrong, Mistake) else wrong.breaks


def _in_a_worker(check: Check) -> tuple[Block, ...]:
    wrong = wrong_ones()[IN_A_WORKER[check.code]]
    why = (
        f"{wrong.id} {does(wrong)}. It is not run here, since it would do to this process what the check is about; the"
        " tests of smxcheck run it in a worker process, which reports it under this code and no other."
    )
    right = "Every other function: a call that returns, and leaves its process as it was, passes."
    return (*paragraph("an example that fails", why), *paragraph("an example that passes", right))


def _where(check: Check) -> tuple[tuple[str, Prose], ...]:
    """The groups that ask it, and how many wrong implementations are found by it."""
    rows: list[tuple[str, Prose]] = []
    asking = list(_groups_of(check.name))
    if asking and check.name != "accuracy":
        rows.append(("groups of cases", (", ".join(asking),)))
    found = sum(m.check == check.code for m in wrong_ones().values())
    rows.append(("found by it", (f"{found} of the wrong implementations that ship (smxcheck explain mistakes)",)))
    return tuple(rows)


def _case(check: Check) -> tuple[Block, ...]:
    """The case that is shown, for ``--case``; in a block of its own, since ids are long and must not be broken."""
    return (Facts((("case", (SHOWN[check.code].ids[-1],)),)),) if check.code in SHOWN else ()


def _groups_of(name: str) -> dict[str, bool]:
    """The groups with cases that are judged under a check's name, and whether most of their cases are."""
    counts = _checks_by_group()
    return {group: n[name] * 2 > n.total() for group, n in counts.items() if n[name]}


@cache
def _checks_by_group() -> dict[str, Counter[str]]:
    """How many cases of each group are judged under which check: those of float64, which every group has."""
    counts: dict[str, Counter[str]] = {}
    for case in load_cases(dtypes=("float64",), tier="full"):
        counts.setdefault(case.group, Counter())[case.check] += 1
    return counts


def _reports(check: Check) -> list[str]:
    """Public reports: of the groups mostly of this check or shown for it, of what is shown, of other mistakes it finds."""
    mostly = [group for group, most in _groups_of(check.name).items() if most]
    if check.code in SHOWN:
        mostly.append(SHOWN[check.code].ids[-1].split("/")[1])
    mostly = [group for group in dict.fromkeys(mostly) if check.name != "accuracy" and group != "acceptance"]
    of_groups = [bug for name in mostly for bug in by_name()[name].bugs]
    wrong = SHOWN[check.code].implementation if check.code in SHOWN else None
    own = wrong.precedents if isinstance(wrong, Mistake) else ()
    others = [bug for m in MISTAKES if m.check == check.code for bug in m.precedents]
    return [*of_groups, *own, *others]
