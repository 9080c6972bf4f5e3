"""The page of a word, a derivation, a statement, a check, a function, a mistake, a group of cases or a case.

Where a name means several things the first kind of the table below wins, and the page says how to ask for the others:
with the kind in front, as in ``explain group rows``. A function that a derivation bears the name of is the exception:
the derivation's page then ends with the function's own facts.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from smxcheck.pages import cases, checks, derived, functions, mistakes, words
from smxcheck.pages.contents import contents as contents
from smxcheck.pages.model import Facts, Page

#: How many near names an error proposes.
_NEAREST = 3


class NotFound(ValueError):
    """There is no page of that name: one line, with the nearest names."""


@dataclass(frozen=True)
class Kind:
    """One kind of page: ``lookup`` gives what builds the page of a name, None where there is none."""

    name: str
    lookup: Callable[[str], Callable[[], Page] | None]
    names: Callable[[], Iterable[str]]


#: In the order of precedence: names that reports print, then derivations, then the rest.
KINDS: tuple[Kind, ...] = (
    Kind("word", words.lookup, words.names),
    Kind("check", checks.lookup, checks.names),
    Kind("derivation", derived.lookup_topic, derived.topic_names),
    Kind("function", functions.lookup, functions.names),
    Kind("mistake", mistakes.lookup, mistakes.names),
    Kind("group", cases.lookup_group, cases.group_names),
    Kind("case", cases.lookup_case, lambda: ()),
    Kind("statement", derived.lookup_statement, derived.statement_names),
    Kind("document", derived.lookup_document, derived.document_names),
)

#: What is asked for with two words only: `bound softmax`, `mistakes softmax`.
OF_A_FUNCTION: tuple[Kind, ...] = (
    Kind("bound", derived.lookup_bound, functions.names),
    Kind("mistakes", mistakes.lookup_list, functions.names),
)


def find(asked: Sequence[str]) -> Page:
    """The page that the words ask for.

    Raises NotFound, and CaseError (`smxcheck.caseset`) for what has the form of a case's id and is none.
    """
    words = " ".join(asked).split()
    found = built_by(words)
    if not found:
        raise NotFound(_missing(words))
    (first, build), *rest = found
    others = [kind for kind, _ in rest if (first.name, kind.name) != ("derivation", "function")]
    return _with_others(build(), " ".join(words), others)


def built_by(asked: Sequence[str]) -> list[tuple[Kind, Callable[[], Page]]]:
    """Every kind that has a page of that name, in the order of precedence, with what builds it.

    With the name of a kind in front, that kind alone. Raises CaseError as `find`.
    """
    if not asked:
        return []
    first, *rest = asked
    for kind in (*OF_A_FUNCTION, *KINDS):
        if rest and first.lower() == kind.name and (build := _look(kind, rest)):
            return [(kind, build)]
    return [(kind, build) for kind in KINDS if (build := _look(kind, asked))]


def _look(kind: Kind, asked: Sequence[str]) -> Callable[[], Page] | None:
    """By the words as they are, then joined by hyphens; "derivative of softmax" as softmax-derivative too."""
    spellings = dict.fromkeys((" ".join(asked), "-".join(asked).lower(), "-".join(_turned(asked)).lower()))
    return next((build for text in spellings if (build := kind.lookup(text))), None)


def _turned(asked: Sequence[str]) -> list[str]:
    """What "of" joins, the other way round, without articles."""
    words = [word for word in asked if word.lower() not in ("the", "a")]
    if "of" not in words[1:-1]:
        return words
    place = words.index("of", 1)
    return [*words[place + 1 :], *words[:place]]


def _with_others(page: Page, name: str, others: Sequence[Kind]) -> Page:
    if not others:
        return page
    rows = tuple((f"also a {kind.name}", (f"smxcheck explain {kind.name} {name}",)) for kind in others)
    return replace(page, blocks=(*page.blocks, Facts(rows)))


def near(text: str) -> list[str]:
    """The nearest names over all kinds of pages, at most three; of several spellings of one the first."""
    known: dict[str, str] = {}
    for kind in KINDS:
        for name in kind.names():
            known.setdefault(_plain(name), name)
    first, _, rest = text.partition("-")
    for kind in OF_A_FUNCTION:
        if rest and first == kind.name:
            known |= {_plain(f"{kind.name}-{name}"): f"{kind.name} {name}" for name in kind.names()}
    return [known[name] for name in difflib.get_close_matches(_plain(text), known, n=_NEAREST)]


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def _missing(asked: Sequence[str]) -> str:
    said, close = " ".join(asked), near("-".join(asked))
    if not close:
        return f"no page {said!r}; all there are: smxcheck explain"
    *others, last = close
    return f"no page {said!r}; did you mean {' or '.join([', '.join(others), last] if others else [last])}?"
