"""The page of a reader's own claim: the verdict in words first, then a counterexample in numbers, and what is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from smxcheck.derivations.execute import Witness, setting_of
from smxcheck.derivations.points import Given, Point
from smxcheck.derivations.question import Answer, Verdict, answer
from smxcheck.formula.evaluate import TooCostly, Undefined, evaluate
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.notation import notation, text
from smxcheck.formula.numerals import printed, with_numbers
from smxcheck.formula.tree import Diff, Item, Name, Negative, Node, Number, Relation, order_of
from smxcheck.pages.chain import given_text, number_text, sides
from smxcheck.pages.model import Block, Display, Facts, Page, Prose, Text

#: What the command ends with. "True if" is no pass: the claim as it was given is not generally true.
EXIT_CODES: Mapping[Verdict, int] = MappingProxyType(
    {Verdict.TRUE: 0, Verdict.TRUE_IF: 1, Verdict.FALSE: 1, Verdict.UNDECIDED: 3}
)

#: By how much a logit is moved, up and down, where a derivative is to be checked on a calculator.
MOVE = Fraction(1, 1000)

#: Digits of the two values, and of the slope, that such a move shows: its error is about a millionth.
_QUOTIENT_DIGITS, _SLOPE_DIGITS = 9, 5


def claim_page(claim: str, lexicon: Lexicon = COMMON) -> Page:
    """A claim in the grammar of formulas, judged now. Raises FormulaError for a text that is none."""
    found = answer(claim, lexicon)
    blocks = [Display(found.claim), *_evidence(found, lexicon)]
    return Page(
        kind="claim",
        id=claim.strip(),
        title=_verdict(found, lexicon),
        blocks=tuple(blocks),
        lexicon=lexicon,
        data=_data(found, lexicon),
        exit_code=EXIT_CODES[found.verdict],
    )


def _verdict(found: Answer, lexicon: Lexicon) -> Prose:
    """The first line: what is so, in words."""
    match found.verdict:
        case Verdict.TRUE:
            return (f"True at {found.points} points{_digits(found)}.",)
        case Verdict.TRUE_IF if found.case is not None:
            return ("True if ", *_listed(found.case.conditions), f": {found.case.words}.")
        case Verdict.FALSE if found.witness is not None:
            where = _where(found.witness, found, lexicon)
            if found.why:
                return ("False: at ", *where, f" {found.why}.")
            left, right = _sides(found.witness, found.claim.relation)
            return ("False: at ", *where, f" the left side is {left}, the right side {right}.")
    return (f"Undecided: {found.why}.",)


def _digits(found: Answer) -> str:
    equation = found.claim.relation.operator == "==" and found.claim.relation.order is None
    return f", in {found.digits} digits or more" if equation else ""


def _listed(conditions: Sequence[Node]) -> Iterator[str | Node]:
    for number, condition in enumerate(conditions):
        if number:
            yield " and " if number == len(conditions) - 1 else ", "
        yield condition


def _where(witness: Witness, found: Answer, lexicon: Lexicon) -> Iterator[str | Node]:
    """z = (0, 1), i = 1; for a formula without letters, "every point". The scalar of a remainder takes many values."""
    small = found.claim.relation.order[0] if found.claim.relation.order else ""
    given = [(letter, value) for letter, value in given_text(witness.point, [found.claim], lexicon) if letter != small]
    assigned = [*given, *((letter, str(number)) for letter, number in witness.indices.items())]
    for number, (letter, value) in enumerate(assigned):
        yield from (", " * bool(number), Name(letter), f" = {_minus(value)}")
    if not assigned:
        yield "every point"


def _sides(witness: Witness, relation: Relation) -> tuple[str, str]:
    left, right = sides(witness.left, witness.right, setting_of(relation).places)
    return _minus(left), _minus(right)


def _minus(number: str) -> str:
    return number.replace("-", "−")


# ---- evidence


def _evidence(found: Answer, lexicon: Lexicon) -> Iterator[Block]:
    if found.verdict is Verdict.TRUE:
        yield Text((f"This is evidence, not a proof.{_undefined(found)}",))
        return
    rows = [*_rows(found, lexicon)]
    if rows:
        yield Facts(tuple(rows))
    if found.hidden:
        yield Text(("Where all logits are equal both sides agree: a test there does not show the error.",))


def _undefined(found: Answer) -> str:
    return f" It has no value at {found.undefined} of the choices that were tried." if found.undefined else ""


def _rows(found: Answer, lexicon: Lexicon) -> Iterator[tuple[str, Prose]]:
    if found.verdict is Verdict.TRUE_IF:
        yield "true there", (f"at {found.points} points{_digits(found)}; this is evidence, not a proof",)
        if found.witness is not None:
            left, right = _sides(found.witness, found.claim.relation)
            where = _where(found.witness, found, lexicon)
            yield "otherwise", ("at ", *where, f" the left side is {left}, the right side {right}")
    elif found.verdict is Verdict.UNDECIDED and found.witness is not None:
        left, right = _sides(found.witness, found.claim.relation)
        yield "at", (*_where(found.witness, found, lexicon), f": {left} and {right}")
    if found.witness is not None and found.verdict is not Verdict.UNDECIDED:
        yield from _to_try(found.witness, found.claim.relation, lexicon)
    if found.right is not None:
        yield "what is true", (found.right.claim,)
        yield "derived by", (f"smxcheck explain {found.right.id}",)
    if found.published:
        yield "same error", (f"smxcheck explain {found.published}",)


def _to_try(witness: Witness, relation: Relation, lexicon: Lexicon) -> Iterator[tuple[str, Prose]]:
    """Each side with numbers in it, for a calculator."""
    if relation.order is not None:  # how fast a difference falls is not seen at one point
        return
    for label, side, value in (("left side", relation.left, witness.left), ("right side", relation.right, witness.right)):
        try:
            if isinstance(side, Diff):
                found = _as_quotient(side, witness, lexicon)
            else:
                found = _in_numbers(side, value, witness, lexicon)
        except (Undefined, TooCostly):
            continue
        if found:
            yield label, found


def _in_numbers(side: Node, value: Any, witness: Witness, lexicon: Lexicon) -> Prose:
    """The formula with numbers in it; empty where nothing is left to compute."""
    setting = setting_of(side)
    at = witness.point.environment(lexicon, setting.order, setting.digits)
    shown = with_numbers(side, at, witness.indices)
    if isinstance(shown, Number | Name | Item | Negative):
        return ()
    return (shown, f" = {_minus(printed(value))}")


def _as_quotient(side: Diff, witness: Witness, lexicon: Lexicon) -> Prose:
    """A first derivative as a quotient of differences; empty for a higher one, or by a letter that follows from others."""
    variable = side.variables[0]
    if len(side.variables) > 1 or order_of(side.body) or variable.name not in witness.point.given:
        return ()
    values, places = [], []
    for change in (MOVE, -MOVE):
        point = _moved(witness.point, variable, witness.indices, change)
        values.append(evaluate(side.body, point.environment(lexicon, 0), witness.indices))
        places.append(_minus(number_text(point.given[variable.name])))
    letter = Name(variable.name)
    above, below = (_minus(printed(value, _QUOTIENT_DIGITS)) for value in values)
    slope = _minus(printed((values[0] - values[1]) / (2 * float(MOVE)), _SLOPE_DIGITS))
    return (
        side.body, f" is {above} at ", letter, f" = {places[0]} and {below} at ", letter, f" = {places[1]}: a slope of about {slope}",
    )  # fmt: skip


def _moved(point: Point, variable: Item | Name, indices: Mapping[str, int], change: Fraction) -> Point:
    value = point.given[variable.name]
    if isinstance(variable, Item) and isinstance(value, tuple):
        place = variable.index if isinstance(variable.index, int) else indices[variable.index]
        moved: Given = tuple(v + change * (k == place) for k, v in enumerate(value, 1))
    else:
        assert isinstance(value, Fraction)
        moved = value + change
    return replace(point, given=MappingProxyType({**point.given, variable.name: moved}))


# ---- for programs


def _data(found: Answer, lexicon: Lexicon) -> Mapping[str, object]:
    grammar = notation(lexicon, ascii=True)
    data: dict[str, object] = {
        "claim": text(found.claim, grammar),
        "verdict": str(found.verdict),
        "digits": found.digits,
        "points": found.points,
        "undefined": found.undefined,
    }
    if found.why:
        data["why"] = found.why
    if found.case is not None:
        data["condition"] = ", ".join(text(condition, grammar) for condition in found.case.conditions)
    if found.witness is not None:
        left, right = sides(found.witness.left, found.witness.right)
        given = dict(given_text(found.witness.point, [found.claim], lexicon))
        data["counterexample"] = {"given": given, "indices": dict(found.witness.indices), "left": left, "right": right}
    if found.right is not None:
        data["right"] = {"formula": text(found.right.claim, grammar), "topic": found.right.id}
    if found.published:
        data["published"] = found.published
    return MappingProxyType(data)
