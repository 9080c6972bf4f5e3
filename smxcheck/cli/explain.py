"""``smxcheck explain``: the page of a check, a case, a level or a word."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from smxcheck.cli.errors import Fail


def command(
    topic: Annotated[str, typer.Argument(metavar="[CODE|CASE|WORD]", help="SMX101, a case id, ulp, bound, level.")] = "",
) -> int:
    """Explain a check's code, a case, or a word of the reports."""
    from smxcheck.report import pages

    if not topic:
        print("\n".join(pages.contents()))
        return 0
    page = pages.find(topic)
    if page is None:
        near = pages.near(topic)
        raise Fail(f"no page {topic!r}" + (f"; did you mean {near}?" if near else "; see: smxcheck explain"))
    print(page[0])
    for paragraph in page[1]:
        print()
        print("\n".join(textwrap.wrap(paragraph, 78)) if not paragraph.startswith("  ") else paragraph)
    return 0
