"""The published notes: how each is cited, what it says, and the verdicts on record."""

from __future__ import annotations

from smxcheck.derivations.statement import Document, Statement
from smxcheck.derivations.verdicts import counted, statements
from smxcheck.formula.notation import notation, text
from smxcheck.formula.prose import prose
from smxcheck.pages.model import Facts, Page, Prose, Table


def cited(document: Document) -> str:
    """Title, author, date and place, as far as the document gives them."""
    return ", ".join(part for part in (document.title, document.author, document.date, document.place) if part)


def listed(ascii: bool = False) -> tuple[tuple[tuple[str, str, str], ...], str]:
    """Id, verdict on record and subject of every statement, and how many there are of each verdict."""
    found = statements().values()
    rows = tuple((s.id, str(s.verdict), _said(s, ascii)) for s in found)
    count = ", ".join(f"{number} {verdict}" for verdict, number in counted(s.verdict for s in found).items())
    return rows, f"{len(found)} statements: {count}"


def document_page(document: Document) -> Page:
    """What a published note says, with the verdicts on record."""
    rows, _ = listed()
    own = tuple(tuple((cell,) for cell in row) for row in rows if row[0].startswith(f"{document.key}/"))
    facts: list[tuple[str, Prose]] = [("document", (cited(document),))]
    if document.lacks:
        facts.append(("not given", (document.lacks,)))
    return Page(
        kind="list",
        id=document.key,
        title=(f"{document.key}: {document.title}",),
        blocks=(
            Facts(tuple(facts)),
            Table((("statement",), ("verdict",), ("what it says",)), own),
            Facts((("each", (f"smxcheck explain {own[0][0][0]}",)),)),
        ),
    )


def _said(statement: Statement, ascii: bool) -> str:
    """What a statement says, as plain text in the letters of its document."""
    letters = notation(statement.lexicon, statement.letters, ascii)
    parts = prose(statement.says, statement.lexicon)
    return "".join(part if isinstance(part, str) else text(part, letters) for part in parts)
