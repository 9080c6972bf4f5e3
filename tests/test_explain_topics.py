"""Pages of derivations: what stands on them was executed, and the numbers at a point are those of the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from itertools import product
from typing import Any

import mpmath
import pytest

import smxref
from smxcheck.derivations.execute import Witness
from smxcheck.derivations.model import Derivation
from smxcheck.derivations.points import PHIS, Point
from smxcheck.derivations.run import run, run_parts
from smxcheck.derivations.schema import derivation
from smxcheck.derivations.topics import topics
from smxcheck.formula.evaluate import evaluate, holds
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.tree import Claim, IndexRelation, Name, Relation, free_indices, order_of
from smxcheck.pages.chain import chain, environment_for, failure, number_text
from smxcheck.pages.in_numbers import entry
from smxcheck.pages.model import Chain, Display, Heading, Letters, Page, Prose, Table, Text
from smxcheck.pages.topic import topic_page


def numbers(text: str) -> tuple[Fraction, ...]:
    return tuple(Fraction(word) for word in text.split(","))


def words(prose: Prose) -> str:
    """The texts of running text; formulas by their names alone."""
    return "".join(part if isinstance(part, str) else part.name if isinstance(part, Name) else "…" for part in prose)


def chains(page: Page) -> list[Chain]:
    return [block for block in page.blocks if isinstance(block, Chain)]


def tables(page: Page) -> list[list[list[str]]]:
    return [[[words(cell) for cell in row] for row in b.rows] for b in page.blocks if isinstance(b, Table)]


def example(*steps: Mapping[str, str], start: str = "M", **changes: Any) -> Derivation:
    lines = [{"rule": "because", **step} for step in steps]
    table = {"id": "an-example", "title": "T", "group": "softmax", "summary": "S"}
    return derivation({**table, "part": [{"start": start, "step": lines}], **changes}, "a.toml")


# ---- the published numbers


@cache
def jacobian_of_the_note() -> Page:
    return topic_page(topics()["softmax-jacobian"], {"z": numbers("0,4,5")})


@pytest.mark.slow
def test_the_jacobian_of_the_published_note_is_reproduced() -> None:
    """Bernd Klein, "18. Softmax as Activation Function": p of (0, 4, 5) and diag(p) - p pᵀ, to the digits printed there."""
    page = jacobian_of_the_note()
    p, jacobian = tables(page)[:2]
    assert p == [["0.00490169", "0.26762315", "0.72747516"]]
    assert jacobian == [
        ["0.00487766", "-0.00131181", "-0.00356586"],
        ["-0.00131181", "0.19600100", "-0.19468920"],
        ["-0.00356586", "-0.19468920", "0.19825505"],
    ]
    assert "each row and each column adds up to 0" in [words(b.text) for b in page.blocks if isinstance(b, Text)]
    assert page.exit_code == 0


def test_sums_are_said_only_where_execution_finds_them() -> None:
    """The columns of the Jacobian of a generalised softmax add up to 0, as its entries add up to 1; its rows do not."""
    own = {"name": "P", "kind": "vector", "meaning": "squares", "formula": "z[i]^2/sum(k, z[k]^2)"}
    result = "diff(P[i], z[j]) == 2*z[j]/sum(k, z[k]^2)*(delta(i, j) - P[i])"
    page = topic_page(example({"formula": "max(j, z[j])"}, results=[result], define=[own]), {"z": numbers("1,2,4")})
    assert "each column adds up to 0" in [words(b.text) for b in page.blocks if isinstance(b, Text)]


# ---- pages


@pytest.mark.parametrize("name", ["softmax", "logsumexp", "softmax-entropy"])
def test_a_page_holds_what_the_derivation_holds(name: str) -> None:
    found = topics()[name]
    page = topic_page(found)
    assert (page.kind, page.id, page.exit_code, page.lexicon) == ("topic", name, 0, found.lexicon)
    assert [line.number for c in chains(page) for line in c.lines] == [number for _, number, _ in found.steps]
    assert [line.expression for c in chains(page) for line in c.lines] == [step.expression for _, _, step in found.steps]
    assert {line.mark.outcome for c in chains(page) for line in c.lines if line.mark} == {"true"}
    assert [b.formula for b in page.blocks if isinstance(b, Display)] == list(found.results)
    (head,) = (block for block in page.blocks if isinstance(block, Letters))
    assert [row.symbol.name for row in head.rows] == list(found.definitions)  # type: ignore[attr-defined]
    assert page.data["steps"] == len(list(found.steps)) and page.data["false"] == page.data["undecided"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", topics())
def test_every_topic_is_true_with_numbers_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a few generic points: at all of them the tests of the topics execute the same steps."""
    monkeypatch.setattr("smxcheck.pages.topic.run", partial(run, generic=2))
    found = topics()[name]
    page = topic_page(found, {})
    assert page.exit_code == 0 and page.data["true"] == len(list(found.steps)) + len(found.results)
    assert all(line.mark and line.mark.outcome == "true" and not line.failure for c in chains(page) for line in c.lines)
    assert any(line.numbers for c in chains(page) for line in c.lines)


