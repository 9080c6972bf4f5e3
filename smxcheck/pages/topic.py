"""The page of a derivation: its letters, its chains with what their execution said, its results, and numbers at a point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from smxcheck.derivations.execute import Finding, Outcome
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.points import Point, at_point
from smxcheck.derivations.run import DerivationResult, run
from smxcheck.formula.lexicon import Lexicon
from smxcheck.formula.prose import prose
from smxcheck.formula.tree import Claim, Item, Name, Node
from smxcheck.pages.chain import chain, decisive, failure, given_text
from smxcheck.pages.in_numbers import result_blocks
from smxcheck.pages.model import Block, Display, Facts, Heading, Letter, Letters, Page, Prose, Text

#: What the command ends with: 1 where something is false, 3 where something is undecided.
_FALSE, _UNDECIDED = 1, 3


def topic_page(derivation: Derivation, at: Mapping[str, tuple[Fraction, ...]] | None = None) -> Page:
    """A derivation, executed now. With ``at``, numbers for letters, each line and each result there.

    Raises ValueError for letters that the derivation does not use, and as `at_point`.
    """
    point = reader_point(derivation, at) if at is not None else None
    result = run(derivation)
    blocks = (
        Text(prose(derivation.summary, derivation.lexicon)),
        *letters(derivation),
        *(_put(derivation, point) if point else ()),
        *_chains(result, point),
        *_results(result),
        *_facts(derivation),
        *(_at(derivation, point) if point else ()),
    )
    return Page(
        kind="topic",
        id=derivation.id,
        title=prose(derivation.title, derivation.lexicon),
        blocks=blocks,
        lexicon=derivation.lexicon,
        data=_data(result),
        exit_code=_exit_code(result),
    )


def reader_point(derivation: Derivation, at: Mapping[str, tuple[Fraction, ...]]) -> Point:
    """The reader's numbers as a point of the derivation. Raises ValueError."""
    nodes = list(formulas(derivation))
    given = derivation.lexicon.given(nodes)
    for name in at:
        if name not in given:
            known = ", ".join(sorted(n for n in given if derivation.lexicon.symbols[n].kind != "function"))
            raise ValueError(f"{derivation.id} takes no number for {name}; it takes {known or 'none'}")
    return at_point(derivation.lexicon, nodes, at)


def formulas(derivation: Derivation) -> Iterator[Node]:
    """Every formula of a derivation, conditions and results too."""
    for part in derivation.parts:
        yield part.start
        yield from part.conditions
        for step in part.steps:
            yield from (step.expression, *step.given, *step.equality)
    yield from derivation.results


def letters(derivation: Derivation) -> tuple[Block, ...]:
    """The letters that are written out at the head; no block where there are none."""
    rows = tuple(letter(name, derivation.lexicon) for name in derivation.definitions)
    return (Letters(rows),) if rows else ()


def letter(name: str, lexicon: Lexicon) -> Letter:
    """One letter as a row: an entry of a vector, with its definition."""
    symbol = lexicon.symbols[name]
    node = Item(name, "i") if symbol.kind == "vector" else Name(name)
    return Letter(node, lexicon.definitions.get(name), prose(symbol.meaning, lexicon))


def _chains(result: DerivationResult, point: Point | None) -> Iterator[Block]:
    lexicon = result.derivation.lexicon
    for part in result.derivation.parts:
        yield chain(part, result.steps, lexicon, point)


def _results(result: DerivationResult) -> Iterator[Block]:
    if result.results:
        yield Heading(("Results" if len(result.results) > 1 else "Result",))
    for claim, finding in result.results:
        yield Display(claim)
        if finding.outcome is not Outcome.TRUE:
            yield Text(_not_true(claim, finding, result.derivation.lexicon))


def _not_true(claim: Claim, finding: Finding, lexicon: Lexicon) -> Prose:
    """In words that a result is false or undecided, and where."""
    if finding.witness is None:
        return (f"{finding.outcome}: {finding.why}",)
    found = failure(finding.witness, claim.relation, lexicon)
    where = (*found.point, *((letter, str(index)) for letter, index in found.indices))
    return (f"{finding.outcome} at ", *assigned(where), f": left {found.left}, right {found.right}")


def assigned(values: Sequence[tuple[str, str]]) -> Prose:
    """Letters and their numbers as running text: z = (0, 1), i = 1."""
    found: list[str | Node] = []
    for place, (name, number) in enumerate(values):
        found += [*([", "] if place else []), Name(name), f" = {number.replace('-', '−')}"]
    return tuple(found)


def _facts(derivation: Derivation) -> Iterator[Block]:
    rows = [
        *([("computed by", (", ".join(derivation.functions),))] if derivation.functions else []),
        *(("source", (source,)) for source in derivation.sources),
        *([("see also", (", ".join(derivation.see),))] if derivation.see else []),
    ]
    if rows:
        yield Facts(tuple(rows))


def _put(derivation: Derivation, point: Point) -> Iterator[Block]:
    """Which numbers stand in the lines: the reader's, and those that were chosen for the letters that he left out."""
    yield Text(("The numbers in each line are those at ", *assigned(_given(derivation, point)), "."))


def _given(derivation: Derivation, point: Point) -> tuple[tuple[str, str], ...]:
    return given_text(point, list(formulas(derivation)), derivation.lexicon)


def _at(derivation: Derivation, point: Point) -> Iterator[Block]:
    yield Heading(("at ", *assigned(_given(derivation, point))))
    yield from result_blocks(derivation, point)


def _data(result: DerivationResult) -> Mapping[str, object]:
    findings = [*(decisive(step) for step in result.steps), *(finding for _, finding in result.results)]
    equal = [step.finding for step in result.steps if step.step.operator == "==" and step.step.order is None]
    return MappingProxyType({
        "steps": len(result.steps),
        "results": len(result.results),
        **{str(outcome): sum(f.outcome is outcome for f in findings) for outcome in Outcome},
        "least_digits": min((f.digits for f in equal), default=0),
        "least_points": min((f.points for f in findings), default=0),
        "false_steps": [step.number for step in result.steps if not step.true],
    })  # fmt: skip


def _exit_code(result: DerivationResult) -> int:
    outcomes = {decisive(step).outcome for step in result.steps} | {finding.outcome for _, finding in result.results}
    if Outcome.FALSE in outcomes:
        return _FALSE
    return _UNDECIDED if Outcome.UNDECIDED in outcomes else 0
