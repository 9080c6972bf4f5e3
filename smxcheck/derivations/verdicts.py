"""The published statements, by id, and the verdicts on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from smxcheck.derivations.judgement import StatementResult as StatementResult
from smxcheck.derivations.judgement import judge as judge
from smxcheck.derivations.schema import DataError, Fields
from smxcheck.derivations.statement import Document, Statement, Verdict
from smxcheck.derivations.statement_schema import document, statement
from smxcheck.derivations.topics import read_folder


@cache
def statements() -> Mapping[str, Statement]:
    """Every statement, by id, in the order of the documents and of what stands in them. Raises DataError."""
    found: dict[str, Statement] = {}
    for file, tables in read_folder("claims"):
        fields = Fields(tables, file)
        source = document(fields.value("document", dict, {}), file)
        for table in fields.tables("statement"):
            entry = statement(table, source, file)
            if entry.id in found:
                raise DataError(f"{file}: the id {entry.id} is taken")
            found[entry.id] = entry
        fields.finish()
    return MappingProxyType(found)


def documents() -> Mapping[str, Document]:
    """The documents, by key."""
    return {s.document.key: s.document for s in statements().values()}


def find(name: str) -> Statement | None:
    """The statement of that id, or of that speaking half where only one has it."""
    found = statements().get(name)
    if found is not None:
        return found
    named = [s for s in statements().values() if s.name == name]
    return named[0] if len(named) == 1 else None


def counted(verdicts: Iterable[Verdict]) -> Mapping[Verdict, int]:
    """How many of each verdict there are, of those that occur, in the order of the table of verdicts."""
    met = list(verdicts)
    return {verdict: met.count(verdict) for verdict in Verdict if verdict in met}
