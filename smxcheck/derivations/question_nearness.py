"""Whether two sides that are near each other are the same: they are evaluated with more digits until that is told.

A number stays what it is when digits are added; what rounding, differences and quadrature leave of 0 falls with them. So
a difference is real where it is the same with twice the digits, however small it is: p[i] + 1e-60 is not p[i]. And it is
noise where it falls as the digits say, however large it is: S*p[i] - exp(z[i]) at logits near 1000 is 0, though 120 digits
leave 10^315 of it.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any, TypeAlias

from smxcheck.derivations.execute import MOST_DIGITS, Outcome, Setting, compare
from smxcheck.formula.evaluate import QUADRATURE_DIGITS, Environment, Undefined, evaluate
from smxcheck.formula.tree import Number, Relation, walk

Compared: TypeAlias = tuple[Outcome, int, tuple[Any, Any], str]

#: How often the digits are doubled, with an integral and without: 120, 240 … 3840.
_DOUBLED, _DOUBLED_WITH_INTEGRAL = 5, 2

#: A difference that stays within this share of itself is a number.
_STAYS = "1e-3"

#: Places of noise that are allowed for: the constants in the errors of differences reach 10^12 (see `execute`).
_SLACK = 6, 16

#: Of the places that digits add, the share by which noise falls at least.
_FALLS = 0.9

#: A remainder is measured once more where t^power leaves this share of the places to its difference.
_SHARE = 3

_TOO_NEAR = "the two sides agree in too many digits to differ and in too few to be equal"


def judged(
    relation: Relation, at: Environment, indices: Mapping[str, int], setting: Setting, trusted: Container[Outcome] = ()
) -> Compared:
    """As `execute.compare`, with digits added until a difference is told from noise.

    ``trusted`` are the outcomes that more digits have confirmed elsewhere: where the first digits say the same, and plainly,
    they are believed. Raises Undefined and TooCostly.
    """
    if relation.order is not None:
        return _remainder(relation, at, indices, setting)
    written = _digits_of_numbers(relation, setting)
    if setting.digits == QUADRATURE_DIGITS and written <= setting.digits:  # a quadrature costs much: once where it tells
        found = compare(relation, at, indices, setting)
        if found[0] is not Outcome.UNDECIDED:
            return found
    levels, digits = [_sides(relation, at, indices)], setting.digits
    plain = None if at.lost or written > digits else _plainly_same(levels[0], setting)
    if plain is not None and (found := _outcome(relation.operator, plain, levels, setting))[0] in trusted:
        return found
    for _ in range(_DOUBLED_WITH_INTEGRAL if setting.digits == QUADRATURE_DIGITS else _DOUBLED):
        digits = min(max(2 * digits, written), MOST_DIGITS)
        finer = at.finer(setting.order, digits)
        try:
            levels.append(_sides(relation, finer, indices))
        except Undefined:  # a quadrature that does not come to so many digits
            return compare(relation, at, indices, setting)
        same = _same(levels[-2:], finer.lost, setting, digits)
        if same is not None:
            return _outcome(relation.operator, same, levels, setting)
    return Outcome.UNDECIDED, 0, levels[0], _TOO_NEAR


def _sides(relation: Relation, at: Environment, indices: Mapping[str, int]) -> tuple[Any, Any]:
    left, right = evaluate(relation.left, at, indices), evaluate(relation.right, at, indices)
    if not (at.context.isfinite(left) and at.context.isfinite(right)):
        raise Undefined("an infinite value")
    return left, right


def _digits_of_numbers(relation: Relation, setting: Setting) -> int:
    """Digits that hold the smallest number written in a relation beside 1, after derivatives too."""
    sizes = [len(str(n.value.denominator)) for n in walk(relation) if isinstance(n, Number) and n.value]
    return (setting.order + 2) * max([0, *(size + _SLACK[1] for size in sizes if size > _SLACK[1])])


def _plainly_same(sides: tuple[Any, Any], setting: Setting) -> bool | None:
    """Whether sides of a usual size are equal in all places that are right, or differ within the first ten."""
    difference, scale, ten = abs(sides[0] - sides[1]), max(map(abs, sides)), sides[0].context.mpf(10)
    if not ten**-10 <= scale <= ten**10:
        return None
    if difference <= scale * ten ** -(_places(setting.digits, setting) - _SLACK[setting.order > 0]):
        return True
    return False if difference >= scale * ten**-10 else None


def _same(levels: list[tuple[Any, Any]], lost: bool, setting: Setting, digits: int) -> bool | None:
    """Whether the sides are equal, by the difference at two numbers of digits; None where that does not tell."""
    if lost:  # (exp(1003) + 1) - exp(1003) is 0 with 120 digits and with 240
        return None
    (before, after), scale = (left - right for left, right in levels), max(1, *map(abs, levels[-1]))
    ten, slack = after.context.mpf(10), _SLACK[setting.order > 0]
    had, has = (_places(dps, setting) for dps in (before.context.dps, digits))
    if after and abs(after - before) <= abs(after) * after.context.mpf(_STAYS):
        quotients = setting.order > 0 or setting.digits == QUADRATURE_DIGITS  # which swallow what is below their error
        return None if quotients and abs(after) <= scale * ten ** -(had - slack) else False
    if abs(after) <= scale * ten ** -(has - slack) or abs(after) <= abs(before) * ten ** -(_FALLS * (has - had)):
        return True
    return None


def _places(digits: int, setting: Setting) -> float:
    """Places that are right of a number near 1, but for `_SLACK`: see `smxcheck.formula.evaluate`."""
    return 2 * digits * (0.75 if setting.digits == QUADRATURE_DIGITS else 1) / (setting.order + 2)


def _outcome(operator: str, same: bool, levels: list[tuple[Any, Any]], setting: Setting) -> Compared:
    left, right = levels[-1]
    if same:
        digits = max(_agreement(sides, setting) for sides in (levels[0], levels[-1]))
        return (Outcome.TRUE if operator in ("==", "<=", ">=") else Outcome.FALSE), digits, levels[0], ""
    holds = {"==": False, "!=": True, "<": left < right, "<=": left < right, ">": left > right, ">=": left > right}[operator]
    return (Outcome.TRUE if holds else Outcome.FALSE), setting.agree, levels[-1] if operator == "==" else levels[0], ""


def _agreement(sides: tuple[Any, Any], setting: Setting) -> int:
    """Digits in which two sides agree, places where they are small."""
    difference, context = abs(sides[0] - sides[1]), sides[0].context
    if not difference:
        return setting.places
    return min(setting.places, max(0, int(context.floor(-context.log10(difference / max(1, *map(abs, sides)))))))


def _remainder(relation: Relation, at: Environment, indices: Mapping[str, int], setting: Setting) -> Compared:
    """`compare`, and once more with four times the digits at a t that is as much smaller: what is small at one t is not
    yet of its order."""
    assert relation.order is not None
    coarse = compare(relation, at, indices, setting)
    name, power = relation.order
    digits = max(4 * setting.digits, _SHARE * _digits_of_numbers(relation, setting))
    there, places = at.finer(setting.order, digits), _places(digits, setting)
    ten = there.context.mpf(10)
    differences = []
    for t in (ten ** -int(places / _SHARE / power), ten ** -(int(places / _SHARE / power) + 1)):
        left, right = _sides(relation, there.with_values(**{name: t}), indices)
        differences.append((abs(left - right), max(1, abs(left))))
    (first, scale), (second, _) = differences
    if not first or second <= scale * ten ** -(places - _SLACK[1]):
        return Outcome.TRUE, *coarse[1:3], ""
    fell = there.context.log10(first / second) if second else there.context.inf
    if fell > power - 0.01:
        return Outcome.TRUE, *coarse[1:3], ""
    return Outcome.FALSE, *coarse[1:3], coarse[3] or f"the difference falls like {name}^{float(fell):.2f}, not {name}^{power}"
