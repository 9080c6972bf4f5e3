"""The page of ``explain`` alone: everything that there is a page of, by group."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from smxcheck.caseset import groups
from smxcheck.catalog import FUNCTIONS
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import counted, documents, statements
from smxcheck.judge.codes import CHECKS
from smxcheck.mistakes import MISTAKES
from smxcheck.pages.glossary import WORDS
from smxcheck.pages.model import Block, Facts, Heading, Page, Table
from smxcheck.pages.sections import section


def contents() -> Page:
    """All pages: derivations and published notes by name, of everything else how to list it."""
    options = Facts((
        ("with numbers", ("smxcheck explain softmax-jacobian --at 0,4,5",)),
        ("your own claim", ('smxcheck explain --claim "diff(H, z[i]) == p[i] - 1"',)),
        ("how to write it", ("smxcheck explain claim",)),
        ("as an exercise", ("--exercise and --solution; also --format, --symbols, --ascii",)),
    ))  # fmt: skip
    reference = section("words of the reports, checks, functions, cases", Facts(_reference()))
    blocks = (options, *_derivations(), *_notes(), *reference)
    return Page("list", "contents", ("smxcheck explain NAME",), blocks)


def _derivations() -> tuple[Block, ...]:
    blocks: list[Block] = []
    ordered = sorted(topics().values(), key=lambda t: _first_use(t.group))
    for group, found in groupby(ordered, key=lambda t: t.group):
        blocks += [Heading((f"derivations: {group}",)), Table((), tuple(((t.id,), (t.title,)) for t in found))]
    return tuple(blocks)


def _first_use(group: str) -> int:
    """Where the first derivation of a group stands: groups come in the order of the files, each once."""
    return next(i for i, t in enumerate(topics().values()) if t.group == group)


def _notes() -> tuple[Block, ...]:
    """The published notes, with the verdicts on record."""
    rows = []
    for key, document in documents().items():
        verdicts = counted(s.verdict for s in statements().values() if s.document.key == key)
        count = ", ".join(f"{number} {verdict}" for verdict, number in verdicts.items() if number)
        named = f"{document.author}, {document.title}" if document.author else document.title
        rows.append((key, (f"{named}: {count}",)))
    rows.append(("each", ("smxcheck explain 004; one: smxcheck explain 004/entropy-gradient",)))
    return section("what published notes say", Facts(tuple(rows)))


def _reference() -> tuple[tuple[str, tuple[str, ...]], ...]:
    codes = list(CHECKS)
    return (
        ("words", (", ".join(WORDS),)),
        ("checks", (f"{codes[0]} to {codes[-1]}, {len(codes)} of them; all: smxcheck list checks",)),
        ("functions", (f"{_some(FUNCTIONS)}; all: smxcheck list functions",)),
        ("error bounds", ("smxcheck explain bound softmax",)),
        ("mistakes", (f"the common ones of {len(MISTAKES)}: smxcheck explain mistakes",)),
        ("cases", (f"{_some(g.name for g in groups())}; all: smxcheck list cases",)),
    )


def _some(names: Iterable[str]) -> str:
    chosen = list(names)
    return f"{', '.join(chosen[:4])} and {len(chosen) - 4} more"
