"""Formulas with numbers in the place of letters, and numbers as a reader of printed notes knows them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from smxcheck.formula.decimals import SMALL, decimal
from smxcheck.formula.evaluate import NO_INDICES, Environment, Scope, Value, context, evaluate
from smxcheck.formula.symbols import FUNCTIONS
from smxcheck.formula.tree import Apply, Binary, Name, Negative, Node, Number, order_of

#: Decimal places of a printed number.
DIGITS = 8

#: From here on a number is printed with a power of ten.
_LARGE = 10**16

#: What is closer than this to a whole number, of its size, is that number. The evaluation is exact to more places.
_WHOLE = "1e-20"

#: A power of ten beyond this has no place in a formula; the letter stays. The grammar reads three digits.
_LARGEST_POWER = 999

_PRINTING = context(60)


def printed(value: Any, digits: int = DIGITS) -> str:
    """A number with ``digits`` decimal places, without zeros at the end: 0.00490169, 0.196001, 2.

    Below 1e-4, and from 1e16 on, with a power of ten and as many places: -2.40265555e-05. A number that is not whole gets
    more places rather than being printed as a whole one: 0.9999999999999. Takes what mpmath, fractions and int are.
    """
    x = _mpf(value)
    size = abs(x)
    if not _PRINTING.isfinite(x):
        return str(x).removeprefix("+")
    whole = _PRINTING.nint(x)
    if not size or (size < _LARGE and abs(x - whole) <= size * _PRINTING.mpf(_WHOLE)):
        return str(int(whole))
    if size < _mpf(SMALL) or size >= _LARGE:
        return _with_power(x, digits + 1)
    places = digits
    while (shifted := int(_PRINTING.nint(x * 10**places))) % 10**places == 0:
        places += 1
    return decimal(Fraction(shifted, 10**places))


def _with_power(x: Value, significant: int) -> str:
    text = str(_PRINTING.nstr(x, significant, min_fixed=0, max_fixed=0))
    mantissa, _, exponent = text.partition("e")
    if abs(int(exponent or 0)) <= _LARGEST_POWER:
        return decimal(Fraction(text))
    return f"{mantissa.removesuffix('.0')}e{exponent}"


def _mpf(value: Any) -> Value:
    if isinstance(value, Fraction):
        return _PRINTING.mpf(value.numerator) / value.denominator
    return _PRINTING.mpf(value)


def number_of(node: Node, environment: Environment, scope: Scope = NO_INDICES) -> Value:
    """The value of a formula, and 0 where nothing but the noise of differences is left. Raises Undefined and TooCostly.

    Truncation and rounding leave about step² of a derivative that is 0, see `smxcheck.formula.evaluate`; the bound is
    10^10 times that.
    """
    value = evaluate(node, environment, scope)
    noise = environment.step**2 * 10**10 if order_of(node) else 0
    return environment.context.zero if abs(value) < noise else value


def with_numbers(node: Node, environment: Environment, scope: Scope = NO_INDICES, digits: int = DIGITS) -> Node:
    """The formula with numbers, as `printed` prints them, for its letters, sums, derivatives and given functions.

    What can be computed with a calculator stays: + - * / ^ and exp, log and the like, with numbers inside. Raises
    Undefined and TooCostly.
    """

    def below(part: Node) -> Node:
        return with_numbers(part, environment, scope, digits)

    match node:
        case Number() | Name("pi" | "inf"):
            return node
        case Binary(_, left, right):
            return replace(node, left=below(left), right=below(right))
        case Negative(operand):
            return replace(node, operand=below(operand))
        case Apply(function, arguments) if function in FUNCTIONS:
            return replace(node, arguments=tuple(below(argument) for argument in arguments))
    return _as_node(printed(number_of(node, environment, scope), digits), node)


def _as_node(text: str, otherwise: Node) -> Node:
    """A printed number as a node; ``otherwise`` where it is beyond all numbers that the grammar reads."""
    size = text.removeprefix("-")
    if size == "inf":
        found: Node = Name("inf")
    elif abs(int(size.partition("e")[2] or 0)) > _LARGEST_POWER:
        return otherwise
    else:
        found = Number(Fraction(size))
    return Negative(found) if text != size else found
