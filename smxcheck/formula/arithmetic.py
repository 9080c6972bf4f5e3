"""Arithmetic on the numbers of an environment: what has no value is refused, what rounding swallows is noted.

1 + exp(-1000) is 1 with 120 digits. The environment is told (`Environment.lose`), so that who compares two sides can
evaluate them with more.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from smxcheck.formula.evaluate import Environment

Value: TypeAlias = Any  # an mpf of the environment's context

#: exp of more than this is refused: no formula of this family needs it, and the digits of exp(exp(exp(100))) would fill
#: the memory.
LARGEST_EXPONENT = 10**6


class Undefined(ArithmeticError):
    """The formula has no real value here: log of 0, a division by 0, an index beyond the last class."""


def arithmetic(sign: str, left: Value, right: Value, at: Environment) -> Value:
    """``left`` + - * / ^ ``right``. Raises Undefined."""
    match sign:
        case "+" | "-":
            return _added(left, right if sign == "+" else -right, at)
        case "*":
            return left * right
        case "/":
            if not right:
                raise Undefined("a division by 0")
            return left / right
    return _power(left, right, at)


def _added(left: Value, right: Value, at: Environment) -> Value:
    total = left + right
    at.lose(bool((total == left and right) or (total == right and left)))
    return total


def _power(base: Value, exponent: Value, at: Environment) -> Value:
    if not abs(exponent) <= LARGEST_EXPONENT:  # nan as well
        raise Undefined("a power beyond what is evaluated")
    if not base and exponent < 0:
        raise Undefined("a negative power of 0")
    if base < 0 and exponent != at.context.floor(exponent):
        raise Undefined("a power of a negative number that is not whole")
    power = base**exponent
    at.lose(bool(power == 1 and exponent and abs(base) != 1))
    return power


def _exp(at: Environment, x: Value, function: Callable[[Value], Value]) -> Value:
    if x > LARGEST_EXPONENT or (not math.isfinite(x) and x > 0):
        raise Undefined("exp beyond what is evaluated")
    if x < -LARGEST_EXPONENT:
        if not at.integrating:
            raise Undefined("exp below what is evaluated")
        x = at.context.ninf  # the far end of an integrand, which adds nothing
    value = function(x)
    at.lose(bool(x and abs(value) == 1))
    return value


def apply(function: str, arguments: list[Value], at: Environment) -> Value:
    """A function of numbers, or one that a point chooses. Raises Undefined."""
    x = arguments[0]
    match function:
        case "exp":
            return _exp(at, x, at.context.exp)
        case "expm1":
            return _exp(at, x, at.context.expm1)
        case "log" | "log1p":
            if x + (function == "log1p") <= 0:
                raise Undefined("log of a number that is not positive")
            if function == "log":
                return at.context.log(x)
            at.lose(bool(x + 1 == x))
            return at.context.log1p(x)
        case "sqrt":
            if x < 0:
                raise Undefined("sqrt of a negative number")
            return at.context.sqrt(x)
        case "abs":
            return abs(x)
        case "max" | "min":
            return (max if function == "max" else min)(arguments)
    if function not in at.functions:
        raise Undefined(f"no function is given for {function}")
    at.lose(bool(abs(x) > at.context.prec))  # 1 + exp(-x) is 1
    return at.functions[function](at.context, x)
