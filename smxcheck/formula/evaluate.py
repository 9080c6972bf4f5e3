"""From a tree to a number, in arbitrary precision.

A derivative is never taken by a rule: ``diff`` is the central difference quotient of what stands in it, computed with
enough digits. With D digits and nested order r, the step is h = 10^-s, s = D // (r + 2): the truncation error of each
level is of order h^2, the rounding error 10^-D / h^r, so that about 2s digits are right (120 digits: 80 of a first
derivative, 60 of a second, 48 of a third). So no rule that a derivation states is used to check it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeAlias

from mpmath import MPContext

from smxcheck.formula.arithmetic import Undefined as Undefined
from smxcheck.formula.arithmetic import apply, arithmetic
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.quadrature import NotIntegrable, integrate
from smxcheck.formula.tree import (
    Apply,
    At,
    Binary,
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
    walk,
)

Value: TypeAlias = Any  # an mpf of the environment's context
Scope: TypeAlias = Mapping[str, int]
Function: TypeAlias = Callable[[MPContext, Value], Value]

NO_INDICES: Scope = MappingProxyType({})

#: Digits of an evaluation; with an integral, whose quadrature needs the integrand at hundreds of points, fewer.
DIGITS, QUADRATURE_DIGITS = 120, 40

#: Operations that one environment, with all that are derived from it, may spend: some ten seconds.
MOST_OPERATIONS = 3_000_000

#: What it costs to put other numbers in the place of letters, in operations: a few microseconds, and memory that is kept.
COST_OF_A_POINT = 30

#: A number beyond this is moved by a share of itself, or it would swallow the step: S at logits near 1000.
LARGE = 10**6

#: Slopes from the left and from the right that differ by more than this, of a value near 1, are two slopes: the difference
#: of those of a smooth function is of order h, 10^-24 and less.
SHARP = "1e-10"


class TooCostly(ArithmeticError):
    """Evaluating the formula takes more operations than it is allowed."""


@lru_cache(maxsize=8)
def context(digits: int) -> MPContext:
    """The context with this many decimal digits; nobody changes it."""
    own = MPContext()
    own.dps = digits
    return own


class Environment:
    """Numbers in the place of letters: what is given, and by definition all that follows from it.

    ``given`` maps a letter to a number, or to a tuple of n numbers; a letter that has a definition may be given too and
    then is what is given. ``functions`` are those that a point chooses, as φ. ``order`` is the number of derivatives
    nested in what will be evaluated, which sets the step of differences.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        given: Mapping[str, Value],
        functions: Mapping[str, Function] = MappingProxyType({}),
        classes: int = 1,
        order: int = 1,
        digits: int = DIGITS,
    ) -> None:
        self.lexicon, self.functions, self.classes = lexicon, functions, classes
        self.context = context(digits)
        self.step = self.context.mpf(10) ** -(digits // (order + 2))
        self._exact = given
        self.given = {name: self._number(value) for name, value in given.items()}
        self._memo: dict[tuple[str, int], Value] = {}
        self._near: dict[tuple[Any, ...], Environment] = {}
        self._left = [MOST_OPERATIONS]
        self._lost = [False]
        self.integrating = False

    def _number(self, value: Any) -> Value:
        if isinstance(value, tuple | list):
            return tuple(self._number(v) for v in value)
        if hasattr(value, "numerator") and hasattr(value, "denominator"):
            return self.context.mpf(int(value.numerator)) / int(value.denominator)
        return self.context.mpf(value)

    def scalar(self, name: str) -> Value:
        """The number that a letter stands for. Raises Undefined where none is given."""
        if name == "n":
            return self.context.mpf(self.classes)
        if name in self.given:
            return self.given[name]
        return self._defined(name, 0, NO_INDICES)

    def entry(self, name: str, index: int) -> Value:
        """Entry ``index``, from 1 on, of a vector. Raises Undefined beyond the last class."""
        if not 1 <= index <= self.classes:
            raise Undefined(f"{name}[{index}] of {self.classes} classes")
        if name in self.given:
            return self.given[name][index - 1]
        return self._defined(name, index, {"i": index})

    def _defined(self, name: str, index: int, scope: Scope) -> Value:
        if (name, index) not in self._memo:
            definition = self.lexicon.definitions.get(name)
            if definition is None:
                raise Undefined(f"no number is given for {name}")
            self._memo[name, index] = evaluate(definition, self, scope)
        return self._memo[name, index]

    def with_values(self, **given: Value) -> Environment:
        """The same point with other numbers for some letters, and all that follows from them. Raises TooCostly."""
        key = tuple(sorted(given.items()))
        if key not in self._near:
            self.spend(COST_OF_A_POINT)
            child = object.__new__(Environment)
            child.__dict__.update(self.__dict__)
            child.given = {**self.given, **given}
            child._memo, child._near = {}, {}
            self._near[key] = child
        return self._near[key]

    def settle(self, values: Mapping[tuple[str, int], Value]) -> None:
        """Takes what letters with a definition stand for, by name and entry, from a point where it is the same."""
        self._memo |= values

    def moved(self, name: str, index: int, change: Value) -> Environment:
        """The point where one number has changed, and nothing else that is given."""
        key = (name, index, change)
        if key not in self._near:
            self._near[key] = self._moved(name, index, change)
        return self._near[key]

    def _moved(self, name: str, index: int, change: Value) -> Environment:
        if index == 0:
            return self.with_values(**{name: self.scalar(name) + change})
        vector = [self.entry(name, k) for k in range(1, self.classes + 1)]
        vector[index - 1] += change
        return self.with_values(**{name: tuple(vector)})

    def allow(self, operations: int) -> None:
        """Sets how many operations may still be spent here and in all that is derived from here."""
        self._left[0] = operations

    @property
    def left(self) -> int:
        """Operations that may still be spent."""
        return self._left[0]

    @property
    def lost(self) -> bool:
        """Whether rounding has swallowed a whole number here, as exp(-1000) in 1 + exp(-1000): more digits would keep it."""
        return self._lost[0]

    def lose(self, swallowed: bool) -> None:
        """Notes that rounding has swallowed a number. The far end of an integrand may be: it adds nothing."""
        self._lost[0] |= swallowed and not self.integrating

    def finer(self, order: int, digits: int) -> Environment:
        """The same point, as it was made, with more digits, and what may still be spent."""
        key = ("finer", order, digits)
        if key not in self._near:
            own = self._near[key] = Environment(self.lexicon, self._exact, self.functions, self.classes, order, digits)
            own._left = self._left
        return self._near[key]

    def spend(self, operations: int = 1) -> None:
        """Counts operations. Raises TooCostly when there have been too many."""
        self._left[0] -= operations
        if self._left[0] < 0:
            raise TooCostly("the formula takes too long to evaluate: fewer nested sums or derivatives, please")


def evaluate(node: Node, at: Environment, scope: Scope = NO_INDICES, element: int = 0) -> Value:
    """The number that a formula has at a point, where ``scope`` says what its free indices are.

    ``element`` is the entry that whole vectors stand for, inside the argument of an `At`. Raises Undefined and TooCostly.
    """
    at.spend()
    match node:
        case Number(value):
            at.lose(max(value.numerator.bit_length(), value.denominator.bit_length()) > at.context.prec)
            return at.context.mpf(value.numerator) / value.denominator
        case Name(name):
            return _name(name, at, element)
        case Item(name, index):
            return at.entry(name, _class(index, scope))
        case Binary(sign, left, right):
            return arithmetic(sign, evaluate(left, at, scope, element), evaluate(right, at, scope, element), at)
        case Negative(operand):
            return -evaluate(operand, at, scope, element)
        case Apply(function, arguments):
            return apply(function, [evaluate(a, at, scope, element) for a in arguments], at)
        case Over():
            return _over(node, at, scope, element)
        case Delta(left, right):
            return at.context.mpf(_class(left, scope) == _class(right, scope))
        case Diff(body, variables):
            return _diff(body, variables, at, scope)
        case At():
            return _elsewhere(node, at, scope)
        case Integral():
            return _integral(node, at, scope)
    raise TypeError(f"{type(node).__name__} has no value")


def holds(node: Relation | IndexRelation, at: Environment, scope: Scope = NO_INDICES) -> bool:
    """Whether a condition is true at a point; two numbers are equal when they agree in all but a tenth of the digits."""
    if isinstance(node, IndexRelation):
        return (_class(node.left, scope) == _class(node.right, scope)) == (node.operator == "==")
    left, right = evaluate(node.left, at, scope), evaluate(node.right, at, scope)
    close = abs(left - right) <= at.context.mpf(10) ** -(at.context.dps * 9 // 10) * max(abs(left), abs(right), 1)
    if node.operator in ("==", "!="):
        return bool(close) == (node.operator == "==")
    return bool(COMPARISONS[node.operator](left, right)) or bool(close and "=" in node.operator)


COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = MappingProxyType(
    {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
)


def _class(index: Index, scope: Scope) -> int:
    return index if isinstance(index, int) else scope[index]


def _name(name: str, at: Environment, element: int) -> Value:
    if name == "inf":
        return at.context.inf
    if name == "pi":
        return +at.context.pi
    symbol = at.lexicon.symbols.get(name)
    return at.entry(name, element) if symbol and symbol.kind == "vector" else at.scalar(name)


def _over(node: Over, at: Environment, scope: Scope, element: int) -> Value:
    left_out = {_class(index, scope) for index in node.without}
    values = [
        evaluate(node.body, at, {**scope, node.index: k}, element)
        for k in range(1, at.classes + 1)
        if k not in left_out
    ]  # fmt: skip
    match node.kind:
        case "sum":
            total = at.context.fsum(values)
            size = at.context.mag(total) - at.context.prec
            at.lose(any(value and at.context.mag(value) < size for value in values) if total else False)
            return total
        case "prod":
            return at.context.fprod(values)
    if not values:
        raise Undefined("the maximum of nothing")
    return max(values)


def _diff(body: Node, variables: tuple[Item | Name, ...], at: Environment, scope: Scope) -> Value:
    """Central differences, the last variable outermost, so that inner ones start from where it has moved."""
    if not variables:
        return evaluate(body, at, scope)
    *inner, variable = variables
    index = _class(variable.index, scope) if isinstance(variable, Item) else 0
    value = at.entry(variable.name, index) if index else at.scalar(variable.name)
    step = at.step * (abs(value) if abs(value) > LARGE else 1)
    above, below = (_diff(body, tuple(inner), at.moved(variable.name, index, sign * step), scope) for sign in (1, -1))
    if _may_bend(body, at.lexicon):
        here = _diff(body, tuple(inner), at, scope)
        if abs(above - 2 * here + below) > step * at.context.mpf(SHARP) * max(1, abs(here)):
            raise Undefined("no derivative: it is another from the left than from the right")
    return (above - below) / (2 * step)


@lru_cache(maxsize=256)
def _may_bend(body: Node, lexicon: Lexicon) -> bool:
    """Whether max, min or abs stands in a formula or in the definitions behind it."""
    formulas = [body, *(lexicon.definitions[name] for name in lexicon.used([body]) if name in lexicon.definitions)]
    return any(
        (isinstance(part, Apply) and part.function in ("max", "min", "abs")) or (isinstance(part, Over) and part.kind == "max")
        for formula in formulas
        for part in walk(formula)
    )


def _elsewhere(node: At, at: Environment, scope: Scope) -> Value:
    logits = tuple(evaluate(node.argument, at, scope, k) for k in range(1, at.classes + 1))
    there = at.with_values(z=logits)
    return there.scalar(node.name) if node.index is None else there.entry(node.name, _class(node.index, scope))


def _integral(node: Integral, at: Environment, scope: Scope) -> Value:
    """Raises Undefined too where quadrature does not find the value."""
    low, high = (evaluate(end, at, scope) for end in (node.low, node.high))
    if at.context.isnan(low) or at.context.isnan(high):
        raise Undefined("an integral without ends")
    settled = _settled(node, at)

    def integrand(v: Value) -> Value:
        there = at.with_values(**{node.variable: v})
        there.integrating = True
        there.settle(settled)
        return evaluate(node.body, there, scope)

    try:
        return integrate(integrand, low, high, at.context)
    except NotIntegrable as error:
        raise Undefined(str(error)) from error


def _settled(node: Integral, at: Environment) -> dict[tuple[str, int], Value]:
    """The letters behind an integrand that do not follow from its variable: found once, not at each of a thousand points."""
    found: dict[tuple[str, int], Value] = {}
    for name in at.lexicon.used([node.body]):
        definition = at.lexicon.definitions.get(name)
        if definition is None or name in at.given or node.variable in at.lexicon.used([definition]):
            continue
        with suppress(Undefined):  # the integrand may not come to need it
            if at.lexicon.symbols[name].kind == "scalar":
                found[name, 0] = at.scalar(name)
            else:
                found |= {(name, k): at.entry(name, k) for k in range(1, at.classes + 1)}
    return found