def test_digits_stand_where_two_sides_were_found_equal_only() -> None:
    page = topic_page(example({"formula": "L", "relation": "<=", "equality": "n == 1"}, {"formula": "log(S)"}))
    bound, equation = chains(page)[0].lines
    assert bound.mark and bound.mark.digits == 0 and bound.mark.points > 30
    assert equation.mark and equation.mark.digits >= 100


def test_a_false_step_is_shown_false_with_its_point() -> None:
    page = topic_page(example({"formula": "p[i]*(1 - p[j])"}, start="diff(p[i], z[j])"))
    (line,) = chains(page)[0].lines
    assert page.exit_code == 1 and page.data["false_steps"] == [1]
    assert line.mark and line.mark.outcome == "false"
    assert line.failure and line.failure.point == (("z", "(0, 1)"),)
    assert line.failure.indices == (("i", 1), ("j", 2))
    assert (line.failure.left, line.failure.right) == ("-0.1966119332", "0.0723294881")


def test_a_step_that_cannot_be_decided_is_neither() -> None:
    page = topic_page(example({"formula": "log(-e[1])"}))
    (line,) = chains(page)[0].lines
    assert page.exit_code == 3 and line.mark and line.mark.outcome == "undecided" and line.failure is None
    assert words(line.note) == "log of a number that is not positive"


def test_false_weighs_more_than_undecided() -> None:
    assert topic_page(example({"formula": "log(-e[1])"}, {"formula": "S"}, {"formula": "S + 1"})).exit_code == 1


def test_a_bound_that_is_too_wide_says_where_it_should_be_sharp() -> None:
    page = topic_page(example({"formula": "L + 1", "relation": "<=", "equality": "n == 1", "note": "A note."}))
    (line,) = chains(page)[0].lines
    assert page.exit_code == 1 and line.mark and line.mark.outcome == "false"
    assert words(line.note) == "A note.; both sides should be equal here"
    assert line.failure and line.failure.point == (("z", "(0)"),)


def test_a_remainder_says_its_measured_order() -> None:
    step = {"formula": "1 + t + t^2", "remainder": "O(t^3)"}
    (line,) = chains(topic_page(example(step, start="exp(t)")))[0].lines
    assert words(line.note) == "the difference falls like t^2.00, not t^3"
    assert line.failure and line.failure.point == (("t", "1e-10"),) and line.failure.left != line.failure.right


def test_a_false_result_is_shown_false() -> None:
    page = topic_page(example({"formula": "max(j, z[j])"}, results=["L == M"]))
    assert page.exit_code == 1
    assert "false at z = (0, 1): left 1.3132616875, right 1" in [words(b.text) for b in page.blocks if isinstance(b, Text)]


# ---- numbers at a point


@pytest.mark.slow
def test_each_line_has_numbers_for_the_plainest_choice_of_its_indices() -> None:
    """One where i and j are equal and one where they are not, as far as the conditions of the chain allow."""
    for found in chains(jacobian_of_the_note()):
        allowed = {c.operator for c in found.conditions if isinstance(c, IndexRelation)}
        choices = {entry.indices for line in found.lines for entry in line.numbers if len(entry.indices) == 2}
        equal, different = (("i", 1), ("j", 1)), (("i", 1), ("j", 2))
        expected = {"==": {equal}, "!=": {different}, "": {equal, different}}["".join(allowed)]
        assert choices <= expected


def test_lines_whose_condition_is_not_met_have_no_numbers() -> None:
    found = example({"formula": "Y*p[i] - y[i]"}, {"formula": "p[i] - y[i]", "if": "Y == 1"}, start="diff(CE, z[i])")
    given = {"z": numbers("0,1"), "y": numbers("1,2")}
    first, second = chains(topic_page(found, given))[0].lines
    assert first.numbers and not second.numbers
    assert all(line.numbers for line in chains(topic_page(found, {**given, "y": numbers("0,1")}))[0].lines)


