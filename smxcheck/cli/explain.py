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
    paragraphs = ["\n".join(textwrap.wrap(p, 78)) if not p.startswith("  ") else p for p in page[1]]
    emit("\n\n".join([page[0], *paragraphs]))
    return 0
