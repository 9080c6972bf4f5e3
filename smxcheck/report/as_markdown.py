"""A job summary in GitHub's Markdown: the verdict first, then what makes it worth less, then the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from smxcheck.judge.result import Report
from smxcheck.report.caveats import caveats, choices
from smxcheck.report.escape import cleaned
from smxcheck.report.formats import DEFAULT_OPTIONS, RenderOptions
from smxcheck.report.page import COLUMNS, Page, page
from smxcheck.report.sentences import DEFINITIONS

_SPECIAL = re.compile(r"[\\`*{}\[\]<>|#~&]|(?<![^\W_])_|_(?![^\W_])|@|(?<=:)//|(?<=www)\.")
_BACKTICKS = re.compile(r"`+")


def render(report: Report, *, options: RenderOptions = DEFAULT_OPTIONS) -> str:
    """The report as Markdown. ``options`` change nothing: a summary shows every problem."""
    report = cleaned(report)
    return "\n".join(_lines(page(report), caveats(report), choices(report)))


def text(untrusted: str) -> str:
    """``untrusted`` so that Markdown shows it as it is: no markup, HTML, table cell, mention or link."""
    return _SPECIAL.sub(lambda m: "".join(f"&#{ord(c)};" for c in m.group()), untrusted)


def code(untrusted: str) -> str:
    """A code span, its fence longer than any run of backticks inside. Not for tables: use ``text`` there."""
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(untrusted)), default=0) + 1)
    pad = " " if untrusted.startswith("`") or untrusted.endswith("`") else ""
    return f"{fence}{pad}{untrusted}{pad}{fence}"


def _lines(content: Page, doubts: list[str], chosen: list[str]) -> Iterator[str]:
    yield f"## smxcheck: {text(content.verdict.word)}"
    yield ""
    yield from (f"{text(sentence)}  " for sentence in content.verdict.sentences)
    yield ""
    if doubts:
        yield "### What makes this verdict worth less"
        yield ""
        yield from (f"- {text(doubt)}" for doubt in doubts)
        yield ""
    if content.rows:
        yield "### Results"
        yield ""
        yield from _table(COLUMNS, content.rows)
        yield ""
        yield from (f"- {text(definition)}" for definition in DEFINITIONS)
        yield ""
    for heading, facts in content.problems:
        yield f"### {text(heading)}"
        yield ""
        yield from (f"- {label}: {code(fact)}" for label, fact in facts)
        yield ""
    for heading, items in (("No single right answer", chosen), ("Wrong on purpose", content.purpose)):
        if items:
            yield f"### {heading}"
            yield ""
            yield from (f"- {text(item)}" for item in items)
            yield ""
    yield "### Environment"
    yield ""
    yield from (f"- {text(key)}: {text(value)}" for key, value in content.environment)
    if content.again:
        yield ""
        yield f"Run again: {code(content.again)}"
    yield ""


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    names = list(head)
    yield f"| {' | '.join(names)} |"
    yield f"|{'|'.join(' --- ' for _ in names)}|"
    yield from (f"| {' | '.join(map(text, row))} |" for row in rows)
