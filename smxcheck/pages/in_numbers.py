"""What a derivation arrives at, in numbers at a reader's point: numbers, vectors, matrices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from smxcheck.derivations.execute import Outcome
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.points import Point
from smxcheck.derivations.run import run_relation
from smxcheck.formula.evaluate import Environment, TooCostly, Undefined, holds
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.numerals import number_of, printed
from smxcheck.formula.tree import (
    Claim,
    Condition,
    Item,
    Node,
    Number,
    Over,
    Relation,
    free_indices,
)
from smxcheck.pages.chain import environment_for
from smxcheck.pages.model import Block, Prose, Table, Text

#: Decimals of a number among others; one that would lose digits so is printed by itself.
DECIMALS = 8

#: A result with more free indices than this is not printed in numbers.
_MOST_INDICES = 3

#: Generic points at which a sum is executed before it is called 0 or 1.
_GENERIC = 8


def result_blocks(derivation: Derivation, point: Point) -> Iterator[Block]:
    """The probabilities at the point, where the derivation is about them, and each result in numbers."""
    lexicon = derivation.lexicon
    if "p" in lexicon.used(derivation.results) and "z" in point.given:
        node = Item("p", "i")
        yield Table((), (_vector(node, "i", environment_for(node, lexicon, point)),), True, (node,))
    groups = (tuple(claim_blocks(claim, lexicon, point)) for claim in derivation.results)
    for group in dict.fromkeys(groups):  # two forms of one result are the same numbers
        yield from group


def claim_blocks(claim: Claim, lexicon: Lexicon, point: Point) -> Iterator[Block]:
    """A claim in numbers, over all values of its free indices; nothing where its conditions are about them."""
    relation, letters = claim.relation, free_indices(claim.relation)
    environment = environment_for(relation, lexicon, point)
    if len(letters) > _MOST_INDICES or any(free_indices(condition) for condition in claim.conditions):
        return
    if not _satisfied(claim.conditions, environment):
        yield Text((claim, ": the condition is not satisfied here"))
        return
    try:
        if relation.operator == "==":
            yield from _equation(claim, letters, environment)
        elif not letters:
            yield _inequality(relation, environment)
    except (Undefined, TooCostly) as error:
        yield Text((relation, f": no value here, {error}"))


def _satisfied(conditions: Sequence[Condition], at: Environment) -> bool:
    try:
        return all(holds(condition, at) for condition in conditions)
    except (Undefined, TooCostly):
        return False


def _inequality(relation: Relation, at: Environment) -> Table:
    values = (number_of(side, at) for side in (relation.left, relation.right))
    return Table((), (tuple((printed(value),) for value in values),), True, (relation, ": left, right"))


def _equation(claim: Claim, letters: tuple[str, ...], at: Environment) -> Iterator[Block]:
    node, value = claim.relation.left, claim.relation.right
    if not letters:
        yield Table((), (((printed(number_of(value, at)),),),), True, (node,))
    elif len(letters) == 1:
        yield Table((), (_vector(value, letters[0], at),), True, (node,))
    else:
        *outer, row, column = letters
        for choice in _choices(outer, at.classes):
            where = "".join(f"{letter} = {number}, " for letter, number in choice.items())
            caption: Prose = (node, f": {where}{row} is the row, {column} the column")
            yield Table((), _matrix(value, row, column, at, choice), True, caption)
    if letters and not isinstance(value, Number) and (added := _sums(claim, letters, at.lexicon)):
        yield Text((added,))


def _choices(letters: Sequence[str], classes: int) -> Iterator[Mapping[str, int]]:
    if not letters:
        yield {}
    for number in range(1, classes + 1) if letters else ():
        yield {letters[0]: number}


def _matrix(node: Node, row: str, column: str, at: Environment, choice: Mapping[str, int]) -> tuple[tuple[Prose, ...], ...]:
    classes = range(1, at.classes + 1)
    values = [[number_of(node, at, {**choice, row: i, column: j}) for j in classes] for i in classes]
    return tuple(tuple((text,) for text in map(entry, line)) for line in values)


def _vector(node: Node, letter: str, at: Environment) -> tuple[Prose, ...]:
    return tuple((entry(number_of(node, at, {letter: k})),) for k in range(1, at.classes + 1))


def entry(value: Any) -> str:
    """A number among others, with as many decimals as they have; a smaller one than these show, by itself."""
    if not value or not 10.0 ** -(DECIMALS // 2) <= abs(value) < 10.0**DECIMALS:
        return printed(value)
    whole, rest = divmod(abs(int(value.context.nint(value * 10**DECIMALS))), 10**DECIMALS)
    return f"{'-' * (value < 0)}{whole}.{rest:0{DECIMALS}d}"


# ---- what a result adds up to


def _sums(claim: Claim, letters: tuple[str, ...], lexicon: Lexicon) -> str:
    """What the entries add up to, where execution finds it to be 0 or 1 at every point; an empty text otherwise."""
    if len(letters) == 1:
        total = _total(claim, letters[0], lexicon)
        return f"the entries add up to {total}" if total is not None else ""
    totals = {"row": _total(claim, letters[-1], lexicon), "column": _total(claim, letters[-2], lexicon)}
    if totals["row"] is not None and totals["row"] == totals["column"]:
        return f"each row and each column adds up to {totals['row']}"
    return " and ".join(f"each {name} adds up to {total}" for name, total in totals.items() if total is not None)


def _total(claim: Claim, letter: str, lexicon: Lexicon) -> int | None:
    for total in (0, 1):
        added = Relation("==", Over("sum", letter, (), claim.relation.right), Number(Fraction(total)))
        if run_relation(added, claim.conditions, lexicon, _GENERIC).outcome is Outcome.TRUE:
            return total
    return None
