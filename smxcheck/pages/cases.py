"""The pages of a group of cases, and of one case with its call and what is right there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from types import MappingProxyType

from smxcheck.caseset import Group, groups, load_cases
from smxcheck.caseset.model import Case
from smxcheck.judge.codes import CHECKS_BY_NAME
from smxcheck.pages.exhibit import ours
from smxcheck.pages.model import Block, Facts, Heading, Page, Table, Text
from smxcheck.pages.sections import sources

Build = Callable[[], Page]


def lookup_group(text: str) -> Build | None:
    """The page of a group by its name."""
    return partial(group_page, by_name()[text]) if text in by_name() else None


def group_names() -> Iterable[str]:
    """The names of all groups."""
    return by_name()


@cache
def by_name() -> Mapping[str, Group]:
    """The groups, by name."""
    return MappingProxyType({g.name: g for g in groups()})


def lookup_case(text: str) -> Build | None:
    """The page of a case by its id. Raises CaseError for what has the form of an id and is none."""
    if text.count("/") != 3:
        return None
    return partial(case_page, load_cases(ids=[text])[0])


def group_page(group: Group) -> Page:
    """Why the group exists, and where its cases are."""
    cases = [c for c in load_cases(dtypes=("float32", "float64"), tier="full") if c.group == group.name]
    blocks: list[Block] = [Text((group.purpose,))]
    blocks += [Text((group.reason,))] if group.reason else []
    blocks += [Heading(("a case of each function",)), Table((), tuple(((name,),) for name in _one_of_each(cases)))]
    blocks += [Facts((("run them", (f"smxcheck verify TARGET -k /{group.name}/",)),))]
    title = f"{group.name}: {group.cases} cases of {len(group.functions)} functions"
    return Page("group", group.name, (title,), (*blocks, *sources(group.bugs)))


def _one_of_each(cases: Iterable[Case]) -> list[str]:
    """For each function the id that is shortest, so that it fits a line: ids are never broken."""
    shortest: dict[str, str] = {}
    for case in cases:
        shortest[case.function] = min(shortest.get(case.function, case.id), case.id, key=len)
    return list(shortest.values())


def case_page(case: Case) -> Page:
    """What the case asks, why, what is right, and what our own function gives."""
    result = ours([case])
    check = CHECKS_BY_NAME[case.check]
    blocks = [Text((case.why,))] if case.why else []
    facts = Facts((
        ("call", (result.input,)),
        ("dtype", (case.dtype,)),
        ("right", (result.right,)),
        ("ours", (result.got,)),
        ("judged", (f"{result.status}, level {result.level}" if result.level else str(result.status),)),
        ("check", (f"{check.code} {check.name}: {check.title}",)),
        ("run it", (f"smxcheck verify TARGET --case {case.id}",)),
    ))  # fmt: skip
    about = (Heading((f"the group {case.group}",)), Text((case.purpose,)))
    return Page("case", case.id, (case.id,), (*blocks, facts, *about, *sources(case.bugs)))
