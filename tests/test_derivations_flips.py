"""Every sign of every derivation matters: with any one of them turned, execution no longer finds the derivation true.

This shows that the executed steps can fail, and that no sign in them is there without effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.derivations.execute import Finding, Outcome
from smxcheck.derivations.flips import flips, written_flips
from smxcheck.derivations.model import Derivation, Part
from smxcheck.derivations.run import run_relation, run_step
from smxcheck.derivations.schema import derivation
from smxcheck.derivations.statement import ChainCheck
from smxcheck.derivations.topics import topics
from smxcheck.derivations.verdicts import statements
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.notation import notation
from smxcheck.formula.notation import text as text_of
from smxcheck.formula.tree import Node, Relation

Signs: TypeAlias = Callable[[Node], Iterator[tuple[str, Node]]]

#: Generic points beside the simple ones; a sign that has an effect shows it at the first few.
GENERIC = 2


@dataclass(frozen=True)
class Turned:
    """One sign turned: in which step, where, and what execution then says of it."""

    number: int
    where: str
    finding: Finding
    sharp: Finding | None

    @property
    def noticed(self) -> bool:
        """False somewhere; or, as log(-x), without a value at every point. A bound may instead have become too wide: then
        both sides are no longer equal where the step says that they are."""
        return _noticed(self.finding) or (self.sharp is not None and _noticed(self.sharp))


def _noticed(finding: Finding) -> bool:
    without_value = finding.outcome is Outcome.UNDECIDED and not finding.points and finding.undefined > 0
    return finding.outcome is Outcome.FALSE or without_value


def turned_steps(parts: Sequence[Part], lexicon: Lexicon, signs: Signs = flips) -> Iterator[Turned]:
    """Every sign of every line turned, executed against the line before it."""
    number = 0
    for part in parts:
        for step, relation, conditions in part.relations():
            number += 1
            for what, node in signs(step.expression):
                found = run_step(step, _turned(relation, node), conditions, lexicon, GENERIC)
                yield Turned(number, f"step {number} ({step.rule}): {what}", *found)


def _turned(relation: Relation, node: Node) -> Relation:
    """The turned line beside the one before it; where the order does not matter first, since it may have no value, which is
    found at once, while the line before may be dear."""
    if relation.operator == "==":
        return replace(relation, left=node, right=relation.left)
    return replace(relation, right=node)


def turned_results(derivation: Derivation) -> Iterator[Turned]:
    """Every sign of what a derivation arrives at in an equation; its inequalities are steps, and turned there."""
    for number, claim in enumerate(derivation.results, 1):
        for what, node in flips(claim.relation.right) if claim.relation.operator == "==" else ():
            relation = replace(claim.relation, right=node)
            finding = run_relation(relation, claim.conditions, derivation.lexicon, GENERIC)
            yield Turned(number, f"result {number}: {what}", finding, None)


@pytest.mark.slow
@pytest.mark.parametrize("name", topics())
def test_no_sign_of_a_topic_can_be_turned_unnoticed(name: str) -> None:
    derivation = topics()[name]
    steps = list(turned_steps(derivation.parts, derivation.lexicon))
    assert len(steps) >= sum(len(part.steps) for part in derivation.parts)  # each step has one at least: at its beginning
    assert [t.where for t in (*steps, *turned_results(derivation)) if not t.noticed] == []


PUBLISHED = {
    name: (statement, check)
    for name, statement in statements().items()
    for check in statement.checks
    if isinstance(check, ChainCheck)
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_no_sign_of_a_published_derivation_can_be_turned_unnoticed(name: str) -> None:
    """Up to its first false step, and only signs that are printed: a published line may hold a term 0, or a square of a sum,
    in front of which a sign says nothing."""
    statement, check = PUBLISHED[name]
    found = list(turned_steps(check.parts, statement.lexicon, written_flips))
    assert [t.where for t in found if not t.noticed and (not check.first_false or t.number < check.first_false)] == []


def test_published_derivations_have_signs() -> None:
    steps = [step for _, check in PUBLISHED.values() for part in check.parts for step in part.steps]
    turned = [node for step in steps for _, node in written_flips(step.expression)]
    assert len(PUBLISHED) >= 10 and len(turned) >= 50


# ---- which signs are turned


def _text(node: Node) -> str:
    return text_of(node, notation(COMMON, ascii=True))


def formulas(*texts: str) -> set[str]:
    return {_text(COMMON.expression(text)) for text in texts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + x", ["a - x", "-a + x"]),
        ("a - x", ["a + x", "-a - x"]),
        ("-a", ["a"]),
        ("-a*x", ["a*x"]),
        ("a*x", ["-a*x"]),
        ("0*a - x", ["0*a + x"]),  # 0 has no sign
        ("a - (x - t)", ["a + (x - t)", "a - (x + t)", "a - (-x - t)", "-a - (x - t)"]),
        ("(a + x)/t", ["(a - x)/t", "(-a + x)/t", "-(a + x)/t"]),
        ("exp(z[i] - M)", ["exp(z[i] + M)", "exp(-z[i] - M)", "-exp(z[i] - M)"]),
        ("S^2", ["S^-2", "-S^2"]),
        ("sum(k, p[k])", ["sum(k, -p[k])", "-sum(k, p[k])"]),
        ("diff(H, z[i])", ["diff(-H, z[i])", "-diff(H, z[i])"]),
        ("H(z + t*d)", ["H(z - t*d)", "H(-z + t*d)", "-H(z + t*d)"]),
        ("integral(x, 0, inf, x)", ["integral(x, 0, -inf, x)", "integral(x, 0, inf, -x)", "-integral(x, 0, inf, x)"]),
        ("delta(i, j)", ["-delta(i, j)"]),
    ],
)
def test_every_place_where_a_sign_can_stand_is_turned_once(text: str, expected: list[str]) -> None:
    found = [_text(node) for _, node in flips(COMMON.expression(text))]
    assert sorted(found) == sorted(formulas(*expected)) and len(found) == len(set(found))


def test_signs_that_stand_are_told_from_those_that_could() -> None:
    node = COMMON.expression("-sum(k, p[k]*(log(p[k]) + 1))")
    assert [what for what, _ in written_flips(node)] == ["no - at character 1", "- for + at character 25"]
    assert {tree for _, tree in written_flips(node)} < {tree for _, tree in flips(node)}


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.recursive(
    st.sampled_from(["a", "x", "2", "z[i]"]),
    lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner) | st.builds("(-{})".format, inner),
    max_leaves=8,
))  # fmt: skip
def test_every_sign_that_stands_is_turned(text: str) -> None:
    """As many as the text has: one at a time, and no formula is left as it was."""
    node = COMMON.expression(text)
    turned = [tree for _, tree in written_flips(node)]
    assert len(turned) == text.count("+") + text.count("-")
    assert node not in turned


# ---- that a survivor would be seen


def one_step(formula: str, **changes: str) -> Derivation:
    step = {"rule": "because", "formula": formula, **changes}
    table = {"id": "an-example", "title": "T", "group": "softmax", "summary": "S"}
    return derivation({**table, "part": [{"start": "M", "step": [step]}]}, "a.toml")


def unnoticed(found: Derivation) -> list[str]:
    return [t.where for t in turned_steps(found.parts, found.lexicon) if not t.noticed]


@pytest.mark.parametrize(
    "formula", ["M + 0*S", "M - sum(k, p[k] - p[k])", "M*(-1)^2", "log(exp(M)) + sum(k, diff(p[k], z[1]))"]
)
def test_a_sign_without_effect_is_named(formula: str) -> None:
    (where, *_) = unnoticed(one_step(formula))
    assert where.startswith("step 1 (because): ")


def test_a_bound_made_wider_is_noticed_by_where_it_is_sharp() -> None:
    """M <= L: of all changes of sign, M <= -L is false, and so is every other at one class, where both are equal."""
    assert unnoticed(one_step("L", relation="<=", equality="n == 1")) == []
    assert unnoticed(one_step("log(S + 1 - 1)", relation="<=", equality="n == 1")) == []


def test_a_bound_with_a_sign_that_only_widens_it_is_named() -> None:
    """The first logit is the largest at one class: there the sign of what is added says nothing, and both are bounds."""
    assert unnoticed(one_step("L + abs(z[1] - M)", relation="<=", equality="n == 1"))
