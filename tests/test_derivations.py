"""The engine of derivations: relations are found true, false or undecided as they are; points; the files' format."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.derivations.execute import AGREE, DIFFER, Finding, Outcome, execute
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.points import RANDOM_POINTS, assignments, at_point, points
from smxcheck.derivations.run import run, run_claim
from smxcheck.derivations.schema import DataError, derivation
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.symbols import DOMAINS, Symbol
from smxcheck.formula.tree import Number, Relation


def found(text: str, lexicon: Lexicon = COMMON) -> Finding:
    return run_claim(lexicon.claim(text), lexicon)


# ---- execution


@pytest.mark.parametrize(
    "text",
    [
        "sum(k, p[k]) == 1",
        "diff(p[i], z[j]) == p[i]*(delta(i, j) - p[j])",
        "diff(L, z[i], z[j]) == p[i]*(delta(i, j) - p[j])",
        "L(z + a) == L + a",
        "max(k, z[k]) <= L",
        "L <= M + log(n)",
        "H >= 0",
        "0 < p[i]",
        "e[i] != 0",
        "diff(CE, z[i]) == p[i] - y[i] if Y == 1",
        "p[i] == p[j] if i == j",
        "sum(k, p[k]) == 1 if z[i] == M",  # with an index that the relation has not
        "1 < 1 + 10^-100",
        "integral(x, 0, inf, exp(-x)) == 1",
        "phi(x) > 0",
        "diff(phi(z[i]), z[i]) == dphi(z[i])",
        "diff(f(z[i]), z[i]) == df(z[i])",
        "exp(t) == 1 + t + t^2/2 + O(t^3)",
        "exp(t) == 1 + t + t^2/2 + O(t^2)",
    ],
)
def test_what_is_true_is_found_true(text: str) -> None:
    finding = found(text)
    assert finding.outcome is Outcome.TRUE and finding.witness is None
    assert finding.points >= 24  # half of them, and the simple ones, where quadrature makes each dear


@pytest.mark.parametrize(
    "text",
    [
        "diff(p[i], z[j]) == p[i]*(1 - p[j])",  # right where i = j
        "L(z + a) == L",
        "H == L - M",  # right where all logits are equal
        "p[i] == 1/n",  # the same
        "sum(k, p[k]^2) == 1",  # right with one class
        "z[i] == abs(z[i])",  # right where no logit is negative
        "diff(CE, z[i]) == p[i] - y[i]",  # needs labels that add up to 1
        "M < L if n == 1",  # equal there
        "L <= M",
        "p[i] != p[j] if i == j",
        "phi(x + 1) == phi(x)*exp(1)",  # right for exp, wrong for other φ
        "integral(x, 0, inf, exp(-x)) == 2",
        "exp(t) == 1 + t + t^2 + O(t^3)",
        "exp(t) == 1 + t + O(t^3)",
    ],
)
def test_what_is_false_is_found_false_at_a_point(text: str) -> None:
    finding = found(text)
    assert finding.outcome is Outcome.FALSE
    assert finding.witness is not None
    claim = COMMON.claim(text)
    again = execute(claim.relation, claim.conditions, COMMON, [finding.witness.point])
    assert again.outcome is Outcome.FALSE and again.witness == finding.witness


def test_the_counterexample_is_the_plainest() -> None:
    """Two classes before three, small whole numbers before decimals, i = 1 before i = 2."""
    witness = found("diff(p[i], z[j]) == p[i]*(1 - p[j])").witness
    assert witness is not None
    assert witness.point.given["z"] == (0, 1) and dict(witness.indices) == {"i": 1, "j": 2}


@pytest.mark.parametrize("relation", ["1/(n - n) == 1", "log(-e[i]) == z[i]", "z[i] == 1 if n == 100", "inf == inf"])
def test_what_has_no_value_or_no_point_is_undecided(relation: str) -> None:
    finding = found(relation)
    assert finding.outcome is Outcome.UNDECIDED and finding.points == 0 and finding.why


def test_points_without_a_value_are_counted() -> None:
    """log of a logit: a value where the logit is positive only."""
    finding = found("exp(log(z[i])) == z[i]")
    assert finding.outcome is Outcome.TRUE and finding.points > 0 and finding.undefined > 0


def test_a_point_without_a_value_does_not_hide_one_that_fails() -> None:
    assert found("log(z[i]) == z[i] - 1").outcome is Outcome.FALSE


@pytest.mark.slow
@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(1, 60))
def test_sides_that_differ_a_little_are_never_true(digits: int) -> None:
    """Beyond 30 equal digits sides are equal, within 20 different, and between undecided."""
    outcome = found(f"e[i] == e[i]*(1 + 10^-{digits})").outcome
    expected = Outcome.TRUE if digits > AGREE else Outcome.FALSE if digits < DIFFER else Outcome.UNDECIDED
    assert outcome is expected or digits in (AGREE, DIFFER)
    assert (outcome is Outcome.TRUE) == (found(f"e[i] != e[i]*(1 + 10^-{digits})").outcome is Outcome.FALSE)


def test_a_point_in_doubt_does_not_hide_one_that_fails() -> None:
    """The sides differ by 1e-25 where z = 0, which is undecided, and by more elsewhere."""
    assert found("1 == 1 + 10^-25 + z[1]^2").outcome is Outcome.FALSE


def test_a_point_in_doubt_is_not_outvoted_by_those_that_hold() -> None:
    """Equal with one class, and in doubt with more."""
    finding = found("1 == 1 + 10^-25*(n - 1)")
    assert finding.outcome is Outcome.UNDECIDED
    assert finding.witness is not None and finding.witness.point.classes > 1


def test_what_costs_too_much_is_undecided_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smxcheck.derivations.execute.MOST_OPERATIONS", 200)
    finding = found("sum(i, sum(j, sum(k, p[i]*p[j]*p[k]))) == 1")
    assert finding.outcome is Outcome.UNDECIDED
    assert "takes too long" in finding.why


@pytest.mark.parametrize("exponent", [10, 60, 200, 300, 500, 1000])
def test_a_tiny_number_is_not_taken_for_zero(exponent: int) -> None:
    """exp(-1000) is far below all noise of the evaluation, and is not 0; more digits tell it from what rounding leaves."""
    assert found(f"exp(-{exponent}) == 0").outcome is Outcome.FALSE
    assert found(f"exp(-{exponent}) > 0").outcome is Outcome.TRUE
    assert found(f"exp(-{exponent})*(sum(k, p[k]) - 1) == 0").outcome is Outcome.TRUE


def test_what_is_nearer_to_zero_than_is_evaluated_is_undecided() -> None:
    """More than 6000 digits would tell 10^-3000 from 0."""
    finding = found("10^-3000 == 0")
    assert finding.outcome is Outcome.UNDECIDED and "too near to 0" in finding.why


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(1, 5), st.integers(1, 6))
def test_a_remainder_is_of_the_order_of_the_first_term_left_out(terms: int, power: int) -> None:
    """exp(t) - Σ t^k/k! for k < terms is t^terms/terms!, and more: O(t^power) up to that power and no further."""
    polynomial = " + ".join(f"t^{k}/{max(1, _factorial(k))}" for k in range(terms))
    finding = found(f"exp(t) == {polynomial} + O(t^{power})")
    assert finding.outcome is (Outcome.TRUE if power <= terms else Outcome.FALSE)
    if finding.witness:
        assert f"like t^{terms}.00, not t^{power}" in finding.why
        assert finding.witness.point.given["t"] == Fraction(1, 10 ** (30 // power))


def _factorial(k: int) -> int:
    return 1 if k < 2 else k * _factorial(k - 1)


def test_conditions_choose_the_points() -> None:
    """Of the labels of half of the points or more the sum is 1, of the others not."""
    free, bound = found("sum(k, y[k]) == Y"), found("Y == 1 if Y == 1")
    assert bound.outcome is Outcome.TRUE and free.points // 3 <= bound.points < free.points
    assert found("Y == 1").outcome is Outcome.FALSE


def test_agreement_is_what_the_order_of_derivatives_leaves() -> None:
    """120 digits: all of them without derivatives, fewer with each nested order."""
    digits = [found(f"{left} == 0").digits for left in ("S - S*1", "diff(S, t)", "diff(S, t, t)", "diff(S, t, t, t)")]
    assert digits == sorted(digits, reverse=True) and len(set(digits)) == 4 and digits[-1] >= AGREE


# ---- points


#: Domains of numbers that only a vector has, and only a scalar.
OF_VECTORS, OF_SCALARS = ("labels", "distribution"), ("unit", "order", "roundoff")


def _symbols() -> Lexicon:
    """A scalar and a vector of every domain that they can have."""
    kinds = [("scalar", d) for d in DOMAINS if d not in OF_VECTORS] + [("vector", d) for d in DOMAINS if d not in OF_SCALARS]
    return Lexicon(Symbol(f"{k[0]}_{d}", k, f"{k}-{d}", "x", "x", "a letter", "", d) for k, d in kinds)


WITHIN = {
    "real": lambda v: True,
    "positive": lambda v: v > 0,
    "nonnegative": lambda v: v >= 0,
    "unit": lambda v: 0 <= v <= 1,
    "labels": lambda v: v >= 0,
    "distribution": lambda v: v > 0,
    "order": lambda v: v in (2, 4, 6),
    "rounding": lambda v: abs(v) <= Fraction(1, 2**24),
    "roundoff": lambda v: v == Fraction(1, 2**24),
}


def test_every_domain_has_its_law() -> None:
    assert set(WITHIN) == set(DOMAINS)


def test_points_keep_to_the_domains_of_their_letters() -> None:
    lexicon = _symbols()
    nodes = [
        lexicon.expression(f"{s.name}[1]" if s.kind == "vector" else s.name) for s in lexicon.own
    ]  # fmt: skip
    chosen = list(points(lexicon, nodes))
    assert len(chosen) > RANDOM_POINTS
    for point in chosen:
        assert set(point.given) == {s.name for s in lexicon.own}
        for symbol in lexicon.own:
            value = point.given[symbol.name]
            values = value if isinstance(value, tuple) else (value,)
            assert len(values) == (point.classes if symbol.kind == "vector" else 1)
            assert all(isinstance(v, Fraction) and WITHIN[symbol.domain](v) for v in values), (symbol.name, value)
            if symbol.domain == "distribution":
                assert sum(values) == 1


def test_points_are_the_same_every_time_and_simple_ones_come_first() -> None:
    nodes = [COMMON.expression("z[i] + y[i]")]
    first, second = list(points(COMMON, nodes)), list(points(COMMON, nodes))
    assert first == second
    assert all(v.denominator == 1 for point in first[:30] for v in point.given["z"])  # type: ignore[union-attr]
    assert {point.classes for point in first} == {1, 2, 3, 4, 5}


def test_labels_are_one_hot_distributions_and_anything() -> None:
    labels = [point.given["y"] for point in points(COMMON, [COMMON.expression("y[i]")])]
    assert any(sorted(y) == [0] * (len(y) - 1) + [1] for y in labels)  # type: ignore[arg-type]
    assert any(sum(y) == 1 and min(y) > 0 for y in labels)  # type: ignore[arg-type]
    assert any(sum(y) != 1 for y in labels)  # type: ignore[arg-type]


def test_simple_distributions_are_uniform_and_not() -> None:
    """KL is 0 at the uniform one with equal logits; a second one hides no error that this one hides."""
    simple = [point.given["q"] for point in points(COMMON, [COMMON.expression("KL")], generic=0) if point.classes > 1]
    assert {len(set(q)) == 1 for q in simple} == {True, False}  # type: ignore[arg-type]


def test_taylor_polynomials_come_in_every_order() -> None:
    orders = [point.given["N"] for point in points(COMMON, [COMMON.expression("f(z[i])")])]
    assert set(orders) == {2, 4, 6}


def test_a_readers_point_is_completed_with_plain_numbers() -> None:
    nodes = [COMMON.expression("z[i]*y[i] + tau")]
    point = at_point(COMMON, nodes, {"z": (Fraction(0), Fraction(4))})
    assert point.classes == 2 and point.given["z"] == (0, 4)
    assert set(point.given) == {"z", "y", "tau"} and len(point.given["y"]) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given_letters", "message"),
    [
        ({"p": "1"}, "p is no letter that takes numbers"),
        ({"n": "3"}, "n is no letter that takes numbers"),
        ({"nothing": "3"}, "nothing is no letter that takes numbers"),
        ({"phi": "3"}, "phi is no letter that takes numbers"),
        ({"tau": "1,2"}, "tau is one number, not 2"),
        ({"z": "1,2", "y": "1"}, "the vectors have different lengths: 1, 2"),
    ],
)
def test_a_readers_point_that_cannot_be_used(given_letters: Mapping[str, str], message: str) -> None:
    values = {name: tuple(map(Fraction, text.split(","))) for name, text in given_letters.items()}
    with pytest.raises(ValueError, match=message):
        at_point(COMMON, [COMMON.expression("z[i]")], values)


def test_every_choice_of_classes_is_tried() -> None:
    assert [tuple(a.values()) for a in assignments(("i", "j"), 2)] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert list(assignments((), 3)) == [{}]


# ---- chains


def topic(**changes: Any) -> dict[str, Any]:
    table: dict[str, Any] = {
        "id": "an-example",
        "title": "An example",
        "group": "softmax",
        "summary": "One step.",
        "part": [{"start": "sum(k, p[k])", "step": [{"rule": "definition", "formula": "1"}]}],
    }
    return {**table, **changes}


def read(**changes: Any) -> Derivation:
    return derivation(topic(**changes), "a.toml")


def part(*steps: Mapping[str, str], **changes: str) -> list[dict[str, Any]]:
    return [{"start": "M", **changes, "step": [{"rule": "because", **step} for step in steps]}]


def test_a_chain_runs_line_by_line() -> None:
    result = run(read(part=part({"formula": "max(j, z[j])"}, {"formula": "M + 1"}, {"formula": "1 + M"})))
    assert [step.true for step in result.steps] == [True, False, True]
    assert [step.number for step in result.steps] == [1, 2, 3]
    assert result.first_false is result.steps[1] and not result.true


def test_a_condition_holds_from_its_step_on() -> None:
    steps = {"formula": "Y*p[i] - y[i]"}, {"formula": "p[i] - y[i]", "if": "Y == 1"}, {"formula": "1*p[i] - Y*y[i]"}
    assert run(read(part=part(*steps, start="diff(CE, z[i])"))).true
    assert not run(read(part=part(steps[0], {"formula": "p[i] - y[i]"}, start="diff(CE, z[i])"))).true


def test_a_bound_that_is_too_wide_is_noticed() -> None:
    """M <= L + 1 is true; that both are equal for one class is not."""
    right = {"formula": "L", "relation": "<=", "equality": "n == 1"}
    wide = {**right, "formula": "L + 1"}
    assert run(read(part=part(right))).true
    step = run(read(part=part(wide))).steps[0]
    assert step.finding.outcome is Outcome.TRUE and step.sharp is not None
    assert step.sharp.outcome is Outcome.FALSE and not step.true


def test_a_bound_whose_equality_is_never_met_is_not_true() -> None:
    step = run(read(part=part({"formula": "L", "relation": "<=", "equality": "n == 100"}))).steps[0]
    assert step.sharp is not None and step.sharp.outcome is Outcome.UNDECIDED and not step.true


def test_a_result_that_is_false_makes_the_derivation_false() -> None:
    result = run(read(results=["H == L - M"]))
    assert all(step.true for step in result.steps) and not result.true


# ---- the files


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": "Not An Id"}, "a.toml: the id 'Not An Id' must be small letters, digits and hyphens"),
        ({"title": 3}, "a.toml: an-example: title must be a text"),
        ({"summary": " "}, "a.toml: an-example: summary must be a text"),
        ({"results": "p[i] == 1"}, "a.toml: an-example: results must be a list of texts"),
        ({"results": ["p[i] = 1"]}, "a.toml: an-example: results, character 6: .* write == for equality: p\\[i\\] = 1"),
        ({"definitions": ["no_letter"]}, "a.toml: an-example: definitions: unknown letter no_letter"),
        ({"surplus": "text"}, "a.toml: an-example: unknown field surplus; known: .*"),
        ({"part": "M"}, "a.toml: an-example: part must be written \\[\\[part\\]\\]"),
        ({"part": ["M"]}, "a.toml: an-example, part 1: a table is expected"),
        ({"part": part(start="z[")}, "a.toml: an-example, part 1: start, character 3: .*: z\\["),
        ({"part": part({"formula": "1 +"})}, "a.toml: an-example, part 1, step 1: formula, character 4: .*: 1 \\+"),
        ({"part": part({"formula": "1", "relation": "="})}, "a.toml: an-example, part 1, step 1: relation is one of .*"),
        ({"part": part({"formula": "1", "if": "Y"})}, "a.toml: an-example, part 1, step 1: if, character 2: .*: Y"),
        (
            {"part": part({"formula": "L", "relation": "<="})},
            "a.toml: an-example, part 1, step 1: an inequality says in equality where both sides are equal",
        ),
        ({"part": part({"formula": "1", "remainder": "t^3"})}, "a.toml: an-example, part 1, step 1: a remainder is written as O\\(t\\^3\\): t\\^3"),
        ({"part": [{"step": []}]}, "a.toml: an-example, part 1: start is missing"),
        ({"define": [{"kind": "scalar", "meaning": "m"}]}, "a.toml: an-example, define: name is missing"),
        ({"define": [{"name": "R", "kind": "matrix", "meaning": "m"}]}, "a.toml: an-example, define: R: kind is .*"),
        ({"define": [{"name": "i", "kind": "scalar", "meaning": "m"}]}, "a.toml: an-example: 'i' means something .*"),
        (
            {"define": [{"name": "R", "kind": "scalar", "meaning": "m", "formula": "R + 1"}]},
            "a.toml: an-example: the definition of R leads back to R",
        ),
    ],
)
def test_a_bad_file_is_one_sentence_that_names_entry_and_field(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=f"\\A{message}\\Z") as error:
        read(**changes)
    assert "\n" not in str(error.value)


def test_a_missing_field_is_named() -> None:
    for field in ("id", "title", "group", "summary"):
        table = topic()
        del table[field]
        with pytest.raises(DataError, match=f"{field} is missing"):
            derivation(table, "a.toml")


def test_a_good_file_is_read_as_it_stands() -> None:
    found = read(results=["sum(k, p[k]) == 1"], sources=["a book"], see=["other"], aliases=["short"])
    assert (found.id, found.sources, found.see, found.aliases) == ("an-example", ("a book",), ("other",), ("short",))
    relation = Relation("==", COMMON.expression("sum(k, p[k])"), Number(Fraction(1)))
    assert [(r, c) for p in found.parts for _, r, c in p.relations()] == [(relation, ())]
    assert [number for _, number, _ in found.steps] == [1]