def test_results_in_numbers_are_scalars_vectors_matrices_and_one_matrix_for_each_class() -> None:
    results = [
        "L == log(S)",
        "p[i] == e[i]/S",
        "diff(L, z[i], z[j]) == p[i]*(delta(i, j) - p[j])",
        "e[i]*e[j]*e[k] == exp(z[i] + z[j] + z[k])",
        "M <= L",
    ]
    found = example({"formula": "max(j, z[j])"}, results=results)
    p, total, vector, matrix, *tensor, bound = tables(topic_page(found, {"z": numbers("0,1")}))
    assert p == vector == [["0.26894142", "0.73105858"]]
    assert total == [["1.31326169"]]
    assert matrix == [["0.19661193", "-0.19661193"], ["-0.19661193", "0.19661193"]]
    assert tensor == [
        [["1.00000000", "2.71828183"], ["2.71828183", "7.38905610"]],
        [["2.71828183", "7.38905610"], ["7.38905610", "20.08553692"]],
    ]
    assert bound == [["1", "1.31326169"]]


def test_the_first_index_is_the_row_and_the_second_the_column() -> None:
    found = example({"formula": "max(j, z[j])"}, results=["e[i]*z[j] == z[j]*exp(z[i])"])
    matrix = tables(topic_page(found, {"z": numbers("0,1")}))[-1]
    assert matrix == [["0", "1.00000000"], ["0", "2.71828183"]]


def test_the_point_is_printed_with_all_that_was_chosen() -> None:
    page = topic_page(example({"formula": "tau*M/tau"}), {"z": numbers("1/3,-0.25")})
    assert "at z = (1/3, −0.25), tau = 2" in [words(b.text) for b in page.blocks if isinstance(b, Heading)]


def test_phi_is_named_where_it_is_used() -> None:
    page = topic_page(example({"formula": "max(j, phi(z[j]))"}, start="phi(M)"), {"z": numbers("0,1")})
    heading = next(words(b.text) for b in page.blocks if isinstance(b, Heading) and words(b.text).startswith("at "))
    assert any(heading.endswith(f"phi = {phi.text}") for phi in PHIS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": "1,2"}, "an-example takes no number for y; it takes z"),
        ({"p": "1,2"}, "an-example takes no number for p; it takes z"),
        ({"nothing": "1"}, "an-example takes no number for nothing; it takes z"),
    ],
)
def test_letters_that_a_topic_does_not_use_are_refused(given: Mapping[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=f"\\A{message}\\Z"):
        topic_page(example({"formula": "max(j, z[j])"}), {name: numbers(text) for name, text in given.items()})


# ---- printed numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [("0", "0"), ("-1/4", "-0.25"), ("3/7", "3/7"), ("-3/7", "-3/7"), ("1000", "1000"), ("0.125", "0.125")],
)
def test_given_numbers_are_decimals_where_these_are_exact(value: str, text: str) -> None:
    assert number_text(Fraction(value)) == text
    assert number_text((Fraction(value), Fraction(1))) == f"({text}, 1)"


def test_entries_have_as_many_decimals_and_small_ones_keep_their_digits() -> None:
    texts = [entry(mpmath.mpf(v)) for v in ("0.5", "-0.25", "0", "1", "0.00001", "-1e-20")]
    assert texts[:4] == ["0.50000000", "-0.25000000", "0", "1.00000000"]
    assert [float(t) for t in texts[4:]] == [1e-05, -1e-20]


def test_sides_are_printed_until_they_differ_and_noise_is_nothing() -> None:
    point = Point(1, {"z": (Fraction(0),)})
    near = failure(Witness(point, {}, mpmath.mpf(1), mpmath.mpf("1.0000000000001")))
    assert near.left != near.right
    relation = COMMON.claim("diff(L, t) == 1").relation
    noisy = failure(Witness(point, {}, mpmath.mpf("1e-80"), mpmath.mpf(1)), relation)
    assert (noisy.left, noisy.right) == ("0", "1")
    tiny = failure(Witness(point, {}, mpmath.mpf("1e-435"), mpmath.mpf(0)), COMMON.claim("exp(-1000) == 0").relation)
    assert tiny.left != tiny.right == "0"


def test_a_chain_takes_the_results_of_its_own_part() -> None:
    parts = (*example({"formula": "max(j, z[j])"}).parts, *example({"formula": "log(S)"}, start="L").parts)
    results = run_parts(parts, COMMON, generic=2)
    assert [[line.number for line in chain(part, results, COMMON).lines] for part in parts] == [[1], [2]]


# ---- what the catalog's functions compute is what the topics derive

