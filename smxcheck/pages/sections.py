"""The parts that pages of several kinds share, so that each is headed and laid out alike."""

from __future__ import annotations

from collections.abc import Sequence

from smxcheck.pages.model import Block, Facts, Heading, Text

#: How many public reports a page names.
_MOST_SOURCES = 8


def section(title: str, *blocks: Block) -> tuple[Block, ...]:
    """A heading with what stands below it; nothing without a block."""
    return (Heading((title,)), *blocks) if blocks else ()


def paragraph(title: str, text: str) -> tuple[Block, ...]:
    """A heading with one paragraph; nothing for an empty text."""
    return section(title, Text((text,))) if text else ()


def sources(bugs: Sequence[str]) -> tuple[Block, ...]:
    """Public reports, ``owner/repo#N`` or ``owner/repo#N: what happened``, each once."""
    chosen: dict[str, str] = {}
    for bug in bugs:
        name, _, what = bug.partition(": ")
        name = name.replace(" PR ", "#")
        chosen[name] = chosen.get(name) or what
    shown = list(chosen.items())[:_MOST_SOURCES]
    told = tuple((name, (what,)) for name, what in shown if what)
    bare = ", ".join(name for name, what in shown if not what)
    more = f"{len(chosen) - len(shown)} more led to cases or mistakes of the set." if len(chosen) > len(shown) else ""
    rest = " ".join(part for part in (f"{bare}." if bare else "", more) if part)
    return section("public reports", *([Facts(told)] if told else []), *([Text((rest,))] if rest else []))
