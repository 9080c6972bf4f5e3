"""Every formula that differs from a given one in one sign: what executing a derivation must notice.

A sign stands between two terms (+ or -), in front of a factor (-x), or, unwritten, where an expression begins: at its very
start, in parentheses, in the argument of a function, in the body of a sum, in an exponent. Each is turned once. A sign is
put in front of the first term only where it says something: not in front of 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from smxcheck.formula.tree import Apply, At, Binary, Diff, Integral, Negative, Node, Number, Over, Relation

_TURNED = {"+": "-", "-": "+"}


def flips(node: Node) -> Iterator[tuple[str, Node]]:
    """What was turned, by the place in the formula's text, and the formula with that one sign turned.

    A relation yields those of both its sides.
    """
    if not isinstance(node, Relation):
        yield from _first_sign(node)
    yield from _inside(node, written=False)


def written_flips(node: Node) -> Iterator[tuple[str, Node]]:
    """Those of `flips` that turn a sign which the formula shows."""
    return _inside(node, written=True)


def _inside(node: Node, written: bool) -> Iterator[tuple[str, Node]]:
    """The signs that stand in a formula and, unless only ``written`` ones are wanted, those in front of what it holds."""
    place = f"at character {node.position + 1}"
    match node:
        case Binary("+" | "-" as sign):
            yield f"{_TURNED[sign]} for {sign} {place}", replace(node, operator=_TURNED[sign])
        case Negative(operand):
            yield f"no - {place}", operand
    for name, number, child in _children(node):
        unwritten = _first_sign(child) if not written and _begins(node, name, child) else ()
        for what, turned in (*unwritten, *_inside(child, written)):
            yield what, _with_child(node, name, number, turned)


def _begins(parent: Node, name: str, child: Node) -> bool:
    """Whether an expression of its own begins with this child: no factor, and no first term of a longer sum."""
    match parent:
        case Apply() | Over() | Diff() | Integral() | At() | Relation():
            return True
        case Binary("^") if name == "right":
            return True
        case Binary("+" | "-") if name == "left":
            return False
    return isinstance(child, Binary) and child.operator in _TURNED


def _first_sign(node: Node) -> Iterator[tuple[str, Node]]:
    """A minus in front of an expression whose first term has none."""
    match node:
        case Binary("*" | "/", Binary("+" | "-") as left):  # in front of the parentheses
            yield _in_front(left), replace(node, left=Negative(left, position=_start(left)))
        case Binary("+" | "-" | "*" | "/", left):
            for what, turned in _first_sign(left):
                yield what, replace(node, left=turned)
        case Negative() | Number(value=0):
            return
        case _:
            yield _in_front(node), Negative(node, position=_start(node))


def _in_front(node: Node) -> str:
    return f"- in front at character {_start(node) + 1}"


def _start(node: Node) -> int:
    """Where the text of an atom or a power begins: the position of a power is that of its sign."""
    return _start(node.left) if isinstance(node, Binary) else node.position


def _children(node: Node) -> Iterator[tuple[str, int | None, Node]]:
    """The parts of a formula that have signs, by field and place in it: not what a derivative is taken by."""
    for f in fields(node):
        value = getattr(node, f.name)
        if f.name == "variables" or f.name == "conditions":
            continue
        if isinstance(value, Node):
            yield f.name, None, value
        elif isinstance(value, tuple):
            yield from ((f.name, number, part) for number, part in enumerate(value) if isinstance(part, Node))


def _with_child(node: Node, name: str, number: int | None, child: Node) -> Node:
    if number is None:
        changes: dict[str, Any] = {name: child}
    else:
        parts = getattr(node, name)
        changes = {name: (*parts[:number], child, *parts[number + 1 :])}
    return replace(node, **changes)
