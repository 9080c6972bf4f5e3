"""The letters that a formula may use, with their definitions read: which letters follow from which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

from smxcheck.formula.grammar import (
    FormulaError,
    parse_claim,
    parse_conditions,
    parse_expression,
)
from smxcheck.formula.symbols import SYMBOLS, Symbol, table
from smxcheck.formula.tree import Claim, Condition, Node, free_indices, names


class Lexicon:
    """The common letters and a topic's own; it reads formulas that use them.

    Raises ValueError for a definition that cannot be read, has free indices beside i, or leads back to itself.
    """

    def __init__(self, own: Iterable[Symbol] = ()) -> None:
        self.own = tuple(own)
        self.symbols: Mapping[str, Symbol] = table(self.own) if self.own else SYMBOLS
        for symbol in self.own:
            if symbol.definition:
                self._check(symbol)

    @cached_property
    def definitions(self) -> Mapping[str, Node]:
        """The definition of every letter that has one."""
        return {s.name: parse_expression(s.definition, self.symbols) for s in self.symbols.values() if s.definition}

    def expression(self, text: str) -> Node:
        """Reads an expression. Raises FormulaError."""
        return parse_expression(text, self.symbols)

    def claim(self, text: str) -> Claim:
        """Reads a relation with its conditions. Raises FormulaError."""
        return parse_claim(text, self.symbols)

    def conditions(self, text: str) -> tuple[Condition, ...]:
        """Reads conditions. Raises FormulaError."""
        return parse_conditions(text, self.symbols)

    def used(self, nodes: Iterable[Node]) -> set[str]:
        """The letters in formulas and in the definitions behind them."""
        found: set[str] = set()
        todo = [name for node in nodes for name in names(node)]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += names(self.definitions[name]) if name in self.definitions else ()
        return found & set(self.symbols)

    def given(self, nodes: Iterable[Node]) -> set[str]:
        """Those of the letters used that a point must put numbers in the place of."""
        return {name for name in self.used(nodes) if not self.symbols[name].definition}

    def _check(self, symbol: Symbol) -> None:
        try:
            node = parse_expression(symbol.definition, self.symbols)
        except FormulaError as error:
            raise ValueError(f"the definition of {symbol.name}: {error.message} (character {error.position + 1})") from error
        allowed = {"i"} if symbol.kind == "vector" else set()
        if set(free_indices(node)) - allowed:
            raise ValueError(f"the definition of {symbol.name} has a free index beside {' '.join(allowed) or 'none'}")
        if symbol.name in self.used([node]):
            raise ValueError(f"the definition of {symbol.name} leads back to {symbol.name}")


#: The common letters alone.
COMMON = Lexicon()
