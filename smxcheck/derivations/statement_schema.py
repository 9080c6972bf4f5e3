"""From the tables of a TOML file to published statements. Whatever is wrong is one sentence that names entry and field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.programs import PROGRAMS
from smxcheck.derivations.schema import DataError, Fields, conditions, identifier, letters, parts
from smxcheck.derivations.statement import (
    KINDS,
    ChainCheck,
    Check,
    DefinitionCheck,
    Document,
    FormulaCheck,
    NumbersCheck,
    ProgramCheck,
    Statement,
    Verdict,
    combined,
)
from smxcheck.formula.letters import notation
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.prose import prose

#: What can be on record of a check. A definition is true where its formula is what the reference computes.
_OF_CHECKS = (Verdict.TRUE, Verdict.TRUE_IF, Verdict.FALSE, Verdict.PROGRAM)


def document(table: Any, where: str) -> Document:
    """``[document]``. Raises DataError."""
    fields = Fields(table, f"{where}: document")
    found = Document(
        key=fields.text("key"),
        title=fields.text("title"),
        author=fields.text("author", ""),
        date=fields.text("date", ""),
        place=fields.text("place", ""),
        lacks=fields.text("lacks", ""),
        letters=_letters(fields, Lexicon()),
    )
    fields.finish()
    return found


def statement(table: Any, source: Document, where: str) -> Statement:
    """A ``[[statement]]`` of a document. Raises DataError."""
    fields = Fields(table, where)
    name = f"{source.key}/{identifier(fields, where)}"
    fields.where = f"{where}: {name}"
    lexicon = letters(fields)
    kind, verdict = fields.text("kind"), fields.text("verdict")
    if kind not in KINDS:
        raise DataError(f"{fields.where}: kind is one of {', '.join(KINDS)}")
    checks = tuple(
        _check(Fields(t, f"{fields.where}, check {i}"), lexicon) for i, t in enumerate(fields.tables("check"), 1)
    )
    found = Statement(
        id=name,
        document=source,
        kind=kind,
        says=_prose(fields, "says", lexicon),
        verdict=_verdict(verdict, tuple(v for v in Verdict if v is not Verdict.UNDECIDED), fields),
        checks=checks,
        where=_prose(fields, "where", lexicon),
        why=_prose(fields, "why", lexicon),
        topic=fields.text("topic", ""),
        in_floats=_prose(fields, "in_floats", lexicon),
        letters=MappingProxyType({**source.letters, **_letters(fields, lexicon)}),
        lexicon=lexicon,
    )
    fields.finish()
    if not found.says:
        raise DataError(f"{fields.where}: says must be a text")
    if not any(not c.aside for c in checks):
        raise DataError(f"{fields.where}: a statement has at least one check that is not aside")
    on_record = combined(kind, (c.verdict for c in checks if not c.aside))
    if on_record != found.verdict:
        raise DataError(f"{fields.where}: the verdict is {found.verdict}, that of its checks is {on_record}")
    return found


def _check(fields: Fields, lexicon: Lexicon) -> Check:
    """Which kind of check a table is follows from the one field that only this kind has."""
    given = [name for name in _READERS if fields.has(name)]
    if len(given) != 1:
        raise DataError(f"{fields.where}: a check has exactly one of {', '.join(_READERS)}")
    found = _READERS[given[0]](fields, lexicon)
    fields.finish()
    return found


def _common(fields: Fields, lexicon: Lexicon) -> dict[str, Any]:
    return {
        "verdict": _verdict(fields.text("verdict", "true"), _OF_CHECKS, fields),
        "says": _prose(fields, "says", lexicon),
        "why": _prose(fields, "why", lexicon),
        "aside": fields.value("aside", bool, False),
    }


def _formula(fields: Fields, lexicon: Lexicon) -> FormulaCheck:
    found = FormulaCheck(
        claim=fields.formula("formula", lexicon.claim),
        needs=conditions(fields, "needs", lexicon),
        right=tuple(fields.formula("right", lexicon.claim, text) for text in fields.texts("right")),
        points=fields.value("points", int, 0) or None,
        **_common(fields, lexicon),
    )
    if (found.verdict is Verdict.TRUE_IF) != bool(found.needs):
        raise DataError(f"{fields.where}: needs holds the condition of a verdict {Verdict.TRUE_IF}, and of no other")
    if found.verdict is Verdict.FALSE and not found.right:
        raise DataError(f"{fields.where}: beside a false formula, right holds at least one that is true")
    return found


def _chain(fields: Fields, lexicon: Lexicon) -> ChainCheck:
    found = ChainCheck(
        parts=parts(fields, lexicon), first_false=fields.value("first_false", int, 0), **_common(fields, lexicon)
    )
    if any(step.operator != "==" for part in found.parts for step in part.steps):
        raise DataError(f"{fields.where}: a printed derivation is a chain of equalities")
    if (found.verdict is Verdict.FALSE) != (found.first_false > 0):
        raise DataError(f"{fields.where}: first_false is the number of a step where the verdict is false, else absent")
    return found


def _definition(fields: Fields, lexicon: Lexicon) -> DefinitionCheck:
    return DefinitionCheck(
        formula=fields.formula("equals", lexicon.expression),
        function=fields.text("function"),
        arguments=fields.texts("arguments"),
        keywords=MappingProxyType(fields.value("keywords", dict, {})),
        **_common(fields, lexicon),
    )


def _numbers(fields: Fields, lexicon: Lexicon) -> NumbersCheck:
    places = fields.value("places", int, -1)
    return NumbersCheck(
        formula=fields.formula("values_of", lexicon.expression),
        at=_point(fields),
        printed=tuple(tuple(row.split()) for row in fields.texts("printed")),
        places=None if places < 0 else places,
        **_common(fields, lexicon),
    )


def _program(fields: Fields, lexicon: Lexicon) -> ProgramCheck:
    found = ProgramCheck(
        program=fields.text("program"),
        given=MappingProxyType(fields.value("given", dict, {})),
        gives=_texts(fields, "gives"),
        expected=_texts(fields, "expected"),
        **_common(fields, lexicon),
    )
    if found.program not in PROGRAMS:
        raise DataError(f"{fields.where}: there is no program {found.program}; there are {', '.join(PROGRAMS)}")
    if (found.verdict is Verdict.PROGRAM) == bool(found.expected):
        raise DataError(f"{fields.where}: expected holds what is said of a program that is judged true or false")
    return found


_READERS: Mapping[str, Callable[[Fields, Lexicon], Check]] = MappingProxyType(
    {"formula": _formula, "part": _chain, "function": _definition, "printed": _numbers, "program": _program}
)


def _prose(fields: Fields, name: str, lexicon: Lexicon) -> str:
    """Running text whose formulas can be read; "" where it is absent."""
    text = fields.text(name, "")
    fields.formula(name, lambda given: prose(given, lexicon), text)
    return text


def _verdict(text: str, known: tuple[Verdict, ...], fields: Fields) -> Verdict:
    if text not in known:
        raise DataError(f"{fields.where}: verdict is one of {', '.join(known)}")
    return Verdict(text)


def _texts(fields: Fields, name: str) -> Mapping[str, str]:
    found = fields.value(name, dict, {})
    if not all(isinstance(value, str) for value in found.values()):
        raise DataError(f"{fields.where}: {name} is a table of texts")
    return MappingProxyType(dict(found))


def _letters(fields: Fields, lexicon: Lexicon) -> Mapping[str, str]:
    """The document's letters by role, of those roles that the lexicon has."""
    found = _texts(fields, "letters")
    try:
        notation(lexicon, found)
    except ValueError as error:
        raise DataError(f"{fields.where}: letters: {error}") from error
    return found


def _point(fields: Fields) -> Mapping[str, tuple[Fraction, ...]]:
    found = {}
    for name, text in _texts(fields, "at").items():
        try:
            found[name] = tuple(Fraction(value) for value in text.split())
        except ValueError as error:
            raise DataError(f"{fields.where}: at: {name}: {error}") from error
    return MappingProxyType(found)
