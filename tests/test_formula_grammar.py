"""The grammar: every line of it is read, whatever it does not have is refused at the character at fault, in bounded time."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smxcheck.formula.grammar import DEEPEST, FormulaError, parse_claim, parse_conditions, parse_expression
from smxcheck.formula.lexicon import COMMON, Lexicon
from smxcheck.formula.symbols import FUNCTIONS, INDICES, SYMBOLS, WORDS, Symbol
from smxcheck.formula.tokens import LONGEST, MOST_TOKENS
from smxcheck.formula.tree import (
    Apply,
    At,
    Binary,
    Claim,
    Delta,
    Diff,
    IndexRelation,
    Integral,
    Item,
    Name,
    Negative,
    Node,
    Number,
    Over,
    Relation,
    free_indices,
    names,
    order_of,
)

x, t, z, L, H = (Name(name) for name in ("x", "t", "z", "L", "H"))
p = {index: Item("p", index) for index in (*INDICES, 1, 12)}


def number(text: str) -> Number:
    return Number(Fraction(text))


READ: dict[str, Node] = {
    # sum and product: from left to right, * and / before + and -
    "x - t - L": Binary("-", Binary("-", x, t), L),
    "x / t * L": Binary("*", Binary("/", x, t), L),
    "x + t*L": Binary("+", x, Binary("*", t, L)),
    "(x + t)*L": Binary("*", Binary("+", x, t), L),
    # signed and power: ^ from right to left, before a minus on its left
    "-x^2": Negative(Binary("^", x, number("2"))),
    "(-x)^2": Binary("^", Negative(x), number("2")),
    "x^t^2": Binary("^", x, Binary("^", t, number("2"))),
    "x^-t": Binary("^", x, Negative(t)),
    "x**2": Binary("^", x, number("2")),
    "-x*t": Binary("*", Negative(x), t),
    "x*-t": Binary("*", x, Negative(t)),
    "--x": Negative(Negative(x)),
    # atoms
    "0.50": number("0.5"),
    "2.5e-05": number("0.000025"),
    "1E3": number("1000"),
    "p[12]": p[12],
    "inf": Name("inf"),
    "pi": Name("pi"),
    "log(p[i])": Apply("log", (p["i"],)),
    "max(x, t)": Apply("max", (x, t)),
    "phi(z[i])": Apply("phi", (Item("z", "i"),)),
    "H(z + t*d)": At("H", Binary("+", z, Binary("*", t, Name("d")))),
    "p(z)[c]": At("p", z, "c"),
    "sum(k, p[k])": Over("sum", "k", (), p["k"]),
    "prod(k != i != 1, p[k])": Over("prod", "k", ("i", 1), p["k"]),
    "max(k, p[k])": Over("max", "k", (), p["k"]),
    "delta(i, 12)": Delta("i", 12),
    "diff(H, z[i], t)": Diff(H, (Item("z", "i"), t)),
    "integral(x, 0, inf, x^2)": Integral("x", number("0"), Name("inf"), Binary("^", x, number("2"))),
}


@pytest.mark.parametrize(("text", "tree"), READ.items())
def test_every_line_of_the_grammar(text: str, tree: Node) -> None:
    assert parse_expression(text) == tree
    assert parse_expression(f" ({text}) ") == tree, "parentheses leave no trace"


@pytest.mark.parametrize("operator", ["==", "!=", "<=", ">=", "<", ">"])
def test_relations(operator: str) -> None:
    assert parse_claim(f"x {operator} t") == Claim(Relation(operator, x, t))


def test_a_claim_has_conditions_and_a_remainder() -> None:
    claim = parse_claim("H(z + t*d) == H + t + O(t^2) if i != j, c == 1, L > 0")
    assert claim.relation.right == Binary("+", H, t)
    assert claim.relation.order == ("t", 2)
    assert claim.conditions == (
        IndexRelation("!=", "i", "j"), IndexRelation("==", "c", 1), Relation(">", L, number("0")),
    )  # fmt: skip
    assert parse_claim("x == 0 + O(t)").relation.order == ("t", 1)
    assert parse_conditions(" ") == ()


def test_positions_say_where_each_part_begins() -> None:
    claim = parse_claim("x == sum(k, p[k]) if i != j")
    assert (claim.relation.right.position, claim.conditions[0].position) == (5, 21)


REFUSED = {
    # text: position of the character at fault, and what the message says
    "": (0, "the formula ends where a value should stand"),
    "x +": (3, "the formula ends where a value should stand"),
    "x + * t": (4, "a value should stand where '*' stands"),
    "x t": (2, "'t' cannot follow what stands before it; write * for a product"),
    "2x": (1, "'x' cannot follow"),
    "x = t": (2, "'=' means nothing here; write == for equality"),
    "x ; t": (2, "';' means nothing here"),
    "foo": (0, "unknown name 'foo'"),
    "entropi": (0, "unknown name 'entropi'"),
    "exp": (3, "'(' is missing after exp"),
    "exp(x": (5, "')' is missing after the argument of exp"),
    "exp(x, t)": (0, "exp takes 1 argument, not 2"),
    "max(x)": (0, "max takes 2 arguments, not 1"),
    "(x": (2, "')' is missing after the expression in parentheses"),
    "x)": (1, "')' cannot follow"),
    "i": (0, "the index i is no value by itself; as in z[i]"),
    "z": (1, "z is a vector: name an entry, as in z[i]"),
    "z[q]": (2, "an index is one of i, j, k, l, c, or a number from 1 to 999"),
    "z[0]": (2, "an index is one of"),
    "z[1.5]": (2, "an index is one of"),
    "z[i": (3, "']' is missing after the index"),
    "H[i]": (1, "H is one number and has no entries"),
    "x(1 + t)": (0, "x is given and depends on nothing; * is needed for a product"),
    "p(z)": (4, "p(…) is a vector: name an entry, as in p(z)[i]"),
    "sum(p[k])": (4, "sum names its index first, as in sum(k, z[k])"),
    "sum(k p[k])": (6, "',' is missing after the index"),
    "delta(i, x)": (9, "an index is one of"),
    "delta(i)": (7, "',' is missing after the first index"),
    "diff(H)": (6, "diff takes what to differentiate by, as in diff(H, z[i])"),
    "diff(H, 2)": (8, "what is differentiated by is a letter"),
    "diff(H, pi)": (8, "what is differentiated by is a letter"),
    "diff(H, n)": (8, "n is not one real number"),
    "diff(H, N)": (8, "N is not one real number"),
    "diff(H, x, x, x, x)": (0, "derivatives are taken up to the third order"),
    "integral(z, 0, 1, x)": (9, "integral names its variable first"),
    "integral(x, 0, x)": (16, "',' is missing after the upper end"),
}


@pytest.mark.parametrize(("text", "expected"), REFUSED.items())
def test_what_is_no_formula_is_refused_at_the_character_at_fault(text: str, expected: tuple[int, str]) -> None:
    with pytest.raises(FormulaError) as error:
        parse_expression(text)
    position, message = expected
    assert (error.value.position, message in error.value.message) == (position, True), error.value.message


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("x + t", 5, "a relation is missing"),
        ("x == t == L", 7, "'==' cannot follow"),
        ("x == t if", 9, "the formula ends"),
        ("x == t, i == j", 6, "',' cannot follow"),
        ("x == t + O(z^2)", 11, "O\\(…\\) takes a power of a scalar"),
        ("x == t + O(t^0)", 13, "the power in O\\(…\\) is a whole number from 1"),
        ("x == t + O(t^99)", 13, "the power in O\\(…\\) is a whole number from 1"),
        ("x == t if i == z", 15, "an index is one of"),
    ],
)
def test_what_is_no_claim_is_refused_too(text: str, position: int, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as error:
        parse_claim(text)
    assert error.value.position == position


@pytest.mark.parametrize(
    "text",
    [
        "(" * 500 + "x" + ")" * 500, "-" * 1500 + "x", "x^" * 700 + "x", "exp(" * 400 + "x", "x" * (LONGEST + 1),
        "x+" * 999 + "x",
    ],
    ids=["parentheses", "minus", "powers", "functions", "characters", "sums"],
)
def test_what_is_too_long_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(FormulaError, match="at most"):
        parse_expression(text)


def test_a_formula_at_the_limits_is_read() -> None:
    deep = "(" * (DEEPEST // 2 - 1) + "x" + ")" * (DEEPEST // 2 - 1)
    assert parse_expression(deep) == x
    terms = (MOST_TOKENS - 1) // 2
    assert order_of(parse_expression("x" + "+x" * terms)) == 0


PIECES = [
    *SYMBOLS, *FUNCTIONS, *INDICES, *WORDS, *"+-*/^()[],<>=! .e", "==", "!=", "<=", "1", "2.5", "é", "∂", "\n", "z[i]", "exp(",
]  # fmt: skip


@settings(derandomize=True, deadline=None, max_examples=400)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=40).map("".join)))
def test_any_text_is_read_or_refused_at_one_of_its_characters(text: str) -> None:
    for read in (parse_claim, parse_expression, parse_conditions):
        try:
            read(text)
        except FormulaError as error:
            assert 0 <= error.position <= len(text)
            assert error.message


# ---- what is read from a tree


def test_free_indices_are_those_that_nothing_binds() -> None:
    assert free_indices(parse_expression("p[j]*sum(k, delta(i, k)*p[k]) + p[k]")) == ("j", "i", "k")
    assert free_indices(parse_expression("sum(k != i, max(l, z[l]))")) == ("i",)


def test_names_leave_out_the_variables_of_integrals() -> None:
    assert names(parse_claim("integral(x, 0, a, exp(x*L)) == p[i] + O(t^2)")) == {"a", "L", "p", "t", "exp"}


@pytest.mark.parametrize(("text", "order"), [("x", 0), ("diff(H, z[i], z[j])", 2), ("diff(x*diff(L, z[i]), x) + diff(H, t)", 2)])
def test_the_order_counts_derivatives_in_one_another(text: str, order: int) -> None:
    assert order_of(parse_expression(text)) == order


# ---- letters of a topic's own


def own(name: str, definition: str, kind: str = "vector") -> Symbol:
    return Symbol(name, kind, name, name, name, "own", definition)


def test_a_lexicon_reads_its_own_letters_and_knows_what_they_need() -> None:
    lexicon = Lexicon([own("r", "log(p[i]/q[i])"), own("R", "sum(k, r[k])", "scalar")])
    node = lexicon.expression("R - r[i]")
    assert lexicon.used([node]) == {"R", "r", "p", "q", "e", "S", "z"}
    assert lexicon.given([node]) == {"q", "z"}
    with pytest.raises(FormulaError, match="unknown name 'R'"):
        COMMON.expression("R")


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        (own("r", "p[i"), "the definition of r: .* \\(character 4\\)"),
        (own("r", "p[j]"), "the definition of r has a free index beside i"),
        (own("R", "p[i]", "scalar"), "the definition of R has a free index beside none"),
        (own("r", "1 + r[i]"), "the definition of r leads back to r"),
        (own("sum", "1", "scalar"), "'sum' means something in formulas already"),
        (own("j", "1", "scalar"), "'j' means something in formulas already"),
    ],
)
def test_letters_that_cannot_be_defined_so_are_refused(symbol: Symbol, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Lexicon([symbol])


def test_two_letters_that_lead_back_to_one_another_are_refused() -> None:
    with pytest.raises(ValueError, match="leads back to"):
        Lexicon([own("r", "s[i]"), own("s", "r[i]")])