#: Numbers that are exact as floats; p and the log-probabilities ell are given by themselves where a function takes them.
Z, G, Q, P = [0.5, -1.25, 2.0], [1.0, -0.5, 0.75], [0.5, 0.25, 0.25], [0.125, 0.25, 0.625]
SOFT, HOT, LABEL = [0.25, 0.5, 1.0], [0.0, 0.0, 1.0], 2
MARGIN, EPS, ORDER, BITS = 0.25, 0.5, 4, 160
GIVEN: Mapping[str, Any] = {
    "z": Z, "d": G, "g": G, "y": SOFT, "q": Q, "m": MARGIN, "eps": EPS, "tau": 0.5, "a": 0.75, "C": 3.0,
    "N": ORDER, "ell": [-0.5, -1.5, -1.75],
}  # fmt: skip


@dataclass(frozen=True)
class Computes:
    """What a function computes: the left side of a result of the topic (or a letter of it), and the reference's call."""

    left: str
    call: Callable[[], Any]
    given: Mapping[str, Any]


def same(left: str, function: str, *arguments: Any, given: Mapping[str, Any] = GIVEN, **keywords: Any) -> Computes:
    return Computes(left, lambda: getattr(smxref, function)(*arguments, **keywords, bits=BITS), given)


ALONE = {**GIVEN, "p": P}
MARGINS = {**GIVEN, "y": HOT}
TWO = {"z": [0.75, -0.5]}
COMPUTES: dict[str, Computes] = {
    "softmax": same("p[i]", "softmax", Z),
    "sigmoid": same("p[1]", "sigmoid", 1.25, given=TWO),
    "softmax_jacobian": same("diff(p[i], z[j])", "softmax_jacobian", Z),
    "softmax_jvp": same("sum(j, diff(p[i], z[j])*d[j])", "softmax_jvp", Z, G),
    "softmax_vjp": same("sum(i, g[i]*diff(p[i], z[j]))", "softmax_vjp", Z, G),
    "softmax_hessian": same("diff(p[i], z[j], z[k])", "softmax_hessian", Z),
    "logsumexp": same("L", "logsumexp", Z),
    "logsumexp_grad": same("diff(L, z[i])", "logsumexp_grad", Z),
    "logsumexp_hessian": same("diff(L, z[i], z[j])", "logsumexp_hessian", Z),
    "log_softmax": same("log(p[i])", "log_softmax", Z),
    "log_softmax_jacobian": same("diff(log(p[i]), z[j])", "log_softmax_jacobian", Z),
    "log_softmax_vjp": same("sum(i, g[i]*diff(log(p[i]), z[j]))", "log_softmax_vjp", Z, G),
    "cross_entropy": same("CE", "cross_entropy", [Z], [SOFT]),
    "cross_entropy_grad": same("diff(CE, z[i])", "cross_entropy_grad", [Z], [SOFT]),
    "cross_entropy_hessian": same("diff(CE, z[i], z[j])", "cross_entropy_hessian", Z, SOFT, rows=1),
    "nll_loss": same("-sum(k, y[k]*ell[k])", "nll_loss", [GIVEN["ell"]], [SOFT]),
    "nll_loss_grad": same("diff(-sum(k, y[k]*ell[k]), ell[i])", "nll_loss_grad", GIVEN["ell"], SOFT, rows=1),
    "kl_divergence": same("KL", "kl_divergence", P, Q, given=ALONE),
    "kl_divergence_grad": same("diff(KL, z[i])", "kl_divergence_grad", Z, Q),
    "kl_divergence_hessian": same("diff(KL, z[i], z[j])", "kl_divergence_hessian", Z, Q),
    "distribution_cross_entropy": same("-sum(k, p[k]*log(q[k]))", "distribution_cross_entropy", P, Q, given=ALONE),
    "distribution_cross_entropy_grad": same(
        "diff(-sum(k, p[k]*log(q[k])), q[i])", "distribution_cross_entropy_grad", P, Q, given=ALONE
    ),
    "distribution_cross_entropy_hessian": same(
        "diff(-sum(k, p[k]*log(q[k])), q[i], q[j])", "distribution_cross_entropy_hessian", P, Q, given=ALONE
    ),
    "entropy": same("G", "entropy", Q),
    "entropy_grad": same("diff(G, q[i])", "entropy_grad", Q),
    "entropy_hessian": same("diff(G, q[i], q[j])", "entropy_hessian", Q),
    "softmax_entropy": same("H", "softmax_entropy", Z),
    "softmax_entropy_grad": same("diff(H, z[i])", "softmax_entropy_grad", Z),
    "softmax_entropy_hessian": same("diff(H, z[i], z[j])", "softmax_entropy_hessian", Z),
    "generalized_softmax": same("P[i]", "generalized_softmax", Z, phi="softplus"),
    "generalized_softmax_jacobian": same("diff(P[i], z[j])", "generalized_softmax_jacobian", Z, phi="softplus"),
    "generalized_softmax_entropy": same("G", "generalized_softmax_entropy", Z, phi="softplus"),
    "generalized_softmax_entropy_grad": same("diff(G, z[i])", "generalized_softmax_entropy_grad", Z, phi="softplus"),
    "taylor_softmax": same("T[i]", "taylor_softmax", Z, order=ORDER),
    "taylor_softmax_jacobian": same("diff(T[i], z[j])", "taylor_softmax_jacobian", Z, order=ORDER),
    "log_taylor_softmax": same("log(T[i])", "log_taylor_softmax", Z, order=ORDER),
    "log_taylor_softmax_jacobian": same("diff(log(T[i]), z[j])", "log_taylor_softmax_jacobian", Z, order=ORDER),
    "spherical_softmax": same("P[i]", "spherical_softmax", Z, eps=EPS),
    "spherical_softmax_jacobian": same("diff(P[i], z[j])", "spherical_softmax_jacobian", Z, eps=EPS),
    "log_spherical_softmax": same("log(P[i])", "log_spherical_softmax", Z, eps=EPS),
    "log_spherical_softmax_jacobian": same("diff(log(P[i]), z[j])", "log_spherical_softmax_jacobian", Z, eps=EPS),
    "soft_margin_softmax": same("R[i]", "soft_margin_softmax", Z, LABEL, margin=MARGIN, given=MARGINS),
    "soft_margin_softmax_jacobian": same(
        "diff(R[i], z[j])", "soft_margin_softmax_jacobian", Z, LABEL, margin=MARGIN, given=MARGINS
    ),
    "sm_taylor_softmax": same("R[i]", "sm_taylor_softmax", Z, LABEL, margin=MARGIN, order=ORDER, given=MARGINS),
    "gumbel_softmax": same("r[i]", "gumbel_softmax", Z, G, tau=0.5),
    "gumbel_softmax_jacobian": same("diff(r[i], z[j])", "gumbel_softmax_jacobian", Z, G, tau=0.5),
    "sm_taylor_softmax_jacobian": same(
        "diff(R[i], z[j])", "sm_taylor_softmax_jacobian", Z, LABEL, margin=MARGIN, order=ORDER, given=MARGINS
    ),
}  # fmt: skip

