"""Chains of executed steps as blocks of a page: marks, the point where a step fails, numbers at a reader's point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from smxcheck.derivations.execute import Finding, Outcome, Witness, setting_of
from smxcheck.derivations.model import Part
from smxcheck.derivations.points import Given, Point, assignments
from smxcheck.derivations.run import StepResult
from smxcheck.formula.decimals import decimal
from smxcheck.formula.evaluate import Environment, TooCostly, Undefined, holds
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.numerals import number_of, printed, with_numbers
from smxcheck.formula.prose import prose
from smxcheck.formula.tree import Condition, IndexRelation, Node, Relation, free_indices
from smxcheck.pages.model import Chain, Failure, Line, Mark, Numbers, Prose

Choice: TypeAlias = Mapping[str, int]

#: Decimals of both sides of a false line, and the most, where fewer would show the same number twice.
SIDE_DIGITS, MOST_SIDE_DIGITS = 10, 40


def chain(part: Part, results: Sequence[StepResult], lexicon: Lexicon, at: Point | None = None) -> Chain:
    """A part with what the execution of its steps said, and at a point with numbers in each line.

    ``results`` are those of the part's steps, in their order; others among them are passed over.
    """
    choices = plain_choices(part, at) if at else ()
    lines, conditions = [], part.conditions
    for result in results:
        if result.part is part:
            conditions = (*conditions, *result.step.given)
            put = numbers(result.step.expression, conditions, lexicon, at, choices) if at else ()
            lines.append(line(result, lexicon, put))
    return Chain(
        title=heading(part, lexicon),
        conditions=part.conditions,
        start=part.start,
        lines=tuple(lines),
        start_numbers=numbers(part.start, part.conditions, lexicon, at, choices) if at else (),
        text=prose(part.text, lexicon),
    )


def heading(part: Part, lexicon: Lexicon) -> Prose:
    """The title of a part, with a capital letter where it begins with a word."""
    title = prose(part.title, lexicon)
    if title and isinstance(title[0], str):
        return (title[0][:1].upper() + title[0][1:], *title[1:])
    return title


def line(result: StepResult, lexicon: Lexicon, put: tuple[Numbers, ...] = ()) -> Line:
    """One executed step: with the point where it fails, where it does, and why in words."""
    step, finding = result.step, decisive(result)
    note = prose(step.note, lexicon)
    if finding is result.sharp and finding.outcome is Outcome.FALSE:
        note = _joined(note, "both sides should be equal here")
    elif finding.outcome is not Outcome.TRUE and finding.why:
        note = _joined(note, finding.why)
    return Line(
        number=result.number,
        rule=prose(step.rule, lexicon),
        operator=step.operator,
        expression=step.expression,
        order=step.order,
        given=step.given,
        note=note,
        mark=mark(result),
        failure=failure(finding.witness, result.relation, lexicon) if finding.witness else None,
        numbers=put,
    )


def decisive(result: StepResult) -> Finding:
    """The finding that makes a step what it is: where an inequality holds, the one on where it is an equality."""
    sharp = result.sharp
    return result.finding if sharp is None or result.finding.outcome is not Outcome.TRUE else sharp


def mark(result: StepResult) -> Mark:
    """What stands behind a line; digits only where two sides were found equal."""
    finding = decisive(result)
    equality = result.step.operator == "==" and result.step.order is None
    return Mark(str(finding.outcome), finding.digits if equality else 0, result.finding.points)


def _joined(note: Prose, more: str) -> Prose:
    return (*note, "; ", more) if note else (more,)


# ---- where a line fails


def failure(witness: Witness, relation: Relation | None = None, lexicon: Lexicon = COMMON) -> Failure:
    """The point of a witness as text. With the relation, φ is named too where the relation uses it, and what differences
    leave of 0 is printed as 0."""
    used = [relation] if relation is not None else []
    left, right = sides(witness.left, witness.right, setting_of(relation).places if relation is not None else None)
    return Failure(given_text(witness.point, used, lexicon), tuple(witness.indices.items()), left, right)


def given_text(point: Point, nodes: Sequence[Node], lexicon: Lexicon) -> tuple[tuple[str, str], ...]:
    """The numbers of a point, by letter; and φ, where the formulas use it."""
    given = [(name, number_text(value)) for name, value in point.given.items()]
    phi = [("phi", point.phi.text)] if {"phi", "dphi"} & lexicon.used(nodes) else []
    return (*given, *phi)


def sides(left: Any, right: Any, places: int | None = None) -> tuple[str, str]:
    """Both sides in so many decimals that they differ where the numbers do. With ``places``, the noise below them is 0
    beside a side that is far above it."""
    if places is not None:
        noise = left.context.mpf(10) ** -places
        if max(abs(left), abs(right)) ** 2 > noise:
            left, right = (side * (abs(side) > noise) for side in (left, right))
    digits = SIDE_DIGITS
    while digits < MOST_SIDE_DIGITS and left != right and printed(left, digits) == printed(right, digits):
        digits += 5
    return printed(left, digits), printed(right, digits)


def number_text(value: Given) -> str:
    """An exact number, 0.25 or 3/7, or a vector of them, (0, 3/7)."""
    if isinstance(value, tuple):
        return f"({', '.join(map(number_text, value))})"
    try:
        return decimal(value)
    except ValueError:
        return f"{value.numerator}/{value.denominator}"


# ---- numbers at a reader's point


def plain_choices(part: Part, at: Point) -> tuple[Choice, ...]:
    """The plainest classes for the free indices of a part: the first that its conditions allow, and where two indices
    may be equal or not, the first of the other kind too."""
    conditions = [*part.conditions, *(c for step in part.steps for c in step.given)]
    letters = tuple(dict.fromkeys(
        letter for node in (part.start, *(s.expression for s in part.steps), *conditions) for letter in free_indices(node)
    ))  # fmt: skip
    relations = [c for c in conditions if isinstance(c, IndexRelation)]
    environment = at.environment(COMMON, 0)
    allowed = [c for c in assignments(letters, at.classes) if all(holds(r, environment, c) for r in relations)]
    return tuple(_plainest(allowed, len(letters)))


def _plainest(allowed: list[dict[str, int]], letters: int) -> list[dict[str, int]]:
    kinds = {len(set(choice.values())): choice for choice in reversed(allowed)}  # the first of each kind
    if letters < 2 or len(kinds) < 2:
        return allowed[:1]
    return [kinds[min(kinds)], kinds[max(kinds)]]


def numbers(
    node: Node, conditions: Sequence[Condition], lexicon: Lexicon, at: Point, choices: Sequence[Choice]
) -> tuple[Numbers, ...]:
    """A line with numbers in it, for each choice of indices that its conditions allow; none where it has no value."""
    environment = environment_for(node, lexicon, at)
    found: dict[tuple[tuple[str, int], ...], Numbers] = {}
    for choice in choices:
        own = tuple((letter, choice[letter]) for letter in choice if letter in free_indices(node))
        try:
            if own not in found and all(holds(condition, environment, choice) for condition in conditions):
                value = printed(number_of(node, environment, choice))
                found[own] = Numbers(own, with_numbers(node, environment, choice), value)
        except (Undefined, TooCostly):
            continue
    return tuple(found.values())


def environment_for(node: Node, lexicon: Lexicon, at: Point) -> Environment:
    """A point as the environment in which one formula is evaluated as execution evaluates it."""
    setting = setting_of(node)
    return at.environment(lexicon, setting.order, setting.digits)
