"""A self-test as a page: the verdict, the tables, what went wrong, and what killed each mutant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from smxcheck.report.as_markdown import text as escaped
from smxcheck.report.numbers import thousands
from smxcheck.selftest import words
from smxcheck.selftest.results import SelfTest
from smxcheck.selftest.summary import by_check, by_group


def render(test: SelfTest) -> str:
    """The page."""
    return "\n".join(_lines(test)) + "\n"


def _lines(test: SelfTest) -> Iterator[str]:
    yield f"# {escaped(words.verdict(test))}"
    yield ""
    yield from (f"- {escaped(text)}" for text in (words.header(test), words.asked(test), *words.remarks(test), words.took(test)))
    for block in words.blocks(test):
        yield ""
        yield from (f"- {escaped(f'{label}: {text}' if label else text)}" for label, text in block)
    groups = ((g.group, *map(thousands, (g.mutants, g.killed, g.lived, g.rights, g.blamed))) for g in by_group(test))
    yield from _table("By family of functions", words.HEADINGS_GROUP, groups)
    checks = ((f"{c.code} {c.name}", thousands(c.killed), thousands(c.alone)) for c in by_check(test))
    yield from _table("By check", words.HEADINGS_CHECK, checks)
    yield from _section("Its own machinery", (f"- {escaped(words.machinery(m))}" for m in words.asked_machinery(test)))
    yield from _table(words.RIVALS, words.HEADINGS_RIVAL, map(words.rival, test.rivals))
    yield from _section("", (f"- {escaped(f'{r.name}: {r.not_run or r.what}')}" for r in test.rivals))
    if test.rivals:
        yield from ("", escaped(words.HONEST[:1].upper() + words.HONEST[1:] + "."))
    mutants = ((m.id, m.formula, m.dtype, m.level, m.fate, ", ".join(m.checks), m.smallest) for m in test.mutants)
    yield from _table("Every mutant", ("mutant", "what it is", "dtype", "level", "fate", "checks", "smallest case"), mutants)
    rights = ((r.id, r.formula, ", ".join(r.dtypes), r.level, "passed" if r.passed else "blamed") for r in test.rights)
    yield from _table("Every right implementation", ("right one", "what it is", "dtypes", "level", ""), rights)


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    content = list(lines)
    if content:
        yield from ("", *([f"## {title}", ""] if title else []), *content)


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    body = [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    head = [f"| {' | '.join(headings)} |", f"|{'|'.join(' --- ' for _ in headings)}|"]
    yield from _section(title, [*head, *body] if body else [])
