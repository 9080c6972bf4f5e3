"""A reader's own claim: what is right stands beside a wrong one, remedies beside errors, and no text does harm."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.derivations.question import MOST_DERIVATIVES, Answer, Verdict, answer
from smxcheck.derivations.question_cases import points_of
from smxcheck.derivations.question_known import in_letters
from smxcheck.derivations.question_table import BUDGET, table
from smxcheck.formula import remedies
from smxcheck.formula.grammar import DEEPEST, LARGEST_INDEX, LARGEST_ORDER, FormulaError, parse_expression
from smxcheck.formula.lexicon import COMMON
from smxcheck.formula.notation import notation, text
from smxcheck.formula.symbols import FUNCTIONS, INDICES, SYMBOLS, WORDS
from smxcheck.formula.tokens import LONGEST, MOST_TOKENS
from smxcheck.pages.claim import EXIT_CODES, claim_page
from smxcheck.pages.model import Display, Facts, Text

GRAMMAR = notation(COMMON, ascii=True)

#: Several tests ask the same question.
judged = cache(answer)


def condition(found: Answer) -> str:
    """The condition that was found, in the grammar."""
    assert found.case is not None
    return ", ".join(text(c, GRAMMAR) for c in found.case.conditions)


# ---- what is right


def test_the_right_formula_is_found_in_the_readers_indices() -> None:
    found = judged("diff(H, z[k]) == p[k] - 1")
    assert found.right is not None
    assert found.right.claim.relation.left == COMMON.expression("diff(H, z[k])")
    assert judged(text(found.right.claim, GRAMMAR)).verdict is Verdict.TRUE


def test_of_several_right_formulas_the_one_without_conditions_is_shown() -> None:
    found = judged("diff(CE, z[i]) == p[i] + y[i]").right
    assert found is not None and not found.claim.conditions


def test_the_right_formula_is_found_for_another_spelling_of_the_derivative() -> None:
    """By its numbers, not its text."""
    found = judged("diff(-sum(k, y[k]*log(p[k])), z[l]) == p[l] + y[l]")
    assert found.right is not None and found.right.id == "cross-entropy-gradient"


def test_the_right_formula_of_a_derivative_is_about_a_derivative() -> None:
    """The gradient of L is p, but so is much else: the derivation of the gradient is what is asked for."""
    right = judged("diff(L, z[i]) == p[i] - y[i]").right
    assert right is not None and right.id == "logsumexp-gradient"
    assert text(right.claim, notation(COMMON, ascii=True)) == "diff(L, z[i]) == p[i]"


@pytest.mark.slow
def test_the_published_note_with_the_same_error_is_named() -> None:
    assert judged("diff(H, z[k]) == -1 + p[k]").published == "004/entropy-gradient"
    assert judged("diff(H, z[k]) == 1 + p[k]").published == ""
    assert judged("diff(CE, z[i]) == p[i] - y[i] if n > 1").published == ""  # said of labels that add up to 1, where it is true
    assert judged("diff(CE, z[i]) == -y[i]*(1 - p[i]) + sum(k != 1, y[k]*p[i])").published == "000/index-slip"
    # the same for i = 1 alone, and for labels that add up to 1 alone
    assert judged("diff(H, z[k]) == p[k] - 1 + z[k] - z[1]").published == ""
    assert judged("diff(CE, z[i]) == Y*(-y[i]*(1 - p[i]) + sum(k != 1, y[k]*p[i]))").published == ""
    assert judged("diff(p[i], z[j], z[k]) == p[i]*p[k]*(2*p[i] - 1) if i != j, j == k").published == "004/second-ikk"  # which writes one letter where the condition makes two equal


def test_bound_letters_get_out_of_the_way() -> None:
    claim = COMMON.claim("z[i] == sum(k, z[k]*delta(i, k))")
    renamed = in_letters(claim, {"i": "k"})
    assert renamed is not None
    assert text(renamed, GRAMMAR) == "z[k] == sum(i, z[i]*delta(k, i))"


# ---- words for a beginner


@pytest.mark.parametrize(
    ("claim", "position", "remedy"),
    [
        ("H = 1", 2, "write =="),
        ("p_i == 1", 0, "write p[i]"),
        ("zj == 1", 0, "write z[j]"),
        ("p(i) == 1", 2, "write p[i]"),
        ("d_ij == 1", 0, "write delta(i, j)"),
        ("delta_ij == 1", 0, "write delta(i, j)"),
        ("sum_k == 1", 0, "write sum(k, ...)"),
        ("ln(S) == L", 0, "write log"),
        ("sigma == 1", 0, "write p[i]"),
        ("∂H == 1", 0, "write diff(H, z[i])"),
        ("pᵢ == 1", 1, "brackets"),
        ("2 p[i] == 1", 2, "write * for a product"),
        ("exp(2 z[i]) == 1", 6, "write * for a product"),
        ("e^z[i] == 1", 1, "exp(x)"),
        ("p[i] == 1 where i == j", 10, "write if"),
        ("p[i] == p[j] == 1", 13, "one relation"),
        ("diff(H, z[i])", 13, "a relation is missing"),
        ("p == 1", 2, "as in p[i]"),
        ("z[0] == 1", 2, f"from 1 to {LARGEST_INDEX}"),
        ("H == 1 + O(t^0)", 13, f"from 1 to {LARGEST_ORDER}"),
        ("diff(log(n), n) == 0", 13, "nothing is differentiated by it"),
        ("H(diff(z, z)) == 1", 10, "nothing is differentiated by it"),
        ("", 0, "ends where a value should stand"),
    ],
)
def test_errors_point_at_the_character_and_name_the_remedy(claim: str, position: int, remedy: str) -> None:
    with pytest.raises(FormulaError) as error:
        answer(claim)
    assert error.value.position == position
    assert remedy in error.value.message and "\n" not in error.value.message


def test_the_remedy_for_a_name_is_itself_read() -> None:
    """Every name or sign that is proposed belongs to the grammar, so that following a hint does not lead to the next."""
    for proposal in {*remedies.COMMON_NAMES.values(), *remedies.SIGNS.values()}:
        head = proposal.partition("(")[0].partition("[")[0]
        assert head in {*SYMBOLS, *FUNCTIONS, *WORDS} or not head[:1].isalpha()


# ---- safety

HARMFUL = (
    "exp(exp(exp(z[i]))) == 1",
    "9^9^9^9 == 1",
    "10^1000000*z[i] == 1",
    "((10^1000000)^1000000)^1000000 == 1",
    "exp(-(10^1000000)) == 0",
    "(-1)^(inf - inf) == 1",
    "9" * (LONGEST - 4) + "==1",
    "1" + "+1" * 150 + "== 151",
    "diff(" * MOST_DERIVATIVES + "exp(z[i])" + ", z[i])" * MOST_DERIVATIVES + "== exp(z[i])",
    "integral(x, inf - inf, 1, x) == 1",
    "integral(S, 0, 1, S) == 1/2",
    "H(H(z)) == log(n)",
    "max(1/0, 2) == 1",
    "diff(q[i], q[j]) == delta(i, j)",
)


@pytest.mark.parametrize("claim", HARMFUL)
def test_harmful_claims_are_answered(claim: str) -> None:
    assert answer(claim).verdict in Verdict


@pytest.mark.parametrize(
    "claim",
    [
        "(" * DEEPEST + "1" + ")" * DEEPEST + "== 1",
        "-" * DEEPEST + "1 == 1",
        "sum(i, " * 39 + "1" + ")" * 39 + "== 1",
        "diff(" * 4 + "exp(z[i])" + ", z[i])" * 4 + "== 1",
        "integral(x, 0, 1, diff(H, z[1], z[2])) == 1",
        "1" + "+1" * MOST_TOKENS + "== 1",
        "1" * (LONGEST + 1),
        "z[" + "9" * 1000 + "] == 1",
    ],
)
def test_what_is_too_deep_or_too_long_is_refused(claim: str) -> None:
    with pytest.raises(FormulaError):
        answer(claim)


COSTLY = (
    "diff(sum(i, sum(j, sum(k, sum(l, exp(z[i]*z[j]*z[k]*z[l]/100))))), z[1], z[2], z[3]) == 1",
    "integral(x, 0, inf, integral(t, 0, inf, integral(a, 0, inf, exp(-x*t*a)))) == 1",
    "diff(p[i], z[j], z[k], z[l]) == p[i]*p[j]*p[k]*p[l]*delta(i, c)",
)


@pytest.mark.parametrize("claim", COSTLY)
def test_a_budget_ends_costly_claims(claim: str) -> None:
    """Counted in operations, not in seconds: a twentieth of the budget ends each of them before all points are done."""
    parsed = COMMON.claim(claim)
    assert not table(parsed, COMMON, points_of(parsed, COMMON), BUDGET // 20).complete


ALPHABET = [*SYMBOLS, *FUNCTIONS, *WORDS, *INDICES, *"()[],+-*/^<>", "==", "!=", "<=", "=", "0", "1", "2.5", "10", " ", "σ", "_", "#", "\n"]


@given(st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join))
@settings(derandomize=True, deadline=None, max_examples=150)
def test_random_words_are_refused_with_one_line_or_answered(claim: str) -> None:
    try:
        assert answer(claim).verdict in Verdict
    except FormulaError as error:
        assert 0 <= error.position <= len(claim) and error.message and "\n" not in error.message


@given(st.text(max_size=30))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_random_text_is_refused_with_one_line_or_answered(claim: str) -> None:
    try:
        assert answer(claim).verdict in Verdict
    except FormulaError as error:
        assert 0 <= error.position <= len(claim) and "\n" not in error.message


_LEAVES = st.sampled_from(
    ["0", "1", "2", "z[i]", "z[1]", "p[j]", "y[k]", "q[i]", "d[j]", "e[i]", "H", "L", "S", "M", "mu", "n", "t", "tau", "x",
     "delta(i, j)", "pi", "inf", "H(z + t*d)", "p(z - M)[i]", "CE", "KL", "u", "f(x)", "phi(z[i])"]
)  # fmt: skip


def _larger(below: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def joined(template: str, count: int) -> st.SearchStrategy[str]:
        return st.tuples(*[below] * count).map(lambda parts: template.format(*parts))

    return st.one_of(
        *(joined(f"({{}} {sign} {{}})", 2) for sign in ("+", "-", "*", "/", "^")),
        *(joined(template, 1) for template in (
            "exp({})", "log({})", "sqrt({})", "abs({})", "log1p({})", "-{}", "sum(k, {})", "prod(j != i, {})", "max(k, {})",
            "diff({}, z[i])", "diff({}, t)", "diff({}, p[j])",
        )),
        joined("max({}, {})", 2),
    )  # fmt: skip


EXPRESSIONS = st.recursive(_LEAVES, _larger, max_leaves=6)


CLAIMS = st.tuples(EXPRESSIONS, st.sampled_from(["==", "!=", "<=", "<", ">"]), EXPRESSIONS)


@pytest.mark.slow
@given(CLAIMS)
@settings(derandomize=True, deadline=None, max_examples=5)
def test_a_claim_of_the_grammar_gets_a_page(claim: tuple[str, str, str]) -> None:
    gets_a_page(*claim)


@pytest.mark.slow
@given(CLAIMS)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_every_claim_of_the_grammar_gets_a_page(claim: tuple[str, str, str]) -> None:
    gets_a_page(*claim)


def gets_a_page(left: str, sign: str, right: str) -> None:
    """No traceback, whatever is asked; a text that is refused names a character."""
    try:
        page = claim_page(f"{left} {sign} {right}")
    except FormulaError as error:
        assert "order" in error.message or "derivative" in error.message or "differentiated" in error.message
        return
    assert page.exit_code in (0, 1, 3) and isinstance(page.blocks[0], Display)


@pytest.mark.slow
@given(EXPRESSIONS)
@settings(derandomize=True, deadline=None, max_examples=20)
def test_nothing_equals_itself_and_one_more(expression: str) -> None:
    """x == x + 1 is never true, and x == x never false: at huge values they are the same number, which is undecided."""
    try:
        parse_expression(expression)
        more, same = answer(f"{expression} == {expression} + 1"), answer(f"{expression} == {expression}")
    except FormulaError:
        return
    assert same.verdict in (Verdict.TRUE, Verdict.UNDECIDED)
    assert more.verdict is not Verdict.TRUE or _huge(expression)


def _huge(expression: str) -> bool:
    """Whether a value is so large that 120 digits cannot tell it from itself and one more, at all points."""
    claim = COMMON.claim(f"abs({expression}) > 10^29")
    return all(e.outcome == "true" for e in table(claim, COMMON, points_of(claim, COMMON)).entries)


# ---- the page


@pytest.mark.parametrize(
    ("claim", "exit_code", "first"),
    [
        ("diff(H, z[i]) == -p[i]*(log(p[i]) + H)", 0, "True at"),
        ("diff(CE, z[i]) == p[i] - y[i]", 1, "True if"),
        ("diff(H, z[i]) == p[i] - 1", 1, "False"),
        ("1/0 == 1", 3, "Undecided"),
    ],
)
def test_the_verdict_comes_first_and_sets_the_exit_code(claim: str, exit_code: int, first: str) -> None:
    page = claim_page(claim)
    assert page.exit_code == exit_code and str(page.title[0]).startswith(first)
    assert set(EXIT_CODES) == set(Verdict)


def facts(claim: str) -> dict[str, Any]:
    page = claim_page(claim)
    return {label: value for block in page.blocks if isinstance(block, Facts) for label, value in block.rows}


def test_a_false_claim_shows_how_to_try_it_and_what_is_right() -> None:
    """The slope of H between z = (-0.001, 1) and (0.001, 1), which a calculator gives, is the left side."""
    rows = facts("diff(H, z[i]) == p[i] - 1")
    assert "slope of about 0.19661" in rows["left side"][-1]
    assert rows["right side"][-1] == " = −0.73105858"
    assert rows["derived by"] == ("smxcheck explain entropy-gradient",)
    assert rows["same error"] == ("smxcheck explain 004/entropy-gradient",)


def test_a_true_claim_says_that_it_is_no_proof() -> None:
    page = claim_page("H <= log(n)")
    assert any(isinstance(b, Text) and "not a proof" in str(b.text) for b in page.blocks)
    assert "digits" not in str(page.title)  # an inequality has no digits of agreement


def test_a_remainder_that_falls_too_slowly_says_how_it_falls() -> None:
    assert "falls like t^1.00" in str(claim_page("H(z + t*d) == H + O(t^2)").title[-1])


def test_the_data_of_a_page_is_plain() -> None:
    data = claim_page("diff(CE, z[i]) == p[i] - y[i]").data
    assert data["verdict"] == "true if" and data["condition"] == "Y == 1"
    assert data["counterexample"] == {
        "given": {"z": "(0, 1)", "y": "(2, 1)"}, "indices": {"i": 1}, "left": "-1.1931757359", "right": "-1.7310585786",
    }  # fmt: skip