#: All but those on rounding errors, which are about how a function is computed, not what it is.
NAMED = [(name, f) for name, found in topics().items() if found.group != "rounding" for f in found.functions]


def exact(value: Any) -> Any:
    return tuple(map(Fraction, value)) if isinstance(value, list) else Fraction(value)


def forms(found: Derivation, left: str) -> list[Claim]:
    """What the topic says that the left side is: its results on it; the letter by its definition, too, where there is one."""
    node = found.lexicon.expression(left)
    results = [c for c in found.results if c.relation.operator == "==" and c.relation.left == node]
    itself = [] if order_of(node) else [Claim(Relation("==", node, node))]
    return [*results, *itself]


def values(claim: Claim, lexicon: Lexicon, point: Point) -> list[Any]:
    """The right side for every choice of the left side's indices, in C order; none where the conditions do not hold, or
    choose among the indices."""
    node, letters = claim.relation.right, sorted(free_indices(claim.relation.left))
    environment = environment_for(node, lexicon, point)
    by_index = any(free_indices(condition) for condition in claim.conditions)
    if by_index or not all(holds(condition, environment) for condition in claim.conditions):
        return []
    choices = product(range(1, point.classes + 1), repeat=len(letters))
    return [evaluate(node, environment, dict(zip(letters, choice, strict=True))) for choice in choices]


def flat(answer: Any) -> list[Any]:
    return [ball for part in answer for ball in flat(part)] if isinstance(answer, Sequence) else [answer]


@pytest.mark.parametrize(("name", "function"), NAMED)
def test_a_function_named_by_a_topic_computes_its_result(name: str, function: str) -> None:
    found, row = topics()[name], COMPUTES[function]
    own = {symbol.name for symbol in found.lexicon.own if symbol.definition}
    given = {letter: exact(value) for letter, value in row.given.items() if letter not in own}
    point = Point(len(row.given["z"]), given, PHIS[0])
    balls = flat(row.call())
    compared = [there for claim in forms(found, row.left) if (there := values(claim, found.lexicon, point))]
    assert compared
    for there in compared:
        for value, ball in zip(there, balls, strict=True):
            assert abs(value - ball.value) <= abs(value) * mpmath.mpf(10) ** -30 + ball.error
