"""Where the pages of derivations, published statements and bounds are looked up; other modules build them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from smxcheck.catalog import FUNCTIONS
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.statement import Document, Statement
from smxcheck.pages import functions
from smxcheck.pages.model import Heading, Page

Build = Callable[[], Page]


def lookup_topic(text: str) -> Build | None:
    """A derivation by its id or an alias; a function's name, whose id has hyphens for underscores, finds it too."""
    from smxcheck.derivations.topics import topics

    key = text.replace("_", "-")
    found = topics().get(key) or next((t for t in topics().values() if key in t.aliases), None)
    return partial(_topic, found, text) if found is not None else None


def topic_names() -> Iterator[str]:
    """Ids and aliases of all derivations."""
    from smxcheck.derivations.topics import topics

    for topic in topics().values():
        yield from (topic.id, *topic.aliases)


def function_of(topic: Derivation, text: str = "") -> str | None:
    """The function of the catalog that a derivation, or the text that found it, bears the name of."""
    names = (n.replace("-", "_") for n in (text, topic.id))
    return next((n for n in names if n in FUNCTIONS), None)


def _topic(topic: Derivation, text: str) -> Page:
    from smxcheck.pages.topic import topic_page

    page = topic_page(topic)
    function = function_of(topic, text)
    if function is None:
        return page
    facts = (Heading((f"the function {function}",)), *functions.blocks(FUNCTIONS[function]))
    return replace(page, blocks=(*page.blocks, *facts))


def lookup_statement(text: str) -> Build | None:
    """A published statement by its id, or by the half of it that speaks where only one has it."""
    from smxcheck.derivations.verdicts import find

    found = find(text)
    return partial(_statement, found) if found is not None else None


def _statement(statement: Statement) -> Page:
    from smxcheck.pages.statement import statement_page

    return statement_page(statement)


def statement_names() -> Iterator[str]:
    """Ids of all statements, and the halves that speak."""
    from smxcheck.derivations.verdicts import statements

    for statement in statements().values():
        yield from (statement.id, statement.name)


def lookup_document(text: str) -> Build | None:
    """The statements of a published note, by its key, its title or its author."""
    from smxcheck.derivations.verdicts import documents

    said = text.lower().replace("-", " ")
    for key, note in documents().items():
        if said in (key, note.title.lower(), note.author.lower(), note.author.lower().rpartition(" ")[2]) and said:
            return partial(_document, note)
    return None


def _document(note: Document) -> Page:
    from smxcheck.pages.document import document_page

    return document_page(note)


def document_names() -> Iterator[str]:
    """The keys of all published notes."""
    from smxcheck.derivations.verdicts import documents

    yield from documents()


def lookup_bound(text: str) -> Build | None:
    """The bounds of a function."""
    return partial(_bound, text) if text in FUNCTIONS else None


def _bound(function: str) -> Page:
    from smxcheck.pages.bound import bound_page

    return bound_page(function)
