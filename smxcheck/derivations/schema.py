"""From the tables of a TOML file to derivations. Whatever is wrong is one sentence that names the entry and the field."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from smxcheck.derivations.model import Derivation, Part, Step
from smxcheck.formula.grammar import FormulaError
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.symbols import DOMAINS, Symbol
from smxcheck.formula.tree import Claim, Condition

T = TypeVar("T")

_OPERATORS = ("==", "<=", ">=", "<", ">")
_ID = re.compile(r"[a-z][a-z0-9-]*\Z")


class DataError(Exception):
    """A file of derivations or statements that cannot be used, in one sentence. The files ship: it is no fault of a reader's,
    and no ValueError, with which what he asked for is refused."""


class Fields:
    """One table of a file, read field by field; what is left over at the end is an error."""

    def __init__(self, table: Any, where: str) -> None:
        if not isinstance(table, dict):
            raise DataError(f"{where}: a table is expected")
        self._table, self.where, self._read = table, where, set[str]()

    def has(self, name: str) -> bool:
        """Whether the table has this field."""
        return name in self._table

    def text(self, name: str, default: str | None = None) -> str:
        """A string; without a default it must be there and not be empty."""
        value = self._get(name, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise DataError(f"{self.where}: {name} must be a text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings, empty where it is absent."""
        value = self._get(name, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise DataError(f"{self.where}: {name} must be a list of texts")
        return tuple(value)

    def tables(self, name: str) -> list[Any]:
        """A list of tables, empty where it is absent."""
        value = self._get(name, [])
        if not isinstance(value, list):
            raise DataError(f"{self.where}: {name} must be written [[{name}]]")
        return value

    def value(self, name: str, kind: type[T], default: T) -> T:
        """A value of one type."""
        value = self._get(name, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise DataError(f"{self.where}: {name} must be of type {kind.__name__}")
        return value

    def formula(self, name: str, read: Callable[[str], T], text: str | None = None) -> T:
        """A field read by the grammar."""
        text = self.text(name) if text is None else text
        try:
            return read(text)
        except FormulaError as error:
            raise DataError(f"{self.where}: {name}, character {error.position + 1}: {error.message}: {text}") from error

    def finish(self) -> None:
        """Raises DataError for a field that nobody knows."""
        unknown = sorted(set(self._table) - self._read)
        if unknown:
            raise DataError(f"{self.where}: unknown field {unknown[0]}; known: {', '.join(sorted(self._read))}")

    def _get(self, name: str, default: Any) -> Any:
        self._read.add(name)
        value = self._table.get(name, default)
        if value is None:
            raise DataError(f"{self.where}: {name} is missing")
        return value


def derivation(table: Any, where: str) -> Derivation:
    """A ``[[topic]]``. Raises DataError."""
    fields = Fields(table, where)
    name = identifier(fields, where)
    fields.where = f"{where}: {name}"
    lexicon = letters(fields)
    found = Derivation(
        id=name,
        title=fields.text("title"),
        group=fields.text("group"),
        summary=fields.text("summary"),
        parts=parts(fields, lexicon),
        results=tuple(fields.formula("results", lexicon.claim, text) for text in fields.texts("results")),
        definitions=fields.texts("definitions"),
        aliases=fields.texts("aliases"),
        functions=fields.texts("functions"),
        sources=fields.texts("sources"),
        see=fields.texts("see"),
        lexicon=lexicon,
    )
    fields.finish()
    for letter in found.definitions:
        if letter not in lexicon.symbols:
            raise DataError(f"{fields.where}: definitions: unknown letter {letter}")
    return found


def identifier(fields: Fields, where: str) -> str:
    """The ``id`` of an entry: small letters, digits and hyphens."""
    name = fields.text("id")
    if not _ID.match(name):
        raise DataError(f"{where}: the id {name!r} must be small letters, digits and hyphens")
    return name


def letters(fields: Fields) -> Lexicon:
    """``[[topic.define]]``: letters of its own."""
    own = [_symbol(Fields(t, f"{fields.where}, define")) for t in fields.tables("define")]
    if not own:
        return COMMON
    try:
        return Lexicon(own)
    except ValueError as error:
        raise DataError(f"{fields.where}: {error}") from error


def _symbol(fields: Fields) -> Symbol:
    name = fields.text("name")
    symbol = Symbol(
        name,
        fields.text("kind"),
        fields.text("role", name),
        fields.text("text", name),
        fields.text("latex", name),
        fields.text("meaning"),
        fields.text("formula", ""),
        fields.text("domain", "real"),
    )
    fields.finish()
    if symbol.kind not in ("scalar", "vector") or symbol.domain not in DOMAINS:
        raise DataError(f"{fields.where}: {name}: kind is scalar or vector, domain one of {', '.join(DOMAINS)}")
    return symbol


def parts(fields: Fields, lexicon: Lexicon) -> tuple[Part, ...]:
    """``[[topic.part]]``: the chains."""
    return tuple(_part(Fields(t, f"{fields.where}, part {i}"), lexicon) for i, t in enumerate(fields.tables("part"), 1))


def _part(fields: Fields, lexicon: Lexicon) -> Part:
    part = Part(
        title=fields.text("title", ""),
        start=fields.formula("start", lexicon.expression),
        steps=tuple(
            _step(Fields(t, f"{fields.where}, step {i}"), lexicon) for i, t in enumerate(fields.tables("step"), 1)
        ),
        conditions=conditions(fields, "if", lexicon),
        text=fields.text("text", ""),
    )
    fields.finish()
    return part


def _step(fields: Fields, lexicon: Lexicon) -> Step:
    operator = fields.text("relation", "==")
    if operator not in _OPERATORS:
        raise DataError(f"{fields.where}: relation is one of {' '.join(_OPERATORS)}")
    step = Step(
        rule=fields.text("rule"),
        expression=fields.formula("formula", lexicon.expression),
        operator=operator,
        given=conditions(fields, "if", lexicon),
        order=_order(fields, lexicon),
        equality=conditions(fields, "equality", lexicon),
        note=fields.text("note", ""),
    )
    fields.finish()
    if operator != "==" and not step.equality:
        raise DataError(f"{fields.where}: an inequality says in equality where both sides are equal")
    return step


def conditions(fields: Fields, name: str, lexicon: Lexicon) -> tuple[Condition, ...]:
    """Conditions, none where the field is absent."""
    return fields.formula(name, lexicon.conditions, fields.text(name, ""))


def _order(fields: Fields, lexicon: Lexicon) -> tuple[str, int] | None:
    text = fields.text("remainder", "")
    if not text:
        return None
    claim: Claim = fields.formula("remainder", lexicon.claim, f"0 == 0 + {text}")
    if claim.relation.order is None or claim.conditions:
        raise DataError(f"{fields.where}: a remainder is written as O(t^3): {text}")
    return claim.relation.order


