"""From text to a tree: the small grammar of formulas.

    claim      relation [ "if" condition { "," condition } ]
    condition  relation | index ("==" | "!=") index
    relation   sum ("==" | "!=" | "<=" | ">=" | "<" | ">") sum [ "+" "O(" scalar "^" integer ")" ]
    sum        product { ("+" | "-") product }
    product    signed { ("*" | "/") signed }
    signed     "-" signed | power
    power      atom [ "^" signed ]
    atom       number | "(" sum ")" | scalar | vector "[" index "]" | function "(" sum { "," sum } ")"
               | quantity "(" logits ")" [ "[" index "]" ]                    as in H(z + t*d), p(z - M)[i]
               | ("sum" | "prod" | "max") "(" index { "!=" index } "," sum ")"
               | "delta" "(" index "," index ")" | "diff" "(" sum "," variable { "," variable } ")"
               | "integral" "(" scalar "," sum "," sum "," sum ")" | "inf" | "pi"
    index      i | j | k | l | c | 1 | 2 | …
    variable   scalar | vector "[" index "]"

Nothing is evaluated while reading, and nothing but this is read: text from a file or a command line cannot do anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from smxcheck.formula import remedies
from smxcheck.formula.symbols import FUNCTIONS, INDICES, SYMBOLS, Symbol
from smxcheck.formula.tokens import FormulaError as FormulaError
from smxcheck.formula.tokens import Token, tokens
from smxcheck.formula.tree import (
    Apply,
    At,
    Binary,
    Claim,
    Condition,
    Delta,
    Diff,
    Index,
    IndexRelation,
    Integral,
    Item,
    Name,
    Negative,
    Node,
    Number,
    Over,
    Relation,
)

#: Deepest nesting: what a person writes is far below, and recursion stays bounded.
DEEPEST = 40

#: Largest power in O(t^k): the remainder is measured at a t where t^k is 10^-30, which must be small.
LARGEST_ORDER = 10

#: Largest number of a class; points have far fewer.
LARGEST_INDEX = 999

#: Scalars that a point cannot move by a little: they are whole numbers.
_WHOLE = ("n", "N")

_RELATIONS = ("==", "!=", "<=", ">=", "<", ">")


def parse_claim(text: str, symbols: Mapping[str, Symbol] = SYMBOLS) -> Claim:
    """A relation and its conditions. Raises FormulaError, with the position of the character at fault."""
    parser = _Parser(text, symbols)
    claim = parser.claim()
    parser.finish()
    return claim


def parse_expression(text: str, symbols: Mapping[str, Symbol] = SYMBOLS) -> Node:
    """An expression without a relation. Raises FormulaError."""
    parser = _Parser(text, symbols)
    node = parser.sum()
    parser.finish()
    return node


def parse_conditions(text: str, symbols: Mapping[str, Symbol] = SYMBOLS) -> tuple[Condition, ...]:
    """Conditions separated by commas; none for an empty text. Raises FormulaError."""
    if not text.strip():
        return ()
    parser = _Parser(text, symbols)
    conditions = parser.conditions()
    parser.finish()
    return conditions


class _Parser:
    """Recursive descent over the tokens; one method for each line of the grammar."""

    def __init__(self, text: str, symbols: Mapping[str, Symbol]) -> None:
        self._tokens = tokens(text)
        self._symbols = symbols
        self._next = 0
        self._depth = 0
        self._bound: list[str] = []  # variables of the integrals around
        self._whole_vectors = False  # inside the argument of an At

    # ---- tokens

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._token
        self._next += 1
        return token

    def _accept(self, *signs: str) -> Token | None:
        return self._take() if self._token.text in signs and self._token.kind != "number" else None

    def _expect(self, sign: str, after: str) -> Token:
        token = self._accept(sign)
        if token is None:
            hint = "; write * for a product" if sign == ")" and self._token.kind in ("word", "number") else ""
            raise self._error(f"{sign!r} is missing after {after}{hint}")
        return token

    def _error(self, message: str) -> FormulaError:
        return FormulaError(message, self._token.position)

    def finish(self) -> None:
        """Raises FormulaError where text is left over."""
        if self._token.kind != "end":
            hint = remedies.for_leftover(self._token.text, self._token.kind)
            raise self._error(f"{self._token.text!r} cannot follow what stands before it{hint}")

    # ---- relations

    def claim(self) -> Claim:
        start = self._token.position
        relation = self._relation()
        return Claim(relation, self.conditions() if self._accept("if") else (), position=start)

    def conditions(self) -> tuple[Condition, ...]:
        found = [self._condition()]
        while self._accept(","):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        first, second, third = (self._tokens[min(self._next + o, len(self._tokens) - 1)] for o in range(3))
        if first.text in INDICES and second.text in ("==", "!="):
            self._next += 2
            return IndexRelation(second.text, first.text, self._index(third.text), position=first.position)
        return self._relation()

    def _relation(self) -> Relation:
        start = self._token.position
        left = self.sum()
        operator = self._accept(*_RELATIONS)
        if operator is None:
            factor = self._token.kind in ("word", "number") and self._token.text != "if"
            hint = remedies.for_leftover(self._token.text, self._token.kind) if factor else ""
            raise self._error(f"a relation is missing: == or <= between two sides{hint}")
        right = self.sum()
        order = self._order() if self._token.text == "O" else None
        return Relation(operator.text, left, right, order, position=start)

    def _order(self) -> tuple[str, int]:
        self._take()
        self._expect("(", "O")
        scalar = self._take()
        if self._kind(scalar.text) != "scalar":
            raise FormulaError("O(…) takes a power of a scalar, as in O(t^3)", scalar.position)
        power = 1
        if self._accept("^", "**"):
            token = self._take()
            if token.kind != "number" or not token.text.isdigit() or not 1 <= int(token.text) <= LARGEST_ORDER:
                raise FormulaError(f"the power in O(…) is a whole number from 1 to {LARGEST_ORDER}", token.position)
            power = int(token.text)
        self._expect(")", "the power")
        return scalar.text, power

    # ---- expressions

    def sum(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"a formula is nested at most {DEEPEST} deep")
        left = self._product()
        while self._token.text in ("+", "-") and not self._remainder_follows():
            sign = self._take()
            left = Binary(sign.text, left, self._product(), position=sign.position)
        if self._remainder_follows():
            self._take()
        self._depth -= 1
        return left

    def _remainder_follows(self) -> bool:
        following = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        return self._token.text == "+" and following.text == "O" and self._depth == 1

    def _product(self) -> Node:
        left = self._signed()
        while (sign := self._accept("*", "/")) is not None:
            left = Binary(sign.text, left, self._signed(), position=sign.position)
        return left

    def _signed(self) -> Node:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"a formula is nested at most {DEEPEST} deep")
        sign = self._accept("-")
        node = Negative(self._signed(), position=sign.position) if sign else self._power()
        self._depth -= 1
        return node

    def _power(self) -> Node:
        base = self._atom()
        sign = self._accept("^", "**")
        return Binary("^", base, self._signed(), position=sign.position) if sign else base

    def _atom(self) -> Node:
        token = self._token
        if token.kind == "number":
            self._take()
            return Number(Fraction(token.text), position=token.position)
        if self._accept("("):
            node = self.sum()
            self._expect(")", "the expression in parentheses")
            return node
        if token.kind == "word":
            return self._word(self._take())
        if token.kind == "end":
            raise self._error("the formula ends where a value should stand")
        raise self._error(f"a value should stand where {token.text!r} stands")

    def _word(self, token: Token) -> Node:
        match token.text:
            case "sum" | "prod" | "max" if self._binds():
                return self._over(token)
            case "delta":
                return self._delta(token)
            case "diff":
                return self._diff(token)
            case "integral":
                return self._integral(token)
            case "inf" | "pi":
                return Name(token.text, position=token.position)
            case word if word in FUNCTIONS or self._kind(word) == "function":
                return self._apply(token)
            case word if word in INDICES:
                raise FormulaError(f"the index {word} is no value by itself; as in z[{word}]", token.position)
        return self._quantity(token)

    def _quantity(self, token: Token) -> Node:
        kind, where = self._kind(token.text), token.position
        if kind is None:
            raise FormulaError(f"unknown name {token.text!r}{remedies.for_name(token.text, self._symbols)}", where)
        if self._accept("("):
            return self._at(token, kind)
        if kind == "scalar":
            if self._token.text == "[":
                raise self._error(f"{token.text} is one number and has no entries")
            return Name(token.text, position=where)
        if self._token.text != "[":
            if self._whole_vectors:
                return Name(token.text, position=where)
            power = ", or exp(x) for a power of Euler's number" if token.text == "e" and self._token.text == "^" else ""
            raise self._error(f"{token.text} is a vector: name an entry, as in {token.text}[i]{power}")
        return Item(token.text, self._subscript(token.text), position=where)

    def _at(self, token: Token, kind: str) -> Node:
        if kind == "vector" and self._token.text in INDICES:
            raise self._error(f"an index stands in brackets; write {token.text}[{self._token.text}]")
        if not self._symbols[token.text].definition:
            raise FormulaError(f"{token.text} is given and depends on nothing; * is needed for a product", token.position)
        outer, self._whole_vectors = self._whole_vectors, True
        argument = self.sum()
        self._whole_vectors = outer
        self._expect(")", "the logits")
        if kind == "scalar":
            return At(token.text, argument, position=token.position)
        if self._token.text != "[":
            raise self._error(f"{token.text}(…) is a vector: name an entry, as in {token.text}(z)[i]")
        return At(token.text, argument, self._subscript(token.text), position=token.position)

    def _subscript(self, name: str) -> Index:
        self._expect("[", name)
        index = self._index(self._token.text)
        self._expect("]", "the index")
        return index

    def _index(self, text: str) -> Index:
        """The next token as an index; ``text`` is what it reads."""
        token = self._token
        if text in INDICES:
            self._take()
            return text
        if token.kind == "number" and text.isdigit() and 1 <= int(text) <= LARGEST_INDEX:
            self._take()
            return int(text)
        raise FormulaError(f"an index is one of {', '.join(INDICES)}, or a number from 1 to {LARGEST_INDEX}", token.position)

    def _binds(self) -> bool:
        """Whether max( is followed by an index alone, as in max(k, z[k])."""
        if self._tokens[self._next - 1].text != "max":
            return True
        inside = self._tokens[min(self._next + 1, len(self._tokens) - 1)]
        return self._token.text == "(" and inside.text in INDICES

    def _over(self, token: Token) -> Node:
        self._expect("(", token.text)
        index = self._token
        if index.text not in INDICES:
            raise self._error(f"{token.text} names its index first, as in {token.text}(k, z[k])")
        self._take()
        without: list[Index] = []
        while self._accept("!="):
            without.append(self._index(self._token.text))
        self._expect(",", "the index")
        body = self.sum()
        self._expect(")", f"what {token.text} runs over")
        return Over(token.text, index.text, tuple(without), body, position=token.position)

    def _delta(self, token: Token) -> Node:
        self._expect("(", "delta")
        left = self._index(self._token.text)
        self._expect(",", "the first index")
        right = self._index(self._token.text)
        self._expect(")", "the second index")
        return Delta(left, right, position=token.position)

    def _diff(self, token: Token) -> Node:
        self._expect("(", "diff")
        body = self.sum()
        variables: list[Item | Name] = []
        while self._accept(","):
            start = self._token.position
            variable = self._atom()
            if not isinstance(variable, Item | Name) or variable in (Name("inf"), Name("pi")):
                raise FormulaError("what is differentiated by is a letter, as in z[i] or t", start)
            if isinstance(variable, Name) and (variable.name in _WHOLE or self._kind(variable.name) == "vector"):
                raise FormulaError(f"{variable.name} is not one real number: nothing is differentiated by it", start)
            variables.append(variable)
        if not variables:
            raise self._error("diff takes what to differentiate by, as in diff(H, z[i])")
        if len(variables) > 3:
            raise FormulaError("derivatives are taken up to the third order", token.position)
        self._expect(")", "the variables")
        return Diff(body, tuple(variables), position=token.position)

    def _integral(self, token: Token) -> Node:
        self._expect("(", "integral")
        variable = self._take()
        if self._kind(variable.text) != "scalar" or variable.text in _WHOLE:
            raise FormulaError("integral names its variable first, as in integral(x, 0, 1, x^2)", variable.position)
        parts = []
        for after in ("the variable", "the lower end", "the upper end"):
            self._expect(",", after)
            parts.append(self.sum())
        self._expect(")", "the integrand")
        return Integral(variable.text, *parts, position=token.position)

    def _apply(self, token: Token) -> Node:
        wanted = FUNCTIONS.get(token.text, 1)
        self._expect("(", token.text)
        arguments = [self.sum()]
        while self._accept(","):
            arguments.append(self.sum())
        if len(arguments) != wanted:
            raise FormulaError(f"{token.text} takes {wanted} argument{'s' * (wanted > 1)}, not {len(arguments)}", token.position)
        self._expect(")", f"the argument of {token.text}")
        return Apply(token.text, tuple(arguments), position=token.position)

    # ---- names

    def _kind(self, name: str) -> str | None:
        symbol = self._symbols.get(name)
        return symbol.kind if symbol else None
