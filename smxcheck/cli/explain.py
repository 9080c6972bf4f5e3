"""``smxcheck explain``: the page of a check, a case, a level or a word."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from smxcheck.cli.errors import Fail
from smxcheck.cli.output import emit


def command(
    topic: Annotated[str, typer.Argument(metavar="[CODE|CASE|WORD]", help="SMX101, a case id, ulp, bound, level.")] = "",
) -> int:
    """Explain a check's code, a case, or a word of the reports."""
    from smxcheck.caseset import CaseError
    from smxcheck.report import pages

    if not topic:
        emit("\n".join(pages.contents()))
        return 0
    try:
        page = pages.find(topic)
    except CaseError as error:
        raise Fail(str(error)) from error
    if page is None:
        near = pages.near(topic)
        raise Fail(f"no page {topic!r}" + (f"; did you mean {' or '.join(near)}?" if near else "; see: smxcheck explain"))
    emit("\n\n".join([_wrapped(page[0]), *map(_wrapped, page[1])]))
    return 0


def _wrapped(paragraph: str) -> str:
    """In 78 columns; the lines of a table, which are indented, stay lines."""
    if not paragraph.startswith("  "):
        return textwrap.fill(paragraph, 78)
    wrapper = textwrap.TextWrapper(78, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(wrapper.fill(line) for line in paragraph.splitlines())
