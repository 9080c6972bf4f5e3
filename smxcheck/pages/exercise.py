"""Exercise sheets made from derivations: lines to fill in, and one wrong sign to find.

The same seed gives the same sheet: what is chosen depends on ``random()`` alone, which Python keeps from version to
version.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from smxcheck.derivations.execute import Finding, Outcome
from smxcheck.derivations.flips import flips, written_flips
from smxcheck.derivations.model import Derivation, Part, Step
from smxcheck.derivations.run import run_parts, run_relation
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.prose import prose
from smxcheck.formula.tree import Condition, Node, Relation
from smxcheck.pages.chain import chain, failure, heading
from smxcheck.pages.model import Block, Chain, Display, Heading, Line, Mark, Page, Text
from smxcheck.pages.topic import letters

T = TypeVar("T")
Signs: TypeAlias = Callable[[Node], Iterator[tuple[str, Node]]]

#: Generic points, beside the simple ones, at which a wrong sign is found wrong.
_GENERIC = 8

#: Lines of a chain in which a wrong sign is not seen at once.
_LONG = 3


@dataclass(frozen=True)
class WrongSign:
    """One line of a derivation, by its number, with one sign turned."""

    part: Part
    number: int
    step: Step
    relation: Relation  # between the line above and the wrong one
    conditions: tuple[Condition, ...]

    def finding(self, lexicon: Lexicon) -> Finding:
        """What execution says of the wrong line."""
        return run_relation(self.relation, self.conditions, lexicon, _GENERIC)


def exercise_page(derivation: Derivation, seed: int = 1) -> Page:
    """A sheet: chains with blank lines, then a chain in which one sign is wrong.

    The chain of the second part is not in the first, unless it is the only one. Raises ValueError for a derivation without
    an equation in whose line a sign could be hidden.
    """
    wrong = wrong_sign(derivation, seed)
    blank = blank_lines(derivation, seed)
    others = [part for part in derivation.parts if part is not wrong.part]
    alone = () if others else (Text(("Fill them in before you read on.",)),)
    blocks = (
        *letters(derivation),
        Heading(("A. Fill in the blank lines.",)),
        *alone,
        *(_with_blanks(derivation, part, blank) for part in others or derivation.parts),
        Heading(("B. One line has a wrong sign: find it, and a point that shows it.",)),
        _with_wrong_sign(derivation, wrong),
    )
    return _page(derivation, seed, f"Exercise {seed}: ", blocks)


def solution_page(derivation: Derivation, seed: int = 1) -> Page:
    """What `exercise_page` asks for with the same seed: every line, the wrong sign and a point that shows it."""
    wrong = wrong_sign(derivation, seed)
    blocks = (
        *letters(derivation),
        Heading(("A. All lines",)),
        *_solved(derivation),
        Heading((f"B. Line {wrong.number} has the wrong sign",)),
        _shown_wrong(derivation, wrong),
        Text(("It should read:",)),
        Display(Relation(wrong.step.operator, wrong.relation.left, wrong.step.expression, wrong.step.order)),
    )
    return _page(derivation, seed, f"Solution of exercise {seed}: ", blocks)


def _page(derivation: Derivation, seed: int, what: str, blocks: tuple[Block, ...]) -> Page:
    return Page(
        kind="topic",
        id=derivation.id,
        title=(what, *prose(derivation.title, derivation.lexicon)),
        blocks=blocks,
        lexicon=derivation.lexicon,
        data=MappingProxyType({"seed": seed}),
    )


# ---- what the seed chooses


def _shuffled(items: Iterable[T], draw: random.Random) -> list[T]:
    return [item for _, _, item in sorted((draw.random(), place, item) for place, item in enumerate(items))]


def blank_lines(derivation: Derivation, seed: int) -> frozenset[int]:
    """The numbers of the lines that are left blank: half of each chain, and half of the chains with one line only."""
    draw = random.Random(seed)
    chains = [[number for number, _ in lines] for _, lines in _numbered(derivation)]
    alone = [lines[0] for lines in chains if len(lines) == 1]
    groups = [*(lines for lines in chains if len(lines) > 1), alone]
    return frozenset(number for lines in groups for number in _shuffled(lines, draw)[: len(lines) // 2])


def wrong_sign(derivation: Derivation, seed: int) -> WrongSign:
    """The sign that is wrong in part B: one that execution finds false at a point where both sides have a value.

    One that the formula shows, not in the last line, which is the known result, and in a chain of three lines or more, as
    far as there is such a one; otherwise a minus too many. Raises ValueError.
    """
    draw = random.Random(seed)
    shown = list(_candidates(derivation, written_flips))
    inner = [c for c in shown if c.step is not c.part.steps[-1]]
    long = [c for c in inner if len(c.part.steps) >= _LONG]
    for group in (long, inner, shown, list(_candidates(derivation, flips))):
        for candidate in _shuffled(group, draw):
            if candidate.finding(derivation.lexicon).outcome is Outcome.FALSE:
                return candidate
    raise ValueError(f"{derivation.id} has no sign that could be hidden")


def _candidates(derivation: Derivation, signs: Signs) -> Iterator[WrongSign]:
    number = 0
    for part in derivation.parts:
        for step, relation, conditions in part.relations():
            number += 1
            for _, turned in signs(step.expression) if step.operator == "==" else ():
                yield WrongSign(part, number, step, replace(relation, right=turned), conditions)


def _numbered(derivation: Derivation) -> Iterator[tuple[Part, list[tuple[int, Step]]]]:
    """Each part with its steps and their numbers, counted through all parts."""
    steps = list(derivation.steps)
    for part in derivation.parts:
        yield part, [(number, step) for owner, number, step in steps if owner is part]


# ---- chains of a sheet


def _sheet(derivation: Derivation, part: Part, change: Callable[[int, Step], Node | None]) -> Chain:
    """A chain without ticks; ``change`` says what stands in a line."""
    lexicon = derivation.lexicon
    steps = next(steps for owner, steps in _numbered(derivation) if owner is part)
    lines = tuple(
        Line(number, prose(step.rule, lexicon), step.operator, change(number, step), step.order, step.given)
        for number, step in steps
    )
    return Chain(heading(part, lexicon), part.conditions, part.start, lines, text=prose(part.text, lexicon))


def _with_blanks(derivation: Derivation, part: Part, blank: frozenset[int]) -> Chain:
    return _sheet(derivation, part, lambda number, step: None if number in blank else step.expression)


def _with_wrong_sign(derivation: Derivation, wrong: WrongSign) -> Chain:
    return _sheet(
        derivation, wrong.part, lambda number, step: wrong.relation.right if number == wrong.number else step.expression
    )


def _solved(derivation: Derivation) -> Iterator[Chain]:
    results = run_parts(derivation.parts, derivation.lexicon)
    return (chain(part, results, derivation.lexicon) for part in derivation.parts)


def _shown_wrong(derivation: Derivation, wrong: WrongSign) -> Chain:
    """The wrong line below the one before it, with a point where they differ."""
    lexicon = derivation.lexicon
    finding = wrong.finding(lexicon)
    assert finding.witness is not None  # a false finding names its point
    line = Line(
        wrong.number,
        prose(wrong.step.rule, lexicon),
        wrong.relation.operator,
        wrong.relation.right,
        wrong.relation.order,
        mark=Mark(str(finding.outcome)),
        failure=failure(finding.witness, wrong.relation, lexicon),
    )
    return Chain((), wrong.conditions, wrong.relation.left, (line,))
